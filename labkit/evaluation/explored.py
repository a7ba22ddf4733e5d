"""What the explorer of 04_evaluation shows: every threshold of every finding, packed small enough for a page.

Scores are kept by their order: two bytes each, such that equal scores stay equal, different ones different, and counts
at any threshold are exact; the score shown is right to about four digits. Without cases only counts are kept, at
thresholds with at least `min_cell` studies between two.
"""

import base64
from dataclasses import dataclass

import numpy as np

from labkit.evaluation import cases, metrics, thresholds

__all__ = ["Column", "Group", "groups", "pack"]

EDGE = 1e-9  # a score of 0 or 1 has no logit
LEVELS = 65536
MAX_CUTS = 64
MAX_CASE_BYTES = 1_500_000
HEADER = b"\xfflabkit\0"  # so that what looks into files does not take it for a text
LEFT_OUT, DOUBTED = 2, 4  # beside 0 and 1: reference uncertain; and, added to these, the report was uncertain


@dataclass(frozen=True)
class Column:
    """One finding under one policy: score (studies,), reference (studies,) of 0, 1 and NaN = left out, threshold of
    the declared operating point (NaN = none), doubted (studies,) bool: the report was uncertain.

    cuts : distinct scores of the studies that count, rising. hits, alarms : true and false positives at score >= each,
    and at last above all. at : position of the declared threshold among them, None without one.
    """

    finding: str
    score: np.ndarray
    reference: np.ndarray
    doubted: np.ndarray
    threshold: float

    @property
    def counts(self):
        """cuts (k,), hits (k + 1,), alarms (k + 1,)."""
        used = ~np.isnan(self.reference)
        cuts, codes = np.unique(self.score[used], return_inverse=True)
        totals = []
        for value in (1, 0):
            at_cut = np.bincount(codes[self.reference[used] == value], minlength=len(cuts))
            totals.append(np.append(np.cumsum(at_cut[::-1])[::-1], 0))
        return cuts, *totals

    def at(self, cuts):
        return None if np.isnan(self.threshold) else int(np.searchsorted(cuts, self.threshold, side="left"))

    @property
    def n_positive(self):
        return int((self.reference == 1).sum())

    @property
    def n_negative(self):
        return int((self.reference == 0).sum())


@dataclass(frozen=True)
class Group:
    """Studies of one site and split under one policy, in the order of study_ids; columns by finding."""

    site: str
    split: str
    policy: str
    study_ids: tuple[str, ...]
    columns: tuple[Column, ...]


def groups(predictions, labels, *, settings):
    """Groups of each test site and of validation under every policy: the findings that a test site evaluates.

    predictions, labels, settings : as `evaluate`. A finding without both classes in a group is left out there.
    """
    listed = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    listed = listed[listed["evaluated"]]
    places = list(listed[["split", "site"]].drop_duplicates().itertuples(index=False, name=None))
    made = []
    for policy in metrics.in_order(predictions["policy"].unique()):
        tuning = cases.select(predictions, labels, split="validation", policy=policy)
        for split, site in places:
            findings = listed.loc[(listed["split"] == split) & (listed["site"] == site), "finding"]
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            made.append(_group(found, tuning, findings, (site, split, policy), settings))
        home = labels.loc[labels["study_id"].isin(tuning.study_ids), "site"].unique()
        place = (", ".join(sorted(home)), "validation", policy)
        made.append(_group(tuning, tuning, listed["finding"].unique(), place, settings))
    return [group for group in made if group.columns]


def _group(found, tuning, findings, place, settings):
    point, columns = settings.operating_point, []
    for finding in findings:
        position = found.findings.index(finding)
        reference = found.read()[:, position]
        if not len(found.study_ids) or np.unique(reference[~np.isnan(reference)]).size < 2:
            continue
        y, score, _ = tuning.column(finding)
        cut = thresholds.chosen_threshold(y, score, point=point, target=settings.target(point))
        doubted = found.reported[:, position] == 0.5
        columns.append(Column(finding, found.score[:, position], reference, doubted, cut))
    return Group(*place, tuple(map(str, found.study_ids)), tuple(columns))


