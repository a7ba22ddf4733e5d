from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

FIXTURES = Path(__file__).parents[1] / "fixtures" / "dicom"
DX = "1.2.840.10008.5.1.4.1.1.1.1"


@pytest.fixture
def graz() -> Path:
    return FIXTURES / "graz_wrist"


@pytest.fixture
def pydicom_data() -> Path:
    return FIXTURES / "pydicom_data"


@pytest.fixture
def wrist(graz) -> bytes:
    return (graz / "01_explicit_le.dcm").read_bytes()


@pytest.fixture
def dx():
    """A factory: dx(path, pixels, Tag=value, ...) writes a DX file and returns the data set."""

    def write(
        path: Path, pixels: np.ndarray | None = None, *, syntax=ExplicitVRLittleEndian, bits=12, **tags
    ) -> Dataset:
        pixels = np.arange(48, dtype=np.uint16).reshape(6, 8) * 80 if pixels is None else pixels
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DX
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
        dataset.Modality, dataset.AccessionNumber, dataset.PatientID = "DX", "A1", "P1"
        dataset.StudyInstanceUID = "1.2.3"
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.BitsAllocated = 8 * pixels.itemsize
        dataset.BitsStored = min(bits, dataset.BitsAllocated)
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
        dataset["PixelData"].VR = "OW"
        for name, value in tags.items():
            setattr(dataset, name, value)
        for name in [name for name, value in tags.items() if value is None]:
            delattr(dataset, name)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return dataset

    return write


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)
