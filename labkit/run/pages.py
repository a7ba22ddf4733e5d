"""What frames the page of a step: its sisters, parameters and provenance; and the page of a step that was killed."""

from datetime import UTC, datetime

import nbformat

from labkit.run import execute, files, provenance, render, scrub
from labkit.run.steps import Plan, Step

__all__ = ["frame", "leave_failed"]

KILLED = "Its process was ended from outside, most often because memory ran out; the same command runs it again."


def frame(plan: Plan, step: Step, *, started: datetime, seconds: float) -> render.Page:
    """Frame of a step's page: links to its sister steps, its parameters and where its results come from."""
    folder = step.html.parent
    policies = {"", step.policy}
    sisters = [s for s in plan.steps if s.html and s.anatomy == step.anatomy and s.policy in policies]
    links = [render.Link(s.name.capitalize(), files.portable(s.html, folder), current=s.id == step.id) for s in sisters]
    clean = scrub.patterns(step.base, step.parameters)
    parameters = [(name, scrub.text(value, clean)) for name, value in provenance.flatten(step.parameters)]
    return render.Page(
        title=step.title,
        kicker=step.title,
        study=step.study,
        home=files.portable(plan.reports_dir / "index.html", folder),
        links=tuple(links),
        parameters=tuple(parameters),
        provenance=tuple(provenance.rows(plan, step, started=started, seconds=seconds)),
    )


def leave_failed(plan: Plan, step: Step, reason: str = KILLED) -> None:
    """Render, marked as failed, what a step had saved before its end, or the bare notebook where there is nothing."""
    scratch = plan.scratch(step)
    try:
        executed = nbformat.read(scratch, as_version=4)
    except (OSError, ValueError):  # nothing saved, or killed in the middle of saving
        executed = nbformat.read(step.notebook, as_version=4)
    execute.mark_failed(executed, reason)
    patterns = scrub.patterns(step.base, step.parameters)
    page = frame(plan, step, started=datetime.now(UTC), seconds=0)
    ipynb, html = execute.failed_name(step.ipynb), execute.failed_name(step.html)
    execute.save_page(executed, ipynb, html, page=page, patterns=patterns)
    scratch.unlink(missing_ok=True)
