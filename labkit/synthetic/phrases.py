"""The phrase bank: how a hospital words each finding in German and English, read from `phrases/*.yaml`.

A template that has no file here is worded from its findings' names.
"""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from labkit.synthetic.statements import Roles
from labkit.synthetic.truth import Structure
from labkit.templates import Template

__all__ = ["Bank", "Entry", "Vocabulary", "frames", "load"]

PHRASES_DIR = Path(__file__).parent / "phrases"
LANGUAGES = ("de", "en")
COUNTED = ("fracture", "dislocation", "subluxation", "lesion", "body", "mass", "sign", "ossicle")
NOUN_KINDS = ("f", "m", "n", "p", "s", "u", "x")


class Vocabulary(BaseModel):
    """Words of one finding in one language: nouns by gender (German) or number (English), x where neither is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    f: tuple[str, ...] = ()
    m: tuple[str, ...] = ()
    n: tuple[str, ...] = ()
    p: tuple[str, ...] = ()
    s: tuple[str, ...] = ()
    u: tuple[str, ...] = ()
    x: tuple[str, ...] = ()
    comminuted: tuple[str, ...] = ()  # nouns that say so themselves, same gender as the first kind
    observed: tuple[str, ...] = ()  # what is seen, before what it means
    doubt_observed: tuple[str, ...] = ()  # the same where the meaning stays open
    stated: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def nouns(self) -> tuple[tuple[str, str], ...]:
        """Pairs (kind, noun phrase)."""
        return tuple((kind, noun) for kind in NOUN_KINDS for noun in getattr(self, kind))


class Entry(BaseModel):
    """One finding of the bank; `modifiers` maps a kind of colouring to the finding that it makes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    de: Vocabulary
    en: Vocabulary
    modifiers: dict[str, str] = {}
    hedge_only: bool = False
    reducible: bool = False
    causes: str | None = None


class Bank(BaseModel):
    """All wording of an anatomy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    findings: dict[str, Entry]
    normals: tuple[dict[str, tuple[str, ...]], ...] = ()
    others: dict[str, tuple[str, ...]] = {"de": (), "en": ()}

    def roles(self, structure: Structure) -> Roles:
        """Which findings are worded, which colour others and which are only ever hedged, as columns."""
        column = structure.column
        colours: dict[int, set[int]] = {}
        for finding_id, entry in self.findings.items():
            for modifier in entry.modifiers.values():
                colours.setdefault(column[modifier], set()).add(column[finding_id])
        return Roles(
            entities=tuple(column[i] for i in self.findings if column[i] not in colours),
            modifiers={k: tuple(sorted(leads)) for k, leads in sorted(colours.items())},
            hedge_only=frozenset(column[i] for i, entry in self.findings.items() if entry.hedge_only),
        )


@lru_cache(maxsize=4)
def frames(language: str) -> dict:
    """Sentence frames of a language, shared by all anatomies."""
    return yaml.safe_load((PHRASES_DIR / f"{language}.yaml").read_text(encoding="utf-8"))


def load(template: Template) -> Bank:
    """The template's phrase bank; findings without words of their own get their name, in both languages."""
    path = PHRASES_DIR / f"{template.anatomy}.yaml"
    content = {"findings": {}}
    if path.is_file() and template.anatomy not in LANGUAGES:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = {}
    for finding_id, entry in content["findings"].items():
        if finding_id in template.ids:
            modifiers = {kind: i for kind, i in entry.get("modifiers", {}).items() if i in template.ids}
            entries[finding_id] = Entry.model_validate(entry | {"modifiers": modifiers})
    worded = set(entries) | {i for entry in entries.values() for i in entry.modifiers.values()}
    parents = {parent for finding in template.findings for parent in finding.parents}
    for finding in template.findings:
        if finding.id in worded or (entries and finding.id in parents):
            continue
        entries[finding.id] = _from_name(finding.name)
    normals = [normal for normal in content.get("normals", ()) if set(normal["denies"]) <= set(template.ids)]
    others = content.get("others", {"de": (), "en": ()})
    return Bank(findings=entries, normals=normals, others=others)


def _from_name(name: str) -> Entry:
    """Words made of a finding's name: 'Distal Radius - Fracture (All Locations)' -> 'distal radius fracture'."""
    plain = " ".join(name.split("(")[0].replace(" - ", " ").split())
    english = " ".join(word if word.isupper() else word.lower() for word in plain.split())
    kind = "p" if english.endswith("s") and not english.endswith(("ss", "us", "is")) else "u"
    kind = "s" if english.endswith(COUNTED) else kind
    return Entry(de=Vocabulary(x=(plain,)), en=Vocabulary.model_validate({kind: (english,)}))
