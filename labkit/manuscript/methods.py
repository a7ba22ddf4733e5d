"""The methods section, key results and limitations as text, put together from sentences; used by 05_figures."""

from collections.abc import Callable
from dataclasses import dataclass

from labkit.manuscript import cohort_text, labels_text, limits_text, network_text, statistics_text
from labkit.manuscript.material import Material
from labkit.manuscript.references import Citations

__all__ = ["LIMITATIONS", "PARTS", "Text", "sentences", "written"]

# Heading, and the sentences below it in their order; those that are not known are left out.
PARTS = {
    "Study data": ("synthetic", "cohort", "sites", "years", "several", "linked", "excluded", "missing_view"),
    "Extraction of labels": (
        ("findings", "values", "extractor", "llm_access", "llm_prompt", "llm_random", "deidentified", "choices")
        + ("hierarchy", "statuses", "second", "label_counts")
    ),
    "Verification and reference standard": ("verification", "agreement", "reference", "not_mentioned"),
    "Data partitions": ("split", "split_level", "external", "split_sizes"),
    "Image models": (
        ("network", "initial", "input", "output", "policies", "augmentation", "optimiser", "loss", "selection", "seeds")
        + ("ensemble", "computed_on")
    ),
    "Statistical analysis": (
        ("endpoint", "label_set", "extraction_statistics", "area", "rates", "comparison", "equivalence")
        + ("multiplicity", "calibration", "sensitivity_analyses", "subgroups", "software")
    ),
    "Key results": ("label_accuracy", "result", "result_comparison", "result_hardware"),
}
LIMITATIONS = "Limitations that follow from the data"
SOURCES: tuple[Callable[[Material], dict[str, str]], ...] = (
    cohort_text.sentences,
    labels_text.sentences,
    network_text.sentences,
    statistics_text.sentences,
    limits_text.sentences,
)


@dataclass(frozen=True)
class Text:
    """Paragraphs by heading, with numbers for citations, and the list of what they cite."""

    title: str
    paragraphs: tuple[tuple[str, str], ...]
    references: tuple[str, ...]
    keys: tuple[str, ...]
    notice: str


def sentences(material: Material) -> dict[str, str]:
    """All sentences by name, empty where something is not known; citations as `[@key]`."""
    found: dict[str, str] = {}
    for source in SOURCES:
        found |= source(material)
    return found


def written(material: Material, told: dict[str, str]) -> Text:
    """The text of the sentences; the order of its citations is that of their numbers."""
    parts = [(heading, " ".join(filter(None, (told[name] for name in names)))) for heading, names in PARTS.items()]
    parts.append((LIMITATIONS, " ".join(limits_text.sentences(material).values())))
    parts = [(heading, paragraph) for heading, paragraph in parts if paragraph]
    citations = Citations(paragraph for _, paragraph in parts)
    simulated = material.verified_by == "simulated"
    notice = told["synthetic"] or (told["verification"] if simulated else "")
    return Text(
        title=f"Methods: {material.study}, {material.anatomy}",
        paragraphs=tuple((heading, citations.numbered(paragraph)) for heading, paragraph in parts),
        references=tuple(citations.listed()),
        keys=tuple(citations.keys),
        notice=notice,
    )
