"""Options in groups, options that exclude each other, and faults of the machine as sentences."""

import re
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from labkit import cli, deidentification
from labkit.cli import shown
from labkit.errors import RunError
from labkit.extraction import chat

REMOTE, LOCAL = "https://models.example/v1", "http://127.0.0.1:9/v1"


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def test_help_shows_every_option_once_under_its_heading_in_80_columns():
    output = labkit("extract", "--help").output
    headings = re.findall(r"^(\w+).*:$", output, re.MULTILINE)
    assert headings == ["Options", "Endpoint", "Answers", "Limits", "What", "Privacy"]
    told = re.findall(r"^  (?:-\w, )?(--[\w-]+)", output, re.MULTILINE)
    options = [option.opts[-1 if len(option.opts[0]) == 2 else 0] for option in cli.main.commands["extract"].params[1:]]
    assert sorted(told) == sorted([*options, "--help"])
    assert max(len(line) for line in output.splitlines()) <= 80
    assert "..." not in labkit("--help").output.split("Commands:")[1]


class Answers(list):
    stopped, record = None, {"warnings": []}

    def quality(self):
        return {"violations": 0, "raised": 0}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Runs `labkit extract` with a model that is never reached; gives what it would have been asked with."""
    (tmp_path / "r.csv").write_text("report_id;report\na;Olekranonfraktur.\n", encoding="utf-8")
    given = {}

    @contextmanager
    def never_reached(reports, **options):
        given.update(options)
        yield Answers([chat.Answer(report_id, "refused", "the model refused to answer") for report_id, _ in reports])

    def extract(*more, url=LOCAL):
        where = ["-t", "elbow", "-x", "openai", "--model", "m", "--base-url", url, "-o", tmp_path / "l.csv"]
        ran = labkit("extract", tmp_path / "r.csv", *where, *more)
        return ran, given

    monkeypatch.setattr(chat, "extract", never_reached)
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    return extract


def test_what_is_not_given_is_the_default_and_what_is_refused_is_not_sent(asked):
    ran, given = asked()
    assert ran.exit_code == 0, ran.output
    assert (given["settings"].temperature, given["settings"].seed) == (0.2, 1)
    _, given = asked("--no-temperature", "--no-seed")
    assert given["settings"].temperature is None and given["settings"].seed is None
    _, given = asked("--temperature", 0, "--seed", 7)
    assert (given["settings"].temperature, given["settings"].seed) == (0, 7)


def test_texts_pass_the_gate_unless_they_stay_in_the_house_or_name_nobody(asked):
    assert asked()[1]["deidentify"] is None
    assert asked("--deidentify")[1]["deidentify"].__wrapped__.__func__ is deidentification.Gate.clean
    assert asked(url=REMOTE)[1]["deidentify"].__wrapped__.__func__ is deidentification.Gate.clean
    assert asked("--local-host", "models.example", url=REMOTE)[1]["deidentify"] is None
    assert asked("--texts-already-anonymised", url=REMOTE)[1]["deidentify"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", 1, "--no-seed"], "--seed and --no-seed: give one of them."),
        (["--temperature", 0, "--no-temperature"], "--temperature and --no-temperature: give one of them."),
        (["--deidentify", "--already-anonymised"], "--deidentify and --already-anonymised: give one of them."),
    ],
)
def test_options_that_exclude_each_other_are_refused(asked, options, message):
    ran, given = asked(*options)
    assert ran.exit_code == 2 and message in ran.output and not given


def test_a_model_named_for_the_rules_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("report_id;report\na;Olekranonfraktur.\n", encoding="utf-8")
    ran = labkit("extract", tmp_path / "r.csv", "-t", "elbow", "--model", "m", "-o", tmp_path / "l.csv")
    assert ran.exit_code == 2 and "--model: the rules ask no model; add --extractor openai" in ran.output
    assert not (tmp_path / "l.csv").exists()


def test_what_is_missing_goes_to_stderr(tmp_path):
    (tmp_path / "r.csv").write_text("report_id;report\na;Olekranonfraktur.\nb;\n", encoding="utf-8")
    ran = labkit("extract", tmp_path / "r.csv", "-t", "elbow", "-o", tmp_path / "l.csv")
    assert ran.exit_code == 0
    assert ran.stdout == f"{tmp_path / 'l.csv'}: labels of 1 of 2 reports.\n"
    assert ran.stderr == f"{tmp_path / 'l.status.csv'} says why 1 have none.\n"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(28, "No space left on device", "/data/l.csv"), 1, "/data/l.csv: No space left on device.\n"),
        (RunError("the step stopped; run it again."), 1, "RunError: the step stopped; run it again.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_a_fault_of_the_machine_is_one_sentence(error, code, message):
    main = shown.Group("main")

    @main.command()
    def fail():
        raise error

    ran = CliRunner().invoke(main, ["fail"])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (code, "", message)
