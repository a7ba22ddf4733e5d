"""What was declared before any test result is read, and the answer to it; the first and the last word of 04_evaluation.

The declaration needs the settings and the names of the findings only, no score.
"""

import pandas as pd

from labkit.errors import EvaluationError
from labkit.evaluation.cases import MACRO
from labkit.evaluation.settings import MACRO_AUC

__all__ = ["answer", "declaration", "endpoint_finding", "verdict"]

REFERENCE = "verified value of each test label; uncertain without follow-up is left out, not mentioned is false"
INTERVALS = {"robust": "robust (DeLong by patients, steadied)", "delong": "DeLong by patients"}


def endpoint_finding(settings):
    """What the endpoint is called in METRICS: "Macro average" or the finding."""
    return MACRO if settings.endpoint == MACRO_AUC else settings.endpoint


def declaration(findings, *, settings):
    """Endpoint, label set, margin and rules as a table of two columns, item and declared.

    findings : names of the template.

    Raises
    ------
    EvaluationError : endpoint or label set name a finding that the template lacks, or the endpoint is outside the set.
    """
    known = list(dict.fromkeys(findings))
    for name in (*settings.findings, *([] if settings.endpoint == MACRO_AUC else [settings.endpoint])):
        if name not in known:
            raise EvaluationError(
                f"evaluation: the finding '{name}' is not in the template; allowed are the names of its {len(known)} "
                "findings and macro_auc for the endpoint. Mend the params."
            )
    if settings.endpoint != MACRO_AUC and settings.findings and settings.endpoint not in settings.findings:
        raise EvaluationError(
            f"evaluation: the endpoint '{settings.endpoint}' is not in the declared label set; add it to findings."
        )
    area = "macro average of the AUC over the label set" if settings.endpoint == MACRO_AUC else settings.endpoint
    number = f"all {len(known)} findings of the template" if not settings.findings else ", ".join(settings.findings)
    target = settings.target(settings.operating_point)
    point = settings.operating_point if target != target else f"{settings.operating_point} of {target:g}"
    rows = [
        ("primary endpoint", f"{area}, at each test site" + ("" if settings.endpoint == MACRO_AUC else " (AUC)")),
        ("label set", f"{number} that have {settings.min_positives} positive test studies at the site"),
        ("reference", REFERENCE),
        ("difference that would not matter", f"less than {settings.margin:g} in AUC"),
        (
            "intervals",
            f"{100 * settings.level:g} %, {INTERVALS[settings.auc_interval]}; rates {settings.rate_interval}",
        ),
        ("operating point", f"{point}, chosen on validation"),
        ("subgroups", f"exploratory; fewer than {settings.min_cell} in a cell are hidden"),
        ("everything else", "secondary: intervals and p-values are not adjusted, but where a column says so"),
    ]
    return pd.DataFrame(rows, columns=["item", "declared"])


def answer(metrics, differences, *, settings):
    """The endpoint at each site: its value per policy, each comparison with what it could have shown, and the verdict.

    metrics, differences : METRICS of `metrics.evaluate` and of `comparison`; the second may be empty.

    Returns
    -------
    DataFrame site, policy or comparison, estimate with interval, p, detectable, verdict; texts.
    """
    finding = endpoint_finding(settings)
    primary = (metrics["finding"] == finding) & (metrics["metric"] == "auc") & (metrics["reading"] == "primary")
    rows = [
        {"site": row.site, "of": row.policy, "AUC": _interval(row, "{:.3f}"), "p": "", "detectable": "", "verdict": ""}
        for row in metrics[primary].itertuples()
    ]
    for missing in metrics[(metrics["finding"] == finding) & (metrics["metric"] == "left_out")].itertuples():
        place = {"site": missing.site, "of": missing.policy, "AUC": "–", "p": "", "detectable": ""}
        rows.append({**place, "verdict": missing.method})
    own = differences[differences["finding"] == finding] if len(differences) else differences
    for (site, pair), found in own.groupby(["site", "policy"], sort=False) if len(own) else ():
        found = found.set_index("metric")
        if "auc_difference" not in found.index:
            continue
        values = found["value"]
        rows.append(
            {
                "site": site,
                "of": pair,
                "AUC": _interval(found.loc["auc_difference"], "{:+.3f}"),
                "p": f"{values['auc_difference_p']:.3f}" if values["auc_difference_p"] >= 0.001 else "< 0.001",
                "detectable": f"{values['auc_difference_detectable']:.3f}",
                "verdict": verdict(values, settings),
            }
        )
    columns = ["site", "of", "AUC", "p", "detectable", "verdict"]
    return pd.DataFrame(rows, columns=columns).rename(columns={"AUC": f"AUC ({100 * settings.level:g} % CI)"})


def verdict(values, settings):
    """Different, equivalent, both (a difference too small to matter), or neither: the cases do not say."""
    if pd.isna(values["auc_difference_p"]):
        return "not defined"
    different = values["auc_difference_p"] < 1 - settings.level
    equivalent = values["equivalent"] == 1
    if different and equivalent:
        return f"different, but by less than {settings.margin:g}"
    if different:
        return "different"
    if equivalent:
        return f"equivalent within {settings.margin:g}"
    return "inconclusive: neither different nor equivalent"


def _interval(row, form):
    if pd.isna(row.value):
        return "–"
    return f"{form} ({form} to {form})".format(row.value, row.low, row.high)
