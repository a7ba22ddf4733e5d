"""What 02 shows and shares: tables for people, and nothing in them that is not measured."""

import numpy as np
import pandas as pd
import pytest
from readings import findings, review, studies
from test_verification_accuracy import labels_of
from test_verification_extractors import both

from labkit import tables, verification
from labkit.evaluation import wilson
from labkit.params import ReadingSample
from labkit.verification import reviews
from labkit.verification.accuracy import by_anatomy

NOTHING = pd.DataFrame(columns=list(tables.RAISED.all_columns))


@pytest.fixture
def labels():
    value = [["uncertain", "false", "true"], ["uncertain", "uncertain", "false"], ["false", "false", "false"]]
    extracted = [["uncertain", "false", "uncertain"], ["true", "false", "false"], ["false", "uncertain", "false"]]
    return labels_of(extracted, value)


def measured(labels):
    return verification.accuracy(labels, rng=np.random.default_rng(1))


def test_uncertain_labels_are_told_by_what_the_extraction_made_of_them(labels):
    table = verification.uncertainty(labels, measured(labels)).set_index("finding")
    counts = ["uncertain", "read as uncertain", "read as true", "read as false", "alarm, is true", "alarm, is false"]
    assert table.loc["All findings", counts].tolist() == [3, 1, 1, 1, 1, 1]
    assert table.loc["Fracture", counts].tolist() == [2, 1, 1, 0, 0, 0]
    assert table.loc["Ossicles", counts].tolist() == [0, 0, 0, 0, 1, 0]
    assert table.loc["All findings", "recall"].startswith("0.333 (") and table.loc["Ossicles", "recall"] == "–"


def test_every_finding_has_a_line_with_always_false_beside_its_accuracy(labels):
    table = verification.finding_table(measured(labels))
    assert list(table.index) == list(dict.fromkeys(labels.finding))
    assert table.loc["Fracture", ["labels", "true", "uncertain"]].tolist() == [3, 0, 2]
    assert table.loc["Fracture", "label accuracy"].startswith("0.667 (") and table.loc[
        "Fracture", "f1 true"
    ].startswith("0.000 (")
    assert table.loc["Fracture", "all false accuracy"] == "0.333"
    assert table.columns[-1] == "f1 uncertain"
    assert verification.finding_table(measured(labels.assign(verification="none"))).empty


def test_the_studys_own_table_is_in_per_cent_with_both_intervals(labels):
    counted = by_anatomy({"elbow": labels}, rng=np.random.default_rng(1))
    row = verification.study_table(counted).loc[0]
    assert row[["anatomy", "reports", "labels", "right"]].tolist() == ["elbow", 3, 9, 5]
    assert row["label accuracy, %"].startswith("55.56 (") and row["label accuracy, %"].endswith(")")
    expected = wilson(5, 9)
    assert row["Wilson, %"] == f"{100 * expected.low:.2f}–{100 * expected.high:.2f}" and row["always false, %"] == 55.56
    assert verification.study_table(by_anatomy({}, rng=np.random.default_rng(1))).empty


def test_a_negative_coefficient_has_a_minus_and_zero_has_none():
    row = {"finding": "All findings", "site": "all", "n": 9, "n_positive": 8, "low": -0.2, "high": 0.3, "method": ""}
    metrics = pd.DataFrame([row | {"metric": "a", "value": -0.0432}, row | {"metric": "b", "value": -0.0001}])
    assert verification.readers_table(metrics).loc["All findings"].tolist() == [
        9,
        "−0.043 (−0.200–0.300)",
        "0.000 (−0.200–0.300)",
    ]


def test_confusions_add_up_over_sites_and_findings(labels):
    table = verification.confusions(labels.assign(site=np.repeat(["here", "there", "there"], 3)))
    assert len(table) == 4 * 3 * 9
    sums = table.groupby(["finding", "site"])["labels"].sum()
    assert sums["All findings"].to_dict() == {"all": 9, "here": 3, "there": 6}
    cells = table.set_index(["finding", "site", "verified", "extracted"])["labels"]
    assert cells["Fracture", "all", "uncertain", "true"] == cells["Fracture", "there", "uncertain", "true"] == 1
    assert cells["All findings", "here", "true", "uncertain"] == 1
    assert verification.confusions(labels.assign(verification="none")).empty


def test_without_verified_labels_every_table_is_there_and_says_so(labels):
    nobody = labels.assign(verification="none")
    assert verification.uncertainty(nobody, measured(nobody)).empty
    assert "nothing is verified" in verification.summary(measured(nobody)).to_string()
    agreement = verification.between_readers(reviews.read_reviews("nowhere"))
    assert "read by two people" in verification.readers_table(agreement).to_string()
    alone = both(labels, labels["extracted"], labels["value"])[lambda f: f.source == "rules"]
    compared = verification.compare_extractors(alone, labels)
    assert "one extractor" in verification.extractor_table(compared).to_string()


