"""What an answer says: from a model's completion to a status from a closed list and labels with located quotes.

Used by `chat` and `batch`, which keep `Reply.payload` in the store and read it back as `Answer`, one per report.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labkit.extraction import quotes
from labkit.extraction.confidence import value_confidence
from labkit.extraction.schema import Invalid, parse
from labkit.templates import LabelValue, Template

__all__ = ["STATUSES", "Answer", "Label", "Original", "Reply", "combine", "content_of", "interpret", "logprobs_of"]

# ok; refused by the model; stopped by a content filter; answer or prompt cut off; not the asked JSON; no answer from
# the server; held back by de-identification; not sent at all.
STATUSES = ("ok", "refused", "filtered", "truncated", "invalid", "error", "blocked", "skipped")
WORDS = {value.value: value for value in LabelValue}  # a look-up costs a tenth of the enum's own call
KEPT = 20_000  # characters of a failed answer that are kept for looking at


@dataclass(slots=True)
class Reply:
    """One completion, judged; `again` says whether asking once more makes sense."""

    status: str
    reason: str = ""
    labels: dict[str, list] | None = None  # id: [value, quote, start, end, confidence]; places in the text as sent
    again: bool = False
    content: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """A report as it stands in the hospital, beside the offset map of the text that was sent instead."""

    text: str = field(repr=False)
    cleaned: Any

    def quoted(self, start: int, end: int) -> tuple[str, int, int]:
        """Letters and place in the report of a place in the text that was sent."""
        start, end = self.cleaned.to_original(start, end)
        return self.text[start:end], start, end


class Label(NamedTuple):
    """One finding of one report; `value` as answered, `raised` after the hierarchy rule.

    Where `start` is a number, `evidence` is the original report's [start, end).
    """

    value: LabelValue
    raised: LabelValue
    evidence: str
    start: int | None
    end: int | None
    grounded: bool  # the quote stands in the report; false without a quote needs none
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one report; rows come in the order of the reports."""

    report_id: str
    status: str
    reason: str = ""
    labels: dict[str, Label] = field(default_factory=dict, repr=False)
    violations: tuple[tuple[str, str], ...] = ()  # (parent id, child id) in which the answer broke the hierarchy
    model: str = ""
    snapshot: str = ""
    fingerprint: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None  # None where the model has no price; 0 for a text that was asked once before
    seconds: float = 0.0
    attempts: int = 0
    asked_at: str = ""

    @property
    def values(self) -> dict[str, LabelValue]:
        """Values by finding id as the model gave them."""
        return {i: label.value for i, label in self.labels.items()}

    @property
    def raised(self) -> dict[str, LabelValue]:
        """Values by finding id after the hierarchy rule."""
        return {i: label.raised for i, label in self.labels.items()}


def interpret(data: Any, text: str, *, mode: str, template: Template) -> Reply:
    """Judge a completion; `text` is what was sent, for locating the quotes. Nothing of either is in a reason."""
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return Reply("invalid", "no completion in the response", again=True)
    choice = choices[0]
    message = choice.get("message") if isinstance(choice.get("message"), dict) else {}
    finish, content = choice.get("finish_reason"), content_of(choice, mode)
    content = content if isinstance(content, str) else ""
    if message.get("refusal"):
        return Reply("refused", "the model refused to answer")
    if finish == "content_filter":
        return Reply("filtered", "a content filter stopped the answer")
    if finish == "length":
        blank = len(content) - len(content.rstrip()) > 50
        reason = (
            "the answer ran into white space (switch it off at the server)"
            if blank
            else "the answer was cut at the token limit"
        )
        return Reply("truncated", reason, again=True, content=content[:KEPT])
    if not content.strip():
        return Reply("invalid", "empty answer", again=True)
    try:
        readings = parse(content, template)
    except Invalid as error:
        return Reply("invalid", str(error), again=True, content=content[:KEPT])
    sure = value_confidence(content, logprobs_of(data))
    labels = {}
    for i, reading in readings.items():
        quote = reading.evidence.strip()
        span = quotes.locate(quote, text) if quote else None
        # Located, the report's own letters count, not the model's copy of them.
        place = [span.text, span.start, span.end] if span else [quote, None, None]
        labels[i] = [reading.value.value, *place, sure.get(i)]
    return Reply("ok", labels=labels)


def logprobs_of(data: Any) -> list:
    """Tokens with their log-probabilities of a completion; empty where the server gave none."""
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    found = choice.get("logprobs")
    tokens = found.get("content") if isinstance(found, dict) else None
    return tokens if isinstance(tokens, list) else []


def content_of(choice: dict, mode: str) -> str | None:
    """The answer's text: the tool's arguments in tool mode, else the message."""
    message = choice.get("message") or {}
    calls = message.get("tool_calls") or []
    if mode == "tools" and calls:
        return (calls[0].get("function") or {}).get("arguments")
    return message.get("content")


def combine(payloads: list[dict], template: Template, original: Original | None) -> tuple[dict[str, Label], tuple]:
    """Labels by finding id and hierarchy violations from one good answer, or the vote of several.

    A vote goes to the value with most answers, a tie to the first answer; the quote is that of the first answer with
    the value.
    """
    answers = [payload["labels"] for payload in payloads]
    first = dict(answers[0]) if len(answers) == 1 else {i: _vote([a[i] for a in answers]) for i in template.ids}
    values = {i: WORDS[first[i][0]] for i in template.ids}
    # Nothing stands above its parent where all is false.
    some = any(value is not LabelValue.FALSE for value in values.values())
    violations = tuple(template.violations(values)) if some else ()
    raised = template.raise_parents(values) if violations else values
    labels = {}
    for i in template.ids:
        _, quote, start, end, sure = first[i]
        if raised[i] is not values[i]:
            # A raised parent rests on the sentence that raised it, and is as sure as that.
            quote, start, end, sure = _inherited(i, raised[i], first, template)
        if start is not None and original is not None:
            quote, start, end = original.quoted(start, end)
        grounded = start is not None or (raised[i] is LabelValue.FALSE and not quote)
        labels[i] = Label(values[i], raised[i], quote, start, end, grounded, sure)
    return labels, violations


def _vote(entries: list[list]) -> list:
    counts = Counter(entry[0] for entry in entries)
    most = max(counts.values())
    chosen = next(entry for entry in entries if counts[entry[0]] == most)
    return [*chosen[:4], round(most / len(entries), 4)]


def _inherited(parent: str, value: LabelValue, entries: dict[str, list], template: Template) -> list:
    """Quote, offsets and confidence of the descendant that raised a parent to the value."""
    children = [f.id for f in template.findings if parent in f.parents]
    for child in children:
        if entries[child][0] == value:
            return entries[child][1:5]
    for child in children:
        found = _inherited(child, value, entries, template)
        if found[0]:
            return found
    return ["", None, None, None]
