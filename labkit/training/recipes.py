"""How a network is fitted: optimiser, learning rates over time, moving average; used by 03_training.

study    AdamW with one learning rate that falls in steps (STUDY, "Image model").
strong   AdamW with a larger rate for the new layers than for the trunk, linear warm-up, cosine to a hundredth
         (differing rates do better on a few thousand studies: Davila 2024, arXiv 2406.10050; Romero 2019); the
         gradient clipped; an exponential moving average of the weights is what is scored and kept
         (Morales-Brotons 2024, arXiv 2411.18704); weights of positives on request; stops when the macro AUC of
         validation has not risen for some epochs.
"""

import copy
import math

import torch

__all__ = ["Average", "Recipe"]

EMA_START = 10  # the average follows faster at first: decay (1 + steps) / (10 + steps)


class Average:
    """An exponential moving average of a network, batch statistics included, that can be scored like it."""

    def __init__(self, network, decay):
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay, self.steps = decay, 0
        ours, theirs = self.network.state_dict(), network.state_dict()  # tensors that stay, whatever is loaded
        floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        whole = [name for name in ours if name not in set(floats)]
        self.floats = [ours[name] for name in floats], [theirs[name] for name in floats]
        self.whole = [ours[name] for name in whole], [theirs[name] for name in whole]

    @torch.no_grad()
    def update(self):
        """Move a little towards the network after a step; a few kernels for all tensors together."""
        share = 1 - min(self.decay, (1 + self.steps) / (EMA_START + self.steps))
        self.steps += 1
        torch._foreach_lerp_(*self.floats, share)
        if self.whole[0]:
            torch._foreach_copy_(*self.whole)

    def state_dict(self):
        return {"network": self.network.state_dict(), "steps": self.steps}

    def load_state_dict(self, state):
        self.network.load_state_dict(state["network"])
        self.steps = state["steps"]


class Recipe:
    """Optimiser, schedule and average of one training; `steps` is the number of steps of an epoch."""

    def __init__(self, network, settings, *, steps):
        self.settings, self.is_strong = settings, settings.recipe == "strong"
        strong = settings.strong
        groups = _groups(network, settings) if self.is_strong else network.parameters()
        self.optimiser = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        if self.is_strong:
            self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, _cosine(settings, steps))
        else:
            self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, settings.step_epochs, settings.step_factor)
        self.average = Average(network, strong.ema_decay) if self.is_strong and strong.ema_decay else None
        self.clip_norm = strong.clip_norm if self.is_strong else 0.0

    def after_step(self):
        """What follows each step of the optimiser."""
        if self.is_strong:
            self.schedule.step()
        if self.average is not None:
            self.average.update()

    def after_epoch(self):
        """What follows each epoch."""
        if not self.is_strong:
            self.schedule.step()

    def is_over(self, history):
        """Whether the last `patience` epochs brought nothing."""
        patience = self.settings.strong.patience if self.is_strong else 0
        return bool(patience) and len(history) > patience and not any(row["best"] for row in history[-patience:])

    def state_dict(self):
        return {
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load_state_dict(self, state):
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def _groups(network, settings):
    trunk = [p for name, p in network.named_parameters() if name.startswith("trunks.")]
    new = [p for name, p in network.named_parameters() if not name.startswith("trunks.")]
    return [{"params": trunk}, {"params": new, "lr": settings.strong.head_learning_rate}]


def _cosine(settings, steps):
    """Factor of both learning rates at a step: linear up, then half a cosine down to `final_share`."""
    rise, last = settings.strong.warm_up_epochs * steps, settings.epochs * steps
    final = settings.strong.final_share

    def factor(step):
        if step < rise:
            return (step + 1) / (rise + 1)
        done = min((step - rise) / max(last - rise, 1), 1.0)
        return final + (1 - final) * (1 + math.cos(math.pi * done)) / 2

    return factor
