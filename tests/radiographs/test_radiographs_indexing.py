import json
import os
import shutil

import numpy as np
import pytest

from labkit import radiographs
from labkit.errors import ImageError
from labkit.radiographs import indexing, isolation
from labkit.radiographs.headers import COLUMNS


def test_every_file_is_one_row_and_every_broken_one_has_a_reason(graz):
    table = radiographs.index(graz, decode=True).set_index("path")
    expected = json.loads((graz / "expected.json").read_text())
    assert set(table.index) == set(expected) | {"expected.json"}
    for name, entry in expected.items():
        found = table.loc[name]
        if entry["should_decode"] is True:
            assert found.pixel_sha256 == entry["stored_sha256"], name
        if entry["should_decode"] is False or name == "14_rgb.dcm":
            assert (found.usable, bool(found.reason)) == ("false", True), name
        elif entry["should_decode"] is True:
            assert (found.usable, found.reason) == ("true", ""), name


def test_headers_alone_already_tell_what_decodes(graz):
    whole, headers = radiographs.index(graz, decode=True), radiographs.index(graz)
    assert (whole.usable == headers.usable).all()
    assert (headers.pixel_sha256 == "").all()


def test_nesting_names_and_links_do_not_matter(tmp_path, wrist):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("IM0001", "a/x.txt", "a/b/Röntgen 1.dcm"):
        (tmp_path / name).write_bytes(wrist)
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink("self", tmp_path / "self")
    os.symlink(tmp_path / "nowhere", tmp_path / "dangling")
    table = radiographs.index(tmp_path).set_index("path")
    assert list(table.index[table.usable == "true"]) == ["IM0001", "a/b/Röntgen 1.dcm", "a/x.txt"]
    assert table.loc[["dangling", "self"], "reason"].str.startswith("the file cannot be opened").all()
    assert len(table) == 5


def test_the_table_is_sorted_text_and_the_same_for_any_number_of_workers(graz):
    one, two = (radiographs.index(graz, workers=n) for n in (1, 2))
    assert one.equals(two)
    assert list(one.columns) == list(COLUMNS)
    assert one.path.is_monotonic_increasing
    assert one.map(lambda value: isinstance(value, str)).all(axis=None)


def test_a_crash_while_decoding_is_a_row(tmp_path, graz, monkeypatch):
    for name in ("01_explicit_le.dcm", "06_j2k_lossless.dcm"):
        shutil.copy(graz / name, tmp_path / name)
    each = isolation.each

    def crash_on_the_second(function, items, **options):
        for item, result in zip(items, each(function, items, **options)):
            yield options["failed"](item, "the decoder crashed (SIGSEGV)") if item.startswith("06") else result

    monkeypatch.setattr(indexing.isolation, "each", crash_on_the_second)
    table = radiographs.index(tmp_path, decode=True)
    assert list(table.usable) == ["true", "false"]
    assert list(table.reason) == ["", "the decoder crashed (SIGSEGV)"]


@pytest.mark.skipif(os.name != "posix", reason="needs a file system that takes any bytes")
def test_a_name_that_is_no_text_is_a_row(tmp_path, wrist):
    with open(os.fsencode(tmp_path) + b"/\xff.dcm", "wb") as file:
        file.write(wrist)
    table = radiographs.index(tmp_path, decode=True)
    assert table.reason[0] == "the file name is not valid UTF-8: rename the file"
    assert table.path[0].encode("utf-8").decode("utf-8").endswith(".dcm")


def test_progress_reaches_the_end(tmp_path, dx):
    for name in "abc":
        dx(tmp_path / name)
    for decode in (False, True):
        seen = []
        radiographs.index(tmp_path, decode=decode, progress=lambda *state, seen=seen: seen.append(state))
        assert seen[-1] == (3, 3)


def test_an_empty_folder_gives_an_empty_table_and_a_missing_one_an_error(tmp_path):
    assert radiographs.index(tmp_path).shape == (0, len(COLUMNS))
    with pytest.raises(ImageError, match="there is no such folder"):
        radiographs.index(tmp_path / "missing")


def test_one_broken_file_in_a_hundred_leaves_the_rest(tmp_path, dx):
    for number in range(100):
        dx(tmp_path / f"{number:03d}", np.full((8, 8), number, np.uint16), InstanceNumber=number)
    (tmp_path / "050").write_bytes((tmp_path / "050").read_bytes()[:-20])
    table = radiographs.index(tmp_path, decode=True)
    assert list(table.path[table.usable == "false"]) == ["050"]
    assert table.pixel_sha256.nunique() == 100
