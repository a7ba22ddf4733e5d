"""One file to one row: what it is, whom it belongs to and whether, as far as its header can tell, it can be
used."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from struct import error as StructError
from struct import unpack_from
from typing import BinaryIO

from labkit.radiographs import plain, streams
from labkit.radiographs.elements import CODED, TRANSFER_SYNTAX, Header, HeaderError
from labkit.radiographs.rules import IndexRules
from labkit.radiographs.scanning import NotDicom, scan
from labkit.radiographs.syntaxes import name_of
from labkit.radiographs.views import normal_laterality, normal_view

__all__ = ["COLUMNS", "DICOM_SUFFIXES", "Examined", "examine", "row_of"]

COLUMNS = (
    ("path", "usable", "reason", "accession_number", "patient_id", "study_uid", "series_uid", "sop_uid", "study_date")
    + ("modality", "body_part", "view", "laterality", "manufacturer", "device", "photometric", "rows", "columns")
    + ("bits_stored", "frames", "transfer_syntax", "file_size", "file_sha256", "pixel_sha256", "series_description")
    + ("protocol_name", "study_description", "acquired", "instance_number", "presentation_intent", "burned_in")
    + ("patient_name", "birth_date")
)
DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
NO_IMAGE_FILE = "not a DICOM, PNG or JPEG file"

TEXTS = {
    0x00080018: "sop_uid",
    0x00080020: "study_date",
    0x00080050: "accession_number",
    0x00080060: "modality",
    0x00080068: "presentation_intent",
    0x00080070: "manufacturer",
    0x00081030: "study_description",
    0x0008103E: "series_description",
    0x00100010: "patient_name",
    0x00100020: "patient_id",
    0x00100030: "birth_date",
    0x00180015: "body_part",
    0x00181030: "protocol_name",
    0x0020000D: "study_uid",
    0x0020000E: "series_uid",
    0x00200013: "instance_number",
    0x00280004: "photometric",
    0x00280301: "burned_in",
}
NUMBERS = {
    0x00280002: "samples",
    0x00280010: "rows",
    0x00280011: "columns",
    0x00280100: "bits_allocated",
    0x00280101: "bits_stored",
}
MEDIA_CLASS, CHARSET, FRAMES, VIEW_POSITION, MODEL = 0x00020002, 0x00080005, 0x00280008, 0x00185101, 0x00081090
LATERALITIES = (0x00200062, 0x00200060)
# Acquisition, content and series date with the time that goes with each; the first pair that is there orders
# the images.
MOMENTS = ((0x0008002A, None), (0x00080022, 0x00080032), (0x00080023, 0x00080033), (0x00080021, 0x00080031))
WANTED = frozenset(
    {TRANSFER_SYNTAX, MEDIA_CLASS, CHARSET, FRAMES, VIEW_POSITION, MODEL, *LATERALITIES, *TEXTS, *NUMBERS}
    | {tag for pair in MOMENTS for tag in pair if tag}
)


@dataclass(frozen=True)
class Examined:
    """What a file's header says against it: `broken` = cannot be decoded, `unwanted` = decodes, but the rules
    refuse it.

    `header` and `numbers` (rows, columns, frames, samples, bits_allocated, bits_stored, subsampled) are those of a
    DICOM file with pixels.
    """

    broken: str = ""
    unwanted: str = ""
    header: Header | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    kind: str = "DICOM"

    @property
    def reason(self) -> str:
        return self.broken or self.unwanted


def row_of(path: str, *, folder: str, rules: IndexRules) -> tuple[dict[str, str], bool]:
    """The row of one file and whether it may be decoded; `path` is relative to the folder. Nothing that a
    file holds makes it raise."""
    row = dict.fromkeys(COLUMNS, "") | {"path": path, "usable": "false"}
    examined = Examined()
    try:
        full = os.path.join(folder, path)
        status = os.stat(full)
        row["file_size"] = str(status.st_size)
        examined = Examined(_reason_of_file(status, path, rules))
        if not examined.broken:
            with open(full, "rb", buffering=0) as file:
                examined = examine(file, status.st_size, row, rules)
    except OSError as error:
        examined = Examined(f"the file cannot be opened ({error.strerror or 'unknown cause'})")
    except (ValueError, MemoryError, RecursionError, OverflowError, StructError) as error:
        examined = Examined(f"the header is damaged ({type(error).__name__})")
    row["reason"] = examined.reason
    row["usable"] = "false" if examined.reason else "true"
    return row, not examined.broken


def examine(stream: BinaryIO, size: int, row: dict[str, str], rules: IndexRules) -> Examined:
    """Fill the row from an open file and say what speaks against using it."""
    stream.seek(0)
    kind = plain.kind_of(stream.read(16))
    if kind:
        broken, unwanted = plain.describe(stream, size, kind, row, rules)
        if Path(row["path"]).suffix.lower() in DICOM_SUFFIXES:
            broken = f"a {kind} image under a DICOM name: rename it if it is a radiograph"
        _fill_from_path(row, rules)
        return Examined(broken, unwanted, kind=kind)
    try:
        header = scan(stream, size, WANTED)
    except NotDicom:
        return Examined(NO_IMAGE_FILE)
    except HeaderError as error:
        return Examined(str(error))
    numbers = _fill(row, header)
    _fill_from_path(row, rules)
    if header.values.get(MEDIA_CLASS, b"").strip(b"\0 ") == DICOMDIR_CLASS.encode():
        return Examined("a DICOMDIR: a table of contents, not an image")
    if not header.values.keys() & (TEXTS.keys() | NUMBERS.keys()):
        has_meta = header.body > 132  # beyond the preamble
        return Examined("the file is cut short: it ends before its data set" if has_meta else NO_IMAGE_FILE)
    broken = _why_broken(stream, header, row, numbers, rules)
    return Examined(broken, _why_unwanted(row, numbers, rules), header, numbers)


def _reason_of_file(status: os.stat_result, path: str, rules: IndexRules) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size == 0:
        return "the file is empty"
    if status.st_size > rules.max_file_mb * 2**20:
        return f"the file is larger than {rules.max_file_mb:,} MB"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "the file name is not valid UTF-8: rename the file"
    return ""


def _why_broken(stream: BinaryIO, header: Header, row: dict, numbers: dict, rules: IndexRules) -> str:
    if header.pixel_offset < 0:
        return f"no Pixel Data (modality {row['modality'] or 'not given'})"
    shape = (numbers.get("rows", 0), numbers.get("columns", 0), numbers["frames"])
    if min(shape) <= 0:
        return "the header gives no image size"
    if shape[0] * shape[1] * shape[2] > rules.max_pixels:
        size = " x ".join(f"{n:,}" for n in shape if n > 1)
        return f"the header claims {size} pixels, more than the {rules.max_pixels:,} allowed"
    return streams.reason(stream, header, numbers)


def _why_unwanted(row: dict, numbers: dict, rules: IndexRules) -> str:
    if rules.modalities and row["modality"] not in rules.modalities:
        return f"modality {row['modality'] or 'not given'} is not among {', '.join(rules.modalities)}"
    part = row["body_part"].casefold()
    if rules.body_parts and part and not any(name.casefold() in part for name in rules.body_parts):
        return f"body part {row['body_part']} is not among {', '.join(rules.body_parts)}"
    grey = numbers.get("samples", 1) == 1 and row["photometric"].startswith("MONOCHROME")
    if not grey and (not rules.allow_rgb or row["photometric"] == "PALETTE COLOR"):
        colours = row["photometric"] or "no photometric interpretation"
        return f"a colour image ({colours}), as secondary captures are, and not a radiograph"
    if rules.identifiers and not any(row[name] for name in rules.identifiers):
        return f"no {' or '.join(name.replace('_', ' ') for name in rules.identifiers)} to link by"
    return ""


def _fill(row: dict[str, str], header: Header) -> dict[str, int]:
    """Put the header's values into the row; returns its numbers."""
    values = header.values
    charset = values.get(CHARSET, b"")
    for tag, name in TEXTS.items():
        if tag in values:
            row[name] = _text(values[tag], charset)
    numbers = {"frames": 1, "subsampled": int(row["photometric"] == "YBR_FULL_422")}
    for tag, name in NUMBERS.items():
        if len(values.get(tag, b"")) >= 2:
            numbers[name] = unpack_from("<H" if header.little else ">H", values[tag])[0]
    frames = _text(values.get(FRAMES, b""), b"")
    if re.fullmatch(r"[+]?\d{1,9}", frames):
        numbers["frames"] = int(frames) or 1  # some archives write 0 for a single picture
    for name in ("rows", "columns", "bits_stored"):
        row[name] = str(numbers.get(name, ""))
    row["frames"], row["transfer_syntax"] = str(numbers["frames"]), name_of(header.transfer_syntax)
    row["device"] = _device(row["manufacturer"], _text(values.get(MODEL, b""), charset))
    row["view"] = normal_view(_text(values.get(VIEW_POSITION, b""), charset))
    row["view"] = row["view"] or normal_view(_text(values.get(CODED[0], b""), charset))
    row["body_part"] = row["body_part"] or _text(values.get(CODED[1], b""), charset).upper()
    sides = [normal_laterality(_text(values[tag], charset)) for tag in LATERALITIES if tag in values]
    row["laterality"] = next((side for side in sides if side), "")
    for date, time in MOMENTS:
        if values.get(date, b"").strip(b"\0 "):
            row["acquired"] = (_text(values[date], b"") + _text(values.get(time, b""), b""))[:26]
            break
    return numbers


