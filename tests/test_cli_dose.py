"""labkit dose, from labels to the table: a small study of one view on real files."""

import pytest
import small_study
import yaml
from click.testing import CliRunner

from labkit import cli, tables
from labkit.evaluation import dosing
from labkit.run import plans

DOSE = {"shares": [0.0, 0.2], "seeds": [1, 2], "policies": [], "true_share": 0.5}


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    small_study.write(folder, policies=["inclusive", "exclusive"], evaluation={"min_positives": 2, "dose": DOSE})
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
