"""The command `labkit`: check and run a study, or do one step of it for a file or a folder.

Modules are imported by the command that needs them, so that `labkit --help` answers at once.
"""

import sys
from pathlib import Path

import click

from labkit import __version__
from labkit.errors import LabkitError

__all__ = ["main"]

FILE = click.Path(path_type=Path)
TABLE = click.Path(path_type=Path, dir_okay=False)
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Group(click.Group):
    """Shows labkit's errors as sentences: exit code 2 for bad input, 130 for an interrupt."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except LabkitError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("Interrupted; what was finished is kept. The same command goes on from there.", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            ctx.exit(0)


@click.group(cls=Group, context_settings=HELP)
@click.version_option(__version__, prog_name="labkit")
def main() -> None:
    """From free-text radiology reports to verified labels, image classifiers and reports to publish.

    \b
    A study from its params files:
      labkit check params/elbow.yaml        says what is wrong and what would run
      labkit run params/*.yaml --jobs 4     runs it; pages in reports/index.html
    One step for a file or folder:
      labkit extract reports.csv --template elbow --extractor rules -o labels.csv
      labkit index dicom/ -o images.csv --decode
    """


@main.command()
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


@main.command()
@click.argument("params", nargs=-1, required=True, type=FILE)
def check(params: tuple[Path, ...]) -> None:
    """Check params and inputs and say what would run; runs nothing.

    Reads every report file, counts the image folders' files, and lists each fault in one sentence. Exit code: 0 ready,
    2 something is wrong.
    """
    from labkit import checking

    sys.exit(checking.check(list(params), say=click.echo))


@main.command()
@click.argument("reports", type=FILE)
@click.option("-t", "--template", required=True, help="Name in params/templates, or path of a YAML file.")
@click.option("-x", "--extractor", type=click.Choice(["rules", "openai"]), default="rules", show_default=True)
@click.option("-o", "--output", required=True, type=TABLE, help="CSV of labels; a .status.csv is written beside it.")
@click.option("--id-column", default="report_id", show_default=True)
@click.option("--text-column", default="report", show_default=True)
@click.option("--base-url", help="Address of an OpenAI-compatible endpoint, such as http://localhost:8000/v1.")
@click.option("--model", help="Model at the endpoint; the key comes from OPENAI_API_KEY.")
@click.option("--provider", type=click.Choice(["openai", "azure"]), help="azure: an Azure OpenAI resource.")
@click.option(
    "--mode", type=click.Choice(["auto", "json_schema", "tools", "json_object"]), help="How JSON is asked for."
)
@click.option("--concurrency", type=int, help="Calls at the same time.")
@click.option("--temperature", type=float, help="Sampling temperature; the study used 0.2.")
@click.option("--seed", type=int, help="Seed, where the endpoint honours one.")
@click.option("--samples", type=int, help="Answers per report; their vote share is the confidence.")
@click.option("--timeout", "timeout_s", type=float, help="Seconds per call.")
@click.option("--max-completion-tokens", type=int, help="Longest answer.")
@click.option("--budget", type=float, help="Stop before this cost is passed, in the price table's currency.")
@click.option("--prices", help="Price table: a name in params or a path.")
@click.option("--prompt", help="Prompt: a name in params/prompts or a path.")
@click.option("--store", type=FILE, help="SQLite file that keeps every answer.  [default: beside the output]")
@click.option("--retry-failed", is_flag=True, help="Ask again for reports whose last answer failed.")
@click.option("--already-anonymised", is_flag=True, help="The texts name nobody: send them as they are.")
def extract(reports: Path, template: str, extractor: str, output: Path, id_column: str, text_column: str, **asked):
    """Label every report of a CSV or JSON-lines file.

    Writes report_id, finding (the study's name), value (true, false, uncertain) and the quoted evidence; and beside it
    one row per report with its status and reason. An interrupted extraction goes on with the same command.

    \b
    Examples:
      labkit extract reports.csv --template elbow -o labels.csv
      labkit extract reports.jsonl -t thumb -x openai --base-url http://localhost:8000/v1 \\
          --model my-model --concurrency 32 --store answers.sqlite -o labels.csv
    """
    from labkit import labels_file

    request = labels_file.Request(
        reports=reports,
        template=template,
        extractor=extractor,
        output=output,
        id_column=id_column,
        text_column=text_column,
    )
    sys.exit(labels_file.extract(request, options={k: v for k, v in asked.items() if v is not None}, say=click.echo))


@main.command()
@click.argument("folder", type=FILE)
@click.option("-o", "--output", required=True, type=TABLE, help="CSV with one row per file.")
@click.option("--decode", is_flag=True, help="Decode every image and add the SHA-256 of its stored pixel values.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: all cores where it pays]")
@click.option("--allow-rgb", is_flag=True, help="Count colour images (screenshots) as usable.")
def index(folder: Path, output: Path, decode: bool, workers: int | None, allow_rgb: bool) -> None:
    """List what each file of a folder is, and why it cannot be used.

    Any nesting, any suffix; DICOM, PNG and JPEG. A broken file is a row with a reason and stops nothing.

    \b
    Example:
      labkit index /data/dicom -o images.csv --decode
    """
    from tqdm import tqdm

    from labkit import radiographs, tables

    with tqdm(unit="file", disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        rules = radiographs.IndexRules(allow_rgb=allow_rgb)
        found = radiographs.index(folder, rules=rules, decode=decode, workers=workers, progress=progress)
    tables.atomic_write(output, found.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    usable = int((found.usable == "true").sum())
    click.echo(f"{output}: {len(found)} files, {usable} usable, {len(found) - usable} not.")
    reasons = found.loc[found.usable == "false", "reason"].str.replace(r"\d[\d,.]*", "n", regex=True)
    for reason, n in reasons.value_counts().head(12).items():
        click.echo(f"  {n:>6}  {reason}")


@main.command()
@click.option("-t", "--template", required=True, help="Name in params/templates, or path of a YAML file.")
@click.option("-o", "--output", required=True, type=FILE, help="Folder to write the cohort to.")
@click.option("--n-internal", type=int, default=250, show_default=True, help="Studies of the internal hospital.")
@click.option("--n-external", type=int, default=100, show_default=True, help="Studies of the external hospital.")
@click.option("--image-size-px", type=int, default=512, show_default=True, help="Long side of the radiographs.")
@click.option("--uncertain-share", type=float, default=0.03, show_default=True, help="Share of uncertain labels.")
@click.option("--seed", type=int, default=1, show_default=True)
def synthetic(template: str, output: Path, **settings) -> None:
    """Make a synthetic cohort: reports, DICOM radiographs and the truth behind them.

    The same settings give the same bytes. Nothing in it is a person.
    """
    from pydantic import ValidationError

    from labkit import synthetic as generator
    from labkit import templates
    from labkit.errors import ParamsError
    from labkit.params import messages

    try:
        checked = generator.Settings(**settings)
    except ValidationError as error:
        raise ParamsError("\n".join(messages.sentences(error, settings, generator.Settings))) from None
    made = generator.generate(templates.load(template), checked, output)
    for name, site in made.sites.items():
        click.echo(f"{name}: {site.n_studies} studies of {site.n_patients} patients, {site.n_images} images")


@main.command()
@click.argument("folder", type=FILE)
@click.option("--params", required=True, type=FILE, help="Params file of the study whose columns hold the identifiers.")
def scan(folder: Path, params: Path) -> None:
    """Look for the cohort's identifiers in everything below a folder that is to be shared.

    Exit code: 0 none found, 1 something was found. The identifiers themselves are not printed.
    """
    from labkit import cohort, deidentification
    from labkit import params as studies

    study = studies.load(params)
    texts = cohort.texts(study.cohort, resolve=study.resolve, keys_path=study.layout.keys)
    found = deidentification.scan_folder(folder, cohort.known_identifiers(texts))
    for path, kind, n in found:
        click.echo(f"{path}: {n} x {kind}")
    click.echo(f"{folder}: {len(found)} finds." if found else f"{folder}: no identifier of the cohort was found.")
    sys.exit(1 if found else 0)


@main.command()
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
