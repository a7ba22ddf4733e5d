"""Synthetic radiographs can be learnt from their anatomy, not perfectly, and from nothing else."""

import io
import warnings

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

SIZE = 48
N_STUDIES = 420


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
        errors.append(np.sqrt((1 / y.sum() + 1 / (~y).sum()) / 12))  # of an AUC without signal
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


def header_features(order, dataset):
    """Everything in a header that could be turned into a number, and the place in the file order."""
    digits = [int(dataset.PatientID), int(dataset.StudyID), int(dataset.AccessionNumber[1:])]
    digits += [int(dataset.SOPInstanceUID[-6:]), int(dataset.StudyInstanceUID[-6:])]
    side = [
        dataset.ImageLaterality == "L",
        dataset.PatientSex == "F",
        dataset.PhotometricInterpretation == "MONOCHROME1",
    ]
    syntax = [dataset.file_meta.TransferSyntaxUID == uid for uid in dicom.SYNTAXES.values()]
    numbers = [order, int(dataset.PatientAge[:3]), int(dataset.StudyDate), int(dataset.StudyTime[:4]), dataset.KVP]
    return [*digits, *side, *syntax, *numbers, dataset.Exposure, dataset.Rows, dataset.WindowCenter]


def test_headers_ids_sizes_and_order_tell_nothing(monkeypatch):
    """Fitted on one half and tried on the other, one study per patient so that rows are independent.

    The null comes from permuting whole rows of labels, which keeps the findings' correlations.
    """
    blank = np.zeros((16, 16), dtype=np.uint16)
    monkeypatch.setattr(drawing, "radiograph", lambda *args, **more: blank.copy())  # headers without their pixels
    given = settings(n_internal=1500, repeat_patient_share=0.0)
    cohort = synthetic.Cohort(templates.load("clavicle"), given, "internal")
    features, truth = [], []
    for order, study in enumerate(cohort.studies()):
        ((_, content),) = cohort.files(study)
        features.append(header_features(order, pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)))
        truth.append(study.latent.truth[0])
    features, truth = np.array(features, dtype=float), np.stack(truth)
    rng = np.random.default_rng(0)
    fit, rest = np.split(rng.permutation(len(truth)), 2)
    frequent = np.flatnonzero((truth.mean(axis=0) > 0.1) & (truth.mean(axis=0) < 0.9))
    assert len(frequent) >= 6
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    scores = np.stack(
        [model.fit(features[fit], truth[fit, k]).decision_function(features[rest]) for k in frequent], axis=1
    )

    def macro(labels):
        return np.mean([roc_auc_score(labels[:, j], scores[:, j]) for j in range(len(frequent))])

    labels = truth[rest][:, frequent]
    null = [macro(labels[rng.permutation(len(labels))]) for _ in range(60)]
    assert np.std(null) < 0.02  # so that a weak leak would be seen
    assert abs(macro(labels) - 0.5) < 3 * np.std(null)


def test_sizes_and_windows_are_those_of_the_site(pictures):
    _, _, headers = pictures
    for key in ("Rows", "Columns", "WindowWidth", "SeriesNumber", "InstanceNumber", "StudyDescription"):
        assert len({str(dataset.get(key)) for dataset in headers}) == 1
    windows = {(str(dataset.PhotometricInterpretation), dataset.WindowCenter) for dataset in headers}
    assert len(windows) == 2  # one for each photometric interpretation
