import os
import random
import zlib
from struct import pack

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from labkit.radiographs import scanning
from labkit.radiographs.headers import COLUMNS, row_of
from labkit.radiographs.rules import IndexRules


def row(path, **rules):
    return row_of(path.name, folder=str(path.parent), rules=IndexRules(**rules))[0]


def test_identifiers_stay_text_with_their_zeros(tmp_path, dx):
    dx(tmp_path / "a", AccessionNumber="0012", PatientID="007", SeriesInstanceUID="1.2.9", ImageLaterality="R")
    found = row(tmp_path / "a")
    assert (found["accession_number"], found["patient_id"], found["series_uid"]) == ("0012", "007", "1.2.9")
    assert (found["usable"], found["laterality"], found["rows"], found["columns"]) == ("true", "R", "6", "8")


@pytest.mark.parametrize(
    "name", ["01_explicit_le", "02_implicit_le", "03_big_endian", "04_deflated", "05_rle", "06_j2k_lossless"]
)
def test_every_transfer_syntax_gives_the_same_identity(graz, name):
    found, expected = row(graz / f"{name}.dcm"), row(graz / "01_explicit_le.dcm")
    differing = {column for column in COLUMNS if found[column] != expected[column]}
    assert differing <= {"path", "transfer_syntax", "file_size", "sop_uid"}
    assert found["usable"] == "true"


def test_umlauts_follow_the_character_set(tmp_path, dx):
    dx(tmp_path / "latin", SpecificCharacterSet="ISO_IR 100", SeriesDescription="Schräg")
    dx(tmp_path / "utf8", SpecificCharacterSet="ISO_IR 192", SeriesDescription="Schräg")
    assert row(tmp_path / "latin")["series_description"] == row(tmp_path / "utf8")["series_description"] == "Schräg"


@pytest.mark.parametrize(
    ("maker", "model", "device"),
    [
        (" Röntgen  Werke ", "Strahl 2 ", "Röntgen Werke Strahl 2"),
        ("ACME", "Acme DX-1", "Acme DX-1"),
        ("ACME", "ACMEX", "ACME ACMEX"),
        ("ACME", None, "ACME"),
        (None, "DX-1", "DX-1"),
        ("ACME", "acme", "acme"),
        (None, None, ""),
    ],
)
def test_the_device_is_maker_and_model_and_nothing_that_names_a_hospital(tmp_path, dx, maker, model, device):
    told = {"Manufacturer": maker, "ManufacturerModelName": model}
    places = {"StationName": "ROOM7", "DeviceSerialNumber": "4711", "InstitutionName": "Klinik"}
    named = {name: text for name, text in told.items() if text is not None}
    dx(tmp_path / "a", SpecificCharacterSet="ISO_IR 192", **(dict.fromkeys(told) | named | places))
    found = row(tmp_path / "a")
    assert found["device"] == device
    assert not {"ROOM7", "4711", "Klinik"} & set(found.values())


def test_view_and_region_are_taken_from_codes_where_the_text_is_empty(tmp_path, dx):
    view, region = Dataset(), Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399348003", "SCT", "antero-posterior"
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "76248009", "SCT", "Elbow"
    dx(tmp_path / "a", ViewCodeSequence=Sequence([view]), AnatomicRegionSequence=Sequence([region]))
    found = row(tmp_path / "a")
    assert (found["view"], found["body_part"]) == ("AP", "ELBOW")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is text", "not a DICOM, PNG or JPEG file"),
        (b"\0" * 5000, "not a DICOM, PNG or JPEG file"),
        (b"\0" * 128 + b"DICM", "the file ends inside its header"),
        (b"\x89PNG\r\n\x1a\n", "the PNG header is damaged"),
        (b"\xff\xd8\xff\xe0", "the JPEG header is damaged"),
    ],
)
def test_what_is_no_image_says_so(tmp_path, content, reason):
    (tmp_path / "file").write_bytes(content)
    assert row(tmp_path / "file")["reason"] == reason


@pytest.mark.parametrize("share", [0.001, 0.003, 0.6, 0.999])
def test_a_cut_file_is_refused(tmp_path, wrist, share):
    (tmp_path / "cut").write_bytes(wrist[: int(len(wrist) * share)])
    assert row(tmp_path / "cut")["usable"] == "false"
    assert "cut short" in row(tmp_path / "cut")["reason"] or share < 0.01


def test_cut_pixel_data_say_how_much_is_there(tmp_path, wrist):
    (tmp_path / "cut").write_bytes(wrist[:107722])
    assert row(tmp_path / "cut")["reason"] == "the pixel data are cut short (106,780 of 178,596 bytes)"


def test_a_png_under_a_dicom_name_is_refused_and_under_none_accepted(tmp_path):
    for name in ("picture", "picture.dcm"):
        Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / name, format="PNG")
    assert row(tmp_path / "picture")["usable"] == "true"
    assert "under a DICOM name" in row(tmp_path / "picture.dcm")["reason"]


@pytest.mark.parametrize(("side", "allowed"), [(65535, False), (100, True)])
def test_absurd_sizes_are_refused_before_anything_is_allocated(tmp_path, dx, side, allowed):
    dx(tmp_path / "a", np.zeros((100, 100), np.uint16), Rows=side, Columns=side)
    assert ("more than the" in row(tmp_path / "a")["reason"]) is not allowed


