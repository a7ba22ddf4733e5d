"""Tables that pages show: every number as METRICS and LABELS hold it, an interval with its level, a dash for none."""

import pandas as pd
import pytest

from labkit import policies, tables
from labkit.evaluation import MACRO
from labkit.evaluation import reporting as of_evaluation
from labkit.training import reporting as of_training
from labkit.verification import reporting as of_verification

NAN = float("nan")


def metrics(*rows, level=0.95):
    """METRICS from (finding, metric, site, policy, value, low, high, n, n_positive); reading primary."""
    made = [(f, m, s, p, "primary", v, lo, hi, level, n, k, "") for f, m, s, p, v, lo, hi, n, k in rows]
    return pd.DataFrame(made, columns=list(tables.METRICS.all_columns))


def macro(site, policy, value, low, high, *, spread=(0.6, 0.9), n_findings=2, n=50):
    return [
        (MACRO, "n_findings", site, policy, n_findings, NAN, NAN, n, NAN),
        (MACRO, "auc", site, policy, value, low, high, n, NAN),
        (MACRO, "auc_min", site, policy, spread[0], NAN, NAN, n, NAN),
        (MACRO, "auc_max", site, policy, spread[1], NAN, NAN, n, NAN),
    ]


def test_the_macro_table_gives_interval_range_and_counts():
    found = of_evaluation.macro_table(metrics(*macro("home", "inclusive", 0.7512, 0.651, 0.849)))
    assert found.to_dict("records") == [
        {
            "site": "home",
            "policy": "inclusive",
            "macro AUC (95 % CI)": "0.75 (0.65–0.85)",
            "range over findings": "0.60–0.90",
            "findings": 2,
            "studies": 50,
        }
    ]


def test_the_heading_names_the_level_that_the_intervals_have():
    found = of_evaluation.macro_table(metrics(*macro("home", "inclusive", 0.75, 0.7, 0.8), level=0.9))
    assert "macro AUC (90 % CI)" in found


def test_a_site_without_any_evaluated_finding_is_a_row_of_dashes():
    rows = [
        (MACRO, "n_findings", "home", "inclusive", 0, NAN, NAN, 40, NAN),
        (MACRO, "left_out", "home", "inclusive", NAN, NAN, NAN, 40, NAN),
    ]
    found = of_evaluation.macro_table(metrics(*rows, *macro("away", "inclusive", 0.7, 0.6, 0.8))).set_index("site")
    assert found.loc["home"].tolist() == ["inclusive", "–", "–", 0, 40]
    assert found.loc["away", "findings"] == 2


def test_the_finding_table_keeps_sites_and_policies_in_their_order():
    rows = [
        (f, m, "home", p, v, v - 0.1, v + 0.1, 50, 7)
        for p in ("inclusive", "exclusive")
        for f, v in (("Swelling", 0.6), ("Fracture", 0.8))
        for m in ("sensitivity", "auc", "average_precision")
    ]
    rows.append(("Fracture", "specificity", "home", "exclusive", NAN, NAN, NAN, 50, 7))
    found = of_evaluation.finding_table(metrics(*macro("home", "inclusive", 0.7, 0.6, 0.8), *rows))
    assert [key[1:] for key in found.index] == [
        ("inclusive", "Swelling"),
        ("inclusive", "Fracture"),
        ("exclusive", "Swelling"),
        ("exclusive", "Fracture"),
    ]
    assert list(found) == ["n", "positives", "auc", "average precision", "sensitivity", "specificity"]
    assert found.loc[("home", "exclusive", "Fracture")].tolist() == [
        50, 7, "0.80 (0.70–0.90)", "0.80 (0.70–0.90)", "0.80 (0.70–0.90)", "–",
    ]  # fmt: skip


def test_without_an_evaluated_finding_the_tables_are_empty():
    nothing = metrics((MACRO, "left_out", "home", "inclusive", NAN, NAN, NAN, 40, NAN))
    for table in (of_evaluation.finding_table, of_evaluation.readings_table, of_evaluation.comparison_table):
        assert len(table(nothing)) == 0


def test_findings_left_out_are_named_once_per_site_with_the_reason():
    rows = [("Ossicles", "left_out", "home", p, NAN, NAN, NAN, 50, 1) for p in ("inclusive", "exclusive")]
    found = of_evaluation.left_out_table(metrics(*rows).assign(method="1 positive test study, 5 needed"))
    assert found.to_numpy().tolist() == [["home", "Ossicles", "1 positive test study, 5 needed"]]


def test_readings_stand_side_by_side():
    rows = [(MACRO, "auc", "home", p, 0.7, 0.6, 0.8, 50, NAN) for p in ("inclusive", "exclusive")]
    every = [metrics(*rows).assign(reading=reading) for reading in ("uncertain_false", "primary", "uncertain_true")]
    found = of_evaluation.readings_table(pd.concat(every))
    assert list(found) == ["primary", "uncertain true", "uncertain false"]
    assert list(found.index) == [("home", "inclusive"), ("home", "exclusive")]


