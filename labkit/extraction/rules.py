"""The rule-based extractor: fast, offline, in every language that has a file.

Used by 01_extraction. A report comes in as text, labels go out with their evidence. Terms come from the template,
cues from the language file; the clinical choices are named switches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from labkit.errors import ExtractionError, ParamsError
from labkit.extraction.cues import Switches
from labkit.extraction.languages import LANGUAGE_DIR, load_all
from labkit.extraction.memory import Memory
from labkit.extraction.mentions import Reader
from labkit.extraction.quotes import Span
from labkit.extraction.reading import SentenceReader, Understood
from labkit.extraction.rows import answers, topic
from labkit.extraction.sentences import Splitter
from labkit.extraction.statements import Settler
from labkit.extraction.words import tokenize
from labkit.templates import LabelValue, Template

__all__ = ["Labelled", "RuleExtractor", "Switches"]

# Reports repeat themselves: what a sentence says by itself is kept for this many sentences (some 10 MB).
KEPT_SENTENCES = 4_096
# By so much another language must know a sentence better than the report's: one small word; less in a mixed report, one
# that a second language knows at least half as well (reports in one language: at most 0.4).
FOREIGN = 6
FOREIGN_IN_MIXED = 2
MIXED = 0.5


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of one report.

    `values` by finding id keep the hierarchy; `evidence` holds the words behind every true, uncertain and
    explicitly negated finding (false without evidence: not mentioned); `repaired` names the findings that the
    hierarchy raised. `hedge` holds, for every uncertain finding, the phrase that makes it uncertain, as the report
    words it, in lower case ("?" for a question); `hedges` all phrases in the order of the report.
    """

    values: dict[str, LabelValue]
    evidence: dict[str, Span]
    repaired: tuple[str, ...]
    language: str
    hedges: tuple[str, ...]
    hedge: dict[str, str]


class RuleExtractor:
    """Labels reports by the rules of a template; built once, called with each text.

    Parameters
    ----------
    template : findings, rules and terms.
    switches : the study's choices; the default is the study's.
    languages : folder of language files.
    kept_sentences : sentences whose meaning is remembered for the next report; 0 reads every one anew.
    """

    def __init__(
        self,
        template: Template,
        *,
        switches: Switches | None = None,
        languages: Path = LANGUAGE_DIR,
        kept_sentences: int = KEPT_SENTENCES,
    ):
        self.template = template
        self.switches = switches or Switches()
        self._reading = SentenceReader(template, self.switches)
        asked = {rule.switch for finding in template.findings for rule in finding.parsed_rules if rule.switch}
        unknown = sorted(asked - set(Switches.model_fields))
        if unknown:
            known = ", ".join(Switches.model_fields)
            raise ParamsError(
                f"template '{template.anatomy}': a rule names the unknown switch '{unknown[0]}'; known: {known}."
            )
        self._pairs = [(parent, finding.id) for finding in template.findings for parent in finding.parents]
        self._settler = Settler(template, self.switches)
        self._readers: dict[str, tuple[Reader, Splitter, Callable[[int, tuple[str, ...]], Understood | None]]] = {}
        known = load_all(languages)
        for language in known:
            others = [other for other in known if other is not language]
            understand = lru_cache(kept_sentences)(partial(self._understand, language.language))
            self._readers[language.language] = (
                Reader(template, language),
                Splitter(language, others=others),
                understand,
            )
        readers = {code: parts[0] for code, parts in self._readers.items()}
        self._others = {code: [r for c, r in readers.items() if c != code] for code in readers}

    def __call__(self, text: str) -> Labelled:
        """Label one report.

        Raises
        ------
        ExtractionError : the report holds no word.
        """
        tokens = tokenize(text)
        words = [token.text for token in tokens]
        if not any(word[0].isalnum() for word in words):
            raise ExtractionError(
                "The report is empty; false would mean that nothing was found. Leave it out or mend it."
            )
        known = {code: parts[0].familiarity(words) for code, parts in self._readers.items()}
        language = max(known, key=known.__getitem__)
        mixed = sum(score >= MIXED * known[language] for score in known.values()) > 1
        foreign = FOREIGN_IN_MIXED if mixed else FOREIGN
        _, splitter, understand = self._readers[language]
        memory = Memory()
        section, head = "", []
        for sentence in splitter(text, tokens):
            if sentence.section in ("ignored", "asides"):
                continue
            if sentence.section != section:
                section, memory.age = sentence.section, 0
            said = understand(foreign, tuple([token.text for token in sentence.tokens]))
            own = topic(sentence, said.marks) if said and said.marks.signs else []
            head = own if own or sentence.begins_line else head
            for row in (head and said and answers(sentence, said.marks, head)) or (sentence,):
                if row is not sentence:
                    said = understand(foreign, tuple([token.text for token in row.tokens]))
                if said:
                    self._reading.read(row, said, memory, text)
        return self._settle(memory, language)

    def _understand(self, language: str, foreign: int, words: tuple[str, ...]) -> Understood | None:
        """What a sentence says by itself: in the report's language, or in another one that clearly knows it better."""
        texts = list(words)
        reader = self._readers[language][0]
        limit = reader.familiarity(texts) + foreign
        for other in self._others[language]:
            score = other.familiarity(texts)
            if score >= limit:
                reader, limit = other, score + 1
        return self._reading.understand(reader(texts))

    def _settle(self, memory: Memory, language: str) -> Labelled:
        values, evidence, hedge = self._settler(memory.statements)
        raised, false, true = values, LabelValue.FALSE, LabelValue.TRUE
        repaired: tuple[str, ...] = ()
        if any(values[child] is not false and values[parent] is not true for parent, child in self._pairs):
            raised = self.template.raise_parents(values)
            repaired = tuple(i for i in self.template.ids if raised[i] != values[i])
        if repaired:
            for child in self.template.children_first:
                for parent in self.template.by_id[child].parents:
                    if parent in repaired and raised[parent] == raised[child] and child in evidence:
                        evidence[parent] = evidence[child]
                        if child in hedge:
                            hedge[parent] = hedge[child]
                        else:
                            hedge.pop(parent, None)
        hedges = tuple(dict.fromkeys(memory.hedges))
        return Labelled(raised, evidence, repaired, language, hedges, hedge)
