"""A chat-completions server on loopback for the tests: the real client talks to it over HTTP.

with LlmServer(latency_s=0.2) as server: ...   # own thread;  or  python llm_server.py --latency 0.2  # own process
"""

import argparse
import asyncio
import json
import threading
import time
from collections import Counter, deque
from functools import partial

from llm_replies import completion, error, fault_of, faulty, finding_ids, labels, report_of, token_logprobs

FEATURES = frozenset({"json_schema", "tools", "json_object", "logprobs", "seed", "temperature",
                      "max_completion_tokens", "prompt_cache_key", "store"})  # fmt: skip
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class LlmServer:
    """Answers chat completions, models, files and batches; counts what it is asked.

    `fault(text, attempt)` names the fault for the attempt-th call (from 0) on a text, or None.
    """

    def __init__(self, *, latency_s=0.0, rate_limit=None, retry_after="1", fault=None, features=FEATURES,
                 models=("test-model",), context_tokens=None, key="test-key", port=0, shutdown_date=None,
                 native=None):  # fmt: skip
        self.latency_s, self.rate_limit, self.retry_after = latency_s, rate_limit, retry_after
        self.fault, self.features, self.models, self.key, self.port = fault, features, models, key, port
        self.context_tokens, self.shutdown_date = context_tokens, shutdown_date
        self.native = native or {}  # answers by path of a server's own, as /props
        self.calls, self.bodies, self.answered = Counter(), deque(maxlen=50), 0
        self.first = self.last = None
        self.rejected = self.in_flight = self.most_in_flight = 0
        self.files, self.batches, self.batch_skip = {}, {}, set()
        self._recent, self._accepted, self._skeletons = deque(), asyncio.Event(), {}

    # -- life ---------------------------------------------------------------------------------------------------
    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, started):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def total(self):
        """Chat calls so far."""
        return sum(self.calls.values())

    # -- HTTP ---------------------------------------------------------------------------------------------------
    async def _connection(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                data = await reader.readexactly(int(headers.get("content-length", 0)))
                reply = await self._route(method, path.split("?")[0], headers, data)
                if reply is None:
                    break
                status, payload, extra = reply
                if isinstance(payload, dict):
                    payload = json.dumps(payload)
                payload = payload.encode() if isinstance(payload, str) else payload
                lines = [f"HTTP/1.1 {status} {REASONS[status]}", "content-type: application/json",
                         f"content-length: {len(payload)}", *extra]  # fmt: skip
                cut = extra == ["x-half: 1"]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (payload[:50] if cut else payload))
                await writer.drain()
                if cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _route(self, method, path, headers, data):
        if path == "/clear":
            self.calls.clear()
            self.first = self.last = None
            self.rejected = self.most_in_flight = 0
            return 200, {}, []
        if path == "/stats":
            stats = {"total": self.total, "distinct": len(self.calls), "answered": self.answered,
                     "rejected": self.rejected, "first": self.first, "last": self.last,
                     "most_in_flight": self.most_in_flight}  # fmt: skip
            return 200, stats, []
        if self.key and headers.get("authorization") != f"bearer {self.key}".lower() and "api-key" not in headers:
            return *error(401, "Incorrect API key provided.", code="invalid_api_key"), []
        if path in self.native:
            return 200, json.dumps(self.native[path]), []
        if path.endswith("/chat/completions"):
            return await self._chat(json.loads(data))
        if path.startswith("/v1/models"):
            entries = [{"id": m, "object": "model", "created": 1, "owned_by": "test"} for m in self.models]
            for entry in entries:
                if self.context_tokens:
                    entry["max_model_len"] = self.context_tokens
                if self.shutdown_date:
                    entry["shutdown_date"] = self.shutdown_date
            wanted = [e for e in entries if path == f"/v1/models/{e['id']}"]
            return 200, wanted[0] if wanted else {"object": "list", "data": entries}, []
        if path.startswith(("/v1/files", "/v1/batches")):
            return self._batch(method, path, headers, data)
        return *error(404, "no such path"), []

    # -- chat ---------------------------------------------------------------------------------------------------
    async def _chat(self, body):
        now = time.monotonic()
        self.first = self.first or now
        text = report_of(body)
        attempt = self.calls[text]
        self.calls[text] += 1
        self.bodies.append(body)
        if self.rate_limit and not self._within_rate(now):
            self.rejected += 1
            return *error(429, "Rate limit reached.", code="rate_limit_exceeded"), self._later()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            fault = self.fault(text, attempt) if self.fault else None
            if fault not in {"429", "401", "quota"}:
                await asyncio.sleep(30 if fault == "slow" else self.latency_s)
            return self._answer(body, fault)
        finally:
            self.in_flight -= 1
            self.last = time.monotonic()

    def _within_rate(self, now):
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) >= self.rate_limit:
            return False
        self._recent.append(now)
        return True

    def _later(self):
        return [f"retry-after: {self.retry_after}"] if self.retry_after else []

    def _answer(self, body, fault):
        """(status, payload, header lines); None drops the connection."""
        if body["model"] not in self.models:
            return *error(404, f"The model `{body['model']}` does not exist.", code="model_not_found"), []
        if fault == "401":
            return *error(401, "Incorrect API key provided: sk-abcdefgh.", code="invalid_api_key"), []
        if fault == "403":
            return *error(403, "Not allowed here.", code="forbidden"), []
        if fault == "404":
            return *error(404, "The model does not exist.", code="model_not_found"), []
        if fault == "quota":
            return *error(429, "You exceeded your current quota.", code="insufficient_quota"), []
        refused = self._unsupported(body)
        if refused:
            message = f"Unsupported parameter: '{refused}' is not supported with this model."
            return *error(400, message, code="unsupported_parameter", param=refused), []
        if fault == "drop":
            return None
        if fault == "half":
            return 200, "{" + " " * 500, ["x-half: 1"]
        if fault and fault != "slow":
            status, payload = faulty(fault, body)
            return status, payload, self._later() if status == 429 else []
        self.answered += 1
        return 200, self._completion(body), []

    def _completion(self, body):
        key = json.dumps(body.get("response_format") or body.get("tools"))[:2000]
        ids = self._skeletons.get(key) or self._skeletons.setdefault(key, finding_ids(body))
        content = json.dumps(labels(report_of(body), ids))
        logprobs = token_logprobs(content) if body.get("logprobs") else None
        tokens = None
        if self.context_tokens:
            tokens = min(self.context_tokens, sum(len(m["content"]) for m in body["messages"]) // 4)
        return completion(body, content, prompt_tokens=tokens, logprobs=logprobs)

    def _unsupported(self, body):
        for name in ("temperature", "seed", "logprobs", "tools", "max_completion_tokens", "prompt_cache_key",
                     "store"):  # fmt: skip
            if body.get(name) is not None and name not in self.features:
                return name
        kind = (body.get("response_format") or {}).get("type")
        return "response_format" if kind and kind not in self.features else None

    # -- files and batches --------------------------------------------------------------------------------------
    def _batch(self, method, path, headers, data):
        parts = path.split("/")[2:]
        if parts[0] == "files" and method == "POST":
            boundary = headers["content-type"].split("boundary=")[1].encode()
            piece = next(p for p in data.split(b"--" + boundary) if b'name="file"' in p)
            name = f"file-{len(self.files) + 1}"
            self.files[name] = piece.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n", 1)[0]
            return 200, {"id": name, "object": "file", "bytes": len(self.files[name]), "created_at": 1,
                         "filename": "batch.jsonl", "purpose": "batch", "status": "processed"}, []  # fmt: skip
        if parts[0] == "files" and method == "DELETE":
            self.files.pop(parts[1], None)
            return 200, {"id": parts[1], "object": "file", "deleted": True}, []
        if parts[0] == "files":
            return 200, self.files[parts[1]], []
        if method == "GET" and len(parts) == 1:
            states = [self._batch_state(name) for name in self.batches]
            return 200, {"object": "list", "data": states, "has_more": False}, []
        if method == "POST" and len(parts) == 1:
            name = f"batch_{len(self.batches) + 1}"
            self.batches[name] = {"polls": 0, "input": json.loads(data)["input_file_id"]}
        else:
            name = parts[1]
            self.batches[name]["polls"] += 1
        return 200, self._batch_state(name), []

    def _batch_state(self, name):
        batch = self.batches[name]
        state = {"id": name, "object": "batch", "endpoint": "/v1/chat/completions", "created_at": 1,
                 "completion_window": "24h", "input_file_id": batch["input"], "status": "in_progress"}  # fmt: skip
        if batch["polls"] < 2:
            return state
        if "output" not in batch:
            good, bad = [], []
            for line in self.files[batch["input"]].decode().splitlines():
                request = json.loads(line)
                text = report_of(request["body"])
                fault = self.fault(text, self.calls[text]) if self.fault else None
                self.calls[text] += 1
                if fault == "expired":
                    bad.append({"custom_id": request["custom_id"], "response": None,
                                "error": {"code": "batch_expired", "message": "not done in time"}})  # fmt: skip
                    continue
                status, body, _ = self._answer(request["body"], fault)
                entry = {"custom_id": request["custom_id"], "error": None,
                         "response": {"status_code": status, "request_id": "r", "body": body}}  # fmt: skip
                (good if status == 200 else bad).append(entry)
            for kind, lines in (("output", good), ("errors", bad)):
                batch[kind] = f"file-{kind}-{name}" if lines else None
                if lines:
                    self.files[batch[kind]] = "\n".join(map(json.dumps, reversed(lines))).encode()
        return state | {"status": "completed", "output_file_id": batch["output"],
                        "error_file_id": batch["errors"]}  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rate-limit", type=int)
    parser.add_argument("--faults", type=float, help="share of the texts that meet a fault")
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    fault = partial(fault_of, share=chosen.faults) if chosen.faults else None
    with LlmServer(latency_s=chosen.latency, rate_limit=chosen.rate_limit, fault=fault, port=chosen.port) as running:
        print(running.base_url, flush=True)
        threading.Event().wait()
