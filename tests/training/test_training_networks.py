"""The study's networks, their weights and what is refused."""

import sys
import types
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from labkit import training
from labkit.errors import TrainingError


def build(*, weights="none", **architecture):
    return training.build(training.Architecture(**architecture), weights=weights)


def n_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def resnet18_file(tmp_path_factory):
    """A state dict as torchvision would give it, random weights."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pt"
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    return path


def test_the_default_is_two_unshared_resnet50_and_one_linear_layer():
    network = build(n_views=2, n_findings=29)
    assert isinstance(network.head, nn.Linear)
    assert network.head.weight.shape == (29, 2 * 2048)
    trunk = n_parameters(torchvision.models.resnet50()) - (2048 * 1000 + 1000)
    assert n_parameters(network) == 2 * trunk + 29 * 4096 + 29


def test_a_shared_trunk_serves_all_views():
    network = build(n_views=3, n_findings=4, backbone="resnet18", shared_trunks=True).eval()
    assert len(network.trunks) == 1
    with torch.no_grad():
        features = network.features(torch.rand(1, 1, 32, 32).expand(2, 3, 32, 32))  # (studies, views, 32, 32)
    assert features.shape == (2, 3 * 512)
    assert torch.equal(features[:, :512], features[:, 512:1024])


def test_a_single_trunk_is_the_torchvision_network_with_its_last_layer_replaced(resnet18_file):
    network = build(n_views=1, n_findings=5, backbone="resnet18", weights=str(resnet18_file)).eval()
    plain = torchvision.models.resnet18(weights=None)
    plain.load_state_dict(torch.load(resnet18_file, weights_only=True))
    plain.fc = network.head
    grey = torch.rand(3, 1, 40, 40)
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        assert torch.allclose(network(grey), plain.eval()((grey - mean) / deviation), atol=1e-6)


def test_views_keep_their_own_trunk(resnet18_file):
    network = build(n_views=2, n_findings=1, backbone="resnet18", weights=str(resnet18_file)).eval()
    images = torch.rand(1, 2, 32, 32)
    with torch.no_grad():
        before = network.features(images)
        network.trunks[1].conv1.weight.zero_()
        after = network.features(images)
    assert torch.equal(before[:, :512], after[:, :512])
    assert not torch.equal(before[:, 512:], after[:, 512:])


@pytest.mark.parametrize("backbone", ["mobilenet_v3_small", "squeezenet1_0"])
def test_other_torchvision_networks_serve_where_they_end_in_a_linear_layer(backbone):
    if backbone == "squeezenet1_0":
        with pytest.raises(TrainingError, match="squeezenet1_0' does not end in a linear layer"):
            build(n_views=1, n_findings=3, backbone=backbone)
        return
    network = build(n_views=2, n_findings=3, backbone=backbone).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 2, 64, 64)).shape == (2, 3)


def test_an_unknown_network_names_its_neighbours():
    with pytest.raises(TrainingError, match=r"'resnet51' is not known to torchvision; near it are .*resnet50"):
        build(n_views=1, n_findings=3, backbone="resnet51")


def test_weights_of_another_network_are_refused_by_name(resnet18_file):
    with pytest.raises(TrainingError, match=r"entries do not fit resnet34, first 'layer1\.2"):
        build(n_views=1, n_findings=3, backbone="resnet34", weights=str(resnet18_file))


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(TrainingError, match=r"weights 'gone\.pt': no such file") as caught:
        build(n_views=1, n_findings=3, weights=str(tmp_path / "gone.pt"))
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(nn.Linear(2, 2), path)  # a whole object, pickled
    with pytest.raises(TrainingError, match="no file of tensors"):
        build(n_views=1, n_findings=3, backbone="resnet18", weights=str(path))


def test_imagenet_weights_without_a_network_say_what_to_do(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    with pytest.raises(
        TrainingError, match=r"could not be fetched\. On a machine without network copy resnet18-\w+\.pth"
    ):
        build(n_views=1, n_findings=3, backbone="resnet18", weights="imagenet")


@pytest.mark.parametrize("backbone", ["densenet121", "convnext_tiny", "googlenet", "swin_t"])
def test_families_of_torchvision_serve(backbone):
    size = 64 if backbone == "swin_t" else 32
    network = build(n_views=1, n_findings=3, backbone=backbone).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 1, size, size)).shape == (1, 3)


def pooled(pooling, **more):
    torch.manual_seed(1)
    return build(n_views=2, n_findings=3, backbone="shufflenet_v2_x0_5", pooling=pooling, masked=True, **more).eval()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("pooling", ["concatenate", "mean", "max", "attention"])
def test_what_stands_in_a_missing_view_has_no_influence(pooling, shared):
    network = pooled(pooling, shared_trunks=shared)
    images, present = torch.rand(2, 2, 32, 32), torch.tensor([[True, False], [True, True]])
    other = images.clone()
    other[0, 1] = 0.5
    with torch.no_grad():
        first, second = network(images, present), network(other, present)
        changed = network(other)
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[0], changed[0])


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_pooling_is_that_of_the_views_that_are_there(pooling):
    network = pooled(pooling)
    found = torch.randn(3, 4, 1024)
    network.slots = (0, 1, 0, 1)
    present = torch.tensor([[True, False, True, False], [True] * 4, [False, False, False, True]])
    with torch.no_grad():
        given = network._pooled(found, present)
    one = found[0, [0, 2]]
    if pooling == "mean":
        assert torch.allclose(given[0], one.mean(dim=0), atol=1e-6)
    elif pooling == "max":
        assert torch.equal(given[0], one.amax(dim=0))
    else:
        share = torch.softmax(network.weigh(one)[:, 0], dim=0)
        assert torch.allclose(given[0], (one * share[:, None]).sum(dim=0), atol=1e-5)
    assert torch.allclose(given[2], found[2, 3], atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_a_pooled_network_takes_more_images_than_views(pooling):
    network = pooled(pooling, slots=(0, 1, 0))
    with torch.no_grad():
        assert network(torch.rand(2, 3, 32, 32), torch.ones(2, 3, dtype=torch.bool)).shape == (2, 3)


def test_the_vector_of_a_missing_view_is_learnt_and_batch_statistics_never_see_the_gap():
    network = pooled("concatenate").train()
    images = torch.rand(4, 2, 32, 32)
    images[:2, 1] = 0
    present = torch.tensor([[True, False], [True, False], [True, True], [True, True]])
    network(images, present).sum().backward()
    assert network.missing.grad[1].abs().sum() > 0
    assert (network.missing.grad[0] == 0).all()
    alone = pooled("concatenate").train()
    alone.trunks[1]((images[2:, 1, None] - alone.mean) / alone.deviation)
    statistics = [n for n, _ in network.trunks[1].named_buffers() if n.endswith("running_mean")]
    assert statistics
    for name in statistics:
        assert torch.allclose(network.trunks[1].get_buffer(name), alone.trunks[1].get_buffer(name), atol=1e-5)


@pytest.mark.parametrize("shown", [0, 1])
def test_a_batch_with_one_image_of_a_view_or_none_can_be_trained_on(shown):
    network = pooled("mean").train()
    present = torch.ones(3, 2, dtype=torch.bool)
    present[shown:, 1] = False
    network(torch.rand(3, 2, 16, 16), present).sum().backward()
    gradients = [p.grad for p in network.trunks[1].parameters() if p.grad is not None]
    assert bool(gradients) == (shown == 1)
    assert all(torch.isfinite(gradient).all() and gradient.abs().max() < 1e3 for gradient in gradients)
    assert network.trunks[1].training


def test_one_channel_answers_grey_as_the_three_channels_together(resnet18_file):
    three = build(n_views=1, n_findings=1, backbone="resnet18", weights=str(resnet18_file))
    one = build(n_views=1, n_findings=1, backbone="resnet18", weights=str(resnet18_file), grey="one_channel")
    assert one.trunks[0].conv1.weight.shape == (64, 1, 7, 7)
    grey = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        expected = three.trunks[0].conv1(grey.expand(2, 3, 32, 32))
        assert torch.allclose(one.trunks[0].conv1(grey), expected, atol=1e-5)
        assert one.eval()(grey).shape == (2, 1)


def test_three_outputs_per_finding_for_the_third_class():
    network = build(n_views=1, n_findings=4, backbone="shufflenet_v2_x0_5", n_outputs=3).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 1, 32, 32)).shape == (2, 4, 3)


def test_an_architecture_survives_a_file():
    architecture = training.Architecture(n_views=2, n_findings=3, slots=(0, 1, 1), masked=True, pooling="max")
    assert training.Architecture.read(architecture.plain()) == architecture


def test_timm_is_optional_and_named_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(TrainingError, match="needs the optional package timm"):
        build(n_views=1, n_findings=1, backbone="timm/resnet18")


def test_a_network_of_timm_serves_as_trunk(monkeypatch):
    class Small(nn.Sequential):
        num_features, default_cfg = 8, {"classifier": "fc"}

        def reset_classifier(self, n_classes):
            assert n_classes == 0

    def create_model(name, pretrained):
        assert (name, pretrained) == ("small", False)
        return Small(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    fake = types.SimpleNamespace(list_models=lambda *_: ["small"], create_model=create_model)
    monkeypatch.setitem(sys.modules, "timm", fake)
    network = build(n_views=2, n_findings=3, backbone="timm/small", grey="one_channel")
    assert network.trunks[0][0].in_channels == 1
    assert network(torch.rand(2, 2, 16, 16)).shape == (2, 3)
    with pytest.raises(TrainingError, match="'timm/large' is not known to timm; near it are small"):
        build(n_views=1, n_findings=1, backbone="timm/large")


def test_a_tiny_network_of_timm_itself_serves_with_one_channel_and_shared_trunks():
    pytest.importorskip("timm")
    network = build(n_views=2, n_findings=3, backbone="timm/resnet10t", grey="one_channel", shared_trunks=True)
    assert next(network.trunks[0].parameters()).shape[1] == 1
    network(torch.rand(2, 2, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    with pytest.raises(TrainingError, match="'timm/resnet10x' is not known to timm; near it are"):
        build(n_views=1, n_findings=1, backbone="timm/resnet10x")


def test_published_weights_of_googlenet_get_the_normalisation_that_they_were_made_with(tmp_path):
    path = tmp_path / "googlenet.pt"
    whole = torchvision.models.googlenet(weights=None, init_weights=False)  # with its further outputs, as published
    torch.save(whole.state_dict(), path)
    given = build(n_views=1, n_findings=1, backbone="googlenet", weights=str(path))
    assert (
        given.trunks[0].transform_input
        and not build(n_views=1, n_findings=1, backbone="googlenet").trunks[0].transform_input
    )
