"""Run one notebook by papermill, strictly, and leave a page whether it ends well or not.

What plain papermill lets pass is an error here: a misspelt or missing parameter, a killed kernel (papermill
calls it completed), a stop from outside. Results appear under their names only when whole; a failure leaves
`NAME.failed.ipynb` and `NAME.failed.html`.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from labkit import errors
from labkit.errors import ParamsError, RunError
from labkit.run import files, render, scrub
from labkit.run.kernel import PrivateKernelManager
from labkit.run.steps import declared_parameters

__all__ = ["check_parameters", "execute_notebook", "failed_name", "mark_failed", "save_page", "thread_settings"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def execute_notebook(
    notebook: Path,
    parameters: dict[str, Any],
    *,
    out_ipynb: Path,
    out_html: Path,
    page: Callable[[], render.Page],
    scratch: Path,
    base: Path,
) -> list[str]:
    """Execute a notebook with exactly the parameters that it declares and render it.

    Parameters
    ----------
    parameters : a value for each name of the parameters cell, no more and no fewer.
    out_ipynb, out_html : the executed copy and its page, replaced only when the notebook ran to its end.
    page : gives title, links, parameters and provenance once the notebook has ended.
    scratch : where papermill saves while it runs; the folder is made.
    base : the kernel's working folder, from which relative paths of the params start.

    Returns
    -------
    The notices (texts of class `labkit-notice`) that the notebook displayed, in their order, each once.

    Raises
    ------
    ParamsError : the names given and declared differ; no kernel was started.
    RunError : a cell raised, the kernel died, or the run was stopped; the failed page is written.
    """
    check_parameters(notebook, parameters)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    with _stop_raises():
        try:
            _run(notebook, scratch, parameters, base)
        except papermill.PapermillExecutionError as error:
            reason = f"Cell {error.exec_count} stopped with {error.ename}."
            # labkit's own errors are sentences for a person; those of other libraries may quote a report.
            if hasattr(errors, error.ename):
                reason += " " + scrub.text(error.evalue, scrub.patterns(base, parameters))
        except DeadKernelError:
            reason = (
                "The kernel was ended from outside in the middle of a cell, most often because memory ran out. "
                "Free memory or lower the batch size, then run the same command again."
            )
        except KeyboardInterrupt:
            reason = "The step was stopped before its end; the same command runs it again."
    if not scratch.is_file():
        raise RunError(f"{notebook.name}: {reason or 'papermill saved nothing'} No cell had been run.")
    executed = nbformat.read(scratch, as_version=4)
    patterns = scrub.patterns(base, parameters)
    if reason:
        mark_failed(executed, reason)
        save_page(executed, failed_name(out_ipynb), failed_name(out_html), page=page(), patterns=patterns)
        scratch.unlink()
        raise RunError(f"{notebook.name}: {reason} See {failed_name(out_html).name}.")
    notices = save_page(executed, out_ipynb, out_html, page=page(), patterns=patterns)
    for path in (failed_name(out_ipynb), failed_name(out_html), scratch):
        path.unlink(missing_ok=True)
    return notices


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Compare the names given with those declared, both ways.

    Raises
    ------
    ParamsError : a name is unknown or missing.
    """
    declared = declared_parameters(notebook)
    known = ", ".join(declared)
    for name in parameters:
        if name not in declared:
            raise ParamsError(f"{notebook.name}: '{name}' is not one of its parameters; it declares {known}.")
    for name in declared:
        if name not in parameters:
            raise ParamsError(f"{notebook.name}: no value for its parameter '{name}'; a run states every parameter.")


def thread_settings(threads: int) -> dict[str, str]:
    """Environment that fixes the threads of the numerical libraries, so that results do not depend on the load."""
    return dict.fromkeys(THREAD_VARIABLES, str(threads))


def failed_name(path: Path) -> Path:
    """`03_training.html` gives `03_training.failed.html`: a failed run never bears the deliverable's name."""
    return path.with_suffix(f".failed{path.suffix}")


def mark_failed(executed: nbformat.NotebookNode, reason: str) -> None:
    """Say in the notebook itself that it failed; papermill leaves a notebook whose kernel was killed as completed."""
    executed.metadata["labkit"] = {"failed": reason}
    executed.metadata.setdefault("papermill", {})["exception"] = True
    ran = [c for c in executed.cells if c.cell_type == "code" and (c.get("execution_count") or _running(c))]
    if ran:
        ran[-1].metadata.setdefault("papermill", {}).update(status="failed", exception=True)


def _running(cell: nbformat.NotebookNode) -> bool:
    return cell.metadata.get("papermill", {}).get("status") == "running"


def save_page(
    executed: nbformat.NotebookNode,
    out_ipynb: Path,
    out_html: Path,
    *,
    page: render.Page,
    patterns: list[scrub.Pattern],
) -> list[str]:
    """Write the executed copy and its page without the machine's paths and names; gives the notices shown."""
    clean = scrub.notebook(executed, patterns)
    failed = clean.metadata.get("labkit", {}).get("failed", "")
    html, notices = render.to_html(clean, page=page, failed=failed)
    files.write_text(out_ipynb, nbformat.writes(clean) + "\n")
    files.write_text(out_html, html)
    return notices


def _run(notebook: Path, scratch: Path, parameters: dict[str, Any], base: Path) -> None:
    logging.getLogger("papermill").setLevel(logging.INFO)
    scratch.unlink(missing_ok=True)
    papermill.execute_notebook(
        str(notebook),
        str(scratch),
        parameters,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        log_output=False,
        start_timeout=120,
        cwd=str(base),
        autosave_cell_every=5,
        kernel_manager_class=PrivateKernelManager,
    )


@contextmanager
def _stop_raises() -> Iterator[None]:
    """Let a stop from outside (Slurm's time limit) raise, so that papermill saves and the kernel ends."""
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return

    def stop(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
        sys.stdout.flush()
