"""The methods text says what params, tables and records hold, in correct sentences, and nothing else."""

import re

import pandas as pd
import pytest

from labkit.manuscript import methods, references
from labkit.manuscript.methods import PARTS

# What a card of 03 holds that sentences read.
RECIPE = {
    "backbone": "resnet50", "weights": "imagenet", "shared_trunks": False, "pooling": "concatenate",
    "grey": "three_channels", "image_size_px": 512, "recipe": "study", "epochs": 25, "batch_size": 4, "accumulate": 1,
    "learning_rate": 1e-4, "step_epochs": 7, "step_factor": 0.1, "weight_decay": 0.01, "flip_share": 0.5,
    "rotation_degrees": 30.0, "min_positives": 5,
}  # fmt: skip
CARD = {
    "network": {"findings": ["Ossicles"]},
    "data": {"left_out": 1, "prepared": {"crop": True}},
    "computed_with": {"device": "cuda", "precision": "bf16", "deterministic": False},
    "result": {"validation_macro_auc": 0.8},
}
LLM = {
    "model": "gpt-4o", "endpoint": "public API api.openai.com", "prompt": "extraction", "prompt_sha256": "c" * 64,
    "template": "elbow", "template_sha256": "a" * 64, "provider": "openai", "deidentified": True, "warnings": [],
    "texts": "de-identified before sending", "sampling": {"temperature": "0.2, accepted", "logprobs": "not asked for"},
    "settings": {"samples": 1, "switches": {"unlikely_is_uncertain": True}}, "raised": 0,
    "answers_used": {"snapshots": {"gpt-4o-2024-08-06": 300}, "first_asked_at": "2026-03-01T10:00:00",
                     "last_asked_at": "2026-03-02T10:00:00"},
}  # fmt: skip


@pytest.fixture(scope="module")
def told(material):
    return methods.sentences(material)


def test_every_sentence_of_the_text_exists_and_is_a_sentence(told):
    named = [name for names in PARTS.values() for name in names]
    assert len(named) == len(set(named)) and set(named) <= set(told)
    for name, said in told.items():
        if said:
            assert said[0].isupper() or said[0].isdigit(), name
            assert said.endswith("."), name
            assert not re.search(r"  |\.\.|\( | \)|\bnan\b|\bNone\b|\{|\}", said), name


def test_numbers_are_those_of_the_tables(material, told):
    cases, labels = material.cases, material.labels
    assert f"{len(cases):,} radiography studies of the elbow in {cases.patient.nunique():,} patients" in told["cohort"]
    train = labels[labels.split == "train"]
    n = int((train.value == "uncertain").sum())
    assert f"{n:,} ({100 * n / len(train):.1f}%) uncertain" in told["label_counts"]
    test = labels[labels.split.isin(["test", "external"])]
    n_open = int((test.reference == "uncertain").sum())
    assert f"The {n_open:,} labels that stayed uncertain were left out" in told["reference"]
    assert f"{len(test):,} of {len(test):,} test labels (100.0%)" in told["verification"]


def test_years_are_all_that_is_said_of_dates(told, material):
    assert "2019 at the site internal" in told["years"]
    assert not any(re.search(r"\d\d?\.\d\d?\.\d{4}|\d{4}-\d\d-\d\d", said) for said in told.values())


def test_no_pseudonym_stands_in_the_text(told):
    assert not any(re.search(r"\b[SP]-[\w-]*\d{4}", said) for said in told.values())


def test_singular_and_plural(make_material, material):
    one = material.cohort.model_copy(update={"sites": {"internal": material.cohort.sites["internal"]}})
    labels = material.labels[material.labels.site == "internal"]
    studies = material.studies[material.studies.site == "internal"]
    told = methods.sentences(make_material(cohort=one, labels=labels, studies=studies))
    assert "from one site, each" in told["cohort"]
    assert (told["sites"], told["external"]) == ("", "")
    assert "There was no external test set" in told["limit_sites"]
    assert "1 label was raised" in told["hierarchy"]


def test_what_is_not_known_is_left_out(make_material):
    made = make_material(cards={}, seeds={}, record={})
    told = methods.sentences(made)
    for name in ("network", "optimiser", "selection", "extractor", "deidentified", "seeds", "agreement", "hierarchy"):
        assert told[name] == "", name
    text = methods.written(made, told)
    assert "ResNet" not in str(text.paragraphs)


def test_a_language_model_is_described_by_its_record(make_material):
    told = methods.sentences(make_material(record={"openai": LLM}))
    assert "large language model gpt-4o" in told["extractor"] and "gpt-4o-2024-08-06" in told["extractor"]
    assert "from 2026-03-01 to 2026-03-02" in told["llm_access"]
    assert "SHA-256 cccccccccccccccc" in told["llm_prompt"]
    assert "temperature 0.2, accepted" in told["llm_random"]
    assert told["deidentified"].startswith("For gpt-4o, reports were de-identified before sending by rules")
    assert "No language model" not in str(told)


def test_switches_are_told_as_they_were_set(told):
    assert "“unlikely” was read as uncertain" in told["choices"]
    assert "“consistent with” was read as true" in told["choices"]


