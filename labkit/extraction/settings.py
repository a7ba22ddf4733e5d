"""How a model is asked: endpoint, model, sampling, limits, budget and the clinical choices of the prompt.

One frozen object per run; the key is named by its environment variable and never held here.
"""

import hashlib
import ipaddress
import json
import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from labkit.errors import ExtractionError

__all__ = ["OPENAI_URL", "Settings"]

OPENAI_URL = "https://api.openai.com/v1"
# Addresses of public services; any other host may be a hospital's own and is not written into a record.
PUBLIC_HOSTS = frozenset({
    "api.anthropic.com", "api.cohere.ai", "api.deepinfra.com", "api.deepseek.com", "api.fireworks.ai", "api.groq.com",
    "api.mistral.ai", "api.together.xyz", "generativelanguage.googleapis.com", "openrouter.ai",
})  # fmt: skip
FILES = frozenset({".md", ".yaml", ".yml"})  # what a path ends in, in place of a name of labkit's own files
SWITCHES = (
    "consistent_with_is_uncertain",
    "consolidated_is_false",
    "effusion_is_fat_pad_sign",
    "unlikely_is_uncertain",
)


class Settings(BaseModel):
    """Everything that decides what is sent where; see the comments, units are in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str = Field(min_length=1)  # name at the endpoint; for Azure the deployment
    provider: Literal["openai", "azure"] = "openai"  # openai also means every compatible server
    base_url: str = OPENAI_URL  # for Azure the resource's address
    api_key_env: str = Field("OPENAI_API_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")  # the variable's name, not the key
    api_version: str = "2024-10-21"  # Azure only
    mode: Literal["auto", "json_schema", "tools", "json_object"] = "auto"  # auto lets the probe choose, in this order
    temperature: float | None = Field(0.2, ge=0, le=2)  # None is not sent; the study used 0.2
    seed: int | None = 1  # None is not sent
    logprobs: bool = True  # ask for them; where the server has none there is no confidence
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    batch: bool = False  # by the provider's Batch API: half the price, answers within a day
    samples: int = Field(1, ge=1, le=15)  # answers per report; the vote share is the confidence
    prompt: str = "extraction"  # name in params/prompts or a path
    max_completion_tokens: int = Field(4096, ge=16)
    max_prompt_tokens: int | None = Field(None, ge=16)  # longer reports are skipped; None takes the endpoint's context
    concurrency: int = Field(16, ge=1, le=1024)
    timeout_s: float = Field(90, gt=0)  # per call
    report_timeout_s: float = Field(900, gt=0)  # per report, waiting and retries included
    run_timeout_s: float | None = Field(None, gt=0)
    max_attempts: int = Field(5, ge=1, le=20)  # per report after server faults; rate limits do not count
    budget: float | None = Field(None, gt=0)  # in the price table's currency, for this run
    prices: str = "prices"  # name in params or a path
    local_hosts: tuple[str, ...] = ()  # hosts inside the hospital, treated like loopback
    texts: Literal["may name people", "already anonymised"] = "may name people"
    consistent_with_is_uncertain: bool = True
    consolidated_is_false: bool = True
    effusion_is_fat_pad_sign: bool = True
    unlikely_is_uncertain: bool = True

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an address such as http://localhost:8000/v1")
        # A key hidden in the address would reach logs and reports.
        if parts.username or parts.password or parts.query:
            raise ValueError("an address holds no user, password or query; the key comes from the environment")
        return value.rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether reports stay in the house: loopback, or a host listed in `local_hosts`."""
        if self.host in self.local_hosts or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_openai(self) -> bool:
        """Whether the endpoint is OpenAI's own or Azure's, which know parameters that other servers refuse."""
        return self.provider == "azure" or self.host == "api.openai.com" or self.host.endswith(".api.openai.com")

    @property
    def is_public(self) -> bool:
        """Whether the endpoint is a public service by name."""
        return self.is_openai or self.host in PUBLIC_HOSTS

    @property
    def endpoint_kind(self) -> str:
        """Where the model runs, in words that may be published: a private host is never named."""
        if self.host in self.local_hosts:
            return "a server inside the hospital"
        if self.is_local:
            return "this machine (loopback)"
        if self.provider == "azure" or self.host.endswith(".openai.azure.com"):
            return "Azure OpenAI"
        if self.is_public:
            return f"public API {self.host}"
        return "a server at another address"

    def located(self, base: str | Path) -> "Settings":
        """The same with prompt and price table of the user's own as absolute paths; `base` is where relative ones
        start.
        """
        given = {"prompt": self.prompt, "prices": self.prices}
        own = {name: str(Path(base, value).absolute()) for name, value in given.items() if Path(value).suffix in FILES}
        return self.model_copy(update=own)

    @property
    def switches(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in SWITCHES}

    def api_key(self) -> str:
        """The key from the environment; local servers need none.

        Raises
        ------
        ExtractionError : the variable is empty and the endpoint is not local.
        """
        key = os.environ.get(self.api_key_env, "").strip()
        if not key and not self.is_local:
            raise ExtractionError(
                f"endpoint {self.host}: the environment variable {self.api_key_env} is not set; "
                "export the key there (it belongs in no params file)."
            )
        return key or "none"

    def digest(self, prompt_sha256: str) -> bytes:
        """Hash of all that can change an answer besides the report: prompt, template (within it), model, host,
        sampling.

        The port and path of an endpoint are left out, so that a server started again elsewhere finds its answers;
        limits (time, tokens, money, concurrency) are too, since a complete answer does not depend on them.
        """
        host = "local" if self.is_local and self.host not in self.local_hosts else self.host
        parts = [prompt_sha256, self.provider, host, self.model, self.mode, self.temperature, self.seed, self.logprobs,
                 self.reasoning_effort]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).digest()
