"""Ask a model for the labels of one text: send, judge, ask once more where that makes sense, count what it cost.

Used by `engine`.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labkit.extraction.answers import Reply, interpret, logprobs_of
from labkit.extraction.endpoint import CUT, Capabilities, encode, request
from labkit.extraction.outcomes import Rejected, StopRun, Unanswered
from labkit.extraction.prices import Budget, Price
from labkit.extraction.prompts import Prompt
from labkit.extraction.sending import Sender, Trace
from labkit.extraction.settings import Settings
from labkit.templates import Template

__all__ = ["Asked", "Asker", "tokens_of"]

DENSITY = 1 / 3  # tokens per character, on the safe side for German; the endpoint's own counts replace it
SAME_REJECTIONS = 3  # requests refused alike in a row mean that the set-up is wrong, not the report
CUT_IN_A_ROW = 3
MARK = "\0the report stands here\0"  # no prompt holds a NUL, so the text is put in its one place


def tokens_of(data: object) -> tuple[int, int, int]:
    """(prompt, cached part of it, completion) tokens of a completion; 0 where the server does not count."""
    usage = data.get("usage") if isinstance(data, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    numbers = [usage.get("prompt_tokens"), (details or {}).get("cached_tokens") if isinstance(details, dict) else 0,
               usage.get("completion_tokens")]  # fmt: skip
    prompt, cached, completion = (n if isinstance(n, int) and n > 0 else 0 for n in numbers)
    return prompt, min(cached, prompt), completion


@dataclass(frozen=True, slots=True)
class Asked:
    """What came back for one line of a batch: a completion, or an error's body, with its HTTP status."""

    body: Any
    status: int


