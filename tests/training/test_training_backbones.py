"""The names of usable networks: those of torchvision, told without torch."""

import subprocess
import sys

import pytest
import torchvision

from labkit.training import backbones


def test_the_names_are_torchvisions_but_those_that_cannot_be_used():
    left_out = {"squeezenet1_0", "squeezenet1_1"}
    assert set(torchvision.models.list_models(module=torchvision.models)) == backbones.KNOWN | left_out


def test_a_known_name_is_accepted_without_torch():
    code = (
        "import sys; from labkit.training import backbones; "
        "sys.exit(backbones.fault('densenet121') != '' or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("resnet51", "backbone 'resnet51' is not known to torchvision; near it are resnet101"),
        ("squeezenet1_1", "backbone 'squeezenet1_1' does not end in a linear layer; choose another"),
    ],
)
def test_another_name_is_a_sentence(name, sentence):
    assert backbones.fault(name).startswith(sentence)
