"""Decode one image file to its stored values, and on to grey. pydicom is this module's library.

`read` decodes in the calling process: native decoders can crash on hostile files, so files that nobody has
looked at go through `index(decode=True)` or `build_cache`, which decode in processes of their own.
"""

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.pixels import get_decoder

from labkit.errors import ImageError
from labkit.radiographs import grey, tags
from labkit.radiographs.elements import UNDEFINED
from labkit.radiographs.extended import EXTENDED, decode_extended
from labkit.radiographs.headers import COLUMNS, Examined, examine
from labkit.radiographs.rules import IndexRules
from labkit.radiographs.scanning import inflate
from labkit.radiographs.syntaxes import SYNTAXES

__all__ = ["Stored", "decode", "read"]


@dataclass(frozen=True)
class Stored:
    """Stored pixel values before any LUT: ([frames,] rows, columns[, 3]) in the stored type, and what they
    mean; of colours, whether they are brightness and two differences (`ybr`) or red, green, blue."""

    values: np.ndarray
    grey: grey.Grey
    ybr: bool = False

    @property
    def sha256(self) -> str:
        """SHA-256 of the values in C order, little-endian, stored type; bits above Bits Stored do not count."""
        spare = 8 * self.values.itemsize - self.grey.bits_stored
        values = np.ascontiguousarray(self.values << spare >> spare if spare else self.values)
        return hashlib.sha256(values.astype(values.dtype.newbyteorder("<"), copy=False)).hexdigest()

    def plane(self, frame: int) -> np.ndarray:
        """The bits of one frame, (rows, columns) uint8 or uint16; colours become their luminance."""
        values = self.values
        if values.shape[-1] == 3 and values.ndim > 2:
            shares = np.array([1, 0, 0] if self.ybr else [0.299, 0.587, 0.114])  # ITU-R BT.601
            values = np.rint(values @ shares).astype(values.dtype)
        if values.ndim == 3:
            if not 0 <= frame < len(values):
                raise ImageError(f"frame {frame} does not exist; the image has the frames 0 to {len(values) - 1}.")
            values = values[frame]
        return values.view(np.uint8 if values.itemsize == 1 else np.uint16)


