"""How fast an epoch is, beside the same steps on a tensor in memory and beside the study's own way.

    python bench/training.py [--device cpu] [--backbone resnet18] [--size 96] [--studies 16] [--repeats 2]

The cohort is drawn here: two views per study as 16-bit PNG files of full size (what an export from a PACS gives) and
the same images in labkit's cache. "cache" is labkit's own epoch (recipe study: reading, augmentation, forward,
backward, AdamW). "memory" is the same epoch on pixels that are a tensor already. "study" is the way of the study's
code, written anew: each epoch a DataLoader with 4 workers decodes every PNG, makes RGB, resizes, flips, rotates and
normalises it, fp32. The three take turns, and the best of the repeats counts; on a busy machine compare the ratios, and
those of CPU seconds (all processes together) rather than of the clock, and leave threads at 1. On a GPU:

    python bench/training.py --device cuda --backbone resnet50 --size 512 --studies 512 --batch 32 --precision bf16 \\
        --compile always

The last line is the share of the device's bf16 peak: images per second times the arithmetic of an image (counted by
torch.utils.flop_counter), over what a large bf16 matrix product reaches in the same run.
"""

import argparse
import os
import platform
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from labkit import policies, radiographs, training
from labkit.training import devices, epochs, networks
from labkit.training.team import Team

