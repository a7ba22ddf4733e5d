"""A trained network, or several as one, applied to a new folder of radiographs; used by `labkit predict`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import radiographs
from labkit.errors import TrainingError
from labkit.training import cards, checkpoints, loop, scoring
from labkit.training.cohort import MISSING, Cohort, place

__all__ = ["Applied", "find_networks", "predict_folder"]

IDENTIFIERS = ["accession_number", "patient_id", "study_uid"]


@dataclass(frozen=True)
class Applied:
    """What came of a folder.

    scores : DataFrame study, accession_number, study_date, finding, score (mean of the networks), n_networks.
    left_out : DataFrame kind (study or image), item, reason.
    """

    scores: pd.DataFrame
    left_out: pd.DataFrame


def find_networks(path):
    """The trained networks that a path names: a `network.pt`, or a folder with one below it per seed.

    Raises
    ------
    TrainingError : there is none, or they do not belong together.
    """
    path = Path(path)
    files = sorted(p for p in path.rglob("network.pt") if "teacher" not in p.parts) if path.is_dir() else [path]
    if not files:
        raise TrainingError(f"{path.name}: no network.pt is in this folder; give the folder of a finished training.")
    runs = [loop.read(file) for file in files]
    first = runs[0]
    for run in runs[1:]:
        same = (run.views, run.findings, run.policy, run.settings.image_size_px)
        if same != (first.views, first.findings, first.policy, first.settings.image_size_px):
            raise TrainingError(
                f"{path.name}: holds networks of different findings, views, sizes or policies; give the folder of one "
                "policy."
            )
    return runs


def predict_folder(runs, folder, *, cache_dir, workers=1, progress=None):
    """Score every study of a folder of radiographs, prepared as for training.

    Parameters
    ----------
    runs : list of TrainingRun, scored together (mean logit).
    folder : DICOM, PNG or JPEG files, any nesting; images of one study share StudyInstanceUID, else the accession
        number, else the file stands for a study.
    cache_dir : where decoded images are kept; an unchanged file is not decoded again.
    progress : called with (done, in all) while images are decoded.
    """
    card = cards.read(runs[0].checkpoint.parent) or {}
    chosen = card.get("origin", {}).get("cohort", {})
    linked = _link(folder, runs[0], chosen)
    prepared = {"window": 0, "crop": False, "bits": 8} | checkpoints.load(runs[0].checkpoint)["prepared"]
    known = {name: prepared[name] for name in ("window", "crop", "bits")}
    preparation = radiographs.Preparation(**known | chosen.get("radiographs", {}))
    cache = radiographs.build_cache(
        linked.images,
        size_px=runs[0].settings.image_size_px,
        out_dir=cache_dir,
        folders={"": folder},
        preparation=preparation,
        workers=workers,
        progress=progress,
    )
    cohort = _cohort(linked, cache, runs[0])
    found = pd.concat([scoring.predict(run, cohort, split_names=("external",)) for run in runs], ignore_index=True)
    scores = scoring.ensemble(found)[["study_id", "finding", "score"]].rename(columns={"study_id": "study"})
    told = linked.reports.set_index("study_id")[["accession_number", "study_date"]]
    scores = scores.join(told, on="study").assign(n_networks=len(runs))
    columns = ["study", "accession_number", "study_date", "finding", "score", "n_networks"]
    return Applied(scores[columns], _left_out(linked, cache, cohort))


@dataclass(frozen=True)
class Studies:
    """Studies of a folder as if they had been asked for: reports (without text), and what linking made of them."""

    reports: pd.DataFrame
    studies: pd.DataFrame
    images: pd.DataFrame


def _link(folder, run, chosen):
    rules = tuple(radiographs.ViewRule(**rule) for rule in chosen.get("view_rules", ()))
    rules = rules or radiographs.DEFAULT_VIEW_RULES
    index = radiographs.index(folder).assign(site="")
    several = chosen.get("radiographs", {}).get("several_images", "newest")
    limits = radiographs.IndexRules()
    index = radiographs.measure(index, folder, view_rules=rules, rules=limits, several_images=several)
    named = index["study_uid"].where(index["study_uid"] != "", index["accession_number"])
    index["study_uid"] = named.where(named != "", index["path"])
    usable = index[index["usable"] == "true"]
    if usable.empty:
        raise TrainingError(
            f"{Path(folder).name}: none of {len(index)} files is a usable radiograph; see labkit index."
        )
    reports = usable.groupby("study_uid", sort=True)[["accession_number", "patient_id", "study_date"]].first()
    reports = reports.reset_index().assign(study_id=lambda t: t["study_uid"], site="")
    linked = radiographs.link(
        reports,
        index,
        by="study_uid",
        views=run.views,
        view_rules=rules,
        missing_view=chosen.get("missing_view", "drop"),
        several_images=several,
    )
    return Studies(reports, linked.studies, linked.images)


def _cohort(linked, cache, run):
    ids = sorted(linked.studies.loc[linked.studies["usable"] == "true", "study_id"])
    several = run.settings.images_per_view
    rows, slots = place(pd.Index(ids), linked.images, cache, views=run.views, several_images=several)
    trained = scoring.restore(run.checkpoint)
    masked = run.settings.pooling != "concatenate" or hasattr(trained, "missing")
    gaps = rows == MISSING
    keep = ~gaps.all(axis=1) if masked else ~gaps.any(axis=1)
    studies = pd.DataFrame({"study_id": np.array(ids, dtype=object)[keep], "split": "external", "site": ""})
    if not len(studies):
        raise TrainingError("No study has the views that the network reads: " + ", ".join(run.views) + ".")
    lost = pd.DataFrame({"study_id": np.array(ids, dtype=object)[~keep], "reason": "an image could not be decoded"})
    return Cohort(
        studies=studies,
        rows=rows[keep],
        pixels=cache.array,
        views=run.views,
        validation=pd.DataFrame(),
        left_out=lost,
        slots=slots,
        masked=bool(masked and gaps[keep].any()),
    )


def _left_out(linked, cache, cohort):
    studies = linked.studies[linked.studies["usable"] == "false"]
    images = linked.images[linked.images["usable"] == "false"]
    undecoded = cache.failed.merge(linked.images[["image_id", "path"]], on="image_id")
    undecoded = undecoded[~undecoded["image_id"].isin(images["image_id"])]
    parts = [
        pd.DataFrame({"kind": "study", "item": studies["study_id"], "reason": studies["reason"]}),
        pd.DataFrame({"kind": "study", "item": cohort.left_out["study_id"], "reason": cohort.left_out["reason"]}),
        pd.DataFrame({"kind": "image", "item": images["path"], "reason": images["reason"]}),
        pd.DataFrame({"kind": "image", "item": undecoded["path"], "reason": undecoded["reason"]}),
    ]
    return pd.concat(parts, ignore_index=True)
