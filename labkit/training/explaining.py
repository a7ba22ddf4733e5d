"""Class activation maps: which place of which view speaks for a finding, and by how much; used by 03_training.

CAM : where a trunk ends in the mean over its last map and the head is linear (ResNet, DenseNet, EfficientNet, Swin and
    most others), the head's weights split the logit over views and places (Zhou 2016, arXiv 1512.04150), for all
    findings at once and exactly: the sum over a study's places, plus what no place decides, is its logit. The share of
    a view follows from how views are pooled.
Grad-CAM : elsewhere (VGG, ConvNeXt, MobileNetV3) the gradient stands for the weights (Selvaraju 2017, arXiv
    1610.02391), which gives an order of places and no sum.
HiResCAM : where the last map is too coarse to point at anything (small images: 2 x 2 places at 64 px), the deepest map
    that is fine enough, each place weighed by its own gradient (Draelos 2020, arXiv 2011.08891), which on the last map
    would be CAM again; an order of places.
"""

from dataclasses import dataclass

import numpy as np
import torch

from labkit.training import batches, losses, taps

__all__ = [
    "CAM",
    "GRAD_CAM",
    "HIRES_CAM",
    "Maps",
    "explain",
    "find_taps",
    "images_of",
    "mean_of",
    "of_images",
    "present_of",
]

CAM, GRAD_CAM, HIRES_CAM = "CAM", "Grad-CAM", "HiResCAM"
STUDIES_AT_ONCE = 16


@dataclass(frozen=True)
class Maps:
    """What the places of some studies contribute to their logits.

    values : (studies, slots, findings, rows, columns) float32; 0 in a view that is missing. rest : (studies, findings),
    what no place decides (the bias; what stands in for a missing view). logits : (studies, findings) of the same pass.
    present : (studies, slots) bool. method : "CAM" (values and rest add up to the logits), "Grad-CAM" or "HiResCAM"
    (they do not).
    """

    values: np.ndarray
    rest: np.ndarray
    logits: np.ndarray
    present: np.ndarray
    method: str

    def local(self):
        """Logit that each place stands for, as if all places of all views were like it; NaN in a missing view.

        The mean over the places of the views that are there is the logit. Not of CAM: `values`, without a unit.
        """
        if self.method != CAM:
            return np.where(self.present[:, :, None, None, None], self.values, np.nan).astype(np.float32)
        scale = self.present.sum(axis=1) * np.prod(self.values.shape[3:])  # (studies,)
        found = self.values * scale[:, None, None, None, None] + self.rest[:, None, :, None, None]
        return np.where(self.present[:, :, None, None, None], found, np.nan).astype(np.float32)

    def error(self):
        """Largest difference between a logit and the sum of its map; NaN where there is no such sum."""
        if self.method != CAM or not self.logits.size:
            return float("nan")
        return float(np.abs(self.values.sum(axis=(1, 3, 4)) + self.rest - self.logits).max())


def explain(network, cohort, pairs, *, device, ends, flips=False):
    """`Maps` of pairs of a study and a finding, one finding per row.

    Parameters
    ----------
    network : MultiView on the device, in evaluation mode. pairs : (n, 2) int, position in the cohort and number of the
        finding. ends : of `find_taps`. flips : the mean over each image and its mirror image, as they are scored.
    """
    found = []
    for part in batches.parts(np.asarray(pairs).reshape(-1, 2), STUDIES_AT_ONCE):
        images, present = images_of(cohort, part[:, 0], device), present_of(cohort, part[:, 0], device)
        maps = of_images(network, images, present, findings=part[:, 1], ends=ends, paired=True)
        if flips:
            other = of_images(network, images.flip(-1), present, findings=part[:, 1], ends=ends, paired=True)
            maps = mean_of([maps, Maps(**vars(other) | {"values": other.values[..., ::-1]})])
        found.append(maps)
    return _joined(found, n_slots=len(network.slots))


def images_of(cohort, positions, device):
    """(studies, slots, rows, columns) float32 in [0, 1]."""
    pixels = cohort.batch(positions)
    largest = np.iinfo(pixels.dtype).max
    return torch.from_numpy(pixels.astype(np.float32) / largest).to(device)


def present_of(cohort, positions, device):
    """(studies, slots) bool, None where no view can be missing."""
    found = cohort.present(positions)
    return None if found is None else torch.from_numpy(found).to(device)


def find_taps(network, images, *, least=0, backbone="this backbone"):
    """The `Tap` of each trunk; images (studies, slots, rows, columns).

    least : places a side below which a finer map is taken; 0 = the last map whatever its size.

    Raises
    ------
    TrainingError : a trunk without a map.
    """
    ends = []
    for number, trunk in enumerate(network.trunks):
        slot = next(n for n, view in enumerate(network.slots) if view % len(network.trunks) == number)
        shown = (images[:1, slot, None] - network.mean) / network.deviation
        ends.append(taps.find(trunk, shown, least=least, backbone=backbone))
    return ends


def of_images(network, images, present, *, findings, ends, paired=False):
    """`Maps` of images (studies, slots, rows, columns) grey in [0, 1], present (studies, slots) bool or None.

    findings : numbers of the outputs; paired : one per study, instead of all for every study.
    """
    findings = np.asarray(findings)
    if all(end.exact for end in ends):
        return _by_weights(network, images, present, findings, ends, paired)
    return _by_gradient(network, images, present, findings, ends, paired)


def mean_of(parts):
    """The mean of maps of the same studies, by other networks or of mirrored images."""
    names = ("values", "rest", "logits")
    return Maps(**vars(parts[0]) | {name: np.mean([getattr(part, name) for part in parts], axis=0) for name in names})


