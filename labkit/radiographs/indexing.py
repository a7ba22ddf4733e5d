"""A folder to a table with one row per file: found, identified and, where asked, decoded."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from labkit.errors import ImageError
from labkit.radiographs import isolation
from labkit.radiographs.headers import COLUMNS, row_of
from labkit.radiographs.rules import IndexRules
from labkit.radiographs.syntaxes import PURE

__all__ = ["index"]

# Below these, starting processes costs more than they save.
FEW_HEADERS, HEADER_BATCH, FEW_FILES = 10_000, 200, 100

Progress = Callable[[int, int], None]
Found = list[tuple[dict[str, str], bool]]


def index(
    folder: str | Path,
    *,
    rules: IndexRules | None = None,
    decode: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """List what every file of a folder is and why it cannot be used.

    Parameters
    ----------
    folder : any nesting, any or no suffixes; links to folders are followed, each real folder once.
    rules : what is refused; see `IndexRules`.
    decode : also decode each image, so that `usable` is certain, and fill file_sha256 and pixel_sha256
        (stored values before any LUT, C order, little-endian, stored type).
    workers : processes; None takes all cores where the folder is large enough to be worth it.
    progress : called with (files done, files in all).

    Returns
    -------
    One row per file sorted by path, all columns text; `usable` is true or false and `reason` one sentence or
    empty.

    Raises
    ------
    ImageError : the folder does not exist.
    """
    folder, rules = Path(folder), rules or IndexRules()
    if not folder.is_dir():
        raise ImageError(f"{folder.name}: there is no such folder; give the folder that holds the images.")
    paths, closed = _walk(str(folder))
    found = _headers(str(folder), paths, rules, workers, None if decode else progress)
    if decode:
        _decode(str(folder), found, rules, workers, progress)
    rows = [row for row, _ in found]
    rows += [dict.fromkeys(COLUMNS, "") | {"path": p, "usable": "false", "reason": r} for p, r in closed.items()]
    rows.sort(key=lambda row: row["path"])
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def _walk(folder: str) -> tuple[list[str], dict[str, str]]:
    """Relative POSIX paths of all files, and folders that cannot be entered with the reason."""
    paths, closed, seen, waiting = [], {}, set(), [""]
    while waiting:
        below = waiting.pop()
        try:
            status = os.stat(os.path.join(folder, below))
            if (status.st_dev, status.st_ino) in seen:  # a link back into the tree
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(os.path.join(folder, below)) as entries:
                for entry in entries:
                    path = f"{below}/{entry.name}" if below else entry.name
                    (waiting if _is_folder(entry) else paths).append(path)
        except OSError as error:
            closed[_printable(below)] = f"the folder cannot be opened ({error.strerror})"
    return paths, closed


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; its row will say so
        return False


def _headers(folder: str, paths: list[str], rules: IndexRules, workers: int | None, progress: Progress | None) -> Found:
    workers = workers or (_cores() if len(paths) > FEW_HEADERS else 1)
    describe = partial(row_of, folder=folder, rules=rules)
    if workers == 1:
        rows = map(describe, paths)
    else:
        rows = isolation.each(
            describe,
            paths,
            failed=_failed_header,
            workers=workers,
            timeout_s=rules.timeout_s,
            batch=HEADER_BATCH,
        )
    found = []
    for row, decodes in rows:
        row["path"] = _printable(row["path"])
        found.append((row, decodes))
        if progress:
            progress(len(found), len(paths))
    return found


def _decode(folder: str, found: Found, rules: IndexRules, workers: int | None, progress: Progress | None) -> None:
    """Add the hashes, and the reason where decoding failed, to the rows that may be decoded."""
    # Imported here: headers are read without pydicom, whose import takes longer than an index of a thousand files.
    from labkit.radiographs import tasks

    rows = [row for row, decodes in found if decodes]
    paths, hashes = [row["path"] for row in rows], partial(tasks.decoded_hashes, folder=folder, rules=rules)
    if (workers == 1 or len(rows) <= FEW_FILES) and all(row["transfer_syntax"] in PURE for row in rows):
        results = map(hashes, paths)
    else:
        results = isolation.each(
            hashes,
            paths,
            failed=lambda path, reason: ("", "", reason),
            workers=workers or min(_cores(), 1 + len(rows) // FEW_FILES),
            timeout_s=rules.timeout_s,
        )
    for done, (row, (file_sha256, pixel_sha256, reason)) in enumerate(zip(rows, results), start=1):
        row |= {"file_sha256": file_sha256, "pixel_sha256": pixel_sha256}
        if reason:
            row |= {"usable": "false", "reason": reason}
        if progress:
            progress(done, len(rows))


def _failed_header(path: str, reason: str) -> tuple[dict[str, str], bool]:
    return dict.fromkeys(COLUMNS, "") | {"path": path, "usable": "false", "reason": reason}, False


def _printable(path: str) -> str:
    """The path with bytes that are not UTF-8 written as escapes, so that every table can hold it."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
