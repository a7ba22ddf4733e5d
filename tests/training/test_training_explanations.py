"""Cases are those that reference and scores name, checks tell good maps from bad ones, files come back whole."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from labkit import tables, training
from labkit.errors import TableError
from labkit.layout import Layout
from labkit.radiographs import IndexRules, Preparation
from labkit.training import explained, explaining, explanations, faithfulness


@pytest.fixture(scope="module")
def predictions(fitted, cohort):
    return training.predict(fitted, cohort)


@pytest.fixture(scope="module")
def found(fitted, cohort, predictions, labels):
    return explanations.explain([fitted], cohort, predictions, labels)


@pytest.fixture
def out(tmp_path):
    return Layout(tmp_path / "build", tmp_path / "reports", tmp_path / "reviews", "s", "elbow").policy("inclusive")


def test_extremes_are_those_of_the_reference_and_lots_do_not_depend_on_scores(predictions, cohort, labels):
    known = {"cohort": cohort, "policy": "inclusive", "max_findings": 2}
    chosen = explanations.choose(predictions, labels, **known)
    test = predictions[predictions.split == "test"].merge(labels[["study_id", "finding", "reference"]])
    for row in chosen[~chosen.role.str.startswith("drawn")].itertuples():
        way, kind = row.role.split("_")
        own = test[(test.finding == row.finding) & (test.reference == {"positive": "true", "negative": "false"}[kind])]
        assert row.score == pytest.approx(own.score.max() if way == "highest" else own.score.min())
        assert cohort.studies.study_id[row.position] == row.study_id
    turned = explanations.choose(predictions.assign(score=1 - predictions.score), labels, **known)
    drawn = [t[t.role.str.startswith("drawn")].study_id.tolist() for t in (chosen, turned)]
    assert drawn[0] == drawn[1]
    assert chosen.study_id.tolist() != turned.study_id.tolist()


def test_findings_with_most_positives_come_first_and_one_class_is_left_out(predictions, cohort, labels):
    none = labels.assign(reference=labels.reference.where(labels.finding != "Exostosis", "false"))
    chosen = explanations.choose(predictions, none, cohort=cohort, policy="inclusive", max_findings=2)
    assert set(chosen.finding) == {"Ossicles"}


def test_without_test_cases_there_is_a_note_and_empty_files_come_back(fitted, cohort, predictions, labels, out):
    found = explanations.explain([fitted], cohort, predictions[predictions.split != "test"], labels)
    assert "nothing to explain" in found.note
    found.save(out)
    assert explained.read(out).note == found.note


def test_every_case_has_a_map_per_view_and_the_checks_are_declared_tables(found, cohort):
    assert len(found.maps) == len(found.randomised) == len(found.cases) == 2 * 6 * 2
    tables.check(found.cases, explained.CASES)
    tables.check(found.checks, explained.CHECKS)
    assert (found.cases.tile == [cohort.rows[cohort.studies.study_id == s, n][0] for s, n in
                                 zip(found.cases.study_id, found.cases.slot)]).all()  # fmt: skip
    assert found.note == faithfulness.verdict(found.checks)


def test_several_seeds_are_explained_by_their_mean(fitted, cohort, predictions, labels, found):
    again = pd.concat([predictions, predictions.assign(seed=99)])
    twice = explanations.explain([fitted, fitted], cohort, again, labels)
    np.testing.assert_allclose(twice.maps, found.maps, rtol=1e-3)


def test_files_come_back_as_they_were_and_are_the_same_bytes(found, out):
    first = [path.read_bytes() for path in found.save(out)]
    assert first == [path.read_bytes() for path in found.save(out)]
    read = explained.read(out)
    np.testing.assert_array_equal(read.maps, found.maps)
    assert read.cases.study_id.tolist() == found.cases.study_id.tolist()


def test_damaged_or_missing_files_say_what_to_run(found, out):
    with pytest.raises(TableError, match=r"explanations\.npz: not found; run 03_training again"):
        explained.read(out)
    found.save(out)
    out.explanations.write_bytes(out.explanations.read_bytes()[:200])
    with pytest.raises(TableError, match="damaged"):
        explained.read(out)
    found.save(out)
    tables.write(found.cases.iloc[:-1], out.explained_cases, explained.CASES)
    with pytest.raises(TableError, match=r"does not belong to explanations\.csv"):
        explained.read(out)


def test_pictures_that_do_not_decode_are_held_back_with_a_reason(found, images, cache, tmp_path):
    given = images.assign(path="gone.dcm", frame=0, laterality="", burned_in="", transfer_syntax="PNG")
    where = {"north": tmp_path, "south": tmp_path}
    shown = explained.with_pictures(
        found, given, cache, folders=where, preparation=Preparation(), rules=IndexRules()
    )  # fmt: skip
    assert shown.pictures == {}
    assert set(shown.cases.picture) == {"held back: does not decode"}
    assert shown.cases.image_id.tolist() == [f"{s}-{v}-1" for s, v in zip(shown.cases.study_id, shown.cases.view)]


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 6, (5, 6)).astype(float), rng.normal(size=(5, 6))
    assert faithfulness.spearman(first, second) == pytest.approx(stats.spearmanr(first.ravel(), second.ravel())[0])
    assert np.isnan(faithfulness.spearman(np.ones(4), np.arange(4.0)))


def test_weights_drawn_anew_from_the_top_leave_what_lies_below(fitted, cohort):
    from labkit.training import checkpoints, networks, scoring

    own = scoring.restore(fitted.checkpoint)
    architecture = networks.Architecture.read(checkpoints.load(fitted.checkpoint)["architecture"])
    made = dict(faithfulness.randomised(own, architecture))
    weights = {name: other.state_dict() for name, other in made.items()}
    assert list(made) == ["last layer", "last layer and stage", "all layers"]
    same = own.state_dict()
    assert all((w["head.weight"] != same["head.weight"]).any() for w in weights.values())
    for name, expected in (("last layer", True), ("last layer and stage", False), ("all layers", False)):
        assert bool((weights[name]["trunks.0.conv5.0.weight"] == same["trunks.0.conv5.0.weight"]).all()) == expected
    assert (weights["last layer and stage"]["trunks.0.conv1.0.weight"] == same["trunks.0.conv1.0.weight"]).all()


class Bright:
    """Says how much of the picture is bright."""

    n_outputs = 1

    def __call__(self, images, present=None):
        return images.mean(dim=(1, 2, 3))[:, None] * 100


def test_blanking_what_a_true_map_marks_costs_more_than_random_places(cohort):
    pairs = np.array([(n, 0) for n in range(12)])
    heat = np.stack([cohort.batch([n])[0].reshape(2, 4, 4, 4, 4).mean((2, 4)) for n in range(12)])[:, :, None]
    zero, there = np.zeros((12, 1), np.float32), np.ones((12, 2), bool)
    known = {"device": "cpu", "rng": np.random.default_rng(2)}
    true = explaining.Maps(heat.astype(np.float32), zero, zero, there, "HiResCAM")
    falls = faithfulness.deletion(Bright(), cohort, pairs, true, **known)
    wrong = faithfulness.deletion(
        Bright(), cohort, pairs, explaining.Maps(-true.values, zero, zero, there, "HiResCAM"), **known
    )
    assert (falls[:, 0] >= falls[:, 1]).all() and falls[:, 0].mean() > falls[:, 1].mean() + 1
    assert wrong[:, 0].mean() < falls[:, 1].mean()


@pytest.mark.parametrize(
    ("alike", "low", "said"),
    [
        (0.9, 1.0, "hardly depend on what was learnt"),
        (0.6, 1.0, "only in part"),
        (0.1, 1.0, "look different. Blanking what they mark lowers the logit more"),
        (0.1, -1.0, "look different. That what they mark matters more"),
    ],
)
def test_the_verdict_says_plainly_what_maps_are_worth(alike, low, said):
    rows = [
        ("rank correlation, size", "all layers", alike, 0, 1, 9, 9, ""),
        ("fall of the logit", "difference", 2.0, low, 3, 9, 9, ""),
    ]
    assert said in faithfulness.verdict(pd.DataFrame(rows, columns=faithfulness.COLUMNS))
