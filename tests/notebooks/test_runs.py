"""The whole study through the command line: a params file written from scratch for files outside the repository.

One cohort, run once for all tests of this file; the tests read the files that the run leaves, not its cells.
"""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from labkit import synthetic, tables, templates
from labkit.layout import Layout

pytestmark = pytest.mark.notebooks

LABKIT = Path(sys.executable).with_name("labkit")
ROOT = Path(__file__).parents[2]
# An absolute path of any machine; the letters before it are those of base64 and of addresses.
PLACE = re.compile(r"(?<![\w/.:+-])/(?:home|root|tmp|work|Users|usr|opt|mnt|var)/\w|[A-Z]:\\\\?Users")
SHARED = {".html", ".ipynb", ".csv", ".svg"}
PARAMS = """
study: trial
anatomy: clavicle
policies: [inclusive, exclusive]
paths: {template: clavicle, build_dir: out/build, reports_dir: out/reports, reviews_dir: out/reviews}
cohort:
  link_by: accession_number
  missing_view: drop
  view_rules: []
  radiographs: {several_images: newest, window: 0, crop: false, mirror_to: none, bits: 8, burnt_in_text: mask}
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
  retry_failed: false
  show_text: false
verification:
  split: {train: 0.64, validation: 0.16, test: 0.2, seed: 3}
  simulated_reader: null
  sample: {design: random, cases: 10, seed: 3}
  queue: {low_confidence: 0.8, rare: 2}
  bootstrap: {n_resamples: 200, level: 0.95, seed: 3}
  wanted_width: 0.02
  show_text: false
training: {backbone: resnet18, weights: none, shared_trunks: false, pooling: concatenate, grey: three_channels,
           image_size_px: 32, recipe: study, strong: {}, epochs: 1, batch_size: 16, accumulate: 1,
           learning_rate: 1.0e-3, step_epochs: 7, step_factor: 0.1, weight_decay: 0.01, flip_share: 0.5,
           rotation_degrees: 10.0, flips_at_test: false, soft: [0.55, 0.85], min_positives: 1, device: cpu,
           precision: fp32, channels_last: auto, compile: auto, deterministic: true, cpu_threads: 1,
           checkpoint_every: 0, tensorboard: false, seeds: [1]}
evaluation: {endpoint: macro_auc, findings: [], min_positives: 2, min_tuning_positives: 1, level: 0.95, margin: 0.02,
             power: 0.8, auc_interval: robust, rate_interval: bootstrap, n_resamples: 200, seed: 1,
             operating_point: youden, fixed_sensitivity: 0.9, fixed_specificity: 0.9, n_bins: 10, min_cell: 5,
             age_bands: [18, 40, 65], show_cases: true,
             dose: {shares: [], seeds: [1], policies: [], true_share: null}}
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
    both = tables.read(layout.policy("all").metrics, tables.METRICS)
    assert {"inclusive", "exclusive", "inclusive - exclusive"} <= set(both["policy"])


@pytest.mark.parametrize("policy", ["inclusive", "exclusive"])
def test_every_study_that_is_not_trained_on_has_a_score_for_every_finding(layout, policy):
    part = layout.policy(policy)
    scores = tables.read(part.predictions, tables.PREDICTIONS)
    assert scores["score"].between(0, 1).all()
    assert set(scores["split"]) == {"validation", "test", "external"} and set(scores["policy"]) == {policy}
    labels = tables.read(layout.labels, tables.LABELS)
    kept = labels[labels.split != "train"][["study_id", "finding"]]
    assert set(map(tuple, scores[["study_id", "finding"]].to_numpy())) == set(map(tuple, kept.to_numpy()))


@pytest.mark.parametrize("policy", ["inclusive", "exclusive"])
def test_labels_for_a_partner_hold_what_the_policy_makes_of_doubt(layout, policy):
    part = layout.policy(policy)
    targets = tables.read(part.targets, tables.TARGETS)
    doubtful = targets[targets.value == "uncertain"]
    assert len(doubtful) and set(doubtful.target) == {1.0 if policy == "inclusive" else 0.0}
    with open(part.reports / "tables" / "training_labels.csv", encoding="utf-8") as file:
        wide = list(csv.DictReader(file))
    assert list(wide[0]) == ["study_id", "split", *dict.fromkeys(targets.finding)]
    assert len(wide) == targets.study_id.nunique() and {row["split"] for row in wide} == {"train", "validation"}


def test_figures_come_as_svg_pdf_png_data_and_caption(layout):
    names = {"cohort_flow", "label_distribution", "label_agreement", "label_accuracy", "auc_by_site", "learning"}
    kinds = ("roc", "pr", "auc", "calibration", "decision")
    names |= {f"{kind}_{site}" for kind in kinds for site in ("home", "away")}
    for policy in ("inclusive", "all"):
        folder = layout.policy(policy).reports / "figures"
        found = {path.name for path in folder.iterdir()}
        assert {f"{name}{suffix}" for name in names for suffix in (".svg", ".pdf", ".png", ".csv", ".txt")} <= found


def test_tables_text_and_checklists_come_for_the_paper(layout):
    for policy in ("inclusive", "all"):
        found = {path.name for path in layout.policy(policy).manuscript.iterdir()}
        names = {"table_1_cohort", "table_2_extraction", "table_3_performance"}
        assert {f"{name}{suffix}" for name in names for suffix in (".html", ".csv", ".tex", ".docx")} <= found
        assert {"methods.html", "methods.docx", "checklist_claim_2024.docx", "references.bib"} <= found
    text = (layout.policy("all").manuscript / "methods.html").read_text(encoding="utf-8")
    assert "No test label was verified" in text and "SYNTHETIC" not in text


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
    shared = {p: p.read_text(encoding="utf-8") for p in layout.reports_dir.rglob("*") if p.suffix in SHARED}
    unverified = {path.stem for path, text in shared.items() if path.suffix == ".html" and "Unverified labels" in text}
    assert unverified >= {"02_verification", "03_training", "04_evaluation", "05_figures"}
    with open(done / "made" / "identifiers.csv", encoding="utf-8") as file:
        names = {row["text"] for row in csv.DictReader(file) if len(row["text"]) > 5}
    assert len(names) > 100
    pattern = re.compile("|".join(re.escape(name) for name in names))
    assert [path.name for path, text in shared.items() if pattern.search(text)] == []
    assert [path.name for path, text in shared.items() if PLACE.search(text) or str(done) in text] == []


def test_the_command_that_looks_for_identifiers_finds_none(done):
    scanned = labkit(done, "scan", "out/reports", "--params", "study.yaml")
    assert scanned.returncode == 0, scanned.stdout
    assert "no identifier of the cohort was found" in scanned.stdout


def test_pages_need_no_network(layout):
    for page in layout.reports_dir.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|@import|url\(["']?https?:""", text), page.name


