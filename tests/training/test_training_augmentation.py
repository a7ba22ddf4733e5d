"""Flips and rotations of a batch."""

import pytest
import torch

from labkit import training
from labkit.training.augmentation import augment


def run(images, **settings):
    generator = torch.Generator().manual_seed(1)
    return augment(images, settings=training.Settings(**settings), generator=generator)


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
