"""Readings, the labels that count, and how right the extraction was."""

import numpy as np
import pandas as pd
import pytest
from readings import FINDINGS, findings, review, studies

from labkit import params, tables, verification
from labkit.errors import TableError
from labkit.layout import ROOT, Layout
from labkit.params import SimulatedReader, SplitSection
from labkit.verification import reviews


def split(*study_ids, name="test"):
    return pd.DataFrame({"patient": [f"P-{s}" for s in study_ids], "split": name})


def merged(*given, values=("false", "uncertain")):
    reading = pd.concat(given) if given else reviews.read_reviews("nowhere")
    labels = verification.merge(findings({"S-1": values}), reading, studies("S-1"), split("S-1"))
    return labels.set_index("finding")


def test_without_readings_labels_are_as_extracted_and_unverified():
    labels = merged()
    assert list(labels["value"]) == list(labels["reference"]) == ["false", "uncertain"]
    assert set(labels["verification"]) == {"none"}


def test_a_readers_last_word_counts():
    labels = merged(review("S-1", "Fracture", "true"), review("S-1", "Fracture", "uncertain", sequence=2))
    assert labels.loc["Fracture", ["extracted", "value", "verification"]].tolist() == ["false", "uncertain", "human"]


def test_a_label_on_which_readers_differ_counts_as_not_verified():
    given = [review("S-1", "Fracture", "true"), review("S-1", "Fracture", "false", reader="ben")]
    assert merged(*given).loc["Fracture", ["value", "verification"]].tolist() == ["false", "none"]
    assert list(verification.open_questions(pd.concat(given))["finding"]) == ["Fracture"]


def test_a_reading_of_another_text_is_not_applied():
    assert merged(review("S-1", "Fracture", "true", text="old")).loc["Fracture", "verification"] == "none"


def test_a_person_goes_before_the_simulated_reader():
    given = [review("S-1", "Fracture", "true", reader=reviews.SIMULATED), review("S-1", "Fracture", "uncertain")]
    assert merged(*given).loc["Fracture", ["value", "verification"]].tolist() == ["uncertain", "human"]


def test_follow_up_says_what_is_there_and_leaves_what_the_report_says():
    labels = merged(review("S-1", "Swelling", "true", sequence=2, resolution="follow_up"))
    assert labels.loc["Swelling", ["value", "reference"]].tolist() == ["uncertain", "true"]
    certain = merged(review("S-1", "Fracture", "true", resolution="follow_up"))
    assert certain.loc["Fracture", "reference"] == "false", "a follow-up resolves uncertain labels only"


def cohort_of(n):
    return [f"S-{i:03d}" for i in range(n)]


def test_the_split_is_kept_and_new_patients_are_drawn_among_themselves(tmp_path):
    ids = cohort_of(60)
    labels = findings({s: ("true" if n % 3 else "false", "false") for n, s in enumerate(ids)})
    section = SplitSection(train=0.6, validation=0.2, test=0.2, seed=1)

    def draw(labels, section=section):
        path = tmp_path / "splits.csv"
        return verification.draw_splits(labels, studies(*ids), section=section, test_only=(), path=path)

    first, how = draw(labels[labels.study_id < "S-050"])
    assert "first time" in how
    grown, how = draw(labels)
    assert "10 new patients" in how
    assert grown.set_index("patient").loc[first.patient, "split"].tolist() == first["split"].tolist()
    again, how = draw(labels)
    assert how == "kept from the first draw" and again.equals(grown)
    _, how = draw(labels, SplitSection(train=0.5, validation=0.3, test=0.2, seed=1))
    assert "anew" in how


def test_readings_of_another_text_do_not_count_anywhere(tmp_path):
    out = {name: tmp_path / name for name in ("build_dir", "reports_dir", "reviews_dir")}
    layout = Layout(**out, study="demo", anatomy="elbow")
    for reading in (review("S-1", "Fracture", "true", text="old"), review("S-1", "Fracture", "false", reader="ben")):
        verification.append(reading.to_dict("records"), layout.reviews / f"{reading.reader[0]}.csv")
    section = params.load(ROOT / "params" / "elbow.yaml", check_inputs=False).verification
    given = {"findings": findings({"S-1": ("true", "false")}), "studies": studies("S-1"), "split_table": split("S-1")}
    gathered = verification.gather(section, layout, **given)
    assert gathered["reader"].tolist() == ["ben"] and verification.open_questions(gathered).empty


@pytest.fixture
def truth(tmp_path):
    ids = cohort_of(400)
    rows = ["accession_number,site,finding,truth,report_value"]
    rows += [f"A{s},internal,{f},true,uncertain" for s in ids for f in FINDINGS]
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    keys = studies(*ids)[["study_id", "patient", "site"]].assign(
        report_id="r", accession_number=[f"A{s}" for s in ids], patient_id="", study_uid=""
    )
    return ids, keys, tmp_path / "truth.csv"


def test_the_simulated_reader_errs_and_follows_up_as_often_as_told(truth):
    ids, keys, path = truth
    labels = findings(dict.fromkeys(ids, ("false", "false")))
    settings = SimulatedReader(seed=1, error_share=0.1, follow_up_share=0.5)
    made = verification.simulate(labels, keys, studies(*ids), truth_path=path, settings=settings)
    report = made[made.resolution == "report"]
    wrong = (report.value != "uncertain").mean()
    assert abs(wrong - 0.1) < 4 * (0.1 * 0.9 / 800) ** 0.5
    follow_up = made[made.resolution == "follow_up"]
    assert abs(len(follow_up) / (report.value == "uncertain").sum() - 0.5) < 4 * (0.25 / 720) ** 0.5
    assert set(follow_up.value) == {"true"} and set(made.reader) == {"SIMULATED"}
    shuffled = verification.simulate(
        labels.sample(frac=1, random_state=1), keys, studies(*ids), truth_path=path, settings=settings
    )
    order = ["study_id", "finding", "resolution"]
    assert shuffled.sort_values(order, ignore_index=True).equals(made.sort_values(order, ignore_index=True))


def test_the_simulated_reader_refuses_a_real_cohort(truth):
    ids, keys, path = truth
    with pytest.raises(TableError, match="set it to null for real data"):
        verification.simulate(
            findings({"S-000": ("false", "false")}),
            keys.assign(accession_number="other"),
            studies(*ids),
            truth_path=path,
            settings=SimulatedReader(seed=1, error_share=0.0, follow_up_share=0.0),
        )


def table_of(*pairs):
    """LABELS from (study, finding, extracted, value), all verified by a person."""
    rows = [(s, f, f"P-{s}", "internal", "test", e, v, v, "human") for s, f, e, v in pairs]
    return pd.DataFrame(rows, columns=list(tables.LABELS.all_columns))


def accuracy(labels):
    return verification.accuracy(labels, rng=np.random.default_rng(1))


def test_nothing_verified_gives_an_empty_table_and_says_so():
    labels = table_of(("1", "Fracture", "true", "true")).assign(verification="none")
    assert len(accuracy(labels)) == 0
    assert verification.headline(accuracy(labels)) == {"Label accuracy": "not verified"}
    assert "nothing is verified yet" in verification.summary(accuracy(labels)).to_string()


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["none", "none"], "Unverified labels"),
        (["simulated", "human"], "SIMULATED reader"),
        (["human", "none"], "50.0% of the test labels"),
        (["human", "human"], "every test label"),
    ],
)
def test_every_page_says_where_its_labels_come_from(kinds, words):
    labels = table_of(("1", "Fracture", "true", "true"), ("2", "Fracture", "true", "true")).assign(verification=kinds)
    assert words in verification.notice(labels).data
