"""The whole study through the command line: a params file written from scratch for files outside the repository.

One cohort, run once for all tests of this file; the tests read the files that the run leaves, not its cells.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import synthetic, tables, templates
from labkit.layout import Layout

pytestmark = pytest.mark.notebooks

LABKIT = Path(sys.executable).with_name("labkit")
PARAMS = """
study: trial
anatomy: clavicle
policies: [inclusive, exclusive]
paths: {template: clavicle, build_dir: out/build, reports_dir: out/reports, reviews_dir: out/reviews}
cohort:
  link_by: accession_number
  missing_view: drop
  view_rules: []
  sites:
    home:
      test_only: false
      reports: home/befunde.csv
      images: home/bilder
      columns: {report_id: Befund-ID, report: Befundtext, accession_number: Anforderungsnummer,
                patient_id: Patienten-ID}
    away:
      test_only: true
      reports: away/reports.csv
      images: away/dicom
      columns: {report_id: report_id, report: report, accession_number: accession_number, birth_date: birth_date}
extraction:
  extractors: [rules]
  rules: {unlikely_is_uncertain: true, consistent_with_is_uncertain: true, effusion_is_fat_pad_sign: true,
          consolidated_is_false: true}
  openai: null
  show_text: false
verification:
  split: {train: 0.64, validation: 0.16, test: 0.2, seed: 3}
  simulated_reader: null
  show_text: false
training: {backbone: resnet18, weights: none, shared_trunks: false, image_size_px: 32, recipe: study, epochs: 1,
           batch_size: 16, learning_rate: 1.0e-3, step_epochs: 7, step_factor: 0.1, weight_decay: 0.01, flip_share: 0.5,
           rotation_degrees: 10.0, min_positives: 1, device: cpu, precision: fp32, cpu_threads: 1,
           checkpoint_every: 0, seeds: [1]}
