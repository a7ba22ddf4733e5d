"""Samples of cases to read: strata, probabilities, and that the draw is kept."""

import numpy as np
import pandas as pd
import pytest
from readings import FINDINGS, findings

from labkit import tables
from labkit.params import ReadingSample
from labkit.verification import sampling


def rng():
    return np.random.default_rng(1)


def cohort(n=60):
    """Every case's fracture is false, but for 12 true and 6 uncertain ones, and two with a swelling besides."""
    values = {f"S-{i:03d}": ("true" if i < 12 else "uncertain" if i < 18 else "false", "false") for i in range(n)}
    values |= {"S-000": ("true", "true"), "S-018": ("false", "true")}
    return findings(values)


def test_a_case_stands_in_the_stratum_of_its_rarest_label():
    groups = sampling.strata(cohort(), most=10)
    assert groups[["S-001", "S-012", "S-030"]].tolist() == ["Fracture: true", "Fracture: uncertain", sampling.NOTHING]
    assert groups[["S-000", "S-018"]].tolist() == [sampling.RARE[False]] * 2, "two cases are no stratum of their own"
    assert groups.value_counts().to_dict() == {
        sampling.NOTHING: 41,
        "Fracture: true": 11,
        "Fracture: uncertain": 6,
        sampling.RARE[False]: 2,
    }


@pytest.mark.parametrize("most", [1, 3, 4, 5])
def test_the_smallest_strata_are_joined_where_there_are_too_many(most):
    groups = sampling.strata(cohort(), most=most)
    assert groups.nunique() <= max(most, 3)
    assert (groups[["S-012", "S-017"]] == sampling.RARE[True]).all() == (most < 5), "the uncertain ones stay apart"


def test_probabilities_are_cases_drawn_over_cases_there():
    groups = sampling.strata(cohort(), most=10)
    sample = sampling.draw(groups, 24, rng=rng())
    assert len(sample) == 24 and sorted(sample.position) == list(range(1, 25))
    for stratum, own in sample.groupby("stratum"):
        assert (own.stratum_drawn == len(own)).all() and (own.stratum_size == (groups == stratum).sum()).all()
        assert (own.probability == len(own) / own.stratum_size).all() and len(own) >= 2
        assert (groups[own.study_id] == stratum).all()
    shares = sample.groupby("stratum").probability.first()
    assert shares["Fracture: uncertain"] > shares["Fracture: true"] > shares[sampling.NOTHING]


def test_every_case_is_drawn_as_often_as_its_probability_says():
    groups, generator = sampling.strata(cohort(), most=10), rng()
    drawn = pd.Series(0, index=groups.index)
    for _ in range(400):
        sample = sampling.draw(groups, 20, rng=generator)
        drawn[sample.study_id] += 1
    expected = groups.map(sample.groupby("stratum").probability.first())
    assert (drawn / 400 - expected).abs().max() < 4.5 * np.sqrt(0.25 / 400)


@pytest.mark.parametrize("cases", [2, 60, 500])
def test_no_more_cases_are_drawn_than_there_are(cases):
    groups = pd.Series("all", index=[f"S-{i}" for i in range(60)])
    assert len(sampling.draw(groups, cases, rng=rng())) == min(cases, 60)


def test_nothing_to_draw_from_gives_an_empty_sample():
    assert len(sampling.draw(pd.Series([], dtype=str), 10, rng=rng())) == 0


def kept(tmp_path, labels, **changes):
    section = ReadingSample(**({"design": "stratified", "cases": 20, "seed": 1} | changes))
    return sampling.keep_sample(labels, section=section, path=tmp_path / "sample.csv")


def test_the_draw_is_kept_when_cases_and_labels_change(tmp_path):
    first, how = kept(tmp_path, cohort())
    assert how == "drawn for the first time"
    changed = pd.concat([cohort().assign(value="false"), findings({"S-999": ("true", "true")})])
    again, how = kept(tmp_path, changed)
    assert how == "kept from the first draw"
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "sample.csv", sampling.SAMPLE), first)


def test_cases_that_are_gone_are_left_out_and_counted(tmp_path):
    first, _ = kept(tmp_path, cohort())
    gone = first.study_id.iloc[0]
    again, how = kept(tmp_path, cohort()[lambda f: f.study_id != gone])
    assert how.endswith("1 of its cases are gone") and list(again.study_id) == list(first.study_id[1:])


def test_another_design_draws_anew_and_says_so(tmp_path):
    kept(tmp_path, cohort())
    sample, how = kept(tmp_path, cohort(), design="random")
    assert "drawn anew" in how and set(sample.stratum) == {"all cases"}
    assert sample.probability.tolist() == [20 / 60] * 20


def test_the_readings_order_is_random_within_the_sample():
    assert len(FINDINGS) == 2
    sample = sampling.draw(sampling.strata(cohort(), most=10), 40, rng=rng())
    assert list(sample.study_id) != sorted(sample.study_id)
