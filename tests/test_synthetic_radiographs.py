"""Synthetic radiographs: valid DICOM DX of twelve bits, and a drawn sign for every finding."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from labkit import synthetic, templates
from labkit.synthetic import dicom, drawing
from labkit.templates import Template

SIZE = 48
# Type 1 (a value) and type 2 (may be empty) attributes of the DX image IOD for presentation, PS3.3 A.26
TYPE_1 = """
SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality PresentationIntentType ImageType Rows Columns
SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored HighBit PixelRepresentation PixelData
ImageLaterality PixelIntensityRelationship PixelIntensityRelationshipSign RescaleIntercept RescaleSlope RescaleType
PresentationLUTShape LossyImageCompression BurnedInAnnotation ImagerPixelSpacing WindowCenter WindowWidth
PatientOrientation
"""
TYPE_2 = """
PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber
SeriesNumber Manufacturer InstanceNumber DetectorType AnatomicRegionSequence AcquisitionContextSequence
"""
WRIST = Template(
    anatomy="wrist",
    views=("PA", "LATERAL", "OBLIQUE"),
    findings=[
        {"id": "fracture", "name": "Fracture (All Locations)", "definition": "Any break."},
        {"id": "radius", "name": "Distal Radius - Fracture", "definition": "A break.", "parents": ["fracture"]},
        {"id": "degeneration", "name": "Joint Degeneration", "definition": "Wear."},
        {"id": "foreign", "name": "Foreign Bodies", "definition": "Foreign material."},
        {"id": "oddity", "name": "Madelung Deformity", "definition": "A deformity."},
    ],
)


def settings(**more):
    return synthetic.Settings(**{"seed": 6, "n_internal": 5, "n_external": 30, "image_size_px": SIZE} | more)


def read(content):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = pydicom.dcmread(io.BytesIO(content))
        return dataset, dataset.pixel_array


def test_signs_move_neither_pose_nor_noise():
    cohort = synthetic.Cohort(templates.load("elbow"), settings(), "internal")
    look = drawing.Look(size_px=96, side="R", site=cohort.site, landscape=False, plate=False)

    def draw(strength):
        rngs = [np.random.default_rng(k) for k in (1, 2, 3)]
        return drawing.radiograph(cohort.profile, "AP", strength, look=look, rngs=rngs).astype(int)

    without, one, two = draw({}), draw({"ossicles": 1.0}), draw({"ossicles": 1.0, "lytic_lesion": 1.0})
    assert 0 < (one != without).mean() < 0.05
    changed = (two != one).nonzero()
    assert changed[0].max() < 48  # the lesion lies in the upper half, the ossicle below
    assert (two[60:] == one[60:]).all()


@pytest.mark.parametrize("anatomy", ["clavicle", "elbow", "thumb"])
def test_every_leaf_finding_is_drawn_in_some_view_and_a_stronger_sign_changes_more(anatomy):
    template = templates.load(anatomy)
    cohort = synthetic.Cohort(template, settings(), "internal")
    site = cohort.site.model_copy(update={"noise_share": 0.0})
    look = drawing.Look(size_px=128, side="R", site=site, landscape=anatomy == "clavicle", plate=False)
    parents = {parent for finding in template.findings for parent in finding.parents}

    def change(strength):
        total = 0.0
        for view in template.views:
            pictures = [
                drawing.radiograph(
                    cohort.profile, view, given, look=look, rngs=[np.random.default_rng(k) for k in (1, 2, 3)]
                ).astype(float)
                for given in ({}, strength)
            ]
            total += np.abs(pictures[1] - pictures[0]).sum()
        return total

    modifiers = {template.ids[k] for k in cohort.roles.modifiers}
    for finding_id in set(template.ids) - parents - modifiers:
        assert change({finding_id: 0.9}) > change({finding_id: 0.15}) > 0, finding_id
    for modifier, leads in cohort.roles.modifiers.items():
        lead = template.ids[leads[0]]
        coloured = {lead: 0.8, template.ids[modifier]: 0.9}
        if template.ids[modifier] not in parents:
            assert change(coloured) != change({lead: 0.8}), template.ids[modifier]


@pytest.mark.parametrize("name", ["internal", "external"])
def test_files_are_valid_dx_of_twelve_bits(name):
    template = templates.load("elbow")
    cohort = synthetic.Cohort(template, settings(n_internal=30), name)
    shapes, photometric, syntaxes = set(), set(), set()
    for study in cohort.studies():
        for view, (_, content) in zip(template.views, cohort.files(study), strict=True):
            dataset, pixels = read(content)
            assert [key for key in TYPE_1.split() if key not in dataset or dataset[key].value in (None, "")] == []
            assert [key for key in TYPE_2.split() if key not in dataset] == []
            assert dataset.Modality == "DX" and dataset.BodyPartExamined == "ELBOW"
            assert dataset.ViewPosition == {"AP": "AP", "LATERAL": "LL"}[view]
            assert dataset.ImageLaterality == study.stay.side
            assert dataset.AccessionNumber == study.stay.accession_number
            assert pixels.dtype == np.uint16 and pixels.max() <= 4095
            inverse = dataset.PhotometricInterpretation == "MONOCHROME1"
            assert dataset.PresentationLUTShape == ("INVERSE" if inverse else "IDENTITY")
            shapes.add(pixels.shape)
            photometric.add(dataset.PhotometricInterpretation)
            syntaxes.add(dataset.file_meta.TransferSyntaxUID)
    assert len(shapes) == 1 and max(next(iter(shapes))) == SIZE
    assert photometric == {"MONOCHROME1", "MONOCHROME2"}
    assert len(syntaxes) >= 3


@pytest.mark.parametrize("syntax", sorted(dicom.SYNTAXES))
@pytest.mark.parametrize("inverted", [True, False])
def test_every_transfer_syntax_gives_the_pixels_back(syntax, inverted):
    cohort = synthetic.Cohort(templates.load("elbow"), settings(n_internal=1), "internal")
    study = next(cohort.studies())
    header = dicom.Header(
        site_name="internal",
        site=cohort.site,
        profile=cohort.profile,
        stay=study.stay,
        view="AP",
        number=0,
        key="k",
        syntax=syntax,
        inverted=inverted,
    )
    pixels = np.random.default_rng(0).integers(0, 4096, (37, 52), dtype=np.uint16)
    pixels[0, :2] = 0, 4095
    dataset, stored = read(dicom.encode(pixels, header, rng=np.random.default_rng(0)))
    assert (stored == (4095 - pixels if inverted else pixels)).all()
    assert dataset.file_meta.TransferSyntaxUID == dicom.SYNTAXES[syntax]


def test_the_side_marker_is_burnt_in_and_tells_the_side():
    cohort = synthetic.Cohort(templates.load("elbow"), settings(), "internal")
    look = drawing.Look(size_px=128, side="R", site=cohort.site, landscape=False, plate=False)

    def corners(side):
        rngs = [np.random.default_rng(k) for k in (1, 2, 3)]
        picture = drawing.radiograph(cohort.profile, "AP", {}, look=replace(look, side=side), rngs=rngs)
        return (picture[:18, :24] == 3600).sum(), (picture[:18, -24:] == 3600).sum()

    right, left = corners("R"), corners("L")
    assert right[1] == 0 and left[0] == 0
    assert right[0] > left[1] > 5  # strokes of an R and of an L, some pixels each at this size


def test_an_anatomy_that_is_not_shipped_works_from_its_names(tmp_path):
    made = synthetic.generate(WRIST, settings(n_internal=40, n_external=6, image_size_px=64), tmp_path)
    assert made.sites["internal"].n_images == 120
    cohort = synthetic.Cohort(WRIST, settings(n_internal=40, n_external=6, image_size_px=64), "external")
    assert cohort.site.english_share == 1.0
    text = " ".join(study.report.text.lower() for study in cohort.studies())
    assert "distal radius fracture" in text or "foreign bodies" in text or "madelung deformity" in text
    views = {read(path.read_bytes())[0].ViewPosition for path in tmp_path.rglob("*.dcm")}
    assert views == {"PA", "LL", "OBLIQUE"}
    truth = np.concatenate([study.latent.truth for study in cohort.studies()])
    assert truth.any(axis=0).sum() >= 2