def test_the_summary_shows_the_honest_interval_beside_the_naive_one_and_the_baseline(labels):
    shown = verification.summary(measured(labels))
    assert list(shown.index[:3]) == ["label accuracy", "label accuracy wilson", "all false accuracy"]
    assert shown.loc["label accuracy", "all"].startswith("0.556") and "balanced accuracy" in shown.index


def test_two_extractors_are_shown_where_they_differ(labels):
    table = verification.compare_extractors(both(labels, labels["extracted"], labels["value"]), labels)
    shown = verification.extractor_table(table)
    assert shown.loc[0, ["right: rules", "right: model", "only rules", "only model"]].tolist() == [5, 9, 0, 4]
    assert shown.loc[0, "p (McNemar, exact)"] == "–" and shown.loc[0, "rules minus model"].startswith("-0.4444 (")
    assert set(shown.finding) == {"All findings", "Fracture", "Swelling", "Ossicles"}


def test_readers_are_shown_with_all_findings_on_top_and_those_on_which_they_differ():
    given = [review(f"S-{n}", f, v, reader=r) for n, v in enumerate(["true", *4 * ["false"]], start=1)
             for f in ("Fracture", "Swelling") for r in ("anna", "ben")]  # fmt: skip
    given.append(review("S-3", "Fracture", "true", reader="ben", sequence=2))
    table = verification.readers_table(verification.between_readers(pd.concat(given)))
    assert list(table.index) == ["All findings", "Fracture"] and table["labels"].tolist() == [10, 5]
    assert table.loc["Fracture", "fleiss kappa"] == "too few" and table.loc["All findings", "fleiss kappa"][0].isdigit()
    assert table.loc["Fracture", "readers agree"].startswith("0.800")
    alike = verification.readers_table(verification.between_readers(pd.concat(given[:-1])))
    assert alike.loc["All findings", "gwet ac1"] == "1.000", "without any spread there is no interval"


def test_only_test_cases_are_read():
    ids = ("S-1", "S-2", "S-3", "S-4")
    split = pd.DataFrame({"patient": [f"P-{i}" for i in ids], "split": ["train", "test", "validation", "external"]})
    chosen = verification.cases_to_read(findings(dict.fromkeys(ids, ("true", "false"))), studies(*ids), split)
    assert set(chosen.study_id) == {"S-2", "S-4"}


def test_a_sample_is_told_by_stratum_and_is_empty_where_all_are_read(tmp_path):
    cases = findings({f"S-{n}": ("true" if n < 8 else "false", "false") for n in range(30)})
    section = ReadingSample(design="stratified", cases=12, seed=1)
    sample, _ = verification.keep_sample(cases, section=section, path=tmp_path / "sample.csv")
    shown = verification.sample_table(sample)
    assert shown["cases"].sum() == 30 and shown["drawn"].sum() == 12
    everything, how = verification.keep_sample(cases, section=None, path=tmp_path / "sample.csv")
    assert everything.empty and how == "every case is to be read" and verification.sample_table(everything).empty
    again, _ = verification.keep_sample(cases, section=section, path=tmp_path / "sample.csv")
    pd.testing.assert_frame_equal(again, sample)
    assert verification.from_sample(everything, labels_of([["true"]], [["true"]])).empty


def test_tables_stand_below_each_other_and_an_empty_one_says_so():
    shown = verification.stacked({"Größe <b>": pd.DataFrame({"a": ["<x>"]}), "Nothing": pd.DataFrame({"a": []})}).data
    assert "Größe &lt;b&gt;" in shown and "&lt;x&gt;" in shown and shown.endswith("<h4>Nothing</h4><p>None.</p>")


def test_what_is_shared_holds_no_quote_and_no_comment(tmp_path, labels):
    found = both(labels, labels["extracted"], labels["value"])
    own = found[found.source == "rules"].assign(evidence="Beispielwort")
    said = review("S-0000", "Ossicles", "true").assign(comment="Beispielwort")
    mistakes = verification.review_table(labels, own, said, NOTHING)
    assert (mistakes.quote == "Beispielwort").all() and "Beispielwort" in mistakes.comment.tolist()
    files = verification.export(
        measured(labels),
        tmp_path,
        confusions=verification.confusions(labels),
        mistakes=verification.shareable(mistakes, show_text=False),
        compared=verification.compare_extractors(found, labels),
    )
    names = ["accuracy.csv", "confusions.csv", "errors.csv", "errors.xlsx"]
    assert [path.name for path in files] == [*(f"label_{name}" for name in names), "extractors_compared.csv"]
    assert {path.parent.name for path in files} == {"tables"}
    assert all("Beispielwort" not in path.read_text() for path in files if path.suffix == ".csv")
    assert len(tables.read(files[2], verification.MISTAKES)) == 4
