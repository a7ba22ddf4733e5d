"""A small synthetic study as 01 leaves it, for the tests of the review: reports, radiographs, labels of the rules."""

from pathlib import Path

import yaml

from labkit import cohort, params, synthetic, tables, templates
from labkit.extraction import agreement, labelling, rules

__all__ = ["make"]

ROOT = Path(__file__).parents[1]


def make(folder: Path, *, n_internal: int = 24, n_external: int = 6) -> Path:
    """Write the study below `folder`; gives its params file, whose paths start there (LABKIT_BASE_DIR)."""
    content = yaml.safe_load((ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8"))
    content["synthetic"] |= {"n_internal": n_internal, "n_external": n_external, "uncertain_share": 0.08}
    content["verification"] |= {"simulated_reader": None, "sample": {"design": "random", "cases": 4, "seed": 1}}
    content["verification"]["bootstrap"]["n_resamples"] = 200
    path = folder / "elbow.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    _as_01_leaves_it(path)
    return path


def _as_01_leaves_it(path: Path) -> None:
    study = params.load(path, check_inputs=False)
    template = templates.load("elbow")
    synthetic.generate(template, synthetic.Settings(**study.raw["synthetic"]), study.layout.cohort)
    taken = cohort.intake(study.cohort, views=template.views, resolve=study.resolve, keys_path=study.layout.keys)
    labelled = labelling.label(taken.usable, template=template, extractors=["rules"], switches=rules.Switches())
    layout, differing = study.layout, agreement.disagreements(labelled.findings)
    tables.write(taken.studies, layout.studies, tables.STUDIES)
    tables.write(taken.images, layout.images, tables.IMAGES)
    tables.write(labelled.findings, layout.findings, tables.FINDINGS)
    tables.write(labelled.raised, layout.raised, tables.RAISED)
    tables.write(differing, layout.disagreements, tables.DISAGREEMENTS)
