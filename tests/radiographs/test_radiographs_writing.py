"""Writing burnt into pictures is found and masked before a picture enters a page."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from labkit import radiographs
from labkit.radiographs import IndexRules, Preparation, writing
from labkit.radiographs.thumbnails import UNDECODED, ThumbnailJob, thumbnail

NAME = "MUSTERMANN^ERIKA 1961"


@pytest.fixture(scope="module")
def limb():
    """(500, 400) uint8: a soft bright shaft with noise on a dark ground."""
    rng = np.random.default_rng(3)
    x = np.linspace(-1, 1, 400)
    picture = 40 + 60 * np.exp(-((x / 0.5) ** 2)) + 90 * np.exp(-((x / 0.15) ** 2)) + rng.normal(0, 6, (500, 400))
    return picture.clip(0, 255).astype(np.uint8)


def written(picture, text, *, at=(8, 8), size=24, tone=255, upright=False):
    """The picture with text burnt in, and where its ink is."""
    ink = Image.new("L", picture.shape[::-1] if not upright else picture.shape, 0)
    ImageDraw.Draw(ink).text(at, text, fill=255, font=ImageFont.load_default(size))
    ink = np.asarray(ink.rotate(90, expand=True) if upright else ink) / 255
    return (picture * (1 - ink) + tone * ink).astype(np.uint8), ink > 0.5


def covered(picture):
    found = np.zeros(picture.shape, bool)
    for box in writing.find(picture):
        found[box.top : box.bottom, box.left : box.right] = True
    return found


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"size": 14},
        {"at": (10, 460), "size": 30},
        {"tone": 200},
        {"upright": True},
    ],
)
def test_a_name_is_covered_and_little_else(limb, how):
    picture, ink = written(limb, NAME, **how)
    found = covered(picture)
    assert found[ink].mean() > 0.98
    assert found.mean() < 0.2


def test_dark_letters_on_a_bright_label_are_covered(limb):
    labelled = limb.copy()
    labelled[440:490, 20:380] = 235
    picture, ink = written(labelled, "ID 0098123 24.11.26", at=(30, 450), tone=10)
    assert covered(picture)[ink].mean() > 0.98


def test_a_side_marker_alone_is_no_writing(limb):
    assert writing.find(written(limb, "L", size=48)[0]) == []


def test_a_radiograph_without_writing_stays_whole(limb, graz):
    assert writing.find(limb) == []
    shown = radiographs.read(graz / "01_explicit_le.dcm")
    assert writing.find(np.rint(shown * 255).astype(np.uint8)) == []


@pytest.mark.parametrize("picture", [np.zeros((40, 40), np.uint8), np.full((1, 1), 9, np.uint8)])
def test_pictures_without_anything_hold_no_writing(picture):
    assert writing.find(picture) == []


def test_noise_is_looked_through_in_bounded_time():
    noise = np.random.default_rng(0).integers(0, 256, (800, 800), dtype=np.uint8)
    writing.find(noise)  # whatever it takes for letters: it must end, within the test's time limit


def test_the_mask_is_even_and_the_rest_unchanged(limb):
    picture, _ = written(limb, NAME)
    box = writing.Box(5, 40, 3, 390)
    masked = writing.mask(picture, [box])
    assert np.unique(masked[5:40, 3:390]).tolist() == [int(np.median(picture))]
    np.testing.assert_array_equal(masked[40:], picture[40:])


def small(path, *, burned_in="", laterality="", **choices):
    job = ThumbnailJob(str(path), burned_in=burned_in, laterality=laterality)
    return thumbnail(job, size_px=100, preparation=Preparation(**choices), rules=IndexRules())


def test_no_letter_is_left_in_a_thumbnail(tmp_path, dx, limb):
    picture, ink = written(limb, NAME)
    dx(tmp_path / "a", picture.astype(np.uint16) * 16, WindowCenter=2048, WindowWidth=4096)
    made = small(tmp_path / "a")
    assert made.lines >= 1 and made.picture.shape == (100, 80)
    rows, columns = (slice(place.min() // 5, place.max() // 5 + 1) for place in np.nonzero(ink))
    assert np.ptp(made.picture[rows, columns].astype(int)) < 60, "grey where white letters stood on a dark ground"


def test_what_may_hold_text_is_held_back(tmp_path, dx, limb):
    dx(tmp_path / "clean", limb.astype(np.uint16) * 16, WindowCenter=2048, WindowWidth=4096)
    dx(tmp_path / "name", written(limb, NAME)[0].astype(np.uint16) * 16, WindowCenter=2048, WindowWidth=4096)
    Image.new("RGB", (60, 60)).save(tmp_path / "screen.png")
    (tmp_path / "cut").write_bytes((tmp_path / "clean").read_bytes()[:-50])
    assert small(tmp_path / "clean", burned_in="yes").reason == "held back: text says its header"
    assert small(tmp_path / "name", burned_in="yes").picture is not None, "what the header says was found and masked"
    assert small(tmp_path / "name", burnt_in_text="hold_back").reason == "held back: may hold text"
    assert small(tmp_path / "clean", burnt_in_text="hold_back").picture is not None
    assert small(tmp_path / "screen.png").reason == "held back: a colour picture"
    assert small(tmp_path / "cut").reason == small(tmp_path / "missing").reason == UNDECODED


def test_a_thumbnail_is_prepared_as_the_params_say(tmp_path, dx, limb):
    slope = np.tile(np.arange(400, dtype=np.uint16) * 10, (500, 1))
    dx(tmp_path / "a", slope, WindowCenter=2048, WindowWidth=4096)
    straight, turned = small(tmp_path / "a").picture, small(tmp_path / "a", laterality="R", mirror_to="left").picture
    np.testing.assert_array_equal(straight, turned[:, ::-1])
    framed = np.zeros((500, 400), np.uint16)
    framed[50:450, 60:340] = 1600 + 8 * limb[50:450, 60:340].astype(np.uint16)
    dx(tmp_path / "b", framed, WindowCenter=2048, WindowWidth=4096)
    assert small(tmp_path / "b", crop=True).picture.shape == (100, 70)
