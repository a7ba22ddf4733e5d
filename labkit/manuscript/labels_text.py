"""Sentences on labels: how they were extracted and verified, and what the reference is; used by 05_figures."""

import pandas as pd

from labkit.manuscript.material import TEST, Material
from labkit.manuscript.numbers import estimate, listed, percent, plural

__all__ = ["sentences"]

ALL_FINDINGS, ALL_SITES = "All findings", "all"
LANGUAGES = {"de": "German", "en": "English", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch"}
CHOICES = {
    "unlikely_is_uncertain": ("“unlikely” was read as uncertain", "“unlikely” was read as false"),
    "consistent_with_is_uncertain": (
        "“consistent with” was read as uncertain",
        "“consistent with” was read as true",
    ),
    "effusion_is_fat_pad_sign": (
        "a joint effusion of the elbow counted as fat pad sign",
        "a joint effusion did not count as fat pad sign",
    ),
    "consolidated_is_false": (
        "a consolidated fracture counted as absent",
        "a consolidated fracture counted as present",
    ),
}


def sentences(material: Material) -> dict[str, str]:
    """Sentences on extraction, verification and reference."""
    source = next(iter(material.record), "")
    own = material.record.get(source, {})
    return {
        "findings": f"The label template held {plural(len(material.template.findings), 'finding')} of the "
        f"{material.anatomy} in a hierarchy of wholes and parts.",
        "values": "Each finding was labelled true (stated without a hedge), uncertain (stated with a hedge), or false "
        "(stated as absent or not mentioned).",
        "extractor": _rules(own) if source == "rules" else _model(own),
        "llm_access": _access(own) if source not in ("", "rules") else "",
        "llm_prompt": _prompt(own) if source not in ("", "rules") else "",
        "llm_random": _random(own) if source not in ("", "rules") else "",
        "deidentified": " ".join(_deidentified(name, of) for name, of in material.record.items()).strip(),
        "choices": _choices(own, source, material.anatomy),
        "hierarchy": _hierarchy(own),
        "statuses": _statuses(material, source),
        "second": _second(material),
        "verification": _verification(material),
        "agreement": _agreement(material),
        "reference": _reference(material),
        "label_counts": _label_counts(material),
        "label_accuracy": _accuracy(material),
        "not_mentioned": "Findings that a report does not mention counted as absent.",
    }


def _rules(record: dict) -> str:
    names = listed([LANGUAGES.get(language, language) for language in record["languages"]])
    return (
        f"Labels were extracted by rules: the terms of the template and the words by which reports in {names} negate "
        f"and hedge (labkit {record['version']}). No language model was used."
    )


def _model(record: dict) -> str:
    if not record:
        return ""
    snapshots = record["answers_used"]["snapshots"]
    version = f"; version returned by the endpoint: {listed(list(snapshots))}" if snapshots else ""
    return (
        f"Labels were extracted by the large language model {record['model']} (name as asked for{version}), which read "
        f"each report in a call of its own. Every answer was checked against a schema of all findings and values."
    )


def _access(record: dict) -> str:
    used = record["answers_used"]
    dates = sorted({str(used[name] or "")[:10] for name in ("first_asked_at", "last_asked_at")} - {""})
    when = f" from {dates[0]} to {dates[-1]}" if len(dates) > 1 else f" on {dates[0]}" if dates else ""
    return (
        f"The model was reached through an application programming interface ({record['endpoint']}){when}; neither web "
        "search nor retrieval nor tools were asked for."
    )


def _prompt(record: dict) -> str:
    return (
        f"The prompt (“{record['prompt']}”, SHA-256 {record['prompt_sha256'][:16]}) is given in full in the "
        "supplement; this software adapted no weights."
    )


def _random(record: dict) -> str:
    told = [f"{name.replace('_', ' ')} {what}" for name, what in record["sampling"].items() if name != "logprobs"]
    n = record["settings"]["samples"]
    votes = "one answer per report" if n == 1 else f"{n} answers per report, of which the most frequent value counted"
    return f"Sampling was set as follows: {listed(told)}; {votes}."


def _deidentified(source: str, record: dict) -> str:
    if source == "rules":
        return "The rules ran on the local computer; no text left it for them."
    if not record:
        return ""
    for_whom = f"For {record['model']}, reports were {record['texts']}"
    return for_whom + (" by rules and lists of names, places, dates, and numbers." if record["deidentified"] else ".")


def _choices(record: dict, source: str, anatomy: str) -> str:
    switches = record.get("switches") or record.get("settings", {}).get("switches", {})
    told = [words[not switches[name]] for name, words in CHOICES.items() if name in switches]
    if anatomy != "elbow":
        told = [words for words in told if "fat pad" not in words]
    return f"Clinical choices were set in the parameters: {listed(told)}." if told else ""


def _hierarchy(record: dict) -> str:
    if "raised" not in record:
        return ""
    n = record["raised"]
    return (
        "A parent finding was at least as certain as its parts (false < uncertain < true); "
        f"{plural(n, 'label was', 'labels were')} raised by this rule."
    )


def _statuses(material: Material, source: str) -> str:
    answers = material.answers[material.answers["source"] == source]
    if answers.empty:
        return ""
    good = int((answers["status"] == "ok").sum())
    others = answers.loc[answers["status"] != "ok", "status"].value_counts()
    told = f" The others were not used: {listed([f'{status} ({n:,})' for status, n in others.items()])}."
    if good == len(answers):
        return f"All {len(answers):,} reports got labels."
    return f"Of {plural(len(answers), 'report')}, {good:,} got labels.{told}"


def _second(material: Material) -> str:
    others = list(material.record)[1:]
    if not others:
        return ""
    name = "rules" if others[0] == "rules" else f"the model {material.record[others[0]].get('model', '')}"
    return f"The same reports were read by a second extractor ({name}) for comparison; its labels were not used."


def _test(material: Material) -> pd.DataFrame:
    return material.labels[material.labels["split"].isin(TEST)]


def _verification(material: Material) -> str:
    test = _test(material)
    done = int((test["verification"] != "none").sum())
    if not done:
        return "No test label was verified: test labels are as extracted."
    share = f"{done:,} of {len(test):,} test labels ({100 * done / len(test):.1f}%)"
    if material.verified_by == "simulated":
        return (
            f"SIMULATED READER: {share} were verified by a simulated reader that stands in for a radiologist; no "
            "person has read them."
        )
    rest = "" if done == len(test) else " The other test labels are as extracted."
    return f"Readers verified {share} against the report text.{rest}"


def _agreement(material: Material) -> str:
    own = material.label_metrics
    own = own[(own["reading"] == "readers") & (own["finding"] == ALL_FINDINGS)].set_index("metric")
    own = own[own["value"].notna()]  # coefficients of too few labels are not given
    if own.empty:
        return ""
    names = {"readers_agree": "agreement", "fleiss_kappa": "Fleiss’ kappa", "gwet_ac1": "Gwet’s AC1"}
    told = [
        f"{name} {estimate(own.loc[metric, 'value'], own.loc[metric, 'low'], own.loc[metric, 'high'])}"
        for metric, name in names.items()
        if metric in own.index
    ]
    if not told:
        return ""
    n, cited = int(own["n"].iloc[0]), " [@gwet2008]" if "gwet_ac1" in own.index else ""
    level = f"{100 * own['level'].iloc[0]:g}% confidence intervals in brackets"
    return f"Two or more readers read {plural(n, 'label')}: {listed(told)} ({level}){cited}."


def _reference(material: Material) -> str:
    test = _test(material)
    uncertain = test[test["value"] == "uncertain"]
    open_ = int((uncertain["reference"] == "uncertain").sum())
    solved = len(uncertain) - open_
    n_done = int((test["verification"] != "none").sum())
    what = "the verified value" if n_done == len(test) else "the verified or else the extracted value"
    what = what if n_done else "the extracted, unverified value"
    first = f"The reference standard of the image models was {what} of each test label."
    if uncertain.empty:
        return f"{first} Reports left no test label uncertain."
    shown = f" A follow-up settled {solved:,} of these." if solved else ""
    one = open_ == 1
    rest = (
        f" The {'one label' if one else f'{open_:,} labels'} that stayed uncertain {'was' if one else 'were'} left out "
        f"of the primary analysis; reading {'it' if one else 'them'} as true and as false were sensitivity analyses."
    )
    return f"{first} Reports left {plural(len(uncertain), 'test label')} uncertain.{shown}{rest if open_ else ''}"


def _label_counts(material: Material) -> str:
    train = material.labels[material.labels["split"] == "train"]
    if train.empty:
        return ""
    counts = train["value"].value_counts()
    true, uncertain = (int(counts.get(value, 0)) for value in ("true", "uncertain"))
    shares = [f"{n:,} ({100 * n / len(train):.1f}%)" for n in (true, uncertain)]
    return f"Of {plural(len(train), 'training label')}, {shares[0]} were true and {shares[1]} uncertain."


def _accuracy(material: Material) -> str:
    own = material.label_metrics
    own = own[(own["reading"] == "report") & (own["finding"] == ALL_FINDINGS) & (own["site"] == ALL_SITES)]
    own = own.set_index("metric")
    if own.empty:
        return ""
    share, baseline, f1 = (own.loc[metric] for metric in ("label_accuracy", "all_false_accuracy", "f1_uncertain"))
    level = f"{100 * share['level']:g}% CI"
    limits = percent(share["value"], share["low"], share["high"]).replace(" [", f"% [{level}: ")
    return (
        f"Label accuracy was {limits} ({int(share['n_positive']):,} of {int(share['n']):,} labels; Table 2); an answer "
        f"of false everywhere would have reached {percent(baseline['value'])}%. The F1 score of uncertain labels was "
        f"{estimate(f1['value'], f1['low'], f1['high'])}."
    )