class Asker:
    """Holds what is the same for every report of a run."""

    def __init__(self, sender: Sender, *, settings: Settings, prompt: Prompt, template: Template,
                 found: Capabilities, money: tuple[Price | None, Budget]):  # fmt: skip
        self.sender, self.settings, self.prompt, self.template, self.found = sender, settings, prompt, template, found
        self.price, self.budget = money
        self.tokens = [0, 0, 0]
        self._system = len(prompt.in_words if found.mode == "json_object" else prompt.text)
        self._schema = 0 if found.mode == "json_object" else 90 * len(template.ids)
        self._rejections = self._cuts = 0
        self._frames: dict[tuple[int, int], list[bytes]] = {}

    async def ask(self, text: str, sample: int) -> tuple[str, str, dict]:
        """(status, reason, payload) of one text; raises StopRun when the run must end."""
        long = self._too_long(text)
        if long:
            return "skipped", long, self._payload(Reply("skipped"), _Seen(), sample)
        deadline = time.monotonic() + self.settings.report_timeout_s
        most, seen, reply = self.settings.max_completion_tokens, _Seen(), Reply("error")
        for attempt in range(1, 3):
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    data = await self._one((text, sample), most, seen, deadline)
            except TimeoutError:
                reply = Reply("error", f"given up after {self.settings.report_timeout_s:g} s")
                break
            except Unanswered as error:
                reply = Reply("error", str(error))
                break
            except Rejected as error:
                reply = self._rejected(error)
                break
            self._rejections = 0
            reply = self._judge(data, text)
            if not reply.again or attempt == 2:
                break
            most = 2 * most if reply.status == "truncated" else most
        return reply.status, reply.reason, self._payload(reply, seen, sample)

    async def _one(self, asked: tuple[str, int], most: int, seen: "_Seen", deadline: float) -> dict:
        text, sample = asked
        body = self._body(text, sample, most)
        guess = self.expected_tokens(text)
        worst = self.price.cost(guess, 0, most) if self.price else 0.0
        await self.budget.reserve(worst)
        # What an unanswered call cost is not told; its prompt may have been paid.
        cost = self.price.cost(guess, 0, 0) if self.price else 0.0
        try:
            data = await self.sender.send(body, deadline=deadline, trace=seen.trace)
            counts = tokens_of(data)
            seen.add(data, counts)
            self.tokens = [total + n for total, n in zip(self.tokens, counts)]
            cost = self.price.cost(*counts) if self.price else 0.0
            return data
        except (Rejected, StopRun):
            cost = 0.0
            raise
        finally:
            self.budget.settle(worst, cost)

    def _body(self, text: str, sample: int, most: int) -> bytes:
        """The request as bytes; all of it but the report is encoded once."""
        frame = self._frames.get((sample, most))
        if frame is None:
            body = request(MARK, settings=self.settings, prompt=self.prompt, template=self.template, found=self.found,
                           seed=self._seed(sample), max_tokens=most)  # fmt: skip
            frame = self._frames[sample, most] = encode(body).split(encode(MARK))
        head, tail = frame
        return head + encode(text) + tail

    def _seed(self, sample: int) -> int | None:
        return None if self.settings.seed is None else self.settings.seed + sample

    def judge_line(self, asked: Asked, text: str, sample: int) -> tuple[str, str, dict]:
        """(status, reason, payload) of a line that a batch brought back."""
        seen = _Seen()
        if asked.status == 200:
            seen.add(asked.body, tokens_of(asked.body))
            reply = self._judge(asked.body, text)
        else:
            error = asked.body.get("error") if isinstance(asked.body, dict) else None
            reply = Reply("error", f"HTTP {asked.status}")
            if isinstance(error, dict) and error.get("code") == "content_filter":
                reply = Reply("filtered", "a content filter stopped the prompt")
        return reply.status, reply.reason, self._payload(reply, seen, sample)

    def expected_tokens(self, text: str) -> int:
        """Prompt tokens of a text, rather too many than too few."""
        known = self.found.tokens_per_character
        density = max(DENSITY, 1.1 * known) if known else DENSITY
        return int((self._system + self._schema + len(text)) * density) + 16

    def _too_long(self, text: str) -> str:
        # Refusing what might fit is worse than a refusal by the server, so the smaller estimate decides.
        known = self.found.tokens_per_character or 0.25
        tokens = int((self._system + len(text)) * known)
        room = self.found.context_tokens
        room = room - min(self.settings.max_completion_tokens, room // 4) if room else None
        limits = [n for n in (self.settings.max_prompt_tokens, room) if n]
        if limits and tokens > min(limits):
            return f"report too long: about {tokens} prompt tokens, at most {min(limits)}"
        return ""

    def _judge(self, data: dict, text: str) -> Reply:
        density, (prompt, _, _) = self.found.tokens_per_character, tokens_of(data)
        expected = density * (self._system + len(text)) if density else 0
        if 0 < prompt < CUT * expected:
            self._cuts += 1
            if self._cuts >= CUT_IN_A_ROW:
                raise StopRun(
                    f"The server reads only {prompt} tokens of prompts of about {expected:.0f}; raise its context "
                    "length (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH; llama.cpp: --ctx-size), then run again with "
                    "retry-failed.",
                    stale=True,
                )
            return Reply("truncated", f"the server cut the prompt to {prompt} of about {expected:.0f} tokens")
        self._cuts = 0
        return interpret(data, text, mode=self.found.mode, template=self.template)

    def _rejected(self, error: Rejected) -> Reply:
        """Status of a refused request; several in a row stop the run."""
        if error.code == "content_filter" or "content_filter" in error.hint:
            return Reply("filtered", "a content filter stopped the prompt")
        if error.status == 413 or error.code in {"context_length_exceeded", "string_above_max_length"}:
            return Reply("skipped", "report too long for the model's context")
        self._rejections += 1
        code = f", {error.code}" if error.code else ""
        if self._rejections >= SAME_REJECTIONS:
            raise StopRun(
                f"Endpoint {self.settings.host} refuses the requests (HTTP {error.status}{code}); check the model's "
                "settings.",
                stale=True,
            )
        return Reply("error", f"the server refused the request (HTTP {error.status}{code})")

    def _payload(self, reply: Reply, seen: "_Seen", sample: int) -> dict:
        data, settings = seen.data, self.settings
        payload = {
            "model": settings.model, "snapshot": str(data.get("model") or "")[:100],
            "fingerprint": str(data.get("system_fingerprint") or "")[:100], "mode": self.found.mode,
            "refused": list(self.found.refused), "temperature": settings.temperature, "seed": self._seed(sample),
            "logprobs": seen.logprobs, "sample": sample, "prompt": self.prompt.sha256,
            "attempts": seen.trace.requests, "rate_limited": seen.trace.rate_limited, "completions": seen.completions,
            "tokens": seen.counts, "seconds": round(seen.trace.seconds, 4),
            "cost": self.price.cost(*seen.counts) if self.price else None,
            "asked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        if reply.labels is not None:
            payload["labels"] = reply.labels
        if reply.content:
            payload["content"] = reply.content
        return payload


class _Seen:
    """Completions of one report so far: all of them are paid."""

    def __init__(self):
        self.data: dict = {}
        self.completions, self.counts, self.logprobs = 0, [0, 0, 0], False
        self.trace = Trace()

    def add(self, data: object, counts: tuple[int, int, int]) -> None:
        self.data = data if isinstance(data, dict) else {}
        self.completions += 1
        self.counts = [total + n for total, n in zip(self.counts, counts)]
        self.logprobs = bool(logprobs_of(self.data))
