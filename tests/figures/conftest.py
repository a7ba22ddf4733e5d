"""Tables of a small study with two policies at two sites, as 04_evaluation writes them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, figures

FINDINGS = (
    "Fracture (All Locations)",
    "Ossicles",
    "Distal Humerus - Comminuted or Fragmented Fracture",
    "Lytic Lesion",
)
SETTINGS = evaluation.Settings(n_resamples=100, min_positives=4)


@pytest.fixture(autouse=True)
def plain_backend(monkeypatch):
    plt.switch_backend("agg")
    figures.style()
    monkeypatch.setattr("labkit.figures.saving.display", lambda *_, **__: None)
    yield
    left = plt.get_fignums()
    plt.close("all")
    assert left == [], "a figure stays open"


@pytest.fixture
def closed():
    """Closes a figure after its test; gives it back."""
    kept = []
    yield lambda drawn: kept.append(drawn) or drawn
    for drawn in kept:
        plt.close(drawn)


def study(policies, sites=("home", "away"), findings=FINDINGS, n=60):
    """LABELS and PREDICTIONS; the last finding is too rare to be evaluated."""
    rng = np.random.default_rng(7)
    rows, scores = [], []
    for site, splits in zip(sites, (("train", "validation", "test"), ("external",), ("external",))):
        for split in splits:
            for k in range(n):
                study_id = f"S-{site}-{split}-{k:03d}"
                for f, finding in enumerate(findings):
                    rare = finding == "Lytic Lesion"
                    share = max(0.3 / (1 + f), 0.12)
                    value = rng.choice(["true", "uncertain", "false"], p=[share, 0.05, 0.95 - share])
                    value = ("true" if k < 2 else "false") if rare else value
                    rows.append((study_id, finding, f"P-{site}-{k // 2}", site, split, value, value, value, "human"))
                    for shift, policy in enumerate(policies):
                        score = 1 / (1 + np.exp(-rng.normal(1.2 * (value == "true") - 0.6, 1 + 0.1 * shift)))
                        if split != "train":
                            scores.append((study_id, finding, policy, 1, split, site, score))
    columns = ["study_id", "finding", "patient", "site", "split", "extracted", "value", "reference", "verification"]
    labels = pd.DataFrame(rows, columns=columns)
    columns = ["study_id", "finding", "policy", "seed", "split", "site", "score"]
    return labels, pd.DataFrame(scores, columns=columns)


def evaluated(policies, **how):
    labels, predictions = study(policies, **how)
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    if len(policies) > 1:
        compared = evaluation.compare(predictions, labels, settings=SETTINGS)
        metrics = pd.concat([metrics, compared], ignore_index=True)
    return labels, metrics, curves


@pytest.fixture(scope="session")
def two():
    """LABELS, METRICS and CURVES of two policies at two sites."""
    return evaluated(("inclusive", "exclusive"))


@pytest.fixture(scope="session")
def one():
    """The same of one policy at one site."""
    return evaluated(("ignore",), sites=("home",))


@pytest.fixture(scope="session")
def seven():
    """Seven policies at one site, 29 findings with long names."""
    findings = tuple(f"Distal Humerus - Comminuted or Fragmented Fracture of Part {n}" for n in range(29))
    names = ("inclusive", "exclusive", "ignore", "soft", "graded", "multiclass", "self_trained")
    labels, predictions = study(names, sites=("home",), findings=findings, n=60)
    settings = SETTINGS.model_copy(update={"min_positives": 2})
    metrics, curves = evaluation.evaluate(predictions, labels, settings=settings)
    areas = metrics[(metrics.metric == "auc") & (metrics.reading == "primary")]
    first = areas[areas.policy == "inclusive"]
    pairs = [first.assign(metric="auc_difference", policy=f"inclusive - {name}", value=0.1, low=0.0, high=0.2)
             for name in names[1:]]  # fmt: skip
    return labels, pd.concat([metrics, *pairs], ignore_index=True), curves


@pytest.fixture(scope="session")
def none():
    """A study in which no finding has enough positives."""
    return evaluated(("inclusive",), findings=("Lytic Lesion",), sites=("home",))
