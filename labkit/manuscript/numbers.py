"""Numbers as journals print them: estimates with intervals, p-values, counts, lists of words; used by 05_figures.

Nothing is computed: a number of a table becomes text. A number that is not there is a dash.
"""

import math
from collections.abc import Sequence

__all__ = [
    "DASH",
    "GAP",
    "count",
    "estimate",
    "listed",
    "p_cell",
    "p_text",
    "percent",
    "plural",
    "share",
    "signed",
    "spelled",
]

DASH = "–"
MINUS = "−"
GAP = "\u00a0"  # a line may break before an interval, not within it
SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def estimate(value: float, low: float = math.nan, high: float = math.nan, *, digits: int = 2) -> str:
    """`0.80 [0.76, 0.84]`, without limits where there are none."""
    if _missing(value):
        return DASH
    shown = _decimal(value, digits)
    if _missing(low) or _missing(high):
        return shown
    return f"{shown} [{_decimal(low, digits)},{GAP}{_decimal(high, digits)}]"


def percent(value: float, low: float = math.nan, high: float = math.nan, *, digits: int = 1) -> str:
    """A share as a percentage without its sign: `98.6 [98.5, 98.7]`."""
    return estimate(*(100 * number for number in (value, low, high)), digits=digits)


def signed(value: float, low: float = math.nan, high: float = math.nan, *, digits: int = 3) -> str:
    """A difference: `+0.011 [−0.025, +0.046]`; 0 has no sign."""
    if _missing(value):
        return DASH
    shown = [_sign(number, digits) for number in (value, low, high)]
    return shown[0] if _missing(low) or _missing(high) else f"{shown[0]} [{shown[1]},{GAP}{shown[2]}]"


def _decimal(value: float, digits: int) -> str:
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.removeprefix("-")
    return shown.replace("-", MINUS)


def _sign(value: float, digits: int) -> str:
    shown = _decimal(value, digits)
    return f"+{shown}" if value > 0 and float(shown) != 0 else shown


def p_cell(p: float | None) -> str:
    """A p-value for a cell: `.03`, `.004`, `<.001`, `>.99`; three digits where two would round to .05."""
    if _missing(p):
        return DASH
    if p < 0.001:
        return "<.001"
    if p > 0.99:
        return ">.99"
    digits = 3 if p < 0.01 or 0.045 <= p < 0.05 else 2
    return f"{p:.{digits}f}".removeprefix("0")


def p_text(p: float | None) -> str:
    """A p-value for a sentence: `p = .03`, `p < .001`."""
    shown = p_cell(p)
    if shown == DASH:
        return "p not defined"
    return f"p {shown[0]} {shown[1:]}" if shown[0] in "<>" else f"p = {shown}"


def count(n: float | None) -> str:
    """`1,234`."""
    return DASH if _missing(n) else f"{round(n):,}"


def share(n: float, total: float) -> str:
    """`12 (4.8%)`, without a percentage of nothing or of no case."""
    return f"{count(n)} ({100 * n / total:.1f}%)" if total and n else count(n)


def plural(n: int, noun: str, many: str = "") -> str:
    """`1 patient`, `1,234 patients`; `many` where the plural is no s."""
    return f"{n:,} {noun if n == 1 else many or noun + 's'}"


def spelled(n: int) -> str:
    """Numbers below ten as words."""
    return SMALL[n] if 0 <= n < len(SMALL) else f"{n:,}"


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """`a`, `a and b`, `a, b, and c`."""
    words = list(words)
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"
