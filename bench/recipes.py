"""Which recipe is better, and does the policy matter: on one synthetic cohort, as many seeds as an hour allows.

    python bench/recipes.py FOLDER [--studies 1000] [--external 600] [--size 64] [--epochs 10] [--seeds 3]

The steps 01 and 02 run as in a study (rules read the reports, a simulated reader verifies them). Each recipe then
trains with each of the learning rates; the one with the best macro AUC of validation is its rate, and further seeds are
trained with it. The test studies are scored once, at the end: strong - study under policy inclusive, and inclusive -
exclusive under the better recipe, each paired, with patients as clusters, equivalence within the margin, and the
smallest difference detectable. Everything is kept in FOLDER, so that a killed run goes on where it was.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import yaml

from labkit import evaluation, params, radiographs, synthetic, tables, training
from labkit.evaluation import reporting
from labkit.layout import NOTEBOOKS
from labkit.params.study import BASE_DIR_VARIABLE
from labkit.training.teaching import targets_of

ROOT = Path(__file__).parents[1]
RATES = (3e-4, 1e-3)
# What the study's code does (STUDY, "Image model") and what `strong` is made for; the rest is the same for both.
RECIPES = {
    "study": {"recipe": "study", "batch_size": 16, "step_epochs": 5, "step_factor": 0.1},
    "strong": {"recipe": "strong", "batch_size": 16},
}


def main() -> None:
    """Make the cohort, train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--external", type=int, default=600)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ema", type=float, default=0.99, help="moving average of the recipe strong")
    chosen = parser.parse_args()
    study = prepare(chosen)
    began = time.process_time()
    trainer = Trainer(study, chosen)
    rates = {recipe: trainer.best_rate(recipe) for recipe in RECIPES}
    scores = {recipe: trainer.scores(recipe, "inclusive", rates[recipe]) for recipe in RECIPES}
    rows = [compared(trainer, scores["strong"], scores["study"], ("strong", "study"))]
    better = max(RECIPES, key=lambda recipe: trainer.validation(recipe, rates[recipe]))
    exclusive = trainer.scores(better, "exclusive", rates[better])
    rows.append(compared(trainer, scores[better], exclusive, ("inclusive", "exclusive")))
    counts = trainer.labels.drop_duplicates("study_id").groupby("split").size().to_dict()
    print(f"elbow, {counts}, resnet18 from random weights, {chosen.size} px, {chosen.epochs} epochs, ", end="")
    print(f"{chosen.seeds} seeds, {(time.process_time() - began) / 60:.0f} CPU minutes in this process")
    print(f"uncertain labels of train: {trainer.uncertain_share:.2%}; policies compared under {better}")
    print(pd.concat(rows).to_string(index=False))


def prepare(chosen: argparse.Namespace) -> params.Study:
    """The params of the cohort, and the tables of 01 and 02."""
    content = yaml.safe_load((ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8"))
    content["study"] = "recipes"
    content["synthetic"] |= {"seed": 77, "n_internal": chosen.studies, "n_external": chosen.external}
    content["paths"] |= {"build_dir": "build", "reports_dir": "reports", "reviews_dir": "reviews"}
    for site in content["cohort"]["sites"].values():
        for key in ("reports", "images"):
            site[key] = site[key].replace("build/demo", "build/recipes")
    content["training"] |= {"image_size_px": chosen.size, "epochs": chosen.epochs, "min_positives": 5}
    content["training"]["checkpoint_every"] = 1
    content["evaluation"] |= {"min_positives": 10, "min_tuning_positives": 5}
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = chosen.folder / "elbow.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    study = params.load(path)
    os.environ[BASE_DIR_VARIABLE] = str(study.base_dir)
    layout = study.layout
    synthetic.generate(study.template, study.synthetic, layout.cohort)
    for step, made in (("extraction", layout.findings), ("verification", layout.labels)):
        if not made.exists():
            given = study.parameters(step, "")
            papermill.execute_notebook(
                NOTEBOOKS[step], chosen.folder / f"{step}.ipynb", parameters=given, progress_bar=False
            )
    return study


class Trainer:
    """The cohort and every training on it; what is finished in the folder is read back."""

    def __init__(self, study: params.Study, chosen: argparse.Namespace):
        self.chosen = chosen
        self.p = params.Training.check(**study.parameters("training", "inclusive"))
        self.evaluation = study.evaluation
        layout = self.p.layout
        self.labels = tables.read(layout.labels, tables.LABELS)
        images = tables.read(layout.images, tables.IMAGES)
        cache = radiographs.build_cache(
            images, size_px=chosen.size, out_dir=layout.cache, folders=self.p.image_folders,
            preparation=self.p.cohort.radiographs, rules=self.p.cohort.limits,
        )  # fmt: skip
        self.cohort = training.assemble(self.labels, images, cache, views=self.p.template.views)
        in_train = self.labels[self.labels["split"] == "train"]
        self.uncertain_share = (in_train["value"] == "uncertain").mean()

    def fit(self, recipe: str, policy: str, rate: float, seed: int) -> training.TrainingRun:
        """One training."""
        given = RECIPES[recipe] | {"learning_rate": rate, "seeds": [seed]}
        if recipe == "strong":
            strong = self.p.training.strong.model_dump() | {"ema_decay": self.chosen.ema, "patience": 0}
            given |= {"strong": strong | {"head_learning_rate": max(rate, strong["head_learning_rate"])}}
        settings = type(self.p.training)(**self.p.training.model_dump() | given)
        folder = self.chosen.folder / "networks" / f"{recipe}_{policy}_{rate:g}"
        targets = targets_of(self.labels, self.cohort, policy=policy, settings=settings, out_dir=folder)
        run = training.fit(self.cohort, targets, settings=settings, seed=seed, out_dir=folder / f"seed_{seed}")
        best = run.history["validation_auc"].max()
        print(
            f"{recipe:<7} {policy:<10} rate {rate:g} seed {seed}: validation {best:.4f}, epoch {run.best_epoch}, ",
            end="",
        )
        print(f"{run.seconds:.0f} s", flush=True)
        return run

    def validation(self, recipe: str, rate: float) -> float:
        """Best macro AUC of validation of the first seed, policy inclusive."""
        return self.fit(recipe, "inclusive", rate, 1).history["validation_auc"].max()

    def best_rate(self, recipe: str) -> float:
        """Chosen on validation."""
        return max(RATES, key=lambda rate: self.validation(recipe, rate))

    def scores(self, recipe: str, policy: str, rate: float) -> pd.DataFrame:
        """PREDICTIONS of all seeds."""
        runs = [self.fit(recipe, policy, rate, seed) for seed in range(1, self.chosen.seeds + 1)]
        return pd.concat([training.predict(run, self.cohort) for run in runs], ignore_index=True)


def compared(trainer: Trainer, first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    """Macro AUC of both and their difference at each test site, as 04 shows them."""
    both = pd.concat([first.assign(policy=names[0]), second.assign(policy=names[1])], ignore_index=True)
    rng = np.random.default_rng(1)
    metrics, _ = evaluation.evaluate(both, trainer.labels, settings=trainer.evaluation, rng=rng)
    differences = reporting.differences(both, trainer.labels, settings=trainer.evaluation, rng=rng)
    return evaluation.answer(metrics, differences, settings=trainer.evaluation)


if __name__ == "__main__":
    main()
