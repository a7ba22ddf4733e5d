"""Several images of a view, views that are missing, and views that only the pixels tell."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from labkit import radiographs, tables
from labkit.errors import ImageError
from labkit.radiographs import IndexRules, ViewRule
from labkit.radiographs.headers import COLUMNS
from labkit.radiographs.measuring import measures_of

VIEWS = ("AP", "LATERAL")
REPORT = {"study_id": "S-1", "accession_number": "A1", "patient_id": "P1", "study_date": "", "study_uid": ""}
AP, LAT = {"accession_number": "A1", "view": "AP"}, {"accession_number": "A1", "view": "LATERAL"}
ELONGATED = ViewRule(field="elongation", above=2.5, view="AP")
COMPACT = ViewRule(field="elongation", below=2.5, view="LATERAL")


def link(*rows, views=VIEWS, **options):
    filled = [
        {**dict.fromkeys(COLUMNS, ""), "path": f"{n:03d}", "usable": "true", "frames": "1", **row}
        for n, row in enumerate(rows)
    ]
    report = pd.DataFrame([REPORT | {"site": "internal"}])
    linked = radiographs.link(report, pd.DataFrame(filled), by="accession_number", views=views, **options)
    tables.check(linked.images, tables.IMAGES)
    return linked.studies.set_index("study_id"), linked.images.set_index("path", drop=False)


OLD = AP | {"acquired": "2023", "rows": "100", "columns": "100", "bits_stored": "12"}
NEW = {"acquired": "2025"}


@pytest.mark.parametrize(
    "worse",
    [{"rows": "50"}, {"bits_stored": "8"}, {"transfer_syntax": "JPEG Baseline"}, {"burned_in": "YES"}, {"rows": ""}]
    + [{"presentation_intent": "FOR PROCESSING"}, {"frames": "3"}],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_best_image_goes_before_the_newest_where_it_is_asked_for(worse, order):
    takes = [OLD, OLD | NEW | worse][::order]
    best = link(*takes, LAT, several_images="best")[1]
    assert best.usable[[f"{takes.index(OLD):03d}", f"{1 - takes.index(OLD):03d}"]].tolist() == ["true", "false"]


def test_of_equally_good_images_the_newest_is_best():
    _, found = link(OLD, OLD | NEW, LAT, several_images="best")
    assert found.reason["000"] == f"another image of this view is used: {found.image_id['001']}"


def test_all_images_of_a_view_are_kept_and_the_newest_has_the_first_id():
    studies, found = link(OLD, OLD | NEW, OLD | {"acquired": "2024"}, LAT, several_images="all")
    assert set(found.usable) == {"true"} and studies.n_images["S-1"] == 4
    assert found.loc[["001", "002", "000"], "image_id"].tolist() == ["S-1-AP-1", "S-1-AP-2", "S-1-AP-3"]


def test_a_study_with_a_gap_is_kept_where_the_network_is_told():
    studies, found = link(LAT, missing_view="mask")
    assert (studies.usable["S-1"], studies.reason["S-1"]) == ("true", "AP missing: the network is told so")
    assert found.view.tolist() == ["LATERAL"], "no row stands in for the gap"
    assert link(AP | {"usable": "false", "reason": "cut"}, missing_view="mask")[0].usable["S-1"] == "false"


def test_an_unknown_choice_among_several_images_is_refused():
    with pytest.raises(ImageError, match="several_images 'any' is not known; known: newest, best, all"):
        link(AP, several_images="any")


def test_the_source_of_a_view_and_the_word_on_burnt_in_text_are_kept():
    _, found = link(AP | {"burned_in": "YES"}, LAT | {"burned_in": "maybe"})
    assert found.view_source.tolist() == ["ViewPosition", "ViewPosition"]
    assert found.burned_in.tolist() == ["yes", ""]


def drawn(*points):
    image = Image.new("L", (200, 160), 30)
    ImageDraw.Draw(image).line(points, fill=200, width=30, joint="curve")
    return np.asarray(image)


STRAIGHT, BENT = drawn((100, 5), (100, 155)), drawn((60, 20), (60, 110), (150, 110))


def test_a_straight_limb_is_long_and_a_bent_one_compact():
    straight, bent = measures_of(STRAIGHT), measures_of(BENT)
    assert straight["elongation"] == pytest.approx(150 / 31, rel=0.05)  # of a bar: its length over its width
    assert bent["elongation"] < 2.5
    assert straight["coverage"] == pytest.approx(151 * 31 / 160 / 200, rel=0.05)
    assert measures_of(np.full((40, 80), 7, np.uint8)) == {"aspect": 0.5, "coverage": 0.0, "elongation": 1.0}


def test_a_view_that_no_header_tells_is_told_by_the_pixels(tmp_path):
    for name, picture in {"A1_x.png": STRAIGHT, "A1_y.png": BENT, "A1_LAT.png": STRAIGHT}.items():
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "A1_z.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    rules = IndexRules(path_pattern=r"(?P<accession_number>A\d+)_(?P<view>LAT)?")
    found = radiographs.index(tmp_path, rules=rules)
    found = radiographs.measure(found, tmp_path, view_rules=(ELONGATED, COMPACT), rules=rules).set_index("path")
    assert (found.elongation[["A1_x.png", "A1_y.png"]].astype(float) > 2.5).tolist() == [True, False]
    assert found.elongation[["A1_LAT.png", "A1_z.png"]].tolist() == ["", ""], "only what is needed is looked at"
    named = radiographs.name_views(found, views=VIEWS, view_rules=(ELONGATED, COMPACT))
    assert named.view.to_dict() == {"A1_LAT.png": "LATERAL", "A1_x.png": "AP", "A1_y.png": "LATERAL", "A1_z.png": ""}
    assert named.view_source["A1_y.png"] == "elongation < 2.5"


def test_without_a_rule_that_measures_nothing_is_decoded(tmp_path):
    found = radiographs.index(tmp_path).assign(path=[], usable=[])
    assert radiographs.measure(found, tmp_path / "nowhere", view_rules=(), rules=IndexRules()).empty
