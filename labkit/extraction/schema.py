"""The answer that a model must give: a pydantic model and a strict JSON schema, both made from the template.

Used by `chat` and `batch`. Every finding is required, values are closed, and the quote stands before the value so
that it conditions the value. The schema keeps to the strict subset of structured outputs; `lint` says where one does
not.
"""

import json
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from labkit.templates import LabelValue, Template

__all__ = ["Invalid", "answer_model", "lint", "parse", "strict_schema"]

# Limits of the oldest structured-output servers; newer ones allow more.
MOST_PROPERTIES = 100
DEEPEST = 5
# What was wrong with an answer, in words that go into its reason.
FAULTS = {
    "enum": "is none of true, uncertain, false",
    "extra_forbidden": "holds a finding that was not asked for",
    "missing": "is missing",
}
ALLOWED = frozenset({"type", "properties", "required", "additionalProperties", "enum", "description", "items", "anyOf"})


class Invalid(Exception):
    """An answer that does not keep to the schema; the message names the place, never the content."""


def _as_word(value: Any) -> Any:
    # JSON's own true and false mean the study's words; servers without a schema like to send them.
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


class Reading(BaseModel):
    """What the model says of one finding: the sentence it read, then the value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    evidence: Annotated[str, BeforeValidator(lambda quote: "" if quote is None else quote)]
    value: Annotated[LabelValue, BeforeValidator(_as_word)]


@lru_cache(maxsize=32)
def _model(ids: tuple[str, ...]) -> type[BaseModel]:
    fields: dict[str, Any] = {i: (Reading, Field()) for i in ids}
    settings = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    return create_model("Labels", __config__=settings, **fields)


def answer_model(template: Template) -> type[BaseModel]:
    """Pydantic model with one required `Reading` per finding id; unknown keys are refused."""
    return _model(template.ids)


def strict_schema(template: Template) -> dict[str, Any]:
    """JSON schema of the answer in the strict subset, the same bytes for the same template.

    It holds finding ids and the three values only: servers keep schemas longer than prompts, so nothing of a report
    may be in it. Nested objects are written out, since not every server follows `$ref`.
    """
    reading = {
        "type": "object",
        "properties": {
            "evidence": {"type": "string"},
            "value": {"type": "string", "enum": [value.value for value in LabelValue]},
        },
        "required": ["evidence", "value"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": dict.fromkeys(template.ids, reading),
        "required": list(template.ids),
        "additionalProperties": False,
    }


def lint(schema: dict[str, Any], *, place: str = "schema", depth: int = 1) -> list[str]:
    """Sentences on where a schema leaves the strict subset; empty when it keeps to it."""
    faults = [f"{place}: the keyword '{key}' is not in the strict subset" for key in sorted(set(schema) - ALLOWED)]
    if depth > DEEPEST:
        faults.append(f"{place}: nested deeper than {DEEPEST} levels")
    if schema.get("type") == "object":
        names = list(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False:
            faults.append(f"{place}: additionalProperties must be false")
        if sorted(schema.get("required", [])) != sorted(names):
            faults.append(f"{place}: every property must be required")
        for name in names:
            faults += lint(schema["properties"][name], place=f"{place}.{name}", depth=depth + 1)
    if depth == 1 and _count(schema) > MOST_PROPERTIES:
        faults.append(f"{place}: {_count(schema)} properties, at most {MOST_PROPERTIES} are safe on every server")
    return faults


def _count(schema: dict[str, Any]) -> int:
    inner = schema.get("properties", {})
    return len(inner) + sum(_count(part) for part in inner.values())


def parse(content: str, template: Template) -> dict[str, Reading]:
    """Readings by finding id from a model's answer.

    Raises
    ------
    Invalid : no JSON, a finding is missing or unknown, a value is none of the three.
    """
    text = content.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        answer = answer_model(template).model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise Invalid(f"no JSON (character {error.pos} of {len(text)})") from None
    except RecursionError:
        raise Invalid("JSON nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # An unknown key is the model's own text and stays out of the message.
        known = [str(part) for part in first["loc"] if str(part) in {*template.ids, "evidence", "value"}]
        fault = FAULTS.get(first["type"], first["type"].replace("_", " "))
        raise Invalid(f"{'.'.join(known) or 'the answer'} {fault}") from None
    return {i: getattr(answer, i) for i in template.ids}
