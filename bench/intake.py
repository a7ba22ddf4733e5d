"""How dependable the image intake is, on files made here: broken files, copies, writing burnt into pictures.

    python bench/intake.py [--files 1000] [--pictures 48] [--texts 300] [--expected DIR] [--folder DIR]

1. A folder with 1 % broken files of every kind is indexed, decoded and cached; every file must come out as expected.
2. Copies as archives make them (JPEG, gamma, noise, half size, mirrored) against pairs of different studies.
3. Lines of writing of several fonts, sizes and tones, burnt into the pictures: share of lines that are covered wholly,
   and share of pictures without writing in which something is masked.
4. With --expected: every file of a folder that has an expected.json (should_decode, stored_sha256) beside it.

Exit code 1 where a file of 1 or 4 ends otherwise than expected.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labkit import radiographs, synthetic, templates
from labkit.radiographs import tasks, writing
from labkit.radiographs.near import fingerprint

RULES = radiographs.IndexRules(identifiers=())
TEXTS = ("MUSTERMANN^ERIKA", "Müller, Jörg *12.03.1961", "ID 4711-0815", "Klinikum Nord", "24.11.2026 13:45", "Nguyen")
FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif-Bold.ttf")


def main() -> int:
    """Make the files, measure, print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="files of the folder with broken ones")
    parser.add_argument("--pictures", type=int, default=48, help="synthetic studies for 2 and 3")
    parser.add_argument("--texts", type=int, default=300, help="lines of writing")
    parser.add_argument("--expected", help="folder with an expected.json")
    parser.add_argument("--folder", help="where to make the files; default: a temporary folder")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        pictures = make_pictures(Path(folder) / "cohort", arguments.pictures)
        files = sorted((Path(folder) / "cohort").rglob("*.dcm"))
        wrong = measure_broken(Path(folder) / "broken", files, arguments.files, rng)
        measure_copies(pictures, rng)
        measure_writing(pictures, arguments.texts, rng)
    if arguments.expected:
        wrong += compare(Path(arguments.expected))
    return int(wrong > 0)


