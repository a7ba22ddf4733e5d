"""Whether maps of a trained network point at what is there, and what they cost.

    python bench/explanations.py [--studies 400] [--size 64] [--epochs 8] [--backbone resnet18] [--keep FOLDER]

Draws elbows of which the place of every sign is known: each radiograph is drawn twice, with and without a finding, and
where the two differ is its sign. A small network is trained on them; for every positive test study the highest place of
its map over all views is looked up (pointing game: Zhang 2016, arXiv 1608.00507). It hits where its middle is within a
sixteenth of the side of the sign; chance is the share of such points in all views. Intervals are a bootstrap over
studies. The last map as it is (CAM by the head's weights) stands beside the finer one that labkit takes for small
images. Then the cost of maps of all findings by the head's weights, and by a gradient per finding and image as
libraries take it, in turn, CPU seconds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from labkit import policies, radiographs, synthetic, templates, training
from labkit.synthetic import drawing
from labkit.training import explaining, explanations, scoring

FINDINGS = (
    "olecranon_fracture",
    "radial_head_fracture",
    "distal_humerus_fracture",
    "joint_degeneration",
    "soft_tissue_masses_or_mass_like_lesions",
    "foreign_bodies",
    "exostosis",
)
SHOWN_FROM = 0.25  # of the largest difference: noise and blur are left out


def main() -> None:
    """Draw, train, point, time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", help="folder that keeps the trained network")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(chosen.keep or folder)
        folder.mkdir(parents=True, exist_ok=True)
        cohort, labels, places = drawn_cohort(folder, chosen.studies, chosen.size)
        run = trained(cohort, labels, folder, chosen)
        what = f"{chosen.backbone}, {chosen.size} px, {chosen.studies} studies, {chosen.epochs} epochs"
        print(f"{what}, {run.seconds:.0f} s, macro AUC of validation {run.history.validation_auc.max():.2f}")
        point(run, cohort, places)
        measure(run, cohort, chosen.repeats)


def drawn_cohort(folder: Path, n: int, size: int):
    """The cohort with its labels, and per finding (studies, views, size, size) bool: where its sign is drawn."""
    template = templates.load("elbow")
    settings = synthetic.Settings(n_internal=n, n_external=0, image_size_px=size, repeat_patient_share=0.0, seed=3)
    site = synthetic.Cohort(template, settings, "internal")
    views = template.views
    tiles = np.zeros((n, len(views), size, size), np.uint8)
    places = {finding: np.zeros((n, len(views), size, size), bool) for finding in FINDINGS}
    rows = []
    parts = {finding: within(template, finding) for finding in FINDINGS}
    for number, study in enumerate(site.studies()):
        strength = dict(zip(template.ids, np.minimum(study.latent.strength[0], 1.0).tolist(), strict=True))
        truth = dict(zip(template.ids, study.latent.truth[0], strict=True))
        split = ("train", "train", "train", "validation", "test")[number % 5]
        for k, view in enumerate(views):
            whole = render(site, study, view, k, strength)
            tiles[number, k] = whole >> 4
            for finding in FINDINGS:
                if truth[finding]:
                    bare = render(site, study, view, k, {**strength, **dict.fromkeys(parts[finding], 0.0)})
                    changed = np.abs(whole.astype(int) - bare)
                    places[finding][number, k] = changed > max(SHOWN_FROM * changed.max(), 40)
        for finding in FINDINGS:
            value = str(bool(truth[finding])).lower()
            rows.append((f"S-{number:05d}", finding, f"P-{number:05d}", "internal", split, value, value, value, "none"))
    columns = ["study_id", "finding", "patient", "site", "split", "extracted", "value", "reference", "verification"]
    labels = pd.DataFrame(rows, columns=columns)
    listed = [(f"S-{s:05d}-{view}", f"S-{s:05d}", view) for s in range(n) for view in views]
    images = pd.DataFrame(listed, columns=["image_id", "study_id", "view"]).assign(usable="true", site="internal")
    (folder / "tiles.u8").write_bytes(tiles.tobytes())
    index = images[["image_id", "usable"]].assign(position=range(len(images)), reason="")
    cache = radiographs.Cache(folder / "tiles.u8", size, index)
    return training.assemble(labels, images, cache, views=views), labels, places


def within(template, finding: str) -> list[str]:
    """A finding and all that is part of it."""
    found = [finding]
    for entry in template.findings:
        if set(entry.parents) & set(found) and entry.id not in found:
            found.append(entry.id)
    return found


def render(site, study, view: str, k: int, strength: dict) -> np.ndarray:
    """One radiograph (size, size) of 12 bits; the same streams whatever the strengths."""
    look = drawing.Look(
        size_px=site.settings.image_size_px, side=study.stay.side, site=site.site, landscape=False, plate=False
    )
    rngs = [site.rng(stream, study.number, k) for stream in ("pose", "signs", "noise")]
    return drawing.radiograph(site.profile, site.profile.view(view, k), strength, look=look, rngs=rngs)


