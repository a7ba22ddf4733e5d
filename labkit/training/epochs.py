"""One pass over the training studies and what it is worth on validation; used by 03_training."""

import numpy as np
import torch
from torch.nn import functional

from labkit.errors import TrainingError
from labkit.evaluation import roc
from labkit.training import augmentation, batches, devices, networks, scoring

__all__ = ["Training", "selection_findings"]


def selection_findings(validation, *, min_positives):
    """Findings that choose the epoch: enough positives and a negative in validation by its reference, so the
    same for all policies.
    """
    enough = ((validation == 1).sum() >= min_positives) & ((validation == 0).sum() >= 1)
    return tuple(sorted(validation.columns[enough]))


class Training:
    """Network, optimiser and data of one training between two epochs."""

    def __init__(self, cohort, targets, *, settings, seed, device):
        self.cohort, self.settings, self.seed, self.device = cohort, settings, seed, device
        self.findings = tuple(sorted(targets["finding"].unique()))  # whatever the order of the rows
        self.target = batches.matrix(targets, "target", cohort, self.findings)
        self.weight = batches.matrix(targets, "weight", cohort, self.findings)
        self.train, self.validation = cohort.positions("train"), cohort.positions("validation")
        if not self.weight[self.train].any():
            raise TrainingError("targets: no entry of train has a weight above 0; check policy and labels.")
        usable = cohort.validation.reindex(columns=[f for f in self.findings if f in cohort.validation])
        self.selected_on = selection_findings(usable, min_positives=settings.min_positives)
        self.reference = usable.reindex(
            index=cohort.studies["study_id"].iloc[self.validation], columns=list(self.selected_on)
        ).to_numpy(float)
        self.network = networks.build(
            n_views=len(cohort.views),
            n_findings=len(self.findings),
            backbone=settings.backbone,
            weights=settings.weights,
            shared_trunks=settings.shared_trunks,
        ).to(device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, settings.step_epochs, settings.step_factor)

    def epoch(self, number):
        """Train one pass; returns the history row of it. Randomness depends on seed and epoch alone, so
        resuming repeats it.
        """
        entropy = np.random.SeedSequence([self.seed, number])
        order = np.random.default_rng(entropy).permutation(self.train)
        generator = torch.Generator().manual_seed(int(entropy.generate_state(1)[0]))
        torch.manual_seed(int(entropy.generate_state(2)[1]))  # dropout, where a backbone has any
        learning_rate = self.optimiser.param_groups[0]["lr"]
        train_loss = self._pass(order, generator)
        self.schedule.step()
        logits = scoring.logits(self.network, self.cohort, self.validation, settings=self.settings)
        columns = [self.findings.index(finding) for finding in self.selected_on]
        areas = roc.areas(self.reference, logits[:, columns])
        return {
            "epoch": number,
            "learning_rate": learning_rate,
            "train_loss": train_loss,
            "validation_loss": self._loss_of(torch.from_numpy(logits), self.validation).item(),
            "validation_auc": float(areas.mean()) if len(areas) else float("nan"),
        }

    def _pass(self, order, generator):
        self.network.train()
        total, seen = 0.0, 0.0
        for positions in batches.parts(order, self.settings.batch_size):
            images = batches.images(self.cohort, positions, self.device)
            images = augmentation.augment(images, settings=self.settings, generator=generator)
            with devices.autocast(self.device, self.settings.precision):
                logits = self.network(images)
            loss = self._loss_of(logits.float(), positions)
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"The loss is {loss.item()} at learning rate {self.settings.learning_rate:g}; lower it "
                    "in the params."
                )
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            used = float(self.weight[positions].sum())
            total, seen = total + loss.item() * used, seen + used
        return total / max(seen, 1.0)

    def _loss_of(self, logits, positions):
        """Weighted mean over the entries in use of (studies, findings) logits."""
        target = torch.from_numpy(self.target[positions]).to(logits.device)
        weight = torch.from_numpy(self.weight[positions]).to(logits.device)
        entries = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (entries * weight).sum() / weight.sum().clamp(min=1e-12)
