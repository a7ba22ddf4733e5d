"""The transfer syntaxes that can be decoded here, by which plug-in, and how each one's stream begins and
ends."""

import re
from dataclasses import dataclass

__all__ = ["LOSSY", "PURE", "SYNTAXES", "Syntax", "name_of"]


@dataclass(frozen=True)
class Syntax:
    """One transfer syntax; `plugin` is pydicom's name of the decoder taken first ("" = none needed)."""

    name: str
    family: str  # native, deflated, rle, jpeg, jpegls or j2k
    plugin: str = ""

    @property
    def is_encapsulated(self) -> bool:
        return self.family not in ("native", "deflated")


# Plug-ins by speed on 2,048 x 2,500 px: JPEG-LS pyjpegls 82 ms (gdcm 126), JPEG 2000 gdcm 321 (openjpeg 488),
# lossless gdcm 105.
SYNTAXES = {
    "1.2.840.10008.1.2": Syntax("Implicit VR Little Endian", "native"),
    "1.2.840.10008.1.2.1": Syntax("Explicit VR Little Endian", "native"),
    "1.2.840.10008.1.2.1.99": Syntax("Deflated Explicit VR Little Endian", "deflated"),
    "1.2.840.10008.1.2.2": Syntax("Explicit VR Big Endian", "native"),
    "1.2.840.10008.1.2.5": Syntax("RLE Lossless", "rle", "pydicom"),
    "1.2.840.10008.1.2.4.50": Syntax("JPEG Baseline", "jpeg", "gdcm"),
    "1.2.840.10008.1.2.4.51": Syntax("JPEG Extended", "jpeg", "gdcm"),
    "1.2.840.10008.1.2.4.57": Syntax("JPEG Lossless", "jpeg", "gdcm"),
    "1.2.840.10008.1.2.4.70": Syntax("JPEG Lossless SV1", "jpeg", "gdcm"),
    "1.2.840.10008.1.2.4.80": Syntax("JPEG-LS Lossless", "jpegls", "pyjpegls"),
    "1.2.840.10008.1.2.4.81": Syntax("JPEG-LS Near-lossless", "jpegls", "pyjpegls"),
    "1.2.840.10008.1.2.4.90": Syntax("JPEG 2000 Lossless", "j2k", "gdcm"),
    "1.2.840.10008.1.2.4.91": Syntax("JPEG 2000", "j2k", "gdcm"),
}
# Names of those that Python, numpy and zlib decode: nothing in them crashes, so the calling process may do it.
PURE = frozenset(syntax.name for syntax in SYNTAXES.values() if syntax.family in ("native", "deflated", "rle"))

# Names of those that may have lost something; "JPEG" is the file format.
LOSSY = frozenset({"JPEG Baseline", "JPEG Extended", "JPEG-LS Near-lossless", "JPEG 2000", "JPEG"})


def name_of(uid: str) -> str:
    """A readable name for any transfer syntax UID, the UID itself where nobody knows it."""
    if uid in SYNTAXES:
        return SYNTAXES[uid].name
    if not re.fullmatch(r"[0-9.]{1,64}", uid):
        return "not a valid UID"
    # Imported here: only unsupported files need pydicom's dictionary, and an index of headers starts faster
    # without it.
    from pydicom.uid import UID

    return UID(uid).name
