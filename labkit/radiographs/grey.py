"""From stored pixel values to grey: modality LUT, then VOI, then presentation, as one table over every
possible value.

White is dense bone, whatever the photometric interpretation. One table of 256 or 65,536 entries is filled and
then looked up, which for a 2,048 x 2,500 image is about ten times faster than transforming the pixels, and
exactly equal. Sources: DICOM PS3.3 C.11.1 (modality), C.11.2 (VOI), C.11.6 (presentation), C.7.5.1.1.2
(padding).
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Grey", "Lut", "apply", "chosen", "percentiles", "rescaled", "table", "windowed"]

PERCENTILES = (0.5, 99.5)
# Pixels looked at for percentiles: every n-th row and column, so that about this many remain.
SAMPLE = 500_000
# Rows looked up at a time: numpy widens indices to 64 bits, and a block of this size stays in the cache.
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Lut:
    """A lookup table of the header: `values` for the inputs `first`, `first` + 1, ...; inputs outside take
    the end values."""

    first: int
    values: np.ndarray

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        places = np.clip(np.rint(inputs) - self.first, 0, len(self.values) - 1).astype(np.intp)
        return self.values[places].astype(np.float64)


@dataclass(frozen=True)
class Grey:
    """What a header says about the meaning of stored values.

    `voi_luts` and `windows`, (centre, width) pairs of usable width, each have an explanation, which may be empty;
    `function` is LINEAR, LINEAR_EXACT or SIGMOID; `padding` is an inclusive range of stored values or None. `stretch`
    is false where 0 to the maximum is already what is meant to be seen.
    """

    bits_allocated: int = 16
    bits_stored: int = 16
    signed: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    modality_lut: Lut | None = None
    voi_luts: tuple[Lut, ...] = ()
    voi_lut_names: tuple[str, ...] = ()
    windows: tuple[tuple[float, float], ...] = ()
    window_names: tuple[str, ...] = ()
    function: str = "LINEAR"
    invert: bool = False
    padding: tuple[int, int] | None = None
    stretch: bool = True


def table(raw: np.ndarray, grey: Grey, *, window: int | str = 0) -> np.ndarray:
    """Grey in [0, 1] for every bit pattern of the stored type.

    Parameters
    ----------
    raw : (rows, columns) uint8 or uint16, the stored bits; used for percentiles when the header has neither
        VOI LUT nor window.
    window : which of several VOI LUTs or windows is taken: its number (the last one where there are fewer), or a part
        of its explanation, whatever the case (the first one where none fits).

    Returns
    -------
    float32 (256,) or (65536,); padding is 0 (black) after any inversion.
    """
    values, is_padding = rescaled(grey)
    voi = chosen(grey, window)
    if isinstance(voi, Lut):
        low, high = float(voi.values.min()), float(voi.values.max())
        shown = (voi(values) - low) / max(high - low, 1.0)
    elif voi:
        shown = windowed(values, *voi, grey.function)
    elif grey.stretch:
        low, high = percentiles(raw, values, is_padding)
        shown = (values - low) / max(high - low, 1e-9)
    else:
        shown = values / (2**grey.bits_stored - 1)
    shown = np.clip(shown, 0, 1)
    if grey.invert:
        shown = 1 - shown
    shown[is_padding] = 0
    return shown.astype(np.float32)


def apply(raw: np.ndarray, lut: np.ndarray) -> np.ndarray:
    """Look up (rows, columns) uint8 or uint16 in a table; the result has the table's type."""
    out = np.empty(raw.shape, lut.dtype)
    step = max(1, BLOCK_BYTES // (8 * raw.shape[1]))
    for row in range(0, raw.shape[0], step):
        np.take(lut, raw[row : row + step], out=out[row : row + step], mode="clip")
    return out


def rescaled(grey: Grey) -> tuple[np.ndarray, np.ndarray]:
    """The value after the modality LUT of every bit pattern, float64, and which patterns are padding."""
    stored = _stored_values(grey)
    values = grey.modality_lut(stored) if grey.modality_lut else stored * grey.slope + grey.intercept
    is_padding = np.zeros(len(stored), bool)
    if grey.padding:
        is_padding = (stored >= grey.padding[0]) & (stored <= grey.padding[1])
    return values, is_padding


def chosen(grey: Grey, window: int | str) -> Lut | tuple[float, float] | None:
    """The VOI LUT or window to use; LUTs go before windows unless a window alone has the explanation asked for."""
    kinds = ((grey.voi_luts, grey.voi_lut_names), (grey.windows, grey.window_names))
    if isinstance(window, str):
        asked = window.casefold()
        named = (item for items, names in kinds for item, name in zip(items, names) if asked in name.casefold())
        found = next(named, None)
        if found:
            return found
        window = 0
    return next((items[min(window, len(items) - 1)] for items, _ in kinds if items), None)


def _stored_values(grey: Grey) -> np.ndarray:
    """The number that each bit pattern stands for; bits above Bits Stored (old overlays) do not count."""
    patterns = np.arange(2**grey.bits_allocated, dtype=np.int64) & (2**grey.bits_stored - 1)
    if grey.signed:
        patterns -= (patterns >= 2 ** (grey.bits_stored - 1)) * 2**grey.bits_stored
    return patterns.astype(np.float64)


def windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3 with an output range of 0 to 1."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500)))
    if function == "LINEAR_EXACT" or width <= 1:  # LINEAR is not defined below 1; a width of 1 is a step either way
        return (values - centre) / width + 0.5
    return (values - (centre - 0.5)) / (width - 1) + 0.5


def percentiles(raw: np.ndarray, values: np.ndarray, is_padding: np.ndarray) -> tuple[float, float]:
    """Robust end points over the pixels that are not padding, linearly interpolated, so that an inverted
    image gives the same."""
    step = max(1, int((raw.size / SAMPLE) ** 0.5))
    counts = np.bincount(raw[::step, ::step].ravel(), minlength=len(values))
    counts[is_padding] = 0
    seen = np.flatnonzero(counts)
    if not len(seen):
        return 0.0, 1.0
    seen = seen[np.argsort(values[seen], kind="stable")]
    cumulative, values = np.cumsum(counts[seen]), values[seen]
    places = np.array(PERCENTILES) / 100 * (cumulative[-1] - 1)
    below = values[np.searchsorted(cumulative, np.floor(places), side="right")]
    above = values[np.searchsorted(cumulative, np.ceil(places), side="right")]
    low, high = below + (above - below) * (places % 1)
    return float(low), float(high)
