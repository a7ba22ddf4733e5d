"""The Batch API: all open reports in files, half the price, answers within a day, the same results table.

Used by 01_extraction and `labkit extract`. A batch's id is kept before anything waits for it, so the same call on the
same store attaches again; what was paid is kept before it is read, and files at the provider are deleted once their
content is here.
"""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openai

from labkit.errors import ExtractionError
from labkit.extraction.asking import Asked
from labkit.extraction.endpoint import request
from labkit.extraction.extracted import Extracted
from labkit.extraction.jobs import Job, prepare, sample_key
from labkit.extraction.outcomes import StopRun
from labkit.extraction.runs import Run
from labkit.extraction.settings import Settings
from labkit.extraction.watching import checked_job, watch
from labkit.templates import Template

__all__ = ["extract"]

MOST_LINES, MOST_BYTES = 50_000, 190_000_000  # of one input file
ROUNDS = 3  # what expired at the provider is sent again
ENDED = {"completed", "failed", "expired", "cancelled"}


def extract(reports: Iterable[tuple[str, str]], *, template: Template, settings: Settings, store_path: str | Path,
            deidentify: Callable[[str], Any] | None = None, poll_s: float = 60.0, progress: bool = True,
            retry_failed: bool = False) -> Extracted:  # fmt: skip
    """Ask for the labels of every report that the store does not hold yet, by batches.

    Parameters
    ----------
    reports : (report id, text) pairs that can be read several times, as a list; the rest as for `chat.extract`.
    poll_s : seconds between looks at a batch. An interrupt ends the waiting, not the batch.

    Raises
    ------
    ExtractionError : as `chat.extract`; also where the reports can be read only once.
    """
    if iter(reports) is reports:
        raise ExtractionError(
            "batch: the reports can be read only once; give a list, they are read again for the answers."
        )
    settings = settings.model_copy(update={"batch": True})
    job = checked_job(template, settings, store_path, deidentify, retry_failed)
    return watch(Batches(job, poll_s=poll_s), reports, progress=progress)


