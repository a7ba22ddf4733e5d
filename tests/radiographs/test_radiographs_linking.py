import pandas as pd
import pytest

from labkit import radiographs, tables
from labkit.errors import ImageError
from labkit.radiographs.headers import COLUMNS
from labkit.radiographs.rules import ViewRule
from labkit.radiographs.views import normal_laterality, normal_view

VIEWS = ("AP", "LATERAL")


def reports(*rows):
    columns = ["study_id", "accession_number", "patient_id", "study_date", "study_uid", "site"]
    filled = [{**dict.fromkeys(columns, ""), "site": "internal", **row} for row in rows]
    return pd.DataFrame(filled, columns=columns)


def images(*rows):
    filled = [
        {**dict.fromkeys(COLUMNS, ""), "path": f"{n:03d}", "usable": "true", "frames": "1", **row}
        for n, row in enumerate(rows)
    ]
    return pd.DataFrame(filled)


def one(**changes):
    return reports({"study_id": "S-1", "accession_number": "A1", "patient_id": "P1", **changes})


def link(report_table, image_table, *, by="accession_number", views=VIEWS, **options):
    linked = radiographs.link(report_table, image_table, by=by, views=views, **options)
    tables.check(linked.images, tables.IMAGES)
    return linked.studies.set_index("study_id"), linked.images.set_index("path", drop=False)


AP, LAT = {"accession_number": "A1", "view": "AP"}, {"accession_number": "A1", "view": "LATERAL"}


def test_a_complete_study_is_used():
    studies, found = link(one(), images(AP, LAT))
    assert (studies.usable["S-1"], studies.reason["S-1"], studies.n_images["S-1"]) == ("true", "", 2)
    assert list(found.image_id) == ["S-1-AP-1", "S-1-LATERAL-1"]
    assert list(found.reason) == ["", ""]


def test_the_device_goes_with_its_image():
    index = images(AP | {"device": "Maker A"}, LAT)
    assert link(one(), index)[1]["device"].tolist() == ["Maker A", ""]
    assert link(one(), index.drop(columns="device"))[1]["device"].tolist() == ["", ""]


def test_every_report_and_every_image_comes_out_with_a_reason():
    report_table = reports(
        {"study_id": "S-1", "accession_number": "A1"},
        {"study_id": "S-2", "accession_number": "A2"},
        {"study_id": "S-3"},
    )
    studies, found = link(report_table, images(AP, LAT, {"accession_number": "A9", "view": "AP"}, {"view": "AP"}))
    assert studies.reason["S-2"] == "no image has its accession number"
    assert studies.reason["S-3"] == "the report gives no accession number"
    assert found.reason["002"] == "no report has its accession number"
    assert found.reason["003"] == "the file gives no accession number"
    assert len(found) == 4


def test_zeros_in_front_are_part_of_an_accession_number():
    studies, _ = link(one(accession_number="12"), images(AP | {"accession_number": "0012"}), views=("AP",))
    assert studies.reason["S-1"] == "no image has its accession number"


def test_an_unreadable_image_keeps_its_reason_and_its_study():
    studies, found = link(one(), images(AP, LAT | {"usable": "false", "reason": "the file is cut"}))
    assert found.reason["001"] == "the file is cut"
    assert found.study_id["001"] == "S-1"
    assert studies.reason["S-1"] == "no usable LATERAL image"
    assert found.reason["000"] == "its study is not used: no usable LATERAL image"


def test_a_missing_view_can_be_stood_in_for():
    studies, found = link(one(), images(AP), missing_view="duplicate")
    assert (studies.usable["S-1"], studies.reason["S-1"]) == ("true", "LATERAL missing: AP stands in")
    by_view = found.set_index("view")
    assert by_view.usable.to_dict() == {"AP": "true", "LATERAL": "true"}
    assert by_view.reason["LATERAL"] == "S-1-AP-1 stands in for a missing view"
    assert by_view.path["LATERAL"] == by_view.path["AP"]


