"""What people made of the labels: readings, the labels that count, and how right the extraction was; work of 02.

reviews       one append-only file per reader
reader        a simulated reader for synthetic cohorts
sampling      which cases to read when not all are read, with their probabilities
queue         which labels are worth a look before others
adjudication  what settles a label on which readers differ, and what is open
gathering     the readings that count for a study
merging       extraction + readings + splits -> LABELS
tallies       counts of extracted against verified values, and the figures that follow
accuracy      extracted against verified, with intervals
estimates     accuracy of all cases from a sample; how many cases a wanted interval takes
extractors    two extractors compared on the same verified labels
agreement     readers compared beyond chance
hierarchy     wholes that rank below their parts
mistakes      wrong labels with kind, cause and quote
workbook      a table as an Excel file
reporting     what 02 shows and shares
notice        what every page says about where its labels come from
form          the review form in JupyterLab
"""

from labkit.verification.accuracy import accuracy, by_anatomy, confusion, confusions
from labkit.verification.adjudication import open_questions
from labkit.verification.agreement import between_readers
from labkit.verification.estimates import cases_needed, design_effect, from_sample
from labkit.verification.extractors import compare_extractors
from labkit.verification.gathering import gather
from labkit.verification.hierarchy import violations
from labkit.verification.merging import draw_splits, merge, take_splits
from labkit.verification.mistakes import MISTAKES, error_types, keep_lists, review_table, shareable
from labkit.verification.notice import coverage, notice
from labkit.verification.queue import QUEUE, queue, reasons_table
from labkit.verification.reader import simulate
from labkit.verification.reporting import (
    cases_to_read,
    export,
    extractor_table,
    finding_table,
    headline,
    readers_table,
    sample_table,
    stacked,
    study_table,
    summary,
    uncertain_test_labels,
    uncertainty,
)
from labkit.verification.reviews import append, read_reviews
from labkit.verification.sampling import SAMPLE, keep_sample
from labkit.verification.workbook import write_workbook

__all__ = [
    "MISTAKES",
    "QUEUE",
    "SAMPLE",
    "accuracy",
    "append",
    "between_readers",
    "by_anatomy",
    "cases_needed",
    "cases_to_read",
    "compare_extractors",
    "confusion",
    "confusions",
    "coverage",
    "design_effect",
    "draw_splits",
    "error_types",
    "export",
    "extractor_table",
    "finding_table",
    "from_sample",
    "gather",
    "headline",
    "keep_lists",
    "keep_sample",
    "merge",
    "notice",
    "open_questions",
    "queue",
    "read_reviews",
    "readers_table",
    "reasons_table",
    "review_table",
    "sample_table",
    "shareable",
    "simulate",
    "stacked",
    "study_table",
    "summary",
    "take_splits",
    "uncertain_test_labels",
    "uncertainty",
    "violations",
    "write_workbook",
]
