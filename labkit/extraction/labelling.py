"""Labels for a cohort from one or two extractors, in one table; the work of 01_extraction and of `labkit extract`.

(report id, text) pairs go in, FINDINGS and ANSWERS come out; as many ANSWERS as reports per extractor, always.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from labkit import __version__, tables
from labkit.errors import ExtractionError
from labkit.extraction import chat, hedges, rules
from labkit.extraction.languages import LANGUAGE_DIR
from labkit.extraction.settings import Settings
from labkit.templates import Template

__all__ = ["Labelled", "by_model", "by_rules", "label"]

NOTHING = {"model": "", "prompt_tokens": 0, "completion_tokens": 0, "cost": float("nan"), "seconds": float("nan")}
HEDGES = ("study_id", "phrase")


@dataclass(frozen=True)
class Labelled:
    """Tables FINDINGS, ANSWERS and RAISED, and what the methods section needs to know of the run.

    hedges : columns study_id and phrase, one row per hedge that the rules met; words outside of the language files
        are left out of a phrase.
    """

    findings: pd.DataFrame
    answers: pd.DataFrame
    record: dict = field(default_factory=dict)
    raised: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(tables.RAISED.all_columns)))
    hedges: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HEDGES)))


def label(
    reports: Sequence[tuple[str, str]],
    *,
    template: Template,
    extractors: Sequence[str],
    switches: rules.Switches,
    settings: Settings | None = None,
    store_path: str | Path | None = None,
    deidentify: Callable | None = None,
    retry_failed: bool = False,
) -> Labelled:
    """Labels of every extractor named, in one table; `record` by extractor.

    Parameters
    ----------
    deidentify : what a text passes before an endpoint gets it, local ones included; left out only where the settings
        state that the texts are already anonymised.
    retry_failed : ask a model again for the reports whose last answer failed, and for nothing else.

    Raises
    ------
    ExtractionError : the model's run stopped early (budget, key, endpoint); what was answered is kept in the store.
    """
    parts = {}
    for source in extractors:
        if source == "rules":
            parts[source] = by_rules(reports, template=template, switches=switches)
        else:
            parts[source] = by_model(
                reports,
                template=template,
                settings=settings,
                store_path=store_path,
                deidentify=None if settings and settings.texts == "already anonymised" else deidentify,
                retry_failed=retry_failed,
            )
            if parts[source].record["stopped"]:
                raise ExtractionError(parts[source].record["stopped"])
    for part in parts.values():
        assert len(part.answers) == len(reports), "rows out differ from rows in"
    # Hedges are those of the language files whoever reads the reports.
    met = parts["rules"] if "rules" in parts else by_rules(reports, template=template, switches=switches)
    return Labelled(
        *(
            pd.concat([getattr(part, name) for part in parts.values()], ignore_index=True)
            for name in ("findings", "answers")
        ),
        {source: part.record for source, part in parts.items()},
        pd.concat([part.raised for part in parts.values()], ignore_index=True),
        met.hedges,
    )


def by_rules(reports: Iterable[tuple[str, str]], *, template: Template, switches: rules.Switches) -> Labelled:
    """Read every report with the rules of the template and the language files; needs no network."""
    extractor = rules.RuleExtractor(template, switches=switches)
    shown = hedges.Vocabulary()
    findings, answers, raised, met = [], [], [], []
    for report_id, text in reports:
        try:
            labelled = extractor(text)
        except ExtractionError as error:
            answers.append(
                {"study_id": report_id, "source": "rules", "status": "skipped", "reason": str(error), **NOTHING}
            )
            continue
        answers.append({"study_id": report_id, "source": "rules", "status": "ok", "reason": "", **NOTHING})
        met += [(report_id, shown.plain(hedge)) for hedge in labelled.hedges]
        for finding in template.findings:
            value = labelled.values[finding.id].value
            span = labelled.evidence.get(finding.id)
            findings.append(
                (report_id, finding.name, "rules", value)
                + ((span.text, span.start, span.end, "true") if span else ("", -1, -1, ""))
                + (float("nan"), shown.plain(labelled.hedge.get(finding.id, "")))
            )
            if finding.id in labelled.repaired:
                raised.append((report_id, finding.name, "rules", "", value))
    record = {
        "version": __version__,
        "template": template.anatomy,
        "template_sha256": hashlib.sha256(template.model_dump_json().encode()).hexdigest(),
        "languages": [path.stem for path in sorted(LANGUAGE_DIR.glob("*.yaml"))],
        "languages_sha256": _digest(sorted(LANGUAGE_DIR.glob("*.yaml"))),
        "switches": switches.model_dump(),
        "read_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "raised": len(raised),
    }
    return _labelled(findings, answers, record, raised, met)


def _digest(paths: list[Path]) -> str:
    """One hash of several files, by their names and bytes."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def by_model(
    reports: Sequence[tuple[str, str]],
    *,
    template: Template,
    settings: Settings,
    store_path: str | Path,
    deidentify: Callable | None = None,
    retry_failed: bool = False,
) -> Labelled:
    """Ask an OpenAI-compatible endpoint; what the store already holds is not asked again."""
    findings, answers, raised = [], [], []
    with chat.extract(
        reports,
        template=template,
        settings=settings,
        store_path=store_path,
        deidentify=deidentify,
        retry_failed=retry_failed,
    ) as extracted:
        for answer in extracted:
            answers.append(_answer_row(answer))
            for finding in template.findings if answer.labels else ():
                label = answer.labels[finding.id]
                place = (-1, -1) if label.start is None else (label.start, label.end)
                grounded = "" if not label.evidence else str(label.grounded).lower()
                findings.append(
                    (answer.report_id, finding.name, "openai", label.raised.value, label.evidence, *place, grounded)
                    + (float("nan") if label.confidence is None else label.confidence, "")
                )
                if label.raised != label.value:
                    raised.append((answer.report_id, finding.name, "openai", label.value.value, label.raised.value))
        record = {**extracted.record, **extracted.quality(), "stopped": extracted.stopped or ""}
    return _labelled(findings, answers, record, raised, [])


def _answer_row(answer: chat.Answer) -> dict:
    return {
        "study_id": answer.report_id,
        "source": "openai",
        "status": answer.status,
        "reason": answer.reason,
        "model": answer.snapshot or answer.model,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost": answer.cost,
        "seconds": answer.seconds,
    }


def _labelled(
    findings: list[tuple], answers: list[dict], record: dict, raised: list[tuple], met: list[tuple]
) -> Labelled:
    made = {
        table.name: tables.check(pd.DataFrame(rows, columns=list(table.all_columns)), table)
        for table, rows in ((tables.FINDINGS, findings), (tables.ANSWERS, answers), (tables.RAISED, raised))
    }
    return Labelled(
        made["FINDINGS"], made["ANSWERS"], record, made["RAISED"], pd.DataFrame(met, columns=list(HEDGES), dtype="str")
    )
