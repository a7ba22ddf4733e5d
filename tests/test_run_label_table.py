"""The table of label accuracy on the index page: a line per anatomy, and one of all, as the study gives it."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from labkit import tables, verification
from labkit.evaluation import Plan, wilson
from labkit.run import label_table
from labkit.verification import notice
from labkit.verification.accuracy import by_anatomy

SIZES = {"clavicle": (533, 26), "elbow": (1045, 29), "thumb": (693, 25)}  # reports and labels of the study


def labels_of(n, k, rng):
    """LABELS of reports of which one in ten is hard to read; 1.4 % of the labels wrong, 1 % uncertain."""
    words = np.array(["true", "uncertain", "false"])
    value = words[rng.choice(3, (n, k), p=[0.06, 0.01, 0.93])]
    share = np.where(rng.random(n) < 0.1, 0.07, 0.0078)[:, None]
    extracted = np.where(rng.random((n, k)) < share, words[rng.choice(3, (n, k))], value)
    studies = np.repeat([f"S-{i:04d}" for i in range(n)], k)
    made = pd.DataFrame({"study_id": studies, "patient": studies, "site": "internal", "split": "test"})
    made["finding"] = np.tile([f"finding {i}" for i in range(k)], n)
    made = made.assign(extracted=extracted.ravel(), value=value.ravel(), verification="human")
    return tables.check(made.assign(reference=made["value"]), tables.LABELS)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """LABELS and METRICS files of three anatomies."""
    rng = np.random.default_rng(4)
    labels = {name: labels_of(n, k, rng) for name, (n, k) in SIZES.items()}
    paths = {}
    for name, own in labels.items():
        found = verification.accuracy(own, rng=np.random.default_rng(1), plan=Plan(2000))
        paths[name] = tables.write(found, tmp_path_factory.mktemp(name) / "label_metrics.csv", tables.METRICS)
    return labels, paths


def test_every_anatomy_has_a_line_and_all_of_them_one(study):
    labels, paths = study
    made = label_table.lines({name: (path, "people") for name, path in paths.items()})
    assert [line.anatomy for line in made] == [*SIZES, "All anatomies"]
    assert [line.reports for line in made] == ["533", "1,045", "693", "2,271"]
    assert [line.labels for line in made] == ["13,858", "30,305", "17,325", "61,488"]
    every = pd.concat(labels.values())
    right = int((every["extracted"] == every["value"]).sum())
    assert made[-1].right == f"{right:,}" and made[-1].accuracy.startswith(f"{100 * right / 61488:.2f} % (")
    assert made[-1].all_false == f"{100 * (every['value'] == 'false').mean():.1f} %"
    naive = wilson(right, 61488)
    assert made[-1].wilson == f"{100 * naive.low:.2f}–{100 * naive.high:.2f}"
    assert made[0].f1_uncertain.count("–") == 1 and made[0].method == "95%, bootstrap of reports"


def test_balanced_accuracy_and_f1_of_all_anatomies_come_from_their_counts(study):
    labels, paths = study
    every, line = (
        pd.concat(labels.values()),
        label_table.lines({name: (path, "people") for name, path in paths.items()})[-1],
    )
    f1 = reference.f1_score(every["value"], every["extracted"], labels=["true", "uncertain"], average=None)
    assert (line.f1_true, line.f1_uncertain) == tuple(f"{value:.2f}" for value in f1)
    assert line.balanced == f"{100 * reference.balanced_accuracy_score(every['value'], every['extracted']):.1f} %"


def test_the_interval_of_all_anatomies_is_that_of_drawing_their_reports(study):
    labels, paths = study
    text = label_table.lines({name: (path, "people") for name, path in paths.items()})[-1].accuracy
    low, high = (float(part) for part in text.partition("(")[2].strip(")").split("–"))
    drawn = by_anatomy(labels, rng=np.random.default_rng(2), plan=Plan(2000)).iloc[-1]
    assert (low, high) == pytest.approx((100 * drawn["low"], 100 * drawn["high"]), abs=0.015)


def test_an_anatomy_that_nobody_verified_is_said_to_be_and_does_not_count(study, tmp_path):
    _, paths = study
    empty = tables.write(pd.DataFrame(columns=list(tables.METRICS.all_columns)), tmp_path / "m.csv", tables.METRICS)
    made = label_table.lines({"elbow": (paths["elbow"], "people"), "thumb": (empty, "nobody")})
    assert [(line.anatomy, line.verified_by, line.labels) for line in made] == [
        ("elbow", "people", "30,305"),
        ("thumb", "nobody", ""),
    ]
    assert label_table.lines({"wrist": (tmp_path / "missing.csv", "people")})[0].verified_by == "nobody"


@pytest.mark.parametrize(
    ("kinds", "who", "words"),
    [
        (["human", "human"], "people", "People have checked every test label"),
        (["human", "none"], "people, in part", "People have checked 50.0% of the test labels"),
        (["none", "none"], "nobody", "Nobody has checked the extracted labels"),
        (["simulated", "simulated"], "a simulated reader", "No person has verified these labels: a simulated reader"),
        (["simulated", "none"], "a simulated reader", "has read 50.0% of the test labels"),
        (["simulated", "human"], "people and a simulated reader", "People have checked 50.0% of the test labels; for"),
    ],
)
def test_a_page_says_who_verified_and_the_table_repeats_it(kinds, who, words):
    labels = pd.DataFrame({"split": ["test", "external"], "verification": kinds})
    text = notice(labels).data
    assert words in text and label_table.verified_by([text]) == who


def test_readings_of_training_cases_alone_leave_the_test_labels_unverified():
    labels = pd.DataFrame({"split": ["test", "train", "train"], "verification": ["none", "human", "human"]})
    assert "people have checked 2 labels of other splits" in notice(labels).data
    assert label_table.verified_by([notice(labels).data]) == "nobody"
    few = pd.DataFrame({"split": ["test"] * 5000, "verification": ["human"] + ["none"] * 4999})
    assert "checked 0.1% of" in notice(few).data
