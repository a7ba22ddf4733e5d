"""One request to an OpenAI-compatible endpoint, with the retries that make sense, through the shared gate.

Used by `endpoint` and `asking`. The official client does the talking with its own retries switched off: they would
hammer per call, the gate waits for all. Nothing that a server says is repeated in a message, since it may echo a
report or a key.
"""

import asyncio
import random
import re
import time
from dataclasses import dataclass
from typing import Any

import openai
from pydantic import TypeAdapter, ValidationError

from labkit.extraction.gate import Gate
from labkit.extraction.outcomes import Rejected, StopRun, Unanswered
from labkit.extraction.settings import Settings

__all__ = ["Sender", "Trace", "connect"]

CHAT = "/chat/completions"
POOL, MOST_POOLS = 8, 16  # connections per client, clients
MOST_WAIT_S = 8.0
ANY_JSON = TypeAdapter(Any)
UNREACHED = 20  # connections in a row that may fail before the run stops


def connect(settings: Settings) -> list[openai.AsyncOpenAI]:
    """Official clients for one event loop, to be closed there.

    There are several, since the connection pool looks at all its connections for every request: small pools cost less
    time.
    """
    options = {"api_key": settings.api_key(), "max_retries": 0, "timeout": settings.timeout_s}
    kind, place = openai.AsyncOpenAI, {"base_url": settings.base_url}
    if settings.provider == "azure":
        kind = openai.AsyncAzureOpenAI
        place = {"azure_endpoint": settings.base_url, "api_version": settings.api_version}
    n = min(MOST_POOLS, -(-settings.concurrency // POOL))
    return [kind(**place, **options, **_direct(settings)) for _ in range(n)]


def _direct(settings: Settings) -> dict[str, Any]:
    """What keeps a text for this machine or the hospital there: no proxy of the environment, no other address.

    It may be sent as it is, names included, because the endpoint is local; a proxy or a redirect would take it away.
    """
    if not settings.is_local:
        return {}
    no_proxy = dict.fromkeys(("http://", "https://", "all://"))
    return {"http_client": openai.DefaultAsyncHttpxClient(mounts=no_proxy, follow_redirects=False)}


@dataclass(slots=True)
class Trace:
    """What sending one body took: requests, those told to wait, and seconds of the call that answered."""

    requests: int = 0
    rate_limited: int = 0
    seconds: float = 0.0


class Sender:
    """Sends request bodies and tells the gate how it went."""

    def __init__(self, clients: list[openai.AsyncOpenAI], settings: Settings, gate: Gate, *, rng: random.Random):
        self.clients, self.settings, self.gate, self.rng = clients, settings, gate, rng
        self._busy = [0] * len(clients)
        self.calls = 0
        self.halted: str | None = None  # a sentence: send nothing any more
        self._unreached = 0

    async def send(
        self, body: bytes, *, deadline: float | None = None, attempts: int | None = None, trace: Trace | None = None
    ) -> Any:
        """The completion, parsed (None where it is no JSON); `trace` is told what it took, also without an answer.

        Raises
        ------
        StopRun, Unanswered, Rejected : see there.
        """
        faults, trace = 0, trace or Trace()
        deadline = deadline or time.monotonic() + self.settings.report_timeout_s
        while True:
            try:
                async with self.gate as ticket:
                    if self.halted:
                        raise StopRun(self.halted)
                    return await self._once(body, trace)
            except openai.APIStatusError as error:
                trace.rate_limited += error.status_code == 429
                reason = self._judge(error, ticket)
            except (TimeoutError, openai.APITimeoutError):
                self.gate.troubled()
                reason = f"no answer within {self.settings.timeout_s:g} s"
            except openai.APIConnectionError:
                reason = self._unreachable()
            faults += reason is not None
            if faults >= (attempts or self.settings.max_attempts):
                raise Unanswered(f"{reason}, {faults} attempts")
            wait = 0.0
            if reason is not None:
                wait = min(MOST_WAIT_S, 0.5 * 2 ** (faults - 1)) * self.rng.uniform(0.75, 1.25)
            if max(time.monotonic() + wait, self.gate.until) > deadline:
                raise Unanswered(f"{reason or 'rate limit'}, given up after {self.settings.report_timeout_s:g} s")
            if self.halted:
                raise StopRun(self.halted)
            await asyncio.sleep(wait)

    async def _once(self, body: bytes, trace: Trace) -> Any:
        self.calls += 1
        trace.requests += 1
        began = time.monotonic()
        pool = self._busy.index(min(self._busy))
        self._busy[pool] += 1
        try:
            data = await self._post(pool, body)
        finally:
            self._busy[pool] -= 1
        self._unreached = 0
        self.gate.answered()
        trace.seconds += time.monotonic() - began
        return data

    async def _post(self, pool: int, body: bytes) -> Any:
        # The documented way to call a path without the client's models. Bytes out and in: the prompt is encoded once
        # for all reports, and an answer with thousands of log-probabilities is read by the fastest parser at hand.
        async with asyncio.timeout(self.settings.timeout_s):
            data = await self.clients[pool].post(CHAT, content=body, cast_to=bytes)
        try:
            return ANY_JSON.validate_json(data)
        except ValidationError:
            return None  # as a gateway's HTML page: an invalid answer, paid perhaps

    def _judge(self, error: openai.APIStatusError, ticket: int) -> str | None:
        """Reason to try again (None: a rate limit), or raise what ends the call or the run."""
        self._unreached = 0
        status, code = error.status_code, _word(error.code)
        host, model = self.settings.host, self.settings.model
        if status == 401 or (status == 403 and code != "content_filter"):
            key = self.settings.api_key_env
            raise StopRun(f"Endpoint {host} does not accept the key in {key} (HTTP {status}); set it to a valid key.")
        if status < 400:
            raise StopRun(
                f"Endpoint {host} sends on to another address (HTTP {status}), where a local endpoint's texts do not "
                "go; give the right address as base_url."
            )
        if status == 404:
            raise StopRun(
                f"Endpoint {host} has no model '{model}' or no chat completions (HTTP 404); check model and base_url."
            )
        if code in {"insufficient_quota", "billing_hard_limit_reached"}:
            raise StopRun(
                f"The quota of the account at {host} is used up; add credit or choose another endpoint, then run again."
            )
        if status == 429 or (status == 503 and "retry-after" in error.response.headers):
            self.gate.rejected(_retry_after(error.response.headers), ticket=ticket)
            return None if status == 429 else "HTTP 503"
        if status in {408, 409} or (status >= 500 and status != 501):
            self.gate.troubled()
            return f"HTTP {status}"
        hint = f"{error.body or ''}".lower()
        raise Rejected(status, code, _word(getattr(error, "param", None)), hint)

    def _unreachable(self) -> str:
        self.gate.troubled()
        self._unreached += 1
        if self._unreached > max(UNREACHED, 2 * self.settings.concurrency):
            raise StopRun(self.unreached)
        return "connection lost"

    @property
    def unreached(self) -> str:
        """A sentence where no connection since the last reply has led to one; empty otherwise."""
        if not self._unreached:
            return ""
        return f"Endpoint {self.settings.host} cannot be reached; check that the server runs and the address is right."


def _word(value: object) -> str:
    """A server's code as a plain word; anything longer or stranger is not passed on."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.\-]{1,60}", value) else ""


def _retry_after(headers) -> float | None:
    """Seconds to wait by Retry-After (also its millisecond form), at most ten minutes; None where it is not given."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return min(600.0, max(0.0, float(headers[name]) / unit))
        except (KeyError, ValueError):
            continue
    return None
