import io
import json

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from labkit import radiographs
from labkit.errors import ImageError
from labkit.radiographs.pixels import decode
from labkit.radiographs.rules import IndexRules

EXPECTED = "expected.json"
RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def stored(path):
    return decode(path.read_bytes(), path.name, rules=IndexRules(identifiers=()), any_kind=True)


def shown_by_pydicom(path):
    """The independent chain: pydicom's modality and VOI transforms, scaled to the output range that they define."""
    dataset = dcmread(path)
    return apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)


def test_stored_pixels_hash_as_expected(graz):
    expected = json.loads((graz / EXPECTED).read_text())
    readable = {name for name, entry in expected.items() if entry["should_decode"] is True}
    assert {name: stored(graz / name).sha256 for name in readable} == {
        name: expected[name]["stored_sha256"] for name in readable
    }
    assert all(list(stored(graz / name).values.shape) == expected[name]["shape"] for name in readable)


def test_images_that_should_look_the_same_do(graz):
    expected = json.loads((graz / EXPECTED).read_text())
    pairs = [(name, entry["same_view_as"]) for name, entry in expected.items() if "same_view_as" in entry]
    assert len(pairs) == 2
    for name, other in pairs:
        np.testing.assert_array_equal(radiographs.read(graz / name), radiographs.read(graz / other))


@pytest.mark.parametrize("name", ["55_j2k_codestream_cut.dcm", "58_no_pixel_data.dcm", "14_rgb.dcm"])
def test_what_cannot_be_used_raises_with_the_name_and_a_reason(graz, name):
    with pytest.raises(ImageError, match=f"^{name}: .*\\.$"):
        radiographs.read(graz / name)


def test_a_file_without_preamble_is_read(graz):
    np.testing.assert_array_equal(
        radiographs.read(graz / "59_no_preamble_no_meta.dcm"), radiographs.read(graz / "01_explicit_le.dcm")
    )


def test_lossless_jpeg_equals_pydicom(pydicom_data):
    path = pydicom_data / "JPGLosslessP14SV1_1s_1f_8b.dcm"
    np.testing.assert_array_equal(stored(path).values, dcmread(path).pixel_array)


def test_jpeg_2000_without_the_end_of_its_sequence_is_refused(pydicom_data):
    with pytest.raises(ImageError, match="no end mark"):
        stored(pydicom_data / "emri_small_jpeg_2k_lossless_too_short.dcm")


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 2000, "WindowWidth": 1000},
        {"WindowCenter": [2000, 500], "WindowWidth": [1001, 50]},
        {"WindowCenter": 1000.5, "WindowWidth": 700, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 2000, "WindowWidth": 900, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 0, "WindowWidth": 900, "RescaleSlope": 0.5, "RescaleIntercept": -1024},
    ],
)
def test_windows_equal_pydicom(tmp_path, dx, tags):
    dx(tmp_path / "a", RAMP, **tags)
    reference = shown_by_pydicom(tmp_path / "a")
    slope, intercept = tags.get("RescaleSlope", 1), tags.get("RescaleIntercept", 0)
    low, high = intercept, 4095 * slope + intercept  # pydicom maps a window to the rescaled range of the stored bits
    np.testing.assert_allclose(radiographs.read(tmp_path / "a"), (reference - low) / (high - low), atol=2e-3)


def test_the_window_is_the_one_asked_for(tmp_path, dx):
    dx(tmp_path / "a", RAMP, WindowCenter=[2000, 500], WindowWidth=[1001, 50])
    dx(tmp_path / "b", RAMP, WindowCenter=500, WindowWidth=50)
    np.testing.assert_array_equal(radiographs.read(tmp_path / "a", window=1), radiographs.read(tmp_path / "b"))
    np.testing.assert_array_equal(radiographs.read(tmp_path / "a", window=9), radiographs.read(tmp_path / "b"))


@pytest.mark.parametrize("tags", [{"WindowCenter": 100, "WindowWidth": 0}, {"WindowCenter": "", "WindowWidth": ""}])
def test_an_unusable_window_falls_back_to_percentiles(tmp_path, dx, tags):
    dx(tmp_path / "a", RAMP, **tags)
    dx(tmp_path / "b", RAMP)
    np.testing.assert_array_equal(radiographs.read(tmp_path / "a"), radiographs.read(tmp_path / "b"))


