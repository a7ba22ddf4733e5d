"""Where a page's results come from: versions, commit, params, inputs, device and times, as rows that a page shows."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from labkit.layout import ROOT
from labkit.run import files, receipts
from labkit.run.steps import Plan, Step

__all__ = ["commit", "device", "duration", "flatten", "inputs", "rows", "versions"]

PACKAGES = ("labkit", "torch", "torchvision", "numpy", "pandas", "scikit-learn", "pydicom", "papermill", "snakemake")
SHOWN_DIGITS = 16


def rows(plan: Plan, step: Step, *, started: datetime, seconds: float) -> list[tuple[str, str]]:
    """Pairs (what, value) in the order shown; no path, user or host name is among them."""
    facts = [
        ("Started", started.strftime("%Y-%m-%d %H:%M UTC")),
        ("Finished", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Time taken", duration(seconds)),
        ("Device", device()),
        ("Threads", str(step.threads)),
        ("Git commit", commit()),
        ("Params (SHA-256)", files.digest(step.parameters)[:SHOWN_DIGITS]),
    ]
    facts += [(f"Input: {name}", value[:SHOWN_DIGITS]) for name, value in inputs(plan, step).items()]
    facts += [(f"Version of {name}", value) for name, value in versions().items()]
    return facts


def inputs(plan: Plan, step: Step) -> dict[str, str]:
    """SHA-256 of what the step read: outside files by name, earlier steps by the digest of their tables."""
    earlier = receipts.Receipts(plan)
    found = dict(step.fingerprints)
    for step_id in step.after:
        found[plan.step(step_id).label] = earlier.digest(step_id)
    return found


@cache
def versions() -> dict[str, str]:
    """Installed versions of Python and of the packages that results depend on."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str:
    """This project's git commit, with a remark where files differ from it; a plain sentence where there is no git."""
    if shutil.which("git") is None:
        return "git is not installed"
    sha = _output(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"])
    if not sha:
        return "not under version control"
    changed = _output(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])
    return f"{sha} with local changes" if changed else sha


@cache
def device() -> str:
    """The processor and, where there is one, the graphics card."""
    cores = os.cpu_count() or 1
    named = f"{_processor()}, {cores} {'core' if cores == 1 else 'cores'}"
    if shutil.which("nvidia-smi"):
        cards = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]).splitlines()
        named += "".join(f"; {card.strip()}" for card in cards)
    return f"{named} ({platform.system()})"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def duration(seconds: float) -> str:
    """`48 s`, `3 min 05 s`, `2 h 07 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def flatten(parameters: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested parameters as pairs (dotted name, value as YAML would show it)."""
    flat: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, dict) and value:
            flat += flatten(value, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", _shown(value)))
    return flat


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == "" or value == [] or value == {}:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(item) if not isinstance(item, dict) else str(item) for item in value)
    return str(value)
