"""What each sentence of a report states, in the light of the sentences before it.

Used by 01_extraction through `rules`. Places and fractures carry over to a sentence that does not name them again;
a later sentence may say of an earlier lesion that it has healed, can still be seen or is reduced.
"""

from typing import NamedTuple

from labkit.extraction.cues import State, Switches, judge
from labkit.extraction.evidence import hedge_phrase, quote, whole
from labkit.extraction.healing import aged, says_healed
from labkit.extraction.linking import Linker
from labkit.extraction.marks import ELSEWHERE, Cue, Marks, Mention
from labkit.extraction.memory import Memory
from labkit.extraction.quotes import Span
from labkit.extraction.sentences import Sentence
from labkit.extraction.statements import Statement
from labkit.templates import Template

__all__ = ["SentenceReader", "Understood"]

# Words before the colon of a heading that names a region.
LONGEST_REGION = 6
# Statements of one kind that a later sentence may be about; a sentence with more is a table.
LAST_STATEMENTS = 12
# States that a property takes over from what it belongs to.
INHERITED = frozenset({State.PAST, State.HEALED, State.HEDGED})


class Understood(NamedTuple):
    """What a sentence says by itself: its marks, the places of each lesion, and how each lesion is meant and why.

    Properties stand behind the lesions that they belong to.
    """

    marks: Marks
    linked: dict[Mention, list[Mention]]
    judged: list[tuple[Mention, State, Cue | None]]


