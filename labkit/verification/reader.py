"""A simulated reader: what a radiologist with a known error rate would have made of a synthetic cohort.

It reads the cohort's own truth; whatever rests on it is marked SIMULATED. Decisions carry no time, so that a rerun
gives the same file.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import tables
from labkit.delimited import read_csv
from labkit.errors import TableError
from labkit.params import SimulatedReader
from labkit.verification.reviews import SIMULATED

__all__ = ["simulate"]

VALUES = np.array(["true", "false", "uncertain"])


def simulate(
    findings: pd.DataFrame,
    keys: pd.DataFrame,
    studies: pd.DataFrame,
    *,
    truth_path: str | Path,
    settings: SimulatedReader,
) -> pd.DataFrame:
    """Review every label of the given studies.

    Parameters
    ----------
    findings : FINDINGS of one source, of the studies to review.
    keys, studies : KEYS and STUDIES, to find a study in the truth and its text's hash.
    truth_path : CSV with site, accession_number, finding, truth (true, false) and report_value, from
        `labkit.synthetic`.
    settings : error_share of the labels gets one of the other two values; follow_up_share of the labels that the reader
        leaves uncertain is resolved by the truth. Drawn per study and finding from the seed, whatever the order.

    Returns
    -------
    REVIEWS table.

    Raises
    ------
    TableError : a study is not in the truth.
    """
    truth = read_csv(truth_path).table.set_index(["site", "accession_number", "finding"])
    wanted = findings[["study_id", "finding"]].merge(keys[["study_id", "site", "accession_number"]], on="study_id")
    wanted = wanted.merge(studies[["study_id", "text_sha256"]], on="study_id")
    index = pd.MultiIndex.from_frame(wanted[["site", "accession_number", "finding"]])
    if not index.isin(truth.index).all():
        raise TableError(
            f"{Path(truth_path).name}: {int((~index.isin(truth.index)).sum())} labels have no truth; "
            "verification.simulated_reader serves synthetic cohorts only, set it to null for real data."
        )
    known = truth.loc[index]
    draws = np.array([_draws(settings.seed, s, f) for s, f in zip(wanted.study_id, wanted.finding)])
    right = known["report_value"].to_numpy(dtype=str)
    others = np.array([[v for v in VALUES if v != value] for value in right])
    wrong = others[np.arange(len(right)), (draws[:, 1] >= 0.5).astype(int)]
    wanted["value"] = np.where(draws[:, 0] < settings.error_share, wrong, right)
    wanted["truth"] = known["truth"].to_numpy(dtype=str)
    followed = wanted[(wanted.value == "uncertain") & (draws[:, 2] < settings.follow_up_share)]
    report = _rows(wanted, wanted["value"], findings, "report")
    follow_up = _rows(followed, followed["truth"], None, "follow_up")
    return tables.check(pd.concat([report, follow_up], ignore_index=True), tables.REVIEWS)


def _draws(seed: int, study_id: str, finding: str) -> tuple[float, float, float]:
    digest = hashlib.sha256(f"{seed}\x00{study_id}\x00{finding}".encode()).digest()
    return tuple(int.from_bytes(digest[8 * i : 8 * i + 7], "big") / 2**56 for i in range(3))


def _rows(labels: pd.DataFrame, values: pd.Series, extracted: pd.DataFrame | None, resolution: str) -> pd.DataFrame:
    previous = pd.Series("uncertain", index=labels.index)
    if extracted is not None:
        before = extracted.set_index(["study_id", "finding"])["value"]
        previous = before.loc[pd.MultiIndex.from_frame(labels[["study_id", "finding"]])].to_numpy()
    return pd.DataFrame(
        {
            "study_id": labels.study_id,
            "finding": labels.finding,
            "reader": SIMULATED,
            "sequence": 1 if resolution == "report" else 2,
            "value": values,
            "previous": previous,
            "reviewed_at": "",
            "seconds": float("nan"),
            "resolution": resolution,
            "comment": "",
            "text_sha256": labels.text_sha256,
        }
    )
