"""Which patients are trained on and which are tested; used by 02_verification and 03_training.

    assign     patients to train, validation and test, stratified over labels
    folds      the same to k folds; of_fold makes one of them the test set
    published  a split from a file, checked for leakage
    attach     a table with each row's split
    counts     labels by finding, value and split; overview shows them

No patient is ever in two splits.
"""

from labkit.splits.assigning import FRACTIONS, assign
from labkit.splits.checks import attach, check_disjoint, counts, overview
from labkit.splits.folds import folds, of_fold
from labkit.splits.published import published

__all__ = ["FRACTIONS", "assign", "attach", "check_disjoint", "counts", "folds", "of_fold", "overview", "published"]
