"""Networks of the study, fitted to one policy's targets, and their predictions; the work of 03_training.

    cohort = training.assemble(labels, images, cache, views=template.views)
    targets = training.targets_of(labels, cohort, policy="inclusive", settings=p.training, out_dir=folder)
    fitted = training.fit(cohort, targets, settings=p.training, seed=1, out_dir=folder)
    predictions = training.predict(fitted, cohort)

Settings and cohorts come without torch; `fit`, `predict` and `build` import it (seconds) when they are first
named, so that params are checked at once.
"""

from importlib import import_module

from labkit.training.cohort import Cohort, assemble
from labkit.training.settings import Settings, Strong

__all__ = [
    "Architecture",
    "Cohort",
    "Settings",
    "Strong",
    "TrainingRun",
    "assemble",
    "build",
    "ensemble",
    "export",
    "fit",
    "predict",
    "read",
    "targets_of",
]

_NEED_TORCH = {
    "networks": ("Architecture", "build"),
    "exporting": ("export",),
    "loop": ("TrainingRun", "fit", "read"),
    "scoring": ("ensemble", "predict"),
    "teaching": ("targets_of",),
}


def __getattr__(name):
    for module, names in _NEED_TORCH.items():
        if name in names:
            return getattr(import_module(f"labkit.training.{module}"), name)
    raise AttributeError(f"module 'labkit.training' has no attribute '{name}'")
