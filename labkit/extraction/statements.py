"""From the statements of a report to one value per finding.

Used by 01_extraction through `rules`.
"""

from typing import NamedTuple

from labkit.extraction.cues import State, Switches
from labkit.extraction.quotes import Span
from labkit.templates import LabelValue, Rule, Template

__all__ = ["Settled", "Settler", "Statement"]

# Mere history denies nothing: the findings section may still see what the impression calls "status post".
DENIALS = (State.NEGATED, State.HEALED)
VALUE = {State.STATED: LabelValue.TRUE, State.HEDGED: LabelValue.UNCERTAIN}
RANK = {LabelValue.FALSE: 0, LabelValue.UNCERTAIN: 1, LabelValue.TRUE: 2}


class Statement(NamedTuple):
    """A lesion at places (none: not said where), how it is meant, and the words that say so.

    `partial` marks a negation that leaves other findings of its kind standing ("keine weitere Fraktur"); `hedge` is the
    phrase that makes it uncertain.
    """

    lesion: str
    places: frozenset[str]
    state: State
    section: str
    evidence: Span
    partial: bool = False
    hedge: str = ""

    def become(self, state: State, evidence: Span) -> "Statement":
        """The same statement meant in another way, by a later sentence."""
        return self._replace(state=state, evidence=evidence)


class Settled(NamedTuple):
    """By finding id: value, the words behind it (none: not mentioned), and the hedge of an uncertain one."""

    values: dict[str, LabelValue]
    evidence: dict[str, Span]
    hedge: dict[str, str]


class Settler:
    """Settles a report's statements to values of a template's findings."""

    def __init__(self, template: Template, switches: Switches):
        self._template = template
        self._rules: dict[str, list[tuple[str, Rule]]] = {}
        properties = {name for name, lesion in template.lesions.items() if lesion.of}
        self._bound: set[str] = set()
        for finding in template.findings:
            for rule in finding.parsed_rules:
                if rule.switch is None or getattr(switches, rule.switch):
                    self._rules.setdefault(rule.lesion, []).append((finding.id, rule))
            if finding.parsed_rules and all(rule.lesion in properties for rule in finding.parsed_rules):
                self._bound.add(finding.id)
        # Findings of a property that no parent binds, with the findings of what it is mostly a property of.
        self._unbound = {
            finding: [
                other.id
                for other in template.findings
                for rule in other.parsed_rules
                if rule.place is None and rule.lesion in {template.lesions[r.lesion].of for r in own.parsed_rules}
            ]
            for finding, own in template.by_id.items()
            if finding in self._bound and not own.parents
        }
        self._joints = {n for n, lesion in template.lesions.items() if lesion.reducible and not lesion.of}
        self._ancestors = {finding.id: _ancestors(finding.id, template) for finding in template.findings}

    def __call__(self, statements: list[Statement]) -> Settled:
        """Values, evidence and hedges by finding id, before the hierarchy is applied."""
        by_finding: dict[str, list[Statement]] = {}
        general: dict[str, list[Statement]] = {}
        for statement in statements:
            for finding, rule in self._rules.get(statement.lesion, ()):
                if rule.place is None or rule.place in statement.places:
                    by_finding.setdefault(finding, []).append(statement)
                if rule.place is None and not statement.places:
                    general.setdefault(finding, []).append(statement)
        settled = Settled(dict.fromkeys(self._template.ids, LabelValue.FALSE), {}, {})
        decided: dict[str, Statement] = {}
        for finding, own in by_finding.items():
            wider = [s for ancestor in self._ancestors[finding] for s in general.get(ancestor, ())]
            decisive = _decisive(own, wider)
            if decisive:
                decided[finding] = decisive
                settled.values[finding] = VALUE.get(decisive.state, LabelValue.FALSE)
                if decisive.state in VALUE or decisive.state == State.NEGATED:
                    settled.evidence[finding] = decisive.evidence
                if decisive.state == State.HEDGED:
                    settled.hedge[finding] = decisive.hedge
        self._bind(settled)
        if not any(s.lesion in self._joints and s.state in VALUE for s in statements):
            self._unbind(settled, decided)
        return settled

    def _unbind(self, settled: Settled, decided: dict[str, Statement]) -> None:
        """A doubtful property falls with the fracture that the impression denies, where no joint is out of place."""
        for finding, owners in self._unbound.items():
            denied = [
                d for o in owners if (d := decided.get(o)) and d.section == "impression" and d.state == State.NEGATED
            ]
            own = decided.get(finding)
            if denied and own and own.section == "findings" and own.state == State.HEDGED:
                settled.values[finding] = LabelValue.FALSE
                settled.evidence.pop(finding, None)
                settled.hedge.pop(finding, None)

    def _bind(self, settled: Settled) -> None:
        """A property is no more certain than what it is a property of: no displacement without a fracture."""
        values, evidence, hedge = settled
        for finding in self._bound:
            if values[finding] == LabelValue.FALSE:
                continue
            parents = [p for p in self._template.by_id[finding].parents if p not in self._bound]
            for parent in parents:
                if RANK[values[parent]] < RANK[values[finding]]:
                    values[finding] = values[parent]
                    hedge.pop(finding, None)
                    if parent in hedge:
                        hedge[finding] = hedge[parent]
                    if values[finding] == LabelValue.FALSE:
                        evidence.pop(finding, None)


def _decisive(own: list[Statement], wider: list[Statement]) -> Statement | None:
    """The statement that settles a finding: the impression where it speaks, then the most certain one."""
    for section in ("impression", "findings"):
        said = [s for s in own if s.section == section]
        positive = [s for s in said if s.state in VALUE]
        if positive:
            return max(positive, key=lambda s: RANK[VALUE[s.state]])
        denied = [s for s in [*said, *wider] if s.section == section and s.state in DENIALS]
        denied = [s for s in denied if not s.partial]
        if denied and (section == "impression" or said):
            return next((s for s in denied if s.state == State.NEGATED), denied[0])
        if said and section == "findings":
            return said[0]
    return None


def _ancestors(finding: str, template: Template) -> set[str]:
    found: set[str] = set()
    waiting = list(template.by_id[finding].parents)
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(template.by_id[parent].parents)
    return found