def trained(cohort, labels, folder: Path, chosen):
    """The small network."""
    settings = training.Settings(
        backbone=chosen.backbone,
        weights="none",
        image_size_px=chosen.size,
        epochs=chosen.epochs,
        batch_size=16,
        learning_rate=5e-4,
        step_epochs=6,
        step_factor=0.3,
        rotation_degrees=10,
        device="cpu",
        cpu_threads=chosen.threads,
        checkpoint_every=0,
    )
    targets = policies.to_targets(labels, policy="inclusive")
    return training.fit(cohort, targets, settings=settings, seed=1, out_dir=folder / "model")


def point(run, cohort, places: dict) -> None:
    """The pointing game of the last and of the finer map."""
    network, device = scoring.restore(run.checkpoint), torch.device("cpu")
    test = cohort.positions("test")
    pairs = np.array([(n, f) for f, name in enumerate(run.findings) for n in test if places[name][n].any()])
    for least in (0, explanations.FINEST):
        ends = explaining.find_taps(network, explaining.images_of(cohort, pairs[:1, 0], device), least=least)
        maps = explaining.explain(network, cohort, pairs, device=device, ends=ends)
        side, grid = cohort.pixels.shape[-1], maps.values.shape[3:]
        best = maps.local()[:, :, 0].reshape(len(pairs), -1).argmax(axis=1)
        view, row, column = np.unravel_index(best, (len(network.slots), *grid))
        at = (view * side + (row + 0.5) / grid[0] * side).astype(int) * side + ((column + 0.5) / grid[1] * side).astype(
            int
        )
        signs = torch.from_numpy(np.stack([places[run.findings[f]][n] for n, f in pairs])).float()
        reach = max(1, side // 16)
        near = torch.nn.functional.max_pool2d(signs, 2 * reach + 1, 1, reach).flatten(1).numpy()
        hit = near[np.arange(len(pairs)), at]
        chance = near.mean(axis=1)
        low, high = interval(hit, pairs[:, 0])
        print(f"{maps.method}, {maps.values.shape[3]} x {maps.values.shape[4]} places: ", end="")
        print(f"hits {hit.mean():.2f} [{low:.2f}, {high:.2f}] of {len(hit)}, by chance {chance.mean():.2f}")
        for f, name in enumerate(run.findings):
            own = pairs[:, 1] == f
            if own.any():
                print(f"  {name:<42} {hit[own].mean():.2f} of {own.sum():3d}, by chance {chance[own].mean():.2f}")


def interval(values: np.ndarray, studies: np.ndarray) -> tuple[float, float]:
    """Of a mean, 95 %, drawing studies anew."""
    rng, names = np.random.default_rng(1), np.unique(studies)
    own = [values[studies == name] for name in names]
    means = [np.concatenate([own[n] for n in rng.integers(0, len(own), len(own))]).mean() for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def measure(run, cohort, repeats: int) -> None:
    """Maps of all findings of some studies, by weights and by gradients through the whole network."""
    network = scoring.restore(run.checkpoint)
    images = explaining.images_of(cohort, cohort.positions("test")[:4], torch.device("cpu"))
    findings = range(len(run.findings))
    ends = explaining.find_taps(network, images)

    def by_weights() -> np.ndarray:
        return explaining.of_images(network, images, None, findings=findings, ends=ends).values

    def by_gradients() -> np.ndarray:
        """One image and one finding at a time, forward and backward, as a library called once per target does."""
        found = np.zeros((len(images), len(network.slots), len(findings), *ends[0].grid), np.float32)
        for n, finding in ((n, f) for n in range(len(images)) for f in findings):
            caught = []
            hooks = [
                trunk.get_submodule(end.name).register_forward_hook(
                    lambda module, given, out, to=caught: to.append(out)
                )
                for trunk, end in zip(network.trunks, ends)
            ]
            logit = network(images[n : n + 1])[0, finding]
            for hook in hooks:
                hook.remove()
            for each in caught:
                each.retain_grad()
            network.zero_grad()
            logit.backward()  # libraries fill the gradients of all weights
            for slot, each in enumerate(caught):
                found[n, slot, finding] = (each.grad.mean(dim=(2, 3), keepdim=True) * each).sum(1)[0].detach().numpy()
        return found

    spent = {by_weights: [], by_gradients: []}
    for _ in range(repeats):
        for way, seconds in spent.items():
            started = time.process_time()
            way()
            seconds.append(time.process_time() - started)
    first, second = by_weights(), by_gradients()
    apart = float(np.abs(first - second).max() / np.abs(first).max())
    weights, gradients = (min(spent[way]) for way in (by_weights, by_gradients))
    what = f"{len(images)} studies, {len(network.slots)} views, {len(findings)} findings"
    print(
        f"maps of {what}: {weights:.3f} CPU s by weights, {gradients:.2f} by gradients, ratio {gradients / weights:.0f}"
    )
    print(f"largest difference of both {apart:.1e} of the largest value")


if __name__ == "__main__":
    main()
