"""What a methods section must say of a run at an endpoint: what was asked, what was honoured, what came back.

Used by `extracted`; 01_extraction makes the MI-CLEAR-LLM table of it. It holds no key, no text, no report id and no
private address: a host is named only where everybody may know it.
"""

import statistics
from array import array
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from labkit.extraction import prices
from labkit.extraction.runs import Run
from labkit.extraction.settings import Settings

__all__ = ["Used", "of_run"]

MODE_WORDS = {
    "json_schema": "JSON schema that the endpoint enforces (json_schema), validated again here",
    "tools": "arguments of a tool call with that schema (tools), validated here",
    "json_object": "JSON object, the schema given in words (json_object), validated here",
}
FACTS_OF_METHOD = (
    "api_version", "mode", "temperature", "seed", "logprobs", "reasoning_effort", "batch", "samples",
    "max_completion_tokens", "max_prompt_tokens", "concurrency", "timeout_s", "report_timeout_s", "run_timeout_s",
    "max_attempts", "budget", "texts",
)  # fmt: skip


class Used:
    """Sums over the answers that a result rests on, each once, whenever it was asked."""

    def __init__(self):
        self.n = Counter(dict.fromkeys(("answers", "completions", "requests", "rate_limited"), 0))
        self.tokens = [0, 0, 0]
        self.cost: float | None = 0.0
        self.snapshots, self.fingerprints, self.modes = Counter(), Counter(), Counter()
        self.refused, self.honoured_logprobs = Counter(), 0
        self.first = self.last = ""
        self._seconds = array("d")

    def add(self, facts: dict[str, Any]) -> None:
        """Count one stored answer; `facts` as the store keeps them, without labels."""
        completions = facts.get("completions", facts["attempts"])
        self.n["answers"] += 1
        self.n["completions"] += completions
        self.n["requests"] += facts["attempts"]
        self.n["rate_limited"] += facts.get("rate_limited", 0)
        self.tokens = [total + n for total, n in zip(self.tokens, facts["tokens"])]
        self.cost = None if self.cost is None or facts["cost"] is None else self.cost + facts["cost"]
        for counter, name in ((self.snapshots, "snapshot"), (self.fingerprints, "fingerprint"), (self.modes, "mode")):
            if facts.get(name):
                counter[facts[name]] += 1
        self.refused.update(facts.get("refused", ()))
        self.honoured_logprobs += bool(facts.get("logprobs"))
        if completions:
            # Of one call: an answer that was asked twice counts with its mean.
            self._seconds.append(facts["seconds"] / completions)
        asked_at = facts["asked_at"]
        self.first = min(self.first or asked_at, asked_at)
        self.last = max(self.last, asked_at)

    def facts(self) -> dict[str, Any]:
        prompt, cached, completion = self.tokens
        return {
            "snapshots": dict(self.snapshots.most_common()), "fingerprints": dict(self.fingerprints.most_common()),
            "first_asked_at": self.first, "last_asked_at": self.last, **self.n,
            "retries": max(0, self.n["requests"] - self.n["answers"]),
            "prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": completion,
            "cached_share": round(cached / prompt, 4) if prompt else None,
            "cost": None if self.cost is None else round(self.cost, 6),
            "seconds_median": round(statistics.median(self._seconds), 3) if self._seconds else None,
            "seconds_longest": round(max(self._seconds), 3) if self._seconds else None,
        }  # fmt: skip


def of_run(run: Run, used: Used, *, counts: dict[str, int], seconds: float) -> dict[str, Any]:
    """The record of a run that ended; `used` sums up the answers of its result."""
    job, settings, tally = run.job, run.job.settings, run.tally
    found, table = run.capabilities(), prices.load(settings.prices)
    dumped = settings.model_dump(mode="json")
    return {
        "model": settings.model, "provider": settings.provider, "endpoint": settings.endpoint_kind,
        "prompt": job.prompt.name, "prompt_sha256": job.prompt.sha256,
        "template": job.template.anatomy, "template_sha256": job.template_sha256,
        "settings": {name: dumped[name] for name in FACTS_OF_METHOD} | {"switches": settings.switches},
        "sampling": _sampling(settings, used), "form": {MODE_WORDS[mode]: n for mode, n in used.modes.most_common()},
        "fallbacks": list(found["notes"]) if found else [], "capabilities": found,
        "warnings": _warnings(found),
        "texts": _texts(job), "deidentified": job.deidentify is not None,
        "reports_with_placeholders": run.spool.n_cleaned, "placeholders": dict(run.spool.placeholders),
        "answers_used": used.facts(),
        # Of this run alone: what the store held already is not in these.
        "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3), "reports": run.spool.n, "statuses": counts,
        "calls": tally.calls, "reused": tally.reused, "tokens": list(tally.tokens),
        "cost": round(tally.spent, 6) if job.price else None, "currency": table.currency,
        "prices_dated": table.dated.isoformat() if job.price else "",
        "rejected_calls": run.gate.rejections, "pauses": run.gate.pauses,
        "paced_per_s": None if run.gate.rate is None else round(run.gate.rate, 2),
        "stopped": run.stopped,
    }  # fmt: skip


def _sampling(settings: Settings, used: Used) -> dict[str, str]:
    """What was asked of the model's sampling and what became of it, in words."""
    words = {}
    for name in ("temperature", "seed", "reasoning_effort"):
        asked = getattr(settings, name)
        if asked is None:
            words[name] = "not sent"
        elif used.refused[name]:
            words[name] = f"{asked:g}" if isinstance(asked, float) else str(asked)
            words[name] += ", refused by the endpoint and left out"
        else:
            words[name] = f"{asked:g}, accepted" if isinstance(asked, float) else f"{asked}, accepted"
    if settings.samples > 1 and settings.seed is not None and not used.refused["seed"]:
        words["seed"] = f"{settings.seed} to {settings.seed + settings.samples - 1}, one per answer, accepted"
    if not settings.logprobs:
        words["logprobs"] = "not asked for"
    elif used.refused["logprobs"]:
        words["logprobs"] = "refused by the endpoint and left out"
    else:
        words["logprobs"] = f"asked for, given with {used.honoured_logprobs} of {used.n['answers']} answers"
    return words


def _texts(job: Any) -> str:
    """How the reports were sent, in words."""
    if job.deidentify is not None:
        return "de-identified before sending"
    if job.settings.is_local:
        return "sent as they are to a local endpoint"
    return "already anonymised, as the user states"


def _warnings(found: dict[str, Any] | None) -> list[str]:
    """What a user should know of the endpoint, one sentence each."""
    if found is None:
        return []
    said = list(found["notes"])
    if found["shutdown_date"]:
        said.append(f"the provider announces to switch this model off on {found['shutdown_date']}")
    return said
