"""A card for every trained network: what it learnt from, by which choices, how well, and the hashes of it all.

`card.json` and `card.md` lie beside the network (headings after Mitchell 2019, arXiv 1810.03993). No identifier, path
or text of a report is in it. `labkit predict` reads from it how images are told apart and prepared.
"""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from labkit import __version__, tables
from labkit.errors import TrainingError

__all__ = ["describe", "read", "write"]

USE = (
    "Research on radiographs like those it was trained on. It is no medical device; its scores are not calibrated for "
    "another hospital, and what it says of a single patient must not be acted on."
)


def write(run, cohort, targets, *, labels, origin=None):
    """Write `card.json` and `card.md` beside the network of a finished training; returns both paths."""
    content = describe(run, cohort, targets, labels=labels, origin=origin)
    folder = Path(run.checkpoint).parent
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return [
        tables.atomic_write(folder / "card.json", text.encode("utf-8")),
        tables.atomic_write(folder / "card.md", _markdown(content).encode("utf-8")),
    ]


def read(folder):
    """The content of a card, None where there is none.

    Raises
    ------
    TrainingError : the file is damaged.
    """
    path = Path(folder) / "card.json"
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise TrainingError("card.json: this file is damaged; train again, which writes it anew.") from error


def describe(run, cohort, targets, *, labels, origin=None):
    """The card as plain values.

    Parameters
    ----------
    run : TrainingRun. cohort, targets : what it was fitted on. labels : LABELS of all its studies.
    origin : further choices worth keeping, such as anatomy, view_rules and preparation, as plain values.
    """
    best = run.history.set_index("epoch").loc[run.best_epoch]
    counts = cohort.studies.groupby(["site", "split"]).size()
    used = targets[targets["study_id"].isin(cohort.studies["study_id"])]
    told = labels.sort_values(["study_id", "finding"]).to_csv(index=False)
    csv = used.sort_values(["study_id", "finding"]).to_csv(index=False)
    return {
        "network": {
            "policy": run.policy,
            "seed": run.seed,
            "views": list(run.views),
            "findings": list(run.findings),
            "use": USE,
        },
        "data": {
            "studies": [{"site": site, "split": split, "studies": int(n)} for (site, split), n in counts.items()],
            "left_out": len(cohort.left_out),
            "images_per_study": len(cohort.slots),
            "missing_images": int((cohort.rows < 0).sum()),
            "prepared": dict(cohort.prepared),
        },
        "labels": {
            "values": _counts(used, ["split", "value"]),
            "not_used": int((used["weight"] == 0).sum()),
            "targets": _targets(used),
            "verification": _counts(labels, ["split", "verification"]),
        },
        "recipe": run.settings.determining(),
        "computed_with": dict(run.means),
        "result": {
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "train_loss": float(best["train_loss"]),
            "validation_loss": float(best["validation_loss"]),
            "validation_macro_auc": None if pd.isna(best["validation_auc"]) else float(best["validation_auc"]),
            "macro_over": list(run.selected_on),
            "validation_auc": dict(run.areas),
            "notes": list(run.notes),
            "test": "Scores of test and external studies are judged in 04_evaluation, after all choices were made.",
        },
        "hashes": {
            "network.pt": hashlib.sha256(Path(run.checkpoint).read_bytes()).hexdigest(),
            "targets": hashlib.sha256(csv.encode()).hexdigest(),
            "labels": hashlib.sha256(told.encode()).hexdigest(),
            "all that decides the weights": run.fingerprint,
        },
        "versions": {
            "labkit": __version__,
            "python": platform.python_version(),
            "torch": version("torch"),
            "torchvision": version("torchvision"),
        },
        "origin": origin or {},
    }


def _targets(used):
    """What the policy made of each value: the number of labels, and the mean of the targets that are used."""
    found = used.assign(kept=used["target"].where(used["weight"] > 0)).groupby("value")["kept"].agg(["count", "mean"])
    return [
        {"value": value, "used": int(row["count"]), "mean_target": None if row["count"] == 0 else float(row["mean"])}
        for value, row in found.iterrows()
    ]


def _counts(table, by):
    found = table.groupby(by).size()
    return [dict(zip(by, key, strict=True)) | {"labels": int(n)} for key, n in found.items()]


def _markdown(content):
    """The card for people: a heading per part, a table per list of rows."""
    lines = [f"# Model card: {', '.join(content['network']['views'])}, policy {content['network']['policy']}", ""]
    for part, facts in content.items():
        lines += [f"## {part.replace('_', ' ').capitalize()}", ""]
        lines += [line for name, value in facts.items() for line in _fact(name.replace("_", " "), value)]
        lines.append("")
    return "\n".join(lines)


def _fact(name, value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        head = list(value[0])
        rows = ["| " + " | ".join(_short(row.get(key, "")) for key in head) + " |" for row in value]
        return [f"**{name}**", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *rows, ""]
    if isinstance(value, dict):
        return [f"- **{name}**: " + (", ".join(f"{k} {_short(v)}" for k, v in value.items()) or "none")]
    if isinstance(value, list):
        return [f"- **{name}**: " + (", ".join(map(str, value)) or "none")]
    return [f"- **{name}**: {_short(value)}"]


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
