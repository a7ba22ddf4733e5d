"""Files of a figure: their kinds, their bytes, their captions."""

import re
import zlib

import pandas as pd
import pytest

from labkit import figures

DATA = pd.DataFrame({"x": [0, 1], "y": [0.0, 1.0]})


def line():
    drawn, axes = figures.figure(height_in=2)
    axes[0].plot(DATA.x, DATA.y, label="Größe")
    axes[0].fill_between(DATA.x, DATA.y, alpha=0.2)
    axes[0].legend()
    return drawn


def test_a_figure_is_svg_pdf_png_data_and_caption_the_same_way_twice(tmp_path):
    first, second = (figures.save(line(), DATA, tmp_path / name, caption="A line, n = 2", dpi=72) for name in "ab")
    assert [path.suffix for path in first] == [".svg", ".pdf", ".png", ".csv", ".txt"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert pd.read_csv(first[3]).equals(DATA)
    assert first[4].read_text(encoding="utf-8") == "A line, n = 2\n"


def test_text_stays_text_and_nothing_tells_date_or_place(tmp_path):
    svg, pdf, *_ = figures.save(line(), DATA, tmp_path / "deep" / "a", caption="A line", dpi=72)
    words = svg.read_text(encoding="utf-8")
    assert "<dc:date>" not in words and "<text" in words and "Größe" in words
    content = pdf.read_bytes()
    assert b"CreationDate" not in content and str(tmp_path).encode() not in content
    fonts = re.findall(rb"/Subtype /(Type3|TrueType|CIDFontType2|Type1)\b", content)
    assert fonts and b"Type3" not in fonts and b"/FontFile2" in content, "letters that can be edited"


def test_no_pixels_are_in_the_vector_files(tmp_path, two):
    labels, metrics, curves = two
    made = figures.curve_panels(curves, metrics, site="home", kind="roc")
    svg, pdf, *_ = figures.save(made.figure, made.data, tmp_path / "roc", caption="c", dpi=72)
    assert "<image" not in svg.read_text(encoding="utf-8") and b"/Subtype /Image" not in pdf.read_bytes()
    made = figures.accuracy_map(pd.DataFrame(columns=metrics.columns), labels)
    svg, *_ = figures.save(made.figure, made.data, tmp_path / "map", caption="c", dpi=72)
    assert "<image" not in svg.read_text(encoding="utf-8")


def test_the_width_in_the_page_is_that_of_print_at_any_resolution(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("labkit.figures.saving.display", lambda shown, raw, metadata: told.append((shown, metadata)))
    sizes = []
    for dpi in (72, 300):
        png = figures.save(line(), DATA, tmp_path / f"a{dpi}", caption="A line", dpi=dpi)[2].read_bytes()
        sizes.append(int.from_bytes(png[16:20], "big"))
    assert sizes == [518, 2160]
    assert [metadata["image/png"] for _, metadata in told] == 2 * [{"alt": "A line", "width": 691}]
    assert told[0][0]["text/plain"] == "A line"


def test_an_album_numbers_shows_and_lists_its_figures_and_passes_over_what_is_empty(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("labkit.figures.saving.display", lambda shown, raw, metadata: told.append(shown["text/plain"]))
    album = figures.Album(tmp_path, dpi=72)
    album.add("first", figures.Picture(line(), DATA, "One."))
    album.add("nothing", None)
    album.add("second", figures.Picture(line(), DATA, "Two."))
    assert told == ["Figure 1. One.", "Figure 2. Two."]
    assert {path.name for path in album.files} == {path.name for path in tmp_path.iterdir()}
    assert len(album.files) == 10 and (tmp_path / "second.txt").read_text() == "Figure 2. Two.\n"


def test_a_compressed_stream_of_the_pdf_can_be_read_back(tmp_path):
    content = figures.save(line(), DATA, tmp_path / "a", caption="c", dpi=72)[1].read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S)
    assert streams and any(b"re" in zlib.decompress(one) for one in streams if one[:1] == b"x")


@pytest.mark.parametrize(("name", "letters", "lines"), [("Ossicles", 20, 1), ("Radial Neck - Displaced", 14, 2)])
def test_names_are_never_cut(name, letters, lines):
    from labkit.figures.style import wrapped

    assert wrapped(name, letters).count("\n") + 1 == lines
    assert wrapped(name, letters).replace("\n", " ") == name
