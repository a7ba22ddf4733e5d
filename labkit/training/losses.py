"""What a wrong score costs, and what one finding's logit is; used by 03_training.

One output per finding: binary cross-entropy, also with targets between 0 and 1. Three outputs (policy multiclass):
cross-entropy over false, uncertain and true, scored as p(true) / (p(false) + p(true)), which is CheXpert's U-MultiClass
(Irvin 2019, arXiv 1901.07031).
"""

import torch
from torch.nn import functional

__all__ = ["CLASSES", "LARGEST_WEIGHT", "binary", "entries", "positive_weights"]

CLASSES = 3  # false, uncertain, true: targets 0, 0.5, 1
LARGEST_WEIGHT = 10.0


def entries(logits, target, *, positive_weight=None):
    """Loss of each entry, (studies, findings); logits (studies, findings[, 3]), target (studies, findings) in [0, 1].

    positive_weight : (findings,) factor of the positive part of the loss.
    """
    if logits.ndim == 2:
        return functional.binary_cross_entropy_with_logits(logits, target, reduction="none", pos_weight=positive_weight)
    classes = (target * (CLASSES - 1)).round().long()  # (studies, findings)
    found = functional.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view_as(target)
    if positive_weight is None:
        return found
    return found * torch.where(classes == CLASSES - 1, positive_weight, torch.ones_like(positive_weight))


def binary(logits):
    """(studies, findings) logits of true against false; of three outputs uncertain is left out."""
    return logits if logits.ndim == 2 else logits[..., -1] - logits[..., 0]


def positive_weights(target, weight):
    """(findings,) float32: negatives per positive among the entries in use, at least 1 and at most 10; (studies,
    findings) arrays of train go in.
    """
    positive = torch.from_numpy((target * weight).sum(axis=0))
    negative = torch.from_numpy(((1 - target) * weight).sum(axis=0))
    return (negative / positive.clamp(min=1e-6)).clamp(1.0, LARGEST_WEIGHT)
