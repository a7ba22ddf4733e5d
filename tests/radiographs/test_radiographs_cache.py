import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from labkit import radiographs
from labkit.errors import ImageError
from labkit.radiographs import collimation

BUILD = """
import pandas as pd
from labkit import radiographs
from labkit.radiographs import store
store.SYNC_EVERY = 2
images = pd.read_csv({table!r}, dtype=str, keep_default_na=False)
report = lambda *state: print(state, flush=True)
options = dict(size_px=32, out_dir={out!r}, folders={folder!r}, workers={workers})
radiographs.build_cache(images, progress=report, **options)
"""


@pytest.fixture
def cohort(tmp_path, dx):
    """Eight images of different brightness in a folder, and their table."""
    folder = tmp_path / "images"
    for number in range(8):
        pixels = np.full((40, 20), 100 * number, np.uint16)
        dx(folder / f"{number}.dcm", pixels, WindowCenter=1000, WindowWidth=2000)
    return folder, table_of(folder)


def table_of(folder):
    images = radiographs.index(folder)
    return images.assign(image_id=images.path.str.removesuffix(".dcm"))


def build(cohort, out, **options):
    folder, images = cohort
    prepared = {name: options.pop(name) for name in list(options) if name in radiographs.Preparation.model_fields}
    options["preparation"] = radiographs.Preparation(**prepared)
    return radiographs.build_cache(images, **{"size_px": 32, "out_dir": out, "folders": folder} | options)


def store_of(out):
    return next(path.parent for path in out.rglob("tiles.u*"))


def test_tiles_keep_aspect_and_grey(tmp_path, dx):
    pixels = np.tile(np.linspace(0, 4095, 200).astype(np.uint16), (100, 1))
    dx(tmp_path / "in" / "wide.dcm", pixels, WindowCenter=2048, WindowWidth=4096)
    cache = build((tmp_path / "in", table_of(tmp_path / "in")), tmp_path / "out", size_px=64)
    tile = cache.array[cache.rows(["wide"])[0]]
    assert (tile.shape, tile.dtype) == ((64, 64), np.uint8)
    np.testing.assert_allclose(tile[32], np.linspace(2, 253, 64), atol=4)  # 64 x 32 in the middle
    assert len(np.unique(tile[:16])) == 1  # even padding above


def test_a_tile_is_the_read_image_resized(tmp_path, graz):
    images = table_of(graz)
    cache = build((graz, images[images.image_id == "01_explicit_le"]), tmp_path, size_px=363)
    tile = cache.array[cache.rows(["01_explicit_le"])[0]]
    shown = radiographs.read(graz / "01_explicit_le.dcm")
    np.testing.assert_allclose(tile[:, 58 : 58 + 246], shown * 255, atol=0.51)


@pytest.mark.parametrize("workers", [1, 2])
def test_compressed_images_in_their_own_processes_give_the_same_tiles(graz, tmp_path, workers):
    images = table_of(graz)
    cache = build((graz, images), tmp_path, workers=workers)
    same = ["01_explicit_le", "02_implicit_le", "03_big_endian", "04_deflated", "05_rle", "06_j2k_lossless"]
    tiles = cache.array[cache.rows([*same, "07_jpegls_lossless", "08_monochrome1", "11_signed_rescale"])]
    assert len(np.unique(tiles, axis=0)) == 1
    assert set(cache.failed.image_id) >= {"14_rgb", "55_j2k_codestream_cut", "58_no_pixel_data"}


def test_rows_find_each_image(cohort, tmp_path):
    cache = build(cohort, tmp_path / "out")
    brightness = cache.array[cache.rows(list("76543210"))].mean(axis=(1, 2))
    assert (np.diff(brightness) < 0).all()


def test_failures_are_rows_and_stop_nothing(cohort, tmp_path):
    folder, images = cohort
    data = (folder / "3.dcm").read_bytes()
    (folder / "3.dcm").write_bytes(data[:-100])
    (folder / "5.dcm").unlink()
    images.loc[images.image_id == "6", ["usable", "reason"]] = "false", "held back"
    cache = build(cohort, tmp_path / "out")
    assert cache.failed.set_index("image_id").reason.to_dict() == {
        "3": "the pixel data are cut short (1,500 of 1,600 bytes)",
        "5": "the file cannot be opened (No such file or directory)",
        "6": "held back",
    }
    assert len(cache.rows(list("01247"))) == 5
    with pytest.raises(ImageError, match="image 3 and 1 more have no tile"):
        cache.rows(["1", "3", "unknown"])


def test_an_unchanged_cohort_is_not_decoded_again(cohort, tmp_path):
    first = build(cohort, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in store_of(tmp_path / "out").iterdir()}
    start = time.perf_counter()
    second = build(cohort, tmp_path / "out")
    assert time.perf_counter() - start < 0.5
    assert first.images.equals(second.images)
    after = {path: path.stat().st_mtime_ns for path in store_of(tmp_path / "out").iterdir()}
    assert all(after[path] == before[path] for path in before if path.suffix in (".jsonl", ".json"))


