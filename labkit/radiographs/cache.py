"""Every image decoded once, at training size, in one memory-mapped file.

A store is addressed by its settings (a folder named by their hash) and each tile by the SHA-256 of its file,
so a changed setting or file is seen, and several cohorts, policies and processes share one store. A tile
counts once its line stands in the journal, which is written after the pixels: a build that is killed goes on
where it was, and nothing half-written is ever read.

    <out_dir>/<settings hash>/settings.json   how the tiles were made
                              tiles.u8        size_px x size_px values per tile (tiles.u16 for 16 bits)
                              tiles.jsonl     file hash, frame, mirrored -> position, or the reason for none
                              files.jsonl     path, size, time -> file hash: an unchanged file is not read again
                              lock            held while a process builds
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from labkit.errors import ImageError
from labkit.radiographs import isolation
from labkit.radiographs.rules import IndexRules, Preparation
from labkit.radiographs.store import Store, tiles_path
from labkit.radiographs.syntaxes import PURE
from labkit.radiographs.tasks import Tile, TileJob, TileSettings, tile

__all__ = ["Cache", "build_cache"]


@dataclass(frozen=True)
class Cache:
    """A cohort's images at training size.

    `images` has image_id, position (-1 without a tile), usable, reason, file_sha256, rows, columns (as
    stored), in the order asked for.
    """

    tiles_path: Path
    size_px: int
    images: pd.DataFrame
    bits: int = 8

    @cached_property
    def array(self) -> np.ndarray:
        """(n, size_px, size_px) uint8 or uint16, read-only, memory-mapped; n is what the store holds, so address it
        by `rows`."""
        dtype = TileSettings(self.size_px, bits=self.bits).dtype
        n = self.tiles_path.stat().st_size // (self.size_px**2 * dtype.itemsize)
        shape = (n, self.size_px, self.size_px)
        return np.memmap(self.tiles_path, dtype, "r", shape=shape) if n else np.zeros(shape, dtype)

    @property
    def failed(self) -> pd.DataFrame:
        """The rows of `images` without a tile, each with its reason."""
        return self.images[self.images.usable == "false"].reset_index(drop=True)

    def rows(self, image_ids: Iterable[str]) -> np.ndarray:
        """Positions in `array` of the given images, int64 in their order.

        Raises
        ------
        ImageError : an image is not part of this cache or has no tile.
        """
        ids = list(image_ids)
        places = self._positions.reindex(ids)
        missing = places.isna() | (places < 0)
        if missing.any():
            first = ids[int(np.flatnonzero(missing)[0])]
            raise ImageError(
                f"image {first} and {int(missing.sum()) - 1} more have no tile in the cache; "
                "take the images whose row is usable."
            )
        return places.to_numpy(np.int64)

    @cached_property
    def _positions(self) -> pd.Series:
        return pd.Series(self.images.position.to_numpy(), index=self.images.image_id)

    def __getstate__(self) -> dict:
        # A memory map would be copied whole into every data-loading process; each opens its own instead.
        return {name: value for name, value in self.__dict__.items() if name != "array"}


def build_cache(
    images: pd.DataFrame,
    *,
    size_px: int,
    out_dir: str | Path,
    folders: Mapping[str, str | Path] | str | Path = ".",
    preparation: Preparation | None = None,
    rules: IndexRules | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Cache:
    """Decode the usable images once at training size, aspect ratio kept and padded to a square.

    Parameters
    ----------
    images : IMAGES table (image_id, path, usable, reason, and site, frame and laterality where given).
    size_px : side of the square.
    out_dir : where stores lie; several calls and processes may share it.
    folders : what `path` is relative to: one folder, or one per site.
    preparation : window, cropping, mirroring and bits; by default the first window, the whole image, 8 bits.
    rules : limits while decoding (size, time); of what kind an image is, the index has judged.
    workers : decoding processes.
    progress : called with (images done, images in all).

    Returns
    -------
    Cache; an image that fails to decode is a row with a reason and stops nothing.
    """
    preparation, rules = preparation or Preparation(), rules or IndexRules()
    settings = TileSettings(size_px, preparation.window, preparation.crop, preparation.bits)
    described = asdict(settings) | {"max_pixels": rules.max_pixels}
    address = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    folder = Path(out_dir) / address[:16]
    folder.mkdir(parents=True, exist_ok=True)
    jobs = _jobs(images, folders, preparation.mirror_to)
    with FileLock(folder / "lock"), Store(folder, settings) as store:
        store.describe(described)
        make = partial(tile, settings=settings, rules=rules, known=store.known)
        results = _fill(store, jobs, make, 0 if workers <= 1 and _is_pure(images) else max(1, workers), progress)
    return Cache(tiles_path(folder, settings), size_px, _table(images, results), settings.bits)


def _is_pure(images: pd.DataFrame) -> bool:
    """Whether no usable image needs a native decoder, so that one process is enough and none need be
    started."""
    used = images[images["usable"] == "true"]
    return "transfer_syntax" in used and bool(used["transfer_syntax"].isin(PURE).all())


def _jobs(images: pd.DataFrame, folders: Mapping | str | Path, mirror_to: str) -> list[TileJob | None]:
    """What to make of each image, None of one that is not usable."""
    frames = images["frame"] if "frame" in images else pd.Series(0, index=images.index)
    sites = images["site"] if "site" in images else pd.Series("", index=images.index)
    sides = images["laterality"] if "laterality" in images else pd.Series("", index=images.index)
    other = {"left": "R", "right": "L"}.get(mirror_to)
    jobs: list[TileJob | None] = []
    for path, site, frame, side, usable in zip(images["path"], sites, frames, sides, images["usable"]):
        if usable != "true":
            jobs.append(None)
            continue
        if isinstance(folders, Mapping) and site not in folders:
            raise ImageError(f"no folder is given for the site '{site}'; known: {', '.join(sorted(folders))}.")
        base = folders[site] if isinstance(folders, Mapping) else folders
        jobs.append(TileJob(os.path.abspath(os.path.join(base, path)), int(frame or 0), side == other))
    return jobs


def _fill(store: Store, jobs: list, make: partial, workers: int, progress: Callable | None) -> list:
    """Bring the store up to date; returns position (-1: none) and tile without pixels per job, None where
    there is none."""
    results: list[tuple[int, Tile] | None] = [store.find(job) if job else None for job in jobs]
    todo = [n for n, job in enumerate(jobs) if job and results[n] is None]
    done = len(jobs) - len(todo)
    for n, new in zip(todo, _made(make, [jobs[n] for n in todo], workers)):
        results[n] = store.add(jobs[n], new)
        done += 1
        if progress:
            progress(done, len(jobs))
    if progress and not todo:
        progress(done, len(jobs))
    return results


def _made(make: partial, jobs: list[TileJob], workers: int) -> Iterable[Tile]:
    if not workers:
        return map(make, jobs)
    return isolation.each(
        make,
        jobs,
        failed=lambda job, reason: Tile(reason=reason, transient=True),
        workers=workers,
        timeout_s=make.keywords["rules"].timeout_s,
    )


def _table(images: pd.DataFrame, results: list) -> pd.DataFrame:
    rows = []
    for image_id, reason, found in zip(images["image_id"], images["reason"], results):
        if found is None:
            rows.append((image_id, -1, "false", reason or "not usable", "", 0, 0))
        else:
            position, record = found
            usable = "true" if position >= 0 else "false"
            rows.append((image_id, position, usable, record.reason, record.sha256, record.rows, record.columns))
    columns = ["image_id", "position", "usable", "reason", "file_sha256", "rows", "columns"]
    return pd.DataFrame(rows, columns=columns)
