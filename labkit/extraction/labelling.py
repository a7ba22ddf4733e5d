"""Labels for a cohort from one or two extractors, in one table; the work of 01_extraction and of `labkit extract`.

(report id, text) pairs go in, FINDINGS and ANSWERS come out; as many ANSWERS as reports per extractor, always.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.errors import ExtractionError
from labkit.extraction import chat, rules
from labkit.extraction.settings import Settings
from labkit.templates import Template

__all__ = ["Labelled", "agreement", "by_model", "by_rules", "label", "overview", "record_table"]

NOTHING = {"model": "", "prompt_tokens": 0, "completion_tokens": 0, "cost": float("nan"), "seconds": float("nan")}


@dataclass(frozen=True)
class Labelled:
    """Tables FINDINGS and ANSWERS of one extractor, and what the methods section needs to know of the run."""

    findings: pd.DataFrame
    answers: pd.DataFrame
    record: dict = field(default_factory=dict)


def label(
    reports: Sequence[tuple[str, str]],
    *,
    template: Template,
    extractors: Sequence[str],
    switches: rules.Switches,
    settings: Settings | None = None,
    store_path: str | Path | None = None,
    deidentify: Callable | None = None,
) -> Labelled:
    """Labels of every extractor named, in one table; `record` by extractor.

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
                reports, template=template, settings=settings, store_path=store_path, deidentify=deidentify
            )
            if parts[source].record["stopped"]:
                raise ExtractionError(parts[source].record["stopped"])
    for part in parts.values():
        assert len(part.answers) == len(reports), "rows out differ from rows in"
    return Labelled(
        pd.concat([part.findings for part in parts.values()], ignore_index=True),
        pd.concat([part.answers for part in parts.values()], ignore_index=True),
        {source: part.record for source, part in parts.items()},
    )


def overview(findings: pd.DataFrame) -> pd.DataFrame:
    """Counts per finding and source: true, uncertain, negated (false with a quote), not mentioned (false without)."""
    kinds = findings["value"].where(
        findings["value"] != "false", findings["evidence"].map(lambda quote: "negated" if quote else "not mentioned")
    )
    counted = pd.crosstab([findings["source"], findings["finding"]], kinds)
    counted = counted.reindex(columns=["true", "uncertain", "negated", "not mentioned"], fill_value=0)
    order = list(dict.fromkeys(zip(findings["source"], findings["finding"])))
    return counted.loc[order].rename_axis(columns=None)


def by_rules(reports: Iterable[tuple[str, str]], *, template: Template, switches: rules.Switches) -> Labelled:
    """Read every report with the rules of the template and the language files; needs no network."""
    extractor = rules.RuleExtractor(template, switches=switches)
    findings, answers, repaired, hedges = [], [], 0, {}
    for report_id, text in reports:
        try:
            labelled = extractor(text)
        except ExtractionError as error:
            answers.append(
                {"study_id": report_id, "source": "rules", "status": "skipped", "reason": str(error), **NOTHING}
            )
            continue
        answers.append({"study_id": report_id, "source": "rules", "status": "ok", "reason": "", **NOTHING})
        repaired += len(labelled.repaired)
        for hedge in labelled.hedges:
            hedges[hedge.casefold()] = hedges.get(hedge.casefold(), 0) + 1
        for finding in template.findings:
            span = labelled.evidence.get(finding.id)
            findings.append(
                (report_id, finding.name, "rules", labelled.values[finding.id].value)
                + ((span.text, span.start, span.end, "true") if span else ("", -1, -1, ""))
                + (float("nan"),)
            )
    record = {"raised by the hierarchy": repaired, "hedges": dict(sorted(hedges.items(), key=lambda h: (-h[1], h[0])))}
    return _labelled(findings, answers, record)


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
    findings, answers = [], []
    with chat.extract(
        reports,
        template=template,
        settings=settings,
        store_path=store_path,
        deidentify=deidentify,
        retry_failed=retry_failed,
    ) as extracted:
        for answer in extracted:
            answers.append(
                {
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
            )
            for finding in template.findings if answer.labels else ():
                label = answer.labels[finding.id]
                place = (-1, -1) if label.start is None else (label.start, label.end)
                grounded = "" if not label.evidence else str(label.grounded).lower()
                findings.append(
                    (answer.report_id, finding.name, "openai", label.raised.value, label.evidence, *place, grounded)
                    + (float("nan") if label.confidence is None else label.confidence,)
                )
        record = {**extracted.record, **extracted.quality(), "stopped": extracted.stopped or ""}
    return _labelled(findings, answers, record)


def record_table(record: dict[str, dict]) -> pd.DataFrame:
    """What is known of each extractor's run, one row per fact; sections of a record are flattened."""
    rows = []
    for source, facts in record.items():
        for name, fact in facts.items():
            inner = {f"{name}: {key}": value for key, value in fact.items()} if isinstance(fact, dict) else {name: fact}
            rows += [{"extractor": source, "fact": key, "value": str(value)} for key, value in inner.items()]
    return pd.DataFrame(rows, columns=["extractor", "fact", "value"]).set_index(["extractor", "fact"])


def _labelled(findings: list[tuple], answers: list[dict], record: dict) -> Labelled:
    columns = list(tables.FINDINGS.all_columns)
    return Labelled(
        tables.check(pd.DataFrame(findings, columns=columns), tables.FINDINGS),
        tables.check(pd.DataFrame(answers, columns=list(tables.ANSWERS.all_columns)), tables.ANSWERS),
        record,
    )


def agreement(findings: pd.DataFrame) -> pd.DataFrame:
    """Where two extractors label the same study: per finding the labels compared, equal ones, and their share.

    Returns an empty table when there is only one source.
    """
    wide = findings.pivot(index=["study_id", "finding"], columns="source", values="value").dropna()
    if wide.shape[1] < 2:
        return pd.DataFrame(columns=["finding", "n", "equal", "share"])
    equal = wide.iloc[:, 0] == wide.iloc[:, 1]
    table = equal.groupby("finding", sort=False).agg(n="size", equal="sum").reset_index()
    return table.assign(share=table.equal / table.n).sort_values("share", ignore_index=True)
