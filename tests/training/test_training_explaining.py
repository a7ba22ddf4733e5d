"""Maps add up to the logit, find their layer in any backbone, and point at what is drawn."""

import numpy as np
import pytest
import torch
from torch import nn

from labkit import training
from labkit.errors import TrainingError
from labkit.training import explaining, taps


def network(backbone="resnet18", **more):
    torch.manual_seed(2)
    made = training.build(training.Architecture(n_views=2, n_findings=3, backbone=backbone, **more)).eval()
    for name in ("missing", "view"):
        if hasattr(made, name):
            nn.init.normal_(getattr(made, name))
    return made


def maps_of(made, images, present=None, *, findings=(0, 2), least=0, **more):
    ends = explaining.find_taps(made, images, least=least)
    return explaining.of_images(made, images, present, findings=findings, ends=ends, **more)


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 2, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("pooling", ["concatenate", "mean", "max", "attention"])
def test_the_map_of_every_view_and_the_rest_add_up_to_the_logit(pooling, shared, images):
    made = network(pooling=pooling, shared_trunks=shared, masked=True)
    present = torch.tensor([[True, False], [True, True], [False, True]])
    maps = maps_of(made, images, present)
    with torch.no_grad():
        logits = made(images, present)[:, [0, 2]].numpy()
    assert maps.method == "CAM"
    assert maps.values.shape == (3, 2, 2, 2, 2)
    np.testing.assert_allclose(maps.values.sum(axis=(1, 3, 4)) + maps.rest, logits, atol=1e-5)
    np.testing.assert_allclose(np.nanmean(maps.local(), axis=(1, 3, 4)), logits, atol=1e-5)
    assert (maps.values[0, 1] == 0).all() and np.isnan(maps.local()[0, 1]).all()
    assert maps.error() < 1e-5


def test_of_three_outputs_the_map_is_that_of_true_against_false(images):
    made = network(n_outputs=3)
    with torch.no_grad():
        logits = made(images)
    maps = maps_of(made, images)
    wanted = (logits[..., 2] - logits[..., 0])[:, [0, 2]].numpy()
    np.testing.assert_allclose(maps.values.sum(axis=(1, 3, 4)) + maps.rest, wanted, atol=1e-5)


def test_pairs_of_study_and_finding_are_the_rows_of_all(images):
    made = network()
    every, paired = maps_of(made, images, findings=(0, 1, 2)), maps_of(made, images, findings=(2, 0, 1), paired=True)
    for study, finding in enumerate((2, 0, 1)):
        np.testing.assert_allclose(paired.values[study, :, 0], every.values[study, :, finding], atol=1e-6)
        np.testing.assert_allclose(paired.logits[study, 0], every.logits[study, finding], atol=1e-6)


@pytest.mark.parametrize("backbone", ["densenet121", "shufflenet_v2_x0_5", "mnasnet0_5"])
def test_backbones_that_end_in_a_mean_are_exact(backbone, images):
    maps = maps_of(network(backbone), images)
    assert maps.method == "CAM"
    assert maps.error() < 1e-4 * max(1.0, float(np.abs(maps.logits).max()))


def test_a_head_that_is_not_linear_is_explained_by_the_gradient(images):
    made = network("mobilenet_v3_small")
    for trunk in made.trunks:  # so that the features are not nearly zero
        for part in trunk.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_var.fill_(0.05)
    maps = maps_of(made, images)
    assert maps.method == "Grad-CAM"
    assert np.isnan(maps.error()) and np.abs(maps.values).max() > 0
    assert not any(p.grad is not None for p in made.parameters())
    assert all(p.requires_grad for p in made.parameters())


def test_of_a_linear_head_the_gradient_gives_the_same_places_as_the_weights(images):
    made = network()
    by_weights = maps_of(made, images)
    ends = [taps.Tap(**vars(end) | {"exact": False}) for end in explaining.find_taps(made, images)]
    by_gradient = explaining.of_images(made, images, None, findings=(0, 2), ends=ends)
    np.testing.assert_allclose(by_gradient.values, by_weights.values, atol=1e-6)


def test_small_images_take_a_finer_map(images):
    made = network()
    maps = maps_of(made, images, least=7)
    assert maps.method == "HiResCAM"
    assert maps.values.shape[3:] == (8, 8)
    with torch.no_grad():
        logits = made(images)[:, [0, 2]].numpy()
    np.testing.assert_allclose(maps.logits, logits, atol=1e-5)


def test_the_gradient_of_each_place_on_the_last_map_is_the_map_by_weights(images):
    made = network()
    ends = [taps.Tap(**vars(end) | {"exact": False, "finer": True}) for end in explaining.find_taps(made, images)]
    by_gradient = explaining.of_images(made, images, None, findings=(0, 2), ends=ends)
    np.testing.assert_allclose(by_gradient.values, maps_of(made, images).values, atol=1e-6)


def test_a_network_of_tokens_has_no_map():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.mix = nn.Conv2d(3, 8, 8, 8), nn.Linear(8, 8)

        def forward(self, shown):
            return self.mix(self.patches(shown).flatten(2).transpose(1, 2))[:, 0]

    with pytest.raises(TrainingError, match="vit at 32 px has no map of features over places"):
        taps.find(Tokens(), torch.rand(1, 3, 32, 32), backbone="vit")
