"""What people made of the labels: readings, the labels that count, and how right the extraction was; work of 02.

reviews     one append-only file per reader
reader      a simulated reader for synthetic cohorts
merging     extraction + readings + splits -> LABELS
tallies     counts of extracted against verified values, and the figures that follow
accuracy    extracted against verified, with intervals
sampling    which cases to read when not all are read, with their probabilities
estimates   accuracy of all cases from a sample; how many cases a wanted interval takes
extractors  two extractors compared on the same verified labels
agreement   readers compared beyond chance
notice      what every page says about where its labels come from
form        the review form in JupyterLab
"""

from labkit.verification.accuracy import accuracy, by_anatomy, confusion
from labkit.verification.agreement import between_readers
from labkit.verification.estimates import cases_needed, design_effect, from_sample
from labkit.verification.extractors import compare_extractors
from labkit.verification.gathering import gather
from labkit.verification.merging import draw_splits, merge
from labkit.verification.notice import coverage, notice
from labkit.verification.reader import simulate
from labkit.verification.reporting import export, headline, summary, uncertain_test_labels
from labkit.verification.reviews import append, disagreements, read_reviews
from labkit.verification.sampling import SAMPLE, keep_sample

__all__ = [
    "SAMPLE",
    "accuracy",
    "append",
    "between_readers",
    "by_anatomy",
    "cases_needed",
    "compare_extractors",
    "confusion",
    "coverage",
    "design_effect",
    "disagreements",
    "draw_splits",
    "export",
    "from_sample",
    "gather",
    "headline",
    "keep_sample",
    "merge",
    "notice",
    "read_reviews",
    "simulate",
    "summary",
    "uncertain_test_labels",
]
