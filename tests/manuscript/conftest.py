"""Material of a small study: two sites, five findings, two policies; numbers as evaluation and verification give."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, params, templates, verification
from labkit.evaluation.reporting import differences
from labkit.layout import ROOT
from labkit.manuscript.material import Material

SHARES = {
    "Fracture (All Locations)": 0.5,
    "Olecranon Fracture": 0.25,
    "Radial Head Fracture": 0.2,
    "Fat Pad Sign": 0.4,
    "Exostosis": 0.03,
}
POLICIES = ("inclusive", "exclusive")
RECIPE = {
    "backbone": "resnet50", "weights": "imagenet", "shared_trunks": False, "pooling": "concatenate",
    "grey": "three_channels", "image_size_px": 512, "recipe": "study", "epochs": 25, "batch_size": 4, "accumulate": 1,
    "learning_rate": 1e-4, "step_epochs": 7, "step_factor": 0.1, "weight_decay": 0.01, "flip_share": 0.5,
    "rotation_degrees": 30.0, "min_positives": 5,
}  # fmt: skip
CARD = {
    "network": {"policy": "inclusive", "seed": 1, "views": ["AP", "LATERAL"], "findings": list(SHARES)},
    "data": {"left_out": 0, "prepared": {"crop": False}},
    "recipe": RECIPE,
    "computed_with": {"device": "cpu", "precision": "fp32", "deterministic": True},
    "result": {"validation_macro_auc": 0.8},
}
RULES = {
    "version": "0.1.0", "template": "elbow", "template_sha256": "a" * 64, "languages": ["de"],
    "languages_sha256": "b" * 64, "raised": 1,
    "switches": {"unlikely_is_uncertain": True, "consistent_with_is_uncertain": False, "effusion_is_fat_pad_sign": True,
                 "consolidated_is_false": True},
}  # fmt: skip


def label_table(rng, *, n, verified="human"):
    """LABELS with some uncertain values, of which some have a follow-up, and some errors of the extraction."""
    rows = []
    for study, split in enumerate(rng.choice(["train", "validation", "test", "external"], n, p=[0.4, 0.1, 0.25, 0.25])):
        site = "external" if split == "external" else "internal"
        for finding, share in SHARES.items():
            value = "uncertain" if rng.random() < 0.06 else str(bool(rng.random() < share)).lower()
            extracted = "false" if rng.random() < 0.03 else value
            reference = value if value != "uncertain" or rng.random() < 0.3 else "true"
            by = verified if split in ("test", "external") else "none"
            patient = f"P-{split}-{study // 2:04d}"
            rows.append((f"S-{study:04d}", finding, patient, site, split, extracted, value, reference, by))
    columns = ["study_id", "finding", "patient", "site", "split", "extracted", "value", "reference", "verification"]
    return pd.DataFrame(rows, columns=columns)


def study_table(labels, rng):
    studies = labels.drop_duplicates("study_id")[["study_id", "patient", "site"]].reset_index(drop=True)
    n = len(studies)
    sexes = rng.choice(["F", "M", "D", ""], n, p=[0.5, 0.46, 0.02, 0.02])
    more = {"text_sha256": "0" * 64, "usable": "true", "reason": "", "study_date": "03.02.2019", "sex": sexes}
    ages = np.where(rng.random(n) < 0.05, "", rng.integers(18, 90, n).astype(str))
    hardware = np.where(rng.random(n) < 0.1, "true", "false")
    return studies.assign(**more, age=ages, hardware=hardware)


def image_table(studies):
    rows = [
        (f"{row.study_id}-{view}", row.study_id, row.site, view, "true")
        for row in studies.itertuples()
        for view in ("AP", "LATERAL")
    ]
    return pd.DataFrame(rows, columns=["image_id", "study_id", "site", "view", "usable"])


def prediction_table(labels, rng, policies):
    parts = []
    scored = labels[labels["split"] != "train"]
    for policy in policies:
        signal = (scored["reference"] == "true").to_numpy() + rng.normal(size=len(scored))
        part = scored[["study_id", "finding", "split", "site"]].assign(policy=policy, seed=1)
        parts.append(part.assign(score=1 / (1 + np.exp(-signal))))
    return pd.concat(parts, ignore_index=True)


@cache
def base(*, n, policies, verified, seed):
    """Material as it comes; made once for all tests that change parts of it."""
    rng = np.random.default_rng(seed)
    study = params.load(ROOT / "params" / "demo" / "elbow.yaml")
    settings = study.evaluation.model_copy(update={"n_resamples": 100})
    labels = label_table(rng, n=n, verified=verified)
    studies = study_table(labels, rng)
    predictions = prediction_table(labels, rng, policies)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings, rng=rng)
    compared = differences(predictions, labels, settings=settings, rng=rng)
    return Material(
        study="trial",
        template=templates.load("elbow"),
        policies=policies,
        cohort=study.cohort,
        verification=study.verification,
        evaluation=settings,
        studies=studies,
        images=image_table(studies),
        excluded=pd.DataFrame(columns=["site", "kind", "item", "reason", "detail"]),
        answers=pd.DataFrame({"study_id": studies["study_id"], "source": "rules", "status": "ok"}),
        labels=labels,
        label_metrics=verification.accuracy(labels, rng=rng, plan=evaluation.Plan(200)),
        metrics=pd.concat([metrics, compared], ignore_index=True),
        record={"rules": RULES},
        cards=dict.fromkeys(policies, CARD),
        seeds=dict.fromkeys(policies, (1,)),
    )


def make(*, n=300, policies=POLICIES, verified="human", seed=3, **changed):
    """The material, with other fields where a test says so."""
    return replace(base(n=n, policies=tuple(policies), verified=verified, seed=seed), **changed)


@pytest.fixture(scope="session")
def material():
    return make()


@pytest.fixture(scope="session")
def make_material():
    return make
