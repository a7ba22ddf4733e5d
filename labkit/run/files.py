"""Text files that are whole or absent, and the SHA-256 by which a receipt recognises them.

Used by every step of a run. Nothing here knows what a file holds.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from labkit import tables

__all__ = ["digest", "fingerprint_folder", "portable", "sha256", "write_json", "write_text"]


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text so that a reader sees the old or the whole new content, never a part."""
    return tables.atomic_write(path, text.encode("utf-8"))


def write_json(path: Path, content: Any) -> Path:
    """Write JSON with sorted keys, atomically."""
    return write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(content: Any) -> str:
    """SHA-256 of a JSON-able value, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def fingerprint_folder(folder: Path) -> str:
    """Digest of a folder's file names, sizes and times: cheap enough for every start of a run."""
    entries = []
    stack = [str(folder)]
    while stack:
        here = stack.pop()
        try:
            listed = list(os.scandir(here))
        except OSError:
            entries.append([os.path.relpath(here, folder), "unreadable"])
            continue
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            elif entry.is_file():
                facts = entry.stat()
                entries.append([os.path.relpath(entry.path, folder), facts.st_size, facts.st_mtime_ns])
    return digest(sorted(entries, key=str))


def portable(path: Path, start: Path) -> str:
    """The path as seen from `start`, with forward slashes; only the file's name where there is no such way."""
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # another drive (Windows)
        return Path(path).name
