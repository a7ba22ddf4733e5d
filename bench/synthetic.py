"""Speed and memory of the synthetic cohort.

Prints studies per second and core (two views, 512 px, uncompressed; median of several rounds in one process) and the
peak memory at two sizes, each measured in a fresh process.
Run as `python bench/synthetic.py [--studies N] [--rounds N]`.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from labkit import synthetic, templates

WANTED_PER_SECOND = 20.0
ONLY_EXPLICIT = {"explicit": 1.0}


def settings(n_studies: int, image_size_px: int) -> synthetic.Settings:
    """One site of uncompressed square radiographs."""
    return synthetic.Settings(
        n_internal=n_studies,
        n_external=0,
        image_size_px=image_size_px,
        internal={"transfer_syntaxes": ONLY_EXPLICIT, "aspect": 1.0},
    )


def seconds(n_studies: int, image_size_px: int = 512) -> float:
    """Processor seconds of one core for a whole cohort, files included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        synthetic.generate(templates.load("elbow"), settings(n_studies, image_size_px), folder)
        return time.process_time() - start


def peak_mib(n_studies: int) -> float:
    """Peak memory of a fresh process that writes `n_studies` at 64 px."""
    command = [sys.executable, __file__, "--peak-of", str(n_studies)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100, help="studies per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        seconds(arguments.peak_of, image_size_px=64)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    seconds(3)  # fonts, outlines and texture are made once
    start = seconds(1)  # what a cohort of any size costs beforehand
    rates = [arguments.studies / (seconds(arguments.studies) - start) for _ in range(arguments.rounds)]
    rate = statistics.median(rates)
    print(f"two-view studies per second and core, 512 px: {rate:.1f} (rounds {', '.join(f'{r:.1f}' for r in rates)})")
    print(f"ratio to the wanted {WANTED_PER_SECOND:.0f}: {rate / WANTED_PER_SECOND:.2f}")
    small, large = peak_mib(200), peak_mib(2000)
    print(f"peak memory, 200 studies {small:.0f} MiB, 2,000 studies {large:.0f} MiB: ratio {large / small:.3f}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
