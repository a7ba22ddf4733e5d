"""The recipe strong, policies that change the network, precision, memory, and what a training leaves beside it."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from labkit import evaluation, policies, radiographs, tables, training
from labkit.errors import TrainingError
from labkit.training import cards, devices, epochs, losses, recipes, reporting
from labkit.training.logbook import Logbook
from labkit.training.team import Team

STRONG = training.Strong(ema_decay=0.9, warm_up_epochs=0.5, patience=2, head_learning_rate=2e-2)


@pytest.fixture(scope="module")
def strong(settings):
    return settings.model_copy(update={"recipe": "strong", "strong": STRONG, "epochs": 2})


def prepared(cohort, targets, settings):
    """A training before its first epoch."""
    return epochs.Training(cohort, targets, settings=settings, seed=1, means=devices.means(settings), team=Team())


def areas(run, cohort, labels):
    """AUC of each finding on studies that were not trained on."""
    found = training.predict(run, cohort, split_names=("test", "external"))
    joined = found.merge(labels[["study_id", "finding", "reference"]])
    return [evaluation.auc(own["reference"] == "true", own["score"]).auc for _, own in joined.groupby("finding")]


def test_learning_rates_rise_then_fall_as_a_cosine_and_the_head_keeps_its_own():
    network = torch.nn.ModuleDict({"trunks": torch.nn.Linear(2, 2), "head": torch.nn.Linear(2, 2)})
    settings = training.Settings(
        recipe="strong", epochs=5, learning_rate=1e-4, strong=training.Strong(head_learning_rate=1e-3)
    )
    recipe, rates = recipes.Recipe(network, settings, steps=10), []
    for _ in range(50):
        rates.append([group["lr"] for group in recipe.optimiser.param_groups])
        recipe.optimiser.step()
        recipe.after_step()
    trunk, head = np.array(rates).T
    assert head == pytest.approx(10 * trunk)
    assert trunk[:10] == pytest.approx(1e-4 * np.arange(1, 11) / 11)
    assert trunk[10] == pytest.approx(1e-4) and (np.diff(trunk[10:]) < 0).all()
    assert trunk[30] == pytest.approx(1e-4 * (0.01 + 0.99 / 2))  # half of the way
    assert recipe.optimiser.param_groups[0]["lr"] == pytest.approx(1e-6)


def test_the_average_follows_the_weights_and_batch_statistics():
    network = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    average = recipes.Average(network, 0.5)
    expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for step in range(4):
        network.train()(torch.randn(8, 3) + step)
        with torch.no_grad():
            network[0].weight += 1
        average.update()
        share = 1 - min(0.5, (1 + step) / (10 + step))
        for name, tensor in network.state_dict().items():
            whole = not tensor.is_floating_point()
            expected[name] = tensor.clone() if whole else expected[name] + share * (tensor - expected[name])
    for name, tensor in average.network.state_dict().items():
        assert torch.allclose(tensor, expected[name]), name


def test_it_stops_when_validation_has_not_risen_for_some_epochs(cohort, targets, strong, tmp_path, monkeypatch):
    scores = iter([0.6, 0.7, 0.65, 0.7, 0.9])
    monkeypatch.setattr(epochs.Training, "epoch", lambda self, number: (row(number, next(scores)), {}))
    long = strong.model_copy(update={"epochs": 30})
    run = training.fit(cohort, targets, settings=long, seed=3, out_dir=tmp_path)
    assert len(run.history) == 4 and run.best_epoch == 2


def row(number, area):
    return {"epoch": number, "learning_rate": 1e-4, "train_loss": 1.0, "validation_loss": 1.0, "validation_auc": area}


def test_strong_learns_the_signs_and_scores_with_the_average(cohort, targets, labels, strong, tmp_path):
    off = dict.fromkeys(("zoom", "shift", "brightness", "contrast", "gamma", "erased_share"), 0)
    longer = strong.model_copy(update={"epochs": 5, "strong": STRONG.model_copy(update=off | {"patience": 0})})
    run = training.fit(cohort, targets, settings=longer, seed=3, out_dir=tmp_path)
    assert min(areas(run, cohort, labels)) > 0.85
    assert sorted(pd.read_csv(tmp_path / "log.csv").columns)[:2] == ["AUC Exostosis", "AUC Ossicles"]


def test_clipping_and_weights_of_positives_are_applied(cohort, targets, strong):
    off = prepared(cohort, targets, strong)
    assert off.positive_weight is None and off.recipe.clip_norm == 1.0
    on = prepared(
        cohort, targets, strong.model_copy(update={"strong": STRONG.model_copy(update={"positive_weights": True})})
    )
    train = targets[targets["split"] == "train"]
    for finding, weight in zip(on.findings, on.positive_weight.tolist()):
        own = train.loc[train["finding"] == finding, "target"]
        assert weight == pytest.approx(max((own == 0).sum() / (own == 1).sum(), 1), rel=1e-5)


def test_batches_that_add_up_give_the_gradient_of_one_large_batch(cohort, targets, settings):
    """With batch statistics set aside, which are those of each part."""
    gradients = {}
    for accumulate in (1, 3):
        own = settings.model_copy(update={"batch_size": 12 // accumulate, "accumulate": accumulate})
        with devices.exact(cpu_threads=1, seed=3, device=torch.device("cpu")):
            fitting = prepared(cohort, targets, own)
            fitting.network.eval()
            group = fitting.train[:12]
            drawn = epochs.augmentation.draw(24, settings=own, generator=torch.Generator().manual_seed(1))
            loss = fitting._gradients(group, cohort.batch(group), drawn)
        gradients[accumulate] = (loss, torch.cat([p.grad.flatten() for p in fitting.network.parameters()]))
    assert torch.allclose(gradients[1][0], gradients[3][0], rtol=1e-5)
    assert torch.allclose(gradients[1][1], gradients[3][1], rtol=1e-3, atol=1e-5)


def test_too_little_memory_halves_what_is_computed_at_once_and_says_so(
    cohort, targets, settings, tmp_path, monkeypatch
):
    forward, sizes = epochs.networks.MultiView.forward, []

    def narrow(self, images, present=None):
        if self.training and len(images) > 3:
            raise torch.OutOfMemoryError("out of memory")
        sizes.append(len(images) if self.training else 0)
        return forward(self, images, present)

    monkeypatch.setattr(epochs.networks.MultiView, "forward", narrow)
    shown = []
    own = settings.model_copy(update={"epochs": 1, "batch_size": 12})
    run = training.fit(cohort, targets, settings=own, seed=3, out_dir=tmp_path, progress=shown.append)
    assert max(sizes) == 3 and sum(sizes) == 48
    assert [note.split(":")[1].split(" studies")[0] for note in run.notes] == [" 6", " 3"]
    assert shown[0]["notes"] == run.notes
    assert "Memory did not suffice" in reporting.overview([run])["notes"][0]


def test_too_little_memory_for_one_study_is_one_sentence(cohort, targets, settings, tmp_path, monkeypatch):
    def none(self, images, present=None):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr(epochs.networks.MultiView, "forward", none)
    with pytest.raises(TrainingError, match="Memory does not suffice for 1 studies at once on cpu"):
        training.fit(cohort, targets, settings=settings, seed=3, out_dir=tmp_path)


def test_another_fault_of_the_network_is_not_taken_for_memory():
    assert not devices.ran_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not devices.ran_out_of_memory(ValueError("not enough memory"))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_trains_and_is_said(cohort, targets, settings, tmp_path, precision):
    own = settings.model_copy(update={"precision": precision, "epochs": 1, "channels_last": "always"})
    run = training.fit(cohort, targets, settings=own, seed=3, out_dir=tmp_path)
    assert run.means["precision"] == precision and run.means["channels_last"]
    assert np.isfinite(run.history["train_loss"]).all()
    assert reporting.overview([run]).loc[0, "channels last"] == "yes"


def test_a_cpu_keeps_to_fp32_and_compiles_nothing_by_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    small, large = (devices.means(training.Settings(image_size_px=px)).plain() for px in (64, 512))
    assert (small["precision"], small["compiled"], small["channels_last"]) == ("fp32", False, False)
    assert large["channels_last"]


def test_multiclass_trains_three_outputs_and_scores_true_against_false(cohort, labels, settings, tmp_path):
    targets = policies.to_targets(labels, policy="multiclass")
    longer = settings.model_copy(update={"epochs": 8})
    run = training.fit(cohort, targets, settings=longer, seed=3, out_dir=tmp_path)
    head = torch.load(run.checkpoint, weights_only=True)["network"]["head.bias"]
    assert head.shape == (2 * 3,)
    assert min(areas(run, cohort, labels)) > 0.85


def test_the_losses_are_those_of_torch_and_the_binary_logit_leaves_uncertain_out():
    logits = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([[0, 0.5], [1, 0], [0.5, 1], [0, 0], [1, 1]])
    logged = torch.log_softmax(logits, dim=-1)
    expected = -torch.stack([logged[n, f, int(2 * target[n, f])] for n in range(5) for f in range(2)]).reshape(5, 2)
    assert torch.allclose(losses.entries(logits, target), expected)
    chance = logged.exp()
    assert torch.allclose(torch.sigmoid(losses.binary(logits)), chance[..., 2] / (chance[..., 0] + chance[..., 2]))
    weight = torch.tensor([2.0, 3.0])
    scaled = losses.entries(logits, target, positive_weight=weight)
    assert torch.allclose(scaled, expected * torch.where(target == 1, weight, 1.0))


def test_self_trained_takes_an_ensemble_of_teachers_that_never_saw_the_uncertain(cohort, labels, settings, tmp_path):
    class Section(training.Settings):
        seeds: tuple[int, ...] = (1, 2)

    own = Section(**settings.model_dump() | {"epochs": 1})
    given = {"policy": "self_trained", "settings": own}
    targets = training.targets_of(labels, cohort, out_dir=tmp_path, **given)
    runs = [training.read(tmp_path / "teacher" / f"seed_{seed}" / "network.pt") for seed in (1, 2)]
    assert {run.policy for run in runs} == {"ignore"}
    said = [training.predict(run, cohort, split_names=("train", "validation")) for run in runs]
    teacher = training.ensemble(pd.concat(said)).set_index(["study_id", "finding"])["score"]
    doubtful = targets[targets["value"] == "uncertain"]
    assert len(doubtful) > 3
    expected = teacher.loc[list(zip(doubtful["study_id"], doubtful["finding"]))].to_numpy()
    assert doubtful["target"].to_numpy() == pytest.approx(expected)
    hidden = labels["split"].isin(["test", "external"])
    changed = labels.assign(value=labels["value"].mask(hidden, "true"))
    again = training.targets_of(changed, cohort, out_dir=tmp_path / "again", **given)
    assert again.equals(targets)  # labels of the test never reach a teacher


def test_the_ensemble_is_the_mean_logit():
    rows = [("S-1", "Ossicles", "soft", seed, "test", "north", score) for seed, score in [(1, 0.9), (2, 0.2), (3, 1.0)]]
    found = pd.DataFrame(rows, columns=["study_id", "finding", "policy", "seed", "split", "site", "score"])
    assert training.ensemble(found[:2])["score"][0] == pytest.approx(1 / (1 + np.exp(-(np.log(9) - np.log(4)) / 2)))
    tables.check(training.ensemble(found), tables.PREDICTIONS)
    assert training.ensemble(found)["score"][0] < 1
    one = found[:1]
    assert training.ensemble(one)["score"][0] == pytest.approx(0.9)


def test_flips_at_test_make_a_score_independent_of_the_side(fitted, cohort, settings):
    mirrored = training.Cohort(**vars(cohort) | {"pixels": np.array(cohort.pixels)[:, :, ::-1]})
    with_flips = training.TrainingRun(
        **vars(fitted) | {"settings": settings.model_copy(update={"flips_at_test": True})}
    )
    first, second = (training.predict(with_flips, own)["score"] for own in (cohort, mirrored))
    assert first.to_numpy() == pytest.approx(second.to_numpy(), abs=1e-6)
    assert not training.predict(fitted, cohort)["score"].equals(first)


@pytest.mark.parametrize("pooling", ["concatenate", "attention"])
def test_studies_with_a_gap_are_trained_on_and_scored(labels, images, cache, settings, tmp_path, pooling):
    gone = images["image_id"].isin([f"S-{n:04d}-LATERAL-1" for n in range(0, 96, 5)])
    own = settings.model_copy(update={"epochs": 1, "pooling": pooling})
    some = images.assign(usable=images["usable"].mask(gone, "false"))
    masked = training.assemble(labels, some, cache, views=("AP", "LATERAL"), missing_view="mask")
    targets = policies.to_targets(labels, policy="inclusive")
    run = training.fit(masked, targets, settings=own, seed=3, out_dir=tmp_path)
    assert training.predict(run, masked)["study_id"].nunique() == 48
    assert np.isfinite(run.history["train_loss"]).all()


def test_sixteen_bits_say_what_eight_say(cohort, fitted):
    wide = np.array(cohort.pixels).astype(np.uint16) * 257
    found = training.predict(fitted, training.Cohort(**vars(cohort) | {"pixels": wide}))
    assert found["score"].to_numpy() == pytest.approx(training.predict(fitted, cohort)["score"].to_numpy(), abs=1e-5)


def test_a_finished_training_is_read_back_from_its_file_alone(fitted, tmp_path):
    again = training.read(fitted.checkpoint)
    assert again.history.equals(fitted.history)
    for name in vars(fitted).keys() - {"history", "seconds"}:
        assert getattr(again, name) == getattr(fitted, name), name
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(TrainingError, match="holds no finished training"):
        training.read(tmp_path / "other.pt")


def test_the_card_says_what_the_network_learnt_from_and_names_no_study(fitted, cohort, targets, labels):
    paths = cards.write(fitted, cohort, targets, labels=labels, origin={"anatomy": "elbow"})
    card = cards.read(paths[0].parent)
    assert card == json.loads(paths[0].read_text(encoding="utf-8"))
    assert sum(row["studies"] for row in card["data"]["studies"]) == 96
    train = targets[targets["split"] == "train"]
    counts = {(r["split"], r["value"]): r["labels"] for r in card["labels"]["values"]}
    assert counts["train", "uncertain"] == (train["value"] == "uncertain").sum()
    assert card["result"]["validation_macro_auc"] == pytest.approx(fitted.history["validation_auc"].max())
    assert card["hashes"]["network.pt"] == radiographs.cache.hashlib.sha256(fitted.checkpoint.read_bytes()).hexdigest()
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert "S-00" not in text and str(fitted.checkpoint.parent) not in text
    assert "| site | split | studies |" in paths[1].read_text(encoding="utf-8")
    paths[0].write_text("{", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"card\.json: this file is damaged"):
        cards.read(paths[0].parent)


def test_the_log_has_a_row_per_epoch_and_tensorboard_the_same_numbers(fitted, tmp_path):
    log = pd.read_csv(fitted.checkpoint.with_name("log.csv"))
    assert log["train_loss"].to_numpy() == pytest.approx(fitted.history["train_loss"].to_numpy())
    assert log["AUC Ossicles"].between(0, 1).all()
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = fitted.history.to_dict("records")
    for first in (0, 1):  # anew, and going on after the first epoch
        book = Logbook(tmp_path, tensorboard=True, anew=not first)
        for n in range(1 + first, len(history) + 1 if first else 2):
            book.write(history[:n], [{"Ossicles": 0.5 + n / 100}] * n)
        book.close()
    read = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    found = [(event.step, event.value) for event in read.Scalars("train loss")]
    assert found == [(row["epoch"], pytest.approx(row["train_loss"], rel=1e-5)) for row in history]
    assert [event.value for event in read.Scalars("AUC Ossicles")] == pytest.approx([0.51, 0.52, 0.53, 0.54])
    Logbook(tmp_path, tensorboard=True).close()
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1  # of another training nothing stays


def test_tensorboard_is_optional_and_named_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match="needs the optional package tensorboard"):
        Logbook(tmp_path, tensorboard=True)


def test_what_a_backbone_cannot_read_is_one_sentence(cohort, targets, settings, tmp_path):
    for own, sentence in (
        ({"backbone": "vit_b_32"}, "backbone 'vit_b_32' cannot read images of 16 px; set image_size_px"),
        ({"batch_size": 1}, "1 studies at once are too few for batch normalisation; raise batch_size"),
    ):
        with pytest.raises(TrainingError, match=sentence):
            training.fit(cohort, targets, settings=settings.model_copy(update=own), seed=3, out_dir=tmp_path)


def test_a_machine_that_cannot_compile_trains_without(cohort, targets, settings, tmp_path, monkeypatch):
    class Broken(Exception):
        pass

    def no_compiler(network):
        def call(*given):
            raise Broken("no C compiler")

        return call

    monkeypatch.setattr(torch, "compile", no_compiler)
    short = settings.model_copy(update={"epochs": 1})
    run = training.fit(
        cohort, targets, settings=short.model_copy(update={"compile": "always"}), seed=3, out_dir=tmp_path
    )
    assert run.notes == ("torch.compile failed here (Broken); training goes on without it.",)
    plain = training.fit(cohort, targets, settings=short, seed=3, out_dir=tmp_path / "plain")
    assert run.history.equals(plain.history)


def test_a_fault_of_the_training_itself_is_not_taken_for_one_of_the_compiler(
    cohort, targets, settings, tmp_path, monkeypatch
):
    def broken(self, images, present=None):
        raise ValueError("a fault")

    monkeypatch.setattr(torch, "compile", lambda network: network)
    monkeypatch.setattr(epochs.networks.MultiView, "forward", broken)
    with pytest.raises(ValueError, match="a fault"):
        training.fit(
            cohort, targets, settings=settings.model_copy(update={"compile": "always"}), seed=3, out_dir=tmp_path
        )


def test_the_hedge_of_the_extractor_counts_before_the_quoted_sentence():
    rows = [
        ("S-1", "Ossicles", "uncertain", "Ossikel nicht auszuschließen", "am ehesten"),
        ("S-2", "Ossicles", "uncertain", "Ossikel nicht auszuschließen", ""),
        ("S-3", "Ossicles", "true", "Ossikel", ""),
    ]
    findings = pd.DataFrame(rows, columns=["study_id", "finding", "value", "evidence", "hedge"])
    labels = findings[["study_id", "finding", "value"]].assign(split="train")

    class Section(training.Settings):
        seeds: tuple[int, ...] = (1,)

    given = {"policy": "graded", "settings": Section(), "out_dir": "", "findings": findings}
    assert training.targets_of(labels, None, **given)["target"].tolist() == [0.75, 0.25, 1.0]
    older = given | {"findings": findings.drop(columns="hedge")}
    assert training.targets_of(labels, None, **older)["target"].tolist() == [0.25, 0.25, 1.0]


def test_what_does_not_decide_the_weights_trains_nothing_again(tmp_path):
    base = training.Settings(weights=str(tmp_path / "first.pt"))
    same = {"tensorboard": True, "flips_at_test": True, "checkpoint_every": 3, "weights": str(tmp_path / "moved.pt")}
    same |= {"soft": (0.5, 0.5), "strong": training.Strong(zoom=0.3)}
    assert base.model_copy(update=same).determining() == base.determining()
    for other in ({"weights": "none"}, {"step_epochs": 3}, {"pooling": "max"}, {"recipe": "strong"}):
        assert base.model_copy(update=other).determining() != base.determining()
