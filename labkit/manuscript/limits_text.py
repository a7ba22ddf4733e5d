"""Limitations that follow from the data themselves, each with its numbers; used by 05_figures."""

import pandas as pd

from labkit.evaluation import MACRO
from labkit.manuscript.material import TEST, Material
from labkit.manuscript.numbers import listed, plural

__all__ = ["sentences"]

FEW = 20  # positives, below which an interval of an AUC is wide
SMALL_PX = 256
RARE = 0.05


def sentences(material: Material) -> dict[str, str]:
    """One sentence per limitation that the data show; what they do not show is not in it."""
    found = {
        "limit_synthetic": _synthetic(material),
        "limit_verified": _verified(material),
        "limit_sites": _sites(material),
        "limit_positives": _positives(material),
        "limit_doubt": _doubt(material),
        "limit_left_out": _left_out(material),
        "limit_silence": "Findings that a report does not mention counted as absent, which a reader of the radiograph "
        "might not confirm.",
        "limit_hardware": _hardware(material),
        "limit_power": _power(material),
        "limit_seeds": _seeds(material),
        "limit_size": _size(material),
    }
    return {name: said for name, said in found.items() if said}


def _test(material: Material) -> pd.DataFrame:
    return material.labels[material.labels["split"].isin(TEST)]


def _synthetic(material: Material) -> str:
    if not material.synthetic:
        return ""
    return "The cohort is synthetic, so that the results demonstrate the software and nothing else."


def _verified(material: Material) -> str:
    kinds = _test(material)["verification"].value_counts()
    if material.verified_by == "simulated":
        return "Labels were verified by a simulated reader, so that no number rests on human judgement."
    n = int(kinds.get("none", 0))
    if not n:
        return ""
    return f"{plural(n, 'test label')} of {int(kinds.sum()):,} {'was' if n == 1 else 'were'} not verified."


def _sites(material: Material) -> str:
    n = sum(own.test_only and name in material.test_sites for name, own in material.cohort.sites.items())
    if n == 0:
        return "There was no external test set, so that nothing is known about other hospitals."
    if n == 1:
        return "External testing was limited to one site."
    return ""


def _positives(material: Material) -> str:
    """Findings that could not be evaluated, and those evaluated on few positives, per site."""
    own = material.metrics[(material.metrics["reading"] == "primary") & (material.metrics["finding"] != MACRO)]
    own = own[own["policy"] == material.policies[0]]
    told = []
    for site in material.test_sites:
        at_site = own[own["site"] == site]
        areas = at_site[at_site["metric"] == "auc"]
        n_out = int((at_site["metric"] == "left_out").sum())
        n_few = int((areas["n_positive"] < FEW).sum())
        parts = [f"{plural(n_out, 'finding')} could not be evaluated for want of positives"] if n_out else []
        parts += [f"{n_few:,} of {plural(len(areas), 'evaluated finding')} had fewer than {FEW}"] if n_few else []
        if parts:
            told.append(f"at the site {site}, {listed(parts)}")
    return f"Positives were few: {'; '.join(told)}." if told else ""


def _doubt(material: Material) -> str:
    train = material.labels[material.labels["split"] == "train"]
    share = (train["value"] == "uncertain").mean() if len(train) else 1.0
    if share >= RARE or len(material.policies) < 2:
        return ""
    return (
        f"Only {100 * share:.1f}% of the training labels were uncertain, so that the training sets of the policies "
        "hardly differed."
    )


def _left_out(material: Material) -> str:
    n = int((_test(material)["reference"] == "uncertain").sum())
    if not n:
        return ""
    verb = "is" if n == 1 else "are"
    return f"{plural(n, 'uncertain test label')} without follow-up {verb} not in the primary analysis."


def _hardware(material: Material) -> str:
    cases = material.cases[material.cases["split"].isin(TEST)]
    n = int((cases["hardware"] == "true").sum())
    if not n:
        return ""
    share = f"{100 * n / len(cases):.1f}%"
    return (
        f"Reports of {share} of the test studies name hardware or a cast, which can give a fracture away on the "
        "radiograph; results without these studies are given."
    )


def _power(material: Material) -> str:
    """Where the cases could not have shown a difference as small as the margin."""
    own = material.metrics
    own = own[(own["finding"] == MACRO) & (own["metric"] == "auc_difference_detectable")]
    own = own[own["policy"].str.startswith(f"{material.policies[0]} - ") & (own["value"] > material.evaluation.margin)]
    if own.empty:
        return ""
    worst = own.loc[own["value"].idxmax()]
    sites = listed(list(dict.fromkeys(own["site"])))
    return (
        f"The cases at {sites} could not have shown a difference between policies as small as the margin of "
        f"{material.evaluation.margin:g}: the smallest detectable difference was up to {worst['value']:.3f}."
    )


def _seeds(material: Material) -> str:
    if not material.seeds or any(len(seeds) > 1 for seeds in material.seeds.values()):
        return ""
    return "Each policy was trained once, so that the variation between trainings is not known."


def _size(material: Material) -> str:
    sizes = {card["recipe"]["image_size_px"] for card in material.cards.values()}
    if not sizes or max(sizes) >= SMALL_PX:
        return ""
    return (
        f"Radiographs were reduced to {max(sizes)} × {max(sizes)} pixels, at which small findings may not be visible."
    )
