"""What each sentence of a report states, in the light of the sentences before it.

Used by 01_extraction through `rules`. Places and fractures carry over to a sentence that does not name them again;
a later sentence may say of an earlier lesion that it has healed, can still be seen or is reduced.
"""

from dataclasses import dataclass, field

from labkit.extraction.cues import State, Switches, judge
from labkit.extraction.linking import Linker
from labkit.extraction.mentions import ELSEWHERE, Cue, Marks, Mention
from labkit.extraction.quotes import Span
from labkit.extraction.sentences import Sentence
from labkit.extraction.statements import Statement
from labkit.templates import Template

__all__ = ["Memory", "SentenceReader"]

# Sentences over which a place that is not named again still holds.
MEMORY_SENTENCES = 3
# Words before the colon of a heading that names a region.
LONGEST_REGION = 6
# States that a property takes over from what it belongs to.
INHERITED = frozenset({State.PAST, State.HEALED, State.HEDGED})


@dataclass(slots=True)
class Memory:
    """What the sentences read so far leave for the next one."""

    statements: list[Statement] = field(default_factory=list)
    hedges: list[str] = field(default_factory=list)
    places: frozenset[str] = frozenset()
    age: int = 0
    # Indices of the statements that a later sentence may still be about, by lesion.
    last: dict[str, list[int]] = field(default_factory=dict)
    declared: bool = False
    elsewhere: bool = False


