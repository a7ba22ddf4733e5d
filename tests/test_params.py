"""Params files: every fault is one sentence with the file, the key, what is allowed and the next step."""

import copy

import pytest
import yaml

from labkit import params
from labkit.errors import ParamsError
from labkit.layout import ROOT
from labkit.params.reading import validated

DEMO = (ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8")


def load(tmp_path, *changes, text=DEMO):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "elbow.yaml"
    path.write_text(text, encoding="utf-8")
    return params.load(path)


def places(content, location=()):
    for key, value in content.items():
        yield (*location, key)
        if isinstance(value, dict):
            yield from places(value, (*location, key))


@pytest.mark.parametrize("value", [None, "text", -1.5, True, [], [None], {"x": 1}], ids=str)
def test_whatever_stands_anywhere_is_accepted_or_named(value):
    for place in places(yaml.safe_load(DEMO)):
        content = yaml.safe_load(DEMO)
        parent = content
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = copy.deepcopy(value)
        try:
            validated(content, params.Study, "x.yaml")
        except ParamsError as error:
            for fault in str(error).splitlines():
                assert fault.startswith("x.yaml: ") and fault.endswith(".")
                assert str(place[-1]) in fault or str(place[0]) in fault


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
        (b"a:\n  study: demo\n  study: other\n", "line 3: the key 'study' stands twice; mend the line"),
        (b"study: [\n", "line 2: .*; mend the line"),
        (b"\tstudy: demo\n", r"line 1: found character '\\t' that cannot start any token; mend the line"),
        (b"study: !!python/object:os.system x\n", "line 1: could not determine a constructor"),
        (b"study: \xff\xfe\n", "not valid UTF-8 at byte 7; save the file as UTF-8"),
        ("study: größer\n".encode("cp1252"), "not valid UTF-8 at byte 9"),
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


def test_a_byte_order_mark_and_merged_keys_are_read(tmp_path):
    path = tmp_path / "elbow.yaml"
    merged = DEMO.replace("  split: {", "  split: &split {").replace("figures:\n", "figures:\n  <<: {dpi: 99}\n")
    path.write_text(merged, encoding="utf-8-sig")
    assert params.load(path).figures.dpi == 150, "what is stated goes before what is merged"


def test_missing_inputs_are_named_with_the_place_looked_at(tmp_path):
    text = (ROOT / "params" / "elbow.yaml").read_text(encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, text=text)
    faults = str(caught.value).splitlines()
    assert [fault.split(": ")[1] for fault in faults] == [
        "cohort.sites.internal.reports",
        "cohort.sites.internal.images",
    ]
    reports, images = (tmp_path / "data" / "elbow" / name for name in ("reports.csv", "dicom"))
    assert faults[0].endswith(f": there is no file data/elbow/reports.csv (looked for {reports}).")
    assert faults[1].endswith(f": there is no folder data/elbow/dicom (looked for {images}).")
    assert params.load(tmp_path / "elbow.yaml", check_inputs=False).anatomy == "elbow"


def test_weights_are_a_word_or_a_file_that_is_there(tmp_path):
    text = (ROOT / "params" / "elbow.yaml").read_text(encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, ("weights: imagenet", "weights: w.pt"), text=text)
    assert str(caught.value).splitlines()[-1] == (
        f"{tmp_path / 'elbow.yaml'}: training.weights: there is no file w.pt (looked for {tmp_path / 'w.pt'}); "
        "give imagenet, none or the path of a state dict."
    )


def test_relative_paths_start_from_the_repository_or_from_the_file(tmp_path):
    outside = load(tmp_path)
    assert outside.layout.build == tmp_path / "build" / "demo" / "elbow"
    inside = params.load(ROOT / "params" / "demo" / "elbow.yaml")
    assert inside.layout.build == ROOT / "build" / "demo" / "elbow"
    absolute = load(tmp_path, ("reviews_dir: reviews", "reviews_dir: /elsewhere"))
    assert absolute.layout.reviews.as_posix() == "/elsewhere/demo/elbow"


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
        own = params.load(ROOT / "params" / f"{name}.yaml", check_inputs=False)
        assert (own.anatomy, own.synthetic) == (name, None), "own data take the place of a synthetic cohort"
