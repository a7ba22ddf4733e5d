"""From params to steps: which there are, what each is given, and what of the outside makes it due."""

from pathlib import Path

import pytest
import yaml

from labkit.errors import ParamsError
from labkit.layout import ROOT
from labkit.run import execute, plans, steps

DEMO = ROOT / "params" / "demo"


def write(path: Path, **changes) -> Path:
    """A copy of the elbow's demonstration with some top-level keys replaced (None deletes one)."""
    content = yaml.safe_load((DEMO / "elbow.yaml").read_text(encoding="utf-8")) | changes
    content = {key: value for key, value in content.items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def own_files(folder: Path, *, images: bool = True) -> Path:
    """Params for reports (and radiographs) of one's own in a folder."""
    content = yaml.safe_load((DEMO / "elbow.yaml").read_text(encoding="utf-8"))
    for name, site in content["cohort"]["sites"].items():
        (folder / name / "dicom").mkdir(parents=True)
        (folder / name / "reports.csv").write_text("report_id,report\n1,Kein Befund.\n", encoding="utf-8")
        site |= {"reports": f"{name}/reports.csv", "images": f"{name}/dicom" if images else None}
    return write(folder / "own.yaml", synthetic=None, cohort=content["cohort"])


def names(plan: steps.Plan) -> list[str]:
    return [step.id.partition("/")[2] for step in plan.steps]


def test_the_demonstration_has_every_step_each_after_what_it_reads():
    plan = plans.of_params([DEMO / "elbow.yaml"])
    assert names(plan) == [
        *("elbow/synthetic", "elbow/extraction", "elbow/verification"),
        *("elbow/inclusive/training", "elbow/inclusive/evaluation", "elbow/inclusive/figures"),
        *("elbow/exclusive/training", "elbow/exclusive/evaluation", "elbow/exclusive/figures"),
        *("elbow/all/evaluation", "elbow/all/figures"),
    ]
    seen = set()
    for step in plan.steps:
        assert set(step.after) <= seen
        seen.add(step.id)
    pages = [step.html.relative_to(plan.reports_dir).as_posix() for step in plan.steps if step.html]
    assert pages[0] == "demo/elbow/01_extraction.html"
    assert pages[-1] == "demo/elbow/comparison/05_figures.html"


def test_every_notebook_of_every_shipped_params_file_is_given_just_what_it_declares():
    plan = plans.of_params(sorted(DEMO.glob("*.yaml")))
    assert len(plan.steps) == 33
    for step in plan.steps:
        if step.notebook:
            execute.check_parameters(step.notebook, step.parameters)


def test_a_plan_is_read_back_as_it_was_written(tmp_path):
    plan = plans.of_params([DEMO / "elbow.yaml"])
    again = steps.Plan.read(plan.save(tmp_path / "plan.json"))
    assert again == plan
    assert [step.made_from for step in again.steps] == [step.made_from for step in plan.steps]


def test_own_reports_and_images_count_as_inputs(tmp_path):
    path = own_files(tmp_path)
    before = plans.of_params([path]).steps[0]
    assert before.name == "extraction"
    assert {"reports of internal", "images of external", "template"} <= set(before.fingerprints)
    (tmp_path / "internal" / "dicom" / "new.dcm").write_bytes(b"x")
    after = plans.of_params([path]).steps[0]
    changed = {name for name in before.fingerprints if before.fingerprints[name] != after.fingerprints[name]}
    assert changed == {"images of internal"}
    assert before.base == tmp_path


def test_without_radiographs_extraction_and_verification_are_all(tmp_path):
    assert names(plans.of_params([own_files(tmp_path, images=False)])) == ["elbow/extraction", "elbow/verification"]


def test_one_policy_needs_no_comparison(tmp_path):
    path = own_files(tmp_path)
    content = yaml.safe_load(path.read_text(encoding="utf-8")) | {"policies": ["inclusive"]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert names(plans.of_params([path]))[-1] == "elbow/inclusive/figures"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "both would write to one place"),
        ({"study": "other", "paths": {"build_dir": "elsewhere"}}, r"paths\.build_dir differs from that of"),
    ],
)
def test_files_that_do_not_fit_into_one_run_are_refused(tmp_path, changes, message):
    first = own_files(tmp_path)
    content = yaml.safe_load(first.read_text(encoding="utf-8"))
    content |= {**changes, "paths": content["paths"] | changes.get("paths", {})}
    second = tmp_path / "second.yaml"
    second.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        plans.of_params([first, second])
    with pytest.raises(ParamsError, match="no params file was given"):
        plans.of_params([])


def test_a_prompt_of_ones_own_is_found_beside_the_params_and_an_edit_of_it_makes_extraction_due(tmp_path):
    path = own_files(tmp_path, images=False)
    asked = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "prompt": "own.md"}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["extraction"] |= {"extractors": ["openai"], "openai": asked}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"extraction\.openai\.prompt: there is no file own\.md"):
        plans.of_params([path])
    found = []
    for text in ("One prompt.", "Another."):
        (tmp_path / "own.md").write_text(text, encoding="utf-8")
        found.append(plans.of_params([path]).by_id["demo/elbow/extraction"].fingerprints)
    assert found[0].pop("prompt") != found[1].pop("prompt")
    assert found[0] == found[1]
