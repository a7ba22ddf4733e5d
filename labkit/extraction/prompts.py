"""The prompt: a Markdown file with the study's rules, filled from the template, the same bytes for every report.

Used by `chat` and `batch`. The static part is the system message and comes first, so that a provider's prompt cache
holds it; the report alone is the user message. The hash of the filled text is part of every result.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import jinja2

from labkit.errors import ParamsError
from labkit.extraction.schema import strict_schema
from labkit.templates import Template

__all__ = ["PROMPTS_DIR", "Prompt", "load"]

PROMPTS_DIR = Path(__file__).parents[2] / "params" / "prompts"

IN_WORDS = """
## Form of the answer

Answer with one JSON object and nothing else, no Markdown. It has exactly these keys, one per finding, each an object
with the keys `evidence` (text) and `value` (one of the three words), as in this JSON schema:

```json
{schema}
```
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A filled prompt; `text` is the system message, `in_words` adds the schema for servers that take none."""

    name: str
    text: str
    in_words: str
    sha256: str


def load(prompt: str | Path, template: Template, *, switches: dict[str, bool] | None = None) -> Prompt:
    """Read a prompt by name (`extraction`, from `params/prompts/`) or path and fill it for a template.

    Parameters
    ----------
    switches : clinical choices by name; they choose between sentences of the file.

    Raises
    ------
    ParamsError : no such file, or it names something that a prompt is not given.
    """
    path = Path(prompt)
    if path.suffix != ".md":
        path = PROMPTS_DIR / f"{prompt}.md"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PROMPTS_DIR.glob("*.md")))
        raise ParamsError(
            f"{prompt}: no such prompt; known names: {known}. Give one of them or the path of a .md file."
        )
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        text = environment.from_string(path.read_text(encoding="utf-8")).render(
            anatomy=template.anatomy, findings=template.findings, by_id=template.by_id, **(switches or {})
        )
    except jinja2.UndefinedError as error:
        known = ", ".join(["anatomy", "by_id", "findings", *sorted(switches or {})])
        raise ParamsError(f"{path.name}: {error.message}; a prompt is given: {known}.") from error
    except jinja2.TemplateSyntaxError as error:
        raise ParamsError(f"{path.name}, line {error.lineno}: {error.message}; mend the line.") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path.name}: this is not UTF-8; save the file in UTF-8.") from error
    schema = json.dumps(strict_schema(template), ensure_ascii=False)
    in_words = text + IN_WORDS.format(schema=schema)
    digest = hashlib.sha256((text + "\0" + schema).encode()).hexdigest()
    return Prompt(name=path.stem, text=text, in_words=in_words, sha256=digest)
