"""Numbers with intervals: areas, macro averages, operating points, comparisons; the work of 04_evaluation.

`evaluate` and `compare` turn PREDICTIONS and LABELS into METRICS and CURVES; the other names are the statistics they
rest on. Names are looked up when used, so that checking a params file does not wait for scipy.
"""

from importlib import import_module

__all__ = [
    "MACRO",
    "READINGS",
    "Plan",
    "Settings",
    "auc",
    "average_precision",
    "benjamini_hochberg",
    "bootstrap",
    "bootstrap_macro_auc",
    "bootstrap_macro_difference",
    "compare",
    "compare_auc",
    "compare_auc_unpaired",
    "compare_macro_auc",
    "compare_macro_auc_unpaired",
    "compare_sites",
    "confusion",
    "detectable_difference",
    "equivalence",
    "evaluate",
    "holm",
    "label_set",
    "macro_auc",
    "permutation_macro_auc",
    "rates",
    "wilson",
    "youden_threshold",
]

_HOMES = {
    "cases": ("MACRO", "READINGS", "label_set"),
    "comparison": ("compare", "compare_sites"),
    "macro": ("compare_macro_auc", "compare_macro_auc_unpaired", "macro_auc"),
    "metrics": ("evaluate",),
    "operating": ("average_precision", "confusion", "rates", "wilson", "youden_threshold"),
    "permutation": ("permutation_macro_auc",),
    "resampling": ("Plan", "bootstrap", "bootstrap_macro_auc", "bootstrap_macro_difference"),
    "roc": ("auc", "compare_auc", "compare_auc_unpaired"),
    "settings": ("Settings",),
    "significance": ("benjamini_hochberg", "detectable_difference", "equivalence", "holm"),
}


def __getattr__(name: str):
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
