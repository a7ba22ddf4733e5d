"""Table 2: how right the extracted labels are, from METRICS of 02_verification; used by 05_figures."""

import pandas as pd

from labkit.manuscript import suppression
from labkit.manuscript.material import Material
from labkit.manuscript.numbers import DASH, count, estimate, percent
from labkit.manuscript.sheets import HEADING, INDENTED, PLAIN, Row, Sheet

__all__ = ["extraction_table"]

ALL_FINDINGS, ALL_SITES = "All findings", "all"
VALUES = ("true", "uncertain", "false")
HEAD = ("Finding", "Labels", "True", "Uncertain", "False", "Accuracy, %", "Balanced accuracy, %")
HEAD += ("F1 of true", "F1 of uncertain", "All-false accuracy, %")
HIDDEN = "hidden"
WIDTHS = (5.6, 1.4, 1.3, 1.7, 1.4, 2.7, 2.7, 2.7, 2.7, 2.2)


def extraction_table(material: Material) -> Sheet:
    """Table 2; all sites together where there is more than one, then each site; a row per finding.

    Where no label is verified the table has no row, and its note says so.
    """
    known = material.label_metrics
    own = known[(known["reading"] == "report") & known["site"].isin([ALL_SITES, *material.cohort.sites])]
    sites = [site for site in (ALL_SITES, *material.test_sites) if (own["site"] == site).any()]
    if len(sites) == 2:  # one site, whose numbers are those of all sites
        sites = sites[1:]
    cells = dict(zip(zip(own["finding"], own["site"], own["metric"]), own.itertuples()))
    counts, hiding = _counts(cells, sites, material)
    rows = []
    for site in sites:
        rows.append(Row(("All test sites" if site == ALL_SITES else f"Site: {site}",), HEADING))
        for finding in (ALL_FINDINGS, *material.findings):
            if (finding, site, "label_accuracy") in cells:
                numbers = _numbers(cells, finding, site, hides_false=(finding, site, "false") in hiding)
                told = [
                    suppression.shown((finding, site, name), counts, hiding, min_cell=material.evaluation.min_cell)
                    for name in VALUES
                ]
                total = count(counts[finding, site, "labels"])
                kind = PLAIN if finding == ALL_FINDINGS else INDENTED
                rows.append(Row((finding, total, *told, *numbers), kind))
    return Sheet(
        number=2,
        name="extraction",
        title=f"Accuracy of the labels extracted from reports of the {material.anatomy} against verified labels",
        head=HEAD,
        rows=tuple(rows),
        notes=_notes(material, own),
        widths=WIDTHS,
        landscape=True,
    )


def _counts(cells: dict, sites: list[str], material: Material) -> tuple[dict, frozenset]:
    """Verified labels by value, and which of them are hidden; values add up to labels, sites to all sites."""
    counts, lines = {}, []
    for finding in (ALL_FINDINGS, *material.findings):
        for site in sites:
            if (finding, site, "label_accuracy") not in cells:
                continue
            for value in VALUES:
                counts[finding, site, value] = int(cells[finding, site, f"f1_{value}"].n_positive)
            counts[finding, site, "labels"] = int(cells[finding, site, "label_accuracy"].n)
            lines.append([(finding, site, value) for value in ("false", "uncertain", "true", "labels")])
        for value in VALUES:
            line = [(finding, site, value) for site in sites if (finding, site, value) in counts]
            if len(line) > 1:
                lines.append(line)
    return counts, suppression.hidden(counts, lines, min_cell=material.evaluation.min_cell)


def _numbers(cells: dict, finding: str, site: str, *, hides_false: bool) -> list[str]:
    """The figures; the all-false accuracy would tell a hidden number of false labels."""
    shares = [cells.get((finding, site, metric)) for metric in ("label_accuracy", "balanced_accuracy")]
    f1 = [cells.get((finding, site, metric)) for metric in ("f1_true", "f1_uncertain")]
    baseline = cells.get((finding, site, "all_false_accuracy"))
    return [
        *(DASH if row is None else percent(row.value, row.low, row.high) for row in shares),
        *(DASH if row is None else estimate(row.value, row.low, row.high) for row in f1),
        HIDDEN if hides_false else DASH if baseline is None else percent(baseline.value),
    ]


def _notes(material: Material, own: pd.DataFrame) -> tuple[str, ...]:
    if own.empty:
        return ("No label has been verified, so that the accuracy of the extraction is not known.",)
    level = f"{100 * own['level'].dropna().iloc[0]:g}%"
    min_cell = material.evaluation.min_cell
    units = "patients" if own["method"].str.contains("patients").any() else "reports"
    fewer = " with fewer effective labels where those of a patient are alike" if units == "patients" else ""
    reader = {
        "simulated": "SIMULATED: labels were verified by a simulated reader, not by a person. ",
        "human": "",
        "none": "",
    }[material.verified_by]
    notes = [
        f"{reader}Numbers in brackets are {level} confidence intervals: of single findings by Wilson's method{fewer} "
        f"(F1: of its Jaccard form), of all findings together and of balanced accuracy by a bootstrap of {units}.",
        "True, Uncertain, and False are verified labels of that value. Balanced accuracy is the mean recall of the "
        "values that occur. All-false accuracy is what an answer of false to every question would reach.",
        f"{DASH}, not defined: no verified label and no extracted label has the value.",
    ]
    if min_cell > 1:
        notes.append(
            f"Counts from 1 to {min_cell - 1} are shown as <{min_cell}; counts that would give them away by "
            f"subtraction as ≥{min_cell} or <{min_cell}, or as {HIDDEN}."
        )
    return tuple(notes)
