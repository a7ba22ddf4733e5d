"""A tiny study for the tests of the run: real notebooks, kernels and Snakemake, no data and no heavy libraries."""

import io
import json
from pathlib import Path

import nbformat

from labkit.run import workflow
from labkit.run.steps import Plan, Step, declared_parameters

__all__ = ["build_plan", "hashes", "notebook", "run"]

FIRST = """
import csv, pathlib, time
from labkit import run
folder = pathlib.Path(paths["build_dir"])
folder.mkdir(parents=True, exist_ok=True)
"""
WRITE = """
time.sleep(extraction["seconds"])
rows = [[f"S-{i:04d}", str(i * extraction["factor"] % 7)] for i in range(50)]
text = "study_id,value\\n" + "".join(",".join(row) + "\\n" for row in rows)
part = folder / "first.part"
part.write_text(text)
part.replace(folder / "first.csv");
"""
RECEIPT = 'run.receipt([folder / "first.csv"], headline={"Studies": "50"})'
SECOND = """
time.sleep(training["seconds"])
total = sum(int(row["value"]) for row in csv.DictReader(open(folder / "first.csv")))
out = folder / policy
out.mkdir(exist_ok=True)
part = out / "second.part"
part.write_text(f"policy,total\\n{policy},{total * training['factor']}\\n")
part.replace(out / "second.csv");
"""


def notebook(path: Path, cells: list[tuple[str, str]], parameters: str) -> Path:
    """Write a notebook: its parameters cell, then cells as pairs (kind, source)."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    kinds = {"code": nbformat.v4.new_code_cell, "text": nbformat.v4.new_markdown_cell}
    made.cells = [tagged, *(kinds[kind](source.strip()) for kind, source in cells)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(made), encoding="utf-8")
    return path


def build_plan(root: Path, *, seconds: float = 0.0, policies=("inclusive", "exclusive"), **sections) -> Plan:
    """Extraction and one training per policy; `sections` replaces keys of the params sections."""
    first = notebook(
        root / "notebooks" / "01_extraction.ipynb",
        [("text", "# 01 · Extraction"), ("code", FIRST), ("text", "## Table"), ("code", WRITE), ("code", RECEIPT)],
        "paths: dict = {}  # folders\nextraction: dict = {}  # this step's section",
    )
    second = notebook(
        root / "notebooks" / "03_training.ipynb",
        [("text", "# 03 · Training"), ("code", FIRST), ("code", SECOND)]
        + [("code", 'run.receipt([folder / policy / "second.csv"])')],
        'paths: dict = {}\npolicy: str = ""\ntraining: dict = {}',
    )
    build, reports = root / "build" / "mini" / "wrist", root / "reports" / "mini" / "wrist"
    values = {"paths": {"build_dir": "build/mini/wrist"}}
    values["extraction"] = {"factor": 3, "seconds": seconds} | sections.get("extraction", {})
    values["training"] = {"factor": 2, "seconds": seconds} | sections.get("training", {})
    steps = [_step(first, "extraction", "", build, reports, values, after=())]
    for policy in policies:
        where = build / policy, reports / policy
        steps.append(_step(second, "training", policy, *where, values | {"policy": policy}, after=(steps[0].id,)))
    return Plan(build_dir=root / "build", reports_dir=root / "reports", steps=tuple(steps))


def _step(path: Path, name: str, policy: str, build: Path, reports: Path, values: dict, *, after: tuple) -> Step:
    return Step(
        id="/".join(part for part in ("mini", "wrist", policy, name) if part),
        name=name,
        study="mini",
        anatomy="wrist",
        policy=policy,
        base=path.parents[1],
        notebook=path,
        parameters={key: values[key] for key in declared_parameters(path)},
        after=after,
        receipt=build / "receipts" / f"{name}.json",
        ipynb=reports / f"{path.stem}.ipynb",
        html=reports / f"{path.stem}.html",
    )


def run(plan: Plan, **options) -> tuple[int, str]:
    """Exit code and what was printed."""
    console = io.StringIO()
    code = workflow.run_plan(plan, jobs=2, console=console, **options)
    return code, console.getvalue()


def hashes(plan: Plan) -> dict[str, str]:
    """SHA-256 of every table that the receipts name."""
    found = {}
    for step in plan.steps:
        found |= json.loads(step.receipt.read_text(encoding="utf-8"))["tables"]
    return found
