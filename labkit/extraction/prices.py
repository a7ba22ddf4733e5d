"""What tokens cost, by a dated table with its source, and a budget that is never passed.

Used by `chat` and `batch`. A model that is not in the table has tokens and no cost; a budget then cannot be kept and
is refused.
"""

import asyncio
import re
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from labkit.errors import ExtractionError, ParamsError
from labkit.extraction.outcomes import StopRun
from labkit.extraction.settings import Settings
from labkit.yaml_model import read_model

__all__ = ["PARAMS_DIR", "Budget", "Price", "Prices", "load"]

PARAMS_DIR = Path(__file__).parents[2] / "params"
SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4}|\d{8})$")


class Price(BaseModel):
    """Price of a million tokens of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    cached_input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost(self, prompt: int, cached: int, completion: int) -> float:
        """Cost of tokens; cached ones are part of the prompt's."""
        fresh = max(0, prompt - cached)
        return (fresh * self.input + cached * self.cached_input + completion * self.output) / 1e6


class Prices(BaseModel):
    """The price table: when it was read, where, and the models by exact name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    currency: str
    dated: date
    source: str
    batch_share: float = Field(0.5, gt=0, le=1)  # of the price, for the Batch API
    models: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """Price of a model or of a dated snapshot of it; None when it is not in the table."""
        return self.models.get(model) or self.models.get(SNAPSHOT.sub("", model))

    def at(self, settings: Settings) -> Price | None:
        """Price of the settings' model, less the discount where batches are asked for."""
        price = self.of(settings.model)
        if price is None or not settings.batch:
            return price
        return Price(**{name: value * self.batch_share for name, value in price.model_dump().items()})

    def for_run(self, settings: Settings) -> Price | None:
        """Price for a run.

        Raises
        ------
        ExtractionError : a budget is set and the model has no price.
        """
        price = self.at(settings)
        if price is None and settings.budget is not None:
            raise ExtractionError(
                f"budget: model '{settings.model}' has no price in the table of {self.dated}; add it to the price "
                "file or drop the budget."
            )
        return price


def load(name: str | Path = "prices") -> Prices:
    """Read a price table by name (from `params/`) or path.

    Raises
    ------
    ParamsError : no such file, or a key or value that the table does not allow.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = PARAMS_DIR / f"{name}.yaml"
    if not path.is_file():
        raise ParamsError(f"{path.name}: no such price table; give 'prices' or the path of a YAML file.")
    return read_model(path, Prices, root="table")


class Budget:
    """Money of one run: each call first reserves its worst case, so that the limit is never passed."""

    def __init__(self, limit: float | None):
        self.limit, self.spent, self._reserved = limit, 0.0, 0.0
        self._waiting: list[asyncio.Future] = []

    async def reserve(self, worst: float) -> None:
        """Wait until the worst case fits.

        Raises
        ------
        StopRun : it does not fit and no call is in flight whose rest could come back.
        """
        while self.limit is not None and self.spent + self._reserved + worst > self.limit:
            if self._reserved <= 0:
                raise StopRun(
                    f"The budget of {self.limit:g} is reached ({self.spent:.2f} spent, the next call may cost up to "
                    f"{worst:.2f}); "
                    "raise it and run again, answers so far are kept."
                )
            change = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change
        self._reserved += worst

    def settle(self, worst: float, cost: float) -> None:
        """Give back a reservation and count what the call cost."""
        self._reserved -= worst
        if self._reserved < 1e-12:
            self._reserved = 0.0
        self.spent += cost
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)
