"""The trainings of a study of dose and response: every policy at every share of uncertain labels and seed; used by
`labkit dose`.

All networks are judged on the same verified test labels and findings. A training that is done is not done again: its
scores lie beside a digest of all that decided them; its network is not kept.
"""

import hashlib
import shutil

import pandas as pd

from labkit import certainty, tables
from labkit.errors import EvaluationError
from labkit.evaluation import cases, doubting, metrics
from labkit.evaluation.settings import MACRO_AUC
from labkit.policies import Policy, to_targets
from labkit.training import checkpoints, devices, fit, predict, targets_of
from labkit.training.studying import assembled, decoded
from labkit.training.teaching import hedges

__all__ = ["run"]

SCORED = ("validation", "test", "external")  # the label set also asks for positives in validation
MADE_FROM = "made_from.txt"


def run(steps, *, settings, say=None, decoding=None):
    """Train what is missing and write DOSES after each training.

    Parameters
    ----------
    steps : dict of policy to params.Training, of one anatomy.
    settings : evaluation.Settings with its `dose`.
    say : called with (done, in all, policy, share, seed) before each training. decoding : as of `build_cache`.

    Returns
    -------
    DOSES table: per training and test site macro_auc, and the AUC of the endpoint where that is a finding.

    Raises
    ------
    EvaluationError : a share asks for more true labels than there are; no finding is evaluated. TableError,
    TrainingError, ParamsError : as `training.assemble` and `training.fit`.
    """
    dose, first = settings.dose, next(iter(steps.values()))
    labels = tables.read(first.layout.labels, tables.LABELS)
    images = tables.read(first.layout.images, tables.IMAGES)
    findings = tables.read(first.layout.findings, tables.FINDINGS)
    cache = decoded(first, images, progress=decoding)
    true_share = doubting.observed_true_share(labels) if dose.true_share is None else dose.true_share
    plan = [(policy, share, seed) for seed in dose.seeds for share in dose.shares for policy in steps]
    for share in dose.shares:  # a share that cannot be is said before hours of training
        doubting.doubted(labels, share=share, true_share=true_share, seed=dose.seeds[0])
    rows = []
    for done, (policy, share, seed) in enumerate(plan):
        if say is not None:
            say(done, len(plan), str(policy), share, seed)
        p = steps[policy]
        doubt = doubting.doubted(labels, share=share, true_share=true_share, seed=seed)
        cohort = assembled(p, doubt[0], images, cache)
        folder = p.layout.build / "dose" / f"share_{share:g}" / f"seed_{seed}" / str(policy)
        scores = _scores(p, cohort, doubt, findings, folder=folder, policy=policy, seed=seed)
        rows += _results(scores, labels, settings, policy=str(policy), share=share, seed=seed)
        if not rows:
            raise EvaluationError("dose: no finding has enough positives at any test site; lower min_positives.")
        tables.write(pd.DataFrame(rows), p.layout.dose, tables.DOSES)
    return tables.read(first.layout.dose, tables.DOSES)


def _scores(p, cohort, doubt, findings, *, folder, policy, seed):
    """PREDICTIONS of validation and test studies, of this training or of an earlier one from the same."""
    settings = p.settings.model_copy(update={"seeds": (seed,)})
    marker = _marker(cohort, doubt, findings, settings, policy, seed)
    made_from, path = folder / MADE_FROM, folder / "predictions.csv"
    if made_from.is_file() and made_from.read_text(encoding="utf-8") == marker:
        shutil.rmtree(folder / "model", ignore_errors=True)  # of a process that was killed while it cleaned up
        return tables.read(path, tables.PREDICTIONS)
    made_from.unlink(missing_ok=True)
    labels, left_out = doubt
    targets = targets_of(labels, cohort, policy=policy, settings=settings, out_dir=folder / "model", findings=findings)
    unused = pd.MultiIndex.from_frame(targets[doubting.KEY]).isin(pd.MultiIndex.from_frame(left_out))
    targets.loc[unused, "weight"] = 0.0
    trained = fit(cohort, targets, settings=settings, seed=seed, out_dir=folder / "model" / f"seed_{seed}")
    scores = predict(trained, cohort, split_names=SCORED)
    tables.write(scores, path, tables.PREDICTIONS)
    tables.atomic_write(made_from, marker.encode("utf-8"))
    shutil.rmtree(folder / "model")  # networks of many shares and seeds would fill a disk
    return scores


def _marker(cohort, doubt, findings, settings, policy, seed):
    """SHA-256 of what decides the scores, known before a teacher or a network is trained."""
    labels, left_out = doubt
    digest = hashlib.sha256(f"{policy} {settings.soft} {settings.flips_at_test}".encode())
    plain = to_targets(labels, policy=Policy.IGNORE)  # tells true, false and uncertain apart
    device = devices.means(settings).device
    digest.update(checkpoints.fingerprint(cohort, plain, settings=settings, seed=seed, device=device).encode())
    tested = cohort.studies.loc[cohort.positions(*SCORED)]
    digest.update(tested.to_csv().encode() + left_out.to_csv().encode())
    for position in cohort.positions(*SCORED):
        digest.update(cohort.batch([position]).tobytes())
    if policy == Policy.GRADED:
        digest.update(hedges(findings).to_csv().encode() + certainty.PHRASES_PATH.read_bytes())
    return digest.hexdigest()


def _results(scores, labels, settings, *, policy, share, seed):
    """DOSES rows of one training."""
    found = metrics.areas(scores, labels, settings=settings)
    found = found[(found["metric"] == "auc") & (found["reading"] == "primary")]
    wanted = {cases.MACRO: MACRO_AUC} | ({} if settings.endpoint == MACRO_AUC else {settings.endpoint: "auc"})
    found = found[found["finding"].isin(wanted) & found["value"].notna()]
    place = {"policy": policy, "share": share, "seed": seed}
    return [place | {"site": row.site, "metric": wanted[row.finding], "value": row.value} for row in found.itertuples()]
