"""Networks of the study, fitted to one policy's targets, and their predictions; the work of 03_training.

    cohort = training.assemble(labels, images, cache, views=template.views)
    fitted = training.fit(cohort, targets, settings=p.training, seed=1, out_dir=folder)
    predictions = training.predict(fitted, cohort)

Settings and cohorts come without torch; `fit`, `predict` and `build` import it (seconds) when they are first
named, so that params are checked at once.
"""

from importlib import import_module

from labkit.training.cohort import Cohort, assemble
from labkit.training.settings import Settings

__all__ = ["Cohort", "Settings", "TrainingRun", "assemble", "build", "fit", "predict"]

NEED_TORCH = {"TrainingRun": "loop", "build": "networks", "fit": "loop", "predict": "scoring"}


def __getattr__(name):
    if name not in NEED_TORCH:
        raise AttributeError(f"module 'labkit.training' has no attribute '{name}'")
    return getattr(import_module(f"labkit.training.{NEED_TORCH[name]}"), name)
