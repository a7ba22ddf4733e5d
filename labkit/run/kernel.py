"""The kernel in which a step's notebook runs: this Python, private channels, nothing of the user's own Jupyter set-up.

Three troubles are avoided: a kernel named `python3` that belongs to another environment, two kernels that
race for a port, and patient data on loopback TCP.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

__all__ = ["PrivateKernelManager", "kernel_folder_prefix"]

# Unix sockets allow about 104 bytes of path; the kernel adds a name and a number.
LONGEST_SOCKET_FOLDER = 80


def kernel_folder_prefix(marker: str) -> str:
    """Start of the names of the temporary folders of one run, by which a later run sweeps what a kill left behind."""
    return f"labkit-{marker[:10]}-"


class PrivateKernelManager(AsyncKernelManager):
    """Starts this interpreter's own ipykernel over sockets in a private temporary folder (encrypted TCP on Windows)."""

    def __init__(self, *args: Any, **kwargs: Any):
        prefix = kernel_folder_prefix(os.environ.get("LABKIT_RUN_MARKER", "none"))
        folder = tempfile.mkdtemp(prefix=prefix)
        if len(folder) > LONGEST_SOCKET_FOLDER and Path("/tmp").is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            folder = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
        self._folder = Path(folder)
        if os.name == "posix":
            # Each kernel needs its own folder: kernels that share one wait for each other for ever.
            private = {"transport": "ipc", "ip": str(self._folder / "k")}
        else:
            private = {"transport_encryption": "auto"}
        super().__init__(*args, connection_file=str(self._folder / "kernel.json"), **private, **kwargs)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[
                *(sys.executable, "-m", "ipykernel_launcher"),
                *("-f", "{connection_file}", "--HistoryManager.enabled=False"),
            ],
            display_name="Python 3",
            language="python",
            metadata={"debugger": False, "supported_encryption": "curve"},
        )

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        environment = dict(kwargs.pop("env", None) or os.environ)
        # A profile's start-up files would run inside the study.
        environment |= {"IPYTHONDIR": str(self._folder / "ipython"), "PYTHONHASHSEED": "0"}
        return await super()._async_pre_start_kernel(env=environment, **kwargs)

    async def _async_cleanup_resources(self, *args: Any, **kwargs: Any) -> None:
        await super()._async_cleanup_resources(*args, **kwargs)
        shutil.rmtree(self._folder, ignore_errors=True)
