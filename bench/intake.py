"""How dependable the image intake is, on files made here: broken files, copies, writing burnt into pictures.

    python bench/intake.py [--files 1000] [--pictures 48] [--texts 300] [--expected DIR] [--real DIR] [--folder DIR]

1. A folder with 1 % broken files of every kind is indexed, decoded and cached; every file must come out as expected.
2. Copies as archives make them (JPEG, gamma, noise, half size, crops, windows) against pairs of different studies.
3. Lines of writing of several fonts, sizes and tones, burnt into synthetic pictures and, with --real, into real ones:
   share of lines that are covered wholly, and what is masked where nothing is written.
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
from labkit.radiographs import aligned, tasks, writing
from labkit.radiographs.near import fingerprint

RULES = radiographs.IndexRules(identifiers=())
TEXTS = ("MUSTERMANN^ERIKA", "Müller, Jörg *12.03.1961", "ID 4711-0815", "Klinikum Nord", "24.11.2026 13:45", "Nguyen")
TEXTS += ("Dr. Ö. Yılmaz", "Li, Na", "M 47J", "1961-03-12")
SIZES = (0.02, 0.03, 0.045, 0.06)  # at 0.03 letters begin to be legible in a picture of a page
FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif-Bold.ttf")


def main() -> int:
    """Make the files, measure, print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="files of the folder with broken ones")
    parser.add_argument("--pictures", type=int, default=48, help="synthetic studies for 2 and 3")
    parser.add_argument("--texts", type=int, default=300, help="lines of writing")
    parser.add_argument("--expected", help="folder with an expected.json")
    parser.add_argument("--real", help="folder of real radiographs (DICOM, PNG) for 3")
    parser.add_argument("--folder", help="where to make the files; default: a temporary folder")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        pictures = make_pictures(Path(folder) / "cohort", arguments.pictures)
        files = sorted((Path(folder) / "cohort").rglob("*.dcm"))
        wrong = measure_broken(Path(folder) / "broken", files, arguments.files, rng)
        measure_copies(pictures, rng)
        measure_writing("synthetic pictures", pictures, arguments.texts, rng)
        if arguments.real:
            shown = [
                tasks.shown(str(path), rules=RULES, size_px=800) for path in sorted(Path(arguments.real).rglob("*"))
            ]
            measure_writing("real pictures", [p for p in shown if p is not None], arguments.texts, rng)
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
        "5 % cropped": lambda p: p[p.shape[0] // 20 :, p.shape[1] // 20 :],
        "narrower window": lambda p: np.clip((p - 60.0) * 2, 0, 255).astype(np.uint8),
        "5 % and window": lambda p: np.clip((p[p.shape[0] // 20 :] - 60.0) * 2, 0, 255).astype(np.uint8),
    }
    prints = [of_picture(picture) for picture in pictures]
    tiles = [tile_of(picture) for picture in pictures]
    shares = []
    for name, change in done.items():
        changed = [change(p) for p in pictures]
        whole = [(a * of_picture(p)).sum() >= 0.95 for a, p in zip(prints, changed)]
        both = tiles + [tile_of(p) for p in changed]
        pairs = {pair[:2] for pair in aligned.aligned_pairs(both, both)}
        shifted = [(n, n + len(tiles)) in pairs for n in range(len(tiles))]
        shares.append(f"{name} {np.mean(whole):.2f} ({np.mean(np.array(whole) | shifted):.2f})")
    flat = np.stack(prints).reshape(len(prints), -1)
    likeness = (flat @ flat.T)[np.triu_indices(len(flat), 1)]
    start = time.process_time()
    wrong = len(aligned.aligned_pairs(tiles, tiles))
    each = (time.process_time() - start) / len(tiles)
    print(f"copies found by the whole picture (and with crops and windows undone): {', '.join(shares)}")
    print(f"  different images: {(likeness >= 0.95).sum()} and {wrong} of {len(likeness):,} pairs taken for copies")
    print(f"  crops and windows take {each * 1000:.0f} ms CPU per image")


def tile_of(picture: np.ndarray) -> np.ndarray:
    """A picture as it would be cached at 128 px, in [0, 1]."""
    size = max(picture.shape)
    square = np.full((size, size), np.median(picture), np.uint8)
    top, left = (size - picture.shape[0]) // 2, (size - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return tasks.fitted(square, 128) / np.float32(255)


def of_picture(picture: np.ndarray) -> np.ndarray:
    """The fingerprint of a picture as it would be cached at 128 px."""
    return fingerprint(tile_of(picture))


def measure_writing(kind: str, pictures: list[np.ndarray], n: int, rng: np.random.Generator) -> None:
    """Lines covered wholly (95 % of their ink), of those that stand out from their ground by a quarter of the grey; and
    what is masked where nothing is written."""
    start = time.process_time()
    masked = [covered(picture).mean() for picture in pictures]
    each = (time.process_time() - start) / len(pictures)
    found, doubts = {share: [] for share in SIZES}, []
    while sum(len(some) for some in found.values()) < n:
        picture, share = pictures[int(rng.integers(len(pictures)))], float(rng.choice(SIZES))
        burnt, ink = burn(picture, share, rng)
        if ink.sum() < 20 or abs(np.median(picture[ink].astype(int) - burnt[ink])) < 64:
            continue
        found[share].append(covered(burnt)[ink].mean() > 0.95)
        doubts.append(len(writing.find(burnt, doubtful=True)) > 0)
    shares = ", ".join(f"{np.mean(some):.2f} at {share:.1%}" for share, some in found.items())
    whole = np.mean(np.concatenate(list(found.values())))
    print(f"writing in {kind}: {whole:.3f} of {n} lines covered ({shares} of the side)")
    some = np.mean([share > 0 for share in masked])
    print(f"  without writing, {some:.3f} of {len(masked)} pictures are masked somewhere, {np.mean(masked):.3f} of")
    print(f"  all area; {1000 * each:.0f} ms CPU per picture")
    doubted = np.mean([len(writing.find(picture, doubtful=True)) > 0 for picture in pictures])
    print(f"  hold_back holds back {np.mean(doubts):.3f} of pictures with a line and {doubted:.3f} of those without")


def covered(picture: np.ndarray) -> np.ndarray:
    """(rows, columns) bool: what would be masked."""
    mask = np.zeros(picture.shape, bool)
    for box in writing.find(picture):
        mask[box.top : box.bottom, box.left : box.right] = True
    return mask


def burn(picture: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture with one line of text in it, its size a share of the longer side, and where its ink is."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / str(rng.choice(FONTS))
    size = max(9, round(max(picture.shape) * share))
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
