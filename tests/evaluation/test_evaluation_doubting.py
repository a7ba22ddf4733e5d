"""More or fewer uncertain labels: the shares asked for, in every stratum, and no test label touched."""

import numpy as np
import pandas as pd
import pytest

from labkit.errors import EvaluationError, ParamsError
from labkit.evaluation import doubting

TUNED = ("train", "validation")


def shares(labels):
    tuned = labels[labels["split"].isin(TUNED)]
    return tuned.groupby("split")["value"].agg(lambda values: (values == "uncertain").mean())


def changed(labels, made):
    both = labels.merge(made, on=doubting.KEY, suffixes=("", "_now"))
    return both[both["value"] != both["value_now"]]


def test_the_share_of_each_split_is_the_one_asked_for(labels):
    made, left_out = doubting.doubted(labels, share=0.15, true_share=0.5, seed=3)
    for split in TUNED:
        n = (labels["split"] == split).sum()
        assert shares(made)[split] == pytest.approx(0.15, abs=0.51 / n)
    assert left_out.empty


def test_doubt_falls_on_true_and_false_labels_in_the_proportion_given(labels):
    made, _ = doubting.doubted(labels, share=0.15, true_share=0.55, seed=3)
    turned = changed(labels, made)
    for split in TUNED:
        own = turned[turned["split"] == split]
        assert (own["value"] == "true").sum() == round(0.55 * len(own))


def test_a_finding_that_is_stated_more_often_is_doubted_more_often_and_one_nobody_has_never(labels):
    made, _ = doubting.doubted(labels, share=0.15, true_share=0.5, seed=3)
    turned = changed(labels, made)["finding"].value_counts()
    train = labels[(labels["split"] == "train") & (labels["value"] == "true")]["finding"].value_counts()
    assert "Foreign Bodies" not in turned
    expected = train["Olecranon Fracture"] / train["Ossicles"]
    assert turned["Olecranon Fracture"] / turned["Ossicles"] == pytest.approx(expected, rel=0.35)


def test_test_labels_stay_and_the_reference_follows_only_where_nobody_verified_it(labels):
    made, _ = doubting.doubted(labels, share=0.15, true_share=0.5, seed=3)
    turned = changed(labels, made)
    assert set(turned["split"]) == set(TUNED)
    unverified = turned["verification"] == "none"
    assert (turned.loc[unverified, "reference_now"] == "uncertain").all() and unverified.any()
    kept = turned[~unverified]
    assert (kept["reference_now"] == kept["reference"]).all() and len(kept)


def test_below_the_observed_share_uncertain_labels_are_left_out(labels):
    made, left_out = doubting.doubted(labels, share=0.0, true_share=0.5, seed=3)
    assert changed(labels, made).empty
    uncertain = labels[(labels["value"] == "uncertain") & labels["split"].isin(TUNED)]
    assert set(map(tuple, left_out.to_numpy())) == set(map(tuple, uncertain[doubting.KEY].to_numpy()))


def test_a_larger_share_keeps_the_doubt_of_a_smaller_one_and_seeds_differ(labels):
    def turned(share, seed):
        made, _ = doubting.doubted(labels, share=share, true_share=0.5, seed=seed)
        return set(map(tuple, changed(labels, made)[doubting.KEY].to_numpy()))

    assert turned(0.08, 3) < turned(0.16, 3)
    assert turned(0.08, 3) == turned(0.08, 3) != turned(0.08, 4)


def test_more_doubt_than_there_are_true_labels_is_refused(labels):
    with pytest.raises(EvaluationError, match=r"train labels 0\.9 uncertain needs .* give a smaller share"):
        doubting.doubted(labels, share=0.9, true_share=0.9, seed=3)
    silent = labels.assign(value="false", reference="false")
    with pytest.raises(EvaluationError, match="no true label"):
        doubting.doubted(silent, share=0.1, true_share=0.5, seed=3)


def test_the_observed_proportion_is_that_of_resolved_labels():
    labels = pd.DataFrame(
        {
            "value": ["uncertain"] * 5 + ["true"],
            "reference": ["true", "true", "false", "uncertain", "true", "false"],
        }
    )
    assert doubting.observed_true_share(labels) == 0.75
    with pytest.raises(ParamsError, match="true_share"):
        doubting.observed_true_share(labels[labels["reference"] == "uncertain"])


def test_every_label_counts_once_however_the_rest_is_rounded():
    rng = np.random.default_rng(1)
    for _ in range(50):
        sizes = {f"f{n}": int(k) for n, k in enumerate(rng.integers(0, 30, 6))} | {"x": 1}
        n = int(rng.integers(0, sum(sizes.values()) + 1))
        quota = doubting._spread(n, sizes)
        assert sum(quota.values()) == n
        assert all(quota[name] <= size for name, size in sizes.items())
