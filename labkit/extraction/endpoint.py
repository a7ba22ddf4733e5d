"""What an endpoint honours, found out before the first report is sent, and kept in the run record.

Used by `chat` and `batch`. The probe holds no report. What the model refuses (temperature, seed, log-probabilities …)
is left out and named; the answer's form falls back json_schema, tools, json_object in words.
"""

import json
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from labkit.extraction import servers
from labkit.extraction.answers import content_of, logprobs_of
from labkit.extraction.outcomes import Rejected, StopRun, Unanswered
from labkit.extraction.prompts import Prompt
from labkit.extraction.schema import Invalid, parse, strict_schema
from labkit.extraction.sending import Sender
from labkit.extraction.settings import Settings
from labkit.templates import Template

__all__ = ["CUT", "SLOTS_FILLED", "Capabilities", "encode", "probe", "request"]

MODES = ("json_schema", "tools", "json_object")
PROBE_REPORT = "No abnormality. Normal joint space, no fracture."
COUNTED = (400, 2000)  # characters of the prompt that are sent alone to learn tokens per character
SLOTS_FILLED = 2  # times the slots of a server in flight: one answered, one waiting
CUT = 0.8  # of the expected tokens; fewer means that the server dropped part of the prompt


class Capabilities(BaseModel):
    """What the endpoint was found to honour; part of every run record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: str = "json_schema"
    refused: tuple[str, ...] = ()  # parameters that are left out
    logprobs: bool = False
    context_tokens: int | None = None  # for prompt and answer of one call
    slots: int | None = None  # calls that the server answers at once
    shutdown_date: str | None = None
    tokens_per_character: float | None = None  # None where the server's counts cannot be used
    snapshot: str = ""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    probed_at: str = ""


def request(text: str, *, settings: Settings, prompt: Prompt, template: Template, found: Capabilities,
            seed: int | None = None, max_tokens: int | None = None) -> dict:  # fmt: skip
    """Body of a chat completion for one report; the static part first, so that a prompt cache holds it."""
    in_words = found.mode == "json_object"
    messages = [{"role": "system", "content": prompt.in_words if in_words else prompt.text},
                {"role": "user", "content": text}]  # fmt: skip
    body: dict = {"model": settings.model, "messages": messages}
    schema = {"name": "labels", "strict": True}
    if found.mode == "json_schema":
        body["response_format"] = {"type": "json_schema", "json_schema": schema | {"schema": strict_schema(template)}}
    elif found.mode == "tools":
        body["tools"] = [{"type": "function", "function": schema | {"parameters": strict_schema(template)}}]
        body["tool_choice"] = {"type": "function", "function": {"name": "labels"}}
    else:
        body["response_format"] = {"type": "json_object"}
    wanted = {"temperature": settings.temperature, "seed": settings.seed if seed is None else seed,
              "logprobs": True if settings.logprobs else None, "reasoning_effort": settings.reasoning_effort,
              "max_completion_tokens": max_tokens or settings.max_completion_tokens}  # fmt: skip
    if settings.is_openai:
        wanted |= {"store": False, "prompt_cache_key": prompt.sha256[:32]}
    body |= {name: value for name, value in wanted.items() if value is not None and name not in found.refused}
    if "logprobs" in body:
        body["top_logprobs"] = 5
    if "max_completion_tokens" in found.refused:
        body["max_tokens"] = wanted["max_completion_tokens"]
    return body


def encode(body: dict | str) -> bytes:
    """The body as it goes over the wire."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


async def probe(sender: Sender, *, settings: Settings, prompt: Prompt, template: Template) -> Capabilities:
    """Ask the endpoint once or a few times without any report.

    Raises
    ------
    StopRun : no mode gives a valid answer, the prompt is cut, or what `Sender.send` raises.
    """
    known = await servers.model_card(sender.clients[0], settings)
    first = settings.mode if settings.mode != "auto" else "json_schema"
    found = Capabilities(mode=first, **known, probed_at=datetime.now(UTC).isoformat(timespec="seconds"))
    notes: list[str] = []
    for _ in range(24):
        body = request(PROBE_REPORT, settings=settings, prompt=prompt, template=template, found=found)
        try:
            data = await sender.send(encode(body))
        except Unanswered as error:
            silent = f"Endpoint {settings.host} gave no answer to the probe ({error}); try again later."
            raise StopRun(sender.unreached or silent) from None
        except Rejected as error:
            if error.code != "content_filter":  # a filter's mood says nothing of the parameters
                found = _without(error, body, found, settings, notes)
            continue
        fault = _fault(data, found.mode, template)
        if fault is None:
            # OpenAI refuses what is too long; others may cut it without a word.
            counts = None if settings.is_openai else await _density(sender, body)
            found = found.model_copy(update=await servers.loaded(sender.clients[0], settings))
            if found.slots:
                most = SLOTS_FILLED * found.slots
                notes.append(
                    f"the server answers {found.slots} calls at once; at most {most} are sent at the same time"
                )
            return _record(data, found, notes, counts=counts, body=body, trusted=settings.is_openai)
        notes.append(f"{found.mode}: {fault}")
        if sum(note.startswith(found.mode) for note in notes) >= 3:
            found = _next_mode(found, settings, notes)
    raise StopRun(
        f"Endpoint {settings.host}: model '{settings.model}' accepts no form of the request; try another model."
    )


