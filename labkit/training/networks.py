"""Networks over the views of a study: trunks, one vector out of all views, one linear layer; used by 03_training.

The study's: a trunk per view, features side by side. Beside it one trunk for all views, and pooling over whatever
views a study has: mean, max, or attention (Ilse 2018, arXiv 1802.04712). Radiographs go in as grey in [0, 1];
channels and the ImageNet mean and deviation are applied inside, so that a saved network needs no preparation but the
cache's.
"""

from dataclasses import asdict, dataclass, fields

import torch
from torch import nn

from labkit.training import trunks

__all__ = ["Architecture", "MultiView", "build"]

ATTENTION_WIDTH = 128
CHANNELS_LAST_FROM_PX = 128  # pays from here up and hurts below, measured on a CPU with bf16


@dataclass(frozen=True)
class Architecture:
    """All that decides the shape of a network.

    slots : per image of a study the number of its view; () = one image per view. masked : views may be missing.
    n_outputs : per finding; 3 = false, uncertain, true.
    """

    n_views: int
    n_findings: int
    backbone: str = "resnet50"
    shared_trunks: bool = False
    pooling: str = "concatenate"
    grey: str = "three_channels"
    slots: tuple[int, ...] = ()
    masked: bool = False
    n_outputs: int = 1

    @classmethod
    def of(cls, settings, cohort, *, n_findings, n_outputs=1):
        """The network that settings ask for on the images that a cohort has."""
        return cls(
            n_views=len(cohort.views),
            n_findings=n_findings,
            backbone=settings.backbone,
            shared_trunks=settings.shared_trunks,
            pooling=settings.pooling,
            grey=settings.grey,
            slots=tuple(cohort.slots),
            masked=cohort.masked,
            n_outputs=n_outputs,
        )

    def plain(self):
        """As a dict of plain values, for a file."""
        return asdict(self) | {"slots": list(self.slots)}

    @classmethod
    def read(cls, content):
        """From what `plain` gave."""
        known = {field.name for field in fields(cls)}
        return cls(**{k: tuple(v) if k == "slots" else v for k, v in content.items() if k in known})


class MultiView(nn.Module):
    """Trunks (one per view, or one shared), their features side by side or pooled, one linear layer.

    forward : images (studies, slots, rows, columns) grey in [0, 1] and, where views may be missing, present (studies,
    slots) bool, to logits (studies, findings), or (studies, findings, outputs) where a finding has several. present is
    best on the CPU, where it is read without waiting for a GPU; seen : with several processes, per slot the images
    that all of them have in this pass.
    channels_last : True or False; None = by the size of the images.
    """

    def __init__(self, networks, architecture, *, n_features):
        super().__init__()
        self.slots = architecture.slots or tuple(range(architecture.n_views))
        self.n_outputs, self.pooling, self.n_features = architecture.n_outputs, architecture.pooling, n_features
        self.channels_last = None
        self.trunks = nn.ModuleList(networks)
        side_by_side = architecture.pooling == "concatenate"
        width = n_features * (len(self.slots) if side_by_side else 1)
        self.head = nn.Linear(width, architecture.n_findings * architecture.n_outputs)
        mean, deviation = trunks.grey_statistics(architecture.grey)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1), persistent=False)
        if architecture.masked and side_by_side:
            self.missing = nn.Parameter(torch.zeros(len(self.slots), n_features))  # stands where a view is not
        if architecture.pooling == "attention":
            self.view = nn.Parameter(torch.zeros(architecture.n_views, n_features))
            self.weigh = nn.Sequential(nn.Linear(n_features, ATTENTION_WIDTH), nn.Tanh(), nn.Linear(ATTENTION_WIDTH, 1))

    def features(self, images, present=None, seen=None):
        """(studies, slots, rows, columns) to (studies, width of the head)."""
        found = []
        for slot, view in enumerate(self.slots):
            trunk, grey = self.trunks[view % len(self.trunks)], images[:, slot, None]
            here = None if present is None or not self.training else present[:, slot]
            if here is None or (seen is None and bool(here.all())):
                found.append(trunks.checked(trunk(self._shown(grey))))
            else:
                found.append(self._seen(trunk, grey, here, int(here.sum() if seen is None else seen[slot])))
        present = None if present is None else present.to(images.device, non_blocking=True)
        if self.pooling == "concatenate":
            if present is not None and hasattr(self, "missing"):
                pairs = enumerate(found)
                found = [torch.where(present[:, n, None], x, self.missing[n].to(x.dtype)) for n, x in pairs]
            return torch.cat(found, dim=1)
        return self._pooled(torch.stack(found, dim=1), present)  # (studies, slots, features)

    def _shown(self, grey):
        """(studies, 1, rows, columns) in [0, 1] to (studies, channels, rows, columns) as a trunk wants it."""
        shown = (grey - self.mean) / self.deviation
        wide = self.channels_last if self.channels_last is not None else grey.shape[-1] >= CHANNELS_LAST_FROM_PX
        return shown.contiguous(memory_format=torch.channels_last) if wide else shown

    def _seen(self, trunk, grey, present, n_seen):
        """(studies, 1, rows, columns) to (studies, features); 0 where a view is missing, which no statistic of a batch
        may see. n_seen : images that are there, in all processes."""
        where = present.nonzero()[:, 0]
        # where others have images, a trunk must be called without any, or they would wait for its statistics for ever
        if n_seen == 0 or (n_seen == 1 and not len(where)):
            return grey.new_zeros(len(grey), self.n_features)
        trunk.train(n_seen > 1)  # one image has no statistics of its own: the running ones serve
        where = where.to(grey.device, non_blocking=True)
        part = trunks.checked(trunk(self._shown(grey[where])))
        trunk.train()
        return part.new_zeros(len(grey), part.shape[1]).index_copy(0, where, part)

    def _pooled(self, found, present):
        """(studies, slots, features) to (studies, features), over the views that are there."""
        if present is None:
            present = torch.ones(found.shape[:2], dtype=torch.bool, device=found.device)
        if self.pooling == "max":
            lowest = torch.finfo(found.dtype).min
            return found.masked_fill(~present[..., None], lowest).amax(dim=1)
        if self.pooling == "mean":
            share = present / present.sum(dim=1, keepdim=True).clamp(min=1)
        else:
            found = found + self.view[list(self.slots)].to(found.dtype)
            weight = self.weigh(found)[..., 0].float().masked_fill(~present, -torch.inf)  # (studies, slots)
            share = torch.softmax(weight, dim=1)
        return (found * share[..., None].to(found.dtype)).sum(dim=1)

    def forward(self, images, present=None, seen=None):
        logits = self.head(self.features(images, present, seen))
        return logits if self.n_outputs == 1 else logits.unflatten(1, (-1, self.n_outputs))


def build(architecture, *, weights="none"):
    """A network of this `Architecture`; randomness from torch's current generator.

    Parameters
    ----------
    weights : "imagenet" (torchvision's first set for the network, from its cache or the network), "none", or
        the path of a file with the state dict of the same network as torchvision (timm) names it.

    Raises
    ------
    TrainingError : unknown network, weights that cannot be fetched, or a file that does not fit.
    """
    load = trunks.loader(architecture.backbone, weights)
    pairs = [load(architecture.grey) for _ in range(1 if architecture.shared_trunks else architecture.n_views)]
    return MultiView([trunk for trunk, _ in pairs], architecture, n_features=pairs[0][1])
