"""Table 3: how well findings are found on radiographs, from METRICS of 04_evaluation; used by 05_figures."""

from labkit.evaluation import MACRO, endpoint
from labkit.manuscript import suppression
from labkit.manuscript.material import Material
from labkit.manuscript.numbers import DASH, count, estimate, p_cell, plural, signed
from labkit.manuscript.sheets import HEADING, INDENTED, PLAIN, Row, Sheet

__all__ = ["performance_table", "point_words", "verdict"]

RATES = {"auc": "AUC", "average_precision": "AP", "sensitivity": "Sensitivity", "specificity": "Specificity"}
RATES |= {"ppv": "PPV", "npv": "NPV"}
POLICY_WORDS = {
    "inclusive": "uncertain labels as true",
    "exclusive": "uncertain labels as false",
    "ignore": "uncertain labels left out",
    "soft": "uncertain labels as a probability drawn from a range",
    "graded": "uncertain labels as a probability by the words of the hedge",
    "multiclass": "uncertain labels as a third class",
    "self_trained": "uncertain labels as predicted by a network trained without them",
}


def performance_table(material: Material) -> Sheet:
    """Table 3; a part per test site and policy, in it the macro average and a row per finding.

    With several policies, each but the first is compared with the first: difference in AUC, p, and what it shows.
    """
    cells = _cells(material)
    compared = len(material.policies) > 1
    rows = []
    for site in material.test_sites:
        for policy in material.policies:
            rows += _part(cells, site, policy, material)
    first = material.policies[0]
    head = ("Finding", "n", "Positive", *RATES.values())
    widths = (4.6, 0.8, 1.2, *[1.95] * len(RATES))
    if compared:
        head += (f"Difference in AUC ({first} minus this policy)", "P value", "Conclusion")
        widths += (3.4, 1.0, 1.9)
    return Sheet(
        number=3,
        name="performance",
        title=f"Performance of the image models for the {material.anatomy} on the test sets",
        head=head,
        rows=tuple(rows),
        notes=_notes(material, compared=compared),
        widths=widths,
        landscape=True,
    )


def _cells(material: Material) -> dict:
    """Rows of METRICS of the primary reading by finding, site, policy and metric."""
    own = material.metrics[material.metrics["reading"] == "primary"]
    keys = zip(own["finding"], own["site"], own["policy"], own["metric"], strict=True)
    return dict(zip(keys, own.itertuples(), strict=True))


def _part(cells: dict, site: str, policy: str, material: Material) -> list[Row]:
    """The heading and rows of one site and policy, none where nothing was evaluated there."""
    names = [finding for finding in material.findings if (finding, site, policy, "auc") in cells]
    macro = cells.get((MACRO, site, policy, "auc"))
    if macro is None:
        return []
    title = f"Site: {site}. Policy: {policy} ({POLICY_WORDS.get(policy, 'as described')})"
    ends = [cells[MACRO, site, policy, f"auc_{end}"].value for end in ("min", "max")]
    name = f"Macro average ({plural(len(names), 'finding')}; range {ends[0]:.2f}–{ends[1]:.2f})"
    own = [name, count(macro.n), DASH, estimate(macro.value, macro.low, macro.high), *[DASH] * (len(RATES) - 1)]
    rows = [Row((title,), HEADING), Row((*own, *_comparison(cells, MACRO, site, policy, material)), PLAIN)]
    for finding in names:
        found = [cells.get((finding, site, policy, metric)) for metric in RATES]
        area = found[0]
        positive = {finding: int(area.n_positive)}
        hiding = suppression.hidden(positive, [], min_cell=material.evaluation.min_cell)
        told = suppression.shown(finding, positive, hiding, min_cell=material.evaluation.min_cell)
        numbers = [DASH if row is None else estimate(row.value, row.low, row.high) for row in found]
        compared = _comparison(cells, finding, site, policy, material)
        rows.append(Row((finding, count(area.n), told, *numbers, *compared), INDENTED))
    return rows


def _comparison(cells: dict, finding: str, site: str, policy: str, material: Material) -> list[str]:
    """Difference from the first policy, p and conclusion; nothing with one policy, dashes beside the first."""
    first = material.policies[0]
    if len(material.policies) == 1:
        return []
    difference = cells.get((finding, site, f"{first} - {policy}", "auc_difference"))
    if policy == first or difference is None:
        return ["reference" if policy == first and finding == MACRO else DASH, DASH, DASH]
    p, told = verdict(cells, finding, site, f"{first} - {policy}", material)
    return [signed(difference.value, difference.low, difference.high), p_cell(p), told]


def verdict(cells: dict, finding: str, site: str, pair: str, material: Material) -> tuple[float, str]:
    """The p-value that counts (Holm's for a single finding, since many are compared) and what the test shows."""
    adjusted = "auc_difference_p" if finding == MACRO else "auc_difference_p_holm"
    row, equivalent = (cells.get((finding, site, pair, metric)) for metric in (adjusted, "equivalent"))
    if row is None or equivalent is None:
        return float("nan"), DASH
    values = {"auc_difference_p": row.value, "equivalent": equivalent.value}
    return row.value, endpoint.verdict(values, material.evaluation).split(":")[0]


def point_words(material: Material) -> str:
    """The declared operating point in words."""
    settings = material.evaluation
    if settings.operating_point == "youden":
        return "the threshold with the largest Youden index on the validation set"
    target = settings.target(settings.operating_point)
    return f"the threshold that reached a {settings.operating_point} of {target:g} on the validation set"


def _notes(material: Material, *, compared: bool) -> tuple[str, ...]:
    settings = material.evaluation
    area = "DeLong's variance with patients as clusters"
    if settings.auc_interval == "robust":
        area = "a score-type interval from DeLong's variance with patients as clusters, steadied for few positives"
    rates = "Wilson's method" if settings.rate_interval == "wilson" else "a bootstrap of patients"
    notes = [
        f"Numbers in brackets are {100 * settings.level:g}% confidence intervals: of the AUC by {area}, of rates by "
        f"{rates}. Sensitivity, specificity, PPV, and NPV are at {point_words(material)}.",
        f"Findings with fewer than {settings.min_positives} positive studies at a site are not evaluated there and "
        "not listed. Test labels that stayed uncertain are left out (n differs between findings).",
    ]
    if compared:
        notes.append(
            f"P values are of paired tests (DeLong, by patients); those of single findings are adjusted by Holm's "
            f"method within site and pair of policies. Equivalent: the difference lies within ±{settings.margin:g} "
            f"(two one-sided tests); inconclusive: neither different nor equivalent. Other pairs of policies are in "
            "the table of metrics."
        )
    if settings.min_cell > 1:
        notes.append(f"Counts from 1 to {settings.min_cell - 1} are shown as <{settings.min_cell}.")
    if material.verified_by == "simulated":
        notes.insert(0, "SIMULATED: test labels were verified by a simulated reader, not by a person.")
    elif material.verified_by == "none":
        notes.insert(0, "Test labels are as extracted from the reports; nobody has verified them.")
    notes.append(
        "AP, average precision; AUC, area under the receiver operating characteristic curve; NPV, negative predictive "
        "value; PPV, positive predictive value."
    )
    return tuple(notes)
