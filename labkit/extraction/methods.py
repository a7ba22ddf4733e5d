"""What a methods section must say of an extraction: one table by the items of MI-CLEAR-LLM, and the prompt in full.

Used by 01_extraction. Items: the eight of the update, Park et al., Korean J Radiol 2025;26:1123-1132 (doi
10.3348/kjr.2025.1522), first 2024;25:865-868 with six. What labkit cannot know is left to the author in words.
"""

import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.extraction import prompts
from labkit.extraction.labelling import Labelled
from labkit.extraction.schema import strict_schema
from labkit.extraction.settings import Settings
from labkit.templates import Template

__all__ = ["AUTHOR", "ITEMS", "prompt_files", "save_record", "table"]

AUTHOR = "to be stated by the author"
RULE = "a parent is at least the highest of its children (false < uncertain < true)"
OWN_PROMPT = "extraction"
TECHNIQUES = "instructions with definitions, German and English examples of hedges, quote before value"
# Item of the checklist and what of it is said; the last three groups go beyond the checklist.
ITEMS = (
    ("1 Identification of the model", ("Model", "Version", "Developer", "Dates of the calls", "Training data until")),
    ("2 Access mode", ("Access", "Interface", "Memory between reports", "Computing environment")),
    ("3 Input data", ("Input", "Identifiers in the texts")),
    ("4 Adaptation", ("Adaptation", "Clinical choices")),
    ("5 Prompt", ("Prompt", "Techniques", "Development")),
    ("6 Execution", ("Set-up", "Form of the answer", "Limits")),
    ("7 Stochasticity", ("Randomness", "Repeated queries", "Confidence")),
    ("8 Independence of the test data", ("Test data",)),
    ("Answers", ("Checking", "Quotes", "Hierarchy")),
    ("Failures", ("Reports by status", "Handling")),
    ("Cost", ("Tokens", "Money")),
)


def table(labelled: Labelled, *, template: Template) -> pd.DataFrame:
    """Columns item, detail and one per extractor that ran, in words; no text of a report, no address of a server."""
    made = {}
    for source, record in labelled.record.items():
        answers = labelled.answers[labelled.answers["source"] == source]
        statuses = answers["status"].value_counts()
        counts = ", ".join(f"{status} {n:,}" for status, n in statuses.items())
        common = {"Reports by status": f"{len(answers):,} reports: {counts}" if len(answers) else "no report"}
        column = _rules_column(record, len(answers)) if source == "rules" else _model_column(record, template)
        made[source] = common | column
    rows = [
        {"item": item, "detail": detail, **{source: column.get(detail, AUTHOR) for source, column in made.items()}}
        for item, details in ITEMS
        for detail in details
    ]
    return pd.DataFrame(rows)


def prompt_files(settings: Settings | None, template: Template, *, record: dict, folder: Path) -> list[Path]:
    """Write the prompt as it was sent and the JSON schema; they hold no word of a report. Empty without a model."""
    if settings is None or "openai" not in record:
        return []
    prompt, in_words = _prompt(settings, template, record["openai"])
    schema = json.dumps(strict_schema(template), ensure_ascii=False, indent=1)
    return [
        tables.atomic_write(Path(folder) / f"prompt_{prompt.name}.md", in_words.encode()),
        tables.atomic_write(Path(folder) / "answer_schema.json", schema.encode() + b"\n"),
    ]


def save_record(record: dict, path: Path) -> Path:
    """Write everything known of the runs as JSON."""
    return tables.atomic_write(path, json.dumps(record, ensure_ascii=False, indent=1, default=str).encode() + b"\n")


def _prompt(settings: Settings, template: Template, record: dict) -> tuple[prompts.Prompt, str]:
    """The prompt and its text in the form that the endpoint got."""
    prompt = prompts.load(settings.prompt, template, switches=settings.switches)
    in_words = any("json_object" in form for form in record["form"])
    return prompt, prompt.in_words if in_words else prompt.text


def _rules_column(record: dict, n: int) -> dict[str, str]:
    files = f"{record['template']} {record['template_sha256'][:16]}"
    languages = f"{', '.join(record['languages'])} {record['languages_sha256'][:16]}"
    return {
        "Model": "no language model: rules over the terms of the template and the cues of a language",
        "Version": f"labkit {record['version']}; sha256 of the template {files}, of the language files {languages}",
        "Developer": "labkit",
        "Dates of the calls": "no calls",
        "Training data until": "no training",
        "Access": "this machine, no network",
        "Interface": "none",
        "Memory between reports": "none: every report is read by itself",
        "Computing environment": "CPU",
        "Input": f"text of {n:,} radiology reports, no images",
        "Identifiers in the texts": "no text left this machine",
        "Adaptation": f"{AUTHOR}: whether terms or cues were changed on reports of the study",
        "Clinical choices": _switches(record["switches"]),
        **dict.fromkeys(("Prompt", "Techniques", "Development"), "no prompt"),
        "Set-up": "one pass over every report",
        "Form of the answer": "a value per finding and the words behind it",
        "Limits": "none",
        "Randomness": "none: the same text gives the same labels",
        "Repeated queries": "one reading per report",
        "Confidence": "none",
        "Checking": "values are closed by construction",
        "Quotes": "every true, uncertain or negated finding is marked in the report",
        "Hierarchy": f"{RULE}: {record['raised']:,} values raised by this rule",
        "Handling": "a report without a word keeps its reason, gets no label and is not used",
        "Tokens": "none",
        "Money": "none",
    }


def _model_column(record: dict, template: Template) -> dict[str, str]:
    return {
        **_identity(record),
        **_input(record),
        **_prompting(record, template),
        **_execution(record),
        **_stochasticity(record),
        **_answers(record),
        **_cost(record),
    }


