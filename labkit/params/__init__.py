"""The choices of a study: one YAML file per anatomy, checked as a whole before anything runs.

    load(path)                                         a params file -> Study, or ParamsError with a sentence per fault
    Extraction.check(study=..., extraction=..., ...)   the parameters of one notebook -> its frozen object `p`

Every key of a section is stated in the file; nothing rests on a default that nobody has read. Relative paths start
from the repository for files within it, else to the folder of the params file.
"""

from labkit.params.reading import load, read_yaml
from labkit.params.sections import (
    CohortSection,
    ExtractionSection,
    FiguresSection,
    Paths,
    ReadingQueue,
    ReadingSample,
    Resampling,
    SimulatedReader,
    Site,
    SplitSection,
    TrainingSection,
    VerificationSection,
)
from labkit.params.steps import Evaluation, Extraction, Figures, Training, Verification
from labkit.params.study import SECTIONS_OF_STEP, Study

__all__ = [
    "SECTIONS_OF_STEP",
    "CohortSection",
    "Evaluation",
    "Extraction",
    "ExtractionSection",
    "Figures",
    "FiguresSection",
    "Paths",
    "ReadingQueue",
    "ReadingSample",
    "Resampling",
    "SimulatedReader",
    "Site",
    "SplitSection",
    "Study",
    "Training",
    "TrainingSection",
    "Verification",
    "VerificationSection",
    "load",
    "read_yaml",
]
