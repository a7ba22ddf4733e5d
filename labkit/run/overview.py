"""What the index page shows of each study, gathered from receipts and METRICS files; nothing is computed anew.

Only steps whose receipt and page are there count, so that a step that failed or was never run shows no old
number.
"""

import base64
import csv
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from labkit.run import files, label_table

__all__ = ["Analysis", "Anatomy", "Estimate", "PageLink", "gather"]

THUMBNAIL_PX = (560, 420)
# The scale of the small interval plots: chance to perfect.
LOWEST, HIGHEST = 0.4, 1.0
STEP_NAMES = ("training", "evaluation", "figures")
LABEL_FACTS = {"label_accuracy": "Label accuracy", "all_false_accuracy": "Accuracy of saying always false"}
BADGES = {"simulated": "SIMULATED reader", "unverified": "Unverified labels"}


@dataclass(frozen=True)
class PageLink:
    """A page of a step: done, failed or (href empty) not there."""

    label: str
    href: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; `left`, `width` and `at` place it on the small plot in percent."""

    site: str
    value: float
    low: float | None
    high: float | None
    n: str
    policy: str = ""
    verdict: str = ""
    level: float | None = None

    def place(self, number: float) -> float:
        share = (min(max(number, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
        return round(100 * share, 1)


@dataclass
class Analysis:
    """One policy of one anatomy, or the comparison of all."""

    policy: str
    pages: list[PageLink]
    estimates: list[Estimate] = field(default_factory=list)
    differences: list[Estimate] = field(default_factory=list)
    thumbnail: str = ""
    thumbnail_page: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def interval(self) -> str:
        """What the intervals are called, by the coverage that the estimates were made with."""
        levels = {100 * e.level for e in (*self.estimates, *self.differences) if e.level is not None}
        return ", ".join(f"{level:g} %" for level in sorted(levels)) + " interval" if levels else "interval"


@dataclass
class Anatomy:
    """A row of the matrix."""

    name: str
    pages: list[PageLink]
    facts: dict[str, str]
    badges: list[str]
    analyses: list[Analysis]
    comparison: Analysis | None = None
    verification: tuple[Path, str] | None = None  # METRICS of the labels, and who verified them


def gather(reports_dir: Path, build_dir: Path) -> dict[str, list[Anatomy]]:
    """All studies under the reports folder, each with its anatomies, in alphabetical order."""
    found: dict[str, list[Anatomy]] = {}
    for folder in sorted(path for path in reports_dir.glob("*/*") if path.is_dir()):
        anatomy = _anatomy(folder, build_dir / folder.parent.name / folder.name, reports_dir, build_dir)
        if anatomy:
            found.setdefault(folder.parent.name, []).append(anatomy)
    return found


def _anatomy(folder: Path, build: Path, reports_dir: Path, start: Path) -> Anatomy | None:
    receipts = _receipts(build, start)
    pages = _pages(folder, receipts, ("extraction", "verification"), reports_dir)
    names = {path.name for base in (folder, build) for path in base.glob("*") if path.is_dir()}
    analyses = []
    for name in _policy_order(names):
        part = _analysis(name, folder / name, build / name, reports_dir, start)
        if part:
            analyses.append(part)
    if not analyses and not any(page.href for page in pages):
        return None
    facts = {key: value for found in receipts.values() for key, value in found.get("headline", [])}
    verification = None
    if "verification" in receipts:
        who = label_table.verified_by(receipts["verification"].get("notices", []))
        verification = build / "label_metrics.csv", who
        for metric, name in LABEL_FACTS.items():
            found = _metric(build / "label_metrics.csv", metric, reading="report")
            facts |= {name: _percent(found[0])} if found else {}
    own = [part for part in analyses if part.policy != "comparison"]
    compared = next((part for part in analyses if part.policy == "comparison"), None)
    return Anatomy(folder.name, pages, facts, _badges(receipts, build, start), own, compared, verification)


def _policy_order(names: set[str]) -> list[str]:
    """The study's two policies first, the comparison last."""
    first = {"inclusive": 0, "exclusive": 1, "comparison": 9}
    return sorted(names, key=lambda name: (first.get(name, 5), name))


