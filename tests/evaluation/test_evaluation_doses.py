"""The table that answers whether the policy matters, and from which share on."""

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, tables
from labkit.evaluation import doses

SETTINGS = evaluation.Settings(margin=0.02)


def trainings(*, fall=0.4, seeds=(1, 2, 3, 4), shares=(0.0, 0.1, 0.2, 0.3), sites=("north",)):
    """DOSES in which exclusive loses `fall` of AUC per unit of share and inclusive nothing."""
    rng = np.random.default_rng(2)
    rows = []
    for site in sites:
        for seed in seeds:
            luck = rng.normal(0, 0.01)
            for share in shares:
                for policy, slope in (("inclusive", 0.0), ("exclusive", -fall)):
                    value = 0.8 + luck + slope * share + rng.normal(0, 0.002)
                    rows.append((policy, share, seed, site, "macro_auc", value))
    return tables.check(pd.DataFrame(rows, columns=list(tables.DOSES.all_columns)), tables.DOSES)


def row(shown, policy):
    return shown[shown["policy"] == policy].iloc[0]


def test_it_tells_from_which_share_on_policies_differ():
    shown = doses.trend_table(trainings(), settings=SETTINGS)
    assert list(shown["policy"]) == ["inclusive", "exclusive", "inclusive - exclusive"]
    pair = row(shown, "inclusive - exclusive")
    change = pair["change per 10 points (95 % CI)"]
    assert float(change.split()[0]) == pytest.approx(0.04, abs=0.002)
    assert pair["p"] == "< 0.001"
    # 0.4 per unit reaches the margin of 0.02 at a share of 0.05
    assert 3 < float(pair["equivalent up to"].split()[0]) < 5 < float(pair["beyond margin from"].split()[0]) < 7
    assert pair["shares"] == "0 %, 10 %, 20 %, 30 %" and pair["trainings"] == 32


def test_policies_alike_are_equivalent_up_to_the_largest_share():
    pair = row(doses.trend_table(trainings(fall=0.0), settings=SETTINGS), "inclusive - exclusive")
    assert pair["equivalent up to"] == "30.0 %"
    assert pair["beyond margin from"] == "not up to 30 %"


def test_trainings_that_are_missing_are_said():
    short = trainings().iloc[:-1]
    shown = doses.trend_table(short, settings=SETTINGS)
    assert "train what is missing" in row(shown, "inclusive - exclusive")["change per 10 points (95 % CI)"]
    single = trainings(seeds=(1,), shares=(0.1,))
    assert "a trend needs two shares" in row(doses.trend_table(single, settings=SETTINGS), "inclusive").iloc[2]


def test_a_file_is_read_for_the_policies_that_are_compared(tmp_path):
    path = tmp_path / "dose.csv"
    assert doses.answer(path, policies=["inclusive"], settings=SETTINGS).empty
    tables.write(trainings(sites=("north", "south")), path, tables.DOSES)
    shown = doses.answer(path, policies=["inclusive"], settings=SETTINGS)
    assert list(zip(shown["site"], shown["policy"])) == [("north", "inclusive"), ("south", "inclusive")]
