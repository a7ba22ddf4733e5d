"""Small counts are not shown, nor those that would give them away by subtraction; used by 05_figures."""

from collections.abc import Hashable, Sequence

from labkit.manuscript.numbers import count

__all__ = ["hidden", "shown"]


def hidden(counts: dict[Hashable, int], lines: Sequence[Sequence[Hashable]], *, min_cell: int) -> frozenset[Hashable]:
    """Keys of counts that may not be shown.

    Parameters
    ----------
    counts : all counts that stand side by side, totals among them.
    lines : keys of counts of which one follows from the others (parts and their sum), in the order in which they are
        hidden for the sake of another; a single hidden count of a line is joined by the first of it that is above 0.
    min_cell : counts from 1 to one below it are hidden; 0 is shown, since it names nobody.
    """
    found = {key for key, n in counts.items() if 0 < n < min_cell}
    changed = True
    while changed:
        changed = False
        for line in lines:
            if len(found.intersection(line)) == 1:
                others = [key for key in line if key not in found]
                partner = next((key for key in others if counts[key] > 0), None)
                if partner is not None:
                    found.add(partner)
                    changed = True
    return frozenset(found)


def shown(key: Hashable, counts: dict[Hashable, int], hiding: frozenset, *, min_cell: int) -> str:
    """A count as it may be shown: `12`, `<10`, or `≥10` where it is hidden for the sake of another."""
    if key not in hiding:
        return count(counts[key])
    return f"<{min_cell}" if counts[key] < min_cell else f"≥{min_cell}"
