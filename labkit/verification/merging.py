"""From extraction and readings to the labels that count, and the split of patients that is drawn once.

FINDINGS, REVIEWS, STUDIES and SPLITS go in, LABELS come out: `value` is what the report says, `reference` what is
there.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from labkit import delimited, splits, tables
from labkit.params import SplitSection
from labkit.verification.adjudication import settled
from labkit.verification.reviews import SIMULATED

__all__ = ["draw_splits", "merge", "take_splits"]

LABEL = ["study_id", "finding"]


def draw_splits(
    findings: pd.DataFrame, studies: pd.DataFrame, *, section: SplitSection, test_only: Iterable[str], path: Path
) -> tuple[pd.DataFrame, str]:
    """SPLITS of the patients whose studies have labels, and a sentence on how they came about.

    Patients of an earlier draw with the same settings keep their split; new patients are drawn among themselves. Other
    settings (shares, folds, seed) redraw all of them, and the sentence says so; another fold turns the folds that were
    drawn.
    """
    labels = findings.merge(studies[["study_id", "patient", "site"]], on="study_id")
    shares = {name: getattr(section, name) for name in ("train", "validation", "test")}
    settings = {"fractions": shares, "seed": section.seed, "test_only": sorted(test_only)}
    drawn_path = path
    if section.folds:
        settings = {"folds": section.folds, "seed": section.seed, "test_only": sorted(test_only)}
        drawn_path = path.with_name("folds.csv")
    beside = drawn_path.with_suffix(".settings.json")
    earlier, note = pd.DataFrame(columns=["patient", "split"]), "drawn for the first time"
    if drawn_path.exists() and beside.exists():
        if json.loads(beside.read_text(encoding="utf-8")) == settings:
            earlier, note = delimited.read_csv(drawn_path).table, "kept from the first draw"
        else:
            note = "drawn anew, since the shares, the folds, the seed or the test sites in the params have changed"
    new = labels[~labels.patient.isin(earlier.patient)]
    if len(new):
        if len(earlier):
            note = f"kept from the first draw; {new.patient.nunique()} new patients were drawn among themselves"
        options = {"seed": section.seed, "external_sites": tuple(sorted(test_only))}
        if section.folds:
            drawn = splits.folds(new, section.folds, **options)
        else:
            drawn = splits.assign(new, fractions=shares, **options)
        earlier = pd.concat([earlier, drawn], ignore_index=True).sort_values("patient", ignore_index=True)
    tables.write_csv(earlier, drawn_path)
    tables.atomic_write(beside, json.dumps(settings, sort_keys=True).encode())
    if section.folds:
        note = f"fold {section.fold} of {section.folds} is the test set; {note}"
        earlier = splits.of_fold(earlier, section.fold)
        _keep(earlier, path, settings | {"fold": section.fold})
    return earlier[earlier.patient.isin(labels.patient)].reset_index(drop=True), note


def take_splits(
    findings: pd.DataFrame,
    studies: pd.DataFrame,
    *,
    file: Path,
    keys: pd.DataFrame,
    test_only: Iterable[str],
    path: Path,
) -> tuple[pd.DataFrame, str]:
    """SPLITS of a published file, and a sentence on how it fits; patients of test-only sites are external.

    Raises
    ------
    TableError : the file does not fit (see `splits.published`), or a patient of the training site is not in it.
    """
    labels = findings.merge(studies[["study_id", "patient", "site"]], on="study_id")
    table, note = splits.published(file, keys)
    outside = sorted(set(labels.patient[labels.site.isin(list(test_only))]))
    external = pd.DataFrame({"patient": outside, "split": "external"})
    table = pd.concat([table[~table.patient.isin(outside)], external], ignore_index=True)
    splits.attach(labels, table)
    table = table[table.patient.isin(labels.patient)].sort_values("patient", ignore_index=True)
    _keep(table, path, {"file": file.name})
    return table, note


def _keep(table: pd.DataFrame, path: Path, settings: dict) -> None:
    """Write SPLITS with what they come from beside, so that no later draw takes them for its own."""
    tables.write(table, path, tables.SPLITS)
    tables.atomic_write(path.with_suffix(".settings.json"), json.dumps(settings, sort_keys=True).encode())


def merge(
    findings: pd.DataFrame, reviews: pd.DataFrame, studies: pd.DataFrame, split_table: pd.DataFrame
) -> pd.DataFrame:
    """LABELS, one row per study and finding.

    Parameters
    ----------
    findings : FINDINGS of the one source whose labels are used.
    reviews : REVIEWS of all readers; rows for another text than the study's are passed over, and a label on which
        readers differ counts as not verified until it is adjudicated. A human reading goes before a simulated one.

    Returns
    -------
    LABELS: `value` is the verified value where there is one, else the extracted. `reference` is the value, with an
    uncertain one replaced by its follow-up; uncertain without follow-up stays uncertain.
    """
    labels = findings[[*LABEL, "value"]].rename(columns={"value": "extracted"})
    labels = labels.merge(studies[["study_id", "patient", "site", "text_sha256"]], on="study_id")
    labels = labels.merge(split_table, on="patient")
    last = _agreed(reviews, labels)
    report, follow_up = (last[last.resolution == kind].set_index(LABEL) for kind in ("report", "follow_up"))
    index = pd.MultiIndex.from_frame(labels[LABEL])
    verified = report["value"].reindex(index).to_numpy()
    labels["value"] = pd.Series(verified, index=labels.index).fillna(labels["extracted"])
    resolved = pd.Series(follow_up["value"].reindex(index).to_numpy(), index=labels.index)
    labels["reference"] = labels["value"].where((labels["value"] != "uncertain") | resolved.isna(), resolved)
    by_whom = report["reader"].map(lambda reader: "simulated" if reader == SIMULATED else "human")
    labels["verification"] = pd.Series(by_whom.reindex(index).to_numpy(), index=labels.index).fillna("none")
    return tables.check(labels.drop(columns="text_sha256"), tables.LABELS)


def _agreed(reviews: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """One row per study, finding and resolution, of readings of the right text that are agreed or adjudicated."""
    right_text = labels[["study_id", "text_sha256"]].drop_duplicates()
    reviews = reviews.merge(right_text, on=["study_id", "text_sha256"])
    human = reviews[reviews.reader != SIMULATED]
    simulated = reviews[reviews.reader == SIMULATED]
    seen = pd.MultiIndex.from_frame(human[LABEL])
    reviews = pd.concat([human, simulated[~pd.MultiIndex.from_frame(simulated[LABEL]).isin(seen)]])
    return settled(reviews)