def test_a_synthetic_cohort_and_a_simulated_reader_are_said_first(make_material):
    made = make_material(synthetic=True, verified="simulated")
    text = methods.written(made, methods.sentences(made))
    assert text.paragraphs[0][1].startswith("SYNTHETIC DATA")
    assert text.notice.startswith("SYNTHETIC DATA")
    assert "no person has read them" in dict(text.paragraphs)["Verification and reference standard"]
    assert any("synthetic" in paragraph for heading, paragraph in text.paragraphs if heading.startswith("Limitations"))


def test_a_study_of_people_has_no_notice(material, told):
    assert methods.written(material, told).notice == ""


def test_citations_are_numbered_in_the_order_of_the_text_and_all_are_known(material, told):
    text = methods.written(material, told)
    numbers = [int(n) for _, p in text.paragraphs for found in re.findall(r"\[(\d+(?:, \d+)*)\]", p)
               for n in found.split(", ")]  # fmt: skip
    assert list(dict.fromkeys(numbers)) == list(range(1, len(text.references) + 1))
    assert "[@" not in str(text.paragraphs)
    assert len(text.keys) == len(text.references)


def test_every_publication_can_be_cited_and_has_its_fields():
    known = references.load()
    made = references.bibtex(known)
    assert made.count("\n}\n") == len(known) and made.count("{") == made.count("}")
    for key, entry in known.items():
        assert {"kind", "authors", "title", "year"} <= set(entry), key
        assert str(entry["year"]) in key
        assert "doi" in entry or "eprint" in entry or key == "holm1979", key


def test_limitations_follow_from_the_data(make_material):
    told = methods.sentences(make_material())
    assert "of the training labels were uncertain" not in told.get("limit_doubt", ""), "6 % are not few"
    assert "limited to one site" in told["limit_sites"]
    assert "limit_synthetic" not in told and "limit_verified" not in told and "limit_size" not in told


def network(make_material, *, views=("AP", "LATERAL"), seeds=(1,), policies=("inclusive", "exclusive"), **recipe):
    card = CARD | {"network": CARD["network"] | {"views": list(views)}, "recipe": RECIPE | recipe}
    made = make_material(cards=dict.fromkeys(policies, card), seeds=dict.fromkeys(policies, seeds))
    return methods.sentences(made)


def test_a_network_of_one_view_has_one_trunk(make_material):
    told = network(make_material, views=("AP",))
    assert told["network"].startswith("The image model was a ResNet-50 [@he2016] on the anteroposterior view with one")
    assert told["missing_view"] == ""


def test_several_seeds_are_averaged(make_material):
    told = network(make_material, seeds=(1, 2, 3))
    assert told["seeds"] == "Three networks were trained per policy (seeds 1, 2, and 3)."
    assert "mean over seeds" in told["ensemble"]
    assert "limit_seeds" not in told


def test_the_strong_recipe_is_told_by_its_numbers(make_material):
    strong = {"head_learning_rate": 1e-3, "warm_up_epochs": 1, "final_share": 0.01, "ema_decay": 0.998, "patience": 10,
              "clip_norm": 1.0, "positive_weights": True, "zoom": 0.1, "shift": 0.0, "brightness": 0.2, "contrast": 0.2,
              "gamma": 0.2, "erased_share": 0.25}  # fmt: skip
    told = network(make_material, recipe="strong", strong=strong, pooling="attention", shared_trunks=True)
    assert "up to 25 epochs in batches of 4 studies" in told["optimiser"] and "decay 0.998" in told["optimiser"]
    assert "stopped after 10 epochs without improvement" in told["optimiser"]
    assert "zoom (±10%)" in told["augmentation"] and "shift" not in told["augmentation"]
    assert "weighted by their rarity" in told["loss"]
    assert "shared by all views" in told["network"] and "weighted by attention" in told["network"]


def test_a_network_that_torchvision_names_otherwise_keeps_its_name(make_material):
    told = network(make_material, backbone="convnext_tiny", weights="none", image_size_px=128)
    assert "a convnext_tiny for each view" in told["network"]
    assert told["initial"] == "Weights were initialised at random."
    assert "128 × 128 pixels, at which" in told["limit_size"]


def test_one_policy_at_one_site_compares_nothing(make_material, material):
    only = material.cohort.model_copy(update={"sites": {"internal": material.cohort.sites["internal"]}})
    labels = material.labels[material.labels.site == "internal"]
    told = methods.sentences(make_material(policies=("ignore",), cohort=only, labels=labels))
    assert (told["comparison"], told["equivalence"], told["result_comparison"]) == ("", "", "")
    assert "by the policy ignore (uncertain labels not used" in told["policies"]
    assert told["multiplicity"] == "Secondary results are not adjusted for multiplicity."


def test_what_was_left_out_is_told_by_reason(make_material):
    rows = [("internal", "report", f"line {n}", f"line {n} has 2 fields where the header has 8", "") for n in (7, 19)]
    rows.append(("internal", "image", "x", "the file is cut short", ""))
    excluded = pd.DataFrame(rows, columns=["site", "kind", "item", "reason", "detail"])
    told = methods.sentences(make_material(excluded=excluded))["excluded"]
    assert told == (
        "2 reports were left out: line … has … fields where the header has … (2). "
        "1 image was left out: the file is cut short (1)."
    )
