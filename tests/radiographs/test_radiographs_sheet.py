"""The contact sheet: every view of every site, and why anything was left out."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labkit import radiographs, tables
from labkit.radiographs import montage
from labkit.radiographs.sheet import kind_of_reason


@pytest.fixture
def cohort(tmp_path, dx):
    """IMAGES of two sites and two views, some left out, and the folders."""
    rows = []
    for site, n in (("north", 5), ("south", 2)):
        for number in range(n):
            for view in ("AP", "LATERAL"):
                path = f"{view}{number}"
                picture = np.tile(np.linspace(0, 4000, 60).astype(np.uint16), (80, 1))
                dx(tmp_path / site / path, picture, WindowCenter=2048, WindowWidth=4096)
                rows.append({"image_id": f"S-{number:04d}-{view}-1", "site": site, "view": view, "path": path})
    images = pd.DataFrame(rows).assign(usable="true", reason="", frame=0, laterality="", burned_in="")
    images["transfer_syntax"] = "Explicit VR Little Endian"
    images["view_source"] = ["ViewPosition"] * 11 + ["path ~ /LAT/"] * 3
    images["image_id"] = [f"{image}{site[0]}" for image, site in zip(images.image_id, images.site)]
    images.loc[:2, "usable"] = "false"
    images.loc[:2, "reason"] = [
        "another image of this view is used: S-0007-AP-2",
        "another image of this view is used: S-0009-AP-11",
        "the pixel data are cut short (1,500 of 1,600 bytes)",
    ]
    return images, {site: tmp_path / site for site in ("north", "south")}


def size_of(png):
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def test_every_group_is_counted(cohort):
    images, folders = cohort
    table = radiographs.contact_sheet(images, folders=folders, per_group=3).table
    assert table[["site", "view", "reason", "n", "shown"]].values.tolist() == [
        ["north", "AP", "", 3, 3],
        ["north", "LATERAL", "", 4, 3],
        ["south", "AP", "", 2, 2],
        ["south", "LATERAL", "", 2, 2],
        ["all", "all", "another image of this view is used", 2, 2],
        ["all", "all", "the pixel data are cut short (n of n bytes)", 1, 1],
    ]
    assert table.n.sum() == len(images)
    assert table.view_from.tolist()[2] == "ViewPosition 50%, path ~ /LAT/ 50%"


def test_the_sheet_is_a_picture_with_its_table_beside_and_a_text_for_who_cannot_see_it(cohort, tmp_path):
    images, folders = cohort
    sheet = radiographs.contact_sheet(images, folders=folders, per_group=3)
    files = sheet.save(tmp_path / "out" / "contact_sheet")
    assert [path.name for path in files] == ["contact_sheet.png", "contact_sheet.csv"]
    assert size_of(files[0].read_bytes())[0] == 2 * montage.MARGIN + 3 * (montage.TILE_PX + montage.GAP) - montage.GAP
    data, metadata = sheet._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == files[0].read_bytes()
    expected = "Contact sheet: 11 radiographs used, 3 left out, examples of each group"
    assert metadata["image/png"]["alt"] == data["text/plain"] == expected
    assert tables.delimited.read_csv(files[1]).table.n.astype(int).sum() == len(images)


def test_the_same_images_give_the_same_bytes_and_order_does_not_matter(cohort):
    images, folders = cohort
    once = radiographs.contact_sheet(images, folders=folders, per_group=2)
    images.loc[5, "transfer_syntax"] = "JPEG 2000"  # as if: it is decoded in a process of its own
    again = radiographs.contact_sheet(images.sample(frac=1, random_state=2), folders=folders, per_group=2)
    assert once.png == again.png


def test_what_cannot_be_shown_leaves_a_gap_with_its_reason(cohort):
    images, folders = cohort
    (folders["south"] / "AP1").write_bytes(b"gone bad")
    table = radiographs.contact_sheet(images, folders=folders).table.set_index(["site", "view"])
    assert table.loc[("south", "AP"), ["n", "shown", "held_back"]].tolist() == [2, 1, 1]


def test_many_reasons_are_gathered(cohort):
    images, folders = cohort
    words = ["cut", "dark", "small", "large", "old", "new", "odd", "even", "far"]
    many = pd.concat([images.iloc[[0]].assign(image_id=f"X-{word}-1", reason=f"too {word}") for word in words])
    table = radiographs.contact_sheet(pd.concat([images, many]), folders=folders, per_group=1).table
    assert table.reason.tolist()[-1] == "other reasons"
    assert table.n.sum() == len(images) + len(many)


def test_an_empty_cohort_gives_an_empty_sheet(cohort):
    images, folders = cohort
    sheet = radiographs.contact_sheet(images.iloc[:0], folders=folders)
    assert len(sheet.table) == 0 and size_of(sheet.png)[1] >= 40


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (
            "a duplicate: same pixels as image S-0012-AP-1 of another study",
            "a duplicate: same pixels as image … of another study",
        ),
        ("S-0003-AP-1 stands in for a missing view", "… stands in for a missing view"),
        ("the file is larger than 1,024 MB", "the file is larger than n MB"),
        ("view OBLIQUE is not used; used: AP", "view OBLIQUE is not used; used: AP"),
    ],
)
def test_like_reasons_are_counted_together(reason, kind):
    assert kind_of_reason(reason) == kind


def test_a_long_caption_is_cut():
    dark = np.zeros((150, 90), np.uint8)
    strips = [montage.Strip("title " * 90, [dark, None], ["a very long caption that cannot fit below", ""])]
    drawn = np.asarray(Image.open(io.BytesIO(montage.compose(strips, per_row=2))))
    assert (drawn[:, -montage.MARGIN :] == montage.PAPER).all(), "nothing runs over the edge"