def _analysis(name: str, folder: Path, build: Path, reports_dir: Path, start: Path) -> Analysis | None:
    receipts = _receipts(build, start)
    steps = STEP_NAMES[1:] if name == "comparison" else STEP_NAMES
    pages = _pages(folder, receipts, steps, reports_dir)
    if not any(page.href for page in pages):
        return None
    part = Analysis(name, pages)
    if "evaluation" in receipts:
        part.estimates = _metric(build / "metrics.csv", "auc")
        part.differences = _comparison(build / "metrics.csv")
    if "figures" in receipts:
        part.thumbnail = _thumbnail(receipts["figures"], start)
        part.thumbnail_page = next((page.href for page in pages if page.label == "Figures"), "")
    if not part.estimates:
        part.facts = {key: value for found in receipts.values() for key, value in found.get("headline", [])}
    return part


def _receipts(build: Path, start: Path) -> dict[str, dict[str, Any]]:
    """Receipts by step name, of steps whose page is there."""
    found = {}
    for path in sorted((build / "receipts").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue
        if not content.get("page") or (start / content["page"]).is_file():
            found[content["name"]] = content
    return found


def _pages(folder: Path, receipts: dict[str, Any], names: tuple[str, ...], start: Path) -> list[PageLink]:
    links = []
    for name in names:
        label = name.capitalize()
        whole = sorted(p for p in folder.glob(f"??_{name}.html"))
        failed = sorted(folder.glob(f"??_{name}.failed.html"))
        if whole and name in receipts:
            links.append(PageLink(label, files.portable(whole[0], start)))
        elif failed:
            links.append(PageLink(label, files.portable(failed[0], start), failed=True))
        else:
            links.append(PageLink(label))
    return links


def _comparison(path: Path) -> list[Estimate]:
    """Differences between policies, each with the verdict on equivalence."""
    verdicts = {(e.site, e.policy): e.value for e in _metric(path, "equivalent")}
    words = {1.0: "equivalent within the margin", 0.0: "equivalence not shown"}
    return [
        replace(e, verdict=words.get(verdicts.get((e.site, e.policy)), ""))
        for e in _metric(path, "auc_difference")
        if " - " in e.policy
    ]


def _metric(path: Path, metric: str, *, reading: str = "primary") -> list[Estimate]:
    """Estimates of the macro (or overall) rows of a METRICS file, one per site and policy."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == metric and row["reading"] == reading]
    overall = [row for row in rows if row["finding"] == "Macro average" or row["finding"].startswith("All ")]
    return [
        Estimate(
            row["site"],
            value,
            _number(row["low"]),
            _number(row["high"]),
            _count(row["n"]),
            row["policy"],
            level=_number(row["level"]),
        )
        for row in overall
        if (value := _number(row["value"])) is not None
    ]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number else None


def _count(text: str) -> str:
    number = _number(text)
    return "" if number is None else f"{number:,.0f}"


def _percent(estimate: Estimate) -> str:
    shown = f"{100 * estimate.value:.1f} %"
    if estimate.low is not None and estimate.high is not None:
        shown += f" ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"
    return shown


def _badges(receipts: dict[str, Any], build: Path, start: Path) -> list[str]:
    """Warnings that hold for all of an anatomy, recognised in the notices of its pages."""
    notices = [notice for found in receipts.values() for notice in found.get("notices", [])]
    for folder in sorted(path for path in build.glob("*") if path.is_dir()):
        for found in _receipts(folder, start).values():
            notices += found.get("notices", [])
    text = " ".join(notices).lower()
    return [badge for word, badge in BADGES.items() if word in text]


def _thumbnail(found: dict[str, Any], start: Path) -> str:
    """The macro ROC (or the first) figure of a step, small, as a data address."""
    pictures = [start / name for name in found["files"] if name.endswith(".png")]
    ranked = sorted(pictures, key=lambda p: ("macro" not in p.stem, "roc" not in p.stem, p.stem))
    for path in ranked:
        if path.is_file():
            with Image.open(path) as picture:
                small = picture.convert("RGB")
                small = small.crop(ImageChops.invert(small).getbbox())  # without the white margin
                small.thumbnail(THUMBNAIL_PX, Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            small.quantize(64).save(buffer, "PNG", optimize=True)
            return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return ""
