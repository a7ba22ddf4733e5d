"""01 end to end with a model beside the rules: real `labkit run`, real client, a server on loopback that has faults."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from labkit import synthetic, tables, templates
from labkit.extraction import methods
from labkit.layout import Layout

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from llm_server import LlmServer  # noqa: E402 - the test server is no package

pytestmark = pytest.mark.notebooks

LABKIT = Path(sys.executable).with_name("labkit")
N_REPORTS = 20 + 10
PROBED = "No abnormality"


class Faults:
    """The first text that comes is refused, the second meets a server error, the third gets an invented quote."""

    def __init__(self):
        self.kinds = ["refusal", "500", "invented"]
        self.seen: dict[str, str | None] = {}

    def __call__(self, text, attempt):
        if text.startswith(PROBED):
            return None
        if text not in self.seen:
            self.seen[text] = self.kinds[len(self.seen)] if len(self.seen) < len(self.kinds) else None
        return self.seen[text]


@pytest.fixture(scope="module")
def server():
    with LlmServer(fault=Faults()) as running:
        yield running


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, server):
    """Reports of two sites without radiographs, and a params file like the demonstration's."""
    folder = tmp_path_factory.mktemp("hospital")
    settings = synthetic.Settings(seed=4, n_internal=20, n_external=10, image_size_px=48)
    synthetic.generate(templates.load("elbow"), settings, folder / "made")
    content = yaml.safe_load((ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8"))
    del content["synthetic"]
    content["study"] = "model"
    content["paths"] |= {name: f"out/{name}" for name in ("build_dir", "reports_dir", "reviews_dir")}
    for name, site in content["cohort"]["sites"].items():
        site |= {"images": None, "reports": f"made/{name}/reports.csv"}
    model = {"model": "test-model", "base_url": server.base_url, "concurrency": 4, "max_attempts": 2}
    content["extraction"] |= {"extractors": ["openai", "rules"], "openai": model, "show_text": False}
    content["verification"] |= {"simulated_reader": None, "show_text": False}
    (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def labkit(folder, *arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENAI_API_KEY": "test-key"}
    return subprocess.run(
        [LABKIT, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def done(hospital):
    ran = labkit(hospital, "run", "study.yaml", "--jobs", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return hospital


@pytest.fixture
def layout(done):
    return Layout(
        done / "out" / "build_dir", done / "out" / "reports_dir", done / "out" / "reviews_dir", "model", "elbow"
    )


@pytest.fixture
def page(layout):
    return (layout.reports / "01_extraction.html").read_text(encoding="utf-8")


def shared_texts(layout):
    """Everything that may be shared as text, an Excel or Word file by its parts, a PDF by its unpacked streams."""
    found = {}
    for path in (p for p in layout.reports_dir.rglob("*") if p.suffix != ".png" and p.is_file()):
        if path.suffix in (".xlsx", ".docx"):
            with zipfile.ZipFile(path) as package:
                found[path] = "".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())
        elif path.suffix == ".pdf":
            packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
            found[path] = "".join(zlib.decompress(part).decode("latin-1") for part in packed)
        else:
            found[path] = path.read_text(encoding="utf-8")
    return found


def report_texts(done):
    for path in (done / "made").rglob("reports.csv"):
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file, delimiter=";" if b";" in path.read_bytes()[:200] else ",")


def identifiers(done, *kinds):
    with open(done / "made" / "identifiers.csv", encoding="utf-8") as file:
        return {row["text"] for row in csv.DictReader(file) if not kinds or row["kind"] in kinds}


def test_both_extractors_give_labels_for_every_report_or_a_reason(layout):
    answers = tables.read(layout.answers, tables.ANSWERS)
    findings = tables.read(layout.findings, tables.FINDINGS)
    assert answers.groupby("source").size().to_dict() == {"openai": N_REPORTS, "rules": N_REPORTS}
    failed = answers[answers.status != "ok"]
    assert set(failed.status) == {"refused", "error"} and (failed.reason != "").all()
    labelled = findings.groupby("source")["study_id"].nunique()
    assert labelled["rules"] == N_REPORTS and labelled["openai"] == N_REPORTS - len(failed)
    assert not set(failed.study_id) & set(findings[findings.source == "openai"].study_id)


def test_the_page_lists_failures_and_says_how_to_ask_again(page, layout):
    answers = tables.read(layout.answers, tables.ANSWERS)
    failures = page[page.index('id="failures"') : page.index('id="findings"')]
    for study_id in answers[answers.status != "ok"].study_id:
        assert study_id in failures
    assert "the model refused to answer" in failures and "extraction.retry_failed: true" in failures


def test_the_page_holds_every_item_of_the_checklist_and_the_prompt(page, layout):
    text = re.sub(r"\s+", " ", page)
    for item, details in methods.ITEMS:
        assert all(f">{part}</th>" in text for part in (item, *details)), item
    for said in ("test-model-2026-01-01", "this machine (loopback)", "temperature 0.2", "de-identified before sending"):
        assert said in text, said
    prompt = (layout.reports / "tables" / "prompt_extraction.md").read_text(encoding="utf-8")
    assert "You read one radiology report of the elbow" in prompt and prompt.splitlines()[2][:40] in page
    schema = json.loads((layout.reports / "tables" / "answer_schema.json").read_text(encoding="utf-8"))
    assert len(schema["properties"]) == len(templates.load("elbow").findings)
    table = pd.read_csv(layout.reports / "tables" / "mi_clear_llm.csv")
    assert list(table.columns) == ["item", "detail", "openai", "rules"] and table.notna().all().all()


def test_disagreements_are_a_table_with_quotes_in_the_build_folder_only(layout, page):
    differing = tables.read(layout.disagreements, tables.DISAGREEMENTS)
    assert len(differing) and (differing.first_value != differing.second_value).all()
    assert (differing.first_value + differing.second_value).iloc[0] in {"truefalse", "falsetrue"}
    quotes = {q for q in differing.second_evidence if len(q) > 12}
    assert quotes and not [quote for quote in quotes if quote in page]
    assert "openai: value" in page and "rules: value" in page and "kappa" in page


def test_the_invented_quote_is_counted_as_one(layout, page):
    findings = tables.read(layout.findings, tables.FINDINGS)
    invented = findings[findings.grounded == "false"]
    assert len(invented) and set(invented.source) == {"openai"}
    cell = r"quotes that are not in the report</th>\s*<td>{}</td>\s*<td>0</td>"
    assert re.search(cell.format(len(invented)), page)


def test_placeholders_are_counted_by_type_and_site(page):
    identifiers = page[page.index('id="identifiers"') : page.index('id="failures"')]
    assert "with placeholders" in identifiers and ">DATE<" in identifiers
    assert re.search(r">internal</td>\s*<td>20</td>", identifiers) and re.search(
        r">external</td>\s*<td>10</td>", identifiers
    )


def test_nothing_shared_holds_a_sentence_a_name_the_key_or_the_address(layout, done, server):
    column = {"internal": "Befundtext", "external": "report"}
    texts = [row.get(column["internal"]) or row.get(column["external"]) for row in report_texts(done)]
    wanted = {
        "sentence": {s.strip() for text in texts for s in re.split(r"[.\n]", text) if len(s.strip()) > 30},
        "identifier": {text for text in identifiers(done) if len(text) > 5},
        "key": {"test-key"},
        "address": {f":{server.port}"},
    }
    assert len(wanted["sentence"]) > 50 and len(wanted["identifier"]) > 50
    shared = shared_texts(layout).items()
    found = {(path.name, kind) for path, t in shared for kind, parts in wanted.items() if any(p in t for p in parts)}
    assert found == set()


def test_nothing_sent_holds_a_name(done, server):
    names = identifiers(done, "first", "last")
    sent = set(re.findall(r"\w+", " ".join(server.calls)))
    assert len(names) > 20 and len(sent) > 200 and names & sent == set()


def papermill(done, out):
    """01 without labkit's run: nothing says that nobody is there, so the viewer is made."""
    command = [sys.executable, "-m", "papermill", ROOT / "notebooks" / "01_extraction.ipynb", out]
    options = ["-f", done / "study.yaml", "--no-progress-bar", "--log-level", "ERROR"]
    variables = {"OMP_NUM_THREADS": "1", "OPENAI_API_KEY": "test-key", "LABKIT_BASE_DIR": str(done)}
    environment = os.environ | variables
    ran = subprocess.run([*command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return nbformat.read(out, as_version=4)


def test_a_rerun_costs_no_call_gives_the_same_tables_and_saves_no_word_with_the_viewer(done, layout, server):
    kept = [layout.findings, layout.answers, layout.disagreements, layout.reports / "tables" / "mi_clear_llm.csv"]
    before, calls = [path.read_bytes() for path in kept], server.total
    assert "up to date" in labkit(done, "run", "study.yaml").stdout
    saved = papermill(done, done / "plain.ipynb")
    assert server.total == calls
    assert [path.read_bytes() for path in kept] == before
    assert "labkit-browser" in json.dumps(saved.metadata["widgets"]), "the viewer was made"
    whole = (done / "plain.ipynb").read_text(encoding="utf-8")
    quotes = {q for q in tables.read(layout.findings, tables.FINDINGS).evidence if len(q) > 12}
    assert quotes and [quote for quote in quotes if json.dumps(quote, ensure_ascii=False)[1:-1] in whole] == []


def test_failed_reports_alone_are_asked_again_where_the_params_say_so(done, layout, server):
    """The last test of this file: it changes the study."""
    failed = sum(kind in {"refusal", "500"} for kind in server.fault.seen.values())
    server.fault.seen = dict.fromkeys(server.fault.seen)  # the server is well again
    calls = server.total
    params = done / "study.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("retry_failed: false", "retry_failed: true"))
    papermill(done, done / "again.ipynb")
    assert server.total - calls == failed == 2
    assert set(tables.read(layout.answers, tables.ANSWERS).status) == {"ok"}
    assert "None: every report was labelled." in (done / "again.ipynb").read_text(encoding="utf-8")
