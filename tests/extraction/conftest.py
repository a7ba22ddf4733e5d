import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from labkit import templates
from labkit.extraction import chat

KEY = "test-key"


@pytest.fixture(scope="session")
def elbow():
    return templates.load("elbow")


@pytest.fixture
def ask(elbow, tmp_path, monkeypatch):
    """Extract from a test server with the settings of a test; the store is the same for every call of a test."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    results = []

    def run(server, reports, *, store=None, deidentify=None, retry_failed=False, **settings):
        chosen = {
            "model": "test-model",
            "base_url": server.base_url,
            "concurrency": 8,
            "timeout_s": 5.0,
            "logprobs": False,
            **settings,
        }
        found = chat.extract(
            reports,
            template=elbow,
            settings=chat.Settings(**chosen),
            store_path=store or tmp_path / "store.sqlite",
            deidentify=deidentify,
            retry_failed=retry_failed,
            progress=False,
        )
        results.append(found)
        return found

    yield run
    for found in results:
        found.close()


@pytest.fixture
def reports():
    """Thirty different reports; the first sentence carries the first finding of the test server."""
    return [(f"r{i}", f"Fraktur Nummer {i}. Kein Erguss.") for i in range(30)]
