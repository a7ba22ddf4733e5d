"""Two extractors on the same reports: agreement beyond chance, and every label on which they differ."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from labkit import tables
from labkit.extraction import agreement

VALUES = ("false", "uncertain", "true")


def findings(source, values, finding="Ossicles", **columns):
    """FINDINGS of one finding over studies 0, 1, ...; a value of None is a study that could not be labelled."""
    rows = [(str(n), finding, source, v, "", -1, -1, "", None, "") for n, v in enumerate(values) if v]
    frame = pd.DataFrame(rows, columns=list(tables.FINDINGS.all_columns)).assign(**columns)
    return tables.check(frame, tables.FINDINGS)


def both(first, second, **columns):
    return pd.concat([findings("openai", first), findings("rules", second, **columns)], ignore_index=True)


def test_kappa_equals_sklearn():
    rng = np.random.default_rng(7)
    for _ in range(20):
        first, second = rng.choice(VALUES, 40, p=[0.7, 0.1, 0.2]), rng.choice(VALUES, 40, p=[0.6, 0.2, 0.2])
        row = agreement.per_finding(both(first, second)).iloc[0]
        assert row.kappa == pytest.approx(cohen_kappa_score(first, second, labels=VALUES), abs=1e-12)
        assert row.n == 40 and row.equal == (first == second).sum() and row.share == row.equal / 40


def test_kappa_is_undefined_where_chance_agreement_is_certain():
    assert np.isnan(agreement.per_finding(both(["false"] * 5, ["false"] * 5)).kappa.iloc[1])
    assert agreement.per_finding(both(["false"] * 5, ["true"] * 5)).kappa.iloc[1] == 0


def test_studies_that_one_of_them_could_not_label_are_left_out():
    table = agreement.per_finding(both(["true", None, "false"], ["true", "true", None]))
    assert table.n.tolist() == [1, 1]
    assert agreement.per_finding(both([None, "true"], ["true", None])).n.tolist() == [0]


def test_all_findings_stand_on_top_then_the_least_equal():
    frame = pd.concat([both(["true"], ["true"]), both(["true"], ["false"]).assign(finding="Fat Pad Sign")])
    table = agreement.per_finding(frame)
    assert table.finding.tolist() == [agreement.EVERY_FINDING, "Fat Pad Sign", "Ossicles"]
    assert table.share.tolist() == [0.5, 0.0, 1.0]


def test_counts_are_crossed_with_the_first_source_down():
    table = agreement.crossed(both(["true", "true", "false"], ["false", "true", "uncertain"]))
    assert table.loc["true"].tolist() == [1, 0, 1] and table.loc["false"].tolist() == [0, 1, 0]
    assert list(table.columns) == ["rules: false", "rules: uncertain", "rules: true"]


def test_disagreements_are_listed_once_the_farthest_apart_first():
    frame = both(["uncertain", "true", "true", "false"], ["true", "true", "false", "uncertain"], grounded="true")
    table = agreement.disagreements(frame)
    assert table.study_id.tolist() == ["2", "0", "3"]
    assert table[["first_value", "second_value"]].to_numpy().tolist()[0] == ["true", "false"]
    assert set(table["first"]) == {"openai"} and set(table.second_grounded) == {"true"}
    tables.check(table, tables.DISAGREEMENTS)


def test_equal_labels_give_no_disagreement():
    assert agreement.disagreements(both(["true", "false"], ["true", "false"])).empty


@pytest.mark.parametrize("frame", [findings("rules", ["true"]), findings("rules", [])], ids=["one source", "no label"])
def test_one_source_is_compared_with_nobody(frame):
    assert agreement.per_finding(frame).empty and agreement.crossed(frame).empty
    assert list(agreement.disagreements(frame).columns) == list(tables.DISAGREEMENTS.all_columns)
