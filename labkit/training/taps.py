"""Where in a trunk its last map of features is, and whether the mean over the map is all that leaves; for `explaining`.

Found by looking, not by name: the trunk runs once and says which of its parts gave a map. So any network of torchvision
or timm serves, and what is exact is known because it was checked.
"""

from dataclasses import dataclass
from functools import partial

import torch

from labkit.errors import TrainingError

__all__ = ["Tap", "channels_first", "find"]

TOLERANCE = 1e-4  # of the largest feature: the order of a sum may differ, a layer in between may not


@dataclass(frozen=True)
class Tap:
    """The part of a trunk whose output is the map.

    name : of the part. last : channels are its last axis. exact : the mean of the map over its positions is the
    trunk's output. finer : it is not the last one. grid : rows and columns of the map.
    """

    name: str
    last: bool
    exact: bool
    finer: bool
    grid: tuple[int, int]


@torch.no_grad()
def find(trunk, shown, *, least=0, backbone="this backbone"):
    """The tap of a trunk that takes `shown` (images, channels, rows, columns).

    least : where the last map has fewer places a side, the deepest one that has as many, else the finest.

    Raises
    ------
    TrainingError : the trunk has no map with more than one position behind which the rest is one vector.
    """
    seen, vector = _run(trunk, shown)
    calls = [name for name, _ in seen]
    maps = [n for n, (name, found) in enumerate(seen) if _layout(found) is not None and calls.count(name) == 1]
    tokens = [n for n, (_, found) in enumerate(seen) if isinstance(found, torch.Tensor) and found.ndim == 3]
    last = next((tap for n in reversed(maps) for tap in _exact(*seen[n], vector)), None)
    if last is None and (not maps or any(n > maps[-1] for n in tokens)):
        raise TrainingError(
            f"{backbone} at {shown.shape[-1]} px has no map of features over places, so there is nothing to draw; "
            "take a convolutional network such as resnet50, or larger images."
        )
    last = last or _tap(*seen[maps[-1]])
    if min(last.grid) >= least:
        return last
    stages = [_tap(*seen[n], finer=True) for n in maps if seen[n][0].count(".") <= 1]  # whole parts, not their branches
    finest = max((min(tap.grid) for tap in stages), default=0)
    return [last, *(tap for tap in stages if min(tap.grid) >= min(least, finest) and tap.grid > last.grid)][-1]


def _run(trunk, shown):
    """What each part gave, in the order of the ends of their work, and the trunk's vector."""
    seen = []
    hooks = [module.register_forward_hook(partial(_note, seen, name)) for name, module in trunk.named_modules() if name]
    try:
        return seen, trunk(shown)
    finally:
        for hook in hooks:
            hook.remove()


def _exact(name, found, vector):
    """The tap of a map whose mean is the vector, none for any other."""
    turned = channels_first(found, _layout(found))
    within = TOLERANCE * float(vector.abs().max())
    if turned.shape[:2] == vector.shape and torch.allclose(turned.mean(dim=(2, 3)), vector, atol=within, rtol=0):
        yield _tap(name, found, exact=True)


def _tap(name, found, *, exact=False, finer=False):
    last = _layout(found)
    return Tap(name, last, exact, finer, tuple(channels_first(found, last).shape[2:]))


def channels_first(found, last):
    """(images, channels, rows, columns) of what a tap gave."""
    return found.movedim(-1, 1) if last else found


def _note(seen, name, module, given, found):
    seen.append((name, found))


def _layout(found):
    """Whether the channels of (images, a, b, c) are its last axis; None of what is no map of more than one place.

    Images are square, so a map is, and its two like axes are rows and columns.
    """
    if not isinstance(found, torch.Tensor) or found.ndim != 4 or found.shape[2] < 2:
        return None
    if found.shape[2] == found.shape[3]:
        return False
    return True if found.shape[1] == found.shape[2] else None
