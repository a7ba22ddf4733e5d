"""Every number of the tables is that of STUDIES, LABELS or METRICS; small counts stay hidden."""

import re

import pandas as pd
import pytest

from labkit.evaluation import MACRO
from labkit.manuscript.cohort_table import cohort_table
from labkit.manuscript.extraction_table import extraction_table
from labkit.manuscript.numbers import GAP
from labkit.manuscript.performance_table import performance_table
from labkit.manuscript.sheets import frame

NUMBER = re.compile(r"[+−-]?\d[\d,]*\.?\d*")


def numbers_of(text):
    return [float(n.replace(",", "").replace("−", "-")) for n in NUMBER.findall(text.replace(f",{GAP}", " ; "))]


def metric(table, finding, name, site, policy="", reading="primary"):
    own = table[(table.finding == finding) & (table.metric == name) & (table.site == site)]
    own = own[(own.policy == policy) & (own.reading == reading)]
    assert len(own) == 1
    return own.iloc[0]


def test_table_1_counts_studies_patients_and_images(material):
    table = frame(cohort_table(material)).set_index("Characteristic")
    cases, images = material.cases, material.images
    for site, split, column in [
        ("internal", "train", "internal, training"),
        ("internal", "test", "internal, test"),
        ("external", "external", "external, test"),
    ]:
        own = cases[(cases.site == site) & (cases.split == split)]
        assert table.loc["Studies", column] == f"{len(own):,}"
        assert table.loc["Patients", column] == f"{own.patient.nunique():,}"
        assert table.loc["Radiographs", column] == f"{images.study_id.isin(own.study_id).sum():,}"
        ages = pd.to_numeric(own.age, errors="coerce").dropna()
        median, low, high = numbers_of(table.loc["Age in years, median (IQR)", column].replace("–", " "))
        assert [median, low, high] == pytest.approx(list(ages.quantile([0.5, 0.25, 0.75])), abs=0.51)


def test_table_1_gives_the_share_of_true_and_uncertain_per_finding(material):
    table = frame(cohort_table(material))
    for value in ("true", "uncertain"):
        rows = table[table.part == f"Stated as {value}, studies"].set_index("Characteristic")
        for finding in rows.index:
            own = material.labels[(material.labels.finding == finding) & (material.labels.split == "train")]
            n = int((own.value == value).sum())
            shown = rows.loc[finding, "internal, training"]
            wanted = "<10" if 0 < n < 10 else f"{n} ({100 * n / len(own):.1f}%)" if n else "0"
            assert shown == wanted


def test_table_1_hides_small_counts_and_what_gives_them_away(material):
    table = frame(cohort_table(material))
    column = "internal, training"
    counts = material.cases[material.cases.split == "train"].sex.value_counts()
    assert 0 < counts["D"] < 10 and 0 < counts[""] < 10, "the data hold small counts"
    sexes = table[table.part == "Sex, studies"].set_index("Characteristic")[column]
    assert (sexes["Other"], sexes["Not recorded"]) == ("<10", "<10")
    for text in table.drop(columns="part").to_numpy().ravel():
        first = re.match(r"([\d,]+) \(\d", text)
        assert not first or int(first.group(1).replace(",", "")) >= 10


def test_a_single_small_sex_hides_a_second_one(make_material):
    made = make_material()
    made = make_material(studies=made.studies.assign(sex=made.studies.sex.replace("", "F")))
    train = made.cases[made.cases.split == "train"].sex.value_counts()
    assert 0 < train["D"] < 10 <= min(train["F"], train["M"])
    table = frame(cohort_table(made))
    sexes = table[table.part == "Sex, studies"].set_index("Characteristic")["internal, training"]
    assert sorted(sexes.to_list(), key=len)[:2] in (["<10", "≥10"], ["≥10", "<10"])


