"""Where every step of a study reads and writes: one place for all paths.

Used by every notebook and by the run. `build/` holds what stays in the hospital (keys, labels with quotes, caches,
models); `reports/` holds what may be shared (rendered pages, figures, tables with pseudonyms and without text).
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ALL_POLICIES", "COMPARISON", "HEADLESS_VARIABLE", "NOTEBOOKS", "ROOT", "Layout", "PolicyLayout"]

ROOT = Path(__file__).parents[1]
# The value of `policy` with which 04 and 05 compare all policies, and the folder of that comparison.
ALL_POLICIES = "all"
COMPARISON = "comparison"
# Set by the run, naming the draft of the step's receipt: a notebook without a person in front of it shows no form.
HEADLESS_VARIABLE = "LABKIT_RECEIPT_DRAFT"
NOTEBOOKS = {
    "extraction": ROOT / "notebooks" / "01_extraction.ipynb",
    "verification": ROOT / "notebooks" / "02_verification.ipynb",
    "training": ROOT / "notebooks" / "03_training.ipynb",
    "evaluation": ROOT / "notebooks" / "04_evaluation.ipynb",
    "figures": ROOT / "notebooks" / "05_figures.ipynb",
}


@dataclass(frozen=True)
class Layout:
    """Paths of one anatomy of one study; the folders are made by whoever writes first."""

    build_dir: Path
    reports_dir: Path
    reviews_dir: Path
    study: str
    anatomy: str

    @property
    def build(self) -> Path:
        return self.build_dir / self.study / self.anatomy

    @property
    def reports(self) -> Path:
        return self.reports_dir / self.study / self.anatomy

    @property
    def reviews(self) -> Path:
        """One append-only CSV per reader; kept outside `build/`, so that cleaning up never costs human work."""
        return self.reviews_dir / self.study / self.anatomy

    @property
    def cohort(self) -> Path:
        """The synthetic cohort, where the params ask for one."""
        return self.build / "cohort"

    @property
    def keys(self) -> Path:
        return self.build / "keys.csv"

    @property
    def studies(self) -> Path:
        return self.build / "studies.csv"

    @property
    def images(self) -> Path:
        return self.build / "images.csv"

    @property
    def excluded(self) -> Path:
        return self.build / "excluded.csv"

    @property
    def findings(self) -> Path:
        return self.build / "findings.csv"

    @property
    def answers(self) -> Path:
        return self.build / "answers.csv"

    @property
    def raised(self) -> Path:
        """Labels that the hierarchy raised."""
        return self.build / "raised.csv"

    @property
    def disagreements(self) -> Path:
        """Labels on which two extractors differ."""
        return self.build / "disagreements.csv"

    @property
    def extraction_record(self) -> Path:
        """Everything known of the extractors' runs; names the endpoint, so it stays in the hospital."""
        return self.build / "extraction_record.json"

    @property
    def answer_store(self) -> Path:
        return self.build_dir / "answers.sqlite"

    @property
    def splits(self) -> Path:
        return self.build / "splits.csv"

    @property
    def sample(self) -> Path:
        """Cases to read when not all are read, with their probabilities; drawn once."""
        return self.build / "sample.csv"

    @property
    def queue(self) -> Path:
        """Labels worth a look before others."""
        return self.build / "queue.csv"

    @property
    def mistakes(self) -> Path:
        """Wrong labels with their quotes."""
        return self.build / "mistakes.csv"

    @property
    def simulated_reviews(self) -> Path:
        return self.build / "simulated_reviews.csv"

    @property
    def labels(self) -> Path:
        return self.build / "labels.csv"

    @property
    def label_metrics(self) -> Path:
        return self.build / "label_metrics.csv"

    @property
    def dose(self) -> Path:
        """Results of trainings at several shares of uncertain labels; only where such a study has been made."""
        return self.build / "dose.csv"

    @property
    def cache(self) -> Path:
        return self.build / "cache"

    def policy(self, policy: str) -> "PolicyLayout":
        return PolicyLayout(self, COMPARISON if policy == ALL_POLICIES else policy)


@dataclass(frozen=True)
class PolicyLayout:
    """Paths of one policy (or of the comparison of all) within an anatomy."""

    anatomy: Layout
    folder: str

    @property
    def build(self) -> Path:
        return self.anatomy.build / self.folder

    @property
    def reports(self) -> Path:
        return self.anatomy.reports / self.folder

    @property
    def targets(self) -> Path:
        return self.build / "targets.csv"

    @property
    def predictions(self) -> Path:
        return self.build / "predictions.csv"

    @property
    def history(self) -> Path:
        return self.build / "history.csv"

    @property
    def model(self) -> Path:
        return self.build / "model"

    @property
    def explanations(self) -> Path:
        """Maps and masked pictures of chosen test cases."""
        return self.build / "explanations.npz"

    @property
    def explained_cases(self) -> Path:
        return self.build / "explanations.csv"

    @property
    def explanation_checks(self) -> Path:
        return self.build / "explanation_checks.csv"

    @property
    def metrics(self) -> Path:
        return self.build / "metrics.csv"

    @property
    def curves(self) -> Path:
        return self.build / "curves.csv"

    @property
    def manuscript(self) -> Path:
        """Tables, methods and checklists for the paper; may be shared."""
        return self.reports / "manuscript"
