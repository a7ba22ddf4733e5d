"""Numbers with intervals: areas, macro averages, operating points, comparisons; the work of 04_evaluation.

`evaluate` and `compare` turn PREDICTIONS and LABELS into METRICS and CURVES; the other names are the statistics they
rest on. Names are looked up when used, so that checking a params file does not wait for scipy.
"""

from importlib import import_module

__all__ = [
    "MACRO",
    "POOLED",
    "READINGS",
    "Plan",
    "Settings",
    "against_extracted",
    "answer",
    "auc",
    "average_precision",
    "benjamini_hochberg",
    "bootstrap",
    "bootstrap_macro_auc",
    "bootstrap_macro_difference",
    "brier",
    "by_report",
    "calibration_line",
    "characteristics",
    "compare",
    "compare_auc",
    "compare_auc_unpaired",
    "compare_macro_auc",
    "compare_macro_auc_unpaired",
    "compare_pooled_auc",
    "compare_sites",
    "confusion",
    "corrected_macro_auc",
    "corrected_rates",
    "declaration",
    "detectable_difference",
    "dose_response",
    "ece",
    "equivalence",
    "evaluate",
    "holm",
    "label_set",
    "macro_auc",
    "measured",
    "net_benefit",
    "permutation_macro_auc",
    "policy_trend",
    "pooled_auc",
    "rates",
    "reliability",
    "resampled_rates",
    "sensitivity_threshold",
    "specificity_threshold",
    "subgroups",
    "temperature",
    "tempered",
    "wilson",
    "youden_threshold",
]

_HOMES = {
    "calibration": ("brier", "calibration_line", "ece", "net_benefit", "reliability", "temperature", "tempered"),
    "cases": ("MACRO", "POOLED", "READINGS", "label_set"),
    "clustered": ("resampled_rates",),
    "comparison": ("compare", "compare_sites"),
    "dose": ("dose_response", "policy_trend"),
    "endpoint": ("answer", "declaration"),
    "groups": ("characteristics", "subgroups"),
    "label_error": ("corrected_macro_auc", "corrected_rates", "measured"),
    "macro": ("compare_macro_auc", "compare_macro_auc_unpaired", "macro_auc"),
    "metrics": ("evaluate",),
    "operating": ("average_precision", "confusion", "rates", "wilson", "youden_threshold"),
    "permutation": ("permutation_macro_auc",),
    "pooled": ("compare_pooled_auc", "pooled_auc"),
    "resampling": ("Plan", "bootstrap", "bootstrap_macro_auc", "bootstrap_macro_difference"),
    "roc": ("auc", "compare_auc", "compare_auc_unpaired"),
    "settings": ("Settings",),
    "significance": ("benjamini_hochberg", "detectable_difference", "equivalence", "holm"),
    "thresholds": ("sensitivity_threshold", "specificity_threshold"),
    "uncertain": ("against_extracted", "by_report"),
}


def __getattr__(name: str):
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
