"""Stored values to a valid DICOM file of Digital X-Ray Image Storage - For Presentation (DX).

Nothing in a header depends on what the picture shows: window, exposure and numbers come from the site and from random
streams of their own, and the same input gives the same bytes. Source: DICOM PS3.3 A.26 and its modules.
"""

import io
import uuid
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from labkit.synthetic.people import Visit
from labkit.synthetic.profiles import Profile
from labkit.synthetic.settings import Site

__all__ = ["Header", "encode", "uid"]

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "jpeg_2000": JPEG2000Lossless,
    "jpeg_ls": JPEGLSLossless,
    "rle": RLELossless,
}
MAKERS = {"internal": ("Beispiel Röntgenwerke", "Strahlbild 2"), "external": ("Mock Imaging Ltd", "Exposia DX")}
# The side view's defined term is that of the side nearest the detector (PS3.3 C.8.11.5); other names go in as they are.
VIEW_POSITIONS = {"LATERAL": "LL", "LAT": "LL"}
BITS = 12


@dataclass(frozen=True)
class Header:
    """What a file's header says beside its pixels."""

    site_name: str
    site: Site
    profile: Profile
    stay: Visit
    view: str
    number: int
    key: str  # what the UIDs of the study are made of
    syntax: str
    inverted: bool


def uid(*parts: str) -> str:
    """A UID under 2.25, from a name-based UUID of the parts (PS3.5 B.2): anybody may use it, and it never changes."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(parts)).int}"


def encode(pixels: np.ndarray, header: Header, *, rng: np.random.Generator) -> bytes:
    """The whole file; `pixels` (rows, columns) uint16 of 12 bits, high values bright."""
    syntax = SYNTAXES[header.syntax]
    top = (1 << BITS) - 1
    dataset = _file(header, syntax)
    _describe(dataset, header, rng)
    stored = top - pixels if header.inverted else pixels
    dataset.Rows, dataset.Columns = stored.shape
    dataset.PhotometricInterpretation = "MONOCHROME1" if header.inverted else "MONOCHROME2"
    # The lookup shape must be the one that goes with the photometric interpretation (PS3.3 C.11.6)
    dataset.PresentationLUTShape = "INVERSE" if header.inverted else "IDENTITY"
    centre = round(top * header.site.contrast_share * 0.5)
    dataset.WindowCenter = top - centre if header.inverted else centre
    dataset.WindowWidth = round(top * min(1.0, header.site.contrast_share * 1.1))
    dataset.WindowCenterWidthExplanation = "STANDARD"
    _pixel_data(dataset, np.ascontiguousarray(stored, dtype="<u2"), header.syntax)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _file(header: Header, syntax: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = uid("instance", header.key, str(header.number))
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = uid("labkit")
    meta.ImplementationVersionName = "LABKIT"
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    return dataset


def _describe(dataset: Dataset, header: Header, rng: np.random.Generator) -> None:
    """Every type 1 and 2 attribute of the DX modules that does not depend on the pixels."""
    clock = f"{rng.integers(7, 21):02d}{rng.integers(0, 60):02d}{rng.integers(0, 60):02d}"
    exposure = {"KVP": str(int(rng.integers(50, 60))), "Exposure": str(int(rng.integers(2, 9)))}
    for keyword, value in (_study(header, clock) | _image(header, clock) | exposure).items():
        setattr(dataset, keyword, value)


def _study(header: Header, clock: str) -> dict:
    """Patient, study, series and equipment."""
    stay, profile = header.stay, header.profile
    person, day = stay.person, stay.day.strftime("%Y%m%d")
    german = person.language == "de"
    maker, model = MAKERS[header.site_name]
    side = {"L": "links" if german else "left", "R": "rechts" if german else "right"}[stay.side]
    plane = {"AP": "ap", "LATERAL": "seitlich" if german else "lateral"}.get(header.view, header.view.lower())
    region = profile.body_part.capitalize()
    return {
        "PatientName": person.dicom_name,
        "PatientID": person.patient_id,
        "PatientBirthDate": person.born.strftime("%Y%m%d"),
        "PatientSex": person.sex,
        "PatientAge": f"{stay.age:03d}Y",
        "StudyInstanceUID": uid("study", header.key),
        "StudyDate": day,
        "StudyTime": clock,
        "AccessionNumber": stay.accession_number,
        "StudyID": stay.report_id,
        "ReferringPhysicianName": "",
        "StudyDescription": f"{'Röntgen' if german else 'XR'} {region}"[:64],
        "Modality": "DX",
        "SeriesInstanceUID": uid("series", header.key, str(header.number)),
        "SeriesNumber": header.number + 1,
        "SeriesDate": day,
        "SeriesDescription": f"{region} {side} {plane}"[:64],
        "PresentationIntentType": "FOR PRESENTATION",
        "Manufacturer": maker,
        "ManufacturerModelName": model,
        "InstitutionName": "Beispielklinikum" if german else "Sample General Hospital",
    }


def _image(header: Header, clock: str) -> dict:
    """Acquisition, anatomy, detector and the meaning of the stored values."""
    profile, day = header.profile, header.stay.day.strftime("%Y%m%d")
    return {
        "ImageType": ["ORIGINAL", "PRIMARY", ""],
        "InstanceNumber": 1,
        "ContentDate": day,
        "ContentTime": clock,
        "AcquisitionDate": day,
        "AcquisitionTime": clock,
        "PatientOrientation": ["L", "F"] if header.view == "AP" else ["A", "F"],
        "ImageLaterality": header.stay.side,
        "BodyPartExamined": profile.body_part,
        "ViewPosition": VIEW_POSITIONS.get(header.view, header.view[:16]),
        "ViewCodeSequence": [],
        "AnatomicRegionSequence": [_code(profile.region)],
        "AcquisitionContextSequence": [],
        "DetectorType": "DIRECT" if header.site_name == "internal" else "SCINTILLATOR",
        "ImagerPixelSpacing": [0.14, 0.14],
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": 1 if header.inverted else -1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "LossyImageCompression": "00",
        "BurnedInAnnotation": "NO",  # a side marker identifies nobody
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": BITS,
        "HighBit": BITS - 1,
        "PixelRepresentation": 0,
    }


def _code(region: dict[str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = region["code"], "SCT", region["meaning"]
    return item


def _pixel_data(dataset: FileDataset, stored: np.ndarray, syntax: str) -> None:
    if syntax in ("explicit", "implicit"):
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
    elif syntax == "jpeg_2000":
        dataset.PixelData = encapsulate([_jpeg_2000(stored)])
        dataset["PixelData"].VR = "OB"
    else:
        dataset.PixelData = b""
        dataset.compress(SYNTAXES[syntax], stored, generate_instance_uid=False)


def _jpeg_2000(stored: np.ndarray) -> bytes:
    """A lossless JPEG 2000 codestream of 12-bit samples.

    Pillow writes 16-bit components only. The codec first takes half the range off each sample (T.800 annex G), so
    samples moved by the difference of the two halves give the very coefficients of a 12-bit codec, and the precision in
    the SIZ marker can say 12.
    """
    buffer = io.BytesIO()
    moved = stored + np.uint16((1 << 15) - (1 << (BITS - 1)))
    Image.fromarray(moved).save(buffer, format="JPEG2000", no_jp2=True, irreversible=False)
    stream = bytearray(buffer.getvalue())
    # SIZ follows SOC: marker, length, Rsiz, eight 32-bit sizes, Csiz, then the precision less one
    stream[stream.index(b"\xff\x51") + 40] = BITS - 1
    return bytes(stream)