class SentenceReader:
    """Reads the sentences of a report one after the other into a memory."""

    def __init__(self, template: Template, switches: Switches):
        self._switches = switches
        self._linker = Linker(template)
        self._owners = {name: lesion.of for name, lesion in template.lesions.items() if lesion.of}
        self._reducible = {name for name, lesion in template.lesions.items() if lesion.reducible}
        self._joints = self._reducible - set(self._owners)
        self._healing = frozenset(self._owners.values())
        # Properties that last as long as what they belong to: its fragments, its way into the joint.
        self._lasting = set(self._owners) - self._reducible

    def understand(self, marks: Marks) -> Understood | None:
        """What a sentence says by itself, None where it says nothing; the same for the same words."""
        if not (marks.lesions or marks.places or marks.flags):
            return None
        marks.lesions = _without_topic(marks)
        judged = [
            (m, *judge(m, marks, switches=self._switches, reducible=m.name in self._reducible))
            for m in sorted(marks.lesions, key=lambda m: (m.name in self._owners, m.start))
        ]
        return Understood(marks, self._linker(marks), judged)

    def read(self, sentence: Sentence, said: Understood, memory: Memory, text: str) -> None:
        """Add what one sentence states to the memory."""
        marks, linked, judged = said
        if self._enter(sentence, marks, memory) or (sentence.asks and not memory.declared):
            return
        fresh: dict[str, list[int]] = {}
        for lesion, state, cue in judged:
            own = linked[lesion]
            if sentence.asks and state == State.STATED and marks.segment(lesion.start)[1] >= len(marks.words) - 1:
                state = State.HEDGED
            if lesion.name in self._healing:
                consolidated = self._switches.consolidated_is_false
                state = aged(state, cue, lesion, marks, consolidated_is_false=consolidated)
            places = self._places(lesion, own, marks, memory, fresh)
            if cue and cue.kind == "unlikely" and places and not own and self._is_summary(lesion, memory):
                places = frozenset()
            if state == State.ASKED or places is None or (memory.elsewhere and not own):
                continue
            hedge = hedge_phrase(sentence, cue, text) if state == State.HEDGED else ""
            if hedge:
                memory.hedges.append(hedge)
            if state == State.STATED:
                state, hedge = self._state_of_owner(lesion, marks, memory, fresh)
            span = quote(lesion, own, cue, sentence, text)
            partial = state == State.NEGATED and cue is not None and _is_partial(cue, lesion, marks)
            statement = Statement(lesion.name, places, state, sentence.section, span, partial, hedge)
            fresh.setdefault(lesion.name, []).append(memory.keep(statement, joint=lesion.name in self._joints))
        self._revise(sentence, marks, memory, fresh, text)
        self._remember(marks, memory, fresh)

    def _enter(self, sentence: Sentence, marks: Marks, memory: Memory) -> bool:
        """Follow the headings of regions ("Wrist: ..."): whether the sentence is about another region altogether."""
        if sentence.begins_line:
            memory.elsewhere = False
        if sentence.titled:
            memory.declared = True
        colon = min((i for i in marks.signs if i < LONGEST_REGION and marks.words[i] == ":"), default=0)
        named = [place for place in marks.places if place.start < colon] if colon else ()
        if not named:
            return False
        elsewhere = all(place.name == ELSEWHERE for place in named)
        words = {i for place in named for i in range(place.start, place.end)}
        bare = all(i in words or marks.has("connectors", i) for i in range(colon))
        memory.elsewhere = sentence.begins_line and bare and elsewhere
        return elsewhere

    def _places(
        self, lesion: Mention, own: list[Mention], marks: Marks, memory: Memory, fresh: dict[str, list[int]]
    ) -> frozenset[str] | None:
        """Places of a lesion, from an earlier sentence where this one names none; None where it lies elsewhere."""
        names = frozenset([place.name for place in own])
        if names == {ELSEWHERE}:
            return None
        names = names - {ELSEWHERE} - self._linker.general
        owner = self._owners.get(lesion.name)
        if owner:
            return self._owner_places(lesion, names, owner, marks, memory, fresh)
        # "R: clavicle end dislocated": of which joint, an earlier sentence says.
        if names or (own and lesion.name not in self._joints):
            return names
        if lesion.name in self._healing and memory.last.get(lesion.name):
            last = [memory.statements[i] for i in memory.last[lesion.name]]
            if not (marks.spans.get("unhealed") or marks.spans.get("consolidated")):
                last = [s for s in last if s.state not in (State.PAST, State.HEALED)]
            return frozenset().union(*(statement.places for statement in last))
        return memory.recent(lambda place: self._linker.fits(place, lesion.name))

    def _is_summary(self, lesion: Mention, memory: Memory) -> bool:
        """Whether a lesion without a place is about the whole region: "Osteophyt am Hals. Fraktur unwahrscheinlich"."""
        return lesion.name in self._healing and not memory.last.get(lesion.name) and not memory.pointed

    def _owner_places(
        self,
        lesion: Mention,
        names: frozenset[str],
        owner: str,
        marks: Marks,
        memory: Memory,
        fresh: dict[str, list[int]],
    ) -> frozenset[str] | None:
        """Places of a property: those of what it is a property of, in this sentence or the last that spoke of it."""
        broken = names & memory.named.get(owner, set())
        if broken:
            return broken
        mentioned = [m for m in marks.lesions if m.name == owner]
        if mentioned and not fresh.get(owner):
            return None
        indices = fresh.get(owner) or memory.last.get(owner, ())
        if len(mentioned) == len(indices) > 1 and fresh.get(owner):
            nearest = min(range(len(mentioned)), key=lambda k: _apart(sorted(mentioned)[k], lesion, marks))
            indices = [indices[nearest]]
        if indices:
            return frozenset().union(*(memory.statements[i].places for i in indices))
        return names

    def _state_of_owner(
        self, lesion: Mention, marks: Marks, memory: Memory, fresh: dict[str, list[int]]
    ) -> tuple[State, str]:
        """State and hedge of a property, or of a lesion named twice, from what it belongs to in the same clause.

        "In Fehlstellung verheilte Fraktur" is as past as the fracture, "V. a. Fraktur mit Versatz" as uncertain.
        """
        owner = self._owners.get(lesion.name, lesion.name)
        if owner in fresh:
            start, end = marks.segment(lesion.start)
            indices = fresh[owner]
            if owner == lesion.name:
                end = lesion.start
                # "V. a. Subluxation (Tossy II)": what stands in brackets says the same once more.
                if start and marks.words[start - 1] == "(":
                    start, indices = marks.segment(start - 1)[0], indices[-1:]
            if any(m.name == owner and start <= m.start < end for m in marks.lesions):
                owners = [memory.statements[i] for i in indices]
                states = {statement.state for statement in owners}
                if len(states) == 1 and states <= INHERITED:
                    return owners[0].state, owners[0].hedge
        return State.STATED, ""

    def _revise(self, sentence: Sentence, marks: Marks, memory: Memory, fresh: dict, text: str) -> None:
        """Let a sentence without the lesion's name speak of an earlier one: healed, still visible, reduced."""
        healed = self._switches.consolidated_is_false and says_healed(marks)
        if marks.spans.get("unhealed"):
            self._age(State.PAST, State.STATED, memory, fresh, whole(sentence, text))
        elif healed:
            self._age(State.STATED, State.HEALED, memory, fresh, whole(sentence, text))
        if memory.joints and any(cue.kind == "resolved" for cue in marks.cues) and not self._reducible & set(fresh):
            memory.reduce(whole(sentence, text))

    def _age(self, before: State, after: State, memory: Memory, fresh: dict[str, list[int]], evidence: Span) -> None:
        """Turn the earlier statements that a sentence about healing is about from one state to another."""
        revived = self._lasting if after == State.STATED else ()
        for lesion in (*self._healing, *revived):
            own = [memory.statements[i] for i in fresh.get(lesion, ())]
            if own and not any(statement.state == State.HEALED for statement in own):
                continue
            named = {place for statement in own for place in statement.places}
            for i in memory.last.get(lesion, ()):
                statement = memory.statements[i]
                if statement.state == before and (not named or named & statement.places):
                    memory.statements[i] = statement.become(after, evidence)

    def _remember(self, marks: Marks, memory: Memory, fresh: dict[str, list[int]]) -> None:
        """Keep places and lesions for the sentences that follow."""
        normal = bool(marks.flags.get("normal"))
        found: set[str] = set()
        for name, indices in fresh.items():
            kept = [i for i in indices if memory.statements[i].state != State.NEGATED]
            if kept:
                memory.last[name] = kept[-LAST_STATEMENTS:]
                found.update(place for i in kept for place in memory.statements[i].places)
        memory.pointed = memory.pointed and not found
        if not found and not normal and all(lesion.name in self._owners for lesion in marks.lesions):
            # "Aufhellung im Radiushals ohne Stufe. Der Aspekt spricht für eine Fissur."
            found = {place.name for place in marks.places} - {ELSEWHERE} - self._linker.general
            memory.pointed = memory.pointed or bool(found)
        memory.declared = memory.declared or bool(marks.lesions) or normal
        memory.enter(found)


def _without_topic(marks: Marks) -> list[Mention]:
    """Lesions without those that merely head a line which names others: "Ossikel/Verkalkungen: kleines Ossikel"."""
    colons = [i for i in marks.signs if marks.words[i] == ":"]
    if len(colons) != 1 or not marks.lesions or marks.lesions[-1].start < colons[0]:
        return marks.lesions
    small = marks.named.union(*(marks.flags.get(flag, ()) for flag in ("connectors", "continuations")))
    if not small.issuperset(range(colons[0])):
        return marks.lesions
    return [lesion for lesion in marks.lesions if lesion.start > colons[0]]


def _apart(one: Mention, other: Mention, marks: Marks) -> float:
    between = range(min(one.end, other.end), max(one.start, other.start))
    return len(between) + 3 * sum(1 for i in between if marks.is_sign(i))


def _is_partial(cue: Cue, lesion: Mention, marks: Marks) -> bool:
    """Whether a negation is of further, fresh or other findings only."""
    return any(marks.has("further", i) for i in range(min(cue.start, lesion.start), max(cue.end, lesion.end)))
