"""Which cases are read when not all are: a sample whose probabilities are kept, so that it tells about all of them.

Used by 02_verification. The unit is the case, since whoever reads a report reads all its labels. A stratified sample
holds more of the cases with rare labels than there are on average; `estimates` weighs them back.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import tables
from labkit.params import ReadingSample
from labkit.tables import Table

__all__ = ["NOTHING", "RARE", "SAMPLE", "draw", "keep_sample", "strata"]

# Drawn cases in reading order; a stratum's size and the cases drawn from it give the probability of each.
SAMPLE = Table(
    "SAMPLE",
    ("study_id",),
    ("stratum", "stratum_size", "stratum_drawn", "probability", "position"),
    numbers=("probability",),
    integers=("stratum_size", "stratum_drawn", "position"),
)
RARE = {True: "rare labels, some uncertain", False: "rare labels, all certain"}
NOTHING = "every label false"
ALL_CASES = "all cases"
SMALLEST = 5  # cases of a stratum of its own
LEAST = 2  # cases drawn from each: one has no variance


def strata(findings: pd.DataFrame, *, most: int) -> pd.Series:
    """Stratum of each case by its rarest extracted label that is not false, such as "Ossicles: true".

    Parameters
    ----------
    findings : FINDINGS of one source, of the cases to draw from.
    most : number of strata at most (three at least); the smallest ones, and those below 5 cases, are joined as "rare
        labels", cases with an uncertain label apart, since those are hardest to read.

    Returns
    -------
    Series of names by study_id.
    """
    told = findings[findings["value"] != "false"]
    name = told["finding"] + ": " + told["value"]
    counts = name.map(name.value_counts())
    told = told.assign(name=name, counts=counts).sort_values(["counts", "name", "study_id"], kind="stable")
    rarest = told.drop_duplicates("study_id").set_index("study_id")["name"]
    found = rarest.reindex(pd.Index(sorted(findings["study_id"].unique()), name="study_id")).fillna(NOTHING)
    sizes = found.value_counts().drop(NOTHING, errors="ignore").sort_index().sort_values(ascending=False, kind="stable")
    room = max(most - 3, 0)  # besides those with nothing and the rare ones
    own = [stratum for stratum, size in sizes.head(room).items() if size >= SMALLEST]
    unsure = found.index.isin(told.loc[told["value"] == "uncertain", "study_id"])
    return found.where(found.isin([*own, NOTHING]), pd.Series(unsure, index=found.index).map(RARE)).rename("stratum")


def draw(groups: pd.Series, cases: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cases without replacement from each stratum.

    Parameters
    ----------
    groups : stratum by study_id; one name throughout gives a simple random sample.
    cases : how many; all of them where there are no more. Each stratum gives two or more, further ones by the square
        root of its size (power allocation, Bankier 1988): between equal numbers and equal shares.

    Returns
    -------
    SAMPLE table, in a random order for reading, so that what was read of it at any time is a random sample as well.
    """
    sizes = groups.value_counts().sort_index()
    numbers = _allocated(sizes, min(cases, len(groups)))
    chosen = [rng.choice(np.sort(groups.index[groups == s]), n, replace=False) for s, n in numbers.items()]
    made = pd.DataFrame({"study_id": np.concatenate(chosen)}) if len(groups) else pd.DataFrame({"study_id": []})
    made["stratum"] = made["study_id"].map(groups)
    made["stratum_size"] = made["stratum"].map(sizes)
    made["stratum_drawn"] = made["stratum"].map(numbers)
    made["probability"] = made["stratum_drawn"] / made["stratum_size"]
    made["position"] = rng.permutation(len(made)) + 1
    return tables.check(made.sort_values("position"), SAMPLE)


def keep_sample(findings: pd.DataFrame, *, section: ReadingSample | None, path: str | Path) -> tuple[pd.DataFrame, str]:
    """The sample of a cohort, drawn once and kept, and a sentence on how it came about.

    Parameters
    ----------
    findings : FINDINGS of one source, of the cases to draw from.
    section : design, number of cases and seed; other ones draw anew, and the sentence says so. None: every case is to
        be read, the sample is empty, and an earlier one is left where it is.
    path : where it is kept, beside its settings. Later cases and changed labels leave it as it is: its probabilities
        are those of the draw. Cases that are no longer there are left out.
    """
    if section is None:
        return tables.check(pd.DataFrame(columns=list(SAMPLE.all_columns)), SAMPLE), "every case is to be read"
    path, beside = Path(path), Path(path).with_suffix(".settings.json")
    settings, note = section.model_dump(), "drawn for the first time"
    there = set(findings["study_id"])
    if path.exists() and beside.exists():
        if json.loads(beside.read_text(encoding="utf-8")) == settings:
            earlier = tables.read(path, SAMPLE)
            gone = ~earlier["study_id"].isin(there)
            note = "kept from the first draw" + (f"; {int(gone.sum())} of its cases are gone" if gone.any() else "")
            return earlier[~gone].reset_index(drop=True), note
        note = "drawn anew, since the design, the number of cases or the seed in the params has changed"
    if section.design == "stratified":
        groups = strata(findings, most=max(section.cases // (2 * LEAST), 1))
    else:
        groups = pd.Series(ALL_CASES, index=pd.Index(sorted(there), name="study_id"))
    made = draw(groups, section.cases, rng=np.random.default_rng(section.seed))
    tables.write(made, path, SAMPLE)
    tables.atomic_write(beside, json.dumps(settings, sort_keys=True).encode())
    return made, note


def _allocated(sizes: pd.Series, cases: int) -> pd.Series:
    """Cases per stratum: at least two where there are two, then one by one where the square root asks most."""
    least = sizes.clip(upper=LEAST)
    numbers = least.to_numpy().copy()
    wanted, room = np.sqrt(sizes.to_numpy(float)), sizes.to_numpy()
    for _ in range(max(cases - int(numbers.sum()), 0)):
        need = np.where(numbers < room, wanted / (numbers + 1), -1.0)
        numbers[int(np.argmax(need))] += 1
    return pd.Series(numbers, index=sizes.index)