@pytest.mark.parametrize("same", [{"sop_uid": "1.2"}, {"pixel_sha256": "ab"}, {"file_sha256": "cd"}])
def test_the_second_of_two_same_images_is_a_duplicate(same):
    _, found = link(one(), images(AP | same, LAT, AP | same))
    assert found.usable.to_dict() == {"000": "true", "001": "true", "002": "false"}
    assert found.reason["002"].startswith("a duplicate: same ")
    assert "S-1-AP-1" in found.reason["002"]


def test_the_same_pixels_in_another_study_are_said_to_be():
    report_table = reports({"study_id": "S-1", "accession_number": "A1"}, {"study_id": "S-2", "accession_number": "A2"})
    same = {"pixel_sha256": "ab"}
    studies, found = link(report_table, images(AP | same, AP | same | {"accession_number": "A2"}), views=("AP",))
    assert found.reason["001"] == "a duplicate: same pixels as image S-1-AP-1 of another study"
    assert studies.usable.to_dict() == {"S-1": "true", "S-2": "false"}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"acquired": "20240101120000"}, {"acquired": "20240101120500"}),
        ({"instance_number": "9"}, {"instance_number": "10"}),
        ({"presentation_intent": "FOR PROCESSING", "acquired": "2025"}, {"presentation_intent": "FOR PRESENTATION"}),
        ({"frames": "2", "acquired": "2025"}, {"frames": "1"}),
    ],
)
@pytest.mark.parametrize("newer_first", [True, False])
def test_of_several_images_of_a_view_the_newest_is_used(older, newer, newer_first):
    takes = [AP | newer, AP | older] if newer_first else [AP | older, AP | newer]
    _, found = link(one(), images(*takes, LAT))
    used, other = ("000", "001") if newer_first else ("001", "000")
    assert found.usable[used] == "true"
    assert found.reason[other] == f"another image of this view is used: {found.image_id[used]}"


def test_two_reports_with_one_accession_number_are_both_refused():
    report_table = reports({"study_id": "S-1", "accession_number": "A1"}, {"study_id": "S-2", "accession_number": "A1"})
    studies, found = link(report_table, images(AP), views=("AP",))
    assert set(studies.reason) == {"its accession number stands in 2 reports"}
    assert found.reason["000"] == "its accession number stands in 2 reports"


def test_an_image_of_another_patient_is_refused():
    studies, found = link(one(patient_id="0001"), images(AP | {"patient_id": "2"}), views=("AP",))
    assert found.reason["000"] == "its patient id is not the report's"
    assert studies.usable["S-1"] == "false"
    studies, _ = link(one(patient_id="0001"), images(AP | {"patient_id": "1"}), views=("AP",))
    assert studies.usable["S-1"] == "true"


def test_patient_and_date_are_filled_from_the_images():
    known = {"patient_id": "P7", "study_date": "20240101"}
    studies, _ = link(one(patient_id=""), images(AP | known, LAT | known))
    assert (studies.patient_id["S-1"], studies.study_date["S-1"]) == ("P7", "20240101")


def test_a_study_without_any_patient_id_says_so():
    studies, _ = link(one(patient_id=""), images(AP, LAT))
    assert (studies.usable["S-1"], studies.patient_id["S-1"]) == ("true", "")
    assert studies.reason["S-1"].startswith("no patient id")


def of_patient(date, view="AP", study="1.2"):
    return {"patient_id": "P1", "study_date": date, "view": view, "study_uid": study}


def test_a_patients_studies_are_told_apart_by_date():
    report_table = reports(
        {"study_id": "S-1", "patient_id": "P1", "study_date": "2024-01-01"},
        {"study_id": "S-2", "patient_id": "P1", "study_date": "01.02.2024"},
    )
    image_table = images(of_patient("20240201"), of_patient("20240101"), of_patient("20230101"), of_patient(""))
    studies, found = link(report_table, image_table, by="patient_id", views=("AP",))
    assert set(studies.usable) == {"true"}
    assert list(found.study_id.sort_index()) == ["S-2", "S-1", "", ""]
    assert found.reason["002"] == "no report of the patient has its study date"
    assert found.reason["003"] == "the patient has 2 reports and the image no study date"


