"""Params files: every fault is one sentence with the file, the key, what is allowed and the next step."""

import pytest

from labkit import params
from labkit.errors import ParamsError
from labkit.layout import ROOT

DEMO = (ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8")


def load(tmp_path, *changes, text=DEMO):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "elbow.yaml"
    path.write_text(text, encoding="utf-8")
    return params.load(path)


WRONG = {
    "unknown key": (
        ("  epochs: ", "  epoch: "),
        "training: 'epoch' is not known; did you mean 'epochs'? Known: backbone, ",
    ),
    "unknown section": (("figures:", "figurs:"), "'figurs' is not known; did you mean 'figures'?"),
    "missing key": (("  batch_size: 16\n", ""), "training.batch_size: this key is missing; state it, such as"),
    "missing name": (("study: demo\n", ""), "study: this key is missing; add it."),
    "1e-4 as text": (
        ("learning_rate: 5.0e-4", "learning_rate: 5e-4"),
        "training.learning_rate: must be a number, but YAML reads 5e-4 as text; write it with a point, such as 1.0e-4.",
    ),
    "no as false": (
        ("study: demo", "study: no"),
        "study: must be text, but YAML reads an unquoted yes, no, on or off as false; put the word in quotes, "
        'such as "no".',
    ),
    "no in a list": (
        ("policies: [inclusive, exclusive]", "policies: [no]"),
        "policies.0: must be text, but YAML reads",
    ),
    "number as text": (
        ("report_id: Befund-ID", "report_id: 0012"),
        "cohort.sites.internal.columns.report_id: must be text, but YAML reads 10 as a number; put it in quotes",
    ),
    "text as number": (
        ("cpu_threads: 1", "cpu_threads: one"),
        "training.cpu_threads: must be a whole number, not 'one'.",
    ),
    "true as number": (("batch_size: 16", "batch_size: true"), "training.batch_size: must be a number, not true."),
    "value not allowed": (
        ("device: cpu", "device: gpu"),
        "training.device: must be 'auto', 'cpu' or 'cuda', not 'gpu'.",
    ),
    "out of range": (("batch_size: 16", "batch_size: 0"), "training.batch_size: must be greater than or equal to 1"),
    "policy": (("[inclusive, exclusive]", "[both]"), "policies.0: must be 'inclusive', 'exclusive'"),
    "shares": (("train: 0.64", "train: 0.74"), "verification.split: train, validation and test must add up to 1."),
    "two sites train": (("test_only: true", "test_only: false"), "cohort: exactly one site has test_only: false"),
    "template": (("template: elbow", "template: elbows"), "paths.template: elbows: no such template; known names:"),
    "other anatomy": (("template: elbow", "template: thumb"), "anatomy: is 'elbow', but paths.template is for 'thumb'"),
    "synthetic elsewhere": (
        ("build/demo/elbow/cohort/internal/reports.csv", "my.csv"),
        "cohort.sites.internal.reports: the section synthetic writes its cohort to",
    ),
    "model without a name": (("extractors: [rules]", "extractors: [openai]"), "extraction: extractors names openai"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_one_sentence_with_file_and_key(tmp_path, change, message):
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, change)
    faults = str(caught.value).splitlines()
    assert any(fault.startswith(f"{tmp_path / 'elbow.yaml'}: {message}") for fault in faults), faults


def test_a_misspelt_key_is_named_once(tmp_path):
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, ("  epochs: ", "  epoch: "))
    assert len(str(caught.value).splitlines()) == 1


def test_all_faults_are_named_at_once(tmp_path):
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, ("device: cpu", "device: gpu"), ("batch_size: 16", "batch_size: 0"))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"study: demo\nstudy: other\n", "line 2: the key 'study' stands twice"),
        (b"study: [\n", "mend the line"),
        (b"study: \xff\xfe\n", "not valid UTF-8"),
        (b"", "holds no keys"),
        (b"- a\n", "holds no keys"),
    ],
)
def test_what_is_no_params_file_is_refused(tmp_path, content, part):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError, match=part):
        params.load(path)
    with pytest.raises(ParamsError, match="no such file"):
        params.load(tmp_path / "missing.yaml")


def test_missing_inputs_are_named_with_the_place_looked_at(tmp_path):
    text = (ROOT / "params" / "elbow.yaml").read_text(encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, text=text)
    faults = str(caught.value).splitlines()
    assert [fault.split(": ")[1] for fault in faults] == [
        "cohort.sites.internal.reports",
        "cohort.sites.internal.images",
    ]
    assert str(tmp_path / "data" / "elbow" / "reports.csv") in faults[0]


def test_relative_paths_start_from_the_repository_or_from_the_file(tmp_path):
    outside = load(tmp_path)
    assert outside.layout.build == tmp_path / "build" / "demo" / "elbow"
    inside = params.load(ROOT / "params" / "demo" / "elbow.yaml")
    assert inside.layout.build == ROOT / "build" / "demo" / "elbow"


def test_a_step_is_given_its_own_sections_only():
    study = params.load(ROOT / "params" / "demo" / "elbow.yaml")
    assert set(study.parameters("training", "soft")) == {"study", "anatomy", "paths", "policy", "cohort", "training"}
    assert study.parameters("figures", "all")["policies"] == ["inclusive", "exclusive"]


def test_a_notebook_gets_a_frozen_object_and_shows_no_paths(monkeypatch):
    monkeypatch.delenv("LABKIT_BASE_DIR", raising=False)
    p = params.Training.check(params_file="params/demo/elbow.yaml", policy="exclusive")
    assert (p.policy, p.out.folder, p.training.backbone) == ("exclusive", "exclusive", "resnet18")
    assert p.image_folders["internal"] == ROOT / "build/demo/elbow/cohort/internal/dicom"
    assert "build" not in p._repr_html_()
    with pytest.raises(Exception, match="frozen"):
        p.policy = "inclusive"


def test_comparing_steps_read_one_policy_or_all():
    one = params.Evaluation.check(params_file="params/demo/elbow.yaml", policy="inclusive")
    every = params.Evaluation.check(params_file="params/demo/elbow.yaml", policy="all")
    assert one.compared == ("inclusive",)
    assert every.compared == ("inclusive", "exclusive")
    assert every.out.folder == "comparison"


def test_the_shipped_files_load():
    for name in ("clavicle", "elbow", "thumb"):
        assert params.load(ROOT / "params" / "demo" / f"{name}.yaml").anatomy == name
