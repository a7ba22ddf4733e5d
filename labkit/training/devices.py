"""Where training runs and how exactly: device, precision, memory layout, threads, deterministic kernels; used by
03_training.
"""

import importlib.util
import os
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from labkit.errors import TrainingError

__all__ = ["Means", "choose", "exact", "means", "ran_out_of_memory"]

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
COMPILE_FROM_EPOCHS = 5  # compilation takes a minute or two
CHANNELS_LAST_FROM_PX = 128  # pays from here up and hurts below, measured on a CPU with bf16


@dataclass(frozen=True)
class Means:
    """What one training computes with, as chosen by the device or asked for."""

    device: torch.device
    precision: str
    channels_last: bool
    compiled: bool
    deterministic: bool
    processes: int

    def autocast(self):
        """Context of the forward pass."""
        half = HALF.get(self.precision)
        return torch.autocast(self.device.type, dtype=half or torch.bfloat16, enabled=half is not None)

    def plain(self):
        """For a page or a file."""
        return {
            "device": self.device.type,
            "precision": self.precision,
            "channels_last": self.channels_last,
            "compiled": self.compiled,
            "deterministic": self.deterministic,
            "processes": self.processes,
        }


def means(settings, *, processes=1):
    """What settings and machine make of "auto".

    Raises
    ------
    TrainingError : cuda was asked for and is not there.
    """
    device = choose(settings.device)
    precision = settings.precision
    if precision == "auto":
        on_gpu = device.type == "cuda"
        # on a CPU bf16 pays only with units of its own, and the same bits on every machine are worth more
        precision = (
            ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16") if on_gpu else "fp32"
        )
    large = settings.image_size_px >= CHANNELS_LAST_FROM_PX
    can_compile = device.type == "cuda" and importlib.util.find_spec("triton") is not None
    worth_it = can_compile and settings.epochs >= COMPILE_FROM_EPOCHS and processes == 1
    return Means(
        device=device,
        precision=precision,
        channels_last=large if settings.channels_last == "auto" else settings.channels_last == "always",
        compiled=worth_it if settings.compile == "auto" else settings.compile == "always",
        deterministic=settings.deterministic,
        processes=processes,
    )


def choose(name):
    """The torch device of "auto" (a GPU where there is one), "cpu" or "cuda"; with several processes each its own.

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
    own = os.environ.get("LOCAL_RANK") if name == "cuda" else None
    return torch.device(name, int(own)) if own else torch.device(name)


def ran_out_of_memory(error):
    """Whether an exception says that memory did not suffice; a CPU has no class of its own for it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("not enough memory" in text or "can't allocate memory" in text)


@contextmanager
def exact(*, cpu_threads, seed, device, deterministic=True):
    """A fixed number of threads, deterministic kernels and a private random state; all are put back
    afterwards.
    """
    threads = torch.get_num_threads()
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filled, searched = torch.utils.deterministic.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.set_num_threads(cpu_threads)
        if devices:  # cuBLAS repeats itself only with a fixed workspace, and reads this when it starts
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # a GPU has kernels without a deterministic form (grid_sample among them): there a warning must do
        torch.use_deterministic_algorithms(deterministic, warn_only=device.type != "cpu")
        # it would write every new tensor twice, to find code that reads what nobody wrote
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.backends.cudnn.benchmark = not deterministic  # the fastest kernel may be another one each time
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            torch.utils.deterministic.fill_uninitialized_memory = filled
            torch.backends.cudnn.benchmark = searched
            torch.set_num_threads(threads)
