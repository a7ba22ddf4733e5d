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


def test_graded_follows_the_hedge_in_the_words_of_the_report(labels):
    hedges = pd.DataFrame(
        [
            ("S-0001", "Exostosis", "Am ehesten Exostose am Humerus."),
            ("S-0002", "Ossicles", "Ossikel nicht sicher auszuschließen."),
            ("S-0002", "Exostosis", "wahrscheinlich"),  # the label is false: no hedge can change that
        ],
        columns=["study_id", "finding", "hedge"],
    )
    found = policies.to_targets(labels, policy="graded", hedges=hedges).set_index(["study_id", "finding"])["target"]
    assert found["S-0001", "Exostosis"] == 0.75
    assert found["S-0002", "Ossicles"] == 0.25
    assert found["S-0002", "Exostosis"] == 0


def test_graded_reads_a_column_of_the_labels_and_knows_no_hedge_without_one(labels):
    phrases = ["", "consistent with", "", "", "", ""]
    found = policies.to_targets(labels.assign(hedge=phrases), policy="graded")
    assert found.loc[found["value"] == "uncertain", "target"].tolist() == [0.9, 0.5]
    with pytest.raises(ParamsError, match="policy 'graded' needs to know how a label was hedged"):
        policies.to_targets(labels, policy="graded")


def test_multiclass_keeps_uncertain_as_a_class_of_its_own(labels):
    found = policies.to_targets(labels, policy="multiclass")
    assert set(zip(found["value"], found["target"], found["weight"])) == {
        ("false", 0, 1),
        ("uncertain", 0.5, 1),
        ("true", 1, 1),
    }


def test_self_trained_takes_the_teachers_probability_for_uncertain_labels_alone(labels):
    teacher = pd.DataFrame(
        [("S-0001", "Exostosis", 0.31), ("S-0001", "Ossicles", 0.02)], columns=["study_id", "finding", "score"]
    )
    found = policies.to_targets(labels, policy="self_trained", teacher=teacher).set_index(["study_id", "finding"])
    assert found.loc[("S-0001", "Exostosis"), ["target", "weight"]].tolist() == [0.31, 1]
    assert found.loc[("S-0001", "Ossicles"), ["target", "weight"]].tolist() == [1, 1]
    assert found.loc[("S-0002", "Ossicles"), "weight"] == 0  # no score: not used


def test_self_trained_needs_probabilities(labels):
    with pytest.raises(ParamsError, match="needs the scores of a network trained with ignore"):
        policies.to_targets(labels, policy="self_trained")
    logits = pd.DataFrame([("S-0001", "Exostosis", -1.3)], columns=["study_id", "finding", "score"])
    with pytest.raises(TableError, match="outside 0 to 1"):
        policies.to_targets(labels, policy="self_trained", teacher=logits)


@pytest.mark.parametrize("policy", policies.Policy)
def test_what_is_certain_is_the_same_under_every_policy(labels, policy):
    given = {"hedges": labels.assign(hedge="likely"), "teacher": labels.assign(score=0.4), "soft": (0.6, 0.6)}
    found = policies.to_targets(labels, policy=policy, **given)
    tables.check(found, tables.TARGETS)
    certain = found[found["value"] != "uncertain"]
    assert (certain["target"] == (certain["value"] == "true")).all()
    assert (certain["weight"] == 1).all()


def test_no_labels_give_no_targets(labels):
    for policy in policies.Policy:
        given = {"hedges": labels.assign(hedge=""), "teacher": labels.assign(score=0.4), "soft": (0.6, 0.6)}
        assert policies.to_targets(labels.iloc[:0], policy=policy, **given).empty


def test_an_unknown_policy_names_the_known_ones(labels):
    with pytest.raises(
        ParamsError, match="'inclusiv' is not known; allowed here are inclusive, exclusive, ignore, soft, graded, "
    ):
        policies.to_targets(labels, policy="inclusiv")


def test_soft_takes_one_number_as_a_fixed_probability(labels):
    found = policies.to_targets(labels, policy="soft", soft=0.7)
    assert set(found.loc[found["value"] == "uncertain", "target"]) == {0.7}
    with pytest.raises(ParamsError, match="0 <= low <= high <= 1"):
        policies.to_targets(labels, policy="soft", soft=float("nan"))


def test_two_values_of_one_finding_name_the_study(labels):
    with pytest.raises(TableError, match="study S-0001: 1 findings stand twice; one value each is allowed"):
        policies.to_targets(pd.concat([labels, labels[:1]]), policy="inclusive")


def test_a_missing_value_is_none_of_the_three(labels):
    labels.loc[0, "value"] = None
    with pytest.raises(TableError, match="1 values are none of true, false, uncertain"):
        policies.to_targets(labels, policy="exclusive")


def test_soft_needs_a_range_and_a_generator(labels):
    with pytest.raises(ParamsError, match="0 <= low <= high <= 1"):
        policies.to_targets(labels, policy="soft", soft=(0.9, 0.2))
    with pytest.raises(ParamsError, match="needs a random generator"):
        policies.to_targets(labels, policy="soft")


def test_a_value_that_is_none_of_three_names_the_study(labels):
    labels.loc[1, "value"] = "WAHR"
    with pytest.raises(TableError, match="study S-0001: 1 values are none of"):
        policies.to_targets(labels, policy="inclusive")
