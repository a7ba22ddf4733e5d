"""The study's networks, their weights and what is refused."""

from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from labkit import training
from labkit.errors import TrainingError


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
    network = training.build(n_views=2, n_findings=29)
    assert isinstance(network.head, nn.Linear)
    assert network.head.weight.shape == (29, 2 * 2048)
    trunk = n_parameters(torchvision.models.resnet50()) - (2048 * 1000 + 1000)
    assert n_parameters(network) == 2 * trunk + 29 * 4096 + 29


def test_a_shared_trunk_serves_all_views():
    network = training.build(n_views=3, n_findings=4, backbone="resnet18", shared_trunks=True).eval()
    assert len(network.trunks) == 1
    with torch.no_grad():
        features = network.features(torch.rand(1, 1, 32, 32).expand(2, 3, 32, 32))  # (studies, views, 32, 32)
    assert features.shape == (2, 3 * 512)
    assert torch.equal(features[:, :512], features[:, 512:1024])


def test_a_single_trunk_is_the_torchvision_network_with_its_last_layer_replaced(resnet18_file):
    network = training.build(n_views=1, n_findings=5, backbone="resnet18", weights=str(resnet18_file)).eval()
    plain = torchvision.models.resnet18(weights=None)
    plain.load_state_dict(torch.load(resnet18_file, weights_only=True))
    plain.fc = network.head
    grey = torch.rand(3, 1, 40, 40)
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        assert torch.allclose(network(grey), plain.eval()((grey - mean) / deviation), atol=1e-6)


def test_views_keep_their_own_trunk(resnet18_file):
    network = training.build(n_views=2, n_findings=1, backbone="resnet18", weights=str(resnet18_file)).eval()
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
            training.build(n_views=1, n_findings=3, backbone=backbone)
        return
    network = training.build(n_views=2, n_findings=3, backbone=backbone).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 2, 64, 64)).shape == (2, 3)


def test_an_unknown_network_names_its_neighbours():
    with pytest.raises(TrainingError, match=r"'resnet51' is not known to torchvision; near it are .*resnet50"):
        training.build(n_views=1, n_findings=3, backbone="resnet51")


def test_weights_of_another_network_are_refused_by_name(resnet18_file):
    with pytest.raises(TrainingError, match=r"entries do not fit resnet34, first 'layer1\.2"):
        training.build(n_views=1, n_findings=3, backbone="resnet34", weights=str(resnet18_file))


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(TrainingError, match=r"weights 'gone\.pt': no such file") as caught:
        training.build(n_views=1, n_findings=3, weights=str(tmp_path / "gone.pt"))
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(nn.Linear(2, 2), path)  # a whole object, pickled
    with pytest.raises(TrainingError, match="no file of tensors"):
        training.build(n_views=1, n_findings=3, backbone="resnet18", weights=str(path))


def test_imagenet_weights_without_a_network_say_what_to_do(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    with pytest.raises(
        TrainingError, match=r"could not be fetched\. On a machine without network copy resnet18-\w+\.pth"
    ):
        training.build(n_views=1, n_findings=3, backbone="resnet18", weights="imagenet")
