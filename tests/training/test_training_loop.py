"""Training learns, repeats itself bit for bit, and goes on after a kill as if there had been none."""

import numpy as np
import pytest
import torch

from labkit import evaluation, policies, tables, training
from labkit.errors import TrainingError
from labkit.training import epochs, networks


class Killed(BaseException):
    """Stands for kill -9: nothing of labkit catches it."""


def kill_after(epoch):
    def progress(row):
        if row["epoch"] == epoch:
            raise Killed

    return progress


def weights(path):
    return torch.load(path, weights_only=True)["network"]


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_an_obvious_sign_is_learnt_in_each_view(fitted, cohort, labels):
    found = training.predict(fitted, cohort)
    joined = found[found["split"] == "test"].merge(labels[["study_id", "finding", "reference"]])
    for _, rows in joined.groupby("finding"):
        assert evaluation.auc(rows["reference"] == "true", rows["score"]).auc > 0.85


def test_predictions_keep_their_contract_and_cover_all_but_train(fitted, cohort, labels):
    found = training.predict(fitted, cohort)
    tables.check(found, tables.PREDICTIONS)
    expected = labels.loc[labels["split"] != "train", ["study_id", "finding"]]
    assert len(found) == len(expected)
    assert found.merge(labels, on=["study_id", "finding", "split", "site"]).shape[0] == len(expected)
    assert (found["score"] == found["score"].round(9)).all()


def test_the_same_seed_gives_the_same_bits_whatever_the_order_of_rows(fitted, cohort, targets, settings, tmp_path):
    torch.manual_seed(999)  # what ran before must not count
    again = training.fit(cohort, targets.sample(frac=1, random_state=1), settings=settings, seed=3, out_dir=tmp_path)
    assert again.history.equals(fitted.history)
    assert same(weights(again.checkpoint), weights(fitted.checkpoint))
    assert training.predict(again, cohort).equals(training.predict(fitted, cohort))


def test_another_seed_gives_another_network(fitted, cohort, targets, settings, tmp_path):
    short = settings.model_copy(update={"epochs": 1})
    other = training.fit(cohort, targets, settings=short, seed=4, out_dir=tmp_path)
    assert other.history["train_loss"][0] != fitted.history["train_loss"][0]


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_killed_training_ends_with_the_same_bits(fitted, cohort, targets, settings, tmp_path, epoch):
    with pytest.raises(Killed):
        training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path, progress=kill_after(epoch))
    (tmp_path / ".part-left").write_bytes(b"half")
    assert not (tmp_path / "network.pt").exists()
    seen = []
    again = training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path, progress=seen.append)
    assert [row["epoch"] for row in seen] == list(range(epoch + 1, settings.epochs + 1))
    assert again.history.equals(fitted.history)
    assert same(weights(again.checkpoint), weights(fitted.checkpoint))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "network.pt"]


@pytest.mark.parametrize("damage", ["cut", "other settings"])
def test_a_resume_point_that_does_not_fit_is_not_used(cohort, targets, settings, tmp_path, damage):
    with pytest.raises(Killed):
        training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path, progress=kill_after(1))
    short = settings.model_copy(update={"epochs": 2})
    if damage == "cut":
        path = tmp_path / "resume.pt"
        path.write_bytes(path.read_bytes()[:1000])
    seen = []
    training.fit(cohort, targets, settings=short, seed=3, out_dir=tmp_path, progress=seen.append)
    assert [row["epoch"] for row in seen] == [1, 2]


def test_finished_work_is_read_back_and_changed_labels_are_seen(cohort, targets, settings, tmp_path):
    short = settings.model_copy(update={"epochs": 1, "checkpoint_every": 0})
    first = training.fit(cohort, targets, settings=short, seed=3, out_dir=tmp_path)
    seen = []
    again = training.fit(cohort, targets, settings=short, seed=3, out_dir=tmp_path, progress=seen.append)
    assert not seen
    assert again.history.equals(first.history)
    changed = targets.assign(target=1 - targets["target"])
    training.fit(cohort, changed, settings=short, seed=3, out_dir=tmp_path, progress=seen.append)
    assert len(seen) == 1


def test_entries_of_weight_zero_have_no_influence(cohort, labels, settings, tmp_path):
    short = settings.model_copy(update={"epochs": 1})
    targets = policies.to_targets(labels, policy="ignore")
    turned = targets.assign(target=targets["target"].mask(targets["weight"] == 0, 1.0))
    assert not targets.equals(turned)
    runs = [
        training.fit(cohort, table, settings=short, seed=3, out_dir=tmp_path / name)
        for name, table in (("first", targets), ("second", turned))
    ]
    assert same(weights(runs[0].checkpoint), weights(runs[1].checkpoint))


