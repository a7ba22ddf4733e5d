"""Trends over shares: against statsmodels' mixed model, against block designs, and what they say of policies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from labkit import evaluation
from labkit.errors import EvaluationError

SHARES = (0.0, 0.05, 0.1, 0.2, 0.4)


def results(rng, *, slope=-0.1, between=0.02, within=0.01, seeds=6):
    rows = [
        (share, seed, 0.8 + slope * share + effect + within * rng.normal())
        for seed, effect in enumerate(between * rng.normal(size=seeds))
        for share in SHARES
    ]
    return pd.DataFrame(rows, columns=["share", "seed", "value"])


def test_an_unbalanced_study_equals_statsmodels():
    # statsmodels 0.15.0: mixedlm("value ~ share", groups=seed).fit(reml=True)
    values = [0.7973, 0.7905, 0.7906, 0.7751, 0.7649, 0.7978, 0.8091, 0.7926, 0.7742, 0.7648, 0.7395, 0.7542, 0.7193]
    values += [0.7824, 0.7774, 0.7646, 0.7515, 0.802, 0.7808, 0.7925, 0.8013, 0.7493, 0.7996, 0.7958, 0.8059, 0.7835]
    values += [0.7628]
    shares = [*SHARES, *SHARES, 0.1, 0.2, 0.4, 0.0, 0.05, 0.2, 0.4, *SHARES, *SHARES]
    seeds = np.repeat(range(6), [5, 5, 3, 4, 5, 5])
    found = evaluation.dose_response(pd.DataFrame({"share": shares, "seed": seeds, "value": values}))
    assert found.slope.value == pytest.approx(-0.09404983605689958, rel=1e-6)
    assert found.sd_seed == pytest.approx(0.015996748753234015, rel=1e-4)
    assert found.sd_residual == pytest.approx(0.008925120632904116, rel=1e-5)
    half = (found.slope.high - found.slope.low) / 2
    assert half / stats.t.ppf(0.975, 20) == pytest.approx(0.012129932163918368, rel=0.005)


def test_a_balanced_study_has_the_slope_and_interval_of_seeds_as_blocks(rng):
    table = results(rng)
    blocks = pd.get_dummies(table["seed"]).to_numpy(float)
    design = np.column_stack([table["share"], blocks])
    beta, rss, _, _ = np.linalg.lstsq(design, table["value"])
    variance = rss[0] / (30 - 7) * np.linalg.inv(design.T @ design)[0, 0]
    found = evaluation.dose_response(table)
    assert found.slope.value == pytest.approx(beta[0], rel=1e-9)
    half = (found.slope.high - found.slope.low) / 2
    assert half == pytest.approx(stats.t.ppf(0.975, 23) * np.sqrt(variance), rel=1e-4)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(beta[0]) / np.sqrt(variance), 23), rel=1e-2)


def test_points_are_means_over_seeds_with_their_t_interval(rng):
    table = results(rng)
    points = evaluation.dose_response(table).points
    own = table.loc[table["share"] == 0.2, "value"]
    low, high = stats.t.interval(0.95, 5, own.mean(), stats.sem(own))
    assert points.loc[points["share"] == 0.2, ["value", "low", "high"]].to_numpy()[0] == pytest.approx(
        [own.mean(), low, high]
    )
    assert points["n"].tolist() == [6] * 5


def test_a_bend_is_found_and_a_line_is_not_called_bent(rng):
    straight = evaluation.dose_response(results(rng)).p_curved
    table = results(rng)
    table["value"] -= 0.08 * (table["share"] == 0.1)
    assert evaluation.dose_response(table).p_curved < 1e-4 < straight


def test_an_exact_line_one_seed_and_two_shares_are_fitted_without_a_warning():
    exact = pd.DataFrame({"share": SHARES, "seed": 1, "value": 0.8 - 0.5 * np.array(SHARES)})
    found = evaluation.dose_response(exact)
    assert found.slope.value == pytest.approx(-0.5)
    assert np.isnan(found.sd_seed)
    flat = evaluation.dose_response(exact.assign(value=0.75))
    assert flat.slope.value == pytest.approx(0, abs=1e-12)
    two = pd.DataFrame({"share": [0, 0.2] * 2, "seed": [1, 1, 2, 2], "value": [0.8, 0.7, 0.82, 0.71]})
    assert np.isnan(evaluation.dose_response(two).p_curved)


def policies(rng, *, gap):
    """Two policies on the same seeds that part as the share grows."""
    first = results(rng)
    second = first.assign(value=first["value"] - gap * first["share"] + 0.002 * rng.normal(size=len(first)))
    return pd.concat([first.assign(policy="inclusive"), second.assign(policy="exclusive")], ignore_index=True)


def test_policies_that_part_differ_from_a_share_on(rng):
    found = evaluation.policy_trend(policies(rng, gap=0.25), "inclusive", "exclusive", margin=0.02)
    assert found.trend.slope.value == pytest.approx(0.25, abs=0.03)
    assert 0 < found.different_from < 0.05
    assert 0.06 < found.relevant_from < 0.12
    assert 0.04 < found.equivalent_to < found.relevant_from


def test_policies_that_stay_together_are_equivalent_to_the_end(rng):
    found = evaluation.policy_trend(policies(rng, gap=0.0), "inclusive", "exclusive", margin=0.02)
    assert np.isnan(found.relevant_from)
    assert found.equivalent_to == 0.4


def test_what_cannot_be_fitted_is_refused_with_the_reason(rng):
    table = results(rng)
    for wrong, match in (
        (table.drop(columns="seed"), "'seed' is missing"),
        (pd.concat([table, table.head(1)]), "stand twice"),
        (table.assign(value=np.nan), "is NaN"),
        (table[table["share"] == 0.1], "1 shares in 6 rows"),
        (table.head(0), "0 shares in 0 rows"),
    ):
        with pytest.raises(EvaluationError, match=match):
            evaluation.dose_response(wrong)
    both = policies(rng, gap=0)
    for wrong in (both[both["policy"] == "inclusive"], both.iloc[1:], pd.concat([both, both.head(1)])):
        with pytest.raises(EvaluationError, match="need the same shares and seeds"):
            evaluation.policy_trend(wrong, "inclusive", "exclusive")
