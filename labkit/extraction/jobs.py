"""What a run asks, how far it is, and what is known of a report before it is sent.

Used by `engine`, `batch` and `chat`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from labkit.extraction.prices import Price
from labkit.extraction.prompts import Prompt
from labkit.extraction.settings import Settings
from labkit.extraction.spool import Row
from labkit.extraction.store import Store
from labkit.templates import Template

__all__ = ["Job", "Tally", "prepare", "sample_key"]


@dataclass(frozen=True)
class Job:
    """What is asked, how, and where answers are kept."""

    template: Template
    settings: Settings
    prompt: Prompt
    store: Store
    price: Price | None = None
    deidentify: Callable[[str], Any] | None = None
    retry_failed: bool = False

    @cached_property
    def template_sha256(self) -> str:
        """Hash of the template's content: findings, names, definitions, hierarchy and terms."""
        return hashlib.sha256(self.template.model_dump_json().encode()).hexdigest()


@dataclass
class Tally:
    """How far the run is; written by the engine, read by the progress bar."""

    seen: int = 0
    done: float = 0.0
    failed: int = 0
    reused: int = 0
    calls: int = 0
    tokens: list[int] = field(default_factory=lambda: [0, 0, 0])
    spent: float = 0.0
    first_call: float | None = None  # time.monotonic of the first report's call, the probe left out


def sample_key(key: str, sample: int) -> str:
    """Store key of a further answer to the same report."""
    return key if sample == 0 else f"{key}:{sample}"


def prepare(report_id: str, text: object, *, digest: bytes, deidentify: Callable | None) -> tuple[Row, str]:
    """Row of a report and the text to send; a row with a status is not sent."""
    if not isinstance(text, str) or not text.strip():
        return Row(report_id, status="skipped", reason="empty report"), ""
    # Lone surrogates would break the request; they come from wrongly decoded files.
    text = text.encode("utf-8", "replace").decode("utf-8")
    cleaned, original = None, ""
    if deidentify is not None:
        try:
            cleaned = deidentify(text)
        except Exception as error:
            # Whatever went wrong, a text that could not be cleaned does not leave.
            return Row(report_id, status="blocked", reason=f"de-identification failed ({type(error).__name__})"), ""
        if cleaned.text == text:
            cleaned = None
        else:
            text, original = cleaned.text, text
    key = hashlib.sha256(digest + text.encode()).hexdigest()
    return Row(report_id, key, cleaned=cleaned, original=original), text