def pack(found, *, show_cases, min_cell):
    """Groups as plain values and one base64 text; `cases` says whether studies are in it.

    Where studies are wanted and would take more than 1.5 MB, only counts are packed.
    """
    size = sum(2 * len(g.columns) * len(g.study_ids) for g in found)
    most = max((len(g.study_ids) for g in found), default=0)
    with_cases = show_cases and size <= MAX_CASE_BYTES and most < LEVELS
    body, rosters, described = [HEADER], {}, []
    for group in found:
        entry = {"site": group.site, "split": group.split, "policy": group.policy, "n": len(group.study_ids)}
        if with_cases:
            entry["roster"] = _roster(group, rosters, body)
        columns = []
        for column in group.columns:
            packed, facts = (_of_cases if with_cases else _of_counts)(column, min_cell)
            columns.append(facts | {"from": sum(map(len, body))})
            body.append(packed)
        described.append(entry | {"columns": columns})
    packed = b"".join(body)
    return {
        "cases": with_cases,
        "groups": described,
        "rosters": [entry for _, entry in rosters.values()],
        "bytes": len(packed),
        "packed": base64.b64encode(packed).decode("ascii"),
    }


def _roster(group, rosters, body):
    """Position of the group's studies and their references, which policies share; written once."""
    codes = np.stack(
        [np.where(np.isnan(c.reference), LEFT_OUT, c.reference) + DOUBTED * c.doubted for c in group.columns]
    ).astype(np.uint8)
    key = (group.study_ids, codes.tobytes())
    if key not in rosters:
        flat = np.append(codes.ravel(), np.zeros(codes.size % 2, np.uint8))
        packed = (flat[::2] | flat[1::2] << 4).astype(np.uint8).tobytes()
        entry = {"studies": list(group.study_ids), "from": sum(map(len, body))}
        rosters[key] = (len(rosters), entry)
        body.append(packed)
    return rosters[key][0]


def _of_cases(column, _):
    cuts, _, _ = column.counts
    low, high, as_logit = _scale(column.score)
    levels = _ordered(column.score, low, high, as_logit)
    called = levels[column.score >= column.threshold]  # also studies that are not counted
    facts = _facts(column, column.at(cuts), low, high, as_logit)
    return levels.astype("<u2").tobytes(), facts | {"level": int(called.min()) if len(called) else LEVELS}


def _of_counts(column, min_cell):
    """Counts at thresholds on both sides of the declared one, so far apart that no single study shows."""
    cuts, hits, alarms = column.counts
    called = hits + alarms
    start = column.at(cuts)
    kept = [len(cuts) // 2 if start is None else start]
    apart = max(min_cell, -(-int(called[0]) // MAX_CUTS), 1)
    for step in (1, -1):
        last = kept[0]
        for place in range(last + step, len(cuts) + 1 if step > 0 else -1, step):
            if abs(int(called[place]) - int(called[last])) >= apart:
                kept.append(place)
                last = place
    kept = np.array(sorted(kept))
    inner = kept[kept < len(cuts)]
    low, high, as_logit = _scale(cuts[inner]) if len(inner) else (0.0, 1.0, False)
    levels = np.zeros(len(kept), np.int64)
    levels[: len(inner)] = _ordered(cuts[inner], low, high, as_logit) if len(inner) else 0
    packed = b"".join(part.astype("<u4").tobytes() for part in (levels, hits[kept], alarms[kept]))
    at = None if start is None else int(np.flatnonzero(kept == start)[0])
    return packed, _facts(column, at, low, high, as_logit) | {
        "k": len(kept),
        "above": bool(kept[-1] == len(cuts)),
        "positives": column.n_positive,
        "negatives": column.n_negative,
    }


def _facts(column, at, low, high, as_logit):
    threshold = None if np.isnan(column.threshold) else float(column.threshold)
    return {"finding": column.finding, "threshold": threshold, "at": at, "low": low, "high": high, "logit": as_logit}


def _scale(score):
    """Limits of the levels, and whether they lie on the logit; probabilities are often all close to 0."""
    as_logit = bool(score.min() >= 0 and score.max() <= 1)
    low, high = (float(v) for v in _carried(np.array([score.min(), score.max()]), as_logit))
    return low, high, as_logit


def _carried(score, as_logit):
    if not as_logit:
        return score
    inside = np.clip(score, EDGE, 1 - EDGE)
    return np.log(inside / (1 - inside))


def _ordered(score, low, high, as_logit):
    """Level 0 to 65535 of each score; equal scores share one, higher scores have higher ones."""
    distinct, codes = np.unique(score, return_inverse=True)
    span = (high - low) or 1.0
    level = np.rint((_carried(distinct, as_logit) - low) / span * (LEVELS - 1)).astype(np.int64)
    place = np.arange(len(level))
    level = np.maximum.accumulate(level - place) + place  # pushed up where two would fall together
    room = LEVELS - 1 - (len(level) - 1 - place)
    return np.minimum(level, room)[codes]
