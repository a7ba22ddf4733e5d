"""Small counts are hidden, and so is what would give them away."""

import itertools

import numpy as np

from labkit.manuscript import suppression

LINE = ["a", "b", "c", "all"]


def hide(a, b, c, *, min_cell=10):
    counts = {"a": a, "b": b, "c": c, "all": a + b + c}
    hiding = suppression.hidden(counts, [LINE], min_cell=min_cell)
    return {key: suppression.shown(key, counts, hiding, min_cell=min_cell) for key in counts}


def test_a_small_count_takes_another_with_it():
    assert hide(20, 30, 4) == {"a": "≥10", "b": "30", "c": "<10", "all": "54"}


def test_two_small_counts_hide_each_other():
    assert hide(20, 3, 4) == {"a": "20", "b": "<10", "c": "<10", "all": "27"}


def test_nothing_and_a_threshold_of_one_hide_nothing():
    assert hide(20, 0, 30)["b"] == "0"
    assert hide(1, 2, 3, min_cell=0) == {"a": "1", "b": "2", "c": "3", "all": "6"}


def test_a_total_is_hidden_where_nothing_else_can_be():
    assert hide(4, 0, 0) == {"a": "<10", "b": "0", "c": "0", "all": "<10"}


def test_no_line_of_a_table_of_two_ways_ever_has_a_single_hidden_count():
    rng = np.random.default_rng(1)
    for _ in range(200):
        cells = rng.integers(0, 25, (3, 3))
        counts = {(r, c): int(cells[r, c]) for r, c in itertools.product(range(3), range(3))}
        counts |= {(r, "all"): int(cells[r].sum()) for r in range(3)}
        counts |= {("all", c): int(cells[:, c].sum()) for c in range(3)}
        counts["all", "all"] = int(cells.sum())
        keys = [0, 1, 2, "all"]
        lines = [[(r, c) for c in keys] for r in keys] + [[(r, c) for r in keys] for c in keys]
        hiding = suppression.hidden(counts, lines, min_cell=10)
        assert {key for key, n in counts.items() if 0 < n < 10} <= hiding
        for line in lines:
            alone = hiding.intersection(line)
            # a single one may stay where all others are 0, which cannot be: the total is at least as large
            assert len(alone) != 1
