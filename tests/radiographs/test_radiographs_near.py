import numpy as np
import pandas as pd
import pytest

from labkit import radiographs
from labkit.radiographs.near import fingerprint

COPIES = ["one_brighter", "one_copied", "one_gamma", "one_mirrored", "one_noisier", "one_smaller"]


@pytest.fixture
def pictures():
    """Two unlike images, and the first again as archives and exports change it."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:120, 0:100]
    shapes = [np.abs(np.sin(x / a + y / b)) * 1500 + 500 for a, b in ((23, 31), (17, -41))]
    shapes[0] = shapes[0] + np.where((x - 30) ** 2 + (y - 80) ** 2 < 250, 900, 0)
    return {
        "one": shapes[0],
        "two": shapes[1],
        "one_brighter": shapes[0] * 1.2 + 200,
        "one_copied": shapes[0],
        "one_gamma": (shapes[0] / 3000) ** 0.8 * 3000,
        "one_mirrored": shapes[0][:, ::-1],
        "one_noisier": shapes[0] + rng.normal(0, 20, x.shape),
        "one_smaller": shapes[0].reshape(60, 2, 50, 2).mean(axis=(1, 3)),
    }


@pytest.fixture
def images(tmp_path, dx, pictures):
    for name, picture in pictures.items():
        dx(tmp_path / "in" / name, picture.astype(np.uint16))
    found = radiographs.index(tmp_path / "in")
    return found.assign(image_id=found.path, study_id=found.path)


@pytest.fixture
def cache(images, tmp_path):
    return radiographs.build_cache(images, size_px=64, out_dir=tmp_path / "out", folders=tmp_path / "in")


def test_copies_are_found_through_what_archives_do_and_others_are_not(cache, images):
    found = radiographs.near_duplicates(cache, ["one", "two", *COPIES])
    assert all("two" not in pair for pair in zip(found.image_id, found.other_id))
    of_one = found[found.image_id == "one"].set_index("other_id")
    assert sorted(of_one.index) == COPIES
    assert of_one.likeness["one_copied"] == 1
    assert of_one.mirrored.to_dict() == {name: str(name == "one_mirrored").lower() for name in of_one.index}


def test_each_pair_stands_once_and_no_images_have_no_copies(cache):
    found = radiographs.near_duplicates(cache, ["one", "one_copied"])
    assert found.values.tolist() == [["one", "one_copied", 1.0, "false"]]
    assert len(radiographs.near_duplicates(cache, [])) == 0


def test_the_fingerprint_is_the_local_contrast_of_mean_zero_and_length_one(pictures):
    tile = pictures["one"] / 4095
    found = fingerprint(tile)
    assert found.mean() == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert not fingerprint(np.full((30, 30), 0.4)).any(), "an even picture is like nothing"
    assert (found * fingerprint(tile * 0.5)).sum() == pytest.approx(1, abs=1e-4)


def labels(**splits):
    """LABELS of four studies of the given patients' splits."""
    patients = {"one": "P1", "one_brighter": "P1", "one_copied": "P2", "two": "P3", "one_noisier": "P4"}
    rows = [(study, patient, splits.get(patient, "train")) for study, patient in patients.items()]
    return pd.DataFrame(rows, columns=["study_id", "patient", "split"])


def test_the_reach_of_each_copy_is_said(cache, images):
    found = radiographs.duplicates(images, cache, labels(P4="test"))
    pairs = found.set_index(["image_id", "other_id"])
    assert pairs.reach.to_dict() == {
        ("one", "one_brighter"): "between studies of a patient",
        ("one", "one_copied"): "between patients",
        ("one", "one_noisier"): "between splits",
        ("one_brighter", "one_copied"): "between patients",
        ("one_brighter", "one_noisier"): "between splits",
        ("one_copied", "one_noisier"): "between splits",
    }
    assert pairs.kind["one", "one_copied"] == "same picture"
    assert pairs.kind["one", "one_noisier"] == "alike"
    assert pairs.other_split["one", "one_noisier"] == "test"
    counted = radiographs.copies_by_reach(found)
    assert counted.loc["between splits"].to_dict() == {"same file": 0, "same picture": 0, "alike": 3}
    assert counted.to_numpy().sum() == 6


def test_a_file_under_two_studies_is_named_and_a_stand_in_is_none(cache, images, tmp_path):
    twice = pd.concat([images, images[images.image_id == "two"].assign(image_id="again", study_id="one")])
    stand_in = pd.concat([twice, images[images.image_id == "one"].assign(image_id="stand_in", study_id="one")])
    grown = radiographs.build_cache(stand_in, size_px=64, out_dir=tmp_path / "out", folders=tmp_path / "in")
    found = radiographs.duplicates(stand_in, grown, labels())
    assert found.kind[(found.image_id == "two") | (found.other_id == "two")].tolist() == ["same file"]
    assert not ((found.image_id == "one") & (found.other_id == "stand_in")).any()


def test_without_copies_the_tables_are_whole(cache, images):
    found = radiographs.duplicates(images[images.image_id == "two"], cache, labels())
    assert len(found) == 0 and "reach" in found
    assert radiographs.copies_by_reach(found).to_numpy().sum() == 0