VIEWS = ("AP", "LATERAL")
N_FINDINGS = 29
MATMUL = 8192 if torch.cuda.is_available() else 2048
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Make the images, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--size", type=int, default=96, help="side of the network's images")
    parser.add_argument("--source", type=int, default=2500, help="long side of the PNG files")
    parser.add_argument("--studies", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", choices=["auto", "always", "never"], default="never")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4, help="of the study's way")
    parser.add_argument("--repeats", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        measure(chosen, Path(folder))


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    """Epochs of the three ways in turn."""
    files = draw(folder / "png", chosen.studies, chosen.source)
    labels, images = tables_of(files)
    started = time.perf_counter()
    cache = radiographs.build_cache(images, size_px=chosen.size, out_dir=folder / "cache", folders=folder / "png")
    built = time.perf_counter() - started
    cohort = training.assemble(labels, images, cache, views=VIEWS)
    in_memory = training.Cohort(**vars(cohort) | {"pixels": np.array(cohort.pixels)})
    settings = training.Settings(
        backbone=chosen.backbone,
        weights="none",
        image_size_px=chosen.size,
        batch_size=chosen.batch,
        device=chosen.device,
        precision=chosen.precision,
        cpu_threads=chosen.threads,
        deterministic=chosen.device == "cpu",
        compile=chosen.compile,
        epochs=25,
    )
    targets = policies.to_targets(labels, policy="inclusive")
    ways = {
        "cache": own_epoch(cohort, targets, settings),
        "memory": own_epoch(in_memory, targets, settings),
        "study": study_epoch(folder / "png", files, settings, chosen.workers),
    }
    seconds, spent = {name: [] for name in ways}, {name: [] for name in ways}
    for repeat in range(chosen.repeats + 1):
        for name, epoch in ways.items():
            before = cpu_seconds()
            taken, share = epoch(repeat + 1)
            if repeat:  # the first warms up
                seconds[name].append(taken * share)
                spent[name].append((cpu_seconds() - before) * share)
    best, cpu = ({name: min(taken) for name, taken in table.items()} for table in (seconds, spent))
    n = 2 * chosen.studies
    means = devices.means(settings)
    print(
        f"{means.device.type}, {chosen.backbone}, {chosen.size} px, {n} images, batch {chosen.batch} studies, ", end=""
    )
    print(f"{means.precision}, {chosen.threads} thread(s), best of {chosen.repeats}; load {os.getloadavg()[0]:.1f}")
    print(f"  building the cache once: {built:.2f} s, {n / built:.1f} images/s")
    for name, taken in best.items():
        print(f"  epoch {name:<7} {taken:7.2f} s   {n / taken:7.1f} images/s   {cpu[name]:7.2f} CPU s")
    pairs = [a / b for a, b in zip(seconds["cache"], seconds["memory"])]
    ratio, by_cpu = best["cache"] / best["memory"], cpu["cache"] / cpu["memory"]
    print(f"cache / memory  {ratio:.3f} of the best, {np.median(pairs):.3f} median, {by_cpu:.3f} of CPU (at most 1.05)")
    ratio, by_cpu = best["study"] / best["cache"], cpu["study"] / cpu["cache"]
    print(f"study / cache   {ratio:.2f}, {by_cpu:.2f} of CPU (at least 2 on a CPU, 8 on a large GPU)")
    print_share_of_peak(settings, n / best["cache"], peak(means.device))


def print_share_of_peak(settings, images_per_second: float, reached: float) -> None:
    """How much of what this device reaches in bf16 the epoch uses: 3 forward passes' worth of arithmetic per image."""
    network = networks.build(networks.Architecture(n_views=1, n_findings=N_FINDINGS, backbone=settings.backbone)).eval()
    size = settings.image_size_px
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.rand(1, 1, size, size))
    per_image = 3 * counter.get_total_flops()  # backward: with respect to inputs, and to weights
    used = per_image * images_per_second
    print(
        f"{images_per_second:.1f} images/s x {per_image / 1e9:.2f} GFLOP per image = {used / 1e12:.3f} TFLOP/s: "
        f"{used / reached:.1%} of {reached / 1e12:.2f} TFLOP/s, {device_name()} by a bf16 matmul of {MATMUL} here"
    )


def peak(device: torch.device) -> float:
    """FLOP/s of the best of some large bf16 matrix products, which is the card's peak as it can be had."""
    first, second = (torch.rand(MATMUL, MATMUL, device=device).bfloat16() for _ in range(2))
    seconds = []
    for _ in range(3 if device.type == "cpu" else 30):
        wait(device)
        started = time.perf_counter()
        first @ second
        wait(device)
        seconds.append(time.perf_counter() - started)
    return 2 * MATMUL**3 / min(seconds)


def device_name() -> str:
    """The card, or the processor and how many threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.processor() or platform.machine()} with {torch.get_num_threads()} thread(s)"


def cpu_seconds() -> float:
    """User and system time of this process and of its finished children."""
    return sum(os.times()[:4])


def draw(folder: Path, n_studies: int, source: int) -> list[str]:
    """Noisy shapes as 16-bit PNG, two views per study; the names of the files."""
    folder.mkdir()
    rng, names = np.random.default_rng(1), []
    rows, columns = np.mgrid[0 : int(source * 0.8), 0:source].astype(np.float32) / source
    for study in range(n_studies):
        for view in VIEWS:
            centre = rng.uniform(0.3, 0.6, 2)
            shape = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) * 20)
            grey = (shape * 3000 + rng.normal(300, 20, shape.shape)).clip(0, 4095) * 16
            names.append(f"S-{study:04d}_{view}.png")
            Image.fromarray(grey.astype(np.uint16)).save(folder / names[-1], compress_level=1)
    return names


def tables_of(files: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """LABELS with random values, all studies in train but the last four, and IMAGES."""
    rng = np.random.default_rng(2)
    parts = [name.removesuffix(".png").split("_") for name in files]
    studies = sorted({study for study, _ in parts})
    rows = [
        (study, f"Finding {n}", study, "north", "validation" if study in studies[-4:] else "train", rng.random() < 0.2)
        for study in studies
        for n in range(N_FINDINGS)
    ]
    labels = pd.DataFrame(rows, columns=["study_id", "finding", "patient", "site", "split", "value"])
    labels["value"] = labels["value"].map({True: "true", False: "false"})
    labels = labels.assign(extracted=labels["value"], reference=labels["value"], verification="none")
    images = pd.DataFrame(parts, columns=["study_id", "view"])
    images = images.assign(image_id=files, path=files, site="north", usable="true", reason="", frame=0)
    return labels, images


def own_epoch(cohort, targets, settings):
    """labkit's pass over the training studies, timed; validation is left out, since the study's way has none here."""
    means = devices.means(settings)
    with devices.exact(cpu_threads=settings.cpu_threads, seed=1, device=means.device, deterministic=False):
        fitting = epochs.Training(cohort, targets, settings=settings, seed=1, means=means, team=Team())

    def epoch(number: int) -> tuple[float, float]:
        with devices.exact(
            cpu_threads=settings.cpu_threads, seed=1, device=means.device, deterministic=settings.deterministic
        ):
            order = np.random.default_rng(number).permutation(fitting.train)
            generator = torch.Generator().manual_seed(number)
            wait(means.device)
            started = time.perf_counter()
            fitting._pass(order, generator)
            wait(means.device)
            # to the time of all studies: those of validation are not trained on
            return time.perf_counter() - started, len(cohort.studies) / len(fitting.train)

    return epoch


class PngStudies(Dataset):
    """The study's way: decode, RGB, resize, augment and normalise per image and epoch."""

    def __init__(self, folder: Path, files: list[str], size: int):
        self.pairs = list(zip(files[::2], files[1::2]))
        self.folder = folder
        self.change = transforms.Compose(
            [
                transforms.Resize((size, size)),
                transforms.RandomHorizontalFlip(),
                transforms.RandomRotation(30),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, DEVIATION),
            ]
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, position: int) -> torch.Tensor:
        return torch.stack([self.change(self._read(name)) for name in self.pairs[position]])

    def _read(self, name: str) -> Image.Image:
        with Image.open(self.folder / name) as image:
            grey = np.asarray(image)
        return Image.fromarray((grey >> 8).astype(np.uint8)).convert("RGB")


def study_epoch(folder: Path, files: list[str], settings, workers: int):
    """One pass of the study's way in fp32, timed with the start of its workers, as each epoch has it."""
    device = torch.device(settings.device)
    torch.manual_seed(1)
    network = networks.build(networks.Architecture(n_views=2, n_findings=N_FINDINGS, backbone=settings.backbone))
    network.mean.zero_(), network.deviation.fill_(1.0)  # the images come normalised
    network.to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
    target = (torch.rand(len(files) // 2, N_FINDINGS) < 0.2).float()
    data = PngStudies(folder, files, settings.image_size_px)

    warnings.filterwarnings("ignore", message="This DataLoader will create")  # the study's number, whatever the cores

    def epoch(number: int) -> tuple[float, float]:
        loader = DataLoader(data, batch_size=settings.batch_size, shuffle=True, num_workers=workers)
        wait(device)
        started = time.perf_counter()
        for batch in loader:  # (studies, views, 3, rows, columns)
            pieces = [network.trunks[view](batch[:, view].to(device)) for view in range(2)]
            logits = network.head(torch.cat(pieces, dim=1))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target[: len(batch)].to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        wait(device)
        return time.perf_counter() - started, 1.0

    return epoch


def wait(device: torch.device) -> None:
    """Until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
