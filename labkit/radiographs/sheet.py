"""The contact sheet of a cohort: what each view of each site looks like, and what was left out and why.

Used by 03_training. Pictures come through `thumbnails`, so writing in them is masked; captions are pseudonyms.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import tables
from labkit.radiographs import isolation, montage
from labkit.radiographs.rules import IndexRules, Preparation
from labkit.radiographs.syntaxes import PURE
from labkit.radiographs.thumbnails import UNDECODED, Thumbnail, ThumbnailJob, thumbnail

__all__ = ["Sheet", "contact_sheet", "kind_of_reason"]

MAX_REASONS = 6


@dataclass(frozen=True)
class Sheet:
    """A PNG and the table behind it: site, view, usable, reason, n, shown, masked (pictures with lines masked),
    held_back, view_from (what gave the view, most frequent first)."""

    png: bytes
    table: pd.DataFrame
    caption: str

    def save(self, path: str | Path) -> list[Path]:
        """Write `path`.png and `path`.csv; returns both."""
        path = Path(path)
        return [
            tables.atomic_write(path.with_suffix(".png"), self.png),
            tables.write_csv(self.table, path.with_suffix(".csv")),
        ]

    def _repr_mimebundle_(self, **_) -> tuple[dict, dict]:
        data = {"image/png": b64encode(self.png).decode(), "text/plain": self.caption}
        return data, {"image/png": {"alt": self.caption}}


def contact_sheet(
    images: pd.DataFrame,
    *,
    folders: Mapping[str, str | Path],
    preparation: Preparation | None = None,
    rules: IndexRules | None = None,
    per_group: int = 7,
    workers: int = 1,
) -> Sheet:
    """Draw up to `per_group` images of each site and view, and of each of the most frequent reasons for leaving out.

    Parameters
    ----------
    images : IMAGES. folders : of each site's images.
    preparation : window, cropping, mirroring, and what to do with burnt-in text.
    rules : limits while decoding; workers : decoding processes.

    Returns
    -------
    Sheet; the same images give the same bytes.
    """
    preparation, rules = preparation or Preparation(), rules or IndexRules()
    groups = _groups(images)
    chosen = [_spread(group, per_group) for _, group in groups]
    made = _thumbnails(pd.concat([images.iloc[:0], *chosen]), folders, preparation, rules, workers)
    drawn, rows = [], []
    for (row, group), picked in zip(groups, chosen):
        thumbs = [next(made) for _ in range(len(picked))]
        seen = [thumb.picture is not None for thumb in thumbs]
        row = row | {"n": len(group), "shown": sum(seen), "held_back": len(seen) - sum(seen)}
        row |= {"masked": sum(s and t.lines > 0 for s, t in zip(seen, thumbs)), "view_from": _sources(group)}
        rows.append(row)
        drawn.append(_strip(row, thumbs, list(picked["image_id"])))
    columns = ["site", "view", "usable", "reason", "n", "shown", "masked", "held_back", "view_from"]
    table = pd.DataFrame(rows, columns=columns)
    n = int(table.loc[table["usable"] == "true", "n"].sum())
    caption = f"Contact sheet: {n:,} radiographs used, {int(table.n.sum()) - n:,} left out, examples of each group"
    return Sheet(montage.compose(drawn, per_row=per_group), table, caption)


def kind_of_reason(reason: str) -> str:
    """A reason without the ids and numbers of the one image, so that like reasons can be counted."""
    reason = re.sub(r"\b[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*-\d+\b", "…", reason)
    return re.sub(r"\d[\d,.]*", "n", reason).removesuffix(": …")


def _groups(images: pd.DataFrame) -> list[tuple[dict, pd.DataFrame]]:
    """Rows of the table and their images: used ones by site and view, then left-out ones by reason, frequent first."""
    used = images[images["usable"] == "true"]
    groups = [
        ({"site": site, "view": view, "usable": "true", "reason": ""}, group)
        for (site, view), group in used.groupby(["site", "view"], sort=True)
    ]
    left_out = images[images["usable"] == "false"]
    left_out = left_out.assign(kind=left_out["reason"].map(kind_of_reason))
    counts = left_out["kind"].value_counts()
    for kind in sorted(counts.index, key=lambda kind: (-counts[kind], kind))[:MAX_REASONS]:
        group = left_out[left_out["kind"] == kind]
        groups.append(({"site": "all", "view": "all", "usable": "false", "reason": kind}, group))
    rest = left_out[~left_out["kind"].isin([row["reason"] for row, _ in groups])]
    if len(rest):
        groups.append(({"site": "all", "view": "all", "usable": "false", "reason": "other reasons"}, rest))
    return groups


def _spread(group: pd.DataFrame, n: int) -> pd.DataFrame:
    """Up to n rows, evenly over the ids."""
    places = np.unique(np.linspace(0, len(group) - 1, min(n, len(group))).round().astype(int))
    return group.sort_values("image_id").iloc[places]


def _sources(group: pd.DataFrame) -> str:
    """What gave the views, with shares: `ViewPosition 98 %, series_description ~ /lat/ 2 %`."""
    shares = group["view_source"].replace("", "nothing").value_counts(normalize=True)
    order = sorted(shares.index, key=lambda source: (-shares[source], source))
    return ", ".join(f"{source} {shares[source]:.0%}" for source in order[:4])


def _thumbnails(
    chosen: pd.DataFrame, folders: Mapping, preparation: Preparation, rules: IndexRules, workers: int
) -> Iterator[Thumbnail]:
    """One per row, in order; native decoders run in processes of their own."""
    make = partial(thumbnail, size_px=montage.TILE_PX, preparation=preparation, rules=rules)
    jobs = [
        ThumbnailJob(str(Path(folders[row.site]) / row.path), int(row.frame), row.laterality, row.burned_in)
        for row in chosen.itertuples()
    ]
    if chosen["transfer_syntax"].isin(PURE).all():
        return map(make, jobs)
    failed = Thumbnail(reason=UNDECODED)
    return isolation.each(make, jobs, failed=lambda job, reason: failed, workers=workers, timeout_s=rules.timeout_s)


def _strip(row: dict, thumbs: list[Thumbnail], image_ids: list[str]) -> montage.Strip:
    """Pictures with their pseudonyms; of used images also the gaps, with the reason."""
    pairs = [
        (thumb.picture, thumb.reason or image_id)
        for thumb, image_id in zip(thumbs, image_ids)
        if thumb.picture is not None or row["usable"] == "true"
    ]
    return montage.Strip(_title(row), [picture for picture, _ in pairs], [caption for _, caption in pairs])


def _title(row: dict) -> str:
    what = f"{row['site']} site, {row['view']}, used" if row["usable"] == "true" else f"left out: {row['reason']}"
    masked = f", writing found and masked in {row['masked']}" if row["masked"] else ""
    return f"{what}: {row['n']:,} (shown {row['shown']}{masked})"
