"""Everything that tables, text and checklists of a manuscript are made from, read once; used by 05_figures.

STUDIES, IMAGES, EXCLUDED, ANSWERS, LABELS and METRICS go in, with the records that extraction and training left.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from labkit import tables
from labkit.errors import TableError
from labkit.evaluation.metrics import in_order
from labkit.evaluation.settings import Settings
from labkit.layout import Layout
from labkit.params import CohortSection, VerificationSection
from labkit.templates import Template

__all__ = ["TEST", "Material", "collect"]

TEST = ("test", "external")
SPLITS = ("train", "validation", *TEST)


@dataclass(frozen=True)
class Material:
    """What was done and found for one anatomy.

    policies : those that were evaluated here, in the order of `policies.Policy`; others are compared with the first.
    cards : card of the first network of each policy, seeds of each policy; empty where nothing was trained here.
    record : the record of the extractors by source; empty where extraction left none.
    synthetic : whether all reports are those of the synthetic cohort.
    """

    study: str
    template: Template
    policies: tuple[str, ...]
    cohort: CohortSection
    verification: VerificationSection
    evaluation: Settings
    studies: pd.DataFrame
    images: pd.DataFrame
    excluded: pd.DataFrame
    answers: pd.DataFrame
    labels: pd.DataFrame
    label_metrics: pd.DataFrame
    metrics: pd.DataFrame
    record: dict[str, Any] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    seeds: dict[str, tuple[int, ...]] = field(default_factory=dict)
    synthetic: bool = False

    @property
    def anatomy(self) -> str:
        return self.template.anatomy

    @property
    def findings(self) -> list[str]:
        """Names in the template's order, those that have labels."""
        known = set(self.labels["finding"])
        return [finding.name for finding in self.template.findings if finding.name in known]

    @property
    def cases(self) -> pd.DataFrame:
        """One row per labelled study: STUDIES with its split."""
        placed = self.labels.drop_duplicates("study_id")[["study_id", "split"]]
        return placed.merge(self.studies, on="study_id", validate="one_to_one")

    @property
    def groups(self) -> list[tuple[str, str]]:
        """Pairs (site, split) with studies, the training site first, splits in the order of their use."""
        found = set(self.cases[["site", "split"]].itertuples(index=False, name=None))
        sites = sorted(self.cohort.sites, key=lambda name: self.cohort.sites[name].test_only)
        return [(site, split) for site in sites for split in SPLITS if (site, split) in found]

    @property
    def test_sites(self) -> list[str]:
        """Sites with test studies, in the order of `groups`."""
        return list(dict.fromkeys(site for site, split in self.groups if split in TEST))

    @property
    def verified_by(self) -> str:
        """`human`, `simulated` or `none`: who verified test labels; the simulated reader goes before people."""
        found = set(self.labels.loc[self.labels["split"].isin(TEST), "verification"])
        return next((kind for kind in ("simulated", "human") if kind in found), "none")


def collect(p) -> Material:
    """The material of the parameters of 05_figures.

    Raises
    ------
    TableError : an earlier step has not written its table, or labels are of studies that STUDIES does not hold.
    """
    layout, read = p.layout, tables.read
    labels, studies = read(layout.labels, tables.LABELS), read(layout.studies, tables.STUDIES)
    unknown = set(labels["study_id"]) - set(studies["study_id"])
    if unknown:
        raise TableError(
            f"labels.csv: {len(unknown)} studies are not in studies.csv, first {min(unknown)}; run 01 and 02 again."
        )
    cards = {policy: _cards(layout, policy) for policy in p.compared}
    return Material(
        study=p.study,
        template=p.template,
        policies=tuple(in_order(p.compared)),
        cohort=p.cohort,
        verification=p.verification,
        evaluation=p.evaluation,
        studies=studies,
        images=read(layout.images, tables.IMAGES),
        excluded=read(layout.excluded, tables.EXCLUDED),
        answers=read(layout.answers, tables.ANSWERS),
        labels=labels,
        label_metrics=read(layout.label_metrics, tables.METRICS),
        metrics=read(p.out.metrics, tables.METRICS),
        record=_json(layout.extraction_record),
        cards={policy: found[0] for policy, found in cards.items() if found},
        seeds={policy: tuple(card["network"]["seed"] for card in found) for policy, found in cards.items() if found},
        synthetic=all(p.resolve(site.reports).is_relative_to(layout.cohort) for site in p.cohort.sites.values()),
    )


def _cards(layout: Layout, policy: str) -> list[dict[str, Any]]:
    """Cards of the networks whose scores were evaluated, by seed; networks of earlier params may lie beside them."""
    predictions = tables.read(layout.policy(policy).predictions, tables.PREDICTIONS)
    paths = [layout.policy(policy).model / f"seed_{seed}" / "card.json" for seed in sorted(set(predictions["seed"]))]
    return [card for card in map(_json, paths) if card]


def _json(path: Path) -> dict[str, Any]:
    """The content of a record, empty where there is none.

    Raises
    ------
    TableError : the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{path.name}: this file is damaged; run the step that writes it again.") from error
