"""labkit train, predict and export: a small study of one view on real files."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import small_study
import torch
import yaml
from click.testing import CliRunner

from labkit import cli, params, radiographs, tables
from labkit.layout import Layout


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    small_study.write(folder, policies=["inclusive", "self_trained"], training={"seeds": [1, 2]})
    return folder


@pytest.fixture(scope="module")
def model(study):
    done = labkit("train", study / "small.yaml", "--policy", "inclusive")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("clavicle · inclusive\nepoch   1")
    return study / "build" / "small" / "clavicle" / "inclusive" / "model"


def test_every_seed_has_its_network_card_and_log(model):
    for seed in (1, 2):
        names = {path.name for path in (model / f"seed_{seed}").iterdir()}
        assert names == {"network.pt", "card.json", "card.md", "log.csv"}


def test_a_second_time_nothing_is_trained(study, model):
    before = {path: path.stat().st_mtime_ns for path in model.rglob("network.pt")}
    again = labkit("train", study / "small.yaml", "--policy", "inclusive")
    assert again.exit_code == 0 and "epoch   1" not in again.output
    assert before == {path: path.stat().st_mtime_ns for path in model.rglob("network.pt")}


def test_a_self_trained_policy_trains_its_teacher_first(study):
    done = labkit("train", study / "small.yaml", "--policy", "self_trained", "--seed", "1")
    assert done.exit_code == 0, done.output
    folder = study / "build" / "small" / "clavicle" / "self_trained" / "model"
    assert sorted(p.parent.relative_to(folder).as_posix() for p in folder.rglob("network.pt")) == [
        "seed_1",
        "teacher/seed_1",
    ]


def test_what_torchrun_trained_is_found_by_one_process_and_by_the_notebook(study):
    """Two processes by torchrun, then the same command alone, then what 03_training calls: nothing is trained again."""
    from labkit import training

    content = yaml.safe_load((study / "small.yaml").read_text(encoding="utf-8"))
    content["policies"], content["cohort"]["missing_view"] = ["exclusive"], "mask"
    content["training"] |= {"backbone": "alexnet", "image_size_px": 64, "seeds": [3]}  # no batch statistics: quick
    (study / "both.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    both = subprocess.run(
        [*command, str(Path(sys.executable).with_name("labkit")), "train", "both.yaml"],
        cwd=study,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert both.returncode == 0, both.stderr[-2000:]
    assert both.stdout.count("epoch   1") == 1  # one of them speaks
    written = study / "build" / "small" / "clavicle" / "exclusive" / "model" / "seed_3"
    before = (written / "network.pt").stat().st_mtime_ns
    assert training.read(written / "network.pt").means["processes"] == 2
    again = labkit("train", study / "both.yaml")
    assert again.exit_code == 0 and "epoch   1" not in again.output
    p = params.Training.check(**params.load(study / "both.yaml").parameters("training", "exclusive"))
    read = {
        "labels": tables.read(p.layout.labels, tables.LABELS),
        "images": tables.read(p.layout.images, tables.IMAGES),
    }
    cache = radiographs.build_cache(
        read["images"],
        size_px=p.training.image_size_px,
        out_dir=p.layout.cache,
        folders=p.image_folders,
        preparation=p.cohort.radiographs,
        rules=p.cohort.limits,
    )
    cohort_ = training.assemble(**read, cache=cache, views=p.template.views, missing_view=p.cohort.missing_view)
    made = training.targets_of(read["labels"], cohort_, policy=p.policy, settings=p.settings, out_dir=p.out.model)
    seen = []
    training.fit(cohort_, made, settings=p.settings, seed=3, out_dir=written, progress=seen.append)
    assert not seen and (written / "network.pt").stat().st_mtime_ns == before


def test_predict_scores_every_study_of_a_folder_and_says_what_is_left_out(study, model, tmp_path):
    folder = study / "build" / "small" / "clavicle" / "cohort" / "external" / "dicom"
    copy = tmp_path / "new"
    copy.mkdir()
    files = sorted(folder.rglob("*.dcm"))
    for path in files:
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "notes.txt").write_text("no image", encoding="utf-8")
    cut = sorted(copy.glob("*.dcm"))[0]
    cut.write_bytes(cut.read_bytes()[:700])
    done = labkit("predict", model, copy, "-o", tmp_path / "p.csv")
    assert done.exit_code == 0, done.output
    found = rows(tmp_path / "p.csv")
    assert list(found[0]) == ["study", "accession_number", "study_date", "finding", "score", "n_networks"]
    assert {row["n_networks"] for row in found} == {"2"}
    assert len({row["study"] for row in found}) == len(files) - 1
    assert len(found) == 3 * (len(files) - 1) and all(0 <= float(row["score"]) <= 1 for row in found)
    left = {row["item"]: row["reason"] for row in rows(tmp_path / "p.left_out.csv")}
    assert {"notes.txt", cut.name} <= set(left) and all(left.values())


def test_predict_agrees_with_the_networks_own_scores_of_the_study(study, model, tmp_path):
    """The mean logit of both seeds, on the same files as training's own prediction."""
    from labkit import radiographs, training

    layout = Layout(*(study / n for n in ("build", "reports", "reviews")), "small", "clavicle")
    labels, images = tables.read(layout.labels, tables.LABELS), tables.read(layout.images, tables.IMAGES)
    made = params.load(study / "small.yaml")
    folders = {name: made.resolve(site.images) for name, site in made.cohort.sites.items()}
    cache = radiographs.build_cache(images, size_px=32, out_dir=tmp_path / "cache", folders=folders)
    own = training.assemble(labels, images, cache, views=made.template.views)
    runs = [training.read(model / f"seed_{seed}" / "network.pt") for seed in (1, 2)]
    said = training.ensemble(pd.concat([training.predict(run, own) for run in runs]))
    done = labkit("predict", model, folders["external"], "-o", tmp_path / "p.csv")
    assert done.exit_code == 0, done.output
    given = pd.read_csv(tmp_path / "p.csv", dtype={"accession_number": str})
    keys = tables.read(layout.keys, tables.KEYS).set_index("accession_number")["study_id"]
    given["study_id"] = given["accession_number"].map(keys)
    both = given.merge(said[said["split"] == "external"], on=["study_id", "finding"])
    assert len(both) == len(given) > 0
    assert both["score_x"].to_numpy() == pytest.approx(both["score_y"].to_numpy(), abs=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_export_writes_a_network_that_torch_loads_alone(model, tmp_path):
    done = labkit("export", model / "seed_1" / "network.pt", "-o", tmp_path / "n.pt")
    assert done.exit_code == 0, done.output
    given = torch.jit.load(tmp_path / "n.pt")(torch.rand(5, 1, 32, 32))
    assert given.shape == (5, 3) and (given >= 0).all() and (given <= 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{study}/small.yaml", "--policy", "soft"], "--policy soft: the params name inclusive, self_trained"),
        (["predict", "{study}", "{study}", "-o", "{out}/p.csv"], "holds networks of different"),
        (["predict", "{study}/reports", "{study}", "-o", "{out}/p.csv"], "no such network"),
        (["predict", "{study}/small.yaml", "{study}", "-o", "{out}/p.csv"], "this file is damaged"),
        (["export", "{study}/none.pt", "-o", "{out}/n.pt"], "none.pt: no such network; train it first"),
    ],
)
def test_bad_input_is_one_sentence(study, model, tmp_path, arguments, message):
    labkit("train", study / "small.yaml", "--policy", "self_trained", "--seed", "1")
    done = labkit(*[a.format(study=study, out=tmp_path) for a in arguments])
    assert done.exit_code == 2
    assert message in done.output and "Traceback" not in done.output


def test_a_folder_without_radiographs_is_one_sentence(model, tmp_path):
    (tmp_path / "empty").mkdir()
    done = labkit("predict", model, tmp_path / "empty", "-o", tmp_path / "p.csv")
    assert done.exit_code == 2 and "none of 0 files is a usable radiograph" in done.output
