"""What `labkit check` says of a model that is to be asked: endpoint, calls, cost, what is removed, and a sample."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from llm_server import LlmServer
from test_checking import OWN, files

from labkit import checking, cli, params
from labkit.checking import outgoing, reach
from labkit.deidentification import Cleaned, Span
from labkit.extraction import chat
from labkit.extraction.settings import Settings

NAMES = ("Beispielfrau, Gundula", "Quasthoff, Otto")
COLUMNS = "report_id;report;accession_number;patient_id;study_date;sex;birth_date;name"
EXTERNAL = """    external:
      test_only: true
      reports: external.csv
      images: null
      columns: {report_id: report_id, report: report, accession_number: accession_number, patient_id: patient_id}
"""
SECRETS = ("Beispielfrau", "Gundula", "Quasthoff", "0221", "1960", "Huber", "test-key")


def text(n):
    surname, given = NAMES[n % 2].split(", ")
    return (
        f"\x1b[2JPat. {given} {surname}, geb. 01.02.1960. Fall Nummer {'x' * n}: Olekranonfraktur. {surname} wurde "
        "informiert, Tel. 0221 478-4000. gez. Dr. med. Huber"
    )


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """Writes a study of two sites without radiographs that asks a model; gives its params file."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")

    def write(n=6, **settings):
        rows = [f'{i};"{text(i)}";A-7700{i};P-5500{i};2024-05-31;W;1960-02-01;"{NAMES[i % 2]}"' for i in range(n)]
        (tmp_path / "reports.csv").write_text("\n".join([COLUMNS, *rows, ""]), encoding="utf-8")
        rows = [f"{i},Regelrechte Stellung.,B-{i},Q-{i}" for i in range(3)]
        head = "report_id,report,accession_number,patient_id"
        (tmp_path / "external.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
        chosen = {"model": "test-model", "base_url": "http://127.0.0.1:9/v1"} | settings
        listed = ", ".join(f"{name}: {value}" for name, value in chosen.items())
        content = OWN.replace("data/elbow/reports.csv ", "reports.csv ").replace(
            "images: data/elbow/dicom", "images: null"
        )
        content = content.replace("extractors: [rules]", "extractors: [openai]")
        content = content.replace("  openai: null ", f"  openai: {{{listed}}} ")
        content = content.replace("        sex: sex ", "        patient_name: name\n        sex: sex ")
        (tmp_path / "elbow.yaml").write_text(
            content.replace("\nextraction:", f"{EXTERNAL}\nextraction:"), encoding="utf-8"
        )
        return tmp_path / "elbow.yaml"

    return write


def check(path, *, n_sample=0, seed=1):
    """Exit code, what was said, and the lines of text that were shown."""
    said, shown = [], []
    code = checking.check([path], say=said.append, show=shown.append, n_sample=n_sample, seed=seed)
    return code, [line.strip() for line in said], [line.strip() for line in shown]


def test_calls_tokens_and_what_is_removed_are_said_per_site(hospital):
    path = hospital()
    before = files(path.parent)
    code, said, shown = check(path)
    assert code == 0 and shown == []
    start = said.index("openai: model test-model at 127.0.0.1, on this machine")
    assert said[start + 1 : start + 3] == [
        "texts are de-identified before they are sent",
        "WARNING: the endpoint cannot be reached (Connection refused)",
    ]
    assert said[start + 3] == "internal: 6 reports, 6 calls"
    assert said[start + 4].endswith("out; the model has no price in the table, so the cost is not known")
    assert said[start + 5] == "removed from 6 of them: 12 names, 6 physicians, 6 dates, 6 phone numbers"
    assert said[start + 6] == (
        "external: 3 reports, 1 calls, 2 need none (answered already, or the same text as another)"
    )
    assert said[start + 8] == "nothing is removed from them"
    assert said[start + 9].startswith("together: 9 reports, 7 calls, 2 need none")
    assert files(path.parent) == before, "nothing was made or changed"


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ("null", "no budget is set: the run does not stop by itself"),
        ("100", "within the budget of 100 USD"),
        ("0.001", "WARNING: the run would stop at the budget of 0.001 USD before its end; answers so far are kept"),
    ],
)
def test_cost_is_said_with_its_range_against_the_budget(hospital, budget, sentence):
    code, said, _ = check(hospital(model="gpt-4o", budget=budget))
    assert code == 0 and sentence in said
    path = hospital(model="gpt-4o", budget=budget)
    study = params.load(path)
    reports = [(str(i), text(i)) for i in range(6)]
    gate = outgoing.Cleaning({})
    expected = chat.estimate(
        reports,
        template=study.template,
        settings=study.extraction.openai,
        store_path=path.parent / "s.sqlite",
        deidentify=gate.clean,
    )
    line = next(line for line in said if "USD (" in line)
    assert line.endswith(f"about {expected.cost:.2f} USD ({expected.cost_low:.2f} to {expected.cost_high:.2f})")


def test_what_the_run_has_answered_needs_no_call_and_calibrates_the_estimate(hospital, tmp_path):
    with LlmServer() as server:
        path = hospital(base_url=server.base_url)
        study = params.load(path)
        study.layout.answer_store.parent.mkdir(parents=True)
        read = {name: checking.inputs.corpus.load(study.resolve(s.reports), s.columns)
                for name, s in study.cohort.sites.items()}  # fmt: skip
        gate = outgoing.Cleaning(read)
        four = [(str(i), text(i)) for i in range(4)]
        settings = study.extraction.openai
        with chat.extract(four, template=study.template, settings=settings, store_path=study.layout.answer_store,
                          deidentify=gate.clean, progress=False) as answers:  # fmt: skip
            assert [answer.status for answer in answers] == ["ok"] * 4
        calls = server.total
        _, said, _ = check(path)
        assert server.total == calls, "no report was sent"
    assert "internal: 6 reports, 2 calls, 4 need none (answered already, or the same text as another)" in said
    assert "the endpoint answers within 0.1 s and has the model" in said or any("has the model" in s for s in said)


