"""Maps of chosen test cases as files: what 03_training leaves and 05_figures draws; without torch.

An archive of arrays (`explanations.npz`) and three tables beside it: the cases, and what the checks of the maps say.
Pictures in it are thumbnails in which writing is masked.
"""

import html
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import tables
from labkit.errors import TableError
from labkit.radiographs import isolation, thumbnails
from labkit.radiographs.syntaxes import PURE

__all__ = ["CASES", "CHECKS", "ROLES", "Explained", "read", "with_pictures"]

# How a case is found, by the reference alone: the operating point says later what outcome that is.
ROLES = tuple(f"{way}_{kind}" for way in ("highest", "lowest", "drawn") for kind in ("positive", "negative"))
PICTURE_PX = 288
CASES = tables.Table(
    "EXPLANATIONS",
    ("finding", "role", "slot"),
    ("study_id", "policy", "view", "image_id", "score", "method", "peak_across", "peak_down", "rank_correlation")
    + ("tile", "picture"),
    numbers=("score", "peak_across", "peak_down", "rank_correlation"),
    integers=("slot", "tile"),
    allowed={"role": ROLES},
)
CHECKS = tables.Table(
    "EXPLANATION_CHECKS",
    ("check", "compared"),
    ("value", "low", "high", "n_cases", "n_studies", "what"),
    numbers=("value", "low", "high"),
    integers=("n_cases", "n_studies"),
)
ARRAYS = ("maps", "randomised")


@dataclass(frozen=True)
class Explained:
    """Maps of chosen cases.

    cases : CASES, a row per case and slot; `tile` is the image's row in the cache, -1 = missing. checks : CHECKS.
    maps, randomised : (rows of cases, rows, columns) float32, of the network and of one with random weights; NaN in a
    missing view. Of method CAM a place's value is the logit if all places were like it. pictures : image_id ->
    (rows, columns) uint8. note : a sentence where there is nothing to draw.
    """

    cases: pd.DataFrame
    checks: pd.DataFrame
    maps: np.ndarray
    randomised: np.ndarray
    pictures: dict = field(default_factory=dict, repr=False)
    note: str = ""

    def _repr_html_(self) -> str:
        """What the checks say, then their numbers."""
        numbers = {"value": "{:.2f}".format, "low": "{:.2f}".format, "high": "{:.2f}".format}
        table = self.checks.to_html(index=False, border=0, formatters=numbers, na_rep="–") if len(self.checks) else ""
        return f"<p>{html.escape(self.note)}</p>{table}"

    def save(self, out) -> list[Path]:
        """Write the archive and its tables where a `PolicyLayout` says; the same content gives the same bytes."""
        buffer = io.BytesIO()
        shown = {f"picture {image_id}": picture for image_id, picture in sorted(self.pictures.items())}
        np.savez_compressed(buffer, note=self.note, **{name: getattr(self, name) for name in ARRAYS}, **shown)
        return [
            tables.atomic_write(out.explanations, buffer.getvalue()),
            tables.write(self.cases, out.explained_cases, CASES),
            tables.write(self.checks, out.explanation_checks, CHECKS),
        ]


def read(out) -> Explained:
    """What `save` wrote.

    Raises
    ------
    TableError : a file is missing, damaged, or does not belong to the tables beside it.
    """
    path = Path(out.explanations)
    again = "run 03_training again"
    if not path.is_file():
        raise TableError(f"{path.name}: not found; {again}.")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise TableError(f"{path.name}: this file is damaged; {again}.") from error
    cases = tables.read(out.explained_cases, CASES)
    if any(len(held.get(name, ())) != len(cases) for name in ARRAYS):
        raise TableError(f"{path.name}: it does not belong to {out.explained_cases.name}; {again}.")
    pictures = {name.removeprefix("picture "): array for name, array in held.items() if name.startswith("picture ")}
    checks = tables.read(out.explanation_checks, CHECKS)
    return Explained(cases, checks, held["maps"], held["randomised"], pictures, str(held.get("note", "")))


def with_pictures(
    explained: Explained,
    images: pd.DataFrame,
    cache,
    *,
    folders: Mapping[str, str | Path],
    preparation,
    rules,
) -> Explained:
    """The cases with their radiographs: small, windowed and mirrored as in training, writing masked or held back.

    Parameters
    ----------
    images : IMAGES. cache : radiographs.Cache that the network read. folders : of each site's images.
    preparation, rules : as of the cache.
    """
    cases = _named(explained.cases, images, cache)
    wanted = images[images["image_id"].isin(cases["image_id"])].sort_values("image_id")
    make = partial(thumbnails.thumbnail, size_px=PICTURE_PX, preparation=preparation, rules=rules)
    jobs = [
        thumbnails.ThumbnailJob(str(Path(folders[row.site]) / row.path), int(row.frame), row.laterality, row.burned_in)
        for row in wanted.itertuples()
    ]
    if wanted["transfer_syntax"].isin(PURE).all():
        made = map(make, jobs)
    else:
        failed = thumbnails.Thumbnail(reason=thumbnails.UNDECODED)
        made = isolation.each(make, jobs, failed=lambda job, reason: failed, workers=1, timeout_s=rules.timeout_s)
    found = dict(zip(wanted["image_id"], made))
    said = {name: thumb.reason if thumb.picture is None else "shown" for name, thumb in found.items()}
    pictures = {name: thumb.picture for name, thumb in found.items() if thumb.picture is not None}
    return replace(
        explained, cases=cases.assign(picture=cases["image_id"].map(said).fillna("missing")), pictures=pictures
    )


def _named(cases: pd.DataFrame, images: pd.DataFrame, cache) -> pd.DataFrame:
    """Cases with the id of each image: that of the study's own at this place of the cache, else nothing."""
    tiles = cache.images[cache.images["usable"] == "true"].merge(images[["image_id", "study_id"]], on="image_id")
    names = tiles.drop_duplicates(["study_id", "position"]).set_index(["study_id", "position"])["image_id"].to_dict()
    found = [names.get(key, "") for key in zip(cases["study_id"], cases["tile"])]
    return cases.assign(image_id=found)
