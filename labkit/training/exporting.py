"""A trained network as one file that other programs load.

TorchScript (.pt) for C++ and Java, torch.export (.pt2), which torch means to put in its place, or ONNX (.onnx), where
the packages onnx, onnxscript and onnxruntime (100 MB, hence optional) are installed.

The exported network takes (studies, images, rows, columns) float32 grey in [0, 1], as the cache prepares them, and
gives (studies, findings) probabilities. Each export is loaded again and must say the same as the network it came from.
"""

import importlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labkit import tables
from labkit.errors import TrainingError
from labkit.training import losses, scoring

__all__ = ["FORMATS", "export"]

FORMATS = (".pt", ".pt2", ".onnx")
TOLERANCE = 1e-4  # of a probability
CHECKED_STUDIES = 3


class Exported(nn.Module):
    """A network with its probabilities."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return torch.sigmoid(losses.binary(self.network(images)))


def export(run, path, *, seed=0):
    """Write a trained network in the format of the suffix and check it; returns the largest difference.

    run : TrainingRun. seed : of the random images that both must agree on.

    Raises
    ------
    TrainingError : another suffix, packages that ONNX needs,
    or outputs that differ by more than 0.0001.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise TrainingError(f"{path.name}: the suffix says the format; known are {', '.join(FORMATS)}.")
    network = scoring.restore(run.checkpoint)
    network.channels_last = False
    whole = Exported(network).eval()
    generator = torch.Generator().manual_seed(seed)
    size = run.settings.image_size_px
    images = torch.rand(CHECKED_STUDIES, len(network.slots), size, size, generator=generator)
    with torch.no_grad():
        expected = whole(images).numpy()  # every image is there: an export has no mask
        content, given = MAKERS[path.suffix](whole, images)
    difference = float(np.abs(given - expected).max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{path.name}: the export differs from the network by {difference:.2g}, allowed is {TOLERANCE:g}; it was "
            "not written."
        )
    tables.atomic_write(path, content)
    return difference


def _torchscript(whole, images):
    """The file's content and what the network in it gives."""
    with warnings.catch_warnings():  # torch would have torch.export used, which other languages cannot load yet
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        torch.jit.save(torch.jit.trace(whole, images[:2], check_trace=False), buffer)
        buffer.seek(0)
        loaded = torch.jit.load(buffer)
        given = loaded(images).numpy()  # another number of studies than it was traced with
    return buffer.getvalue(), given


def _program(whole, images):
    shapes = {"images": {0: torch.export.Dim("studies", min=1)}}
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(whole, (images,), dynamic_shapes=shapes), buffer)
    buffer.seek(0)
    return buffer.getvalue(), torch.export.load(buffer).module()(images).numpy()


def _onnx(whole, images):
    try:
        runtime = importlib.import_module("onnxruntime")
        importlib.import_module("onnxscript")
    except ImportError as error:
        raise TrainingError(
            f"An export to ONNX needs the optional packages onnx, onnxscript and onnxruntime, and {error.name} is "
            "missing; install them, or export to TorchScript (.pt)."
        ) from error
    studies = torch.export.Dim("studies", min=1)
    program = torch.onnx.export(
        whole,
        (images,),
        dynamo=True,
        input_names=["images"],
        output_names=["probability"],
        dynamic_shapes={"images": {0: studies}},
        verbose=False,
    )
    content = program.model_proto.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return content, session.run(None, {"images": images.numpy()})[0]


MAKERS = {".pt": _torchscript, ".pt2": _program, ".onnx": _onnx}