def test_test_labels_have_no_influence(cohort, labels, images, cache, fitted, settings, tmp_path):
    hidden = labels["split"].isin(["test", "external"])
    changed = labels.assign(
        value=labels["value"].mask(hidden, "true"), reference=labels["reference"].mask(hidden, "true")
    )
    blind = training.assemble(changed, images, cache, views=cohort.views)
    targets = policies.to_targets(changed, policy="inclusive")
    again = training.fit(blind, targets, settings=settings, seed=3, out_dir=tmp_path)
    assert same(weights(again.checkpoint), weights(fitted.checkpoint))


def test_the_best_epoch_is_kept(fitted, cohort, settings):
    history = fitted.history
    assert fitted.best_epoch == history["epoch"][history["validation_auc"].idxmax()]
    assert history.loc[history["best"], "validation_auc"].is_monotonic_increasing
    found = training.predict(fitted, cohort, split_names=("validation",))
    score = found.pivot(index="study_id", columns="finding", values="score")[list(fitted.selected_on)]
    areas = evaluation.macro_auc(cohort.validation[list(fitted.selected_on)], score).auc
    assert areas == pytest.approx(history["validation_auc"].max(), abs=1e-9)


def test_the_epoch_is_chosen_on_findings_with_enough_positives(cohort):
    positives = (cohort.validation == 1).sum()
    fewest = positives.idxmin()
    found = epochs.selection_findings(cohort.validation, min_positives=int(positives.min()) + 1)
    assert fewest not in found
    assert epochs.selection_findings(cohort.validation, min_positives=1) == ("Exostosis", "Ossicles")


def test_without_such_a_finding_the_validation_loss_chooses(cohort, targets, settings, tmp_path):
    strict = settings.model_copy(update={"min_positives": 1000, "epochs": 3})
    found = training.fit(cohort, targets, settings=strict, seed=3, out_dir=tmp_path)
    assert found.selected_on == ()
    assert np.isnan(found.history["validation_auc"]).all()
    assert found.best_epoch == found.history["epoch"][found.history["validation_loss"].idxmin()]


def test_the_study_recipe_lets_the_learning_rate_fall_in_steps(cohort, targets, settings, tmp_path):
    stepped = settings.model_copy(update={"step_epochs": 2, "epochs": 3, "learning_rate": 1e-4})
    found = training.fit(cohort, targets, settings=stepped, seed=3, out_dir=tmp_path)
    assert found.history["learning_rate"].tolist() == pytest.approx([1e-4, 1e-4, 1e-5])


def test_global_state_is_put_back(cohort, targets, settings, tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    before = torch.get_num_threads()
    training.fit(cohort, targets, settings=settings.model_copy(update={"epochs": 1}), seed=3, out_dir=tmp_path)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_two_policies_in_one_training_are_refused(cohort, labels, settings, tmp_path):
    both = policies.to_targets(labels, policy="inclusive")
    both.loc[:3, "policy"] = "exclusive"
    with pytest.raises(TrainingError, match="one training has one policy"):
        training.fit(cohort, both, settings=settings, seed=3, out_dir=tmp_path)


def test_targets_without_any_weight_are_refused(cohort, targets, settings, tmp_path):
    with pytest.raises(TrainingError, match="no entry of train has a weight above 0"):
        training.fit(cohort, targets.assign(weight=0.0), settings=settings, seed=3, out_dir=tmp_path)


def test_a_cache_of_another_size_is_refused(cohort, targets, settings, tmp_path):
    larger = settings.model_copy(update={"image_size_px": 64})
    with pytest.raises(TrainingError, match="The cache holds 16 px, image_size_px is 64"):
        training.fit(cohort, targets, settings=larger, seed=3, out_dir=tmp_path)


def test_other_views_than_those_trained_on_are_refused(fitted, labels, images, cache):
    single = training.assemble(labels, images, cache, views=("AP",))
    with pytest.raises(TrainingError, match="The network reads the views"):
        training.predict(fitted, single)


def test_a_device_that_is_not_there_is_named(monkeypatch, cohort, targets, settings, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="device 'cuda' was asked for"):
        training.fit(cohort, targets, settings=settings.model_copy(update={"device": "cuda"}), seed=3, out_dir=tmp_path)


def test_a_loss_that_is_not_finite_stops_the_training(monkeypatch, cohort, targets, settings, tmp_path):
    monkeypatch.setattr(
        networks.MultiView, "forward", lambda self, images, _: self.head(self.features(images)) * np.nan
    )
    with pytest.raises(TrainingError, match="The loss is nan"):
        training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path)


@pytest.mark.gpu
def test_a_gpu_learns_the_same_sign(cohort, targets, labels, settings, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    on_gpu = training.fit(
        cohort, targets, settings=settings.model_copy(update={"device": "cuda"}), seed=3, out_dir=tmp_path
    )
    found = training.predict(on_gpu, cohort, split_names=("test",)).merge(labels[["study_id", "finding", "reference"]])
    assert evaluation.auc(found["reference"] == "true", found["score"]).auc > 0.85
