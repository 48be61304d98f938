"""Whatever is sent, the server refuses it or does it; it never fails and never hangs."""

import json

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

PATHS = ["/v1/completions", "/v1/chat/completions", "/look", "/predict", "/v1/models", "/metrics", "/none"]
GOOD = {"prompt": "ab", "messages": [{"role": "user", "content": "ab"}], "text": "ab", "max_tokens": 2, "inputs": ["a"]}
FIELDS = [*GOOD, "temperature", "top_p", "top_k", "n", "seed", "stop", "stream", "stream_options", "logprobs", "model",
          "top_logprobs", "max_completion_tokens", "echo", "best_of", "n_top", "logit_bias"]  # fmt: skip

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
                    st.sampled_from([-1, 0, 1, 2**63, 10**30, 1e308, "", "\ud800", "a" * 3000]))  # fmt: skip
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner,
                                                                                           max_size=4))  # fmt: skip
bodies = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=4).map(lambda changes: json.dumps(GOOD | changes)),
    values.map(json.dumps),
    st.binary(max_size=60),
    st.sampled_from(["[" * 100_000, '{"prompt":' * 5000, "1" * 5000, '{"prompt": "a", "seed": ' + "9" * 5000 + "}",
                     '{"n": 1e999}', "\x00", '{"a": 1, "a": 2}', "{" + " " * 9999]),
)  # fmt: skip
kinds = st.sampled_from(["application/json"] * 6 + ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
methods = st.sampled_from(["POST"] * 12 + ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])


def send(served, path, body, kind, method):
    """One request; checks the answer and gives its status."""
    body = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    answer = served[0].request(method, path, content=body, headers={"Content-Type": kind}, timeout=20)
    assert answer.status_code < 500, (method, path, kind, body[:200], answer.text)
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.json()["error"]["message"]
    return answer.status_code


def fuzz(served, examples):
    """How many of these requests were refused."""
    refused = []

    @seed(5)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PATHS), bodies, kinds, methods)
    def each(path, body, kind, method):
        refused.append(send(served, path, body, kind, method) >= 400)

    each()
    return sum(refused)


def test_malformed_requests_are_refused_and_nothing_else_happens(served):
    assert fuzz(served, 200) > 100
    assert send(served, "/v1/completions", json.dumps(GOOD), "application/json", "POST") == 200


@pytest.mark.slow
def test_a_thousand_malformed_requests(served):
    assert fuzz(served, 1400) >= 1000
    assert send(served, "/v1/completions", json.dumps(GOOD), "application/json", "POST") == 200


def test_lines_that_are_no_http_are_answered_or_cut(served):
    import socket

    address = (served[0].base_url.host, served[0].base_url.port)
    for garbage in (b"\x00\xff" * 50 + b"\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n",
                    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):  # fmt: skip
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(garbage)
            assert connection.recv(100).startswith((b"HTTP/1.1 4", b""))
    assert served[0].get("/healthz").status_code == 200
