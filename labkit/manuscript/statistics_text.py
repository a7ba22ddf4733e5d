"""Sentences on the statistics, and on what they showed; from the params and METRICS of 04; used by 05_figures."""

from importlib.metadata import PackageNotFoundError, version

from labkit.evaluation import MACRO, endpoint
from labkit.manuscript.material import Material
from labkit.manuscript.numbers import estimate, listed, p_text, plural, signed
from labkit.manuscript.performance_table import point_words

__all__ = ["sentences"]

PACKAGES = {"numpy": "NumPy", "pandas": "pandas", "scipy": "SciPy", "torch": "PyTorch", "torchvision": "torchvision"}
PACKAGES |= {"pydicom": "pydicom"}


def sentences(material: Material) -> dict[str, str]:
    """Sentences on statistics, results and software."""
    return {
        "endpoint": _endpoint(material),
        "label_set": _label_set(material),
        "extraction_statistics": _extraction(material),
        "area": _area(material),
        "rates": _rates(material),
        "comparison": _comparison(material),
        "equivalence": _equivalence(material),
        "multiplicity": "P values of single findings are given unadjusted and adjusted by the methods of Holm "
        "[@holm1979] and of Benjamini and Hochberg [@benjamini1995]; all other secondary results are not adjusted."
        if len(material.policies) > 1
        else "Secondary results are not adjusted for multiplicity.",
        "calibration": "Calibration was described by the Brier score [@brier1950], the expected calibration error, "
        "slope, and intercept, before and after scaling by one temperature that was fitted on the validation set "
        "[@guo2017].",
        "sensitivity_analyses": _sensitivity(material),
        "subgroups": _subgroups(material),
        "software": _software(),
        "result": _result(material),
        "result_comparison": _result_comparison(material),
        "result_hardware": _result_hardware(material),
    }


def _extraction(material: Material) -> str:
    """Reports are drawn, or patients where one has several reports; METRICS say which."""
    own = material.label_metrics
    own = own[(own["metric"] == "label_accuracy") & (own["reading"] == "report")]
    if own.empty:
        return ""
    unit = "patient" if own["method"].str.contains("patients").any() else "report"
    fewer = ", with fewer effective labels where those of a patient are alike" if unit == "patient" else ""
    return (
        f"Intervals of label accuracy over all findings come from a bootstrap of whole {unit}s, since the labels of "
        f"one {unit} are not independent; those of single findings are Wilson’s [@wilson1927]{fewer}, for F1 scores "
        "carried over from their Jaccard form [@lam2023]."
    )


def _endpoint(material: Material) -> str:
    name = endpoint.endpoint_finding(material.evaluation)
    what = "the macro average of the AUC over the label set" if name == MACRO else f"the AUC of “{name}”"
    return f"The primary endpoint set in the parameters was {what} at each test site."


def _label_set(material: Material) -> str:
    settings = material.evaluation
    chosen = (
        listed([f"“{name}”" for name in settings.findings]) if settings.findings else "All findings of the template"
    )
    least = plural(settings.min_tuning_positives, "positive study", "positive studies")
    n_at = [f"{n} at the site {site}" for site, n in _n_evaluated(material).items()]
    return (
        f"{chosen} with at least {plural(settings.min_positives, 'positive study', 'positive studies')} in the test "
        f"set of a site and {least} each in the training and validation sets were evaluated there ({listed(n_at)}); "
        "the label set was the same for all policies."
    )


def _n_evaluated(material: Material) -> dict[str, int]:
    own = material.metrics
    own = own[(own["finding"] == MACRO) & (own["metric"] == "n_findings") & (own["reading"] == "primary")]
    own = own[own["policy"] == material.policies[0]].set_index("site")["value"]
    return {site: int(own.get(site, 0)) for site in material.test_sites}


def _area(material: Material) -> str:
    settings = material.evaluation
    form = (
        "; intervals have a score-type form that also holds with few positives"
        if settings.auc_interval == "robust"
        else ""
    )
    return (
        f"AUCs and their macro average have {100 * settings.level:g}% confidence intervals (CIs) from "
        f"DeLong’s variance [@delong1988; @sun2014] with patients as clusters [@obuchowski1997]{form}."
    )


def _rates(material: Material) -> str:
    settings = material.evaluation
    how = "Wilson’s method [@wilson1927]" if settings.rate_interval == "wilson" else "a bootstrap of patients"
    youden = " [@youden1950]" if settings.operating_point == "youden" else ""
    return (
        "Sensitivity, specificity, and predictive values are given on the test sets at "
        f"{point_words(material)}{youden}, chosen per finding and policy, with intervals by {how}."
    )


