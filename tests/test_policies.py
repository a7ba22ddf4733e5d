"""Label values to targets, one table per policy."""

import numpy as np
import pandas as pd
import pytest

from labkit import policies, tables
from labkit.errors import ParamsError, TableError


@pytest.fixture
def labels():
    rows = [
        ("S-0001", "Ossicles", "P-1", "train", "true"),
        ("S-0001", "Exostosis", "P-1", "train", "uncertain"),
        ("S-0002", "Ossicles", "P-2", "validation", "uncertain"),
        ("S-0002", "Exostosis", "P-2", "validation", "false"),
        ("S-0003", "Ossicles", "P-3", "test", "uncertain"),
        ("S-0004", "Ossicles", "P-4", "external", "true"),
    ]
    table = pd.DataFrame(rows, columns=["study_id", "finding", "patient", "split", "value"])
    return table.assign(site="north", extracted=table["value"], reference="true", verification="none")


@pytest.mark.parametrize(
    ("policy", "target", "weight"),
    [("inclusive", 1.0, 1.0), ("exclusive", 0.0, 1.0), ("ignore", 0.5, 0.0), ("soft", 0.7, 1.0)],
)
def test_each_policy_gives_the_uncertain_its_target_and_leaves_the_rest(labels, policy, target, weight):
    found = policies.to_targets(labels, policy=policy, soft=(0.7, 0.7))
    tables.check(found, tables.TARGETS)
    by_value = found.groupby("value")[["target", "weight"]].agg(list)
    assert by_value.loc["true"].tolist() == [[1.0], [1.0]]
    assert by_value.loc["false"].tolist() == [[0.0], [1.0]]
    assert by_value.loc["uncertain"].tolist() == [[target] * 2, [weight] * 2]
    assert set(found["policy"]) == {policy}


def test_a_test_label_never_passes_a_policy(labels):
    found = policies.to_targets(labels, policy="inclusive")
    assert set(found["split"]) == {"train", "validation"}
    assert not set(found["study_id"]) & {"S-0003", "S-0004"}


def test_what_the_report_says_counts_not_the_reference(labels):
    assert policies.to_targets(labels, policy="exclusive")["target"].sum() == 1


def test_soft_targets_are_drawn_from_the_range_whatever_the_order_of_rows(labels):
    first = policies.to_targets(labels, policy="soft", rng=np.random.default_rng(1))
    second = policies.to_targets(labels[::-1], policy="soft", rng=np.random.default_rng(1))
    drawn = first.loc[first["value"] == "uncertain", "target"]
    assert drawn.between(*policies.SOFT).all()
    assert drawn.nunique() == 2
    assert first.equals(second)


def test_the_labels_are_not_changed(labels):
    before = labels.copy()
    policies.to_targets(labels, policy="ignore")
    assert labels.equals(before)


@pytest.mark.parametrize("policy", ["graded", "multiclass", "self_trained"])
def test_policies_that_need_more_than_values_are_refused(labels, policy):
    with pytest.raises(
        ParamsError, match=f"policy '{policy}' needs more than label values; allowed here are inclusive"
    ):
        policies.to_targets(labels, policy=policy)


def test_an_unknown_policy_names_the_known_ones(labels):
    with pytest.raises(
        ParamsError, match="'inclusiv' is not known; allowed here are inclusive, exclusive, ignore, soft"
    ):
        policies.to_targets(labels, policy="inclusiv")


def test_soft_needs_a_range_and_a_generator(labels):
    with pytest.raises(ParamsError, match="0 <= low <= high <= 1"):
        policies.to_targets(labels, policy="soft", soft=(0.9, 0.2))
    with pytest.raises(ParamsError, match="needs a random generator"):
        policies.to_targets(labels, policy="soft")


def test_a_value_that_is_none_of_three_names_the_study(labels):
    labels.loc[1, "value"] = "WAHR"
    with pytest.raises(TableError, match="study S-0001: 1 values are none of"):
        policies.to_targets(labels, policy="inclusive")
