"""Numbers with intervals: areas, macro averages, operating points, comparisons; the work of 04_evaluation.

`evaluate` and `compare` turn PREDICTIONS and LABELS into METRICS and CURVES; the other names are the
statistics they rest on.
"""

from labkit.evaluation.cases import MACRO, READINGS, label_set
from labkit.evaluation.comparison import compare, compare_sites
from labkit.evaluation.macro import compare_macro_auc, compare_macro_auc_unpaired, macro_auc
from labkit.evaluation.metrics import evaluate
from labkit.evaluation.operating import average_precision, confusion, rates, wilson, youden_threshold
from labkit.evaluation.roc import auc, compare_auc, compare_auc_unpaired
from labkit.evaluation.settings import Settings
from labkit.evaluation.significance import benjamini_hochberg, detectable_difference, equivalence, holm

__all__ = [
    "MACRO",
    "READINGS",
    "Settings",
    "auc",
    "average_precision",
    "benjamini_hochberg",
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
    "rates",
    "wilson",
    "youden_threshold",
]
