"""How fast radiographs are indexed and cached, on files made here; prints ratios measured in one run.

    python bench/radiographs.py [--images 24] [--headers 3000] [--folder DIR]

Pixels are a smooth shape with noise, 2,048 x 2,500, 12 bits in 16, with a window; files are read from warm pages, by
one process after its start. "usual chain" is pydicom's apply_modality_lut and apply_voi_lut, min-max, inversion and a
resize, per image; compressed files stand beside their bare decoder. On a busy machine the rates per CPU second are the
fairer ones.
"""

import argparse
import hashlib
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import gdcm
import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, get_decoder
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless, generate_uid

from labkit import radiographs
from labkit.radiographs import tasks
from labkit.radiographs.syntaxes import SYNTAXES

SIZE_PX = 224
ROWS, COLUMNS = 2500, 2048
DX = "1.2.840.10008.5.1.4.1.1.1.1"


def main() -> None:
    """Make the files, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24, help="full-size radiographs (10 MB each)")
    parser.add_argument("--headers", type=int, default=3000, help="small files for the header index")
    parser.add_argument("--folder", help="where to make the files; default: a temporary folder")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        measure_headers(Path(folder) / "headers", arguments.headers)
        measure_cache(Path(folder) / "images", arguments.images)
        measure_compressed(Path(folder) / "compressed", 3)


def measure_headers(folder: Path, count: int) -> None:
    """Files per second of the header index in one process, beside pydicom's header reading."""
    folder.mkdir()
    write_files(folder, count, np.zeros((16, 16), np.uint16))
    radiographs.index(folder, workers=1)  # warm pages and imports
    cpu_start = time.process_time()
    ours, _ = timed(lambda: radiographs.index(folder, workers=1))
    cpu = time.process_time() - cpu_start
    sample = sorted(folder.iterdir())[:500]
    theirs, _ = timed(lambda: [dcmread(path, stop_before_pixels=True).Modality for path in sample])
    print(f"header index, one process: {count / ours:,.0f} files/s ({count / cpu:,.0f} per CPU second)")
    print(f"  pydicom alone: {len(sample) / theirs:,.0f} files/s")