def test_a_changed_file_gets_a_new_tile(cohort, tmp_path, dx):
    folder, _ = cohort
    old = build(cohort, tmp_path / "out")
    dx(folder / "0.dcm", np.full((40, 20), 1900, np.uint16), WindowCenter=1000, WindowWidth=2000)
    new = build(cohort, tmp_path / "out")
    assert new.array[new.rows(["0"])[0]].mean() > old.array[old.rows(["0"])[0]].mean() + 100
    assert (new.rows(list("1234567")) == old.rows(list("1234567"))).all()


@pytest.mark.parametrize("change", [{"size_px": 16}, {"crop": True}, {"window": 1}, {"window": "HARD"}, {"bits": 16}])
def test_a_changed_setting_gets_its_own_store(cohort, tmp_path, change):
    build(cohort, tmp_path / "out")
    other = build(cohort, tmp_path / "out", **change)
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert (other.images.usable == "true").all()


def test_the_same_content_under_another_name_shares_its_tile(cohort, tmp_path):
    folder, _ = cohort
    (folder / "copy.dcm").write_bytes((folder / "2.dcm").read_bytes())
    cache = build((folder, table_of(folder)), tmp_path / "out")
    assert len(set(cache.rows(["2", "copy"]))) == 1
    assert len(cache.array) == 8


def test_what_a_killed_build_left_is_not_taken_for_a_result(cohort, tmp_path):
    whole = build(cohort, tmp_path / "whole")
    build(cohort, tmp_path / "out")
    store = store_of(tmp_path / "out")
    lines = (store / "tiles.jsonl").read_text().splitlines(keepends=True)
    (store / "tiles.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    (store / "tiles.u8").write_bytes((store / "tiles.u8").read_bytes()[: 4 * 32 * 32 + 100])
    again = build(cohort, tmp_path / "out")
    assert again.images.equals(whole.images)
    np.testing.assert_array_equal(again.array, whole.array)
    third = build(cohort, tmp_path / "out")
    assert third.images.equals(whole.images)


def test_a_line_without_its_pixels_counts_for_nothing(cohort, tmp_path):
    whole = build(cohort, tmp_path / "whole")
    build(cohort, tmp_path / "out")
    (store_of(tmp_path / "out") / "tiles.u8").write_bytes(b"")
    again = build(cohort, tmp_path / "out")
    order = list(whole.images.image_id)
    np.testing.assert_array_equal(again.array[again.rows(order)], whole.array[whole.rows(order)])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX")
def test_a_killed_build_completes_on_the_next_call(cohort, tmp_path):
    folder, images = cohort
    images.to_csv(tmp_path / "images.csv", index=False)
    whole = build(cohort, tmp_path / "whole")
    script = BUILD.format(table=str(tmp_path / "images.csv"), out=str(tmp_path / "out"), folder=str(folder), workers=2)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        for _ in range(3):
            process.stdout.readline()
        process.kill()
    again = build(cohort, tmp_path / "out")
    assert again.images.equals(whole.images)
    np.testing.assert_array_equal(again.array, whole.array)


def test_two_builds_at_once_share_one_store(cohort, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(build, cohort, tmp_path / "out") for _ in range(2)]
        first, second = (future.result() for future in futures)
    assert first.images.equals(second.images)
    assert len(first.array) == 8


def test_data_loading_processes_reopen_the_map(cohort, tmp_path):
    cache = build(cohort, tmp_path / "out")
    assert cache.array.shape == (8, 32, 32)
    packed = pickle.dumps(cache)
    assert len(packed) < 8 * 32 * 32
    np.testing.assert_array_equal(pickle.loads(packed).array, cache.array)


def test_sites_have_their_own_folders(cohort, tmp_path):
    folder, images = cohort
    images = pd.concat([images.assign(site="internal"), images.assign(site="external", image_id=images.image_id + "x")])
    cache = build((folder, images), tmp_path / "out", folders={"internal": folder, "external": folder})
    assert (cache.images.usable == "true").all()
    with pytest.raises(ImageError, match="no folder is given for the site 'external'"):
        build((folder, images), tmp_path / "out", folders={"internal": folder})


def test_no_usable_image_gives_an_empty_cache(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.txt").write_text("no image")
    cache = build((tmp_path / "in", table_of(tmp_path / "in")), tmp_path / "out")
    assert cache.array.shape == (0, 32, 32)
    assert len(cache.failed) == 1


def test_progress_counts_every_image(cohort, tmp_path):
    seen = []
    build(cohort, tmp_path / "out", progress=lambda *state: seen.append(state))
    assert seen == [(n, 8) for n in range(1, 9)]


def test_the_collimated_field_is_found():
    image = np.zeros((200, 100), np.uint8)
    image[30:180, 20:90] = 150
    assert collimation.field(image) == (30, 180, 20, 90)


@pytest.mark.parametrize("level", [0, 120])
def test_an_image_without_collimation_stays_whole(level):
    image = np.full((100, 80), level, np.uint8)
    assert collimation.crop(image).shape == (100, 80)


def test_a_limb_on_a_soft_background_is_not_cropped():
    x = np.linspace(-1, 1, 120)
    image = np.tile((90 + 120 * np.exp(-(x**2) / 0.1)).astype(np.uint8), (100, 1))
    assert collimation.crop(image).shape == (100, 120)
