"""Numbers as journals print them."""

import pytest

from labkit.manuscript import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0004, "<.001"), (0.001, ".001"), (0.0042, ".004"), (0.031, ".03"), (0.0478, ".048"), (0.0502, ".05"),
     (0.5, ".50"), (0.99, ".99"), (0.996, ">.99"), (1.0, ">.99"), (NAN, "–"), (None, "–")],
)  # fmt: skip
def test_p_values_never_round_to_nothing_and_never_over_the_level(p, shown):
    assert numbers.p_cell(p) == shown


def test_p_values_in_sentences():
    assert [numbers.p_text(p) for p in (0.0001, 0.03, 1.0)] == ["p < .001", "p = .03", "p > .99"]
    assert numbers.p_text(NAN) == "p not defined"


def test_an_interval_does_not_break_inside():
    assert numbers.estimate(0.804, 0.761, 0.839) == "0.80 [0.76,\u00a00.84]"
    assert numbers.percent(0.986, 0.985, 0.987) == "98.6 [98.5,\u00a098.7]"
    assert (numbers.estimate(0.5), numbers.estimate(NAN, 0, 1)) == ("0.50", "–")


def test_differences_have_their_sign_and_zero_has_none():
    assert numbers.signed(0.0106, -0.025, 0.046) == "+0.011 [−0.025,\u00a0+0.046]"
    assert [numbers.signed(v) for v in (-0.00001, 0.0, 0.00001)] == ["0.000"] * 3


def test_counts_and_shares():
    assert [numbers.count(v) for v in (0, 1234, NAN)] == ["0", "1,234", "–"]
    assert [numbers.share(12, 250), numbers.share(0, 250), numbers.share(3, 0)] == ["12 (4.8%)", "0", "3"]


def test_words_agree_with_numbers():
    assert [numbers.plural(n, "study", "studies") for n in (0, 1, 1200)] == ["0 studies", "1 study", "1,200 studies"]
    assert [numbers.listed(list(w)) for w in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b, and c"]
    assert [numbers.spelled(n) for n in (0, 2, 12)] == ["no", "two", "12"]