@torch.no_grad()
def _by_weights(network, images, present, findings, ends, paired):
    maps, logits = _caught(network, images, present, ends, leaves=False)
    there = _there(maps, present)
    vectors = torch.stack([found.mean(dim=(2, 3)) for found in maps], dim=1)  # (studies, slots, features)
    share = _share(network, vectors, there)
    weight, bias = _head(network, findings)  # (findings, slots or 1, features), (findings,)
    weight = weight.expand(-1, len(maps), -1)
    positions = maps[0].shape[2] * maps[0].shape[3]
    values = [
        torch.einsum("nchw,fc,nc->nfhw", found, weight[:, slot], share[:, slot]) / positions
        for slot, found in enumerate(maps)
    ]
    rest = bias.expand(len(images), -1)
    standing_in = _standing_in(network, there)
    if standing_in is not None:  # (studies, slots, features) that no place gave
        outside = standing_in if network.pooling == "concatenate" else standing_in * share
        rest = rest + torch.einsum("nsc,fsc->nf", outside, weight)
    found = (torch.stack(values, 1), rest, logits[:, findings])
    if paired:  # the finding of each study
        own = torch.arange(len(images))
        found = (found[0][own, :, own, None], found[1][own, own, None], found[2][own, own, None])
    return Maps(*(_plain(t) for t in (*found, there)), CAM)


def _by_gradient(network, images, present, findings, ends, paired):
    maps, logits = _caught(network, images, present, ends, leaves=True)
    there, finer = _there(maps, present), any(end.finer for end in ends)
    own = torch.arange(len(images))
    chosen = [logits[own, findings]] if paired else [logits[:, finding] for finding in findings]
    values = []
    for logit in chosen:
        slopes = torch.autograd.grad(logit.sum(), maps, retain_graph=True)
        if not finer:
            slopes = [slope.mean(dim=(2, 3), keepdim=True) for slope in slopes]
        values.append(torch.stack([(slope * found).sum(1) for slope, found in zip(slopes, maps)], dim=1))
    values = torch.stack(values, dim=2) * there[:, :, None, None, None]  # (studies, slots, findings, rows, columns)
    rest = torch.zeros(values.shape[0], values.shape[2])
    found = (values, rest, torch.stack(chosen, dim=1), there)
    return Maps(*(_plain(t) for t in found), HIRES_CAM if finer else GRAD_CAM)


def _caught(network, images, present, ends, *, leaves):
    """Maps per slot (studies, features, rows, columns), and binary logits; of leaves a gradient can be asked."""
    caught = []

    def catch(end):
        def hook(module, given, found):
            if leaves:
                found = found.detach().requires_grad_()
            caught.append(taps.channels_first(found, end.last))
            return found.clone() if leaves else None  # a layer that works in place may not change a leaf

        return hook

    hooks = [
        trunk.get_submodule(end.name).register_forward_hook(catch(end)) for trunk, end in zip(network.trunks, ends)
    ]
    needed = [p for p in network.parameters() if p.requires_grad]
    try:
        for parameter in needed:  # only what lies behind the map is differentiated
            parameter.requires_grad_(False)
        with torch.set_grad_enabled(leaves):
            return caught, losses.binary(network(images, present).float())
    finally:
        for hook in hooks:
            hook.remove()
        for parameter in needed:
            parameter.requires_grad_(True)


def _there(maps, present):
    shape = (len(maps[0]), len(maps))
    return torch.ones(shape, dtype=torch.bool, device=maps[0].device) if present is None else present


def _share(network, vectors, there):
    """(studies, slots, features): by how much each view counts for each feature, as `MultiView` pools them."""
    if network.pooling == "concatenate":
        return there[..., None].expand_as(vectors).to(vectors.dtype)
    if network.pooling == "max":
        lowest = torch.finfo(vectors.dtype).min
        best = vectors.masked_fill(~there[..., None], lowest).argmax(dim=1, keepdim=True)
        return torch.zeros_like(vectors).scatter_(1, best, 1.0)
    if network.pooling == "mean":
        share = there / there.sum(dim=1, keepdim=True).clamp(min=1)
    else:
        seen = vectors + network.view[list(network.slots)]
        weight = network.weigh(seen)[..., 0].masked_fill(~there, -torch.inf)
        share = torch.softmax(weight, dim=1)
    return share[..., None].expand_as(vectors).to(vectors.dtype)


def _head(network, findings):
    """Weights (findings, slots or 1, features) and bias (findings,) of the logit; of three outputs true - false."""
    weight, bias = network.head.weight, network.head.bias
    if network.n_outputs > 1:
        weight, bias = (t.unflatten(0, (-1, network.n_outputs)) for t in (weight, bias))
        weight, bias = weight[:, -1] - weight[:, 0], bias[:, -1] - bias[:, 0]
    return weight[findings].unflatten(1, (-1, network.n_features)), bias[findings]


def _standing_in(network, there):
    """(studies, slots, features) of what counts without a place: for a missing view, or the view's own vector."""
    if network.pooling == "concatenate" and hasattr(network, "missing"):
        return (~there)[..., None] * network.missing[None]
    if network.pooling == "attention":
        return network.view[list(network.slots)][None].expand(len(there), -1, -1)
    return None


def _plain(tensor):
    return tensor.detach().cpu().numpy()


def _joined(parts, *, n_slots):
    if not parts:
        none = np.zeros((0, 1), np.float32)
        return Maps(np.zeros((0, n_slots, 1, 1, 1), np.float32), none, none, np.zeros((0, n_slots), bool), CAM)
    fields = ("values", "rest", "logits", "present")
    return Maps(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields), parts[0].method)
