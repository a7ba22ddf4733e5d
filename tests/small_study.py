"""A small study of one view on real files, as steps 01 and 02 leave it, for the tests of commands that train."""

import numpy as np
import pandas as pd
import yaml

from labkit import cohort, params, splits, synthetic, tables, templates
from labkit.layout import ROOT

__all__ = ["write"]

TRAINING = {
    "backbone": "shufflenet_v2_x0_5",
    "weights": "none",
    "image_size_px": 32,
    "epochs": 1,
    "batch_size": 16,
    "min_positives": 1,
    "device": "cpu",
}


def write(folder, *, policies, training=None, evaluation=None):
    """`small.yaml` and its tables: labels of a synthetic cohort of clavicles, at random, a tenth uncertain."""
    content = yaml.safe_load((ROOT / "params" / "demo" / "clavicle.yaml").read_text(encoding="utf-8"))
    content["synthetic"] |= {"n_internal": 40, "n_external": 12, "image_size_px": 48}
    content["training"] |= TRAINING | (training or {})
    content["evaluation"] |= evaluation or {}
    content |= {"study": "small", "policies": policies}
    for site in content["cohort"]["sites"].values():
        site |= {name: site[name].replace("build/demo", "build/small") for name in ("reports", "images")}
    (folder / "small.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    made = params.load(folder / "small.yaml")
    layout = made.layout
    synthetic.generate(templates.load("clavicle"), made.synthetic, layout.cohort)
    read = cohort.intake(made.cohort, views=made.template.views, resolve=made.resolve, keys_path=layout.keys)
    tables.write(read.images, layout.images, tables.IMAGES)
    rng, labels = np.random.default_rng(1), []
    for row in read.studies[read.studies["usable"] == "true"].itertuples():
        for finding in made.template.findings[:3]:
            value = rng.choice(["true", "false", "uncertain"], p=[0.4, 0.5, 0.1])
            labels.append((row.study_id, finding.name, row.patient, row.site, value))
    labels = pd.DataFrame(labels, columns=["study_id", "finding", "patient", "site", "value"])
    split = splits.assign(labels, seed=1, external_sites=["external"])
    labels = splits.attach(labels, split).assign(
        extracted=labels["value"], reference=labels["value"].replace("uncertain", "false"), verification="none"
    )
    tables.write(labels, layout.labels, tables.LABELS)
    tables.write(pd.DataFrame(columns=list(tables.FINDINGS.all_columns)), layout.findings, tables.FINDINGS)
