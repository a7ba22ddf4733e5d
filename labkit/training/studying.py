"""The trainings of one policy of a study without a notebook: what 03_training reads back; used by `labkit train`.

The notebook computes the same from the same params, so that networks trained here (also by several processes with
torchrun, on a machine with GPUs) are found by the next `labkit run`.
"""

from labkit import radiographs, tables
from labkit.training import cards, devices, loop
from labkit.training import team as teams
from labkit.training.cohort import assemble
from labkit.training.teaching import targets_of

__all__ = ["assembled", "decoded", "train"]


def train(p, *, progress=None, decoding=None):
    """Train every seed of one policy; returns the finished TrainingRuns.

    p : params.Training. progress : as of `fit`. decoding : called with (done, in all) while the cache is built.

    Raises
    ------
    TableError : 02 has not been run. TrainingError, ParamsError : as `fit` and `assemble`.
    """
    labels = tables.read(p.layout.labels, tables.LABELS)
    images = tables.read(p.layout.images, tables.IMAGES)
    findings = tables.read(p.layout.findings, tables.FINDINGS)
    cohort = assembled(p, labels, images, decoded(p, images, progress=decoding))
    targets = targets_of(
        labels,
        cohort,
        policy=p.policy,
        settings=p.settings,
        out_dir=p.out.model,
        findings=findings,
        progress=progress,
    )
    team = teams.join(devices.choose(p.training.device))
    origin = {"anatomy": p.anatomy, "cohort": p.cohort.model_dump(mode="json", exclude={"sites"})}
    runs = []
    for seed in p.training.seeds:
        folder = p.out.model / f"seed_{seed}"
        runs.append(loop.fit(cohort, targets, settings=p.settings, seed=seed, out_dir=folder, progress=progress))
        if team.leads:
            cards.write(runs[-1], cohort, targets, labels=labels, origin=origin)
    return runs


def decoded(p, images, *, progress=None):
    """The radiographs.Cache of an anatomy at its training size, as its params say; progress : (done, in all)."""
    return radiographs.build_cache(
        images,
        size_px=p.training.image_size_px,
        out_dir=p.layout.cache,
        folders=p.image_folders,
        preparation=p.cohort.radiographs,
        rules=p.cohort.limits,
        workers=p.training.cpu_threads,
        progress=progress,
    )


def assembled(p, labels, images, cache):
    """The training.Cohort of LABELS and IMAGES, as the params say."""
    return assemble(
        labels,
        images,
        cache,
        views=p.template.views,
        missing_view=p.cohort.missing_view,
        several_images=p.training.images_per_view,
    )
