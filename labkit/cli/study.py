"""Commands on a whole study: run, check, scan, lab."""

import sys
from pathlib import Path

import click

from labkit.cli.shown import Command

__all__ = ["check", "lab", "run", "scan"]

FILE = click.Path(path_type=Path)


@click.command(cls=Command, short_help="Run every step of a study that is not up to date.")
@click.argument("params", nargs=-1, required=True, type=FILE)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="CPU cores to use together.  [default: all]")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run and why, and run nothing.")
@click.option("--force", is_flag=True, help="Run every step again, also those that are up to date.")
@click.option("--profile", type=FILE, help="Snakemake profile, such as workflow/profiles/slurm.")
def run(params: tuple[Path, ...], jobs: int | None, dry_run: bool, force: bool, profile: Path | None) -> None:
    """Run a study: every step that is not up to date, each as a rendered notebook.

    PARAMS are the YAML files of one or more anatomies. What is done is not done again; a changed parameter reruns what
    depends on it; after a kill the same command completes the rest. Exit code: 0 all done, 1 a step failed (the last
    line says which page to open), 2 the params are wrong.

    \b
    Example:
      labkit run params/demo/*.yaml --jobs 2
    """
    from labkit.run import workflow

    sys.exit(workflow.run(list(params), jobs=jobs, dry_run=dry_run, forced=force, profile=profile))


@click.command(cls=Command, short_help="Say what is wrong, what would be sent and what would run.")
@click.argument("params", nargs=-1, required=True, type=FILE)
@click.option("--sample", type=click.IntRange(0, 50), metavar="N", help="De-identified texts to show.  [default: 3]")
@click.option("--no-sample", is_flag=True, help="Show none.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another one shows others.")
def check(params: tuple[Path, ...], sample: int | None, no_sample: bool, seed: int) -> None:
    """Check params and inputs and say what would be sent and run; runs nothing, sends no report.

    Reads every report file, counts the image folders' files, and lists each fault in one sentence. Where a model is to
    be asked: calls, tokens and cost per site, what the gate removes, whether the endpoint answers, and some texts as
    they would be sent, to be looked at before the first call. They are printed on a terminal, or where --sample is
    given, and are never written to a file. Exit code: 0 ready, 2 something is wrong.
    """
    from labkit import checking

    if no_sample and sample:
        raise click.UsageError("--sample and --no-sample: give one of them.")
    wanted = sample is not None or sys.stdout.isatty()
    n_sample = 0 if no_sample else 3 if sample is None else sample
    show = click.echo if wanted else None
    sys.exit(checking.check(list(params), say=click.echo, show=show, n_sample=n_sample, seed=seed))


@click.command(cls=Command, short_help="Look for the cohort's identifiers in a folder.")
@click.argument("folder", type=FILE)
@click.option("--params", required=True, type=FILE, help="Params file of the study whose columns hold the identifiers.")
def scan(folder: Path, params: Path) -> None:
    """Look for the cohort's identifiers in everything below a folder that is to be shared.

    Exit code: 0 none found, 1 something was found. The identifiers themselves are not printed.
    """
    from labkit import cohort, deidentification, identities
    from labkit import params as studies

    study = studies.load(params)
    texts = cohort.texts(study.cohort, resolve=study.resolve, keys_path=study.layout.keys)
    found = deidentification.scan_folder(folder, identities.known_identifiers(texts))
    for path, kind, n in found:
        click.echo(f"{path}: {n} x {kind}")
    click.echo(f"{folder}: {len(found)} finds." if found else f"{folder}: no identifier of the cohort was found.")
    sys.exit(1 if found else 0)


@click.command(cls=Command)
@click.option("--port", type=int, default=8888, show_default=True)
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
def lab(port: int, no_browser: bool) -> None:
    """Open JupyterLab on the notebooks, for this machine only."""
    import os
    import subprocess

    from labkit.layout import ROOT

    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={ROOT}",
        "--LabApp.default_url=/lab/tree/notebooks",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if no_browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # as in a container
    # Without it every new user is asked for leave to fetch news.
    settings = str(ROOT / "labkit" / "jupyter")
    searched = os.pathsep.join(filter(None, [settings, os.environ.get("JUPYTER_CONFIG_PATH", "")]))
    environment = os.environ | {"JUPYTER_CONFIG_PATH": searched}
    sys.exit(subprocess.call([sys.executable, "-m", "jupyterlab", *options], env=environment))
