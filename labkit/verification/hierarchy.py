"""Wholes that rank below their parts: which labels contradict the template's hierarchy; used by 02_verification."""

import numpy as np
import pandas as pd

from labkit.templates import Template
from labkit.verification.accuracy import verified

__all__ = ["contradictions", "violations"]

RANK = {"false": 0, "uncertain": 1, "true": 2}


def contradictions(labels: pd.DataFrame, template: Template, *, column: str) -> pd.DataFrame:
    """Pairs of labels of one study of which the whole ranks below its part.

    labels : columns study_id, finding and `column`, one row per study and finding; pairs that a study lacks are passed
        over. Gives columns study_id, whole, part, whole_value, part_value.
    """
    rank = labels.assign(rank=labels[column].map(RANK)).pivot(index="study_id", columns="finding", values="rank")
    words = np.array(list(RANK))
    parts = []
    for part in template.findings:
        for whole in (template.by_id[parent].name for parent in part.parents):
            if whole not in rank or part.name not in rank:
                continue
            below = rank[rank[whole] < rank[part.name]]
            values = {
                f"{name}_value": words[below[key].astype(int)] for name, key in (("whole", whole), ("part", part.name))
            }
            parts.append(pd.DataFrame({"study_id": below.index, "whole": whole, "part": part.name, **values}))
    columns = ["study_id", "whole", "part", "whole_value", "part_value"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def violations(labels: pd.DataFrame, template: Template) -> pd.DataFrame:
    """How many studies contradict the hierarchy, per whole and part: as extracted, and as verified.

    labels : LABELS; verified values are those of studies with a verified label. Pairs without any are left out; the
        table is empty where nothing contradicts. Columns whole, part, extracted, verified.
    """
    checked = labels[labels["study_id"].isin(verified(labels)["study_id"])]
    found = {
        "extracted": contradictions(labels, template, column="extracted"),
        "verified": contradictions(checked, template, column="value"),
    }
    counts = [own.groupby(["whole", "part"], sort=False).size().rename(name) for name, own in found.items()]
    return pd.concat(counts, axis=1).fillna(0).astype(int).reset_index()