def _device(maker: str, model: str) -> str:
    """Maker and model, which tell devices apart and name no hospital; the maker once where the model repeats it."""
    maker, model = " ".join(maker.split()), " ".join(model.split())
    repeated = f"{model} ".casefold().startswith(f"{maker} ".casefold())
    return model if repeated else f"{maker} {model}".strip()


def _fill_from_path(row: dict[str, str], rules: IndexRules) -> None:
    found = re.search(rules.path_pattern, row["path"]) if rules.path_pattern else None
    for name, text in found.groupdict().items() if found else ():
        normal = {"view": normal_view, "laterality": normal_laterality}.get(name, str)
        row[name] = row[name] or normal(text or "")


def _text(raw: bytes, charset: bytes) -> str:
    """The first value of a text element, without padding."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        text = _foreign_text(raw, charset)
    if "\\" in text:
        text = text.split("\\", 1)[0]
    return "".join(c for c in text if c.isprintable()).strip() if not text.isprintable() else text.strip()


def _foreign_text(raw: bytes, charset: bytes) -> str:
    names = [name.strip() for name in charset.decode("ascii", "replace").strip("\0 ").split("\\")]
    if names == ["ISO_IR 192"]:
        return raw.decode("utf-8", "replace")
    if names in (["ISO_IR 100"], [""]):
        return raw.decode("latin-1")
    # Imported here: rare, and an index of headers starts faster without it.
    from pydicom.charset import convert_encodings, decode_bytes

    try:
        return decode_bytes(raw, convert_encodings(names), set())
    except (LookupError, UnicodeError, ValueError):
        return raw.decode("latin-1")
