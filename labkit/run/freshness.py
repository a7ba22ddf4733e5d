"""Which steps of a plan are due, and why: the receipts are the truth, checked file by file at the start of every run.

A step is done when its receipt names the same params section, notebook, inputs and code of labkit, every file in it
has the same SHA-256, and the earlier steps' results are those it was computed from.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from labkit.run import provenance
from labkit.run.receipts import Receipts
from labkit.run.steps import Plan, Step

__all__ = ["Due", "discard", "due"]


@dataclass(frozen=True)
class Due:
    """A step that would run, with the reason in words."""

    step: Step
    reason: str


def due(plan: Plan, *, forced: bool = False) -> list[Due]:
    """Steps to run in their order; a step that reads a due step is due."""
    found = Receipts(plan)
    found.check_all()
    waiting: dict[str, Due] = {}
    for step in plan.steps:
        reason = "forced" if forced else _reason(step, found, waiting, plan)
        if reason:
            waiting[step.id] = Due(step, reason)
    return list(waiting.values())


def _reason(step: Step, found: Receipts, waiting: dict[str, Due], plan: Plan) -> str:
    fault = found.fault(step)
    if fault:
        return fault
    kept = found.found[step.id]
    changed = _changed(kept["made_from"], step.made_from)
    if changed:
        return changed
    for earlier in step.after:
        if earlier in waiting:
            return f"reads {plan.step(earlier).label}"
        if kept["after"].get(earlier) != found.digest(earlier):
            return f"{plan.step(earlier).label} has new results"
    return ""


def _changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    if before == now:
        return ""
    old = dict(provenance.flatten(before.get("parameters", {})))
    new = dict(provenance.flatten(now["parameters"]))
    for name in itertools.chain(new, old):
        if old.get(name) != new.get(name):
            return f"{name} was {old.get(name, 'absent')}, is {new.get(name, 'absent')}"
    if before.get("notebook") != now["notebook"]:
        return "its notebook was edited"
    for name, value in now["inputs"].items():
        if before.get("inputs", {}).get(name) != value:
            return f"{name} changed"
    return "its settings changed"


def discard(plan: Plan, steps: list[Step]) -> None:
    """Remove receipts and pages of steps that are due, so that nothing out of date is taken, or shown, as a result.

    Tables, figures and checkpoints stay until they are replaced: a training may go on from its checkpoint.
    """
    for step in steps:
        for path in (step.receipt, step.html, step.ipynb, plan.failed_page(step)):
            if path:
                path.unlink(missing_ok=True)
        if step.ipynb:
            step.ipynb.with_suffix(".failed.ipynb").unlink(missing_ok=True)