def difference(value, low, high, p, *, equivalent=0.0):
    place = ("home", "inclusive - exclusive")
    return metrics(
        (MACRO, "auc_difference", *place, value, low, high, 50, NAN),
        (MACRO, "auc_difference_p", *place, p, NAN, NAN, 50, NAN),
        (MACRO, "auc_difference_detectable", *place, 0.0214, NAN, NAN, 50, NAN),
        (MACRO, "equivalent", *place, equivalent, NAN, NAN, 50, NAN),
    )


@pytest.mark.parametrize(
    ("p", "equivalent", "shown"),
    [
        (0.0312, 0.0, ["0.031", "0.021", "not shown"]),
        (0.0000001, 1.0, ["< 0.001", "0.021", "yes"]),
        (NAN, NAN, ["–", "0.021", "–"]),
    ],
)
def test_the_comparison_says_what_no_significant_difference_does_not(p, equivalent, shown):
    found = of_evaluation.comparison_table(difference(-0.0123, -0.04, 0.0151, p, equivalent=equivalent))
    assert found["difference (95 % CI)"].tolist() == ["-0.012 (-0.040 to +0.015)"]
    assert found[["p", "detectable", "equivalent"]].iloc[0].tolist() == shown


def test_metrics_are_exported_as_they_are(tmp_path):
    table = metrics(*macro("home", "inclusive", 0.75, 0.7, 0.8))
    (path,) = of_evaluation.export(table, tmp_path)
    pd.testing.assert_frame_equal(tables.read(path, tables.METRICS), tables.check(table, tables.METRICS))


def labels(*rows):
    made = [(s, f, f"P-{s}", "home", split, v, v, r, kind) for s, f, split, v, r, kind in rows]
    return pd.DataFrame(made, columns=list(tables.LABELS.all_columns))


def test_exported_targets_are_a_table_that_a_partner_can_train_on(tmp_path):
    own = labels(
        ("S-1", "Fracture", "train", "uncertain", "uncertain", "none"),
        ("S-1", "Ossicles", "train", "true", "true", "none"),
        ("S-2", "Fracture", "validation", "false", "false", "human"),
        ("S-2", "Ossicles", "validation", "uncertain", "true", "human"),
        ("S-3", "Fracture", "test", "true", "true", "human"),
        ("S-3", "Ossicles", "test", "true", "true", "human"),
    )
    wide, long = of_training.export_targets(policies.to_targets(own, policy="ignore"), tmp_path)
    assert wide.read_text() == "study_id,split,Fracture,Ossicles\nS-1,train,,1.0\nS-2,validation,0.0,\n"
    assert tables.read(long, tables.TARGETS)["value"].tolist() == ["uncertain", "true", "false", "uncertain"]
    inclusive, _ = of_training.export_targets(policies.to_targets(own, policy="inclusive"), tmp_path)
    assert inclusive.read_text().splitlines()[1] == "S-1,train,1.0,1.0"


def test_an_epoch_is_one_line(capsys):
    row = {"epoch": 3, "train_loss": 0.51234, "validation_loss": 0.6, "validation_auc": NAN}
    of_training.epoch_line()(row)
    assert capsys.readouterr().out == (
        "epoch   3  training loss 0.5123  validation loss 0.6000  validation macro AUC nan\n"
    )


def test_uncertain_test_labels_are_counted_by_what_is_there():
    rows = [
        (f"S-{n}", "Fracture", "test", "uncertain", r, "human") for n, r in enumerate(["true", "true", "uncertain"])
    ]
    rows += [
        ("S-8", "Fracture", "train", "uncertain", "uncertain", "none"),
        ("S-9", "Fracture", "test", "true", "true", "human"),
    ]
    found = of_verification.uncertain_test_labels(labels(*rows))
    assert found.set_index("site").loc["home"].to_dict() == {"follow-up: true": 2, "follow-up: false": 0, "left out": 1}


def test_the_summary_has_a_column_per_site_and_intervals_where_there_are_some():
    rows = [("All findings", "f1_true", site, "", 0.8, NAN, NAN, 100, 9) for site in ("all", "away")] + [
        ("All findings", "label_accuracy", site, "", 0.98, 0.9614, 0.99, 100, 98) for site in ("all", "away")
    ]
    rows.append(("Fracture", "label_accuracy", "all", "", 0.5, 0.4, 0.6, 10, 5))
    found = of_verification.summary(metrics(*rows))
    assert list(found) == ["all", "away"] and list(found.index) == ["label accuracy", "f1 true"]
    assert found["all"].tolist() == ["0.980 (0.961–0.990)", "0.800"]
