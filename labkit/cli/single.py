"""Commands that do one step for a file or a folder: extract, index, synthetic."""

import sys
from functools import partial
from pathlib import Path

import click

from labkit.cli.shown import Command

__all__ = ["extract", "index", "synthetic"]

FILE = click.Path(path_type=Path)
TABLE = click.Path(path_type=Path, dir_okay=False)
ENDPOINT = ("base_url", "model", "provider", "api_version", "mode", "local_hosts")
ANSWERS = ("temperature", "no_temperature", "seed", "no_seed", "samples", "reasoning_effort", "batch", "prompt")
LIMITS = ("concurrency", "timeout_s", "max_completion_tokens", "budget", "prices")
KEPT = ("store", "retry_failed")
PRIVACY = ("known_column", "deidentify", "already_anonymised")
SECTIONS = {
    "Endpoint (--extractor openai; the key comes from OPENAI_API_KEY)": ENDPOINT,
    "Answers": ANSWERS,
    "Limits": LIMITS,
    "What is kept": KEPT,
    "Privacy (texts to an endpoint outside this machine are de-identified)": PRIVACY,
}


@click.command(cls=Command, sections=SECTIONS)
@click.argument("reports", type=TABLE)
@click.option("-t", "--template", required=True, help="Name in params/templates, or path of a YAML file.")
@click.option("-x", "--extractor", type=click.Choice(["rules", "openai"]), default="rules", show_default=True)
@click.option("-o", "--output", required=True, type=TABLE, help="CSV of labels; a .status.csv is written beside it.")
@click.option("--id-column", default="report_id", show_default=True)
@click.option("--text-column", default="report", show_default=True)
@click.option("--base-url", metavar="URL", help="Any OpenAI-compatible address, such as http://localhost:8000/v1.")
@click.option("--model", metavar="NAME", help="Model at the endpoint; for Azure the deployment.")
@click.option("--provider", type=click.Choice(["openai", "azure"]), help="azure: an Azure OpenAI resource.")
@click.option("--api-version", metavar="DATE", help="Azure only.")
@click.option(
    "--mode",
    type=click.Choice(["auto", "json_schema", "tools", "json_object"]),
    metavar="MODE",
    help="How JSON is asked for: json_schema, tools, json_object, or auto, which tries them.",
)
@click.option("--local-host", "local_hosts", multiple=True, metavar="HOST", help="A host inside the hospital.")
@click.option("--temperature", type=float, help="Sampling temperature.  [default: 0.2, as in the study]")
@click.option("--no-temperature", is_flag=True, help="Send none, for models that refuse it.")
@click.option("--seed", type=int, help="Seed, where the endpoint honours one.  [default: 1]")
@click.option("--no-seed", is_flag=True, help="Send none.")
@click.option("--samples", type=int, help="Answers per report; their vote share is the confidence.")
@click.option("--reasoning-effort", metavar="LEVEL", help="none, minimal, low, medium or high.")
@click.option("--batch", is_flag=True, help="By the Batch API: half the price, answers within a day.")
@click.option("--prompt", metavar="NAME", help="Prompt: a name in params/prompts or a path.")
@click.option("--concurrency", type=int, help="Calls at the same time.")
@click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="Longest call.")
@click.option("--max-completion-tokens", type=int, metavar="N", help="Longest answer.")
@click.option("--budget", type=float, metavar="SUM", help="Stop before it is passed, in the price table's currency.")
@click.option("--prices", metavar="NAME", help="Price table: a name in params or a path.")
@click.option("--store", type=FILE, help="SQLite file that keeps every answer.  [default: beside the output]")
@click.option("--retry-failed", is_flag=True, help="Ask again for reports whose last answer failed.")
@click.option(
    "--known-column",
    multiple=True,
    metavar="NAME",
    help="Column of names, birth dates or numbers that no text may still hold; repeat it for each.",
)
@click.option("--deidentify", is_flag=True, help="Do so for an endpoint on this machine, too.")
@click.option(
    "--already-anonymised",
    "--texts-already-anonymised",
    "already_anonymised",
    is_flag=True,
    help="The texts name nobody: send them as they are.",
)
def extract(reports: Path, template: str, extractor: str, output: Path, id_column: str, text_column: str, **asked):
    """Label every report of a CSV or JSON-lines file.

    Writes report_id, finding (the study's name), value (true, false, uncertain), the quoted evidence, whether the quote
    stands in the report (grounded) and where, the model's confidence, and whether the value was raised to that of a
    part of the finding (raised); beside it one row per report with its status and reason (.status.csv), and how the
    labels were made (.record.json). An interrupted extraction goes on with the same command. Exit code: 0
    finished, also where single reports failed; 1 stopped early; 2 wrong input.

    \b
    Examples:
      labkit extract reports.csv --template elbow -o labels.csv
      labkit extract reports.jsonl -t thumb -x openai --model my-model \\
          --base-url http://localhost:8000/v1 --concurrency 32 -o labels.csv
      labkit extract reports.csv -t thumb -x openai --model gpt-4o \\
          --known-column patient_name --known-column birth_date -o labels.csv
    """
    import gc

    from labkit import labels_file

    # Hundreds of thousands of small rows follow, and none of them is garbage: look for it more rarely.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    request = labels_file.Request(
        reports=reports,
        template=template,
        extractor=extractor,
        output=output,
        id_column=id_column,
        text_column=text_column,
    )
    warn = partial(click.echo, err=True)
    sys.exit(labels_file.extract(request, options=_options(asked), say=click.echo, warn=warn))