def measure_cache(folder: Path, count: int) -> None:
    """Images per second and core into a cache at 224 px, beside the usual chain."""
    folder.mkdir()
    write_files(folder, count, drawn())
    paths = sorted(folder.iterdir())
    settings, rules = tasks.TileSettings(SIZE_PX), radiographs.IndexRules(identifiers=())
    known = frozenset()

    def tiles() -> list:
        return [tasks.tile(tasks.TileJob(str(path)), settings, rules, known) for path in paths]

    tiles()
    ours, cpu = best_of_three(tiles)
    with mock.patch.object(tasks, "hashlib", SimpleNamespace(sha256=lambda data: SimpleNamespace(hexdigest=str))):
        bare, bare_cpu = best_of_three(tiles)
    hashing, _ = timed(lambda: [hashlib.sha256(path.read_bytes()).digest() for path in paths])
    few = paths[: max(4, count // 4)]
    usual, usual_cpu = best_of_three(lambda: [usual_chain(path) for path in few])
    images = radiographs.index(folder)
    images["image_id"] = images["path"]
    build, _ = timed(lambda: radiographs.build_cache(images, size_px=SIZE_PX, out_dir=folder / "cache", folders=folder))
    again, _ = timed(lambda: radiographs.build_cache(images, size_px=SIZE_PX, out_dir=folder / "cache", folders=folder))
    rate, usual_rate = count / ours, len(few) / usual
    print(f"cache at {SIZE_PX} px, one core: {rate:.1f} images/s with the file hash ({count / cpu:.1f} per CPU second)")
    print(f"  without the hash: {count / bare:.1f} images/s ({count / bare_cpu:.1f} per CPU second)")
    print(f"  reading and hashing alone: {count / hashing:.1f} images/s")
    times = usual_cpu / len(few) / (cpu / count)
    print(f"  usual pydicom chain: {usual_rate:.1f} images/s ({len(few) / usual_cpu:.1f} per CPU second)")
    print(f"  so {times:.1f} times as fast, by CPU seconds")
    print(f"  build_cache with one worker, start included: {build:.2f} s for {count}; unchanged again: {again:.3f} s")


def measure_compressed(folder: Path, count: int) -> None:
    """CPU time of a tile from compressed pixels beside that of the bare decoder on the same bytes."""
    folder.mkdir()
    write_files(folder, 1, drawn())
    (native,) = folder.iterdir()
    settings, rules = tasks.TileSettings(SIZE_PX), radiographs.IndexRules(identifiers=())
    for name, path in compressed(native).items():
        dataset = dcmread(path)
        dataset.pixel_array  # noqa: B018 - loads the decoder
        plugin = SYNTAXES[dataset.file_meta.TransferSyntaxUID].plugin
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)

        def tile(path=path) -> None:
            made = tasks.tile(tasks.TileJob(str(path)), settings, rules, frozenset())
            assert made.pixels, made.reason

        ours = min(cpu_s(tile) for _ in range(count))
        theirs = min(cpu_s(partial(decoder.as_array, dataset, decoding_plugin=plugin)) for _ in range(count))
        ratio, size = ours / theirs, path.stat().st_size / 2**20
        print(f"  {name} ({size:.1f} MB): {1 / ours:.1f} images per CPU second, {ratio:.2f} x the bare {plugin}'s time")


def compressed(native: Path) -> dict[str, Path]:
    """The file in the compressed syntaxes that can be written here."""
    made = {}
    for name, syntax, plugin in (("RLE", RLELossless, "pydicom"), ("JPEG-LS", JPEGLSLossless, "pyjpegls")):
        dataset = dcmread(native)
        dataset.compress(syntax, encoding_plugin=plugin)
        made[name] = native.with_name(name)
        dataset.save_as(made[name])
    kinds = {"JPEG Lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1}
    kinds |= {"JPEG 2000 Lossless": gdcm.TransferSyntax.JPEG2000Lossless}
    for name, kind in kinds.items():
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(native))
        reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        change.Change()
        made[name] = native.with_name(name)
        writer.SetFileName(str(made[name]))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.Write()
    return made


def cpu_s(work) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def best_of_three(work) -> tuple[float, float]:
    """Least wall-clock and least CPU seconds of three calls."""
    wall, cpu = [], []
    for _ in range(3):
        start = time.process_time()
        wall.append(timed(work)[0])
        cpu.append(time.process_time() - start)
    return min(wall), min(cpu)


def usual_chain(path: Path) -> np.ndarray:
    """What most code does per image and epoch."""
    dataset = dcmread(path)
    values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(np.float64)
    values = (values - values.min()) / (values.max() - values.min())
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = 1 - values
    return np.asarray(Image.fromarray((values * 255).astype(np.uint8)).resize((SIZE_PX, SIZE_PX)))


def drawn() -> np.ndarray:
    """(2500, 2048) uint16, 12 bits: soft tissue, a shaft and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    tissue = 1500 * np.exp(-(((x - 1024) / 600) ** 2))
    bone = 1500 * np.exp(-(((x - 1024 - 80 * np.sin(y / 500)) / 150) ** 2))
    return np.clip(tissue + bone + rng.normal(300, 25, x.shape), 0, 4095).astype(np.uint16)


def write_files(folder: Path, count: int, pixels: np.ndarray) -> None:
    """Write DX files that differ in their identifiers, with about 90 header elements as vendors write
    them."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.Modality, dataset.Manufacturer = DX, "DX", "ACME"
    dataset.SpecificCharacterSet, dataset.StudyDate, dataset.ViewPosition = "ISO_IR 100", "20240101", "AP"
    dataset.SeriesDescription, dataset.BodyPartExamined = "Ellenbogen a.p.", "ELBOW"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME1", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = [2000, 2200], [3000, 2500]
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "76248009", "SCT", "Elbow"
    dataset.AnatomicRegionSequence = dataset.ProcedureCodeSequence = [item]
    block = dataset.private_block(0x0019, "ACME PRIVATE", create=True)
    for element in range(60):
        block.add_new(element, "LO", f"value {element}")
    dataset.PixelData = pixels.tobytes()
    for number in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
        dataset.file_meta.MediaStorageSOPClassUID = DX
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(number)])
        dataset.AccessionNumber = dataset.PatientID = f"{number:06d}"
        dataset.save_as(folder / f"{number:06d}.dcm", enforce_file_format=True)


def timed(work) -> tuple[float, object]:
    """Seconds and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
