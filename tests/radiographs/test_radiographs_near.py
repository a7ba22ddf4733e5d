import numpy as np
import pytest

from labkit import radiographs


@pytest.fixture
def cache(tmp_path, dx):
    """Two unlike images, and the first again: brighter, noisier, and as an exact copy."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:120, 0:100]
    shapes = [np.abs(np.sin(x / a + y / b)) * 1500 + 500 for a, b in ((23, 31), (17, -41))]
    pictures = {
        "one": shapes[0],
        "two": shapes[1],
        "one_brighter": shapes[0] * 1.4 + 200,
        "one_noisier": shapes[0] + rng.normal(0, 20, x.shape),
        "one_copied": shapes[0],
    }
    for name, picture in pictures.items():
        dx(tmp_path / "in" / name, picture.astype(np.uint16))
    images = radiographs.index(tmp_path / "in")
    images["image_id"] = images.path
    return radiographs.build_cache(images, size_px=64, out_dir=tmp_path / "out", folders=tmp_path / "in")


def test_copies_are_found_through_brightness_and_noise_and_others_are_not(cache):
    found = radiographs.near_duplicates(cache, ["one", "two", "one_brighter", "one_noisier", "one_copied"])
    assert all("two" not in pair for pair in zip(found.image_id, found.other_id))
    assert set(found.other_id[found.image_id == "one"]) == {"one_brighter", "one_noisier", "one_copied"}
    assert found.distance[found.other_id == "one_copied"].min() == 0


def test_each_pair_stands_once(cache):
    found = radiographs.near_duplicates(cache, ["one", "one_copied"])
    assert list(zip(found.image_id, found.other_id, found.distance)) == [("one", "one_copied", 0)]


def test_no_images_have_no_duplicates(cache):
    assert len(radiographs.near_duplicates(cache, [])) == 0
