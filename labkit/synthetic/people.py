"""People who do not exist: patients, physicians and numbers for reports and DICOM headers.

Names are put together from an own list so that nobody takes them for a person; telephone numbers are from the blocks that the
German Bundesnetzagentur and the North American plan keep free for films.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

__all__ = ["Patient", "Visit", "patient", "visit"]

FIRST_F = "Alma Bente Cosima Dorle Elfi Frauke Gesa Hedda Ilka Jorinde Kaja Lioba Mieke Nele Ortrud Philine".split()
FIRST_M = "Arvid Bosse Caspar Detlev Eike Fiete Gustl Hauke Ingo Jesper Knut Lasse Momme Norwin Ole Pelle".split()
LAST_A = "Nebel Silber Tannen Moor Winter Hasel Kiesel Morgen Wolken Sternen Apfel Birken Lerchen Quitten Regen".split()
LAST_B = "quell furt stein hain pfad grund mühl weiler kamp horst bruch tal winkel rode".split()
FIRST_F_EN = (
    "Abelia Bryony Clementia Dulcie Elspeth Florentia Hyacinth Isolde Lettice Marigold Ottoline Primrose".split()
)
FIRST_M_EN = "Ambrose Barnaby Cuthbert Digby Eustace Fergus Horatio Ignatius Lysander Montague Phineas Septimus".split()
LAST_A_EN = "Briar Cloud Fable Marrow Puddle Quill Thistle Tumble Velvet Whisper Wobble Pickle Mossy Drizzle".split()
LAST_B_EN = "bottom button mantle pocket quiver whistle thimble bramble kettle wick snap thorn".split()
TITLES = {"de": ("Dr. med.", "Dr.", "PD Dr. med.", "Prof. Dr. med."), "en": ("Dr", "Dr.", "Prof.")}
TOWNS = {
    "de": ("Beispielhausen", "Musterstadt", "Probefeld", "Nirgendorf"),
    "en": ("Sampleton", "Nowhere Bay", "Mockford"),
}
STREETS = {"de": ("Musterweg", "Beispielallee", "Am Probeteich"), "en": ("Sample Street", "Mock Lane", "Example Road")}
FIRST_DAY = date(2018, 1, 2)


@dataclass(frozen=True)
class Patient:
    """One fictitious person of a site; sex F or M, at least 25 years old at every visit."""

    patient_id: str
    last: str
    first: str
    sex: str
    born: date

    @property
    def dicom_name(self) -> str:
        return f"{self.last}^{self.first}"


@dataclass(frozen=True)
class Visit:
    """One study of a patient with all the numbers and names that stand around it."""

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

    def age(self, born: date) -> int:
        return self.day.year - born.year - ((self.day.month, self.day.day) < (born.month, born.day))


def patient(rng: np.random.Generator, *, site: str, number: int, seed: int, language: str) -> Patient:
    """The person with this number; the id is a scattered one, so that it does not tell the order."""
    sex = "F" if rng.random() < 0.5 else "M"
    first = _first(rng, language, sex)
    born = date(1932, 1, 1) + timedelta(days=int(rng.integers(0, 60 * 365)))
    return Patient(_scatter(number, seed=seed, salt=1 + len(site)), _last(rng, language), first, sex, born)


def visit(rng: np.random.Generator, *, number: int, site: str, seed: int, language: str, before: Visit | None) -> Visit:
    """The study with this number, on a day of its own, or of the same side some weeks after the one `before`."""
    salt = len(site)
    day = FIRST_DAY + timedelta(days=int(rng.integers(0, 1800))) if before is None else before.day
    side = "L" if rng.random() < 0.5 else "R"
    if before is not None:
        day, side = day + timedelta(days=int(rng.integers(10, 120))), before.side
    title = _choose(rng, TITLES[language])
    case, last, dial = int(rng.integers(0, 10**8)), int(rng.integers(0, 1000)), int(rng.integers(0, 100))
    phone = f"030 23125-{last:03d}" if language == "de" else f"(555) 555-01{dial:02d}"
    return Visit(
        report_id=_scatter(number, seed=seed, salt=11 + salt),
        accession_number=("A" if site == "internal" else "X") + _scatter(number, seed=seed, salt=23 + salt),
        case_number=f"{case:08d}",
        day=day,
        side=side,
        referrer=f"{title} {_first(rng, language)[0]}. {_last(rng, language)}",
        author=f"{_choose(rng, TITLES[language])} {_first(rng, language)} {_last(rng, language)}",
        phone=phone,
        town=_choose(rng, TOWNS[language]),
        street=f"{_choose(rng, STREETS[language])} {int(rng.integers(1, 90))}",
    )


def _scatter(number: int, *, seed: int, salt: int) -> str:
    """A number of 8 digits, unlike its neighbours' and never given twice: an invertible map modulo a prime."""
    prime = 99_999_989
    return f"{(number * 48_271_777 + seed * 7_919 + salt * 15_485_863) % prime:08d}"


def _first(rng: np.random.Generator, language: str, sex: str | None = None) -> str:
    women, men = (FIRST_F_EN, FIRST_M_EN) if language == "en" else (FIRST_F, FIRST_M)
    return _choose(rng, {"F": women, "M": men}.get(sex, women + men))


def _last(rng: np.random.Generator, language: str) -> str:
    front, back = (LAST_A_EN, LAST_B_EN) if language == "en" else (LAST_A, LAST_B)
    return _choose(rng, front) + _choose(rng, back)


def _choose(rng: np.random.Generator, options):
    return options[int(rng.integers(0, len(options)))]
