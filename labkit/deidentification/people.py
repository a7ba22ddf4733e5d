"""Names of patients, relatives and physicians, found by what stands before or after them."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import UPPER, CueIndex, alternation
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.languages import Language
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import CLOSES, INITIAL, NAME, Name, NameReader
from labkit.deidentification.signatures import Signatures
from labkit.deidentification.spans import Span

__all__ = ["People"]

COLON = r"(?!\w)\s?(?:[:=]|\t)"
SPACE = re.compile(r"\.?[ \t]*(?:\r?\n[ \t]*)?")
LEAD = re.compile(r"[ \t:.,=*\-–/]*(?:\r?\n[ \t]*)?")
BEFORE_DATE = re.compile(r"(?:\((?:[mwdfMWDF]|male|female|männlich|weiblich)\.?\)|\b[mwdMWFD]\b)?[\s,;:(*|/\-–]*$")
SURNAME_BEFORE = re.compile(rf"([{UPPER}][^\W\d_]+(?:-[{UPPER}][^\W\d_]+)*),[ \t]*$")
PLACE_BEFORE = re.compile(
    rf"(?:^|\n)[ \t]*([{UPPER}][^\W\d_]+(?:[ -][{UPPER}][^\W\d_]+)?),[ \t]+(?:(?:den|am|dem|the)[ \t]+)?$"
)
OPENING = re.compile(rf"\s*({NAME.pattern},[ \t]*{NAME.pattern}(?:[ \t]{NAME.pattern})?)(?=[ \t]*(?:[,;(*\r\n|]|$|\d))")
AFTER_COLON = re.compile(rf":[ \t]{{1,3}}(?=[{UPPER}])")
ADJECTIVE = re.compile(r"(?:e[rsnm]|[^aeiouy]e|[a-z]{6}s)$")
# initials alone: "gez. KM", "Befunder: AB/cd"
LETTERS = re.compile(
    rf"(?:[^\W\d_]{{1,4}}\.?\s?(?:[/|:]|-{{1,2}})\s?[^\W\d_]{{1,4}}\.?|[{UPPER}]{{2,4}}|(?P<small>[^\W\d_]{{2,4}}))"
    r"(?![\w-])(?=[ \t]*(?:$|[\r\n.,;)\]]|//|\d\d?[./]|[A-Z][a-zä]+:))"
)
ACCOUNT = re.compile(r"([^\W\d_A-ZÄÖÜ][^\W\dA-ZÄÖÜ]{3,})[\d._]*(?![\w-])")
# "Baker, ST4" as the last line; "phoned to Cross in ED"
ALONE = re.compile(rf"(?:^|\n)[ \t]*({NAME.pattern})$")
SMALL = re.compile(r"[ \t]+(?:[(\[@a-zäöü\d]|[A-Z]{2,4}\b|[A-Z][a-zä]{2,8}\.? \d)")
# after these no other noun stands: "AÄ Licht"
ABBREVIATED = re.compile(r"(?<!\w)(?:L?O[AÄ]|[AFC]Ä|AA)\s$")
CELL_BEFORE = re.compile(rf"(?:^|[\n:;(|/\t]|  )[ \t]*({NAME.pattern}) $")


class People:
    """Finds names with the cues of some languages."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon, eponyms: Eponyms, reader: NameReader):
        self._lexicon, self._eponyms, self._reader = lexicon, eponyms, reader
        self._signatures = Signatures(lexicon=lexicon, reader=reader)
        self._people = [language.people for language in languages]
        joins = alternation(join for p in self._people for join in p.joins)
        by = alternation(word for p in self._people for word in p.by)
        self._link = re.compile(rf"(?:(?P<by>[ \t]{by}[ \t])|[ \t]?[:,;/|][ \t]?)(?=[{UPPER}])")
        self._join = re.compile(rf"\s*(?:[/,;&+]|\b{joins}\b)\s*")

    def register(self, index: CueIndex) -> None:
        """Put all cues of people into the index."""
        for p in self._people:
            for kind, cues in (("honorific", p.honorifics), ("title", p.titles)):
                index.add(kind, cues, after=r"(?![\w-])")
            for kind, cues in (("weak_title", p.weak_titles), ("patient", p.patients), ("contact", p.contacts)):
                index.add(kind, cues, after=r"(?![\w-])")
            index.add("label", p.labels, after=COLON)
            bare = [cue for cue in p.signatures if " " in cue or cue.endswith(".")]
            index.add("signature", bare)
            single = [cue for cue in p.signatures if cue not in bare]
            index.add("signature", single, after=rf"(?:{COLON}|[ \t](?=[{UPPER}]\.[ -]?[{UPPER}]))")
            index.add("closing", p.closings)
            index.add("action", p.actions)
            index.add("role", (*p.roles, *(c for c in p.credentials if len(c) > 1)), after=r"(?![\w-])")

    def at_cue(self, kind: str, text: str, start: int, end: int) -> list[Span]:
        """Spans that a cue of a kind at [start, end) leads to."""
        if kind == "role":
            return self._before_role(text, start)
        if kind == "action":
            name = self._reader.backward(text, len(text[:start].rstrip(" ")), least=2)
            plain = name and not any(map(self._lexicon.known, NAME.findall(text[name.start : name.end])[:1]))
            return [Span(name.start, name.end, "NAME")] if plain else []
        if kind == "closing":
            return list(self._signatures.lines(text, end))
        if kind in {"honorific", "title"}:
            name = self._reader.forward(text, start if kind == "title" else SPACE.match(text, end).end(), strong=True)
            if name is None:
                return self._before_role(text, start) if kind == "title" else []
            physician = kind == "title" or name.titled
            return [
                Span(start, name.end, "PHYSICIAN" if physician else "NAME"),
                *self._joined(text, name.end, physician),
            ]
        return self._weak(kind, text, end)

    def _weak(self, kind: str, text: str, end: int) -> list[Span]:
        begin = LEAD.match(text, end).end()
        if begin == end and kind != "label" and text[end - 1] not in ":= \t":
            return []
        of_patient = kind in {"patient", "label"}
        # "gez. M. Mason" is a person, "Pat. M. Sudeck" a disease
        initial = not of_patient and INITIAL.match(text, begin) is not None
        name = self._reader.forward(text, begin, strong=initial, comma=of_patient)
        if name is None:
            name = self._ordinary_surname(kind, text, begin)
        if name is None or len(text[name.start : name.end]) < 3:
            letters = (LETTERS.match(text, begin) or self._account(text, begin)) if kind == "signature" else None
            word = letters and "small" in letters.groupdict() and letters.group("small")
            return [Span(begin, letters.end(), "PHYSICIAN")] if letters and not (word and self._common(word)) else []
        found = Span(begin, name.end, "PHYSICIAN" if name.titled or not of_patient else "NAME")
        return [found, *self._joined(text, name.end, kind in {"signature", "contact"})]

    def _common(self, word: str) -> bool:
        """Whether a short word in small letters is an ordinary one, and no initials."""
        return self._lexicon.known(word) or self._lexicon.clinical(word)

    def _account(self, text: str, begin: int) -> re.Match | None:
        """The name of an account in small letters: "validiert: kmeier2"."""
        account = ACCOUNT.match(text, begin)
        return None if account is None or self._lexicon.known(account.group(1)) else account

    def _ordinary_surname(self, kind: str, text: str, begin: int) -> Name | None:
        """The name behind a weak cue whose surname is an ordinary word: "Patient: Kopf, Anna", "gez. Zimmer"."""
        of_patient = kind in {"patient", "label"}
        name = self._reader.forward(text, begin, strong=True, comma=of_patient)
        if name is None:
            return None
        words = NAME.findall(text[begin : name.end])
        given = of_patient and any(map(self._reader.given, words[1:]))
        alone = name.words == 1 and self._lexicon.surname(words[0]) and CLOSES.match(text, name.end) is not None
        if kind == "weak_title" and name.words == 1 and ABBREVIATED.search(text, max(0, begin - 5), begin):
            alone = alone or self._lexicon.surname(words[0])
        if not of_patient and name.words == 1 and self._lexicon.surname(words[0]):
            alone = alone or SMALL.match(text, name.end) is not None
        return name if given or alone or (kind == "label" and name.words >= 2) else None

    def _joined(self, text: str, end: int, wanted: bool) -> Iterator[Span]:
        """Further names after "/", "," or "and", as in "gez. Meier / Schulz"."""
        while wanted:
            join = self._join.match(text, end)
            name = self._reader.forward(text, join.end(), strong=False) if join else None
            if name is None or "\n" in join.group():
                return
            yield Span(join.end(), name.end, "PHYSICIAN")
            end = name.end

    def _before_role(self, text: str, start: int) -> list[Span]:
        """The name before a role or degree: "J. Smith, MD", or alone on the line above "Oberarzt"."""
        end = len(text[:start].rstrip(" \t,(-–/"))
        above = text[:end].endswith("\n")
        end = len(text[:end].rstrip())
        if end == 0 or text[end - 1] in ".:;!?)]":
            return []
        name = self._reader.backward(text, end, least=2)
        line = ALONE.search(text, max(0, end - 40), end) if name is None else None
        if line and (self._lexicon.surname(line.group(1)) or not self._lexicon.known(line.group(1))):
            return [Span(line.start(1), end, "PHYSICIAN")]
        if name is None or (above and text[: name.start].rpartition("\n")[2].strip()):
            return []
        return [Span(name.start, name.end, "PHYSICIAN")]

    def before_date(self, text: str, date: Span, *, birth: bool) -> Span | None:
        """The name before a date (any before a birth date, else two words), or the place in a letter's head."""
        window = max(0, date.start - 60)
        skipped = BEFORE_DATE.search(text[window : date.start])
        end = window + skipped.start()
        if not birth and "\n" in text[end : date.start]:
            return None
        name = self._reader.backward(text, end, least=1 if birth else 2)
        if name is not None and (birth or self._is_pair(text, name)):
            return Span(name.start, end, "NAME")
        place = PLACE_BEFORE.search(text[window : date.start])
        if place and not birth and not (self._lexicon.known(place.group(1)) or place.group(1).isupper()):
            return Span(window + place.start(1), window + place.end(1), "ADDRESS")
        return None

    def _is_pair(self, text: str, name: Name) -> bool:
        words = NAME.findall(text[name.start : name.end])
        at_line = not text[: name.start].rpartition("\n")[2].strip()
        paired = "," in text[name.start : name.end] and at_line and not any(len(w) < 3 for w in words)
        # a cell of its own: "(Karola Gerlach, Tel.", "ID 123 / Joost Lohse / 1.2.1960"
        before = text[: name.start].rstrip(" ")[-1:]
        bounded = (at_line or before in set("(/|[")) and not any(w.isupper() or self._lexicon.known(w) for w in words)
        return len(words) >= 2 and (paired or bounded or any(map(self._reader.given, words)))

    def before_id(self, text: str, start: int) -> Span | None:
        """The name on the same line right before a label of an id."""
        end = len(text[:start].rstrip(" \t,;(|/-–"))
        name = self._reader.backward(text, end, least=2)
        return Span(name.start, end, "NAME") if name and self._is_pair(text, name) else None

    def after_anchor(self, text: str, end: int) -> Iterator[Span]:
        """The name that follows a date or id ending at `end`: "/ Joost Lohse", ": Ahmed, Casper", "von Ida Quandt"."""
        link = self._link.match(text, end)
        if link is None:
            return
        name = self._reader.forward(text, link.end(), strong=False, comma=not link.group("by"))
        words = NAME.findall(text[name.start : name.end]) if name else []
        plain = not any(word.isupper() or self._lexicon.known(word) for word in words)
        if len(words) >= 2 and plain and CLOSES.match(text, name.end):
            yield Span(name.start, name.end, "PHYSICIAN" if link.group("by") else "NAME")

    def opening(self, text: str) -> Span | None:
        """A "Surname, Given" that a text begins with."""
        match = OPENING.match(text)
        if not match:
            return None
        name = self._reader.forward(text, match.start(1), strong=False, comma=True)
        # "TFCC, SLAP": abbreviations
        words = NAME.findall(match.group(1))
        if all(word.isupper() and len(word) < 5 for word in words) and not any(map(self._lexicon.named, words)):
            return None
        return Span(name.start, name.end, "NAME") if name and name.words >= 2 and name.end == match.end(1) else None

    def at_given_name(self, text: str, start: int) -> Span | None:
        """The full name that begins with, or after a comma ends with, the listed given name at `start`."""
        name = self._reader.forward(text, start, strong=False)
        if name is None or self._eponyms.leads(text, name.end):
            return None
        surname = SURNAME_BEFORE.search(text, max(0, start - 40), start)
        if surname and not self._reader.ordinary(text, surname.start(1), surname.end(1)):
            return Span(surname.start(1), name.end, "NAME")
        # "RING PETER" in a cell or line of its own
        first = CELL_BEFORE.search(text, max(0, start - 40), start)
        if first and (self._lexicon.surname(first.group(1)) or not self._lexicon.known(first.group(1))):
            return Span(first.start(1), name.end, "NAME")
        return Span(start, name.end, "NAME") if name.words >= 2 else None

    def after_colons(self, text: str) -> Iterator[Span]:
        """Names of two words, neither an ordinary one, that fill what a colon introduces: "Assistenz: Jo Fuchs"."""
        for colon in AFTER_COLON.finditer(text):
            name = self._reader.forward(text, colon.end(), strong=False)
            if name is None or not CLOSES.match(text, name.end):
                continue
            words = NAME.findall(text[name.start : name.end])
            plain = [word for word in words if not (word.isupper() or self._lexicon.known(word))]
            capitals = all(piece[0].isupper() for piece in text[name.start : name.end].split())
            # a first word in -er, -es, -en is rather a German adjective
            if len(plain) >= 2 and len(plain) == len(words) and capitals and not ADJECTIVE.search(plain[0]):
                yield Span(name.start, name.end, "NAME")
