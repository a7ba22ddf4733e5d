"""What the params may ask of pixels: window, grey depth, sides mirrored, colour, exports without DICOM."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from labkit import radiographs
from labkit.radiographs import IndexRules, Preparation, ViewRule

RAMP = np.tile(np.linspace(0, 4095, 64).astype(np.uint16), (64, 1))
NAMES = ["NORMAL", "HARDER", "SOFTER"]
WINDOWS = {"WindowCenter": [2048, 3000, 1000], "WindowWidth": [4096, 500, 500], "WindowCenterWidthExplanation": NAMES}


@pytest.fixture
def tiles(tmp_path):
    """A factory: index the folder `in`, build its cache, give the tiles by file name."""

    def make(rules=None, **prepared):
        images = radiographs.index(tmp_path / "in", rules=rules)
        images["image_id"] = images.path
        cache = radiographs.build_cache(
            images,
            size_px=64,
            out_dir=tmp_path / "out",
            folders=tmp_path / "in",
            preparation=Preparation(**prepared),
        )
        usable = cache.images.image_id[cache.images.usable == "true"]
        return {image_id: cache.array[cache.rows([image_id])[0]] for image_id in usable}

    return make


@pytest.mark.parametrize(("asked", "number"), [("harder", 1), ("SOFT", 2), ("unheard of", 0), (9, 2)])
def test_a_window_is_chosen_by_number_or_explanation(tmp_path, dx, asked, number):
    dx(tmp_path / "in" / "a", RAMP, **WINDOWS)
    shown = radiographs.read(tmp_path / "in" / "a", window=asked)
    centre, width = WINDOWS["WindowCenter"][number], WINDOWS["WindowWidth"][number]
    expected = np.clip((RAMP - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    np.testing.assert_allclose(shown, expected, atol=1e-6)


def test_an_explanation_finds_a_lut_and_a_window_beside_luts(tmp_path, dx):
    items = []
    for name, power in (("BONE", 2), ("TISSUE", 0.5)):
        item = Dataset()
        item.LUTDescriptor, item.LUTExplanation = [4096, 0, 16], name
        item.LUTData = (np.linspace(0, 1, 4096) ** power * 65535).astype("<u2").tobytes()
        item["LUTData"].VR = "OW"
        items.append(item)
    dx(tmp_path / "a", RAMP, VOILUTSequence=Sequence(items), **WINDOWS)
    mean = {name: radiographs.read(tmp_path / "a", window=name).mean() for name in ("bone", "tissue", "HARDER")}
    assert mean["bone"] == pytest.approx(1 / 3, abs=0.01)
    assert mean["tissue"] == pytest.approx(2 / 3, abs=0.01)
    assert mean["HARDER"] == pytest.approx(1 - 3000 / 4096, abs=0.01)
    assert radiographs.read(tmp_path / "a").mean() == pytest.approx(1 / 3, abs=0.01), "the first LUT goes first"


def test_sixteen_bits_keep_what_eight_lose(tmp_path, dx, tiles):
    dx(tmp_path / "in" / "a", RAMP, WindowCenter=2048, WindowWidth=4096)
    coarse, fine = tiles()["a"], tiles(bits=16)["a"]
    assert (coarse.dtype, fine.dtype) == (np.uint8, np.uint16)
    np.testing.assert_allclose(fine / 65535, coarse / 255, atol=0.51 / 255)
    smooth = np.tile(np.arange(64, dtype=np.uint16) + 2000, (64, 1))
    dx(tmp_path / "in" / "b", smooth, WindowCenter=2048, WindowWidth=4096)
    assert len(np.unique(tiles(bits=16)["b"])) == 64 > len(np.unique(tiles()["b"]))


@pytest.mark.parametrize(("to", "turned"), [("none", ""), ("left", "R"), ("right", "L")])
def test_images_of_the_other_side_are_mirrored_and_only_they(tmp_path, dx, tiles, to, turned):
    for side in ("L", "R", "B", None):
        tags = {"ImageLaterality": side} if side else {}
        dx(tmp_path / "in" / f"side {side}", RAMP, WindowCenter=2048, WindowWidth=4096, **tags)
    plain, found = tiles(), tiles(mirror_to=to)
    for side in ("L", "R", "B", None):
        expected = plain[f"side {side}"]
        np.testing.assert_array_equal(found[f"side {side}"], expected[:, ::-1] if side == turned else expected)


def test_one_file_may_be_cached_as_it_is_and_mirrored(tmp_path, dx, tiles):
    dx(tmp_path / "in" / "a", RAMP, WindowCenter=2048, WindowWidth=4096, ImageLaterality="R")
    straight, turned, again = tiles()["a"], tiles(mirror_to="left")["a"], tiles()["a"]
    np.testing.assert_array_equal(straight, again)
    np.testing.assert_array_equal(straight, turned[:, ::-1])


def test_what_the_index_allowed_is_cached_too(tmp_path, tiles):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (40, 40), (200, 10, 10)).save(tmp_path / "in" / "screen.png")
    assert tiles() == {}
    shown = tiles(rules=IndexRules(allow_rgb=True, identifiers=()))["screen.png"]
    assert np.unique(shown).tolist() == [round(0.299 * 200 + 0.587 * 10 + 0.114 * 10)]


def test_exports_get_their_identity_from_the_path(tmp_path):
    for name in ("A1_LAT_R.png", "A1_AP_R.jpg", "A2_AP_L.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray((RAMP // 16).astype(np.uint8)).save(tmp_path / "in" / name)
    rules = IndexRules(path_pattern=r"(?P<accession_number>A\d+)_(?P<view>[A-Z]+)_(?P<laterality>[LR])")
    found = radiographs.index(tmp_path / "in", rules=rules).set_index("path")
    assert found.usable.tolist() == ["true"] * 3
    assert found.loc["A1_LAT_R.png", ["accession_number", "view", "laterality"]].tolist() == ["A1", "LATERAL", "R"]


@pytest.mark.parametrize("window", [-1, True, "", 1.5])
def test_a_window_that_is_no_choice_is_refused(window):
    with pytest.raises(ValidationError, match="window"):
        Preparation(window=window)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"field": "aspect", "pattern": "x", "view": "AP"}, "aspect is a measure: give above, below or both"),
        ({"field": "elongation", "view": "AP"}, "elongation is a measure: give above, below or both"),
        ({"field": "path", "view": "AP"}, "path is a text: give a pattern"),
        ({"field": "path", "pattern": "x", "above": 1, "view": "AP"}, "path is a text: give a pattern, and neither"),
    ],
)
def test_a_view_rule_fits_its_field(rule, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ViewRule(**rule)
