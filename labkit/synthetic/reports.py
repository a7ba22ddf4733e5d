"""A whole report: header with fictitious identifiers, indication, findings, impression and what distracts from them."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from labkit.synthetic import phrases as bank_files
from labkit.synthetic.narrative import Case, Narrative
from labkit.synthetic.people import Visit
from labkit.synthetic.phrases import Bank
from labkit.synthetic.profiles import Profile
from labkit.synthetic.sentences import Writer, choose
from labkit.synthetic.settings import Site
from labkit.synthetic.truth import Structure
from labkit.synthetic.wording import sentence

__all__ = ["Report", "write"]

TRANSCRIBED_SHARE = 0.06  # German telegraphic reports typed without umlauts
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
DATE_FORMATS = {"de": ("%d.%m.%Y", "%d.%m.%y"), "en": ("%d %b %Y", "%m/%d/%Y", "%Y-%m-%d")}

# Fields that point at a person or an event
IDENTIFIERS = frozenset(
    (
        "accession",
        "author",
        "born",
        "case",
        "day",
        "event",
        "first",
        "last",
        "past",
        "phone",
        "referrer",
        "street",
        "town",
    )
)


@dataclass(frozen=True)
class Report:
    """The text, and the identifiers in it as pairs (kind, string as written)."""

    text: str
    identifiers: tuple[tuple[str, str], ...]


def write(case: Case, *, structure: Structure, bank: Bank, site: Site, stay: Visit, rng: np.random.Generator) -> Report:
    """Word a case in the site's language and style; the text entails `case.value` by the rules of the study."""
    language = "en" if rng.random() < site.english_share else "de"
    short = bool(rng.random() < site.short_share)
    writer = Writer(bank_files.frames(language), language, short, site, rng, case.healing, case.fixed)
    fields = _fields(writer, structure.profile, stay, case)
    body, impression = Narrative(case, structure, bank, writer).parts()
    text = (_short if short else _full)(writer, body, impression)
    used = {kind for kind in fields if f"{{{kind}}}" in text}
    for kind, value in fields.items():
        text = text.replace(f"{{{kind}}}", value)
    identifiers = tuple((kind, fields[kind]) for kind in sorted(used & IDENTIFIERS))
    if short and language == "de" and rng.random() < TRANSCRIBED_SHARE:
        text = text.translate(UMLAUTS)
        identifiers = tuple((kind, value.translate(UMLAUTS)) for kind, value in identifiers)
    return Report(text, identifiers)


def _fields(writer: Writer, profile: Profile, stay: Visit, case: Case) -> dict[str, str]:
    """Everything that a frame may name, as written in this report."""
    rng, language, person = writer.rng, writer.language, stay.person
    as_date = choose(rng, DATE_FORMATS[language])
    past = case.before or stay.day - timedelta(days=int(rng.integers(1, 900)))
    event = stay.day - timedelta(days=int(rng.integers(0, 9)))
    anatomy = profile.anatomy.replace("_", " ")
    title = profile.title[language][writer.style].format(
        side=writer.frames["sides"][writer.style][stay.side],
        anatomy=anatomy.capitalize() if language == "de" else anatomy,
    )
    return {
        "title": title,
        "last": person.last,
        "first": person.first,
        "born": person.born.strftime(as_date),
        "honorific": writer.frames["honorific"][person.sex],
        "case": stay.case_number,
        "accession": stay.accession_number,
        "day": stay.day.strftime(as_date),
        "past": past.strftime(as_date),
        "event": event.strftime(as_date),
        "year": str(past.year - int(rng.integers(1, 12))),
        "referrer": stay.referrer,
        "author": stay.author,
        "phone": stay.phone,
        "town": stay.town,
        "street": stay.street,
    }


def _full(writer: Writer, body: list[str], impression: list[str]) -> str:
    frames, rng = writer.frames, writer.rng
    sections = frames["sections"]
    parts = [choose(rng, frames["headers"])]
    clinical = []
    if rng.random() < 0.8:
        indication = choose(rng, sections["indication"]).replace("{indication}", choose(rng, frames["indications"]))
        clinical.append(indication)
    if rng.random() < 0.7:
        clinical.append(choose(rng, sections["question"]).replace("{question}", choose(rng, frames["questions"])))
    if clinical:
        parts.append("\n".join(clinical))
    parts.append(f"{choose(rng, sections['findings'])}\n{' '.join(body)}")
    if impression:
        parts.append(f"{choose(rng, sections['impression'])}\n{' '.join(impression)}")
    parts.append(choose(rng, frames["footers"]))
    return "\n\n".join(part for part in parts if part)


def _short(writer: Writer, body: list[str], impression: list[str]) -> str:
    frames, rng = writer.frames, writer.rng
    parts = [choose(rng, frames["short_headers"])]
    if rng.random() < 0.4:
        question = choose(rng, frames["questions"])
        parts.append(sentence(choose(rng, frames["question_short"]).replace("{question}", question)))
    parts += body
    if impression:
        parts.append(frames["short_impression"] + " ".join(impression))
    if rng.random() < 0.3:
        parts.append("{author}")
    return " ".join(parts)
