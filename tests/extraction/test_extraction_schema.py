import json
import math

import pytest
from llm_replies import labels, token_logprobs

from labkit import templates
from labkit.extraction.confidence import value_confidence
from labkit.extraction.schema import Invalid, lint, parse, strict_schema
from labkit.templates import LabelValue


@pytest.mark.parametrize("anatomy", ["clavicle", "elbow", "thumb"])
def test_the_schema_of_every_template_keeps_to_the_strict_subset(anatomy):
    template = templates.load(anatomy)
    schema = strict_schema(template)
    assert lint(schema) == []
    assert schema["required"] == list(schema["properties"]) == list(template.ids)
    for reading in schema["properties"].values():
        assert list(reading["properties"]) == ["evidence", "value"]  # the quote conditions the value
        assert reading["properties"]["value"]["enum"] == ["false", "uncertain", "true"]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"default": 1}, "'default'"),
        ({"title": "x"}, "'title'"),
        ({"additionalProperties": True}, "additionalProperties"),
        ({"required": []}, "required"),
    ],
)
def test_the_linter_names_what_leaves_the_subset(elbow, change, said):
    assert said in " ".join(lint(strict_schema(elbow) | change))


def test_the_linter_counts_depth_and_properties():
    deep = {"type": "string"}
    for _ in range(7):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"], "additionalProperties": False}
    assert "nested deeper" in " ".join(lint(deep))
    names = [f"p{i}" for i in range(101)]
    wide = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names,
            "additionalProperties": False}  # fmt: skip
    assert "101 properties" in " ".join(lint(wide))


def answer(elbow):
    return {i: {"evidence": "", "value": "false"} for i in elbow.ids}


def test_json_booleans_and_markdown_fences_mean_the_words(elbow):
    given = answer(elbow)
    given["fracture"] = {"value": True, "evidence": "Fraktur"}
    given["ossicles"] = {"value": False, "evidence": None}
    read = parse(f"```json\n{json.dumps(given)}\n```", elbow)
    assert read["fracture"].value == LabelValue.TRUE
    assert (read["ossicles"].value, read["ossicles"].evidence) == (LabelValue.FALSE, "")


@pytest.mark.parametrize("value", ["yes", "True ", 1, None, ["true"], "not mentioned"])
def test_any_other_value_is_invalid_and_not_repeated(elbow, value):
    given = answer(elbow)
    given["fracture"]["value"] = value
    with pytest.raises(Invalid, match="fracture") as caught:
        parse(json.dumps(given), elbow)
    assert "yes" not in str(caught.value)


def test_an_unknown_key_is_invalid_and_not_repeated(elbow):
    with pytest.raises(Invalid) as caught:
        parse(json.dumps(answer(elbow) | {"Herr Meier": {}}), elbow)
    assert "Meier" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "null", "[]", '"true"', "{", "[" * 100_000])
def test_what_is_no_object_is_invalid(elbow, content):
    with pytest.raises(Invalid):
        parse(content, elbow)


def test_confidence_is_renormalised_over_the_three_values(elbow):
    content = json.dumps(labels("Fraktur über dem Gelenk. Sonst nichts.", elbow.ids), ensure_ascii=False)
    tokens = token_logprobs(content, certainty=0.8)["content"]
    found = value_confidence(content, tokens)
    assert set(found) == set(elbow.ids)
    assert all(share == pytest.approx(0.8, abs=1e-3) for share in found.values())


def token(text, *alternatives):
    top = [{"token": t, "bytes": list(t.encode()), "logprob": math.log(p)} for t, p in alternatives]
    return {"token": text, "bytes": list(text.encode()), "logprob": 0.0, "top_logprobs": top}


def test_structure_merged_into_a_token_does_not_count():
    content = '{"a": {"evidence": "\\"value\\": \\"true\\"", "value": "true"}}'
    head, tail = content[: content.rindex(' "true')], content[content.rindex(' "true') :]
    merged = token(tail[:4], (' "tr', 0.6), (' "un', 0.2), ('"', 0.15), (" null", 0.05))
    found = value_confidence(content, [token(head, (head, 1.0)), merged, token(tail[4:], (tail[4:], 1.0))])
    assert found == {"a": pytest.approx(0.75)}


def test_tokens_that_do_not_fit_the_answer_give_no_confidence(elbow):
    content = json.dumps(labels("Fraktur.", elbow.ids))
    assert value_confidence(content, [token("something else", ("x", 1.0))]) == {}
    assert value_confidence(content, [{"token": None}]) == {}
    assert value_confidence(content, []) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ossicles": {"evidence": "", "value": "perhaps"}}, "ossicles.value is none of true, uncertain, false"),
        ({"ossicles": None}, "ossicles is missing"),
        ({"Kowalczyk": {"evidence": "", "value": "false"}}, "the answer holds a finding that was not asked for"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_in_words_of_our_own(elbow, change, words):
    answer = labels("Kein Befund.", elbow.ids) | change
    content = json.dumps({key: value for key, value in answer.items() if value is not None})
    with pytest.raises(Invalid) as caught:
        parse(content, elbow)
    assert str(caught.value) == words