def _identity(record: dict) -> dict[str, str]:
    used = record["answers_used"]
    snapshots = _listed(used["snapshots"]) or "none returned"
    fingerprints = _listed(used["fingerprints"])
    warned = "; ".join(record["warnings"])
    dates = sorted({str(used[name] or "")[:10] for name in ("first_asked_at", "last_asked_at")} - {""})
    provider = "Azure OpenAI" if record["provider"] == "azure" else "OpenAI-compatible chat completions"
    return {
        "Model": f"{record['model']} (as asked)",
        "Version": f"returned by the endpoint: {snapshots}"
        + (f"; fingerprints {fingerprints}" if fingerprints else ""),
        "Developer": f"{AUTHOR}; open or proprietary weights, too",
        "Dates of the calls": (" to ".join(dates) or "no call was answered") + (f". Note: {warned}" if warned else ""),
        "Access": f"API at {record['endpoint']}",
        "Interface": f"{provider}, client openai {version('openai')}; no web search, no retrieval, no tools",
        "Memory between reports": "none: every report is a call of its own",
        "Computing environment": f"of the endpoint: {AUTHOR}",
    }


def _input(record: dict) -> dict[str, str]:
    replaced = "; ".join(f"{kind} {n:,}" for kind, n in record.get("placeholders", {}).items())
    said = record["texts"]
    if record["deidentified"]:
        share = record.get("reports_with_placeholders", 0)
        said += f"; placeholders in {share:,} of {record['reports']:,} reports ({replaced or 'none'})"
    return {"Input": f"text of {record['reports']:,} radiology reports, no images", "Identifiers in the texts": said}


def _prompting(record: dict, template: Template) -> dict[str, str]:
    settings = record["settings"]
    return {
        "Adaptation": "none of the model's weights, no retrieval; zero-shot but for examples that the prompt shows",
        "Clinical choices": _switches(settings["switches"]),
        "Prompt": f"'{record['prompt']}', in full beside this table; sha256 {record['prompt_sha256'][:16]}; template "
        f"{template.anatomy} with {len(template.findings)} findings, sha256 {record['template_sha256'][:16]}",
        "Techniques": TECHNIQUES if record["prompt"] == OWN_PROMPT else AUTHOR,
        "Development": AUTHOR,
    }


def _execution(record: dict) -> dict[str, str]:
    settings, used = record["settings"], record["answers_used"]
    found = record["capabilities"] or {}
    context = f"; context of {found['context_tokens']:,} tokens" if found.get("context_tokens") else ""
    fallbacks = f"; {'; '.join(record['fallbacks'])}" if record["fallbacks"] else ""
    return {
        "Set-up": f"prompt as system message, report as user message; {settings['concurrency']} calls at a time; "
        f"{used['answers']:,} answers from {used['requests']:,} requests, equal texts asked once",
        "Form of the answer": (_listed(record["form"]) or "no answer") + fallbacks,
        "Limits": f"{settings['max_completion_tokens']:,} tokens per answer, {settings['timeout_s']:g} s per call, "
        f"{settings['report_timeout_s']:g} s per report, {settings['max_attempts']} attempts{context}",
    }


def _stochasticity(record: dict) -> dict[str, str]:
    sampling, n = record["sampling"], record["settings"]["samples"]
    asked = "; ".join(f"{name.replace('_', ' ')} {what}" for name, what in sampling.items() if name != "logprobs")
    votes = f"{n} answers per report; the most frequent value, a tie goes to the first answer"
    sure = (
        "share of votes" if n > 1 else f"log-probability of the value's token: {sampling.get('logprobs', 'not asked')}"
    )
    return {
        "Randomness": asked,
        "Repeated queries": votes if n > 1 else "one answer per report",
        "Confidence": f"{sure}; known for {record['with_confidence']:,} of {record['labels']:,} labels; not calibrated",
        "Test data": f"{AUTHOR}: whether test reports were seen in the model's training or while the prompt was made",
    }


def _answers(record: dict) -> dict[str, str]:
    ungrounded = f"{record['quotes_not_found']:,} quotes are not in the report and flagged"
    missing = f"{record['quotes_missing']:,} true or uncertain values came without one"
    statuses = record["statuses"]
    return {
        "Checking": f"every answer against one model of the template: all findings, closed values; "
        f"{statuses.get('invalid', 0):,} reports failed it",
        "Quotes": f"{record['quotes']:,} quotes looked up in the report (white space, hyphens, case put aside); "
        f"{ungrounded}; {missing}",
        "Hierarchy": f"{RULE}: {record['violations']:,} violations in {record['answers_with_violations']:,} answers, "
        f"{record['raised']:,} values raised by this rule",
        "Handling": f"{record['answers_used']['retries']:,} requests repeated: after faults of the server, answers "
        f"that were not valid or a rate limit (the last {record['answers_used']['rate_limited']:,} times); a report "
        "that still has no valid answer keeps its status and reason, gets no label and is not used",
    }


def _cost(record: dict) -> dict[str, str]:
    used = record["answers_used"]
    cached = f", {used['cached_share']:.0%} of the prompt from the provider's cache" if used["cached_share"] else ""
    money = "no price known for this model"
    if used["cost"] is not None:
        money = f"{used['cost']:,.2f} {record['currency']} at the prices of {record['prices_dated']}"
    return {
        "Tokens": f"prompt {used['prompt_tokens']:,}, answers {used['completion_tokens']:,}{cached}",
        "Money": money,
    }


def _listed(counts: dict[str, int]) -> str:
    """`a (3), b (1)`; a single one without its count."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} ({n:,})" for name, n in counts.items())


def _switches(switches: dict[str, bool]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {'yes' if on else 'no'}" for name, on in switches.items())
