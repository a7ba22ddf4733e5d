"""Phone numbers, e-mail and web addresses, and numbers of cases, patients, orders and insurances."""

import re
from collections.abc import Iterator

from labkit.deidentification.spans import Span

__all__ = ["after_date", "after_id", "after_phone", "free"]

NUMBER_WORD = r"(?:[-\s]?(?:Nr|No|Nummer|[Nn]umber|ID|Ident)\b\.?)?"
UNIT = r"(?!\s?(?:mm|cm|kV|mAs|kg|mg|ml|%|°|µ|/µl|/l\b|Grad\b|Ebenen\b|views?\b|Jahre\b|years\b))"

PHONE_VALUE = re.compile(
    rf"{NUMBER_WORD}[\s:.]*(?:(?:is|ist|war|lautet|unter|on|number)\s)?"
    r"(?P<value>[-–Xx]?\(?\+?\(?\d[\d \u00a0()/.\-–]*\d)"
    rf"(?:\s?(?:DW|ext\.?|x|o\.|oder|or)\s?-?\d{{2,6}})?{UNIT}"
)
ID_VALUE = re.compile(
    rf"{NUMBER_WORD}\s*[:#=.]*\s*(?:(?:is|ist|lautet)\s)?#?"
    r"(?P<value>[A-Za-z0-9](?:[A-Za-z0-9]|[-./_](?=[A-Za-z0-9])| (?=\d{3,}(?!\s?(?:mm|kV))))*)"
    rf"{UNIT}"
)

EMAIL = re.compile(r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+|[\w.+-]+@[\w-]+")
URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"')\]]+|\b(?:[a-z0-9-]{3,}\.)+(?:de|at|ch|com|org|net|info|eu|co\.uk|nhs\.uk)\b(?:/[^\s<>\"')\]]*)?",
    re.IGNORECASE,
)
PHONE = re.compile(
    r"(?=[\d+(])(?<![\w.,/-])(?:"
    r"(?:\+|00)\d{1,3}[ ./-]?(?:\(0\))?[ ./-]?(?:\(?\d+\)?[ /.\-–]{0,3}){1,6}\d{2,}"
    r"|\(?0\d{2,5}\)?\s?[ /\-–]\s?\d{2,}(?:[ /\-–]\d{1,}){0,5}"
    r"|\(\d{3}\)\s?\d{3}[ .-]\d{4}|\(\d{3,5}\)\s?\d{4,8}|\d{3}[.-]\d{3}[.-]\d{4}|\d{3}-\d{4}(?!-)"
    r"|0\d{9,12}"
    r")(?![\w])"
)
ID = re.compile(
    r"(?=[A-Za-z0-9])(?<![\w.,-])(?:(?<!/)|(?<=\D/)|(?=[A-Z]))(?=[A-Za-z_./#-]{0,20}\d)(?:"
    r"(?P<uid>\d+(?:\.\d+){5,})"
    r"|(?P<iban>[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?)"
    r"|(?P<pension>\d{2} ?\d{6} ?[A-Z] ?\d{3}|\d{4} ?\d{6}|[A-Z]\s?\d{3}\s?\d{3}\s?\d{3}|\d{3} \d{5,6})"
    r"|(?P<groups>\d{3,4}(?: \d{2,4}){2,4}(?: [A-Z]{2})?|\d{2,4}(?:[-/]\d{2,4}){2,4}|\d{2,4}(?:\.\d{2,4}){3,5})"
    r"|(?P<tailed>\d{4,}[/-][a-zA-Z](?<![lL]))"
    r"|(?P<lettered>\d{1,4}[A-Z]{1,4}\d{5,}|[A-Za-z]{1,6}[-_/#.]?\d{5,}(?:[.-]\d{1,3})?[A-Za-z]?)"
    r"|(?P<parts>[A-Za-z0-9]{1,10}(?:[-_/.][A-Za-z0-9]{1,12}){1,5})"
    r"|(?P<digits>\d{5,})"
    r")(?![\w%])" + UNIT
)
AFTER_NUMBER = re.compile(UNIT)
# numbers of procedures and fees name nobody
CODE = re.compile(r"(?:CPT|OPS|GOÄ|EBM|ICD|LOINC|SNOMED)[ :-]*(?:Nr\.?|code)?[ :-]*$", re.IGNORECASE)
GROUPS = re.compile(r"[ \t]*[,;/|]?[ \t]*(?P<value>\d{2,4}(?:[ -]\d{2,4}){1,3})(?=[ \t]*(?:$|[\r\n,;/|]|  ))")
DOMAIN = re.compile(r"[a-z0-9]\.(?:de|at|ch|com|org|net|info|eu|co\.uk|nhs\.uk)\b", re.IGNORECASE)
YEARS = re.compile(
    r"(?:19|20)\d{2}[-/](?:19|20)?\d{2}|\d{1,2}/\d{2}-\d{1,2}/\d{2}|\d{1,2}[./]\d{1,2}[./](?:19|20)?\d{2}"
)


