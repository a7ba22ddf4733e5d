"""The files of one cache store: tiles behind a journal that only ever grows."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labkit.radiographs.tasks import Tile, TileJob, TileSettings

__all__ = ["Store", "tiles_path"]

# Lines are made durable together: a sync per tile would cost more than decoding it.
SYNC_EVERY = 64


class Store:
    """Open for one building process (the caller holds the lock); a context manager."""

    def __init__(self, folder: Path, settings: TileSettings):
        self.folder, self.bytes_per_tile = folder, settings.size_px**2 * settings.dtype.itemsize
        self.path = tiles_path(folder, settings)
        self.tiles: dict[tuple[str, int, bool], tuple[int, Tile]] = {}
        self.files: dict[str, tuple[list[int], str]] = {}
        self.pending: list[str] = []
        self.pending_files: list[str] = []

    def __enter__(self):
        self.pixels = open(self.path, "a+b")
        there = os.path.getsize(self.path) // self.bytes_per_tile
        for sha256, frame, mirrored, position, reason, rows, columns in _lines(self.folder / "tiles.jsonl"):
            if position < there:  # a line without its pixels counts for nothing
                self.tiles[sha256, frame, mirrored] = position, Tile(sha256, None, reason, rows, columns)
        for path, stamp, sha256 in _lines(self.folder / "files.jsonl"):
            self.files[path] = stamp, sha256
        self.count = 1 + max((position for position, _ in self.tiles.values()), default=-1)
        # What lies beyond the last journalled tile was being written when a build ended.
        self.pixels.truncate(self.count * self.bytes_per_tile)
        return self

    def __exit__(self, *exception):
        self._sync()
        self.pixels.close()

    @property
    def known(self) -> frozenset[tuple[str, int, bool]]:
        """(file hash, frame, mirrored) of every tile and lasting failure."""
        return frozenset(self.tiles)

    def describe(self, settings: dict) -> None:
        """Leave a readable account of the settings beside the tiles."""
        path = self.folder / "settings.json"
        if not path.exists():
            temporary = path.with_suffix(".part")
            temporary.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
            os.replace(temporary, path)

    def find(self, job: TileJob) -> tuple[int, Tile] | None:
        """Position and record of an image whose file has not changed since it was hashed."""
        stamp, sha256 = self.files.get(job.path, (None, ""))
        if stamp is None or stamp != _stamp(job.path):
            return None
        return self.tiles.get((sha256, job.frame, job.mirrored))

    def add(self, job: TileJob, tile: Tile) -> tuple[int, Tile]:
        """Keep a new tile, or find the one that its content already has; returns position (-1: none) and
        record."""
        if tile.transient or not tile.sha256:
            return -1, tile
        self._remember_file(job.path, tile.sha256)
        key = (tile.sha256, job.frame, job.mirrored)
        if key in self.tiles:
            return self.tiles[key]
        record, position = replace(tile, pixels=None), -1
        if tile.pixels is not None:
            position = self.count
            self.pixels.write(tile.pixels)
            self.count += 1
        self.tiles[key] = position, record
        line = [*key, position, tile.reason, tile.rows, tile.columns]
        self.pending.append(json.dumps(line) + "\n")
        if len(self.pending) >= SYNC_EVERY:
            self._sync()
        return position, record

    def _remember_file(self, path: str, sha256: str) -> None:
        stamp = _stamp(path)
        if stamp and self.files.get(path) != (stamp, sha256):
            self.files[path] = stamp, sha256
            self.pending_files.append(json.dumps([path, stamp, sha256]) + "\n")

    def _sync(self) -> None:
        """Pixels first, then the lines that vouch for them."""
        self.pixels.flush()
        os.fsync(self.pixels.fileno())
        for name, lines in (("tiles.jsonl", self.pending), ("files.jsonl", self.pending_files)):
            if lines:
                with open(self.folder / name, "a", encoding="utf-8", newline="\n") as file:
                    file.write("".join(lines))
                    file.flush()
                    os.fsync(file.fileno())
                lines.clear()


def tiles_path(folder: Path, settings: TileSettings) -> Path:
    """The file of a store's pixels; its suffix is their type."""
    return folder / f"tiles.u{settings.bits}"


def _stamp(path: str) -> list[int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _lines(path: Path) -> Iterator[list]:
    """The journal's whole lines; a last one that was cut is ended by a newline so that what follows stays
    readable."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with open(path, "ab") as file:
            file.write(b"\n")
    for line in data.split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:
            continue