def _comparison(material: Material) -> str:
    settings = material.evaluation
    if len(material.policies) == 1:
        return "Sites were compared by an unpaired test of the AUC." if len(material.test_sites) > 1 else ""
    sites = "; sites by an unpaired test" if len(material.test_sites) > 1 else ""
    return (
        f"Policies were compared on the same studies by paired tests of the AUC (DeLong, patients as clusters){sites}. "
        "A permutation test [@bandos2005] and a bootstrap of patients (bias-corrected and accelerated [@efron1987], "
        f"{settings.n_resamples:,} resamples, seed {settings.seed}) checked the result."
    )


def _equivalence(material: Material) -> str:
    settings = material.evaluation
    if len(material.policies) == 1 and len(material.test_sites) == 1:  # nothing is compared
        return ""
    return (
        f"Two AUCs counted as equivalent when two one-sided tests [@schuirmann1987] placed their difference within "
        f"±{settings.margin:g}; the smallest difference detectable with a power of {100 * settings.power:g}% is given "
        f"beside each comparison. P values below {1 - settings.level:.2g} were considered significant."
    )


def _sensitivity(material: Material) -> str:
    parts = ["test labels that stayed uncertain read as true and as false"]
    if (material.metrics["reading"] == "without_hardware").any():
        parts.append("without studies whose report names hardware or a cast")
    if (material.metrics["reading"] == "extracted_corrected").any():
        parts.append("against extracted labels, corrected for the measured error of the extraction")
    return f"The macro-averaged AUC was also computed with {listed(parts)}."


def _subgroups(material: Material) -> str:
    readings = [reading for reading in material.metrics["reading"].unique() if ": " in reading]
    names = list(dict.fromkeys(reading.split(": ")[0].replace("_", " ") for reading in readings))
    if not names:
        return ""
    least = material.evaluation.min_cell
    return f"Subgroups by {listed(names)} were exploratory; groups with a cell below {least} were hidden."


def _software() -> str:
    found = []
    for package, name in {"labkit": "labkit", **PACKAGES}.items():
        try:
            found.append(f"{name} {version(package)}")
        except PackageNotFoundError:
            continue
    cited = [f"{name} [@paszke2019]" if name.startswith("PyTorch") else name for name in found]
    return f"Analyses used {listed(cited)}."


def _row(material: Material, metric: str, site: str, policy: str, reading: str = "primary"):
    own = material.metrics
    name = endpoint.endpoint_finding(material.evaluation)
    own = own[(own["finding"] == name) & (own["metric"] == metric) & (own["site"] == site)]
    own = own[(own["policy"] == policy) & (own["reading"] == reading)]
    return None if own.empty else own.iloc[0]


def _result(material: Material) -> str:
    """The primary endpoint at each site."""
    told = []
    level = f"{100 * material.evaluation.level:g}% CI"
    for site in material.test_sites:
        for policy in material.policies:
            row = _row(material, "auc", site, policy)
            if row is not None:
                shown = estimate(row["value"], row["low"], row["high"]).replace(" [", f" [{level}: ", 1)
                told.append(f"{shown} at the site {site} with the policy {policy}")
    return f"The primary endpoint was {listed(told)}." if told else ""


def _result_comparison(material: Material) -> str:
    """Differences of the primary endpoint between the first policy and the others, with what they show."""
    told, first = [], material.policies[0]
    for site in material.test_sites:
        for policy in material.policies[1:]:
            pair = f"{first} - {policy}"
            names = ("auc_difference", "auc_difference_p", "auc_difference_detectable", "equivalent")
            found = {name: _row(material, name, site, pair) for name in names}
            if any(row is None for row in found.values()):
                continue
            values = {name: row["value"] for name, row in found.items()}
            row = found["auc_difference"]
            told.append(
                f"Between {first} and {policy} at the site {site} the difference was "
                f"{signed(row['value'], row['low'], row['high'])} ({p_text(values['auc_difference_p'])}; smallest "
                f"detectable difference {estimate(values['auc_difference_detectable'], digits=3)}): "
                f"{_in_words(endpoint.verdict(values, material.evaluation))}."
            )
    return " ".join(told)


def _in_words(verdict: str) -> str:
    """`inconclusive (neither different nor equivalent)`: a sentence has one colon."""
    word, _, meaning = verdict.partition(": ")
    return f"{word} ({meaning})" if meaning else word


def _result_hardware(material: Material) -> str:
    told, first = [], material.policies[0]
    for site in material.test_sites:
        row = _row(material, "auc", site, first, "without_hardware")
        if row is not None:
            told.append(f"{estimate(row['value'], row['low'], row['high'])} at the site {site}")
    if not told:
        return ""
    return f"Without studies whose report names hardware or a cast the endpoint was {listed(told)} (policy {first})."
