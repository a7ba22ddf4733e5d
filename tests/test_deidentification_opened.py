"""The text in files that are to be shared, whatever they are packed in."""

import base64
import gzip
import io
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from labkit.deidentification.opened import texts

SECRET = "Müller"


def archive(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


def png(**text):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Comment", text.get("plain", ""))
    info.add_itxt("More", text.get("packed", ""), zip=True)
    info.add_text("Latin", text.get("latin", ""), zip=True)
    packed = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (60, 60), dtype=np.uint8)).save(
        packed, "PNG", pnginfo=info
    )
    return packed.getvalue()


def jpeg():
    packed = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Patient Mueller"
    Image.new("L", (60, 60)).save(packed, "JPEG", comment=SECRET, exif=exif)
    return packed.getvalue()


def npz(**arrays):
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def embedded(content, kind):
    return f'<img src="data:{kind};base64,{base64.b64encode(content).decode("ascii")}">'.encode()


LONG_SVG = f"<svg>{'<g/>' * 60}<text>{SECRET}</text></svg>".encode()
PACKED = {
    "text": SECRET.encode(),
    "windows": SECRET.encode("cp1252"),
    "utf-16": SECRET.encode("utf-16"),
    "gzip": gzip.compress(SECRET.encode()),
    "gzip of gzip": gzip.compress(gzip.compress(SECRET.encode())),
    "docx": archive(**{"word/document.xml": f"<w:t>{SECRET}</w:t>"}),
    "docx cut into runs": archive(**{"word/document.xml": "<w:r><w:t>Mül</w:t></w:r><w:r><w:t>ler</w:t></w:r>"}),
    "docx description of a picture": archive(
        **{"word/document.xml": f'<w:t>a</w:t><pic descr="{SECRET}"/><w:t>b</w:t>'}
    ),
    "name of a member": archive(**{f"{SECRET}.txt": "x"}),
    "archive in an archive": archive(**{"a.xlsx": archive(**{"xl/sharedStrings.xml": SECRET})}),
    "png text": png(plain=SECRET),
    "png packed text": png(packed=SECRET),
    "png packed old text": png(latin="Mueller"),
    "jpeg": jpeg(),
    "numpy strings": npz(names=np.array(["x", SECRET])),
    "pdf": b"%PDF-1.4\n1 0 obj <</Length 9>> stream\n" + zlib.compress(SECRET.encode() + b" and more") + b"\nendstream",
    "pdf metadata": b"%PDF-1.4\n/Author (Patient Mueller)\n",
    "png in a page": embedded(png(plain=SECRET), "image/png"),
    "svg in a page": embedded(LONG_SVG, "image/svg+xml"),
}


@pytest.mark.parametrize("content", PACKED.values(), ids=PACKED)
def test_text_is_found_in_every_packing(content):
    found = "\n".join(texts(content))
    assert SECRET in found or "Mueller" in found or "M\ufffdller" in found


@pytest.mark.parametrize("content", PACKED.values(), ids=PACKED)
def test_a_cut_file_is_read_as_far_as_it_goes(content):
    for n in (0, 1, 5, len(content) // 2, len(content) - 1):
        assert all(isinstance(text, str) for text in texts(content[:n]))


def test_cells_and_paragraphs_of_an_office_document_stay_apart():
    cells = "<w:tc><w:p><w:t>Otto</w:t></w:p></w:tc><w:tc><w:p><w:t>Klein</w:t></w:p></w:tc>"
    (found,) = [text for text in texts(archive(**{"word/document.xml": cells})) if "Otto" in text]
    assert found.split()[:2] == ["Otto", "Klein"]


def test_pixels_and_numbers_of_an_array_give_no_text():
    assert [text.strip() for text in texts(png()) if len(text) > 40] == []
    scores = npz(scores=np.random.default_rng(2).random(2000))
    assert sum(len(text) for text in texts(scores)) < 2000


def test_archives_nested_without_end_are_left():
    content = SECRET.encode()
    for _ in range(50):
        content = gzip.compress(content)
    assert SECRET not in "".join(texts(content))
