"""The command `labkit dose`: trainings at several shares of uncertain labels."""

import os
from pathlib import Path

import click

from labkit.cli.shown import Command

__all__ = ["dose"]


@click.command(cls=Command, short_help="Train at several shares of uncertain labels: does the policy matter?")
@click.argument("params", type=click.Path(path_type=Path))
def dose(params: Path) -> None:
    """Train every policy at the shares of uncertain labels and the seeds of evaluation.dose, and compare.

    Needs the labels of steps 01 and 02 (labkit run). Labels are turned into uncertain at random; all networks are
    judged on the same verified test labels. Writes dose.csv into the anatomy's build folder; the next labkit run shows
    it in 04 and draws it in 05. Killed, the same command goes on with what is missing.

    \b
    Example, with dose: {shares: [0.02, 0.1, 0.2], seeds: [1, 2, 3], ...} in the params:
      labkit dose params/elbow.yaml
    """
    from labkit import params as studies
    from labkit.errors import ParamsError
    from labkit.evaluation import doses, dosing
    from labkit.params.study import BASE_DIR_VARIABLE

    study = studies.load(params)
    if not study.evaluation.dose.shares:
        raise ParamsError("evaluation.dose.shares: it is empty, so there is nothing to train; give [0.02, 0.1, 0.2].")
    os.environ[BASE_DIR_VARIABLE] = str(study.base_dir)
    names = study.evaluation.dose.policies or study.policies
    steps = {name: studies.Training.check(**study.parameters("training", str(name))) for name in names}

    def say(done: int, in_all: int, policy: str, share: float, seed: int) -> None:
        click.echo(f"{done + 1}/{in_all}  {study.anatomy} · {policy} · {100 * share:g} % uncertain · seed {seed}")

    found = dosing.run(steps, settings=study.evaluation, say=say)
    click.echo(doses.trend_table(found, settings=study.evaluation).to_string(index=False))
