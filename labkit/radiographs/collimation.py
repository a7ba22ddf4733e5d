"""Cut off what lies outside the collimated field: frames and margins differ between hospitals and would give
the site away.

Source: Otsu N (1979), A threshold selection method from gray-level histograms, on the profiles of rows and
columns.
"""

import numpy as np

__all__ = ["crop", "field", "threshold"]

# A field smaller than this share of a side is more likely a mistake than a collimation.
MIN_SHARE = 0.3


def crop(image: np.ndarray) -> np.ndarray:
    """The collimated field of a (rows, columns) uint8 or uint16 image, bright bone on dark; the whole image where none
    is seen."""
    top, bottom, left, right = field(image)
    return np.ascontiguousarray(image[top:bottom, left:right])


def field(image: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the field, ends exclusive."""
    return (*_span(image.mean(axis=1)), *_span(image.mean(axis=0)))


def _span(profile: np.ndarray) -> tuple[int, int]:
    """First and last place of the profile above its threshold; all of it unless both sides of the cut are
    clearly apart."""
    inside = np.flatnonzero(profile > threshold(profile))
    whole = (0, len(profile))
    if not len(inside) or len(inside) == len(profile):
        return whole
    start, end = int(inside[0]), int(inside[-1]) + 1
    outside = np.concatenate((profile[:start], profile[end:]))
    # Shutters are even and dark: a soft-tissue slope is neither, and stays.
    if end - start < MIN_SHARE * len(profile) or (len(outside) and outside.max() > 0.25 * profile[start:end].mean()):
        return whole
    return start, end


def threshold(values: np.ndarray) -> float:
    """The value (of 1-d `values`) that parts them into the two classes with the largest variance between; the lower
    class includes it."""
    ordered = np.sort(values.astype(np.float64))
    below = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)[:-1]
    total = ordered.sum()
    means = sums / below, (total - sums) / (len(ordered) - below)
    between = below * (len(ordered) - below) * (means[1] - means[0]) ** 2
    best = int(np.argmax(between)) if len(between) else 0
    return float(ordered[best])
