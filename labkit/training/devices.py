"""Where training runs and how exactly: device, precision, threads, deterministic kernels; used by
03_training.
"""

import os
from contextlib import contextmanager

import torch

from labkit.errors import TrainingError

__all__ = ["autocast", "choose", "exact"]


def choose(name):
    """The torch device of "auto" (a GPU where there is one), "cpu" or "cuda".

    Raises
    ------
    TrainingError : cuda was asked for and is not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "device 'cuda' was asked for but this machine has none that torch can use. Set device to cpu or auto."
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def autocast(device, precision):
    """Context of the forward pass: bf16 where the settings or the device say so, else fp32."""
    half = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=half)


@contextmanager
def exact(*, cpu_threads, seed, device):
    """A fixed number of threads, deterministic kernels and a private random state; all are put back
    afterwards.
    """
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.set_num_threads(cpu_threads)
        if devices:  # cuBLAS repeats itself only with a fixed workspace, and reads this when it starts
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # a GPU has kernels without a deterministic form (grid_sample among them): there a warning must do
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            torch.set_num_threads(threads)