def test_the_sample_shows_placeholders_and_no_identifier(hospital):
    path = hospital()
    _, said, shown = check(path, n_sample=3)
    rows = [line for line in shown if line.startswith("---")]
    assert len(rows) == 3 and all(row.startswith("--- internal, row ") for row in rows)
    assert sum(line.count("[NAME]") for line in shown) == 6 and "[PHYSICIAN]" in "".join(shown)
    assert [secret for secret in SECRETS if secret in "\n".join(said + shown)] == []
    assert "\x1b" not in "".join(shown)
    assert check(path, n_sample=3)[2] == shown, "the same seed shows the same"
    assert check(path, n_sample=3, seed=2)[2] != shown
    assert "Olekranonfraktur" not in "\n".join(said), "text is shown, never said"


def test_a_sample_shows_as_many_kinds_as_there_are():
    kinds = [(), ("DATE",), ("NAME",), ("NAME", "DATE"), ("PHONE",), ()]
    cleaned = [Cleaned("x" * 50, tuple(Span(9 * i, 9 * i + 3, kind) for i, kind in enumerate(own))) for own in kinds]
    for seed in range(5):
        assert sorted(outgoing.choose(cleaned, 2, rng=np.random.default_rng(seed))) == [3, 4]
    assert sorted(outgoing.choose(cleaned, 99, rng=np.random.default_rng(1))) == list(range(6))
    assert outgoing.choose([], 3, rng=np.random.default_rng(1)) == []


def test_texts_that_name_nobody_by_the_params_are_not_shown(hospital):
    code, said, shown = check(hospital(texts="already anonymised"), n_sample=3)
    assert code == 0 and shown == []
    assert "texts go out as they are: the params state that they are already anonymised; none is shown" in said
    assert not any("removed" in line for line in said)


def test_a_missing_key_is_a_fault_outside_the_hospital_alone(hospital, monkeypatch):
    monkeypatch.setattr(reach, "probe", lambda settings: reach.Reached(True, "answers"))
    monkeypatch.delenv("OPENAI_API_KEY")
    assert check(hospital())[0] == 0
    code, said, _ = check(hospital(base_url="https://models.example/v1"))
    assert code == 2
    assert "openai: model test-model at models.example, outside the hospital" in said
    assert said[-2] == (
        "elbow.yaml: extraction.openai: endpoint models.example: the environment variable OPENAI_API_KEY is not set; "
        "export the key there (it belongs in no params file)."
    )
    listed = hospital(base_url="https://models.example/v1", local_hosts="[models.example]")
    code, said, _ = check(listed)
    assert code == 0
    assert "openai: model test-model at models.example, which local_hosts lists as inside the hospital" in said


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"budget": 5}, "budget: model 'test-model' has no price in the table of"),
        ({"prompt": "none"}, "none: no such prompt; known names: extraction."),
        ({"prices": "none"}, "none.yaml: no such price table"),
    ],
)
def test_what_would_stop_the_run_at_its_start_is_a_fault(hospital, settings, part):
    code, said, _ = check(hospital(**settings))
    assert code == 2 and said[-1] == "1 fault; nothing was run."
    assert said[-2].startswith(f"elbow.yaml: extraction.openai: {part}")


@pytest.mark.parametrize(
    ("server", "settings", "well", "words"),
    [
        ({}, {}, True, "has the model"),
        ({"key": "other"}, {}, False, "refuses the key in OPENAI_API_KEY (HTTP 401)"),
        ({"models": ("other",)}, {}, False, "answers, but does not list the model 'test-model'"),
    ],
)
def test_an_endpoint_is_asked_for_its_models_alone(monkeypatch, server, settings, well, words):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with LlmServer(**server) as running:
        found = reach.probe(Settings(model="test-model", base_url=running.base_url, **settings))
        assert (found.well, running.total) == (well, 0)
    assert words in found.words and "test-key" not in found.words


def test_a_local_endpoint_that_wants_a_key_says_so():
    with LlmServer() as running:
        found = reach.probe(Settings(model="test-model", base_url=running.base_url))
    assert found == reach.Reached(False, "wants a key, and OPENAI_API_KEY is not set (HTTP 401)")


def test_a_prompt_of_ones_own_is_looked_for_beside_the_params_file(hospital, monkeypatch, tmp_path):
    path = hospital(prompt="own.md")
    (tmp_path / "own.md").write_text("Read the report.", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, said, _ = check(path)
    assert code == 0 and any("6 reports, 6 calls" in line for line in said), said


def test_an_endpoint_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(reach, "_ask", lambda settings, timeout_s: reach.time.sleep(0.5))
    found = reach.probe(Settings(model="m", base_url="http://127.0.0.1:9/v1"), timeout_s=0.05)
    assert found == reach.Reached(False, "does not answer within 0.05 s")


def labkit(*arguments):
    return CliRunner().invoke(cli.main, ["check", *map(str, arguments)])


def test_the_command_shows_text_where_it_is_asked_for_or_a_person_looks(hospital):
    path = hospital()
    assert "[NAME]" in labkit(path, "--sample", 2).output
    piped = labkit(path).output
    assert "[NAME]" not in piped and "--sample 3 shows it here" in piped
    for quiet in (["--no-sample"], ["--sample", 0]):
        output = labkit(path, *quiet).output
        assert "[NAME]" not in output and "sample" not in output
    both = labkit(path, "--sample", 2, "--no-sample")
    assert both.exit_code == 2 and "--sample and --no-sample: give one of them." in both.output