def test_two_reports_of_one_patient_and_day_are_ambiguous():
    report_table = reports(
        {"study_id": "S-1", "patient_id": "P1", "study_date": "20240101"},
        {"study_id": "S-2", "patient_id": "P1", "study_date": "20240101"},
    )
    studies, found = link(report_table, images(of_patient("20240101")), by="patient_id", views=("AP",))
    assert set(studies.reason) == {"the patient has 2 reports of this date"}
    assert found.reason["000"] == "the patient has 2 reports of its study date"


def test_a_report_without_date_and_images_of_two_studies_are_ambiguous():
    image_table = images(of_patient("20240101", study="1"), of_patient("20240201", study="2"))
    studies, found = link(one(accession_number=""), image_table, by="patient_id", views=("AP",))
    assert "images come from 2 studies" in studies.reason["S-1"]
    assert set(found.usable) == {"false"}


def test_sites_do_not_mix():
    report_table = reports({"study_id": "S-1", "accession_number": "A1", "site": "external"})
    studies, _ = link(report_table, images(AP | {"site": "internal"}), views=("AP",))
    assert studies.reason["S-1"] == "no image has its accession number"


@pytest.mark.parametrize(
    ("text", "view"),
    [("AP", "AP"), ("a.p.", "AP"), ("PA", "PA"), ("d.p.", "PA"), ("LL", "LATERAL"), ("RL", "LATERAL")]
    + [("lateral", "LATERAL"), ("seitl.", "LATERAL"), ("Seitlich", "LATERAL"), ("schräg", "OBLIQUE")]
    + [("axial", "AXIAL"), ("tangential", "AXIAL"), ("LAT re", "LATERAL"), ("", ""), ("Ellbogen", ""), ("L", "")],
)
def test_view_words_of_vendors_are_understood(text, view):
    assert normal_view(text) == view


@pytest.mark.parametrize(("text", "side"), [("L", "L"), ("links", "L"), ("Re.", "R"), ("beidseits", "B"), ("U", "")])
def test_sides_are_understood(text, side):
    assert normal_laterality(text) == side


def test_views_fall_back_on_rules_and_say_which():
    image_table = images(
        {"view": "", "series_description": "Ellbogen seitl. rechts"},
        {"view": "", "study_description": "Ellenbogen in 2 Ebenen"},
        {"view": "PA"},
        {"view": "", "series_description": "Topogramm"},
    )
    rules = (
        ViewRule(field="series_description", pattern=r"seitl", view="seitlich"),
        ViewRule(field="study_description", pattern="2 ebenen", view="AP"),
    )
    named = radiographs.name_views(image_table, views=VIEWS, view_rules=rules)
    assert list(named.view) == ["LATERAL", "AP", "AP", ""]
    assert list(named.view_source) == [
        "series_description ~ /seitl/",
        "study_description ~ /2 ebenen/",
        "ViewPosition (PA taken as AP)",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "view"), [("Ellbogen a.p.", "AP"), ("Elbow LAT", "LATERAL"), ("Daumen d.p.", "AP"), ("Flat panel", "")]
)
def test_default_rules_read_series_descriptions(text, view):
    named = radiographs.name_views(images({"series_description": text}), views=VIEWS)
    assert named.view[0] == view


def test_an_empty_pattern_is_a_last_resort():
    rule = ViewRule(field="series_description", pattern="", view="AP")
    assert radiographs.name_views(images({}), views=("AP",), view_rules=[rule]).view[0] == "AP"


def test_views_that_the_template_lacks_are_refused():
    _, found = link(one(), images(AP, AP | {"view": "OBLIQUE"}, AP | {"view": ""}), views=("AP",))
    assert found.reason["001"] == "view OBLIQUE is not used; used: AP"
    assert found.reason["002"].startswith("its view is not known")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": "name"}, "by 'name' is not known"),
        ({"missing_view": "guess"}, "missing_view 'guess' is not known"),
        ({"reports": one().drop(columns="site")}, "lack the column 'site'"),
        ({"reports": pd.concat([one(), one()])}, "S-1 stands in two reports"),
    ],
)
def test_wrong_input_is_named(change, message):
    arguments = {"by": "accession_number", "views": VIEWS, "reports": one()} | change
    with pytest.raises(ImageError, match=message):
        radiographs.link(arguments.pop("reports"), images(AP), **arguments)
