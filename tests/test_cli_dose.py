"""labkit dose, from labels to the table: a small study of one view on real files."""

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from labkit import cli, cohort, params, splits, synthetic, tables, templates
from labkit.evaluation import dosing
from labkit.layout import ROOT
from labkit.run import plans

TRAINING = {
    "backbone": "shufflenet_v2_x0_5",
    "weights": "none",
    "image_size_px": 32,
    "epochs": 1,
    "batch_size": 16,
    "min_positives": 1,
    "device": "cpu",
}
DOSE = {"shares": [0.0, 0.2], "seeds": [1, 2], "policies": [], "true_share": 0.5}


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Labels of a synthetic cohort of clavicles, at random; a tenth is uncertain."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((ROOT / "params" / "demo" / "clavicle.yaml").read_text(encoding="utf-8"))
    content["synthetic"] |= {"n_internal": 40, "n_external": 12, "image_size_px": 48}
    content["training"] |= TRAINING
    content["evaluation"] |= {"min_positives": 2, "dose": DOSE}
    content |= {"study": "small", "policies": ["inclusive", "exclusive"]}
    for site in content["cohort"]["sites"].values():
        site |= {name: site[name].replace("build/demo", "build/small") for name in ("reports", "images")}
    (folder / "small.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    made = params.load(folder / "small.yaml")
    layout = made.layout
    synthetic.generate(templates.load("clavicle"), made.synthetic, layout.cohort)
    read = cohort.intake(made.cohort, views=made.template.views, resolve=made.resolve, keys_path=layout.keys)
    tables.write(read.images, layout.images, tables.IMAGES)
    rng, labels = np.random.default_rng(1), []
    for row in read.studies[read.studies["usable"] == "true"].itertuples():
        for finding in made.template.findings[:3]:
            value = rng.choice(["true", "false", "uncertain"], p=[0.4, 0.5, 0.1])
            labels.append((row.study_id, finding.name, row.patient, row.site, value))
    labels = pd.DataFrame(labels, columns=["study_id", "finding", "patient", "site", "value"])
    split = splits.assign(labels, seed=1, external_sites=["external"])
    labels = splits.attach(labels, split).assign(
        extracted=labels["value"], reference=labels["value"].replace("uncertain", "false"), verification="none"
    )
    tables.write(labels, layout.labels, tables.LABELS)
    tables.write(pd.DataFrame(columns=list(tables.FINDINGS.all_columns)), layout.findings, tables.FINDINGS)
    return folder


def test_a_killed_study_goes_on_and_ends_in_a_table(study, monkeypatch):
    predict, calls = dosing.predict, []

    def predict_three(*given, **named):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(1)
        return predict(*given, **named)

    monkeypatch.setattr(dosing, "predict", predict_three)
    folder = study / "build" / "small" / "clavicle"
    first = labkit("dose", study / "small.yaml")
    assert first.exit_code != 0
    done = sorted((folder / "dose").rglob("made_from.txt"))
    assert len(done) == 3, first.output
    written = [path.stat().st_mtime_ns for path in done]
    before = plans.of_params([study / "small.yaml"]).steps
    monkeypatch.setattr(dosing, "predict", predict)
    again = labkit("dose", study / "small.yaml")
    assert again.exit_code == 0, again.output
    assert "8/8  clavicle · exclusive · 20 % uncertain · seed 2" in again.output
    assert "inclusive - exclusive" in again.output
    assert [path.stat().st_mtime_ns for path in done] == written
    assert list((folder / "dose").rglob("network.pt")) == []
    found = tables.read(folder / "dose.csv", tables.DOSES)
    assert len(found) == 2 * 2 * 2 * found["site"].nunique()
    # nothing uncertain: what a policy makes of it cannot matter
    none = found[found["share"] == 0].pivot_table(index=["seed", "site"], columns="policy", values="value")
    assert (none["inclusive"] == none["exclusive"]).all()
    some = found[found["share"] == 0.2].pivot_table(index=["seed", "site"], columns="policy", values="value")
    assert (some["inclusive"] != some["exclusive"]).any()
    after = plans.of_params([study / "small.yaml"]).steps
    changed = {step.name for step, was in zip(after, before) if step.fingerprints != was.fingerprints}
    assert changed == {"evaluation", "figures"}


def test_an_empty_list_and_an_impossible_share_are_said_in_a_sentence(study):
    content = yaml.safe_load((study / "small.yaml").read_text(encoding="utf-8"))
    for shares, sentence in (([], "evaluation.dose.shares: it is empty"), ([0.95], "give a smaller share")):
        content["evaluation"]["dose"] = DOSE | {"shares": shares}
        (study / "other.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        done = labkit("dose", study / "other.yaml")
        assert done.exit_code != 0
        assert sentence in done.output and "Traceback" not in done.output
