"""`labkit extract`: one file of reports to one file of labels, every row accounted for."""

import csv
import json

import pytest
from click.testing import CliRunner
from llm_server import LlmServer

from labkit import cli, templates


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def reports(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text('nr;text\n0012;"Fraktur des Olekranons."\n2;\n3;"Kein Hinweis auf eine Fraktur."\n4;zu;viel\n')
    return path


def extract(reports, *more):
    output = reports.with_name("labels.csv")
    ran = labkit("extract", reports, "-t", "elbow", "--id-column", "nr", "--text-column", "text", "-o", output, *more)
    return ran, output


def test_extract_writes_labels_and_a_status_for_every_row(reports):
    ran, output = extract(reports)
    assert ran.exit_code == 0, ran.output
    assert "labels of 2 of 4 reports" in ran.output
    labels = rows(output)
    assert list(labels[0]) == [
        *("report_id", "finding", "value", "evidence", "start", "end", "grounded", "confidence", "raised")
    ]
    names = templates.load("elbow").names
    assert [(row["report_id"], row["finding"]) for row in labels] == [(i, n) for i in ("0012", "3") for n in names]
    found = {(row["report_id"], row["finding"]): row["value"] for row in labels}
    assert found["0012", "Olecranon Fracture"] == found["0012", "Ulna Fracture"] == "true"
    assert found["3", "Fracture (All Locations)"] == "false"
    status = {row["report_id"] or "broken": row for row in rows(output.with_suffix(".status.csv"))}
    assert len(status) == 4
    assert status["0012"]["status"] == "ok" and status["2"]["status"] == "skipped"
    assert "3 fields" in status["broken"]["reason"]


def test_extract_reads_json_lines_and_a_template_by_path(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"report_id": "a", "report": "Olecranon fracture."}) + "\n")
    template = templates.TEMPLATES_DIR / "elbow.yaml"
    ran = labkit("extract", tmp_path / "r.jsonl", "-t", template, "-o", tmp_path / "l.csv")
    assert ran.exit_code == 0, ran.output
    assert len(rows(tmp_path / "l.csv")) == 29


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--id-column", "id"], "the column 'id' (for report_id) is not there; the file has nr, text."),
        (["-t", "knee"], "knee: no such template; known names: clavicle, elbow, thumb."),
        (["-x", "openai"], "--model is missing"),
        (["-x", "openai", "--model", "m", "--base-url", "x"], "--base-url: give an address such as"),
        (["-x", "openai", "--model", "m", "--base-url", "http://u:sesame@h/v1"], "key comes from the environment.\n"),
        (["-x", "openai", "--model", "m", "--base-url", "http://h/v1?key=sesame"], "key comes from the environment.\n"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(reports, change, message):
    ran, output = extract(reports, *change)
    assert ran.exit_code == 2
    assert message in ran.output
    assert "Traceback" not in ran.output and "sesame" not in ran.output and not output.exists()


def test_every_row_comes_out_again_with_a_status_and_its_reason(tmp_path):
    lines = [
        '1;"Fraktur."',
        "2;",
        ";ohne Nummer",
        "3;a",
        "3;b",
        "4;gleich",
        "4;gleich",
        '5;"offen',
        "6;zu;viel",
        "7;ok",
    ]
    path = tmp_path / "r.csv"
    path.write_bytes("\n".join(["nr;text", *lines, ""]).encode() + b"8;br\xf6ken \xc3\n" + "9;Größe\n".encode())
    ran, output = extract(path)
    assert ran.exit_code == 0, ran.output
    status = rows(output.with_suffix(".status.csv"))
    assert len(status) == len(lines) + 2
    assert [row["report_id"] for row in status if row["status"] == "ok"] == ["1", "4", "7", "9"]
    assert all((row["status"] == "ok") != bool(row["reason"]) for row in status)
    assert list(status[0]) == [
        *("report_id", "status", "reason", "model", "prompt_tokens", "completion_tokens", "cost", "seconds", "row")
    ]
    assert [row["row"] for row in status] == [str(n + 1) for n in range(len(status))]
    assert f"{output}: labels of 4 of 12 reports." in ran.output
    assert f"{output.with_suffix('.status.csv')} says why 8 have none." in ran.output
    assert "ohne Nummer" not in ran.output and "ohne Nummer" not in output.with_suffix(".status.csv").read_text()


def test_the_same_reports_give_the_same_bytes(reports):
    _, output = extract(reports)
    first = output.read_bytes()
    extract(reports)
    assert output.read_bytes() == first and b"\r" not in first


def ask(reports, server, *more):
    options = ["-x", "openai", "--model", "test-model", "--base-url", server.base_url, "--concurrency", 2]
    return extract(reports, *options, *more)


def test_a_model_is_asked_once_per_report_and_an_interrupted_run_goes_on(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with LlmServer() as server:
        ran, output = ask(reports, server)
        assert ran.exit_code == 0, ran.output
        asked = dict(server.calls)
        again, _ = ask(reports, server)
        assert again.exit_code == 0 and dict(server.calls) == asked
    names = templates.load("elbow").names
    assert [row["finding"] for row in rows(output)] == [*names, *names]
    status = {row["report_id"]: row for row in rows(output.with_suffix(".status.csv"))}
    assert int(status["0012"]["prompt_tokens"]) > 0 and status["0012"]["model"].startswith("test-model")
    assert status["2"]["prompt_tokens"] == "", "a report that was not asked for has no tokens, not 0"


def test_a_quote_that_no_report_holds_is_flagged_and_every_other_one_is_grounded(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with LlmServer(fault=lambda text, _: "invented" if "Olekranon" in text else None) as server:
        _, output = ask(reports, server)
    found = {(row["report_id"], row["finding"]): row for row in rows(output)}
    invented, denied = found["0012", "Fracture (All Locations)"], found["3", "Fracture (All Locations)"]
    assert (invented["value"], invented["grounded"]) == ("true", "false")
    assert (denied["evidence"], denied["grounded"]) == ("Kein Hinweis auf eine Fraktur.", "true")
    assert found["3", "Ossicles"]["grounded"] == "" and 0 <= float(denied["confidence"]) <= 1
    _, output = extract(reports)
    assert {(row["grounded"], row["confidence"]) for row in rows(output)} == {("true", ""), ("", "")}


@pytest.mark.parametrize("extractor", ["rules", "openai"])
def test_the_place_of_a_quote_is_written_and_a_value_raised_by_the_hierarchy_is_marked(reports, monkeypatch, extractor):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    text = "Klinik: Sturz.\nOlekranonfraktur."

    def child_alone(text, ids):
        answer = {i: {"evidence": "", "value": "false"} for i in ids}
        return answer | {"olecranon_fracture": {"evidence": "Olekranonfraktur", "value": "true"}}

    monkeypatch.setattr("llm_server.labels", child_alone)
    reports.write_bytes(b'nr;text\n1;"Klinik: Sturz.\r\nOlekranonfraktur."\n')
    with LlmServer() as server:
        ran, output = ask(reports, server) if extractor == "openai" else extract(reports)
    found = {row["finding"]: row for row in rows(output)}
    whole, part, silent = found["Ulna Fracture"], found["Olecranon Fracture"], found["Ossicles"]
    for row in (whole, part):
        assert row["value"] == "true" and text[int(row["start"]) : int(row["end"])] == row["evidence"] != ""
    assert (silent["start"], silent["end"], silent["raised"]) == ("", "", "false")
    assert (whole["raised"], part["raised"]) == ("true", "false")
    told = "2 values were raised to those of their parts (column raised)." in ran.output
    assert told == (extractor == "openai"), "parts are all that rules read; a model has broken the hierarchy"


def test_a_record_of_the_run_is_written_without_texts_ids_or_key(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with LlmServer() as server:
        _, output = ask(reports, server)
    content = output.with_suffix(".record.json").read_text()
    record = json.loads(content)["openai"]
    assert record["sampling"]["temperature"] == "0.2, accepted" and len(record["prompt_sha256"]) == 64
    assert record["capabilities"]["mode"] == "json_schema" and record["statuses"]["ok"] == 2
    assert not [word for word in ("Olekranon", "0012", "test-key", "127.0.0.1") if word in content]
    extract(reports)
    assert list(json.loads(output.with_suffix(".record.json").read_text())) == ["rules"]


def test_values_of_named_columns_and_ids_never_leave_in_a_text(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    path = tmp_path / "r.csv"
    text = "Lang sieht Jürgen das anders, Nr. R-77012. Fraktur. A-4711."
    path.write_text(f'nr;text;name;fall\nR-77012;"{text}";"Lang, Jürgen";A-4711\n', encoding="utf-8")
    names = ["--known-column", "name", "--known-column", "fall"]
    with LlmServer() as server:
        ran, _ = ask(path, server, "--deidentify", *names)
        sent = server.bodies[-1]["messages"][-1]["content"]
        assert ran.exit_code == 0, ran.output
        assert not [word for word in ("Lang", "Jürgen", "R-77012", "A-4711") if word in sent], sent
        assert "Fraktur." in sent
        as_it_is, _ = ask(path, server, *names)
        misspelt, _ = ask(path, server, "--deidentify", "--known-column", "nam")
    assert as_it_is.exit_code == misspelt.exit_code == 2
    assert "--known-column: the texts are sent as they are; leave it out, or add --deidentify." in as_it_is.output
    assert "r.csv: the column 'nam' is not there; the file has nr, text, name, fall." in misspelt.output


def test_a_run_without_any_answer_leaves_earlier_labels_as_they_were(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with LlmServer() as server:
        _, output = ask(reports, server)
        before = {path.suffixes[-2:][0]: path.read_bytes() for path in output.parent.glob("labels*.[cj]s*")}
        ran, _ = ask(reports, server, "--model", "misspelt")
    assert ran.exit_code == 1 and "left as it was, since no report has labels from this run." in ran.output
    assert "Stopped early: Endpoint 127.0.0.1 has no model 'misspelt'" in ran.output
    assert before == {path.suffixes[-2:][0]: path.read_bytes() for path in output.parent.glob("labels*.[cj]s*")}
    assert len(before) == 3


def test_calls_tokens_and_cost_are_told_before_they_are_made_and_the_end_of_a_model_as_well(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    table = reports.with_name("mine.yaml")
    table.write_text("currency: EUR\ndated: 2026-01-01\nsource: me\n"
                     "models: {test-model: {input: 100, cached_input: 100, output: 100}}\n")  # fmt: skip
    with LlmServer(shutdown_date="2027-01-14") as server:
        ran, _ = ask(reports, server, "--prices", table)
        again, _ = ask(reports, server, "--prices", table)
        free, _ = ask(reports, server, "--store", reports.with_name("other.sqlite"))
    assert "2 calls for 2 reports, 0 answered: about " in ran.output and " EUR (" in ran.output
    assert "Endpoint: the provider announces to switch this model off on 2027-01-14." in ran.output
    assert "calls for" not in again.output
    assert "test-model has no price in the table." in free.output


def test_a_run_that_stops_early_keeps_every_row_and_is_exit_code_1(reports, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with LlmServer(fault=lambda text, attempt: "quota") as server:
        ran, output = ask(reports, server)
    assert ran.exit_code == 1
    assert "Stopped early: " in ran.output and "Traceback" not in ran.output
    assert "labels of 0 of 4 reports" in ran.output
    assert len(rows(output.with_suffix(".status.csv"))) == 4


def test_an_output_that_would_replace_what_is_read_is_refused(reports):
    before = reports.read_bytes()
    options = ["-t", "elbow", "--id-column", "nr", "--text-column", "text"]
    for output in (reports, reports.parent / "." / reports.name):
        ran = labkit("extract", reports, *options, "-o", output)
        assert ran.exit_code == 2 and "would replace the reports; give --output another name." in ran.output
    status = reports.rename(reports.with_name("x.status.csv"))
    assert labkit("extract", status, *options, "-o", reports.with_name("x.csv")).exit_code == 2
    assert status.read_bytes() == before
    model = ["-x", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"]
    ran = labkit("extract", status, *options, *model, "-o", reports.with_name("x.sqlite"))
    assert ran.exit_code == 2 and "would replace the store of answers" in ran.output
    assert [path.name for path in reports.parent.iterdir()] == ["x.status.csv"]


@pytest.mark.parametrize("extractor", ["rules", "openai"])
def test_an_output_without_a_folder_is_refused_before_anything_is_read(tmp_path, extractor):
    options = ["-t", "elbow", "-x", extractor, "--model", "m", "--base-url", "http://127.0.0.1:9/v1"]
    ran = labkit("extract", tmp_path / "not-read.csv", *options, "-o", tmp_path / "none" / "l.csv")
    assert ran.exit_code == 2
    assert f"there is no folder {tmp_path / 'none'}; make it first." in ran.output
    assert list(tmp_path.iterdir()) == []


def test_a_remote_endpoint_without_a_key_is_refused_before_anything_is_sent(reports, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ran, _ = extract(reports, "-x", "openai", "--model", "m")
    assert ran.exit_code == 2
    assert "OPENAI_API_KEY is not set" in ran.output