def test_a_png_bomb_is_refused(tmp_path):
    header = pack(">LL5B", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = pack(">L", 13) + b"IHDR" + header + pack(">L", zlib.crc32(b"IHDR" + header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82")
    assert "more than the" in row(tmp_path / "bomb.png")["reason"]


def test_a_deflate_bomb_is_refused(tmp_path, graz, monkeypatch):
    monkeypatch.setattr(scanning, "MAX_INFLATED", 2**24)
    data = (graz / "04_deflated.dcm").read_bytes()
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(engine.compress(bytes(2**20)) for _ in range(17)) + engine.flush()
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    (tmp_path / "bomb").write_bytes(data[:meta_end] + body)
    assert row(tmp_path / "bomb")["reason"] == "the deflated data set is larger than 16 MiB"


@pytest.mark.parametrize("defined_length", [True, False])
def test_sequences_nested_too_deep_are_refused(tmp_path, wrist, defined_length):
    inner = b""
    for _ in range(400):
        length = 8 + len(inner) if defined_length else 0xFFFFFFFF
        item = pack("<HHL", 0xFFFE, 0xE000, len(inner) if defined_length else 0xFFFFFFFF) + inner
        ends = b"" if defined_length else pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        inner = pack("<HH2sHL", 0x0040, 0x0275, b"SQ", 0, length) + item + ends
    place = wrist.index(pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    (tmp_path / "deep").write_bytes(wrist[:place] + inner + wrist[place:])
    assert row(tmp_path / "deep")["reason"] == "sequences are nested deeper than 32 levels"


def test_ordinary_nesting_is_walked_over(tmp_path, dx):
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "x" * 60
    outer.ProcedureCodeSequence = Sequence([inner] * 9)
    outer["ProcedureCodeSequence"].is_undefined_length = True
    dx(tmp_path / "a", RequestAttributesSequence=Sequence([outer] * 3), SeriesDescription="after")
    assert (row(tmp_path / "a")["usable"], row(tmp_path / "a")["series_description"]) == ("true", "after")


def test_unsupported_syntax_is_named(tmp_path, dx, wrist):
    (tmp_path / "ht").write_bytes(wrist.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    assert row(tmp_path / "ht")["reason"] == "transfer syntax '1.2.840.10008.1.2.9' cannot be decoded here"


def test_native_pixels_declared_compressed_are_refused(tmp_path, wrist):
    (tmp_path / "a").write_bytes(wrist.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    assert row(tmp_path / "a")["reason"] == "the pixel data are not encapsulated, though 'RLE Lossless' is declared"


def test_a_stream_larger_than_its_header_is_refused(tmp_path, graz):
    data = (graz / "06_j2k_lossless.dcm").read_bytes()
    place = data.index(b"\xff\x4f\xff\x51") + 8
    (tmp_path / "a").write_bytes(data[:place] + pack(">L", 40000) + data[place + 4 :])
    assert row(tmp_path / "a")["reason"].startswith("the compressed image has 363 x 40,000 pixels")


def test_a_dicomdir_is_listed_as_no_image(tmp_path, dx):
    path = tmp_path / "DICOMDIR"
    dx(path)
    path.write_bytes(
        path.read_bytes().replace(b"1.2.840.10008.5.1.4.1.1.1.1\0", b"1.2.840.10008.1.3.10".ljust(28, b"\0"))
    )
    assert row(path)["reason"].startswith("a DICOMDIR")


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"modalities": ("MR",)}, "modality DX is not among MR"),
        ({"body_parts": ("ELBOW",)}, "body part WRIST is not among ELBOW"),
        ({"body_parts": ("elbow", "wrist")}, ""),
        ({"identifiers": ("study_uid",)}, ""),
        ({}, ""),
    ],
)
def test_rules_refuse_with_a_reason(graz, rules, reason):
    assert row(graz / "01_explicit_le.dcm", **rules)["reason"] == reason


def test_a_colour_image_is_refused_unless_allowed(graz):
    assert row(graz / "14_rgb.dcm")["reason"].startswith("a colour image (RGB)")
    assert row(graz / "14_rgb.dcm", allow_rgb=True)["usable"] == "true"


def test_a_file_without_identifiers_is_refused(tmp_path, dx):
    dx(tmp_path / "a", AccessionNumber="", PatientID="", StudyInstanceUID=None)
    assert row(tmp_path / "a")["reason"] == "no accession number or study uid or patient id to link by"


def test_the_path_gives_what_the_header_does_not(tmp_path):
    pattern = r"^(?P<patient_id>\d+)_(?P<accession_number>\d+)_.*WRI-(?P<laterality>[LR])_(?P<view>\w+)"
    Image.fromarray(np.zeros((4, 5), np.uint16)).save(tmp_path / "0001_042_01_WRI-L_lat.png")
    found = row(tmp_path / "0001_042_01_WRI-L_lat.png", path_pattern=pattern)
    assert (found["patient_id"], found["accession_number"]) == ("0001", "042")
    assert (found["laterality"], found["view"], found["bits_stored"]) == ("L", "LATERAL", "16")


def test_a_path_pattern_with_an_unknown_group_is_refused():
    with pytest.raises(ValueError, match="'name' is not known"):
        IndexRules(path_pattern="(?P<name>x)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert row(tmp_path / "pipe")["reason"] == "not a regular file"


def test_damaged_headers_never_raise(tmp_path, graz):
    rng = random.Random(7)
    sources = [path.read_bytes()[:4000] for path in sorted(graz.glob("*.dcm"))]
    reasons = set()
    for _ in range(400):
        data = bytearray(rng.choice(sources))
        for _ in range(rng.choice([1, 3, 20])):
            place = rng.randrange(max(1, len(data)))
            data[place : place + rng.randrange(4)] = rng.randbytes(rng.randrange(5))
        (tmp_path / "mutant").write_bytes(data)
        found = row(tmp_path / "mutant")
        assert (found["usable"] == "true") == (found["reason"] == "")
        reasons.add(found["reason"])
    assert len(reasons) > 5
