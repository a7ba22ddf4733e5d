"""Commands on networks: train, predict, export."""

import os
import sys
from pathlib import Path

import click

from labkit.cli.shown import Command

__all__ = ["export", "predict", "train"]

FILE = click.Path(path_type=Path)
TABLE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command, short_help="Train the networks of a study, on one or several processors.")
@click.argument("params", type=FILE)
@click.option("--policy", "names", multiple=True, metavar="NAME", help="One or more policies.  [default: the params']")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(min=0), help="Seeds.  [default: the params']")
def train(params: Path, names: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    """Train the networks of a study whose labels are made (steps 01 and 02 of labkit run).

    The next labkit run finds them and trains nothing again. Killed, the same command goes on after the last epoch.
    Under torchrun all processes train one network together.

    \b
    Examples:
      labkit train params/elbow.yaml --policy inclusive
      torchrun --nproc-per-node 4 --no-python labkit train params/elbow.yaml
    """
    from labkit import params as studies
    from labkit.errors import ParamsError
    from labkit.params.study import BASE_DIR_VARIABLE
    from labkit.training import reporting, studying

    study = studies.load(params)
    os.environ[BASE_DIR_VARIABLE] = str(study.base_dir)
    leads = os.environ.get("RANK", "0") == "0"
    unknown = sorted(set(names) - set(study.policies))
    if unknown:
        known = ", ".join(study.policies)
        raise ParamsError(f"--policy {unknown[0]}: the params name {known}; add it there, or choose one of these.")
    for policy in names or study.policies:
        given = study.parameters("training", str(policy))
        given["training"] = given["training"] | ({"seeds": list(dict.fromkeys(seeds))} if seeds else {})
        p = studies.Training.check(**given)
        if leads:
            click.echo(f"{p.anatomy} · {policy}")
        runs = studying.train(p, progress=reporting.epoch_line() if leads else None)
        if leads:
            click.echo(reporting.overview(runs).to_string(index=False))


@click.command(cls=Command, short_help="Apply a trained network to a folder of radiographs.")
@click.argument("model", type=FILE)
@click.argument("folder", type=FILE)
@click.option("-o", "--output", required=True, type=TABLE, help="CSV of scores; a .left_out.csv is written beside it.")
@click.option("--cache", "cache_dir", type=FILE, help="Where decoded images are kept.  [default: a temporary folder]")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Decoding processes.")
def predict(model: Path, folder: Path, output: Path, cache_dir: Path | None, workers: int) -> None:
    """Apply a trained network to a folder of radiographs.

    MODEL is a network.pt, or the folder of a policy's networks, whose mean is taken. Writes study, accession_number,
    study_date, finding and score (0 to 1), a row per study and finding. The files hold identifiers: they stay in the
    hospital.

    \b
    Example:
      labkit predict build/my_study/elbow/inclusive/model /data/dicom -o predictions.csv
    """
    import tempfile

    from tqdm import tqdm

    from labkit import tables
    from labkit.training import applying

    runs = applying.find_networks(model)
    with tempfile.TemporaryDirectory() as scratch, tqdm(unit="image", disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        applied = applying.predict_folder(
            runs, folder, cache_dir=cache_dir or scratch, workers=workers, progress=progress
        )
    tables.write_csv(applied.scores, output)
    beside = output.with_suffix(".left_out.csv")
    tables.write_csv(applied.left_out, beside)
    n_studies, n_findings = applied.scores["study"].nunique(), len(runs[0].findings)
    click.echo(f"{output}: {n_studies} studies, {n_findings} findings, mean of {len(runs)} network(s).")
    click.echo(f"{beside}: {len(applied.left_out)} studies and images left out.")
    for reason, n in (
        applied.left_out["reason"].str.replace(r"\d[\d,.]*", "n", regex=True).value_counts().head(8).items()
    ):
        click.echo(f"  {n:>6}  {reason}")


@click.command(cls=Command, short_help="Write a trained network for other programs.")
@click.argument("model", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", required=True, type=TABLE, help=".pt: TorchScript; .pt2: torch.export; .onnx: ONNX.")
def export(model: Path, output: Path) -> None:
    """Write a trained network for other programs, and check that it says the same.

    \b
    Example:
      labkit export build/my_study/elbow/inclusive/model/seed_1/network.pt -o elbow.pt
    """
    from labkit import training

    run = training.read(model)
    difference = training.export(run, output)
    click.echo(f"{output}: agrees with the network within {difference:.1g} on random images.")
    click.echo(
        f"Takes images (n, {len(run.views)}, {run.settings.image_size_px}, {run.settings.image_size_px}) in [0, 1]"
    )
    click.echo(f"  of the views {', '.join(run.views)}; gives the probabilities of {len(run.findings)} findings:")
    click.echo("  " + "; ".join(run.findings))