def test_percentiles_ignore_outliers_and_equal_numpy(tmp_path, dx):
    pixels = np.random.default_rng(0).integers(1000, 2000, (80, 80)).astype(np.uint16)
    pixels[:2] = 4095
    dx(tmp_path / "a", pixels)
    low, high = np.percentile(pixels, [0.5, 99.5])
    np.testing.assert_allclose(
        radiographs.read(tmp_path / "a"), np.clip((pixels - low) / (high - low), 0, 1), atol=1e-6
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_padding_is_black_and_does_not_stretch_the_contrast(tmp_path, dx, photometric):
    pixels = np.random.default_rng(0).integers(1000, 2000, (80, 80)).astype(np.uint16)
    padded = pixels.copy()
    padded[:40] = 3000
    dx(tmp_path / "a", padded, PixelPaddingValue=3000, PhotometricInterpretation=photometric)
    dx(tmp_path / "b", pixels[40:], PhotometricInterpretation=photometric)
    shown = radiographs.read(tmp_path / "a")
    assert shown[:40].max() == 0
    np.testing.assert_allclose(shown[40:], radiographs.read(tmp_path / "b"), atol=1e-6)


def test_padding_written_as_a_negative_number_is_understood(tmp_path, dx):
    pixels = np.full((8, 8), -2000, np.int16)
    pixels[4:] = np.arange(32).reshape(4, 8)
    dataset = dx(tmp_path / "a", pixels, bits=16, PixelPaddingValue=-2000)
    assert dataset["PixelPaddingValue"].VR == "SS"
    assert radiographs.read(tmp_path / "a")[4:].max() == 1


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
    ],
)
def test_bone_is_white_and_inverted_once(tmp_path, dx, photometric, shape, inverted):
    tags = {"PresentationLUTShape": shape} if shape else {}
    dx(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=4096, PhotometricInterpretation=photometric, **tags)
    shown = radiographs.read(tmp_path / "a")
    assert (shown[0, 0] > shown[-1, -1]) is np.bool_(inverted)


def lut(first, values, bits):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = np.asarray(values, "<u2").tobytes()
    item["LUTData"].VR = "OW"
    return Sequence([item])


def test_a_voi_lut_wins_over_the_window_and_uses_its_own_range(tmp_path, dx):
    values = (np.linspace(0, 1, 4096) ** 2 * 65535).astype(np.uint16)
    dx(tmp_path / "a", RAMP, VOILUTSequence=lut(0, values, 16), WindowCenter=100, WindowWidth=10)
    np.testing.assert_allclose(radiographs.read(tmp_path / "a"), values[RAMP] / 65535, atol=1e-5)


def test_a_modality_lut_comes_before_the_window(tmp_path, dx):
    table = np.arange(4096)[::-1] // 2
    dx(tmp_path / "a", RAMP, ModalityLUTSequence=lut(0, table, 16), WindowCenter=1000, WindowWidth=500)
    expected = np.clip((table[RAMP] - 999.5) / 499 + 0.5, 0, 1)
    np.testing.assert_allclose(radiographs.read(tmp_path / "a"), expected, atol=1e-6)


def test_a_real_voi_lut_file_equals_pydicom(pydicom_data):
    reference = shown_by_pydicom(pydicom_data / "vlut_04.dcm").astype(float)
    low, high = reference.min(), reference.max()
    shown = radiographs.read(pydicom_data / "vlut_04.dcm")
    assert np.corrcoef(shown.ravel(), ((reference - low) / (high - low)).ravel())[0, 1] > 0.9999


def test_bits_above_bits_stored_do_not_count(tmp_path, dx):
    dx(tmp_path / "clean", RAMP)
    dx(tmp_path / "overlay", RAMP | 0x7000)
    assert stored(tmp_path / "clean").sha256 == stored(tmp_path / "overlay").sha256
    np.testing.assert_array_equal(radiographs.read(tmp_path / "clean"), radiographs.read(tmp_path / "overlay"))


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint8])
def test_lossless_compression_changes_nothing(tmp_path, dx, syntax, dtype):
    shift, divisor = {np.uint16: (0, 1), np.int16: (2000, 1), np.uint8: (0, 16)}[dtype]
    pixels = ((RAMP.astype(int) - shift) // divisor).astype(dtype)
    dataset = dx(tmp_path / "plain", pixels)
    plugin = "pydicom" if syntax == RLELossless else "pyjpegls"
    dataset.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    dataset.save_as(tmp_path / "small")
    assert stored(tmp_path / "plain").sha256 == stored(tmp_path / "small").sha256


def test_eight_bit_big_endian_words_are_unswapped(tmp_path, dx):
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    dx(tmp_path / "little", pixels)
    dx(tmp_path / "big", pixels, syntax=ExplicitVRBigEndian, PixelData=pixels.tobytes())
    dataset = dcmread(tmp_path / "big")
    dataset.PixelData = pixels.view("<u2").astype(">u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(tmp_path / "big")
    assert stored(tmp_path / "big").sha256 == stored(tmp_path / "little").sha256


def test_a_frame_is_chosen_and_a_missing_one_named(graz):
    path = graz / "13_two_frames.dcm"
    assert stored(path).values.shape == (2, 363, 246)
    assert radiographs.read(path, frame=1).shape == (363, 246)
    with pytest.raises(ImageError, match="frame 2 does not exist"):
        radiographs.read(path, frame=2)


def test_colours_become_luminance_where_they_are_allowed(tmp_path, dx):
    grey = (RAMP // 16).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(stream, "JPEG", quality=95)
    colours = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_FULL_422"}
    dataset = dx(tmp_path / "a", grey, **colours)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "a")
    shown = radiographs.read(tmp_path / "a", rules=IndexRules(allow_rgb=True))
    assert np.abs(shown - grey / 255).max() < 0.02


def test_sixteen_bit_png_is_stretched_and_eight_bit_is_not(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "deep.png")
    Image.fromarray((RAMP // 32).astype(np.uint8)).save(tmp_path / "flat.png")
    assert radiographs.read(tmp_path / "deep.png").max() == 1
    assert radiographs.read(tmp_path / "flat.png").max() == pytest.approx(127 / 255)