def free(text: str) -> Iterator[Span]:
    """Spans that need no cue: e-mail and web addresses, full phone numbers, long or segmented numbers."""
    if "@" in text or "at)" in text or "at]" in text:
        for match in EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "EMAIL")
    if "www" in text or "://" in text or DOMAIN.search(text):
        for match in URL.finditer(text):
            yield Span(match.start(), match.end(), "URL")
    if not any(map(str.isdigit, text)):
        return
    for match in PHONE.finditer(text):
        if sum(c.isdigit() for c in match.group()) >= 7:
            yield Span(match.start(), match.end(), "PHONE")
    for match in ID.finditer(text):
        if match.lastgroup == "digits" and CODE.search(text, max(0, match.start() - 10), match.start()):
            continue
        if match.lastgroup == "parts" and not _segmented(match.group()):
            yield from _fields(match)
            continue
        if match.lastgroup == "groups" and YEARS.fullmatch(match.group()):
            continue
        yield Span(match.start(), match.end(), "ID")


def _fields(match: re.Match) -> Iterator[Span]:
    """Ids that slashes join to what is none: "Xaver/36-253-344/09"."""
    start = match.start()
    for part in match.group().split("/"):
        measured = AFTER_NUMBER.match(match.string, start + len(part)) is None
        if (
            part != match.group()
            and not measured
            and sum(map(str.isdigit, part)) >= 5
            and (part.isdigit() or _segmented(part))
        ):
            yield Span(start, start + len(part), "ID")
        start += len(part) + 1


def _segmented(value: str) -> bool:
    """Whether joined parts look like an id and not like a grade: 5 digits with capital letters, 7 without."""
    digits = sum(c.isdigit() for c in value)
    if YEARS.fullmatch(value):
        return False
    if any(c.islower() for c in value):
        return False
    if "." in value and not any(c in value for c in "-_/"):
        # "8730.4615": a number has no zero in front of, and fewer digits on both sides of, its point
        # "756.2570.6616.55": and no more than one point
        return digits >= 7 and (value.count(".") > 1 or re.fullmatch(r"\d{3,}\.\d{4,}", value) is not None)
    return digits >= 5 if any(c.isupper() for c in value) else digits >= 7


def after_date(text: str, end: int) -> Iterator[Span]:
    """The number in groups that follows a date ending at `end` and closes its line or cell: "8.9.87 442 805"."""
    match = GROUPS.match(text, end)
    if match:
        yield Span(match.start("value"), match.end("value"), "ID")


def after_phone(text: str, start: int, end: int) -> Span | None:
    """The number of at least three digits that follows the cue at [start, end)."""
    match = PHONE_VALUE.match(text, end)
    if not match or sum(c.isdigit() for c in match.group("value")) < 3:
        return None
    return Span(_label(text, start, match.start("value")), match.end(), "PHONE")


def after_id(text: str, start: int, end: int) -> Span | None:
    """The id that follows the cue at [start, end): four digits at least, or three and letters."""
    match = ID_VALUE.match(text, end)
    if not match:
        return None
    value = match.group("value")
    digits = sum(c.isdigit() for c in value)
    if digits < 3 or (digits == 3 and value.isdigit()) or YEARS.fullmatch(value) or sum(c.islower() for c in value) > 6:
        return None
    return Span(_label(text, start, match.start("value")), match.end("value"), "ID")


def _label(text: str, start: int, value: int) -> int:
    """Where to begin: an abbreviation ("Tel.", "MRN") goes with its number, a word ("Fallnummer") stays."""
    cue = text[start:value].rstrip(" :#=")
    return start if cue.endswith(".") or sum(map(str.isalpha, cue)) < 4 else value
