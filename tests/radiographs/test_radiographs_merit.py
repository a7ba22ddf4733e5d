"""Which of several takes of a view is the best by its pixels."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from labkit import radiographs
from labkit.radiographs.merit import merit_of, steps


@pytest.fixture
def picture(rng):
    y, x = np.mgrid[0:200, 0:160]
    bone = 120 * np.exp(-(((x - 80) / 20) ** 2)) + 60 * (((x // 9) + (y // 9)) % 2)
    return np.clip(bone + rng.normal(40, 3, x.shape), 1, 254)


def framed(picture):
    whole = np.zeros((400, 320))
    whole[100:300, 80:240] = picture
    return whole


WORSE = {
    "blurred": lambda p: ndimage.gaussian_filter(p, 1.5),
    "moved": lambda p: ndimage.uniform_filter1d(p, 7, axis=0),
    "too white": lambda p: np.clip(p * 3, 0, 255),
    "too dark": lambda p: np.clip(p - 60, 0, 255),
    "in a wide frame": framed,
}


@pytest.mark.parametrize("name", WORSE)
def test_a_worse_take_has_less_merit(picture, name):
    good, worse = (merit_of(np.rint(p).astype(np.uint8)) for p in (picture, WORSE[name](picture)))
    assert 0 < worse < good / 1.1 <= 1
    assert steps(f"{worse}") < steps(f"{good}")


def test_an_even_picture_and_an_unknown_merit_go_last():
    assert merit_of(np.full((9, 9), 7, np.uint8)) == 0
    assert steps("") == steps("0.00000") < steps("0.00100")


@pytest.mark.parametrize(("several", "chosen"), [("best", "sharp"), ("newest", "blurred")])
def test_the_sharp_take_is_used_though_the_blurred_one_is_newer(tmp_path, dx, picture, several, chosen):
    takes = {"sharp": picture, "blurred": WORSE["blurred"](picture)}
    for number, (name, values) in enumerate(takes.items()):
        dx(tmp_path / name, (values * 16).astype(np.uint16), ViewPosition="AP", AcquisitionDate=f"2024010{1 + number}")
    dx(tmp_path / "alone", ViewPosition="LL")
    index = radiographs.index(tmp_path)
    rules = radiographs.IndexRules()
    index = radiographs.measure(index, tmp_path, view_rules=(), rules=rules, several_images=several)
    assert (index.set_index("path").merit != "").to_dict() == {
        name: several == "best" and name != "alone" for name in ("alone", "sharp", "blurred")
    }
    report = {"study_id": "S-1", "site": "", "accession_number": "A1", "study_uid": "", "patient_id": ""}
    reports = pd.DataFrame([report | {"study_date": ""}])
    linked = radiographs.link(reports, index, by="accession_number", views=("AP",), several_images=several)
    assert linked.images.path[linked.images.usable == "true"].tolist() == [chosen]