class SentenceReader:
    """Reads the sentences of a report one after the other into a memory."""

    def __init__(self, template: Template, switches: Switches):
        self._switches = switches
        self._linker = Linker(template)
        self._owners = {name: lesion.of for name, lesion in template.lesions.items() if lesion.of}
        self._reducible = {name for name, lesion in template.lesions.items() if lesion.reducible}
        self._healing = frozenset(self._owners.values())

    def read(self, sentence: Sentence, marks: Marks, memory: Memory, text: str) -> None:
        """Add what one sentence states to the memory."""
        elsewhere = self._enter(sentence, marks, memory)
        question = sentence.asks and not memory.declared
        if elsewhere or question or not (marks.lesions or marks.places or marks.flags):
            return
        linked = self._linker(marks)
        fresh: dict[str, list[int]] = {}
        for lesion in sorted(marks.lesions, key=lambda m: (m.name in self._owners, m.start)):
            state, cue = judge(lesion, marks, switches=self._switches, reducible=lesion.name in self._reducible)
            if sentence.asks and state == State.STATED and marks.segment(lesion.start)[1] >= len(marks.words) - 1:
                state = State.HEDGED
            if lesion.name in self._healing:
                state = self._aged(state, cue, lesion, marks)
            places = self._places(lesion, linked[lesion], marks, memory, fresh)
            if state == State.ASKED or places is None or (memory.elsewhere and not linked[lesion]):
                continue
            if state == State.STATED:
                state = self._state_of_owner(lesion, marks, memory, fresh)
            span = _span(lesion, linked[lesion], cue, sentence, text)
            if state == State.HEDGED and cue:
                memory.hedges.append(_slice(sentence, cue.start, cue.end, text).lower())
            fresh.setdefault(lesion.name, []).append(len(memory.statements))
            partial = state == State.NEGATED and cue is not None and _is_partial(cue, lesion, marks)
            memory.statements.append(Statement(lesion.name, places, state, sentence.section, span, partial))
        self._revise(sentence, marks, memory, fresh, text)
        self._remember(marks, linked, memory, fresh)

    def _enter(self, sentence: Sentence, marks: Marks, memory: Memory) -> bool:
        """Follow the headings of regions ("Wrist: ..."): whether the sentence is about another region altogether."""
        if sentence.begins_line:
            memory.elsewhere = False
        if sentence.titled:
            memory.declared = True
        colon = next((i for i in range(min(LONGEST_REGION, len(marks.words))) if marks.words[i] == ":"), 0)
        named = [place for place in marks.places if place.start < colon]
        if not named:
            return False
        elsewhere = all(place.name == ELSEWHERE for place in named)
        words = {i for place in named for i in range(place.start, place.end)}
        bare = all(i in words or marks.has("connectors", i) for i in range(colon))
        memory.elsewhere = sentence.begins_line and bare and elsewhere
        return elsewhere

    def _aged(self, state: State, cue: Cue | None, lesion: Mention, marks: Marks) -> State:
        """State of a fracture of which the sentence says that it has healed, or that it can still be seen."""
        start, end = marks.segment(lesion.start)
        if marks.spans.get("unhealed"):
            visible = state == State.PAST or (state == State.NEGATED and cue is not None and _covers(cue, marks))
            return State.STATED if visible else state
        healed = [span for span in marks.spans.get("consolidated", ()) if span[0] < end or span[0] >= start]
        if healed and state in (State.STATED, State.PAST, State.NEGATED):
            if state == State.NEGATED and not any(s < lesion.end and lesion.start < e for s, e in healed):
                return state
            return State.HEALED if self._switches.consolidated_is_false else State.STATED
        return state

    def _places(
        self, lesion: Mention, own: list[Mention], marks: Marks, memory: Memory, fresh: dict[str, list[int]]
    ) -> frozenset[str] | None:
        """Places of a lesion, from an earlier sentence where this one names none; None where it lies elsewhere."""
        names = frozenset(place.name for place in own)
        if names == {ELSEWHERE}:
            return None
        names = names - {ELSEWHERE} - self._linker.general
        owner = self._owners.get(lesion.name)
        if owner:
            return self._owner_places(lesion, names, owner, marks, memory, fresh)
        if names or own:
            return names
        if lesion.name in self._healing and memory.last.get(lesion.name):
            last = [memory.statements[i] for i in memory.last[lesion.name]]
            if marks.spans.get("unhealed") or marks.spans.get("consolidated"):
                return frozenset().union(*(statement.places for statement in last))
            return frozenset().union(*(s.places for s in last if s.state not in (State.PAST, State.HEALED)))
        if memory.age < MEMORY_SENTENCES:
            return frozenset(place for place in memory.places if self._linker.fits(place, lesion.name))
        return names

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
        broken = {place for s in memory.statements if s.lesion == owner for place in s.places}
        if names and names & broken:
            return names & broken
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

    def _state_of_owner(self, lesion: Mention, marks: Marks, memory: Memory, fresh: dict[str, list[int]]) -> State:
        """State of a property, or of a lesion named twice, from what it belongs to in the same clause.

        "In Fehlstellung verheilte Fraktur" is as past as the fracture, "V. a. Fraktur mit Versatz" as uncertain.
        """
        owner = self._owners.get(lesion.name, lesion.name)
        start, end = marks.segment(lesion.start)
        end = end if owner != lesion.name else lesion.start
        if not any(m.name == owner and start <= m.start < end for m in marks.lesions):
            return State.STATED
        states = {memory.statements[i].state for i in fresh.get(owner, ())}
        return states.pop() if len(states) == 1 and states <= INHERITED else State.STATED

    def _revise(self, sentence: Sentence, marks: Marks, memory: Memory, fresh: dict, text: str) -> None:
        """Let a sentence without the lesion's name speak of an earlier one: healed, still visible, reduced."""
        evidence = _whole(sentence, text)
        for lesion in self._healing:
            earlier = memory.last.get(lesion, ()) if not fresh.get(lesion) else ()
            if fresh.get(lesion) and any(memory.statements[i].state == State.HEALED for i in fresh[lesion]):
                earlier = memory.last.get(lesion, ())
            named = {place for i in fresh.get(lesion, ()) for place in memory.statements[i].places}
            for i in earlier:
                statement = memory.statements[i]
                if named and not named & statement.places:
                    continue
                if marks.spans.get("unhealed"):
                    if statement.state == State.PAST:
                        memory.statements[i] = statement.become(State.STATED, evidence)
                elif (
                    self._is_healed(marks) and statement.state == State.STATED and self._switches.consolidated_is_false
                ):
                    memory.statements[i] = statement.become(State.HEALED, evidence)
        undone = any(cue.kind == "resolved" for cue in marks.cues) and not self._reducible & set(fresh)
        if undone:
            for i, statement in enumerate(memory.statements):
                joint = statement.lesion in self._reducible and statement.lesion not in self._owners
                if joint and statement.state == State.STATED:
                    memory.statements[i] = statement.become(State.NEGATED, evidence)

    def _is_healed(self, marks: Marks) -> bool:
        """Whether the sentence says of a fracture, without a hedge, that it has healed."""
        spans = marks.spans.get("consolidated", ())
        doubted = [cue for cue in marks.cues if cue.kind in ("hedge", "unlikely", "advice", "negation")]
        outside = [c for c in doubted if not any(s < c.end and c.start < e for s, e in spans)]
        return bool(spans) and not outside

    def _remember(self, marks: Marks, linked: dict, memory: Memory, fresh: dict[str, list[int]]) -> None:
        """Keep places and lesions for the sentences that follow."""
        kept = {name: [i for i in at if memory.statements[i].state != State.NEGATED] for name, at in fresh.items()}
        memory.last.update({name: at for name, at in kept.items() if at})
        found = {place for at in kept.values() for i in at for place in memory.statements[i].places}
        if not marks.lesions and not marks.flags.get("normal"):
            found = {place.name for place in marks.places} - {ELSEWHERE} - self._linker.general
        memory.age += 1
        if found:
            memory.places, memory.age = frozenset(found), 0
        memory.declared = memory.declared or bool(marks.lesions) or bool(marks.flags.get("normal"))


def _covers(cue: Cue, marks: Marks) -> bool:
    """Whether a negation is part of a phrase like "noch nicht durchbaut"."""
    return any(start <= cue.start < end for start, end in marks.spans.get("unhealed", ()))


def _apart(one: Mention, other: Mention, marks: Marks) -> float:
    between = range(min(one.end, other.end), max(one.start, other.start))
    return len(between) + 3 * sum(1 for i in between if marks.is_sign(i))


def _is_partial(cue: Cue, lesion: Mention, marks: Marks) -> bool:
    """Whether a negation is of further, fresh or other findings only."""
    return any(marks.has("further", i) for i in range(min(cue.start, lesion.start), max(cue.end, lesion.end)))


def _slice(sentence: Sentence, start: int, end: int, text: str) -> str:
    return text[sentence.tokens[start].start : sentence.tokens[end - 1].end]


def _span(lesion: Mention, places: list[Mention], cue: Cue | None, sentence: Sentence, text: str) -> Span:
    """The words from the first to the last of lesion, places and cue."""
    parts = [lesion, *places, *([cue] if cue else [])]
    start = sentence.tokens[min(part.start for part in parts)].start
    end = sentence.tokens[max(part.end for part in parts) - 1].end
    return Span(text[start:end], start, end)


def _whole(sentence: Sentence, text: str) -> Span:
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    return Span(text[start:end], start, end)
