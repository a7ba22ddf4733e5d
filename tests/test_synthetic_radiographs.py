"""Synthetic radiographs: valid DICOM DX, signs that can be learnt, and no label anywhere but in the anatomy."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labkit import synthetic, templates
from labkit.synthetic import dicom, drawing
from labkit.templates import Template

SIZE = 48
N_STUDIES = 420
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
    return synthetic.Settings(**{"seed": 6, "n_internal": N_STUDIES, "n_external": 30, "image_size_px": SIZE} | more)


def read(content):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = pydicom.dcmread(io.BytesIO(content))
        return dataset, dataset.pixel_array


@pytest.fixture(scope="module")
def pictures():
    """Pictures bright on dark (n, SIZE * SIZE), latent truth (n, n_findings) and headers of one clavicle site."""
    template = templates.load("clavicle")
    cohort = synthetic.Cohort(template, settings(), "internal")
    rows, truth, headers = [], [], []
    for study in cohort.studies():
        ((_, content),) = cohort.files(study)
        dataset, pixels = read(content)
        pixels = 4095 - pixels.astype(np.int32) if dataset.PhotometricInterpretation == "MONOCHROME1" else pixels
        pixels = pixels if study.stay.side == "R" else pixels[:, ::-1]
        rows.append(pixels.ravel().astype(np.float32))
        truth.append(study.latent.truth[0])
        headers.append(dataset)
    return np.stack(rows), np.stack(truth), headers


def macro_auc(features, truth, *, cells=20):
    """Mean cross-validated AUC over frequent findings, and a conservative standard error of it."""
    model = make_pipeline(StandardScaler(), PCA(min(cells, features.shape[1])), LogisticRegression(C=0.1, max_iter=500))
    areas, errors = [], []
    for k in np.flatnonzero((truth.mean(axis=0) > 0.15) & (truth.mean(axis=0) < 0.85)):
        y = truth[:, k]
        scores = cross_val_predict(model, features, y, cv=4, method="predict_proba")[:, 1]
        areas.append(roc_auc_score(y, scores))
        errors.append(0.29 / np.sqrt(min(y.sum(), (~y).sum())))  # upper bound of DeLong's at 0.5
    assert len(areas) >= 4
    return np.mean(areas), np.mean(errors)


def test_pictures_tell_the_frequent_findings_but_not_all_of_them(pictures):
    features, truth, _ = pictures
    area, error = macro_auc(features, truth)
    assert area - 1.96 * error > 0.55
    assert area < 0.97


def test_shuffled_labels_bring_the_macro_auc_back_to_one_half(pictures):
    features, truth, _ = pictures
    shuffled = truth[np.random.default_rng(3).permutation(len(truth))]
    area, error = macro_auc(features, shuffled)
    assert abs(area - 0.5) < 1.96 * error


def test_headers_ids_sizes_and_order_tell_nothing(pictures):
    _, truth, headers = pictures
    features = []
    for order, dataset in enumerate(headers):
        digits = [int(str(dataset.get(key))[-8:]) for key in ("PatientID", "StudyID")]
        digits += [
            int(dataset.AccessionNumber[-4:]),
            int(dataset.SOPInstanceUID[-6:]),
            int(dataset.StudyInstanceUID[-6:]),
        ]
        side = [
            dataset.ImageLaterality == "L",
            dataset.PatientSex == "F",
            dataset.PhotometricInterpretation == "MONOCHROME1",
        ]
        syntax = [dataset.file_meta.TransferSyntaxUID == uid for uid in dicom.SYNTAXES.values()]
        numbers = [order, int(dataset.PatientAge[:3]), int(dataset.StudyDate), int(dataset.StudyTime[:4]), dataset.KVP]
        features.append([*digits, *side, *syntax, *numbers, dataset.Exposure, dataset.Rows, dataset.WindowCenter])
    area, error = macro_auc(np.array(features, dtype=float), truth)
    assert abs(area - 0.5) < 1.96 * error
    for key in ("Rows", "Columns", "WindowWidth", "SeriesNumber", "InstanceNumber", "SeriesDescription"):
        assert len({str(dataset.get(key)) for dataset in headers}) <= 2  # of the site or the side alone


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
    assert right[0] > 10 and right[1] == 0
    assert left[1] > 10 and left[0] == 0


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
