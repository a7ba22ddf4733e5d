"""JPEG Extended with 12 bits, which gdcm decodes but pydicom's plug-in for it declines. gdcm is this module's library.

Source: DICOM PS3.5 8.2.1; ITU-T T.81 process 4.
"""

import gdcm
import numpy as np
from pydicom.encaps import generate_frames

from labkit.errors import ImageError

__all__ = ["EXTENDED", "decode_extended"]

EXTENDED = "1.2.840.10008.1.2.4.51"


def decode_extended(pixels: bytes, numbers: dict[str, int]) -> np.ndarray:
    """Encapsulated 12-bit pixel data to ([frames,] rows, columns) uint16.

    Raises
    ------
    ImageError : the decoder gives another number of bytes than the header asks for.
    """
    rows, columns, count = (numbers[name] for name in ("rows", "columns", "frames"))
    frames = []
    for encoded in generate_frames(pixels, number_of_frames=count):
        # gdcm hands bytes over as text, and nothing where its decoder gives up
        decoded = (_image(encoded, rows, columns).GetBuffer() or "").encode("utf-8", "surrogateescape")
        if len(decoded) != 2 * rows * columns:
            raise ImageError(f"the JPEG Extended stream gives {len(decoded):,} of {2 * rows * columns:,} bytes.")
        frames.append(np.frombuffer(decoded, "<u2").reshape(rows, columns))
    if len(frames) != count:
        raise ImageError(f"the pixel data hold {len(frames):,} of {count:,} frames.")
    return np.stack(frames) if count > 1 else frames[0]


def _image(encoded: bytes, rows: int, columns: int) -> "gdcm.Image":
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    return image