def _options(asked: dict) -> dict:
    """The options that were given, by the names of the settings; None for what is not to be sent."""
    given = {name: value for name, value in asked.items() if value is not None and value is not False and value != ()}
    for name in ("temperature", "seed"):
        if given.pop(f"no_{name}", False):
            if name in given:
                raise click.UsageError(f"--{name} and --no-{name}: give one of them.")
            given[name] = None
    if "deidentify" in given and "already_anonymised" in given:
        raise click.UsageError("--deidentify and --already-anonymised: give one of them.")
    return given


@click.command(cls=Command)
@click.argument("folder", type=FILE)
@click.option("-o", "--output", required=True, type=TABLE, help="CSV with one row per file.")
@click.option("--decode", is_flag=True, help="Decode every image and add the SHA-256 of its stored pixel values.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: all cores where it pays]")
@click.option("--allow-rgb", is_flag=True, help="Count colour images (screenshots) as usable.")
@click.option("--modality", "modalities", multiple=True, metavar="CODE", help="Only these are usable, such as DX.")
@click.option("--body-part", "body_parts", multiple=True, metavar="WORD", help="Only these, such as ELBOW.")
@click.option(
    "--path-pattern",
    metavar="REGEX",
    default="",
    help="Named groups of it fill what headers leave empty: the way to identify PNG and JPEG files.",
)
def index(folder: Path, output: Path, decode: bool, workers: int | None, **rules) -> None:
    """List what each file of a folder is, and why it cannot be used.

    Any nesting, any suffix; DICOM, PNG and JPEG. A broken file is a row with a reason and stops nothing.

    \b
    Examples:
      labkit index /data/dicom -o images.csv --decode
      labkit index /data/png -o images.csv \\
          --path-pattern '(?P<accession_number>A[0-9]+)_(?P<view>ap|lat)'
    """
    from pydantic import ValidationError
    from tqdm import tqdm

    from labkit import radiographs, tables
    from labkit.errors import ParamsError
    from labkit.params import messages

    try:
        checked = radiographs.IndexRules(**rules)
    except ValidationError as error:
        raise ParamsError("\n".join(messages.sentences(error, rules, radiographs.IndexRules))) from None
    with tqdm(unit="file", disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = radiographs.index(folder, rules=checked, decode=decode, workers=workers, progress=progress)
    tables.write_csv(found, output)
    usable = int((found.usable == "true").sum())
    click.echo(f"{output}: {len(found)} files, {usable} usable, {len(found) - usable} not.")
    reasons = found.loc[found.usable == "false", "reason"].str.replace(r"\d[\d,.]*", "n", regex=True)
    for reason, n in reasons.value_counts().head(12).items():
        click.echo(f"  {n:>6}  {reason}")


@click.command(cls=Command, short_help="Make a synthetic cohort with a known truth.")
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