class Batches(Run):
    """One run by batches."""

    def __init__(self, job: Job, *, poll_s: float):
        super().__init__(job)
        self._poll_s = poll_s
        self._digest = job.settings.digest(job.prompt.sha256)

    @property
    def _api(self) -> openai.AsyncOpenAI:
        return self._clients[0]

    async def _report_all(self, reports: Iterable[tuple[str, str]]) -> None:
        for row, _ in self._prepared(reports):
            self.spool.add([row])
            self.tally.seen += 1
        try:
            await self._be_alone()
            for _ in range(ROUNDS):
                store, digest = self.job.store, self._digest.hex()
                waiting = store.any_line() or store.open_batches(digest)
                if not waiting and next(self._missing(reports), None) is None:
                    break
                if self.stopped or (self._asker is None and not await self._ready()):
                    break
                # Lines that a killed run had fetched are read first: they are paid.
                await self._read(reports)
                if not store.open_batches(digest):
                    await self._submit(reports)
                for batch_id, state, file_id in store.open_batches(digest):
                    await self._fetch(batch_id, state, file_id)
                await self._read(reports)
        except openai.APIStatusError as error:
            self._stop(
                f"Endpoint {self.job.settings.host} refuses batches (HTTP {error.status_code}); use calls instead."
            )
        except openai.OpenAIError as error:
            self._stop(f"Endpoint {self.job.settings.host}: {type(error).__name__}; run again to attach to the batch.")
        except StopRun as error:
            self._stop(str(error))
        except sqlite3.Error as error:
            self._store_failed(error)
        self.tally.done = self.tally.seen

    async def _be_alone(self) -> None:
        """Wait while another run handles batches of the same kind on this store; its answers are then here."""
        key = f"batch:{self._digest.hex()}"
        while not self.stopped:
            verdict = await self._journal.do(self.job.store.claim, [key], self.owner, self._lease_s, 0.0)
            if verdict[key] == "mine":
                return
            await self._sleep(self._poll_s)

    async def _sleep(self, seconds: float) -> None:
        """Sleep in short steps, so that an interrupt is heard."""
        for _ in range(max(1, int(seconds / 0.1))):
            if self.stopped:
                raise StopRun(self.stopped)
            await asyncio.sleep(min(0.1, seconds))

    # -- reports ------------------------------------------------------------------------------------------------
    def _prepared(self, reports: Iterable[tuple[str, str]]):
        for report_id, text in reports:
            yield prepare(str(report_id), text, digest=self._digest, deidentify=self.job.deidentify)

    def _keys(self, reports: Iterable[tuple[str, str]]):
        """(key, text, sample) of every report that may be sent."""
        for row, text in self._prepared(reports):
            if row.key is not None:
                for sample in range(self.job.settings.samples):
                    yield sample_key(row.key, sample), text, sample

    def _missing(self, reports: Iterable[tuple[str, str]]):
        """(key, text, sample) without an answer, each key once."""
        seen: set[str] = set()
        for key, text, sample in self._keys(reports):
            if key in seen:
                continue
            seen.add(key)
            status = self.job.store.statuses([key]).get(key)
            again = self.job.retry_failed and status and status[0] != "ok" and status[2] < self.started_at
            if status is None or again:
                yield key, text, sample

    # -- out ------------------------------------------------------------------------------------------------------
    async def _submit(self, reports: Iterable[tuple[str, str]]) -> None:
        """Write, upload and start as many batches as the reports need."""
        worst = 0.0
        with tempfile.TemporaryDirectory() as folder:
            path, lines, size = Path(folder) / "batch.jsonl", 0, 0
            file = path.open("wb")
            for key, text, sample in self._missing(reports):
                if self.job.price:
                    asked = self._asker.expected_tokens(text)
                    worst += self.job.price.cost(asked, 0, self.job.settings.max_completion_tokens)
                line = self._line(key, text, sample)
                if lines and (lines >= MOST_LINES or size + len(line) > MOST_BYTES):
                    await self._start(file, path)
                    file, lines, size = path.open("wb"), 0, 0
                file.write(line)
                lines, size = lines + 1, size + len(line)
                self._within_budget(worst)
            if lines:
                await self._start(file, path)
            file.close()

    def _within_budget(self, worst: float) -> None:
        limit = self.job.settings.budget
        if limit is not None and worst > limit:
            raise StopRun(f"The batch may cost more than the budget of {limit:g}; raise it or give fewer reports.")

    def _line(self, key: str, text: str, sample: int) -> bytes:
        settings = self.job.settings
        seed = None if settings.seed is None else settings.seed + sample
        body = request(
            text, settings=settings, prompt=self.job.prompt, template=self.job.template, found=self.found, seed=seed
        )
        url = "/chat/completions" if settings.provider == "azure" else "/v1/chat/completions"
        line = {"custom_id": key, "method": "POST", "url": url, "body": body}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    async def _start(self, file, path: Path) -> None:
        file.close()
        uploaded = await self._api.files.create(file=path, purpose="batch")
        # Kept before the batch exists: a kill in between finds the file again and starts no second batch.
        await self._journal.do(self.job.store.put_batch, uploaded.id, self._digest.hex(), "submitting", uploaded.id)
        await self._create(uploaded.id)

    async def _create(self, file_id: str) -> str:
        url = "/chat/completions" if self.job.settings.provider == "azure" else "/v1/chat/completions"
        batch = await self._api.batches.create(input_file_id=file_id, endpoint=url, completion_window="24h")
        await self._journal.do(self.job.store.rename_batch, file_id, batch.id)
        return batch.id

    # -- back -----------------------------------------------------------------------------------------------------
    async def _fetch(self, batch_id: str, state: str, file_id: str) -> None:
        """Wait for a batch and keep its lines; whatever its end, what it holds was paid and is read."""
        if state == "submitting":
            batch_id = await self._find(file_id) or await self._create(file_id)
        while (batch := await self._api.batches.retrieve(batch_id)).status not in ENDED:
            await self._sleep(self._poll_s)
        lines: list[tuple[str, str]] = []
        files = [name for name in (batch.output_file_id, batch.error_file_id) if name]
        for name in files:
            text = (await self._api.files.content(name)).text
            lines += [(json.loads(line)["custom_id"], line) for line in text.splitlines() if line.strip()]
        await self._journal.do(self.job.store.keep_lines, batch_id, lines)
        if batch.status == "failed" and not lines:
            self._stop(f"Endpoint {self.job.settings.host} refused the batch {batch_id}; look it up there.")
        for name in (*files, file_id):
            try:
                await self._api.files.delete(name)
            except openai.OpenAIError:
                continue  # the provider deletes batch files after thirty days

    async def _find(self, file_id: str) -> str | None:
        """Id of the batch that was started from a file just before a kill."""
        async for batch in self._api.batches.list(limit=100):
            if batch.input_file_id == file_id:
                await self._journal.do(self.job.store.rename_batch, file_id, batch.id)
                return batch.id
        return None

    async def _read(self, reports: Iterable[tuple[str, str]]) -> None:
        """Judge the kept lines beside their texts and keep the answers."""
        for key, text, sample in self._keys(reports):
            line = self.job.store.line(key)
            if line is None:
                continue
            entry = json.loads(line)
            response = entry.get("response") or {}
            if (entry.get("error") or {}).get("code") in {"batch_expired", "batch_cancelled"}:
                await self._journal.do(self.job.store.drop_line, key)
                continue
            asked = Asked(response.get("body"), response.get("status_code") or 500)
            status, reason, payload = self._asker.judge_line(asked, text, sample)
            self._budget.spent += payload["cost"] or 0.0
            await self._journal.do(self.job.store.put, key, status, reason, payload)
            await self._journal.do(self.job.store.drop_line, key)
            self.tally.calls += 1
            self.tally.tokens = [total + n for total, n in zip(self.tally.tokens, payload["tokens"])]
            self.tally.spent = self._budget.spent
