"""A tiny cohort of drawn squares in a real cache: 16 px, two findings, one or two views."""

import numpy as np
import pandas as pd
import pytest

from labkit import policies, radiographs, training

SIZE = 16
VIEWS = ("AP", "LATERAL")
TINY = training.Settings(
    backbone="shufflenet_v2_x0_5",  # a tenth of the time of a ResNet-18
    weights="none",
    image_size_px=SIZE,
    epochs=4,
    batch_size=8,
    learning_rate=1e-2,
    rotation_degrees=10,
    min_positives=3,
    device="cpu",
)


def label_table(rng, *, n=96):
    """LABELS: Ossicles in half of the studies, Exostosis in a third, some uncertain; one study per
    patient."""
    split = np.array(["train"] * (n // 2) + ["validation"] * (n // 4) + ["test"] * (n // 8) + ["external"] * (n // 8))
    rows = []
    for study, part in enumerate(split):
        for finding, share in (("Ossicles", 0.5), ("Exostosis", 0.33)):
            reference = str(bool(rng.random() < share)).lower()
            value = "uncertain" if rng.random() < 0.1 else reference
            site = "south" if part == "external" else "north"
            rows.append((f"S-{study:04d}", finding, f"P-{study:04d}", site, part, value, value, reference, "simulated"))
    columns = ["study_id", "finding", "patient", "site", "split", "extracted", "value", "reference", "verification"]
    return pd.DataFrame(rows, columns=columns)


def image_table(labels):
    """IMAGES columns that training reads: both views of each study."""
    studies = labels[["study_id", "site"]].drop_duplicates()
    rows = [(f"{study}-{view}-1", study, site, view, "true") for study, site in studies.to_numpy() for view in VIEWS]
    return pd.DataFrame(rows, columns=["image_id", "study_id", "site", "view", "usable"])


def drawn_cache(labels, images, folder, rng):
    """A radiographs.Cache in which Ossicles is a bright square of the AP, Exostosis one of the lateral
    view."""
    present = labels.pivot(index="study_id", columns="finding", values="reference") == "true"
    tiles = rng.normal(70, 12, (len(images), SIZE, SIZE))
    for tile, image in zip(tiles, images.itertuples(), strict=True):
        shown = "Ossicles" if image.view == "AP" else "Exostosis"
        if present.loc[image.study_id, shown]:
            tile[4:12, 4:12] += 120
    path = folder / "tiles.u8"
    path.write_bytes(tiles.clip(0, 255).astype(np.uint8).tobytes())
    index = images[["image_id", "usable"]].assign(position=range(len(images)), reason="")
    return radiographs.Cache(path, SIZE, index)


@pytest.fixture(scope="session")
def labels():
    return label_table(np.random.default_rng(5))


@pytest.fixture(scope="session")
def images(labels):
    return image_table(labels)


@pytest.fixture(scope="session")
def cache(labels, images, tmp_path_factory):
    return drawn_cache(labels, images, tmp_path_factory.mktemp("cache"), np.random.default_rng(6))


@pytest.fixture(scope="session")
def cohort(labels, images, cache):
    return training.assemble(labels, images, cache, views=VIEWS)


@pytest.fixture(scope="session")
def targets(labels):
    return policies.to_targets(labels, policy="inclusive")


@pytest.fixture(scope="session")
def settings():
    return TINY


@pytest.fixture(scope="session")
def fitted(cohort, targets, settings, tmp_path_factory):
    """One finished training that several tests look at."""
    return training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path_factory.mktemp("fitted"))
