"""What a header says about the meaning of its pixel values, with the mistakes that real files make."""

import numpy as np
from pydicom.dataset import Dataset

from labkit.radiographs.grey import Grey, Lut

__all__ = ["grey_of"]

MAX_LUTS = 16  # no vendor writes more; a hostile file might


def grey_of(dataset: Dataset, numbers: dict[str, int]) -> Grey:
    """The grey chain of a data set; what is missing or malformed falls back to "not given".

    `numbers` holds bits_allocated and bits_stored.
    """
    stored = numbers["bits_stored"]
    signed = _number(dataset, "PixelRepresentation") == 1
    shape = str(dataset.get("PresentationLUTShape", "") or "").strip()
    photometric = str(dataset.get("PhotometricInterpretation", "") or "").strip()
    function = str(dataset.get("VOILUTFunction", "") or "").strip().upper()
    slope = _number(dataset, "RescaleSlope")
    luts, windows = _luts(dataset, "VOILUTSequence", signed=signed), _windows(dataset)
    return Grey(
        bits_allocated=numbers["bits_allocated"],
        bits_stored=stored,
        signed=signed,
        slope=slope if slope else 1.0,
        intercept=_number(dataset, "RescaleIntercept") or 0.0,
        modality_lut=next((lut for lut, _ in _luts(dataset, "ModalityLUTSequence", signed=signed)), None),
        voi_luts=tuple(lut for lut, _ in luts),
        voi_lut_names=tuple(name for _, name in luts),
        windows=tuple(pair for pair, _ in windows),
        window_names=tuple(name for _, name in windows),
        function=function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR",
        # PresentationLUTShape decides where it is given; INVERSE with MONOCHROME1 is the consistent pair, not
        # two inversions.
        invert=shape == "INVERSE" if shape in ("INVERSE", "IDENTITY") else photometric == "MONOCHROME1",
        padding=_padding(dataset, stored, signed=signed),
    )


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values of an element that are finite numbers; pydicom raises for text that is none."""
    try:
        value = dataset.get(keyword)
        values = [] if value is None or value == "" else np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return []
    return [float(v) for v in values if np.isfinite(v)]


def _number(dataset: Dataset, keyword: str) -> float | None:
    values = _numbers(dataset, keyword)
    return values[0] if values else None


def _windows(dataset: Dataset) -> list[tuple[tuple[float, float], str]]:
    """(centre, width) pairs with their explanations; a width of 0 or an empty centre is no window."""
    pairs = list(zip(_numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth"), strict=False))
    names = dataset.get("WindowCenterWidthExplanation") or ""
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    names += [""] * (len(pairs) - len(names))
    return [((centre, width), name) for (centre, width), name in zip(pairs, names) if width > 0]


def _padding(dataset: Dataset, bits_stored: int, *, signed: bool) -> tuple[int, int] | None:
    first, last = _number(dataset, "PixelPaddingValue"), _number(dataset, "PixelPaddingRangeLimit")
    if first is None:
        return None
    ends = sorted(_as_stored(int(v), bits_stored, signed=signed) for v in (first, first if last is None else last))
    return ends[0], ends[1]


def _as_stored(value: int, bits_stored: int, *, signed: bool) -> int:
    """A value that was written as US where SS was meant, or the other way round."""
    value &= 2**bits_stored - 1
    return value - 2**bits_stored if signed and value >= 2 ** (bits_stored - 1) else value


def _luts(dataset: Dataset, keyword: str, *, signed: bool) -> list[tuple[Lut, str]]:
    """The LUTs of a sequence with their explanations, without those whose data do not make sense."""
    try:
        items = list(dataset[keyword].value)
    except (KeyError, TypeError, ValueError, AttributeError, NotImplementedError):
        return []
    read = [(_lut(item, signed=signed), str(item.get("LUTExplanation", "") or "")) for item in items[:MAX_LUTS]]
    return [(lut, name) for lut, name in read if lut]


def _lut(item: Dataset, *, signed: bool) -> Lut | None:
    """One LUT, None where its data do not make sense. Source: PS3.3 C.11.1.1.1."""
    try:
        count, first, bits = (int(v) for v in item["LUTDescriptor"].value)
        data = item["LUTData"].value
    except (KeyError, TypeError, ValueError, AttributeError, NotImplementedError):
        return None
    count = count % 65536 or 65536  # 0 means 65,536; some files write it as a negative number
    values = _lut_values(data, count, bits)
    if len(values) < 2 or values.max() == values.min():
        return None
    if signed and first >= 32768:
        first -= 65536
    return Lut(first, values)


def _lut_values(data, count: int, bits: int) -> np.ndarray:
    if isinstance(data, (bytes, bytearray)):
        # 8-bit tables come one byte per entry or padded to words; the length tells which.
        narrow = bits <= 8 and len(data) < 2 * count
        return np.frombuffer(data[: len(data) // 2 * 2], "u1" if narrow else "<u2")[:count]
    values = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if bits <= 8 and len(values) < count:
        return values.astype("<u2").view("u1")[:count]
    return values[:count]
