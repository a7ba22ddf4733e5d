"""Several processes as one: each takes its share of a step, and all see the same loss, statistics and scores.

Started by torchrun (`torchrun --nproc-per-node 4 --no-python labkit train ...`): nccl between GPUs, gloo between
CPUs. A step's studies are dealt out among the processes, and batch normalisation counts all of them, so that the
losses are those of one process but for rounding.
"""

import atexit
import functools
import os
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed
from torch import nn

from labkit.errors import TrainingError

__all__ = ["Team", "join"]


@dataclass(frozen=True)
class Team:
    """This process among all; alone it is rank 0 of 1."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self):
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def deal(self, n, at_once):
        """Which of n studies this process takes, in parts of at most `at_once`, and which of them count.

        The same number of parts for every process; where the studies do not suffice, one is taken again and does not
        count.

        Raises
        ------
        TrainingError : fewer studies than processes.
        """
        return self._dealt(self.rank, n, at_once)

    def seen(self, present, at_once):
        """Per part of a step the images of each slot that all processes together have, [(slots,) int].

        present : (studies, slots) bool of the whole step, which every process knows.
        """
        everyone = [self._dealt(rank, len(present), at_once) for rank in range(self.size)]
        return [sum(present[own].sum(axis=0) for own, _ in parts) for parts in zip(*everyone, strict=True)]

    def _dealt(self, rank, n, at_once):
        if n < self.size:
            raise TrainingError(f"A step has {n} studies for {self.size} processes; raise batch_size, or start fewer.")
        most = -(-n // self.size)  # studies of the process that has most
        n_parts = -(-most // at_once)
        own = np.arange(n)[rank :: self.size]
        counts = np.ones(len(own), bool)
        if len(own) < n_parts:
            own, counts = np.append(own, own[-1]), np.append(counts, False)
        return list(zip(np.array_split(own, n_parts), np.array_split(counts, n_parts), strict=True))

    def wrap(self, network, *, some_missing=False):
        """The network as it is called in a step; its gradients become the mean over the processes.

        some_missing : images may be missing, so that a step may leave a trunk without a gradient.
        """
        if self.size == 1:
            return network
        # without device_ids inputs stay where they are: what says which images are missing is read on the host
        return nn.parallel.DistributedDataParallel(network, find_unused_parameters=some_missing)

    def shared_statistics(self, network, device):
        """The network with batch normalisation that counts the studies of all processes.

        Raises
        ------
        TrainingError : a normalisation of a kind of its own, whose statistics cannot be shared.
        """
        if self.size == 1:
            return network
        normalising = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for module in normalising:
            # a subclass may do more (timm's apply the activation), which a replacement would drop without a word
            if type(module) is not nn.BatchNorm2d:
                raise TrainingError(
                    f"This backbone normalises by {type(module).__name__}, which several processes cannot share; train "
                    "it with one process, or choose another, such as resnet50."
                )
        if device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)
        _statistics()
        for module in normalising:
            module.__class__ = SharedBatchNorm2d  # same parameters and buffers, another forward pass
        return network

    def gathered(self, rows, n):
        """(n, ...) out of the rows of every process, of which process r has those of positions r, r + size, ..."""
        if self.size == 1:
            return rows
        every = [None] * self.size
        torch.distributed.all_gather_object(every, rows)
        found = np.empty((n, *rows.shape[1:]), rows.dtype)
        for rank, part in enumerate(every):
            found[rank :: self.size] = part
        return found

    def summed(self, values):
        """A float64 tensor, added up over the processes."""
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def wait(self):
        """Until all are here: what the first has written, the others may read."""
        if self.size > 1:
            torch.distributed.barrier()


def join(device):
    """The team that torchrun started this process in, or a team of one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Team()
    if not torch.distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(torch.distributed.destroy_process_group)
    return Team(torch.distributed.get_rank(), size)


@functools.cache
def _statistics():
    """A group of its own for batch statistics: gradients are exchanged meanwhile, in another order."""
    return torch.distributed.new_group()


class Summed(torch.autograd.Function):
    """The sum over all processes; each one's gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx, values):
        total = values.clone()
        torch.distributed.all_reduce(total, group=_statistics())
        return total

    @staticmethod
    def backward(ctx, gradient):
        total = gradient.clone()
        torch.distributed.all_reduce(total, group=_statistics())
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over all processes, of which some may have no image, on a CPU; torch has it for GPUs."""

    def forward(self, images):
        if not self.training:
            return super().forward(images)
        exact, axes = images.float(), (0, 2, 3)
        n = torch.tensor([float(exact.numel() / exact.shape[1])])
        totals = Summed.apply(torch.cat([exact.sum(axes), n]))
        mean, n = totals[:-1] / totals[-1], totals[-1].detach()
        centred = exact - mean.view(1, -1, 1, 1)
        variance = Summed.apply((centred**2).sum(axes)) / n
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)).to(images.dtype)
