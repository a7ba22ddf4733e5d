"""The declaration before, and the answer after; verdicts in words."""

import pandas as pd
import pytest

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import endpoint
from labkit.params import Evaluation

NAMES = ["Ossicles", "Olecranon Fracture", "Foreign Bodies"]


def test_the_declaration_names_endpoint_label_set_margin_and_point():
    settings = evaluation.Settings(
        endpoint="Ossicles",
        findings=("Ossicles", "Olecranon Fracture"),
        margin=0.03,
        operating_point="sensitivity",
        fixed_sensitivity=0.95,
    )
    told = evaluation.declaration(NAMES, settings=settings).set_index("item")["declared"]
    assert told["primary endpoint"] == "Ossicles, at each test site (AUC)"
    assert told["label set"].startswith("Ossicles, Olecranon Fracture that have 5")
    assert told["difference that would not matter"] == "less than 0.03 in AUC"
    assert told["operating point"] == "sensitivity of 0.95, chosen on validation"
    assert "macro average" in evaluation.declaration(NAMES, settings=evaluation.Settings()).declared[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"endpoint": "Osicles"}, "'Osicles' is not in the template"),
        ({"findings": ("Ossicles", "Elephant")}, "'Elephant' is not in the template"),
        ({"endpoint": "Ossicles", "findings": ("Foreign Bodies",)}, "not in the declared label set"),
    ],
)
def test_a_declaration_that_cannot_hold_is_refused(settings, message):
    with pytest.raises(EvaluationError, match=message):
        evaluation.declaration(NAMES, settings=evaluation.Settings(**settings))


def test_findings_outside_the_label_set_are_not_evaluated(predictions, labels):
    settings = evaluation.Settings(min_positives=3, findings=("Ossicles",))
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    shown = metrics[(metrics["metric"] == "auc") & (metrics["reading"] == "primary")]
    assert set(shown["finding"]) == {"Ossicles", evaluation.MACRO}
    reasons = metrics[metrics["metric"] == "left_out"].set_index("finding")["method"]
    assert reasons["Olecranon Fracture"].eq("not in the declared label set").all()


@pytest.mark.parametrize("name", ["macro_auc", "Ossicles"])
def test_the_answer_holds_the_endpoint_and_its_comparison_only(predictions, labels, name):
    settings = evaluation.Settings(min_positives=3, endpoint=name)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    differences = evaluation.compare(predictions, labels, settings=settings)
    told = evaluation.answer(metrics, differences, settings=settings)
    assert told["of"].value_counts().to_dict() == {"inclusive": 2, "exclusive": 2, "inclusive - exclusive": 2}
    own = (metrics["finding"] == endpoint.endpoint_finding(settings)) & (metrics["metric"] == "auc")
    area = metrics[own & (metrics["reading"] == "primary")].iloc[0]
    assert told.iloc[0, 2].startswith(f"{area['value']:.3f} ({area['low']:.3f} to")
    assert told["verdict"].iloc[-1].startswith(("inconclusive", "different", "equivalent"))


def test_an_endpoint_without_enough_positives_says_so(predictions, labels):
    settings = evaluation.Settings(min_positives=3, endpoint="Foreign Bodies")
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    told = evaluation.answer(metrics, pd.DataFrame(), settings=settings)
    assert told["verdict"].str.contains("0 positive test studies, 3 needed").all()
    assert len(told) == 4


@pytest.mark.parametrize(
    ("p_value", "equivalent", "said"),
    [
        (0.01, 0, "different"),
        (0.01, 1, "different, but by less than 0.02"),
        (0.5, 1, "equivalent within 0.02"),
        (0.5, 0, "inconclusive: neither different nor equivalent"),
        (float("nan"), 0, "not defined"),
    ],
)
def test_verdicts_in_words(p_value, equivalent, said):
    values = {"auc_difference_p": p_value, "equivalent": equivalent}
    assert endpoint.verdict(values, evaluation.Settings()) == said


def test_settings_refuse_what_makes_no_sense():
    for wrong in (
        {"age_bands": (40, 18)},
        {"age_bands": (0,)},
        {"findings": ("a", "a")},
        {"operating_point": "best"},
        {"n_resamples": 5},
        {"margn": 0.1},
    ):
        with pytest.raises(ValueError, match="validation error"):
            evaluation.Settings(**wrong)


def test_the_params_of_the_demonstration_state_every_setting():
    given = Evaluation.check(params_file="params/demo/elbow.yaml").evaluation
    assert given.model_fields_set == set(evaluation.Settings.model_fields)
