"""Predictions beside what is there: one matrix per site and policy, and the findings that can be evaluated;
used by 04_evaluation.

The reference is `LABELS.reference`: what is there, not what the report says. It is read three ways (see
`READINGS`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from labkit.errors import TableError
from labkit.seeds import mean_logit
from labkit.templates import LabelValue

__all__ = ["MACRO", "POOLED", "READINGS", "Cases", "label_set", "select", "with_scores"]

MACRO = "Macro average"
POOLED = "All findings"  # labels of all findings together
TEST_SPLITS = ("test", "external")
CODES = {LabelValue.FALSE: 0.0, LabelValue.UNCERTAIN: 0.5, LabelValue.TRUE: 1.0}
# What a reference that stayed uncertain counts as; NaN = left out, the primary analysis.
READINGS = {"primary": np.nan, "uncertain_true": 1.0, "uncertain_false": 0.0}


@dataclass(frozen=True)
class Cases:
    """Studies of one split and site with their scores under one policy, in the order of `study_ids` and
    `findings`.

    reference : (studies, findings) of 0, 0.5 = uncertain, 1: what is there; reported, extracted : the same of what the
        report says and of what the extractor read; score : (studies, findings), NaN = no prediction.
    """

    study_ids: np.ndarray
    patients: np.ndarray
    findings: tuple[str, ...]
    reference: np.ndarray
    reported: np.ndarray
    extracted: np.ndarray
    score: np.ndarray

    def read(self, reading="primary"):
        """Reference as (studies, findings) of 0, 1 and NaN = left out."""
        return np.where(self.reference == 0.5, READINGS[reading], self.reference)

    def matrices(self, findings, reading="primary"):
        """Reference (0, 1, NaN = left out) and score of some findings, (studies, findings) each."""
        positions = [self.findings.index(finding) for finding in findings]
        return self.read(reading)[:, positions], self.score[:, positions]

    def column(self, finding, reading="primary"):
        """Reference (0, 1), score and patients of the studies that count for one finding."""
        position = self.findings.index(finding)
        reference = self.read(reading)[:, position]
        used = ~np.isnan(reference)
        return reference[used], self.score[used, position], self.patients[used]


def select(predictions, labels, *, split, policy, site=None):
    """Cases of one split (all its sites, or one) with the scores of one policy, the mean logit over seeds.

    Raises
    ------
    TableError : a prediction has no label, or a study is scored for some findings and not for others.
    """
    chosen = predictions[(predictions["split"] == split) & (predictions["policy"] == policy)]
    if site is not None:
        chosen = chosen[chosen["site"] == site]
    score = _over_seeds(chosen).unstack("finding")
    if score.isna().any(axis=None):
        study = score.index[score.isna().any(axis=1)][0]
        raise TableError(
            f"predictions, study {study}: policy '{policy}' has scores for some findings only; predict all of them."
        )
    known = labels[labels["study_id"].isin(score.index) & labels["finding"].isin(score.columns)]
    indexed = known.set_index(["study_id", "finding"])[["reference", "value", "extracted"]]
    coded = {
        column: indexed[column].map(CODES).unstack("finding").reindex(index=score.index, columns=score.columns)
        for column in indexed
    }
    reference = coded["reference"]
    if reference.isna().any(axis=None):
        study = reference.index[reference.isna().any(axis=1)][0]
        raise TableError(f"labels, study {study}: it has predictions and no reference; label it or leave it out.")
    patients = known.drop_duplicates("study_id").set_index("study_id")["patient"].reindex(score.index)
    return Cases(
        study_ids=score.index.to_numpy(),
        patients=patients.to_numpy(),
        findings=tuple(score.columns),
        reference=reference.to_numpy(float),
        reported=coded["value"].to_numpy(float),
        extracted=coded["extracted"].to_numpy(float),
        score=score.to_numpy(float),
    )


def _over_seeds(chosen):
    """Score per (study_id, finding), sorted: of one seed its own, of several the mean logit."""
    key = ["study_id", "finding"]
    score = mean_logit(chosen, key) if chosen.duplicated(key).any() else chosen.set_index(key)["score"]
    return score.sort_index()


def with_scores(labels, predictions, *, validation_scored=True):
    """LABELS of the predicted findings: all training studies, validation and test studies with predictions.

    validation_scored : False where no threshold is needed; if no validation study has predictions, all of them stay
        then, since the label set asks for their positives and not for their scores.
    """
    is_scored = validation_scored or (predictions["split"] == "validation").any()
    unscored = ("train",) if is_scored else ("train", "validation")
    scored = labels["split"].isin(unscored) | labels["study_id"].isin(predictions["study_id"])
    return labels[scored & labels["finding"].isin(predictions["finding"])]


def label_set(labels, *, settings):
    """Which findings are evaluated at each site, by the reference alone: the same for every policy and
    reading.

    Returns
    -------
    DataFrame, one row per test site and finding: site, split, finding, n, n_positive, n_left_out (reference
    uncertain), evaluated (bool), reason ("" where evaluated).
    """
    counts = labels.groupby(["split", "site", "finding", "reference"], sort=True).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(CODES), fill_value=0)
    positives = counts[LabelValue.TRUE].groupby(["split", "finding"]).sum()
    rows = []
    for (split, site, finding), found in counts[counts.index.isin(TEST_SPLITS, level="split")].iterrows():
        tuning = {name: int(positives.get((name, finding), 0)) for name in ("train", "validation")}
        reason = "not in the declared label set"
        if not settings.findings or finding in settings.findings:
            reason = _reason(int(found[LabelValue.TRUE]), int(found[LabelValue.FALSE]), tuning, settings)
        rows.append(
            {
                "site": site,
                "split": split,
                "finding": finding,
                "n": int(found[LabelValue.TRUE] + found[LabelValue.FALSE]),
                "n_positive": int(found[LabelValue.TRUE]),
                "n_left_out": int(found[LabelValue.UNCERTAIN]),
                "evaluated": not reason,
                "reason": reason,
            }
        )
    columns = ["site", "split", "finding", "n", "n_positive", "n_left_out", "evaluated", "reason"]
    found = pd.DataFrame(rows, columns=columns)
    # test before external: the internal site comes first in every table
    return found.sort_values(["split", "site", "finding"], ascending=[False, True, True], ignore_index=True)


def _reason(n_positive, n_negative, tuning, settings):
    if n_positive < settings.min_positives:
        return f"{n_positive} positive test studies, {settings.min_positives} needed"
    if n_negative < 2:
        return f"{n_negative} negative test studies, 2 needed"
    for split, n in tuning.items():
        if n < settings.min_tuning_positives:
            return f"{n} positive {split} studies, {settings.min_tuning_positives} needed"
    return ""
