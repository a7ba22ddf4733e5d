"""People who do not exist: patients, physicians and numbers for reports and DICOM headers.

Names are put together from an own list so that nobody takes them for a person; telephone numbers are from the blocks
that the German Bundesnetzagentur and the North American plan keep free for films.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

__all__ = ["Patient", "Visit", "patient", "visit"]

NAMES_PATH = Path(__file__).parent / "phrases" / "names.yaml"
FIRST_DAY = date(2018, 1, 2)


@dataclass(frozen=True)
class Patient:
    """One fictitious person of a site; sex F or M, at least 25 years old at every visit."""

    patient_id: str
    last: str
    first: str
    sex: str
    born: date
    language: str  # of the names

    @property
    def dicom_name(self) -> str:
        return f"{self.last}^{self.first}"


@dataclass(frozen=True)
class Visit:
    """One study of a patient with all the numbers and names that stand around it."""

    person: Patient
    report_id: str
    accession_number: str
    case_number: str
    day: date
    side: str
    referrer: str
    author: str
    phone: str
    town: str
    street: str

    @property
    def age(self) -> int:
        """Full years at the study."""
        born = self.person.born
        return self.day.year - born.year - ((self.day.month, self.day.day) < (born.month, born.day))


def patient(rng: np.random.Generator, *, site: str, number: int, seed: int, language: str) -> Patient:
    """The person with this number; the id is a scattered one, so that it does not tell the order."""
    sex = "F" if rng.random() < 0.5 else "M"
    first = _first(rng, language, sex)
    born = date(1932, 1, 1) + timedelta(days=int(rng.integers(0, 60 * 365)))
    return Patient(_scatter(number, site=site, seed=seed, salt=1), _last(rng, language), first, sex, born, language)


def visit(
    rng: np.random.Generator, person: Patient, *, number: int, site: str, seed: int, before: Visit | None
) -> Visit:
    """The study with this number, on a day of its own, or of the same side some weeks after the one `before`."""
    day = FIRST_DAY + timedelta(days=int(rng.integers(0, 1800))) if before is None else before.day
    side = "L" if rng.random() < 0.5 else "R"
    if before is not None:
        day, side = day + timedelta(days=int(rng.integers(10, 120))), before.side
    language = person.language
    names = _names()[language]
    title = _choose(rng, names["titles"])
    case, last, dial = int(rng.integers(0, 10**8)), int(rng.integers(0, 1000)), int(rng.integers(0, 100))
    phone = f"030 23125-{last:03d}" if language == "de" else f"(555) 555-01{dial:02d}"
    return Visit(
        person=person,
        report_id=_scatter(number, site=site, seed=seed, salt=2),
        accession_number=("A" if site == "internal" else "X") + _scatter(number, site=site, seed=seed, salt=3),
        case_number=f"{case:08d}",
        day=day,
        side=side,
        referrer=f"{title} {_first(rng, language)[0]}. {_last(rng, language)}",
        author=f"{_choose(rng, names['titles'])} {_first(rng, language)} {_last(rng, language)}",
        phone=phone,
        town=_choose(rng, names["towns"]),
        street=f"{_choose(rng, names['streets'])} {int(rng.integers(1, 90))}",
    )


def _scatter(number: int, *, site: str, seed: int, salt: int) -> str:
    """A number of 8 digits, unlike its neighbours' and never given twice, odd at the external site.

    An invertible map modulo a prime, so that up to 50 million numbers differ.
    """
    prime = 49_999_991
    return f"{2 * ((number * 28_271_777 + seed * 7_919 + salt * 15_485_863) % prime) + (site != 'internal'):08d}"


@lru_cache(maxsize=1)
def _names() -> dict[str, dict[str, list[str]]]:
    return yaml.safe_load(NAMES_PATH.read_text(encoding="utf-8"))


def _first(rng: np.random.Generator, language: str, sex: str | None = None) -> str:
    women, men = _names()[language]["women"], _names()[language]["men"]
    return _choose(rng, {"F": women, "M": men}.get(sex, women + men))


def _last(rng: np.random.Generator, language: str) -> str:
    names = _names()[language]
    return _choose(rng, names["front"]) + _choose(rng, names["back"])


def _choose(rng: np.random.Generator, options):
    return options[int(rng.integers(0, len(options)))]
