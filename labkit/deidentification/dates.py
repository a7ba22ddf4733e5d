"""Dates in German and English spellings, found and read; relative times ("nach 6 Wochen", "Tag 10") are no dates."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import alternation
from labkit.deidentification.languages import Language
from labkit.deidentification.spans import Span

__all__ = ["Dates"]

DAY = r"(?:0?[1-9]|[12]\d|3[01])"
MONTH = r"(?:0?[1-9]|1[0-2])"
LONG_YEAR = r"(?:19|20)\d{2}"
YEAR = rf"(?:{LONG_YEAR}|['’]?\d{{2}})"
ORDINAL = r"(?:\.|st|nd|rd|th|ST|ND|RD|TH)?"
TIME = r"(?:T\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?"
ROMAN = r"(?:XII|XI|IX|X|VIII|VII|VI|V|IV|III|II|I)"
ROMANS = dict(zip(("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"), range(1, 13)))
NO_UNIT = r"(?!\s?(?:mm|cm|m\b|kg|mg|ml|%|°|x\s?\d|Grad|Punkte|points|Uhr))"

NO_SCORE = re.compile(r"(?!\s?(?:mm|cm|%|Punkte|points))")
TIME_AFTER = re.compile(
    r"[,;]?\s{0,3}[/|@(]?\s{0,3}(?:(?:um|at|UM|AT)\s)?(?:[01]?\d|2[0-3])[.:hH]?[0-5]\d(?::[0-5]\d)?"
    r"(?:\s?(?:Uhr|UHR|h|hrs|HRS|[ap]\.?m\.?|[AP]M)(?!\w)|(?<=[.:hH]\d\d)(?![.,:]?\d|\s?(?:mm|cm|°))"
    # "11/1/2024 0844": four digits of a clock that has 24 hours
    r"|(?<=[\s(/|@][012]\d\d\d)(?![.,:/-]?\d|\s?(?:mm|cm|ml|°|%)))\)?"
)
NUMBERED = re.compile(
    r"(?:Bild|Serie|Schicht|Seite|Image|image|Series|Slice|slice|Page|page|Score|score|Punkte|von|of)\s?(?:Nr\.?\s?)?$"
)
NUMBER = re.compile(r"\d+")
BIRTH_YEAR = re.compile(rf"\s?[:.]?\s*(?:{LONG_YEAR}|['’]?\d{{2}}|\d{{6}}|\d{{8}})(?![\d.\-/]|\s?[^\W\d_])")
ANY_DAY = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.")
BETWEEN = r"(?:st|nd|rd|th|ST|ND|RD|TH)?(?:\s?(?:of|OF))?[\s./,_^|:'’–-]{0,3}"
FIRST = re.compile(r"(?<!\d)\d{1,4}(?!\d)|(?<![^\W_])[^\W\d_]{3,10}(?=[\s./,_^|:-]{1,3}\d)")
TRIPLE = re.compile(
    rf"\d{{1,4}}{BETWEEN}(?:\d{{1,2}}(?!\d)|[^\W\d_]{{1,10}}){BETWEEN}\d{{1,4}}(?!\d)"
    rf"|[^\W\d_]{{3,10}}{BETWEEN}\d{{1,2}}(?!\d){BETWEEN}\d{{2,4}}(?!\d)"
)


class Dates:
    """Finds dates with the months and cues of some languages."""

    def __init__(self, languages: tuple[Language, ...]):
        self._months = {
            word.casefold(): number
            for language in languages
            for number, words in language.months.items()
            for word in words
        }
        spelled = {
            form
            for language in languages
            for words in language.months.values()
            for w in words
            for form in (w, w.upper())
        }
        named = alternation(spelled) + r"\.?(?![^\W\d_])"
        joins = alternation(join for language in languages for join in language.dates.joins)
        cues = {cue for language in languages for cue in language.dates.cues}
        self._cue = re.compile(rf"(?:^|[^\w])(?:{alternation(cues)}):?\s+$", re.IGNORECASE)
        month_cues = {cue for language in languages for cue in language.dates.month_cues}
        self._month_cue = re.compile(rf"(?:^|\W){alternation(month_cues)}\s+$", re.IGNORECASE)
        birth = {cue for language in languages for cue in language.dates.birth}
        self._birth = re.compile(
            rf"(?:(?:(?<!\w){alternation(birth)}(?:\s(?:am|on))?\s?[:.]*|\*|°)\s*)$", re.IGNORECASE
        )
        weekdays = alternation(day for language in languages for day in language.dates.weekdays)
        self._weekday = re.compile(rf"(?<!\w){weekdays},?\s(?:(?:den|dem|the)\s)?$", re.IGNORECASE)
        self._digits = self._numeric(named, joins)
        self._named = re.compile(
            rf"{named}(?:[\s./_-]{{0,2}}{DAY}{ORDINAL}(?!\d)(?:[,./_-]?\s?{LONG_YEAR}(?!\d)|,?\s['’]\d\d(?!\d))?(?!\s?(?:mm|cm|Ebenen|views|\.\d))|(?:[\s,/.-]+|\s+(?:of|des\sJahres|OF)\s+)(?:{LONG_YEAR}|['’]\d{{2}})(?!\d))"
        )
        self._month = re.compile(named)
        self.month_words = frozenset(self._months)

    @staticmethod
    def _numeric(named: str, joins: str) -> re.Pattern:
        """Dates that begin with a digit; the groups tell the form, since some need a cue on their left."""
        start = rf"(?:{DAY}\.?(?:\s?{MONTH}\.?(?:{YEAR}(?!\d))?|\s?{named})?\s{{0,2}}(?:-|–|/|\+|{joins})\s{{0,2}})?"
        month = rf"(?:{named}|(?<![IVX]){ROMAN}(?![IVX]))"
        return re.compile(
            # a full date may follow the last digit of the field before: "330320/17. Juni 73"
            rf"(?:(?P<iso>{LONG_YEAR}(?P<sep>[-/._]){MONTH}(?P=sep){DAY}(?!\d){TIME})"
            rf"|(?P<yearfirst>{LONG_YEAR}[\s.,/_-]{{1,2}}{month}[\s./_-]{{1,2}}{DAY}(?!\d))"
            rf"|(?P<roman>(?<![A-Za-z]){DAY}\s?(?P<dot>[.\s/_-])\s?{ROMAN}\s?(?P=dot)\s?(?:{YEAR}|['’]\d{{2}})(?!\d))"
            rf"|(?P<full>(?<!\d\.){DAY}(?P<point>[./_-])\s?{MONTH}(?P=point)\s?{LONG_YEAR}(?!\d|\.\d))"
            rf"|(?P<after>(?<=\d/){DAY}\.\s?(?:{MONTH}\.\s?|{named}\s?){YEAR}(?!\d|[.,]\d)))"
            rf"|(?<![\d])(?<!\d[.,/])(?:"
            rf"(?P<isomonth>(?<![\w-]){LONG_YEAR}-(?:0[1-9]|1[0-2])(?![\d-]))"
            rf"|(?P<compact>(?<!\w){LONG_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\w))"
            rf"|(?P<dotted>{start}{DAY}\.(?:{MONTH}\.{YEAR}|\s?{MONTH}\.?\s?{LONG_YEAR}|\s{MONTH}\.\s\d{{2}}(?![.,]?\d|\s?(?:mm|cm|°|%)))(?!\d|/\d{{1,2}}(?!\d))(?!\.\d))"
            rf"|(?P<named>{start}{DAY}{ORDINAL}(?:\s+(?:of|OF))?[\s./_-]{{0,2}}{named}(?:[\s,./_-]{{0,3}}(?:{LONG_YEAR}|['’]?\d{{2}}(?!\d|[.,]\d))(?!\s?(?:mm|cm)))?)"
            rf"|(?P<slashed>\d{{1,2}}(?P<mark>[/_-])\d{{1,2}}(?P=mark)(?:{LONG_YEAR}|\d{{2}})(?![\d/-]\d|\d)|\d{{1,2}}\s?/\s?\d{{1,2}}\s?/\s?{LONG_YEAR}(?!\d))"
            rf"|(?P<years>{MONTH}/\d{{2}}\s?[-–]\s?{MONTH}/\d{{2}}(?![\d/]))"
            rf"|(?P<commas>{DAY},{MONTH},{LONG_YEAR}(?!\d)|{DAY}\s{MONTH}\s{LONG_YEAR}(?!\d))"
            rf"|(?P<month>(?:{MONTH}\s?(?:-|–)\s?)?{MONTH}\s?[/.-]\s?{LONG_YEAR}(?!\d))"
            rf"|(?P<short>{start}{DAY}\.\s?{MONTH}(?:\.(?!\d)|(?!\.?\d)))"
            rf"|(?P<year>{MONTH}/['’]?\d{{2}}(?![\d/]))"
            rf"|(?P<range>{DAY}\.\s?(?:-|–|{joins})\s?{DAY}\.(?=\s))"
            rf")"
        )

    def find(self, text: str) -> Iterator[Span]:
        """Spans of all dates that begin with a digit; a birth cue right before one belongs to it."""
        for match in self._matches(text):
            kind = (
                match.lastgroup
                if match.lastgroup not in {"sep", "mark", "dot", "point"}
                else next(k for k, v in match.groupdict().items() if v)
            )
            before = text[max(0, match.start() - 24) : match.start()]
            if not self._plausible(kind, match, before, text):
                continue
            cue = self._birth.search(before)
            day = self._weekday.search(before)
            start = match.start() - len((cue or day).group()) if cue or day else match.start()
            time = TIME_AFTER.match(text, match.end())
            yield Span(start, time.end() if time else match.end(), "DATE")

    def _matches(self, text: str) -> Iterator[re.Match]:
        """Matches of the numeric forms, tried only where a number begins."""
        done = 0
        for number in NUMBER.finditer(text):
            if number.start() >= done:
                match = self._digits.match(text, number.start())
                if match:
                    done = match.end()
                    yield match

    def _plausible(self, kind: str, match: re.Match, before: str, text: str) -> bool:
        if kind == "slashed":
            first, second = (int(n) for n in re.findall(r"\d+", match.group())[:2])
            return 0 < min(first, second) <= 12 and 0 < max(first, second) <= 31
        if kind == "short":
            return self._short(match, before, text)
        if kind == "year":
            # the second number beyond any fraction or usual score: "11/18", "3/24"
            plain = re.fullmatch(r"(?:0\d|1[0-2])/(?:1[3-9]|2\d|3\d)|\d/(?:1[6-9]|2\d)", match.group()) is not None
            counted = NUMBERED.search(before) is not None or NO_SCORE.match(text, match.end()) is None
            return (plain or bool(self._cue.search(before))) and not counted
        if kind == "range":
            return bool(self._cue.search(before))
        if kind == "month":
            # "2-2019" may end an id, "AO 23-2020" a code
            return not before[-1:].isalnum() and not before.endswith(("-", "_"))
        if kind == "roman":
            # "Typ 2 II 20"
            return match.group("dot") != " " or re.search(r"\d{4}$", match.group()) is not None
        if kind == "full":
            first, second = (int(n) for n in re.findall(r"\d+", match.group())[:2])
            return 0 < min(first, second) <= 12 and 0 < max(first, second) <= 31
        return True

    def _short(self, match: re.Match, before: str, text: str) -> bool:
        """Day and month without a year need a cue, or two digits each and both dots."""
        if re.match(NO_UNIT, text[match.end() :][:9]) is None:
            return False
        found = match.group()
        if self._weekday.search(before) and ANY_DAY.fullmatch(match.group()):
            return True  # "Di., 4.6."
        if self._birth.search(before) or re.search(r"(?:-|–)\s?\d", found):
            return found.endswith(".") or found.count(".") > 1
        cued = self._cue.search(before)
        closed = text[match.end() : match.end() + 1] in {")", "]", ",", ";"}
        if found.endswith(".") and closed and re.search(r"[(\[][^()\[\]]{0,16}$", before):
            return True  # "entfernt (7.2.)"
        if found.endswith("."):
            return bool(cued) or re.fullmatch(r"(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.", found) is not None
        # "am 3.4" is a date, "von 2.5" or "bis 3.1" may be a measurement
        return bool(cued) and re.search(r"\b(?:am|vom|zum|on)\s+$", before) is not None

    def at_month(self, text: str, start: int) -> Span | None:
        """The date whose month's name begins at `start`: "March 3rd, 2024", "April 2024", or a month after "since"."""
        match = self._named.match(text, start)
        before = text[max(0, start - 24) : start]
        if match:
            cue = self._birth.search(before)
            return Span(start - (len(cue.group()) if cue else 0), match.end(), "DATE")
        if self._month_cue.search(before):
            match = self._month.match(text, start)
            return Span(start, match.end(), "DATE") if match else None
        return None

    def after_birth(self, text: str, start: int, end: int) -> Span | None:
        """A bare year or six to eight digits right after the birth cue at [start, end)."""
        match = BIRTH_YEAR.match(text, end)
        return Span(start, match.end(), "DATE") if match else None

    def strings(self, text: str) -> Iterator[tuple[str, int]]:
        """Everything that looks like a date, with its end; cues are not asked for."""
        for match in (*self._matches(text), *self._named.finditer(text)):
            yield match.group(), match.end()

    def known(self, text: str, dates: set[tuple[int, int, int]]) -> Iterator[Span]:
        """Places of the given dates (year modulo 100, month, day) in any order and notation, whatever stands around."""
        for match in FIRST.finditer(text):
            date = TRIPLE.match(text, match.start())
            if date and not dates.isdisjoint(self.read(date.group())):
                yield Span(date.start(), date.end(), "DATE")

    def read(self, found: str) -> set[tuple[int, int, int]]:
        """The (year modulo 100, month, day) that a found date may mean: both orders where it leaves that open."""
        numbers = re.findall(r"\d+", found)
        words = [n for w in re.findall(r"[^\W\d_]+", found) if (n := self._months.get(w.casefold()) or ROMANS.get(w))]
        if len(numbers) == 1 and len(numbers[0]) == 8:
            n = numbers[0]
            numbers = [n[:4], n[4:6], n[6:]] if n[:2] in {"19", "20"} else [n[:2], n[2:4], n[4:]]
        values = [int(n) for n in numbers]
        if len(words) > 1 or len(values) > 3:
            return set()
        if words and len(values) >= 2:
            year = next((v for v, n in zip(values, numbers) if len(n) == 4), values[-1])
            rest = [v for v in values if v != year] or [values[0]]
            return {(year % 100, words[0], rest[0])}
        if len(values) != 3:
            return set()
        a, b, c = values
        if len(numbers[0]) == 4:
            return {(a % 100, b, c)}
        return {(c % 100, month, day) for month, day in ((b, a), (a, b)) if month <= 12}
