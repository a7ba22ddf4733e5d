"""Correction for label error: the truth is known by simulation, and no error means no correction."""

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation.label_error import ExtractorError


def noisy(rng, n=1500, *, sensitivity=0.85, specificity=0.97, shares=(0.1, 0.25)):
    """True labels, extracted ones that err independently of the score, and the score."""
    truth = (rng.random((n, len(shares))) < shares).astype(float)
    score = 1.2 * truth + rng.normal(size=truth.shape)
    said = np.where(truth == 1, rng.random(truth.shape) < sensitivity, rng.random(truth.shape) > specificity)
    return truth, said.astype(float), score


def verified(rng, n, *, sensitivity=0.85, specificity=0.97, share=0.15):
    positive = int(n * share)
    hits = int(rng.binomial(positive, sensitivity))
    right = int(rng.binomial(n - positive, specificity))
    return ExtractorError(hits, positive - hits, right, n - positive - right)


def test_errors_are_counted_on_verified_labels_without_the_uncertain():
    rows = [
        ("true", "true", "human"),
        ("true", "false", "human"),
        ("false", "false", "simulated"),
        ("false", "true", "human"),
        ("false", "uncertain", "human"),
        ("uncertain", "true", "human"),
        ("true", "false", "none"),
    ]
    labels = pd.DataFrame(rows, columns=["extracted", "reference", "verification"])
    assert evaluation.measured(labels) == ExtractorError(1, 1, 1, 1)
    with pytest.raises(EvaluationError, match="0 verified labels are true and 0 false"):
        evaluation.measured(labels[labels["verification"] == "none"])


def test_an_extractor_without_error_changes_nothing(rng):
    _, said, score = noisy(rng)
    perfect = ExtractorError(10**9, 0, 10**9, 0)
    rate, singles = evaluation.corrected_macro_auc(said, score, perfect, patients=np.arange(1500), rng=rng)
    plain = evaluation.macro_auc(said, score)
    assert rate.value == pytest.approx(plain.auc, abs=1e-9)
    assert (rate.low, rate.high) == pytest.approx(plain.ci, abs=0.004)
    assert [single.value for single in singles] == pytest.approx(plain.areas, abs=1e-9)


def test_correction_finds_the_area_against_the_truth_and_holds_it_in_its_interval():
    held, values, plain = 0, [], []
    truth_area = 0.8019  # Phi(1.2 / sqrt(2))
    for seed in range(60):
        rng = np.random.default_rng(seed)
        _, said, score = noisy(rng)
        error = verified(rng, 2000)
        rate, _ = evaluation.corrected_macro_auc(said, score, error, patients=np.arange(1500), rng=rng, n_draws=300)
        held += rate.low <= truth_area <= rate.high
        values.append(rate.value)
        plain.append(evaluation.macro_auc(said, score).auc)
    assert np.mean(plain) < truth_area - 0.03
    assert np.mean(values) == pytest.approx(truth_area, abs=0.006)
    assert held >= 53


def test_rates_against_the_truth_by_hand(rng):
    # 1,000 studies, 200 positive; extractor 0.9 / 0.95; network 0.8 / 0.7, independent of the extractor
    found = {}
    for said, (of_true, of_false) in {1: (0.9, 0.05), 0: (0.1, 0.95)}.items():
        for called, (hit, alarm) in {1: (0.8, 0.3), 0: (0.2, 0.7)}.items():
            found[said, called] = 200 * of_true * hit + 800 * of_false * alarm
    counts = evaluation.confusion(
        np.repeat([1, 1, 0, 0], [round(1000 * found[k]) for k in ((1, 1), (1, 0), (0, 1), (0, 0))]),
        np.repeat([1, 0, 1, 0], [round(1000 * found[k]) for k in ((1, 1), (1, 0), (0, 1), (0, 0))]),
        threshold=0.5,
    )
    error = ExtractorError(9000, 1000, 95000, 5000)
    rates = evaluation.corrected_rates(counts, error, rng=rng)
    assert rates["sensitivity"].value == pytest.approx(0.8, abs=1e-6)
    assert rates["specificity"].value == pytest.approx(0.7, abs=1e-6)
    assert rates["prevalence"].value == pytest.approx(0.2, abs=1e-6)
    assert rates["sensitivity"].low < 0.8 < rates["sensitivity"].high


def test_positives_that_error_alone_explains_are_not_corrected(rng):
    said = np.zeros((500, 1))
    said[:10] = 1  # 2 %; the extractor alone makes 5 %
    error = ExtractorError(80, 20, 950, 50)
    rate, _ = evaluation.corrected_macro_auc(said, rng.random((500, 1)), error, patients=np.arange(500), rng=rng)
    assert np.isnan(rate.value)
    assert "not identified" in rate.method
    with pytest.raises(EvaluationError, match="both are needed"):
        evaluation.corrected_rates(evaluation.confusion([0, 0], [0, 1], threshold=1), error, rng=rng)
