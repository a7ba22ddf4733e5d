"""The side of an image whose header gives none, from what its descriptions say."""

import pandas as pd
import pytest

from labkit import radiographs
from labkit.radiographs.headers import COLUMNS
from labkit.radiographs.views import side_in


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Ellenbogen rechts a.p.", "R"),
        ("Daumen li. seitl.", "L"),
        ("ELBOW LEFT LAT", "L"),
        ("Hand R dp", "R"),
        ("Klavikula bds.", "B"),
        ("rechts und links", "B"),
        ("Ellenbogen a.p.", ""),
        ("Lateral RL", ""),
        ("Relief, Linie", ""),
        ("", ""),
    ],
)
def test_words_for_a_side_are_understood_and_parts_of_words_are_not(text, side):
    assert side_in(text) == side


@pytest.mark.parametrize(("given", "kept"), [("", "R"), ("L", "L")])
def test_the_header_goes_before_the_description(given, kept):
    row = dict.fromkeys(COLUMNS, "") | {"path": "a", "usable": "true", "frames": "1", "accession_number": "A1"}
    row |= {"view": "AP", "laterality": given, "series_description": "Ellenbogen rechts a.p."}
    report = {"study_id": "S-1", "site": "", "accession_number": "A1", "study_uid": "", "patient_id": ""}
    reports = pd.DataFrame([report | {"study_date": ""}])
    found = radiographs.link(reports, pd.DataFrame([row]), by="accession_number", views=("AP",))
    assert found.images.laterality.tolist() == [kept]
