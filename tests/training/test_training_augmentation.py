"""Flips and rotations of a batch."""

import pytest
import torch

from labkit import training
from labkit.training.augmentation import augment, draw


def run(images, **settings):
    n = images.shape[0] * images.shape[1]
    generator = torch.Generator().manual_seed(1)
    return augment(images, draw(n, settings=training.Settings(**settings), generator=generator))


def strong(images, **numbers):
    """Recipe strong with nothing on but the given numbers."""
    off = dict.fromkeys(("zoom", "shift", "brightness", "contrast", "gamma", "erased_share"), 0)
    return run(images, recipe="strong", strong=training.Strong(**off | numbers), flip_share=0, rotation_degrees=0)


@pytest.fixture
def images():
    return torch.rand(3, 2, 9, 9, generator=torch.Generator().manual_seed(0))


def test_a_flip_mirrors_left_and_right(images):
    assert torch.allclose(run(images, flip_share=1, rotation_degrees=0), images.flip(-1), atol=1e-5)


def test_without_flip_and_rotation_nothing_changes(images):
    assert torch.allclose(run(images, flip_share=0, rotation_degrees=0), images, atol=1e-5)


def test_a_rotation_keeps_the_centre_and_stays_within_its_limit():
    images = torch.zeros(200, 1, 41, 41)
    images[:, :, 20, 20] = 1
    images[:, :, 20, 36] = 1  # 16 px right of the centre
    turned = run(images, flip_share=0, rotation_degrees=30)[:, 0]
    assert (turned[:, 20, 20] > 0.9).all()
    turned[:, 18:23, 18:23] = 0
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="ij")
    mass = turned.sum(dim=(1, 2))
    y = (turned * (rows - 20)).sum(dim=(1, 2)) / mass
    x = (turned * (columns - 20)).sum(dim=(1, 2)) / mass
    angle = torch.rad2deg(torch.atan2(y, x))
    assert angle.abs().max() < 31
    assert angle.max() > 20 > -20 > angle.min()
    assert torch.hypot(x, y) == pytest.approx(16, abs=0.6)


def test_each_radiograph_has_its_own_draw():
    images = torch.rand(1, 1, 15, 15).expand(4, 2, 15, 15).contiguous()
    turned = run(images).reshape(8, -1)
    assert len({tuple(row.tolist()) for row in turned}) == 8


def test_the_draws_of_a_batch_do_not_depend_on_how_it_is_dealt_out(images):
    settings = training.Settings(recipe="strong")
    drawn = draw(6, settings=settings, generator=torch.Generator().manual_seed(3))
    whole = augment(images, drawn)
    apart = [augment(images[n : n + 1], drawn.of(torch.tensor([2 * n, 2 * n + 1]))) for n in range(3)]
    assert torch.equal(whole, torch.cat(apart))


def test_strong_with_all_its_numbers_at_zero_changes_nothing(images):
    assert torch.allclose(strong(images), images, atol=1e-5)


def test_zoom_and_shift_stay_within_their_limits():
    images = torch.zeros(300, 1, 40, 40)
    images[:, :, 15:25, 15:25] = 1  # 10 px
    side = strong(images, zoom=0.2).sum(dim=(1, 2, 3)).sqrt()
    assert 7.5 < side.min() < 8.7 and 11.3 < side.max() < 12.5
    moved = strong(images, shift=0.1)[:, 0]
    centre = (moved.sum(dim=1) * torch.arange(40.0)).sum(dim=1) / moved.sum(dim=(1, 2)) - 19.5
    assert 3.5 < centre.abs().max() < 4.1  # a tenth of the side
    assert centre.max() > 2 > -2 > centre.min()


@pytest.mark.parametrize("name", ["brightness", "contrast", "gamma"])
def test_grey_changes_within_its_limits_and_the_order_of_grey_values_stays(name):
    images = torch.linspace(0.3, 0.7, 81).reshape(1, 1, 9, 9).expand(200, 1, 9, 9).contiguous()
    changed = strong(images, **{name: 0.2}).reshape(200, -1)
    assert (changed.diff(dim=1) >= -1e-6).all() and (changed >= 0).all() and (changed <= 1).all()
    mean, spread = changed.mean(dim=1), changed[:, -1] - changed[:, 0]
    if name == "brightness":
        assert 0.15 < (mean - 0.5).abs().max() <= 0.2 + 1e-5
    if name == "contrast":
        assert torch.allclose(mean, torch.tensor(0.5), atol=1e-3)
        assert 0.32 - 1e-3 < spread.min() < 0.34 and 0.46 < spread.max() < 0.48 + 1e-3
    if name == "gamma":
        assert changed[:, 40].min() >= 0.5**1.2 - 1e-3 and changed[:, 40].max() <= 0.5**0.8 + 1e-3


def test_what_is_erased_lies_at_the_border_and_is_small():
    images = torch.ones(400, 1, 32, 32)
    gone = strong(images, erased_share=0.5)[:, 0] == 0
    hit = gone.any(dim=(1, 2))
    assert 0.4 < hit.float().mean() < 0.6
    assert gone.sum(dim=(1, 2)).max() <= 8 * 8
    edge = gone[:, 0].any(1) | gone[:, -1].any(1) | gone[:, :, 0].any(1) | gone[:, :, -1].any(1)
    assert (edge[hit]).all()
    assert not gone[:, 8:24, 8:24].any()