def test_a_second_run_does_nothing(done):
    again = labkit(done, "run", "study.yaml")
    assert again.returncode == 0
    assert "up to date" in again.stdout


def test_an_identifier_in_what_may_be_shared_fails_the_run_until_it_is_gone(done, layout):
    number = tables.read(layout.keys, tables.KEYS).accession_number.iloc[0]
    letter, first_page = layout.reports / "letter.txt", layout.reports_dir / "index.html"
    letter.write_text(f"The study with the number {number}.", encoding="utf-8")
    ran = labkit(done, "run", "study.yaml")
    assert ran.returncode == 1
    assert "stand in 1 file, first trial/clavicle/letter.txt (1 number)" in ran.stdout and number not in ran.stdout
    assert "Do not share these reports" in first_page.read_text(encoding="utf-8")
    letter.unlink()
    assert labkit(done, "run", "study.yaml").returncode == 0
    assert "Do not share these reports" not in first_page.read_text(encoding="utf-8")


def papermill(notebook, out, *options, **variables):
    command = [sys.executable, "-m", "papermill", ROOT / "notebooks" / notebook, out, *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    quiet = ["--no-progress-bar", "--log-level", "ERROR"]
    ran = subprocess.run([*command, *quiet], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(out.read_text(encoding="utf-8"))["metadata"]["papermill"]["exception"] is None


def test_plain_papermill_runs_the_first_step_on_absolute_paths(done, layout):
    """A params file of one's own, no variable set, nothing of labkit's run."""
    content = yaml.safe_load((done / "study.yaml").read_text(encoding="utf-8"))
    content["study"] = "plain"
    for name in ("build_dir", "reports_dir", "reviews_dir"):
        content["paths"][name] = str(done / "plain" / name)
    for site in content["cohort"]["sites"].values():
        site |= {name: str(done / site[name]) for name in ("reports", "images")}
    (done / "plain.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    papermill("01_extraction.ipynb", done / "01.ipynb", "-f", done / "plain.yaml")
    own = Layout(*(done / "plain" / n for n in ("build_dir", "reports_dir", "reviews_dir")), "plain", "clavicle")
    for name in ("keys", "studies", "findings", "answers", "excluded"):
        assert getattr(own, name).read_bytes() == getattr(layout, name).read_bytes(), name


def test_plain_papermill_runs_a_step_of_one_policy(done, layout):
    metrics = layout.policy("inclusive").metrics
    before = metrics.read_bytes()
    options = ["-f", done / "study.yaml", "-p", "policy", "inclusive"]
    papermill("04_evaluation.ipynb", done / "04.ipynb", *options, LABKIT_BASE_DIR=str(done))
    assert metrics.read_bytes() == before


def test_a_changed_margin_runs_evaluation_and_figures_again_and_nothing_else(done, layout):
    """The last test of this file: it changes the study."""
    text = (done / "study.yaml").read_text(encoding="utf-8")
    (done / "study.yaml").write_text(text.replace("margin: 0.02", "margin: 0.03"), encoding="utf-8")
    planned = labkit(done, "check", "study.yaml").stdout
    due = {line.split("·")[-1].split()[0] for line in planned.splitlines() if "·" in line}
    assert {"evaluation"} <= due <= {"evaluation", "figures"}
    tables_before = {path: path.stat().st_mtime_ns for path in layout.build.rglob("*.csv")}
    ran = labkit(done, "run", "study.yaml", "--jobs", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    written = {path.name for path, at in tables_before.items() if path.stat().st_mtime_ns != at}
    assert {"metrics.csv"} <= written <= {"metrics.csv", "curves.csv"}
    compared = tables.read(layout.policy("all").metrics, tables.METRICS)
    assert "TOST, margin 0.03" in set(compared["method"]) and "TOST, margin 0.02" not in set(compared["method"])
    assert "up to date" in labkit(done, "run", "study.yaml").stdout
