"""Copies under another crop and another window: found by the directions in which grey rises."""

import numpy as np
import pytest

from labkit import radiographs
from labkit.radiographs import tasks
from labkit.radiographs.aligned import MIN_ALIGNED, aligned_pairs, directions


def window(picture, low, high):
    return np.clip((picture - low) / (high - low), 0, 1)


def cut(picture, share):
    top, left = (round(side * share) for side in picture.shape)
    return picture[top:, left:]


DONE = {
    "a narrower window": lambda p: window(p, 0.25, 0.75),
    "a wider window": lambda p: p * 0.5 + 0.2,
    "gamma": lambda p: p**1.6,
    "one twentieth cut off": lambda p: cut(p, 0.05),
    "cut and narrower": lambda p: window(cut(p, 0.05), 0.2, 0.8),
}


def square(picture):
    return tasks._square(np.rint(picture * 255).astype(np.uint8), 128) / np.float32(255)


@pytest.fixture
def wrist_and_others(graz, rng):
    """A real wrist, and the same frame with other things in it."""
    wrist = radiographs.read(graz / "01_explicit_le.dcm")
    y, x = np.mgrid[0 : wrist.shape[0], 0 : wrist.shape[1]]
    others = [np.abs(np.sin(x / a + y / b)) for a, b in ((23, 31), (17, -41), (60, 9))]
    return wrist, [*others, np.ascontiguousarray(wrist[::-1])]


@pytest.mark.parametrize("name", DONE)
def test_a_copy_is_found_and_nothing_else(wrist_and_others, name):
    wrist, others = wrist_and_others
    tiles = [square(p) for p in (wrist, *others, DONE[name](wrist))]
    found = aligned_pairs(tiles, tiles)
    assert [pair[:2] for pair in found] == [(0, len(tiles) - 1)]
    assert MIN_ALIGNED <= found[0][2] <= 1


def test_a_mirrored_copy_in_another_window_is_found_among_mirror_images(wrist_and_others):
    wrist, others = wrist_and_others
    tiles = [square(p) for p in (wrist, *others, DONE["a narrower window"](wrist)[:, ::-1])]
    assert aligned_pairs(tiles, tiles) == []
    found = aligned_pairs(tiles, [tile[:, ::-1] for tile in tiles], sizes=(1.0,))
    assert [pair[:2] for pair in found] == [(0, len(tiles) - 1)]


def test_directions_do_not_depend_on_brightness_and_are_none_where_even(wrist_and_others):
    tile = square(wrist_and_others[0])
    np.testing.assert_allclose(directions(tile * 0.5 + 0.3), directions(tile), atol=0.25)
    assert not directions(np.full((128, 128), 0.4)).any()
    assert np.abs(directions(tile)).max() < 1


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_pictures_make_no_pair(wrist_and_others, n):
    tiles = [square(wrist_and_others[0])] * n
    assert aligned_pairs(tiles, tiles) == []


def test_even_pictures_are_no_copies(rng):
    even = [np.full((64, 64), 0.5, np.float32)] * 3
    assert aligned_pairs(even, even) == []
