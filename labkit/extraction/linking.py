"""Which place a lesion of a sentence belongs to.

Used by 01_extraction through `rules`. A place belongs to the nearest lesion of each kind in its own clause; a
lesion without a place takes the nearest one of the sentence.
"""

from labkit.extraction.marks import ELSEWHERE, Marks, Mention
from labkit.templates import Template

__all__ = ["Linker"]

# A place behind a lesion is a little less likely its own than one before it at the same distance.
BEHIND_WORDS = 0.5
COMMA_WORDS = 4


class Linker:
    """Links lesions to the places that a template's rules combine with them."""

    def __init__(self, template: Template):
        self._combined: dict[str, set[str]] = {name: set() for name in template.lesions}
        for finding in template.findings:
            for rule in finding.parsed_rules:
                if rule.place:
                    self._combined[rule.lesion].add(rule.place)
        ruled = set().union(*self._combined.values()) if self._combined else set()
        # A place without a rule (the region itself) goes with every lesion; it only keeps other regions away.
        self.general = frozenset(template.places) - ruled

    def fits(self, place: str, lesion: str) -> bool:
        """Whether a place can be one of this lesion."""
        combined = self._combined[lesion]
        return place == ELSEWHERE or place in self.general or not combined or place in combined

    def __call__(self, marks: Marks) -> dict[Mention, list[Mention]]:
        """Places of each lesion of a sentence; an empty list where the sentence names none."""
        linked: dict[Mention, list[Mention]] = {lesion: [] for lesion in marks.lesions}
        if not marks.places:
            return linked
        kinds = {lesion.name for lesion in marks.lesions}
        for place in marks.places:
            for kind in kinds:
                if self.fits(place.name, kind):
                    own = self._nearest_lesion(place, kind, marks)
                    if own:
                        linked[own].append(place)
        for lesion, places in linked.items():
            if not places:
                places.extend(self._nearest_places(lesion, marks))
            linked[lesion] = self._local(lesion, places)
        return linked

    def _nearest_lesion(self, place: Mention, kind: str, marks: Marks) -> Mention | None:
        start, end = marks.segment(place.start)
        lesions = [lesion for lesion in marks.lesions if lesion.name == kind]
        near = [lesion for lesion in lesions if start <= lesion.start < end or lesion.start < place.end <= lesion.end]
        if not near and _is_list_item(place, marks):
            near = lesions
        if len(near) < 2:
            nearest = near[0] if near else None
        else:
            nearest = min(near, key=lambda lesion: _distance(place, lesion, marks))
        return None if nearest and self._is_another(place, nearest, marks) else nearest

    def _is_another(self, place: Mention, lesion: Mention, marks: Marks) -> bool:
        """Whether the place belongs to a nearer lesion of another kind, and the lesion has a nearer place of its own.

        "Fraktur der Ulna mit Luxation des Radiusköpfchens": the radial head is dislocated, not broken.
        """
        if len(marks.lesions) == 1:
            return False
        limit = _distance(place, lesion, marks)
        closer = any(m.name != lesion.name and _distance(place, m, marks) < limit for m in marks.lesions)
        return closer and any(
            _distance(other, lesion, marks) < limit and self.fits(other.name, lesion.name) and other.name != ELSEWHERE
            for other in marks.places
            if other.name not in self.general
        )

    def _nearest_places(self, lesion: Mention, marks: Marks) -> list[Mention]:
        start, end = marks.segment(lesion.start)
        fitting = [
            place
            for place in marks.places
            if self.fits(place.name, lesion.name)
            and (place.name != ELSEWHERE or start <= place.start < end)
            and not _is_normal(place, marks)
        ]
        if not fitting:
            return []
        best = min(fitting, key=lambda place: _distance(place, lesion, marks))
        limit = _distance(best, lesion, marks)
        return [place for place in fitting if _distance(place, lesion, marks) <= limit]

    def _local(self, lesion: Mention, places: list[Mention]) -> list[Mention]:
        """Places without another region where the template's own is named as well, and the other way round."""
        local = [place for place in places if place.name != ELSEWHERE and place.name not in self.general]
        if local:
            return local
        other = [place for place in places if place.name == ELSEWHERE]
        general = [place for place in places if place.name in self.general]
        if other and general:
            nearest = min(places, key=lambda place: abs(place.start - lesion.start))
            return other if nearest.name == ELSEWHERE else general
        return other or general


def _distance(place: Mention, lesion: Mention, marks: Marks) -> float:
    """Words between a place and a lesion; a sign between them counts more."""
    if place.end <= lesion.start:
        between, behind = range(place.end, lesion.start), 0.0
    elif lesion.end <= place.start:
        between, behind = range(lesion.end, place.start), BEHIND_WORDS
    else:
        return 0.0
    if not between:
        return behind
    connectors = marks.flags.get("connectors")
    light = len(connectors.intersection(between)) if connectors else 0
    signs = len(marks.signs.intersection(between)) if marks.signs else 0
    return len(between) + behind - 0.5 * light + COMMA_WORDS * signs


def _is_normal(place: Mention, marks: Marks) -> bool:
    """Whether the clause of a place says that it is normal and names no lesion."""
    start, end = marks.segment(place.start)
    if any(start <= lesion.start < end for lesion in marks.lesions):
        return False
    return any(marks.has("normal", i) for i in range(start, end))


def _is_list_item(place: Mention, marks: Marks) -> bool:
    """Whether the clause of a place consists of places only, as in "Fraktur von Olekranon, Radiuskopf und Ulna".

    A degree may stand with them: "Arthrose im Sattelgelenk, gering auch im Grundgelenk".
    """
    start, end = marks.segment(place.start)
    if any(start <= lesion.start < end for lesion in marks.lesions):
        return False
    named = {i for other in marks.places for i in range(other.start, other.end)}
    small = named.union(*(marks.flags.get(flag, ()) for flag in ("connectors", "continuations", "degrees")))
    return small.issuperset(range(start, end))