def make_pictures(folder: Path, n: int) -> list[np.ndarray]:
    """Synthetic elbows of two sites as uint8 pictures of 512 px."""
    settings = synthetic.Settings(seed=9, n_internal=n // 2, n_external=n // 2, image_size_px=512)
    synthetic.generate(templates.load("elbow"), settings, folder)
    return [tasks.shown(str(path), rules=RULES, size_px=800) for path in sorted(folder.rglob("*.dcm"))]


def breakers(rng: np.random.Generator) -> dict:
    """Ways to break a file's bytes."""

    def swap(data: bytes) -> bytes:
        at = data.index(b"\x28\x00\x10\x00US\x02\x00") + 8  # Rows
        return data[:at] + b"\xff\xff" + data[at + 2 :]

    return {
        "empty": lambda data: b"",
        "cut in the header": lambda data: data[:700],
        "cut in the pixels": lambda data: data[: len(data) * 6 // 10],
        "text": lambda data: b"Befund: kein Bild\n" * 40,
        "noise": lambda data: rng.bytes(5000),
        "rows of 65,535": swap,
        "a PNG's first bytes": lambda data: b"\x89PNG\r\n\x1a\n" + data[:200],
        "no pixels": lambda data: data[: data.index(b"\xe0\x7f\x10\x00")],
        "unknown syntax": lambda data: data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.9\0", 1),
        "zeros": lambda data: bytes(len(data)),
    }


def measure_broken(folder: Path, files: list[Path], n: int, rng: np.random.Generator) -> int:
    """Index, decode and cache; returns how many files end otherwise than expected."""
    folder.mkdir()
    plain = [path.read_bytes() for path in files]
    plain = [data for data in plain if b"1.2.840.10008.1.2.1\0" in data[:600]]
    ways = breakers(rng)
    broken = {}
    for number in range(n):
        data, path = plain[number % len(plain)], folder / f"{number:05d}"
        if number % 100 == 50:
            way = list(ways)[number // 100 % len(ways)]
            data, broken[path.name] = ways[way](data), way
        path.write_bytes(data)
    start, cpu = time.perf_counter(), time.process_time()
    found = radiographs.index(folder, rules=RULES, decode=True, workers=1)
    took = time.perf_counter() - start, time.process_time() - cpu
    cache = radiographs.build_cache(
        found.assign(image_id=found.path), size_px=64, out_dir=folder.parent / "cache", folders=folder
    )
    refused = set(found.path[found.usable == "false"])
    kinds = len(set(broken.values()))
    print(f"broken files: {n} files, {len(broken)} broken in {kinds} ways; {took[0]:.1f} s ({took[1]:.1f} s CPU)")
    print(f"  refused {len(refused & set(broken))} of {len(broken)} broken, {len(refused - set(broken))} of the others")
    print(
        f"  cached {(cache.images.usable == 'true').sum()}; reasons: {found.reason[found.reason != ''].nunique()} kinds"
    )
    tiles = int((cache.images.usable == "true").sum())
    return len(refused ^ set(broken)) + abs(n - len(broken) - tiles)


def measure_copies(pictures: list[np.ndarray], rng: np.random.Generator) -> None:
    """Share of copies that reach the likeness that counts, by what was done to them; and of different studies."""

    def jpeg(picture: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=50)
        return np.asarray(Image.open(buffer))

    done = {
        "JPEG 50": jpeg,
        "gamma 0.7": lambda p: (255 * (p / 255) ** 0.7).astype(np.uint8),
        "noise of 10": lambda p: np.clip(p + rng.normal(0, 10, p.shape), 0, 255).astype(np.uint8),
        "half size": lambda p: tasks.fitted(p, max(p.shape) // 2),
        "1 % cropped": lambda p: p[p.shape[0] // 100 :, p.shape[1] // 100 :],
        "narrower window": lambda p: np.clip((p - 60.0) * 2, 0, 255).astype(np.uint8),
    }
    prints = [of_picture(picture) for picture in pictures]
    shares = [
        f"{name} {np.mean([(a * of_picture(change(p))).sum() >= 0.95 for a, p in zip(prints, pictures)]):.2f}"
        for name, change in done.items()
    ]
    flat = np.stack(prints).reshape(len(prints), -1)
    likeness = (flat @ flat.T)[np.triu_indices(len(flat), 1)]
    print(f"copies found, by what was done to them: {', '.join(shares)}")
    print(f"  different images: {(likeness >= 0.95).sum()} of {len(likeness):,} pairs taken for copies")


def of_picture(picture: np.ndarray) -> np.ndarray:
    """The fingerprint of a picture as it would be cached at 128 px."""
    size = max(picture.shape)
    square = np.full((size, size), np.median(picture), np.uint8)
    top, left = (size - picture.shape[0]) // 2, (size - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return fingerprint(tasks.fitted(square, 128) / np.float32(255))


def measure_writing(pictures: list[np.ndarray], n: int, rng: np.random.Generator) -> None:
    """Lines covered wholly (95 % of their ink), of those that stand out from their ground by a quarter of the grey."""
    start = time.process_time()
    masked = [len(writing.find(picture)) > 0 for picture in pictures]
    each = (time.process_time() - start) / len(pictures)
    found = []
    while len(found) < n:
        picture = pictures[int(rng.integers(len(pictures)))]
        burnt, ink = burn(picture, rng)
        if ink.sum() < 20 or abs(np.median(picture[ink].astype(int) - burnt[ink])) < 64:
            continue
        covered = np.zeros(picture.shape, bool)
        for box in writing.find(burnt):
            covered[box.top : box.bottom, box.left : box.right] = True
        found.append(covered[ink].mean() > 0.95)
    print(
        f"writing: {np.mean(found):.3f} of {n} lines covered; {np.mean(masked):.3f} of {len(masked)} pictures without"
    )
    print(f"  writing are masked somewhere; {1000 * each:.0f} ms CPU per picture of {max(pictures[0].shape)} px")


def burn(picture: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture with one line of text in it, and where its ink is."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / str(rng.choice(FONTS))
    size = max(9, round(max(picture.shape) * float(rng.choice([0.02, 0.03, 0.045, 0.06]))))
    layer = Image.new("L", picture.shape[::-1], 0)
    place = tuple(int(rng.uniform(0, 0.6) * side) for side in picture.shape[::-1])
    ImageDraw.Draw(layer).text(place, str(rng.choice(TEXTS)), fill=255, font=ImageFont.truetype(str(path), size))
    ink = np.asarray(layer) / 255
    tone = float(rng.choice([255, 235, 190, 0]))
    return (picture * (1 - ink) + tone * ink).astype(np.uint8), ink > 0.5


def compare(folder: Path) -> int:
    """Every file of expected.json against the index; returns how many differ."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    found = radiographs.index(folder, decode=True).set_index("path")
    wrong = []
    for name, entry in expected.items():
        row, wanted = found.loc[name], entry["should_decode"]
        hashed = row["pixel_sha256"] == entry.get("stored_sha256", row["pixel_sha256"])
        refused = row["usable"] == "false" and row["reason"] != ""
        right = hashed and row["pixel_sha256"] != "" if wanted is True else (refused or wanted == "force")
        wrong += [] if right else [name]
    print(f"expected.json: {len(expected) - len(wrong)} of {len(expected)} files as expected {wrong or ''}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
