"""Sections and sentences of a report, robust against abbreviations, wrapped lines, telegraphic style and dictation.

Used by 01_extraction through `rules`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from labkit.extraction.languages import Language
from labkit.extraction.signs import write_signs
from labkit.extraction.words import Lexicon, Token, tokenize

__all__ = ["Sentence", "Splitter"]

LONGEST_HEADING = 8
# Words that a heading may have behind its name ("Frage des Zuweisers").
HEADING_REST = 2
# A line of this length was wrapped by a window or a printer; a shorter one was ended by its writer.
WRAPPED_CHARACTERS = 60
ABBREVIATION_LETTERS = 5
# Words before the colon of a line in a structured report.
SHORT_TITLE = 3
# No writer's sentence is longer; a table or a list without signs would make the search for scopes slow.
LONGEST_SENTENCE = 80
ENDING_SIGNS = frozenset(".!?;")
# Signs that say nothing within a sentence.
SILENT_SIGNS = frozenset(".!'’")
# Signs at which a sentence may end or that may be left out.
MARKING_SIGNS = ENDING_SIGNS | SILENT_SIGNS | {":", "-"}
LINE_BREAK = re.compile("\n")
# No word ends like this; what does was cut off by its writer ("seitl", "knöch" ends like a word, "eingeschr" does not).
CUT_OFF = re.compile(r".*(?:[bcdfgkmnpqstvxzß][lr]|[bcdfghkmnpqstvxz]w|[bdfhpstz]g|[lr]lg|fx|lux)", re.IGNORECASE)


class Sentence(NamedTuple):
    """Words and signs of a sentence, the section it stands in and what its form says.

    `section` is `ignored` (question, indication), `asides` (technique, comparison), `findings` or `impression`;
    `titled` where a heading said so; `asks` where it ends with a question mark; `begins_line` where it is the first of
    its line.
    """

    tokens: list[Token]
    section: str
    titled: bool
    asks: bool
    begins_line: bool


class Page(NamedTuple):
    """A report as the splitter sees it.

    `breaks` holds the tokens before which a line begins; `last_break` is the last line's place in the text,
    `last_title` the last colon behind a heading of findings (-1: none).
    """

    text: str
    tokens: list[Token]
    breaks: frozenset[int]
    last_break: int
    last_title: int

    def gap(self, i: int) -> str:
        """The white space between token i and the next one."""
        return self.text[self.tokens[i].end : self.tokens[i + 1].start]


class Splitter:
    """Splits reports of one language into sentences; built once, called with each text.

    Parameters
    ----------
    language : its abbreviations, starters and spoken signs.
    others : languages whose headings may stand in such a report.
    """

    def __init__(self, language: Language, *, others: Iterable[Language] = ()):
        flags = {"abbreviation": language.abbreviations, "starter": language.starters, "open": language.open_ends}
        self._flags = Lexicon(((flag, term) for flag, terms in flags.items() for term in terms), tolerant=False)
        self._headings = Lexicon(
            (section, term) for known in (language, *others) for section, terms in known.sections for term in terms
        )
        self._spoken = {
            form: sign for word, sign in language.dictation.items() for form in (word, word.capitalize(), word.upper())
        }
        self._ordinal_dot, self._capital_nouns = language.ordinal_dot, language.capital_nouns

    def __call__(self, text: str, tokens: list[Token] | None = None) -> list[Sentence]:
        """Sentences of a report in order, from its tokens where they are known; headings are not among them."""
        return list(self._sentences(self._page(tokenize(text) if tokens is None else tokens, text)))

    def _page(self, tokens: list[Token], text: str) -> Page:
        starts = [token.start for token in tokens]
        ends = [found.start() for found in LINE_BREAK.finditer(text)]
        after = ((bisect_right(starts, end), end) for end in ends)
        breaks = frozenset(i for i, end in after if 0 < i < len(tokens) and tokens[i - 1].end <= end)
        tokens = write_signs(tokens, self._spoken, breaks)
        last_break = max((end for end in ends if tokens and end < starts[-1]), default=-1)
        titles = (i for i in range(len(tokens) - 1, 0, -1) if tokens[i].text == ":")
        last_title = next((i for i in titles if "findings" in self._headings.know(tokens[i - 1].text).labels), -1)
        return Page(text, tokens, breaks, last_break, last_title)

    def _sentences(self, page: Page) -> Iterator[Sentence]:
        tokens, breaks = page.tokens, page.breaks
        section, before, titled, until_line_end = "findings", "findings", False, False
        current: list[Token] = []
        begins_line, i, n = True, 0, len(tokens)
        stops = breaks | {n}
        while i < n:
            within = 0 < len(current) < LONGEST_SENTENCE - 1 and i + 1 not in stops
            if within and tokens[i].text not in MARKING_SIGNS:
                current.append(tokens[i])
                i += 1
                continue
            if not current:
                begins_line = i == 0 or i in breaks
                length, found = self._heading(page, i)
                if found:
                    before = section if found == "asides" else ""
                    section, titled = found, titled if before else found != "ignored"
                    i += length
                    until_line_end = i < n and i not in breaks
                    continue
            token = tokens[i]
            sign = token.text
            end = None
            if sign in ENDING_SIGNS or i + 1 in breaks or i + 1 == n:
                end = self._ends(page, i, bool(current))
            if sign == ":" and not end and self._heading(page, i + 1)[1]:
                end = "line"
            if end != "sign" and not (sign in SILENT_SIGNS or (sign == "-" and _tight(tokens, i))):
                current.append(token)
            i += 1
            if end or i == n or len(current) >= LONGEST_SENTENCE:
                if current:
                    yield Sentence(current, section, titled, sign == "?", begins_line)
                current = []
                if section == "asides":
                    section = before
                if section == "ignored" and self._leaves_question(page, i, until_line_end):
                    section = "findings"

    def _leaves_question(self, page: Page, i: int, until_line_end: bool) -> bool:
        """Whether the description begins at token i, behind a question or an indication.

        An indication ends with its line, or with its paragraph where it began under its heading; in a report of one
        line without further headings it ends with its first sentence.
        """
        if i in page.breaks:
            return until_line_end or page.gap(i - 1).count("\n") > 1
        return i < len(page.tokens) and page.last_break < page.tokens[i].start and page.last_title <= i

    def _heading(self, page: Page, i: int) -> tuple[int, str | None]:
        """Length in tokens of the section heading that begins here, its colon included, and its section."""
        tokens, breaks = page.tokens, page.breaks
        first = self._headings.know(tokens[i].text) if i < len(tokens) else None
        if not first or not (first.labels or first.starts):
            return 0, None
        stop = i
        while stop < len(tokens) and stop - i < LONGEST_HEADING and tokens[stop].text != ":":
            if stop > i and stop in breaks:
                break
            if tokens[stop].text in "?;,":
                return 0, None
            stop += 1
        colon = stop < len(tokens) and tokens[stop].text == ":"
        alone = not colon and (stop == len(tokens) or stop in breaks)
        if not colon and not alone:
            return 0, None
        run = [token.text for token in tokens[i:stop] if token.text != "."]
        matches = self._headings.find(run)
        leading = [match for match in matches if match.start == 0]
        if not leading or (alone and not any(match.end == len(run) for match in leading)):
            return 0, None
        if max(match.end for match in matches) + HEADING_REST < len(run):
            return 0, None
        sections = {match.label for match in matches}
        # "Befund und Beurteilung" is one text: nothing in it outranks the rest.
        chosen = "findings" if {"findings", "impression"} <= sections else max(leading, key=lambda m: m.end).label
        return stop - i + colon, chosen

    def _ends(self, page: Page, i: int, begun: bool) -> str | None:
        """Whether a sentence ends behind token i: `sign` (a full stop that is no word), `line`, or None."""
        tokens = page.tokens
        if i + 1 == len(tokens):
            return "line"
        token, following = tokens[i], tokens[i + 1]
        if token.text == ";":
            return "sign"
        if token.text == "?" and following.text == ")" and i and tokens[i - 1].text == "(":
            return None  # "Fraktur (?) am Hals"
        if token.text == "?":
            spaced = i == 0 or tokens[i - 1].end < token.start
            leads = following.text[0].isalnum() and (not begun or spaced) and i + 1 not in page.breaks
            return None if leads else "line"
        if token.text in ".!":
            return "sign" if self._stops(page, i) else None
        return "line" if i + 1 in page.breaks and self._line_ends(page, i) else None

    def _stops(self, page: Page, i: int) -> bool:
        """Whether the full stop at i ends a sentence, and not just an abbreviation or an ordinal."""
        tokens, gap = page.tokens, page.gap(i)
        if len(tokens[i].text) == 1 and tokens[i].end - tokens[i].start > 1:
            return True
        before, after = tokens[i - 1].text if i else "", tokens[i + 1].text
        if not gap:
            return len(before) >= 4 and before.isalpha() and after[:1].isupper() and len(after) >= 3
        if gap.count("\n") > 1:
            return True
        starter = "starter" in self._flags.know(after).labels
        starts = starter and after[0].isupper()
        if before == "I" and i > 1 and "open" not in self._flags.know(tokens[i - 2].text).labels:
            return after[0].isupper()  # "Basis MHK I. Keine Fraktur", but "Basis des I. Mittelhandknochens"
        if before[-1:].isdigit() and not self._ordinal_dot:
            return not after[0].isdigit()
        # "r/o. Effusion" and "n/a. Fx": a letter behind a stroke is the end of a word.
        letter = len(before) == 1 and before.isalpha() and not (i > 1 and tokens[i - 2].text == "/")
        cut = "abbreviation" in self._flags.know(before).labels
        # Where nouns have no capitals, a capital behind a word that was cut off begins a sentence: "No fx. Degen chg".
        cut = cut or ((self._capital_nouns or after[0].islower()) and bool(CUT_OFF.fullmatch(before)))
        if letter or cut or before[-1:].isdigit():
            return starts or (i + 1 in page.breaks and self._line_ends(page, i))
        return starter or not (after[0].islower() and len(before) <= ABBREVIATION_LETTERS)

    def _line_ends(self, page: Page, i: int) -> bool:
        """Whether the line break behind token i ends a sentence, and is no wrapped line."""
        if page.gap(i).count("\n") > 1:
            return True
        token, after = page.tokens[i], page.tokens[i + 1].text
        last = page.tokens[i - 1].text if token.text == "." and i else token.text
        answer = i > 0 and page.tokens[i - 1].text == ":"  # "Dislokation: keine" ends its line
        if token.text in ",-/(" or after[0].islower():
            return answer and token.text == "-"
        if not answer and "open" in self._flags.know(last).labels:
            return False
        line = token.end - (page.text.rfind("\n", 0, token.end) + 1)
        if any(following.text == ":" for following in page.tokens[i + 2 : i + 2 + SHORT_TITLE]):
            return True  # "Fraktur: nein" begins a line of a structured report
        return line < WRAPPED_CHARACTERS or "starter" in self._flags.know(after).labels or token.text in ":)"


def _tight(tokens: list[Token], i: int) -> bool:
    """Whether the hyphen at i is part of a word, not a dash between clauses."""
    before = i > 0 and tokens[i - 1].end == tokens[i].start
    after = i + 1 < len(tokens) and tokens[i + 1].start == tokens[i].end
    return before or (after and tokens[i + 1].text[0].islower())
