"""Which words are ordinary and which are names: what a language lists, inflected, compounded or slightly misspelled."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from pathlib import Path

from labkit.deidentification.languages import LANGUAGES_DIR, Language
from labkit.errors import ParamsError

__all__ = ["Lexicon", "read_names"]

LINKS = ("", "s", "es", "n", "en", "er", "e")
UMLAUTS = {"ä": "a", "ö": "o", "ü": "u"}
ENDINGS = ("ness", "less", "ful", "like", "e", "s", "n", "en", "es", "em", "er", "ern", "ens", "ly")
FOREIGN = re.compile("[\u0100-\u0151\u0154-\u024f\u1e00-\u1e9d\u1ea0-\u1eff]")
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß"
# "Rueckfragen", "gross": umlauts written out
SPELLED = re.compile(r"[aou]e|ss")
# "ausgestreckten", "vorgewölbter": no name is built like this
PARTICIPLE = re.compile(
    r"(?:ab|an|auf|aus|bei|ein|fort|her|hin|hoch|los|mit|nach|vor|weg|weiter|wieder|zu|zurück|zusammen|um|durch|unter|über)"
    r"(?:ge|zu)[^\W\d_]{3,}(?:t|en)(?:e[rsnm]?)?|[^\W\d_]{3,}iert(?:e[rsnm]?|e[rsn]?es)?|ge[^\W\d_]{3,}(?:t|en)e[sm]?"
)
SHORTEST_MISSPELT = 7
LONG = 10


def read_names(name: str) -> frozenset[str]:
    """The names of an editable list in `params/deidentification/`, in small letters.

    Raises
    ------
    ParamsError : the file cannot be read.
    """
    path = Path(LANGUAGES_DIR) / f"{name}.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path.name}: the list of names cannot be read; give a text file in UTF-8.") from error
    return frozenset(word.casefold() for line in lines for word in line.split("#")[0].split())


def foreign(word: str) -> bool:
    """Whether the word begins with a capital and holds a Latin letter that German, English and French lack: "Vũ"."""
    return not word.isascii() and word[0].isupper() and FOREIGN.search(word) is not None


class Lexicon:
    """Ordinary and clinical words of some languages: they are not taken for names where a cue is weak."""

    def __init__(self, languages: tuple[Language, ...]):
        listed = {word for language in languages for word in (*language.words, *language.people.words)}
        months = {month for language in languages for names in language.months.values() for month in names}
        listed |= months
        self._words = {word.casefold() for word in listed}
        self._surname_words = {word.casefold() for language in languages for word in language.surname_words}
        # nouns that German always writes with a capital: there the capital is no sign of a name
        self._nouns = {word.casefold() for word in listed if word[:1].isupper()}
        self._stem = _any(stem for language in languages for stem in language.stems)
        self._endings = tuple({end.casefold() for language in languages for end in language.endings})
        self._name_endings = tuple({end.casefold() for language in languages for end in language.name_endings})
        vocabulary = {word for language in languages for word in language.vocabulary}
        self._vocabulary = {word.casefold() for word in vocabulary} | self._words
        self._small = {word for word in vocabulary if word[:1].islower()}
        self._sorted = sorted(self._vocabulary)
        self._parts, self._prefixes, self._adjectives = set(), set(), set()
        for language in languages:
            if language.prefixes:
                words = {*language.words, *language.vocabulary}
                self._parts |= {word.casefold() for word in words if len(word) > 3}
                self._prefixes |= {prefix.casefold() for prefix in language.prefixes}
                self._adjectives |= {word for word in words if word[:1].islower()}
        own = {name.casefold() for language in languages for name in language.given_names}
        self._given = _spelled(read_names("given_names") | own) - {month.casefold() for month in months}
        self._surnames, self._towns = _spelled(read_names("surnames")), _spelled(read_names("towns"))
        self._town_words = {word.casefold() for language in languages for word in language.places.town_words}
        self._names = (self._given | self._surnames | self._towns) - self._vocabulary
        self._seen: dict[str, bool] = {}

    def listed(self, word: str) -> bool:
        """Whether the word itself stands in the list of words that are no names."""
        return word.casefold() in self._words

    def noun(self, word: str) -> bool:
        """Whether the word is listed as one that always has a capital letter."""
        return word.casefold() in self._nouns

    def small(self, word: str) -> bool:
        """Whether a word in small letters is an ordinary one, so that it names nobody who bears it as a surname."""
        if self.listed(word) or self.clinical(word):
            return True
        if word in self._surnames:
            return False
        return any(form in self._small for form in (word, *_bases(word)))

    def soft(self, word: str) -> bool:
        """Whether an ordinary word may well be a surname: listed as one, or known by its ending alone."""
        return self.surname(word) or (word.casefold() not in self._vocabulary and not self.clinical(word))

    def given(self, word: str) -> bool:
        """Whether the word, or each part of a hyphenated one, is a listed given name."""
        key = word.casefold()
        return key in self._given or ("-" in key and all(part in self._given for part in key.split("-")))

    def surname(self, word: str) -> bool:
        """Whether the word is an ordinary word that is a frequent surname."""
        key = word.casefold()
        return key in self._surname_words or (len(key) > 1 and key in self._surnames) or foreign(word)

    def town(self, word: str) -> bool:
        """Whether the word is a listed town, an ordinary word or not."""
        return word.casefold() in self._towns or word.casefold() in self._town_words

    def named(self, word: str) -> bool:
        """Whether the word, or a part of a hyphenated one, is a listed name and no ordinary word."""
        return any(part in self._names for part in word.casefold().split("-")) or foreign(word)

    def clipped(self, word: str) -> bool:
        """Whether the word is the beginning of a much longer listed one, as the abbreviation "Konsol." is."""
        key = word.casefold()
        first = bisect_left(self._sorted, key)
        last = bisect_right(self._sorted, key + "\uffff")
        return len(key) > 2 and any(len(found) > len(key) + 2 for found in self._sorted[first:last])

    def clinical(self, word: str) -> bool:
        """Whether the word holds a clinical stem."""
        return self._stem.search(word.casefold()) is not None

    def known(self, word: str) -> bool:
        """Whether the word, or the last part of a hyphenated one, is an ordinary or clinical word in any form."""
        if foreign(word):
            return False
        key = word.casefold()
        if key not in self._seen:
            if len(self._seen) > 50_000:  # a bound on memory, far above the vocabulary of a cohort
                self._seen.clear()
            self._seen[key] = self._judge(key)
        return self._seen[key]

    def _judge(self, key: str) -> bool:
        part = key.rsplit("-", 1)[-1]
        if SPELLED.search(part) and any(
            spelled in self._vocabulary or self._inflected(spelled) or self._compound(spelled)
            for spelled in _umlauts(part)
        ):
            return True
        for form in (key, part, part.removesuffix("'s").removesuffix("’s")):
            if form in self._vocabulary:
                return True
            if form in self._names:
                return False
        if self._inflected(part) or self._stem.search(key) or PARTICIPLE.fullmatch(part):
            return True
        reach = max((len(e) for e in self._name_endings if len(part) >= len(e) + 2 and part.endswith(e)), default=0)
        if reach:
            # "Langfinger" ends as "Feichtinger" does, and is made of words
            longer = any(len(end) > reach and part.endswith(end) for end in self._endings)
            return longer and self._compound(part)
        if any(len(part) >= len(end) + 5 and part.endswith(end) for end in self._endings):
            return True
        return self._compound(part) or self._misspelt(part)

    def _inflected(self, form: str) -> bool:
        """Whether the form is built from a listed word with an ending of its language."""
        if form.endswith(("er", "ers")) and form.removesuffix("s").removesuffix("er") not in self._adjectives:
            return form[:-1] in self._adjectives  # "Walker" and "Wegener" are names
        return any(len(base) > 3 and base in self._vocabulary for base in _bases(form))

    def _compound(self, form: str, *, depth: int = 0) -> bool:
        """Whether the form is put together from listed words, as German does: "Achsverlauf", "Fußballtrauma"."""
        if depth > 3 or len(form) < 8 - 3 * bool(depth):
            return False
        for cut in range(len(form) - 3, 1, -1):
            head, tail = form[:cut], form[cut:]
            if not (head in self._prefixes or self._is_part(head)):
                continue
            whole = tail in self._parts or any(len(base) > 3 and base in self._parts for base in _bases(tail))
            if whole or self._compound(tail, depth=depth + 1):
                return True
        return False

    def _is_part(self, head: str) -> bool:
        if any(head.endswith(link) and head[: len(head) - len(link)] in self._parts for link in LINKS):
            return True
        return len(head) > 3 and (head + "e" in self._parts or head + "en" in self._parts)

    def _misspelt(self, form: str) -> bool:
        """Whether one letter more, less, other or two swapped make it a listed word with the same first letter."""
        if len(form) < SHORTEST_MISSPELT:
            return False
        # "Richter" is no misspelt "richten": short words must be clinical
        long = len(form) >= LONG
        return any(near in self._vocabulary and (long or self.clinical(near)) for near in _neighbours(form))


def _spelled(names: frozenset[str]) -> frozenset[str]:
    """The names, and with their umlauts written out."""
    written = {name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss") for name in names}
    return names | written


def _any(stems: Iterable[str]) -> re.Pattern:
    return re.compile("|".join(re.escape(stem.casefold()) for stem in stems) or r"(?!)")


def _umlauts(key: str) -> Iterable[str]:
    """The word with one or all of its written-out umlauts restored."""
    all_of_them = key.replace("ae", "ä").replace("oe", "ö").replace("ue", "ü")
    yield from {all_of_them, all_of_them.replace("ss", "ß"), key.replace("ss", "ß")} - {key}


def _bases(form: str) -> Iterable[str]:
    """What may be left of a form without a German or English ending."""
    yield from (
        form[: -len(end)] for end in ("e", "s", "n", "en", "es", "em", "er", "ern", "ens", "ly") if form.endswith(end)
    )
    # "Gehstöcke", "Engpässe", "Abläufe"
    umlaut = max(map(form.rfind, UMLAUTS))
    if umlaut >= 0:
        plain = form[:umlaut] + UMLAUTS[form[umlaut]] + form[umlaut + 1 :]
        yield from (plain[: len(plain) - len(end)] for end in ("", "e", "er", "n", "en", "ern") if plain.endswith(end))
    for end in ("ed", "ing"):
        if form.endswith(end):
            base = form[: -len(end)]
            yield from (base, base + "e", base[:-1] if base[-1:] == base[-2:-1] else base)
    if form.endswith(("ies", "ied")):
        yield form[:-3] + "y"


def _neighbours(form: str) -> Iterable[str]:
    for i in range(1, len(form)):
        left, right = form[:i], form[i:]
        yield left + right[1:]
        yield from (left + letter + right[1:] for letter in LETTERS)
        yield from (left + letter + right for letter in LETTERS)
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
