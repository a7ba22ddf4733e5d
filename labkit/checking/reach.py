"""Whether an endpoint answers within two seconds: its list of models is asked for, no report is sent."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from labkit.errors import ExtractionError
from labkit.extraction.settings import Settings

__all__ = ["Reached", "probe"]

NO_KEY = "none"  # what local servers are given where there is no key
MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Reached:
    """Whether a run could begin, as far as the endpoint says, and the sentence for a person."""

    well: bool
    words: str


def probe(settings: Settings, *, timeout_s: float = 2.0) -> Reached:
    """Ask for the list of models; the name of the host may take long to resolve, so a thread of its own does it."""
    found: list[Reached] = []
    asking = threading.Thread(target=lambda: found.append(_ask(settings, timeout_s)), daemon=True)
    asking.start()
    asking.join(timeout_s)
    return found[0] if found else Reached(False, f"does not answer within {timeout_s:g} s")


def _ask(settings: Settings, timeout_s: float) -> Reached:
    began = time.monotonic()
    try:
        with _opener(settings).open(_request(settings), timeout=timeout_s) as reply:
            content = reply.read(MOST_BYTES)
    except urllib.error.HTTPError as error:
        return _refused(error.code, settings)
    except (OSError, http.client.HTTPException, ExtractionError) as error:
        reason = getattr(error, "reason", error)
        return Reached(False, f"cannot be reached ({getattr(reason, 'strerror', None) or type(reason).__name__})")
    seconds = time.monotonic() - began
    models = _models(content)
    if models and settings.model not in models and settings.provider == "openai":
        return Reached(False, f"answers, but does not list the model '{settings.model}'")
    return Reached(True, f"answers within {max(seconds, 0.05):.1f} s" + (" and has the model" if models else ""))


def _refused(code: int, settings: Settings) -> Reached:
    if code in (401, 403) and settings.api_key() == NO_KEY:
        return Reached(False, f"wants a key, and {settings.api_key_env} is not set (HTTP {code})")
    if code in (401, 403):
        return Reached(False, f"refuses the key in {settings.api_key_env} (HTTP {code})")
    if code < 500:  # not every server lists its models
        return Reached(True, "answers")
    return Reached(False, f"answers with a fault of its own (HTTP {code})")


def _opener(settings: Settings) -> urllib.request.OpenerDirector:
    """Through the proxy of the environment, but never to this machine."""
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if settings.is_local else []))


def _request(settings: Settings) -> urllib.request.Request:
    azure = settings.provider == "azure"
    path = f"/openai/models?api-version={settings.api_version}" if azure else "/models"
    request = urllib.request.Request(settings.base_url + path)
    # Not sent on where the server leads to another address.
    name, value = ("api-key", "{}") if azure else ("Authorization", "Bearer {}")
    request.add_unredirected_header(name, value.format(settings.api_key()))
    return request


def _models(content: bytes) -> set[str]:
    try:
        return {entry["id"] for entry in json.loads(content)["data"]}
    except (ValueError, KeyError, TypeError):
        return set()
