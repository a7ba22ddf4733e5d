"""One pass over the training studies and what it is worth on validation; used by 03_training."""

import contextlib

import numpy as np
import torch

from labkit.errors import TrainingError
from labkit.evaluation import roc
from labkit.policies import Policy
from labkit.training import augmentation, batches, devices, losses, networks, recipes, scoring, trunks

__all__ = ["Training", "selection_findings"]


def selection_findings(validation, *, min_positives):
    """Findings that choose the epoch: enough positives and a negative in validation by its reference, so the
    same for all policies.
    """
    enough = ((validation == 1).sum() >= min_positives) & ((validation == 0).sum() >= 1)
    return tuple(sorted(validation.columns[enough]))


class Training:
    """Network, recipe and data of one training between two epochs."""

    def __init__(self, cohort, targets, *, settings, seed, means, team):
        self.cohort, self.settings, self.seed, self.means, self.team = cohort, settings, seed, means, team
        self.findings = tuple(sorted(targets["finding"].unique()))  # whatever the order of the rows
        self.target = batches.matrix(targets, "target", cohort, self.findings)
        self.weight = batches.matrix(targets, "weight", cohort, self.findings)
        self.on_device = [torch.from_numpy(a).to(means.device) for a in (self.target, self.weight)]
        self.train, self.validation = cohort.positions("train"), cohort.positions("validation")
        if not self.weight[self.train].any():
            raise TrainingError("targets: no entry of train has a weight above 0; check policy and labels.")
        self._choose_references()
        is_multiclass = (targets["policy"] == Policy.MULTICLASS).any()
        self.architecture = networks.Architecture.of(
            settings, cohort, n_findings=len(self.findings), n_outputs=losses.CLASSES if is_multiclass else 1
        )
        network = networks.build(self.architecture, weights=settings.weights)
        self.network = team.shared_statistics(self._placed(network), means.device)
        self.steps = batches.parts(self.train, settings.batch_size * settings.accumulate)
        self.recipe = recipes.Recipe(self.network, settings, steps=len(self.steps))
        self.called = team.wrap(self.network, some_missing=cohort.masked)
        self.uncompiled = None
        if means.compiled:
            self.uncompiled, self.called = self.called, torch.compile(self.called)
        self.scaler = torch.amp.GradScaler(means.device.type, enabled=means.precision == "fp16")
        self.at_once = -(-settings.batch_size // team.size)  # studies of this process
        self.notes = []
        self.positive_weight = None
        if settings.recipe == "strong" and settings.strong.positive_weights:
            found = losses.positive_weights(self.target[self.train], self.weight[self.train])
            self.positive_weight = found.to(means.device)

    @property
    def scored(self):
        """The network that is scored and kept: the average where the recipe has one."""
        return self.network if self.recipe.average is None else self.recipe.average.network

    def _choose_references(self):
        reference = self.cohort.validation.reindex(columns=[f for f in self.findings if f in self.cohort.validation])
        self.selected_on = selection_findings(reference, min_positives=self.settings.min_positives)
        self.reference = reference.reindex(index=self.cohort.studies["study_id"].iloc[self.validation])

    def _placed(self, network):
        network.channels_last = self.means.channels_last
        layout = torch.channels_last if self.means.channels_last else torch.preserve_format
        return network.to(self.means.device, memory_format=layout)

    def epoch(self, number):
        """Train one pass; returns the history row of it and the AUC of each finding. Randomness depends on seed and
        epoch alone, so resuming repeats it.
        """
        entropy = np.random.SeedSequence([self.seed, number])
        order = np.random.default_rng(entropy).permutation(self.train)
        generator = torch.Generator().manual_seed(int(entropy.generate_state(1)[0]))
        torch.manual_seed(int(entropy.generate_state(2)[1]))  # dropout, where a backbone has any
        learning_rate = self.recipe.optimiser.param_groups[0]["lr"]
        train_loss = self._pass(order, generator)
        self.recipe.after_epoch()
        own = self.validation[self.team.rank :: self.team.size]
        found = scoring.logits(self.scored, self.cohort, own, means=self.means)
        logits = self.team.gathered(found, len(self.validation))
        areas = self._areas(logits)
        chosen = [areas[finding] for finding in self.selected_on]
        row = {
            "epoch": number,
            "learning_rate": learning_rate,
            "train_loss": train_loss,
            "validation_loss": self._validation_loss(logits),
            "validation_auc": float(np.mean(chosen)) if chosen else float("nan"),
        }
        return row, areas

    def _areas(self, logits):
        """AUC of each finding that has a positive and a negative in validation; logits (studies, findings[, 3])."""
        score = losses.binary(torch.from_numpy(logits)).numpy()
        columns = [self.findings.index(finding) for finding in self.reference]
        found = roc.areas(self.reference.to_numpy(float), score[:, columns])
        return {finding: float(area) for finding, area in zip(self.reference, found) if not np.isnan(area)}

    def _validation_loss(self, logits):
        target, weight = torch.from_numpy(self.target[self.validation]), torch.from_numpy(self.weight[self.validation])
        entries = losses.entries(torch.from_numpy(logits), target)
        return ((entries * weight).sum() / weight.sum().clamp(min=1e-12)).item()

    def _pass(self, order, generator):
        self.network.train()
        totals = torch.zeros(2, dtype=torch.float64, device=self.means.device)  # loss x weight, weight
        groups = batches.parts(order, self.settings.batch_size * self.settings.accumulate)
        own = [group[self.team.rank :: self.team.size] for group in groups]  # as Team.deal gives them out
        for group, (_, pixels) in zip(groups, batches.ahead(self.cohort, own), strict=True):
            n_images = len(group) * self.cohort.rows.shape[1]
            drawn = augmentation.draw(n_images, settings=self.settings, generator=generator)
            used = float(self.weight[group].sum())
            # on the device, so that the host runs ahead of it
            loss = self.team.summed(self._step(group, pixels, drawn).double())
            totals += torch.stack([loss * used, torch.full_like(loss, used)])
        total, seen = totals.tolist()
        if not np.isfinite(total):
            raise TrainingError(
                f"The loss is {total} at learning rate {self.settings.learning_rate:g}; lower it in the params."
            )
        return total / max(seen, 1.0)

    def _step(self, group, pixels, drawn):
        """One step of the optimiser on a group of studies; returns this process's part of its loss.

        pixels : (studies, slots, rows, columns) of those that this process takes.
        """
        while True:
            self.recipe.optimiser.zero_grad(set_to_none=True)
            try:
                loss = self._gradients(group, pixels, drawn)
                break
            except Exception as error:
                if devices.ran_out_of_memory(error):
                    self._halve(error)
                elif self.uncompiled is not None:
                    self._give_up_compiling(error)
                elif said := trunks.unfit(error, self.settings, self.at_once):
                    raise TrainingError(said) from error
                else:
                    raise
        self.uncompiled = None  # it works
        if self.recipe.clip_norm:
            self.scaler.unscale_(self.recipe.optimiser)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.scaler.step(self.recipe.optimiser)
        self.scaler.update()
        self.recipe.after_step()
        return loss

    def _gradients(self, group, pixels, drawn):
        """Gradients of the group's mean loss, part by part; batch_size is only what fits at once."""
        device, slots = self.means.device, self.cohort.rows.shape[1]
        at = batches.moved(torch.from_numpy(group), device)
        targets, weights = (table[at] for table in self.on_device)  # (studies, findings)
        all_weights = weights.sum().clamp(min=1e-12)
        total = torch.zeros((), device=device)
        parts = self.team.deal(len(group), self.at_once)
        present = self.cohort.present(group)
        seen = self.team.seen(present, self.at_once) if self.team.size > 1 and present is not None else None
        for n, (own, counts) in enumerate(parts):
            which = torch.from_numpy((own[:, None] * slots + np.arange(slots)).ravel())
            images = batches.scaled(pixels[own[0] // self.team.size : own[-1] // self.team.size + 1], device)
            images = augmentation.augment(images, drawn.of(which).on(device))
            here = batches.moved(torch.from_numpy(own), device)
            weight = weights[here] * batches.moved(torch.from_numpy(counts), device)[:, None]
            there = None if present is None else torch.from_numpy(present[own])
            with self._unsynced(n == len(parts) - 1):
                with self.means.autocast():
                    logits = self.called(images, there, **({} if seen is None else {"seen": seen[n].tolist()}))
                entries = losses.entries(logits.float(), targets[here], positive_weight=self.positive_weight)
                loss = (entries * weight).sum() / all_weights
                self.scaler.scale(loss * self.team.size).backward()  # processes average their gradients
            total += loss.detach()
        return total

    def _unsynced(self, last):
        """Between processes only the last part of a step is exchanged."""
        return contextlib.nullcontext() if last or self.team.size == 1 else self.called.no_sync()

    def _halve(self, error):
        if self.at_once == 1 or self.team.size > 1:
            hint = (
                "choose a smaller image_size_px or backbone"
                if self.at_once == 1
                else "lower batch_size, raise accumulate"
            )
            raise TrainingError(
                f"Memory does not suffice for {self.at_once} studies at once on {self.means.device.type}; {hint}."
            ) from error
        self.at_once = -(-self.at_once // 2)
        if self.means.device.type == "cuda":
            torch.cuda.empty_cache()
        self.notes.append(
            f"Memory did not suffice: {self.at_once} studies at once from here on, several of them per step, so that a "
            "step still sees as many."
        )

    def _give_up_compiling(self, error):
        """A machine may lack what torch.compile needs, such as a C compiler: slower is better than not at all."""
        self.called, self.uncompiled = self.uncompiled, None
        self.notes.append(f"torch.compile failed here ({type(error).__name__}); training goes on without it.")

    def state_dict(self):
        """All that the next epoch depends on; its random numbers and order follow from seed and epoch."""
        return {"network": self.network.state_dict(), "scaler": self.scaler.state_dict(), **self.recipe.state_dict()}

    def load_state_dict(self, state):
        self.network.load_state_dict(state["network"])
        self.scaler.load_state_dict(state["scaler"])
        self.recipe.load_state_dict(state)