def test_table_2_is_the_metrics_of_the_verification(material):
    table = frame(extraction_table(material))
    checked = 0
    for row in table.to_dict("records"):
        site = "all" if row["part"] == "All test sites" else row["part"].removeprefix("Site: ")
        for column, name, scale, digits in [
            ("Accuracy, %", "label_accuracy", 100, 1),
            ("Balanced accuracy, %", "balanced_accuracy", 100, 1),
            ("F1 of true", "f1_true", 1, 2),
            ("F1 of uncertain", "f1_uncertain", 1, 2),
        ]:
            own = metric(material.label_metrics, row["Finding"], name, site, reading="report")
            wanted = [round(scale * own[key], digits) for key in ("value", "low", "high") if not pd.isna(own[key])]
            assert numbers_of(row[column].replace(",", " ;")) == pytest.approx(wanted, abs=0.6 * 10**-digits)
            checked += 1
        labels = metric(material.label_metrics, row["Finding"], "label_accuracy", site, reading="report")
        assert row["Labels"] == f"{int(labels.n):,}"
    assert checked == 4 * 3 * 6


def test_table_2_never_lets_a_small_count_be_found_by_subtraction(material):
    table = frame(extraction_table(material))
    for row in table.to_dict("records"):
        hidden = [name for name in ("True", "Uncertain", "False", "Labels") if row[name][0] in "<≥"]
        assert len(hidden) != 1
        assert (row["All-false accuracy, %"] == "hidden") == ("False" in hidden)
    for finding, own in table.groupby("Finding"):
        for name in ("True", "Uncertain", "False"):
            assert sum(text[0] in "<≥" for text in own[name]) != 1, finding


def test_table_3_is_the_metrics_of_the_evaluation(material):
    table = frame(performance_table(material))
    checked = 0
    for row in table[table.Finding.isin(material.findings)].to_dict("records"):
        site, policy = re.match(r"Site: (\w+)\. Policy: (\w+)", row["part"]).groups()
        for column, name in {
            "AUC": "auc",
            "AP": "average_precision",
            "Sensitivity": "sensitivity",
            "NPV": "npv",
        }.items():
            own = metric(material.metrics, row["Finding"], name, site, policy)
            wanted = [round(own[key], 2) for key in ("value", "low", "high") if not pd.isna(own[key])]
            assert numbers_of(row[column].replace(",", " ;")) == pytest.approx(wanted, abs=0.006)
            checked += 1
        area = metric(material.metrics, row["Finding"], "auc", site, policy)
        assert row["n"] == f"{int(area.n)}"
        assert row["Positive"] == ("<10" if area.n_positive < 10 else f"{int(area.n_positive)}")
    assert checked >= 4 * 4 * 4


def test_table_3_compares_each_policy_with_the_first(material):
    table = frame(performance_table(material))
    macro = table[table.Finding.str.startswith("Macro")].reset_index(drop=True)
    column = "Difference in AUC (inclusive minus this policy)"
    assert list(macro[column])[::2] == ["reference", "reference"]
    own = metric(material.metrics, MACRO, "auc_difference", "internal", "inclusive - exclusive")
    assert numbers_of(macro[column][1].replace(",", " ;"))[0] == pytest.approx(own.value, abs=0.0006)
    verdicts = {"different", "inconclusive", "equivalent within 0.02", "different, but by less than 0.02"}
    assert set(macro["Conclusion"][1::2]) <= verdicts


def test_one_policy_has_nothing_to_compare(make_material):
    sheet = performance_table(make_material(policies=("ignore",)))
    assert sheet.head[-1] == "NPV"
    assert {row.cells[0] for row in sheet.rows if row.kind == "heading"} == {
        "Site: internal. Policy: ignore (uncertain labels left out)",
        "Site: external. Policy: ignore (uncertain labels left out)",
    }


def test_nothing_verified_gives_a_sentence_in_place_of_numbers(make_material):
    made = make_material(verified="none")
    sheet = extraction_table(made)
    assert sheet.rows == () and "not known" in sheet.notes[0]
    assert "nobody has verified" in performance_table(made).notes[0]


def test_a_site_where_nothing_can_be_evaluated_has_no_part(make_material):
    made = make_material(n=40)
    assert performance_table(made).rows is not None
    empty = make_material(metrics=made.metrics.iloc[:0])
    assert performance_table(empty).rows == ()
