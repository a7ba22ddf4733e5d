"""A small evaluated study: LABELS of all splits and PREDICTIONS of two policies."""

import numpy as np
import pandas as pd
import pytest

FINDINGS = {"Ossicles": 0.15, "Olecranon Fracture": 0.35, "Foreign Bodies": 0.0}


def label_table(rng, *, n=240):
    """LABELS with 5 % uncertain references; nobody has Foreign Bodies."""
    rows = []
    splits = rng.choice(["train", "validation", "test", "external"], n, p=[0.4, 0.2, 0.2, 0.2])
    for study, split in enumerate(splits):
        site = "south" if split == "external" else "north"
        for finding, share in FINDINGS.items():
            value = "uncertain" if share and rng.random() < 0.05 else str(bool(rng.random() < share)).lower()
            verified = "none" if split == "train" else "simulated"
            # two studies per patient
            rows.append(
                (f"S-{study:04d}", finding, f"P-{split}-{study // 2:04d}", site, split, value, value, value, verified)
            )
    columns = ["study_id", "finding", "patient", "site", "split", "extracted", "value", "reference", "verification"]
    return pd.DataFrame(rows, columns=columns)


def prediction_table(labels, rng, *, policies=("inclusive", "exclusive"), seeds=(1,)):
    """PREDICTIONS that are better than chance."""
    tables = []
    scored = labels[labels["split"] != "train"]
    for policy in policies:
        for seed in seeds:
            signal = (scored["reference"] == "true").to_numpy() + rng.normal(size=len(scored))
            table = scored[["study_id", "finding", "split", "site"]].copy()
            table["policy"], table["seed"], table["score"] = policy, seed, 1 / (1 + np.exp(-signal))
            tables.append(table)
    columns = ["study_id", "finding", "policy", "seed", "split", "site", "score"]
    return pd.concat(tables, ignore_index=True)[columns]


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def labels():
    return label_table(np.random.default_rng(11))


@pytest.fixture
def predictions(labels):
    return prediction_table(labels, np.random.default_rng(12))
