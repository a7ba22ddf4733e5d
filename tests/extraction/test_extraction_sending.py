"""Where a request goes: to the address that was named and nowhere else, and what is said where nothing is there."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from llm_server import LlmServer

SECRET = "Fraktur bei Herrn Kowalczyk."


class Elsewhere:
    """An HTTP server that keeps what it is sent and answers as `status` and `location` say."""

    def __init__(self, status=502, location=""):
        self.got = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.got.append(self.rfile.read(int(self.headers["content-length"])).decode())
                self.send_response(status)
                self.send_header("location", location + self.path)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_CONNECT = lambda self: self.send_error(502)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.base_url = f"{self.url}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("host", [None, "localhost"])
def test_a_local_endpoint_is_asked_past_the_proxy_of_the_environment(ask, monkeypatch, host):
    with LlmServer() as server, Elsewhere() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        base_url = server.base_url.replace("127.0.0.1", host) if host else server.base_url
        found = ask(server, [("1", SECRET)], base_url=base_url)
    assert found.counts["ok"] == 1, found.stopped
    assert proxy.got == []


def test_a_local_endpoint_that_sends_on_elsewhere_gets_no_text_there(ask):
    with Elsewhere() as outside, Elsewhere(307, outside.url) as local:
        found = ask(local, [("1", SECRET)])
    assert outside.got == []
    assert found.stopped == (
        "Endpoint 127.0.0.1 sends on to another address (HTTP 307), where a local endpoint's texts do not go; give the "
        "right address as base_url."
    )


def test_an_address_where_nobody_listens_is_said_to_be_out_of_reach(ask):
    with Elsewhere() as gone:
        pass
    found = ask(gone, [("1", SECRET)], max_attempts=1)
    assert found.stopped == "Endpoint 127.0.0.1 cannot be reached; check that the server runs and the address is right."
    assert found.counts["skipped"] == 1
