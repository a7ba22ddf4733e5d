"""Files that are wrong in one place: what is said of each, and what of them can be read all the same."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from labkit import radiographs
from labkit.radiographs.pixels import decode

CUT = ("the file is cut short: it ends before its data set", "the file ends inside its header")
ALL_KINDS = radiographs.IndexRules(identifiers=())


def reason_of(path):
    return radiographs.index(path.parent, decode=True, workers=1).set_index("path").loc[path.name, "reason"]


def colours(rng, **tags):
    values = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    tags = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "Rows": 6, "Columns": 8, "BitsStored": 8} | tags
    return values, tags | {"HighBit": 7, "PixelData": values.tobytes()}


def test_uncompressed_ybr_is_hashed_as_stored_and_its_brightness_is_the_grey(tmp_path, dx, rng):
    values, tags = colours(rng, PhotometricInterpretation="YBR_FULL")
    dx(tmp_path / "ybr", values[..., 0], bits=8, **tags)
    row = radiographs.index(tmp_path, decode=True, workers=1).iloc[0]
    assert row.pixel_sha256 == hashlib.sha256(values.tobytes()).hexdigest()
    assert row.reason == "a colour image (YBR_FULL), as secondary captures are, and not a radiograph"
    stored = decode((tmp_path / "ybr").read_bytes(), "ybr", rules=ALL_KINDS, any_kind=True)
    np.testing.assert_array_equal(stored.plane(0), values[..., 0])


def test_subsampled_colours_are_whole_with_two_thirds_of_the_bytes(tmp_path, dx, rng):
    values, tags = colours(rng, PhotometricInterpretation="YBR_FULL_422")
    tags["PixelData"] = values[..., :2].tobytes()
    dx(tmp_path / "whole", values[..., 0], bits=8, **tags)
    assert reason_of(tmp_path / "whole").startswith("a colour image (YBR_FULL_422)")
    dx(tmp_path / "cut", values[..., 0], bits=8, **tags | {"PixelData": values[..., :2].tobytes()[:-2]})
    assert reason_of(tmp_path / "cut") == "the pixel data are cut short (94 of 96 bytes)"


@pytest.mark.parametrize("samples", [0, 2, 4])
def test_other_numbers_of_samples_are_named(tmp_path, dx, samples):
    dx(tmp_path / "a", SamplesPerPixel=samples)
    assert reason_of(tmp_path / "a") == (
        f"{samples} samples per pixel are not decoded here; 1 (grey) or 3 (colour) are"
    )


@pytest.mark.parametrize("end", [150, 200, -1])
def test_a_file_that_ends_within_or_after_its_meta_group_is_cut(tmp_path, wrist, end):
    end = 144 + struct.unpack_from("<L", wrist, 140)[0] if end < 0 else end
    (tmp_path / "a").write_bytes(wrist[:end])
    assert reason_of(tmp_path / "a") in CUT


def test_no_frames_means_one(tmp_path, dx):
    dx(tmp_path / "a", NumberOfFrames=0)
    row = radiographs.index(tmp_path, decode=True, workers=1).iloc[0]
    assert (row.usable, row.frames) == ("true", "1")


def test_a_png_that_unfolds_without_bound_is_a_decompression_bomb(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">LL", 14_000, 14_000)
    data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(bytes(data))
    assert reason_of(tmp_path / "a.png").startswith("a decompression bomb")
