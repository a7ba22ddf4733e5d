"""The errors that labkit raises on purpose, as one family.

A message says where, what, which value, what is allowed and the next step, in one or two sentences. Ids may appear
in it, report text and patient identifiers never: papermill prints tracebacks into the executed notebook, so a message
is a publication.

    LabkitError
    ├── ParamsError      a params or template file does not say what labkit can run
    ├── TableError       a table lacks a column, a value is not allowed, a key is repeated
    ├── CorpusError      a file of reports cannot be read
    ├── ImageError       a radiograph cannot be used
    ├── ExtractionError  a model or rule file cannot give labels
    ├── TrainingError    a network cannot be built or fitted as asked
    ├── EvaluationError  a number is not defined for these data
    └── RunError         a step of a run cannot start or did not finish
"""

__all__ = [
    "CorpusError",
    "EvaluationError",
    "ExtractionError",
    "ImageError",
    "LabkitError",
    "ParamsError",
    "RunError",
    "TableError",
    "TrainingError",
]


class LabkitError(Exception):
    """Base of every error that labkit raises on purpose."""


class ParamsError(LabkitError):
    """A params or template file does not say what labkit can run."""


class TableError(LabkitError):
    """A table does not keep its declared columns, values or keys."""


class CorpusError(LabkitError):
    """A file of reports cannot be read."""


class ImageError(LabkitError):
    """A radiograph cannot be used."""


class ExtractionError(LabkitError):
    """A model or rule file cannot give labels."""


class TrainingError(LabkitError):
    """A network cannot be built or fitted as asked."""


class EvaluationError(LabkitError):
    """A number is not defined for these data."""


class RunError(LabkitError):
    """A step of a run cannot start or did not finish."""
