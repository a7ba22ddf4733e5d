"""Networks for other programs: the file says what the network says, or is not written."""

import sys

import numpy as np
import pytest
import torch

from labkit import training
from labkit.errors import TrainingError
from labkit.training import exporting

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


def loaded(path):
    if path.suffix == ".onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda images: torch.from_numpy(session.run(["probability"], {"images": images.numpy()})[0])
    return torch.jit.load(path) if path.suffix == ".pt" else torch.export.load(path).module()


@pytest.mark.parametrize("suffix", [".pt", ".pt2", ".onnx"])
def test_the_file_gives_the_scores_of_the_predictions(fitted, cohort, tmp_path, suffix):
    if suffix == ".onnx":
        pytest.importorskip("onnxscript")
    path = tmp_path / f"network{suffix}"
    assert training.export(fitted, path) <= exporting.TOLERANCE
    positions = cohort.positions("test")
    images = torch.from_numpy(cohort.batch(positions)).float() / 255
    given = loaded(path)(images).detach().numpy()
    scores = training.predict(fitted, cohort, split_names=("test",))["score"].to_numpy().reshape(given.shape)
    assert np.abs(given - scores).max() < 1e-5


def test_a_file_that_disagrees_is_not_written(monkeypatch, fitted, tmp_path):
    monkeypatch.setitem(exporting.MAKERS, ".pt", lambda whole, images: (b"x", whole(images).numpy() + 0.01))
    with pytest.raises(TrainingError, match=r"differs from the network by 0\.01, allowed is 0\.0001"):
        training.export(fitted, tmp_path / "n.pt")
    monkeypatch.setitem(exporting.MAKERS, ".pt", lambda whole, images: (b"x", whole(images).numpy() * np.nan))
    with pytest.raises(TrainingError, match="differs from the network by nan"):
        training.export(fitted, tmp_path / "n.pt")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_and_missing_packages_are_named(monkeypatch, fitted, tmp_path):
    with pytest.raises(TrainingError, match=r"the suffix says the format; known are \.pt, \.pt2, \.onnx"):
        training.export(fitted, tmp_path / "n.h5")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(TrainingError, match="needs the optional packages onnx, onnxscript and onnxruntime"):
        training.export(fitted, tmp_path / "n.onnx")
