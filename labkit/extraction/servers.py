"""What a server tells of itself and of a model, beside the answers: context length, slots, the day it is switched off.

Used by `endpoint`. No server needs to tell anything: whatever is missing or strange is passed over. OpenAI's models
list is read everywhere; the paths of llama.cpp and Ollama only at servers that are no public service.
"""

import re
from typing import Any

import openai

from labkit.extraction.settings import Settings

__all__ = ["loaded", "model_card"]

MOST_S = 10.0  # for each of these questions


async def model_card(client: openai.AsyncOpenAI, settings: Settings) -> dict[str, Any]:
    """`context_tokens` (vLLM, many gateways) and `shutdown_date` (OpenAI) by the models list; None where not told."""
    data = await _get(client, "/models", settings) if settings.provider == "openai" else {}
    entries = data.get("data")
    cards = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    card = next((e for e in cards if e.get("id") == settings.model), {})
    meta = card.get("meta") if isinstance(card.get("meta"), dict) else {}
    lengths = [card.get("max_model_len"), card.get("context_length"), card.get("context_window"), meta.get("n_ctx")]
    date = card.get("shutdown_date")
    return {
        "context_tokens": next((n for n in lengths if _is_count(n)), None),
        "shutdown_date": date[:10] if isinstance(date, str) and re.match(r"\d{4}-\d{2}-\d{2}", date) else None,
    }


async def loaded(client: openai.AsyncOpenAI, settings: Settings) -> dict[str, int]:
    """`context_tokens` of one call and `slots` (calls answered at once) of a model that has just answered.

    llama.cpp divides its context among its slots and tells both; Ollama tells the length that it loaded the model with,
    which is often a fraction of what the model could. What neither tells is left out.
    """
    if settings.is_public:
        return {}
    root = settings.base_url.removesuffix("/v1")
    told: dict[str, int] = {}
    props = await _get(client, f"{root}/props", settings)
    defaults = props.get("default_generation_settings")
    if isinstance(defaults, dict) and _is_count(defaults.get("n_ctx")):
        told["context_tokens"] = defaults["n_ctx"]
        if _is_count(props.get("total_slots")):
            told["slots"] = props["total_slots"]
        return told
    running = (await _get(client, f"{root}/api/ps", settings)).get("models")
    own = (settings.model, f"{settings.model}:latest")
    for model in running if isinstance(running, list) else []:
        is_own = isinstance(model, dict) and (model.get("name") in own or model.get("model") in own)
        if is_own and _is_count(model.get("context_length")):
            told["context_tokens"] = model["context_length"]
    if not told and isinstance(running, list):
        told |= await _modelfile(client, f"{root}/api/show", settings)
    return told


async def _modelfile(client: openai.AsyncOpenAI, url: str, settings: Settings) -> dict[str, int]:
    """The num_ctx of an Ollama model's own file; older servers do not tell what they loaded."""
    try:
        data = await client.post(
            url, body={"model": settings.model}, cast_to=object, options={"timeout": min(MOST_S, settings.timeout_s)}
        )
    except (openai.OpenAIError, ValueError):
        return {}
    parameters = data.get("parameters") if isinstance(data, dict) else None
    match = re.search(r"^num_ctx\s+(\d{1,9})\s*$", parameters, re.M) if isinstance(parameters, str) else None
    return {"context_tokens": int(match[1])} if match and int(match[1]) else {}


async def _get(client: openai.AsyncOpenAI, url: str, settings: Settings) -> dict[str, Any]:
    try:
        data = await client.get(url, cast_to=object, options={"timeout": min(MOST_S, settings.timeout_s)})
    except (openai.OpenAIError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