evaluation: {min_positives: 2, min_tuning_positives: 1, level: 0.95, margin: 0.02, power: 0.8}
figures: {max_findings: 4, dpi: 72}
"""


def labkit(folder, *arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [LABKIT, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """Two hospitals' files with a broken report row and two broken images among them, and the params file."""
    folder = tmp_path_factory.mktemp("hospital")
    settings = synthetic.Settings(seed=4, n_internal=60, n_external=24, image_size_px=48)
    synthetic.generate(templates.load("clavicle"), settings, folder / "made")
    for site, name, reports, images in (
        ("internal", "home", "befunde", "bilder"),
        ("external", "away", "reports", "dicom"),
    ):
        (folder / name).mkdir()
        (folder / "made" / site / "reports.csv").rename(folder / name / f"{reports}.csv")
        (folder / "made" / site / "dicom").rename(folder / name / images)
    with open(folder / "away" / "reports.csv", "a", encoding="utf-8") as file:
        file.write("lost,fields\n")
    first, second = sorted((folder / "home" / "bilder").rglob("*.dcm"))[:2]
    first.write_bytes(first.read_bytes()[:900])
    second.write_bytes(b"no image")
    (folder / "study.yaml").write_text(PARAMS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(hospital):
    """The finished run."""
    ran = labkit(hospital, "run", "study.yaml", "--jobs", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "All done" in ran.stdout.splitlines()[-1]
    return hospital


@pytest.fixture
def layout(done):
    out = done / "out"
    return Layout(out / "build", out / "reports", out / "reviews", "trial", "clavicle")


def test_check_says_what_is_there_and_what_would_run(hospital):
    checked = labkit(hospital, "check", "study.yaml")
    assert checked.returncode == 0, checked.stdout
    assert "home: 60 reports in 60 rows" in checked.stdout
    assert "away: 24 reports in 25 rows" in checked.stdout
    assert "clavicle · exclusive · training" in checked.stdout
    assert not (hospital / "out").exists()


def test_every_step_leaves_its_page(layout):
    policies = [layout.policy(name).reports for name in ("inclusive", "exclusive", "all")]
    pages = [layout.reports / "01_extraction.html", layout.reports / "02_verification.html"]
    pages += [folder / f"{step}.html" for folder in policies for step in ("04_evaluation", "05_figures")]
    pages += [folder / "03_training.html" for folder in policies[:2]]
    assert [page for page in pages if not page.is_file()] == []
    assert (layout.reports_dir / "index.html").is_file()
    assert not list(layout.reports.rglob("*.failed.html"))


def test_every_table_keeps_its_contract(layout):
    part = layout.policy("inclusive")
    read = [
        (tables.STUDIES, layout.studies),
        (tables.IMAGES, layout.images),
        (tables.FINDINGS, layout.findings),
        (tables.ANSWERS, layout.answers),
        (tables.SPLITS, layout.splits),
        (tables.LABELS, layout.labels),
        (tables.TARGETS, part.targets),
        (tables.CURVES, part.curves),
        (tables.METRICS, layout.policy("all").metrics),
    ]
    for table, path in read:
        assert len(tables.read(path, table)), path
    scores = tables.read(part.predictions, tables.PREDICTIONS)
    assert scores["score"].between(0, 1).all()
    assert set(scores["split"]) == {"validation", "test", "external"}
    exported = part.reports / "tables" / "training_labels.csv"
    assert len(exported.read_text().splitlines()) > 30


def test_broken_files_are_rows_with_a_reason_in_table_and_page(layout):
    excluded = tables.read(layout.excluded, tables.EXCLUDED)
    reports = excluded[excluded.kind == "report"]
    images = excluded[excluded.kind == "image"]
    assert len(images) == 2 and (images.reason != "").all()
    assert reports.reason.str.fullmatch(r"line \d+ has 2 fields where the header has 8").sum() == 1
    assert len(reports) == 3  # the broken row, and two reports whose image is broken
    page = (layout.reports / "01_extraction.html").read_text(encoding="utf-8")
    assert "has 2 fields where the header has 8" in page
    assert all(reason in page for reason in images.reason)


def test_no_patient_is_in_two_splits_and_the_other_hospital_is_test_only(layout):
    labels = tables.read(layout.labels, tables.LABELS)
    assert labels.groupby("patient")["split"].nunique().max() == 1
    assert set(labels[labels.site == "away"]["split"]) == {"external"}


def test_pages_say_that_nobody_verified_and_name_nobody(layout, done):
    shown = [page.read_text(encoding="utf-8") for page in layout.reports_dir.rglob("*.html")]
    assert sum("Unverified labels" in page for page in shown) >= 9
    shown += [page.read_text(encoding="utf-8") for page in layout.reports_dir.rglob("*.ipynb")]
    with open(done / "made" / "identifiers.csv", encoding="utf-8") as file:
        names = {row["text"] for row in csv.DictReader(file) if len(row["text"]) > 5}
    assert len(names) > 100
    assert [name for name in names if any(name in page for page in shown)] == []
    assert not any(str(done) in page for page in shown)


def test_a_second_run_does_nothing(done):
    again = labkit(done, "run", "study.yaml")
    assert again.returncode == 0
    assert "up to date" in again.stdout


def test_a_changed_parameter_reruns_what_reads_it_alone(done):
    text = (done / "study.yaml").read_text(encoding="utf-8")
    (done / "study.yaml").write_text(text.replace("margin: 0.02", "margin: 0.03"), encoding="utf-8")
    planned = labkit(done, "check", "study.yaml").stdout
    (done / "study.yaml").write_text(text, encoding="utf-8")
    steps = {line.split("·")[-1].split()[0] for line in planned.splitlines() if "·" in line}
    assert {"evaluation"} <= steps <= {"evaluation", "figures"}


def test_plain_papermill_runs_a_step(done):
    command = [sys.executable, "-m", "papermill", "notebooks/04_evaluation.ipynb", done / "plain.ipynb"]
    options = ["-f", done / "study.yaml", "-p", "policy", "inclusive", "--no-progress-bar", "--log-level", "ERROR"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"LABKIT_BASE_DIR": str(done), "OMP_NUM_THREADS": "1"}
    before = (done / "out/build/trial/clavicle/inclusive/metrics.csv").read_bytes()
    ran = subprocess.run([*command, *options], cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert (done / "out/build/trial/clavicle/inclusive/metrics.csv").read_bytes() == before
    assert json.loads((done / "plain.ipynb").read_text())["metadata"]["papermill"]["exception"] is None
