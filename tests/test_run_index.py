"""The index page: what it shows of finished, failed and missing steps, and where the numbers come from."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from labkit.run import index_page, overview
from labkit.run.steps import Plan

COLUMNS = "finding,metric,site,policy,reading,value,low,high,level,n,n_positive,method"


def metrics(path: Path, *rows: str) -> None:
    path.write_text("\n".join([COLUMNS, *rows]) + "\n", encoding="utf-8")


def finish(plan: Plan, place: str, page: str, **facts) -> None:
    """A finished step: its page and its receipt."""
    name = page.partition("_")[2]
    html = plan.reports_dir / "demo" / place / f"{page}.html"
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text("<p>page</p>", encoding="utf-8")
    receipt = plan.build_dir / "demo" / place / "receipts" / f"{name}.json"
    receipt.parent.mkdir(parents=True, exist_ok=True)
    shown = {"name": name, "page": f"../reports/demo/{place}/{page}.html", "files": {}, "headline": [], "notices": []}
    receipt.write_text(json.dumps(shown | facts), encoding="utf-8")


@pytest.fixture
def plan(tmp_path):
    """A study of one anatomy: inclusive is finished, exclusive failed in training."""
    made = Plan(build_dir=tmp_path / "build", reports_dir=tmp_path / "reports", steps=())
    finish(made, "elbow", "01_extraction", headline=[["Studies", "312"]])
    finish(made, "elbow", "02_verification", notices=["SIMULATED reader. No person."])
    for page in ("03_training", "04_evaluation"):
        finish(made, "elbow/inclusive", page)
    picture = made.reports_dir / "demo" / "elbow" / "inclusive" / "figures" / "roc_internal.png"
    picture.parent.mkdir()
    Image.new("RGB", (900, 600), "white").save(picture)
    files = {"../reports/demo/elbow/inclusive/figures/roc_internal.png": ""}
    finish(made, "elbow/inclusive", "05_figures", files=files)
    finish(made, "elbow/comparison", "04_evaluation")
    failed = made.reports_dir / "demo" / "elbow" / "exclusive" / "03_training.failed.html"
    failed.parent.mkdir()
    failed.write_text("<p>failed</p>", encoding="utf-8")
    build = made.build_dir / "demo" / "elbow"
    metrics(build / "label_metrics.csv", "All findings,label_accuracy,all,,report,0.984,0.98,0.987,0.95,900,880,Wilson")
    metrics(
        build / "inclusive" / "metrics.csv",
        "Macro average,auc,internal,inclusive,primary,0.7512,0.69,0.81,0.95,48,,DeLong",
        "Macro average,auc,internal,inclusive,uncertain_true,0.1,0.1,0.1,0.95,48,,DeLong",
        "Fat Pad Sign,auc,internal,inclusive,primary,0.2,0.1,0.3,0.95,48,9,DeLong",
        "Macro average,auc,external,inclusive,primary,,,,0.95,90,,DeLong",
    )
    (build / "exclusive").mkdir()
    metrics(build / "exclusive" / "metrics.csv", "Macro average,auc,internal,exclusive,primary,0.9,0.8,1,0.95,48,,x")
    metrics(
        build / "comparison" / "metrics.csv",
        "Macro average,auc_difference,internal,inclusive - exclusive,primary,-0.012,-0.05,0.03,0.95,48,,DeLong",
        "Macro average,equivalent,internal,inclusive - exclusive,primary,0.0,,,,48,,TOST",
        "Macro average,auc_difference,internal - external,inclusive,primary,0.3,0.2,0.4,0.95,48,,DeLong",
    )
    return made


def test_each_policy_shows_its_macro_auc_by_site_and_no_other_reading(plan):
    anatomy = overview.gather(plan.reports_dir, plan.build_dir)["demo"][0]
    inclusive = anatomy.analyses[0]
    assert [(e.site, e.value, e.low, e.high, e.n) for e in inclusive.estimates] == [
        ("internal", 0.7512, 0.69, 0.81, "48")
    ]
    assert inclusive.estimates[0].place(0.7) == 50.0
    assert inclusive.thumbnail.startswith("data:image/png;base64,")
    assert inclusive.thumbnail_page == "demo/elbow/inclusive/05_figures.html"


def test_intervals_are_named_by_the_level_that_they_were_made_with(plan):
    assert index_page.build(plan).read_text(encoding="utf-8").count("95 % interval") == 2
    for policy in ("inclusive", "comparison"):
        path = plan.build_dir / "demo" / "elbow" / policy / "metrics.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(",0.95,", ",0.9,"), encoding="utf-8")
    html = index_page.build(plan).read_text(encoding="utf-8")
    assert "95 %" not in html
    assert "Macro ROC AUC, 90 % interval" in html and "Difference of macro ROC AUC, 90 % interval" in html


def test_a_failed_step_is_marked_and_the_numbers_of_an_earlier_run_are_not_shown(plan):
    exclusive = overview.gather(plan.reports_dir, plan.build_dir)["demo"][0].analyses[1]
    assert [(page.label, page.failed, bool(page.href)) for page in exclusive.pages] == [
        ("Training", True, True),
        ("Evaluation", False, False),
        ("Figures", False, False),
    ]
    assert exclusive.estimates == []


def test_facts_and_badges_of_an_anatomy_come_from_its_receipts(plan):
    anatomy = overview.gather(plan.reports_dir, plan.build_dir)["demo"][0]
    assert anatomy.facts == {"Studies": "312", "Label accuracy": "98.4 % (98.0–98.7)"}
    assert anatomy.badges == ["SIMULATED reader"]


def test_the_comparison_shows_policies_only_with_the_verdict(plan):
    compared = overview.gather(plan.reports_dir, plan.build_dir)["demo"][0].comparison
    assert [(e.value, e.policy, e.verdict) for e in compared.differences] == [
        (-0.012, "inclusive - exclusive", "equivalence not shown")
    ]


def test_the_page_needs_no_other_file_and_leads_to_every_page(plan):
    path = index_page.build(plan)
    html = path.read_text(encoding="utf-8")
    assert re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(?!data:)', html) == []
    for address in set(re.findall(r'<a [^>]*href="([^"#]+)"', html)):
        assert (path.parent / address).is_file(), address
    assert "Training failed" in html and "0.75" in html and "−0.012" in html
    assert str(plan.build_dir) not in html


def test_without_any_study_the_page_says_what_to_do(tmp_path):
    empty = Plan(build_dir=tmp_path / "build", reports_dir=tmp_path / "reports", steps=())
    assert "There is no report yet." in index_page.build(empty).read_text(encoding="utf-8")