def read(path: str | Path, *, window: int | str = 0, frame: int = 0, rules: IndexRules | None = None) -> np.ndarray:
    """Read a radiograph as it is meant to be seen, bright bone on a dark ground.

    Parameters
    ----------
    path : a DICOM, PNG or JPEG file.
    window : which of several windows of the header is used, by number or by a part of its explanation.
    frame : which frame of a multi-frame image, from 0.
    rules : what is refused; by default only what cannot be decoded, and colour images.

    Returns
    -------
    float32 (rows, columns) in [0, 1].

    Raises
    ------
    ImageError : the file is not a usable image; the message gives the reason.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path.name}: the file cannot be opened ({error.strerror}).") from error
    rules = rules or IndexRules(identifiers=())
    try:
        stored = decode(data, path.name, rules=rules)
        raw = stored.plane(frame)
    except ImageError as error:
        raise ImageError(f"{path.name}: {error}") from error
    return grey.apply(raw, grey.table(raw, stored.grey, window=window))


def decode(data: bytes, name: str, *, rules: IndexRules, any_kind: bool = False) -> Stored:
    """Decode a file's bytes.

    Parameters
    ----------
    data : the whole file.
    name : its name, whose suffix is judged.
    rules : limits and refusals.
    any_kind : decode also what the rules refuse for its kind (colour, modality, body part, identifiers).

    Raises
    ------
    ImageError : one sentence with the reason, without the file's name.
    """
    if not data:
        raise ImageError("the file is empty.")
    row = dict.fromkeys(COLUMNS, "") | {"path": name}
    examined = examine(BytesIO(data), len(data), row, rules)
    reason = examined.broken if any_kind else examined.reason
    if reason:
        raise ImageError(f"{reason}.")
    try:
        with warnings.catch_warnings():
            # Odd headers are judged here by whether the pixels come out, not by their spelling.
            warnings.simplefilter("ignore")
            if examined.kind != "DICOM":
                return _decode_plain(data)
            return _decode_dicom(data, examined)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("decoding needs more memory than is allowed.") from error
    except Image.DecompressionBombError as error:
        raise ImageError("a decompression bomb: it unfolds to more pixels than are decoded.") from error
    # Decoders and pydicom raise whatever the bytes drive them to, so no shorter list of types would hold.
    except Exception as error:
        raise ImageError(f"the pixel data are damaged: decoding ended with {type(error).__name__}.") from error


def _decode_plain(data: bytes) -> Stored:
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
        if image.mode in ("P", "RGBA", "CMYK", "LA", "YCbCr", "1"):
            image = image.convert("L" if image.mode in ("LA", "1") else "RGB")
        values = np.asarray(image)
    if values.dtype == np.int32:  # Pillow's mode I for some 16-bit files
        values = values.astype(np.uint16)
    bits = 8 * values.itemsize
    # 8-bit exports are already windowed; 16-bit ones hold detector values.
    return Stored(values, grey.Grey(bits_allocated=bits, bits_stored=bits, stretch=bits > 8))


def _decode_dicom(data: bytes, examined: Examined) -> Stored:
    header, numbers = examined.header, examined.numbers
    syntax = SYNTAXES[header.transfer_syntax]
    if syntax.family == "deflated":
        data = inflate(data, header.body)
    stream = BytesIO(data)
    stream.seek(header.start)
    dataset = read_dataset(
        stream, not header.explicit, header.little, stop_when=lambda tag, vr, length: tag >= 0x7FE00010
    )
    meaning = tags.grey_of(dataset, numbers)
    if header.pixel_length != UNDEFINED and numbers.get("samples", 1) == 1:
        return Stored(_native(data, examined, meaning), meaning)
    end = None if header.pixel_length == UNDEFINED else header.pixel_offset + header.pixel_length
    pixels = memoryview(data)[header.pixel_offset : end]
    values = _by_plugin(bytes(pixels), dataset, examined)
    if values.shape[-1] == 3 and values.ndim > 2:
        meaning = grey.Grey(bits_allocated=8 * values.itemsize, bits_stored=8 * values.itemsize, stretch=False)
    ybr = not syntax.is_encapsulated and str(dataset.get("PhotometricInterpretation", "")).startswith("YBR")
    return Stored(values, meaning, ybr)


def _native(data: bytes, examined: Examined, meaning: grey.Grey) -> np.ndarray:
    """Uncompressed values straight from the file's bytes, ([frames,] rows, columns)."""
    header, numbers = examined.header, examined.numbers
    frames, rows, columns = (numbers[name] for name in ("frames", "rows", "columns"))
    size = meaning.bits_allocated // 8
    dtype = np.dtype(f"{'<' if header.little else '>'}{'i' if meaning.signed else 'u'}{size}")
    count = frames * rows * columns
    if size == 1 and not header.little and header.pixel_vr == b"OW":
        words = np.frombuffer(data, ">u2", -(-count // 2), header.pixel_offset)  # PS3.5 7.3: bytes swap in pairs
        values = words.astype("<u2").view(dtype)[:count]
    else:
        values = np.frombuffer(data, dtype, count, header.pixel_offset)
    values = values.astype(dtype.newbyteorder("="), copy=False)
    return values.reshape((frames, rows, columns) if frames > 1 else (rows, columns))


def _by_plugin(pixels: bytes, dataset: Dataset, examined: Examined) -> np.ndarray:
    header, numbers = examined.header, examined.numbers
    if header.transfer_syntax == EXTENDED and numbers["bits_stored"] > 8 and numbers.get("samples", 1) == 1:
        return decode_extended(pixels, numbers)
    syntax = SYNTAXES[header.transfer_syntax]
    decoder = get_decoder(header.transfer_syntax)
    values, _ = decoder.as_array(
        pixels,
        # Uncompressed colours are taken as they are stored; decoders of compressed ones give RGB.
        raw=not syntax.is_encapsulated,
        decoding_plugin=syntax.plugin if syntax.plugin in decoder.available_plugins else "",
        rows=numbers["rows"],
        columns=numbers["columns"],
        number_of_frames=numbers["frames"],
        samples_per_pixel=numbers.get("samples", 1),
        bits_allocated=numbers["bits_allocated"],
        bits_stored=numbers["bits_stored"],
        pixel_representation=int(dataset.get("PixelRepresentation", 0) or 0),
        photometric_interpretation=str(dataset.PhotometricInterpretation),
        planar_configuration=int(dataset.get("PlanarConfiguration", 0) or 0),
        pixel_keyword="PixelData",
        pixel_vr="OB" if numbers["bits_allocated"] == 8 else "OW",
    )
    return values