async def _density(sender: Sender, body: dict) -> tuple[float, float] | None:
    """(tokens per character, constant tokens) from two beginnings of the prompt too short to be cut; None where "
    "not counted."""
    seen = []
    for length in COUNTED:
        system = body["messages"][0] | {"content": body["messages"][0]["content"][:length]}
        short = body | {"messages": [system, body["messages"][1]]}
        try:
            data = await sender.send(encode(short), attempts=1)
        except (Rejected, Unanswered):
            return None
        seen.append((_characters(short), _usage(data, "prompt_tokens")))
    (c1, t1), (c2, t2) = seen
    density = (t2 - t1) / max(1, c2 - c1)
    # Outside of this no tokeniser is at work, but a server that makes its counts up.
    return (density, t2 - density * c2) if t1 and 0.1 <= density <= 1.0 else None


def _characters(body: dict) -> int:
    return sum(len(message["content"]) for message in body["messages"])


def _without(error: Rejected, body: dict, found: Capabilities, settings: Settings, notes: list[str]) -> Capabilities:
    """Capabilities after a refused request: less the parameter that the server names, else the next best guess."""
    optional = (
        "prompt_cache_key",
        "store",
        "logprobs",
        "seed",
        "temperature",
        "reasoning_effort",
        "max_completion_tokens",
    )
    left = [name for name in optional if name in body]
    said = f"{error.param} {error.hint}"
    named = [name for name in left if name == error.param] or [name for name in left if name in said]
    form = any(word in said for word in ("response_format", "json_schema", "schema", "tool", "grammar"))
    if named:
        name = named[0]
    elif form or not left:
        notes.append(f"{found.mode}: refused with HTTP {error.status}")
        return _next_mode(found, settings, notes)
    else:
        name = left[0]
    notes.append(f"{name} is refused and left out")
    return found.model_copy(update={"refused": (*found.refused, name)})


def _next_mode(found: Capabilities, settings: Settings, notes: list[str]) -> Capabilities:
    later = MODES[MODES.index(found.mode) + 1 :]
    if settings.mode != "auto" or not later:
        raise StopRun(
            f"Endpoint {settings.host}: model '{settings.model}' gives no valid answer in mode {found.mode}; "
            f"set another mode ({', '.join(MODES)}) or another model."
        )
    notes.append(f"falling back from {found.mode} to {later[0]}")
    return found.model_copy(update={"mode": later[0]})


def _fault(data: object, mode: str, template: Template) -> str | None:
    """Why the probe's answer is not one, or None."""
    choices = data.get("choices") if isinstance(data, dict) else None
    content = content_of(choices[0], mode) if choices else None
    if not content:
        return "no content"
    try:
        parse(content, template)
    except Invalid as error:
        return str(error)
    return None


def _usage(data: object, name: str) -> int:
    usage = data.get("usage") if isinstance(data, dict) else None
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) else 0


def _record(
    data: dict, found: Capabilities, notes: list[str], *, counts: tuple | None, body: dict, trusted: bool
) -> Capabilities:
    """Capabilities completed from the good answer; stops where the prompt was cut."""
    tokens, characters = _usage(data, "prompt_tokens"), _characters(body)
    if counts:
        expected = counts[0] * characters + counts[1]
        if tokens < CUT * expected:
            raise StopRun(
                f"The server reads only {tokens} tokens of a prompt of about {expected:.0f}; raise its context length "
                "(Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH; llama.cpp: --ctx-size), then run again."
            )
    if found.context_tokens and tokens >= found.context_tokens:
        raise StopRun(
            f"The server's context length of {found.context_tokens} tokens is too short for the prompt of {tokens}; "
            "raise it (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH; llama.cpp: --ctx-size), then run again."
        )
    usable = bool(counts) or (trusted and tokens > 0)
    if not usable:
        notes.append("the server's token counts cannot be used to see a cut prompt")
    return found.model_copy(update={
        "logprobs": bool(logprobs_of(data)),
        "tokens_per_character": tokens / characters if usable else None,
        "snapshot": str(data.get("model") or "")[:100], "fingerprint": str(data.get("system_fingerprint") or "")[:100],
        "notes": tuple(dict.fromkeys(notes)),
    })  # fmt: skip
