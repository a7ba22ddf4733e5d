"""A study whose radiographs are PNG and JPEG files, named by a pattern in the params: from the folder to the cache."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labkit import cohort, radiographs, tables
from labkit.params import CohortSection

COLUMNS = {"report_id": "id", "report": "text", "accession_number": "order", "patient_id": "patient"}
PATTERN = r"(?P<patient_id>P\d+)/(?P<accession_number>A\d+)_(?P<view>ap|seitl)_(?P<laterality>[rl])"
REFUSED = {
    "P1/A1_ap_r_colour.png": "a colour image (RGB), not a radiograph in grey; the params may allow colour",
    "P1/notes.txt": "not a DICOM, PNG or JPEG file",
    "P1/A9_ap_r.png": "no report has its accession number",
    "scan.png": "the file gives no accession number",
}


@pytest.fixture
def folder(tmp_path, rng):
    """Three studies of two patients in 8- and 16-bit PNG and JPEG, and files that belong to none."""
    lines = ["id;text;order;patient"]
    for n, patient in ((1, "P1"), (2, "P1"), (3, "P2")):
        lines.append(f"R{n};Keine Fraktur;A{n};{patient}")
        (tmp_path / "in" / patient).mkdir(parents=True, exist_ok=True)
        pictures = {"ap_r.png": np.uint8, "seitl_r.png": np.uint16, "seitl_l.jpg": np.uint8}
        for name, kind in list(pictures.items())[: 2 if n < 3 else 3]:
            values = (rng.random((40, 30)) * np.iinfo(kind).max).astype(kind)
            Image.fromarray(values).save(tmp_path / "in" / patient / f"A{n}_{name}")
    Image.new("RGB", (9, 9)).save(tmp_path / "in" / "P1" / "A1_ap_r_colour.png")
    for name in ("P1/A9_ap_r.png", "scan.png"):
        Image.new("L", (9, 9)).save(tmp_path / "in" / name)
    (tmp_path / "in" / "P1" / "notes.txt").write_text("no picture")
    (tmp_path / "reports.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def linked(folder, **rules):
    site = {"test_only": False, "reports": "reports.csv", "images": "in", "columns": COLUMNS}
    site |= {"image_rules": {"path_pattern": PATTERN, **rules}}
    section = CohortSection(link_by="accession_number", missing_view="drop", view_rules=(), sites={"home": site})
    return cohort.intake(section, views=("AP", "LATERAL"), resolve=lambda p: folder / p, keys_path=folder / "keys.csv")


def test_studies_are_linked_and_cached_and_the_rest_has_its_reason(folder):
    found = linked(folder)
    assert (found.studies.usable == "true").all() and len(found.studies) == 3
    assert found.studies.groupby("patient").size().tolist() == [2, 1]
    images = tables.check(found.images, tables.IMAGES)
    used = images[images.usable == "true"]
    assert sorted(zip(used.study_id, used.view)) == sorted(
        (study, view) for study in found.studies.study_id for view in ("AP", "LATERAL")
    )
    assert set(used.laterality) == {"R"}
    assert images.set_index("path").reason.loc[list(REFUSED)].to_dict() == REFUSED
    cache = radiographs.build_cache(images, size_px=32, out_dir=folder / "cache", folders={"home": folder / "in"})
    assert len(set(cache.rows(used.image_id))) == len(used) == 6


def test_a_colour_export_is_used_where_the_params_allow_it(folder):
    images = linked(folder, allow_rgb=True).images.set_index("path")
    assert images.reason["P1/A1_ap_r_colour.png"] == ""
    assert images.reason["P1/A1_ap_r.png"].startswith("another image of this view is used")


def test_the_index_of_the_folder_gives_the_same_identities(folder):
    index = radiographs.index(folder / "in", rules=radiographs.IndexRules(path_pattern=PATTERN), decode=True)
    row = index.set_index("path").loc["P2/A3_seitl_l.jpg"]
    assert row[["patient_id", "accession_number", "view", "laterality"]].tolist() == ["P2", "A3", "LATERAL", "L"]
    assert len(row.pixel_sha256) == 64 and isinstance(index, pd.DataFrame)
