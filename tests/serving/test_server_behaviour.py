"""Queue, keys, clients that go away, a stop in the middle, and errors inside."""

import json
import signal
import socket
import threading

import httpx2
import pytest
import torch
from http_server import process, serving, until
from tiny_models import make_model

from minigpt import cli
from minigpt.checkpoint import replacing_folder, save_model

LONG = {"prompt": "abc", "max_tokens": 5000, "stream": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny, tokenizer):
    """A checkpoint of the tiny model."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    with replacing_folder(path) as new:
        save_model(new, tiny, tokenizer)
    return path


def idle(worker):
    return not worker.running and not worker.waiting


def test_a_full_queue_refuses_and_says_when_to_come_back(tiny, tokenizer):
    with serving(tiny, tokenizer, batch_size=1, queue=1, max_tokens=10**6) as (http, worker):
        with http.stream("POST", "/v1/completions", json=LONG | {"max_tokens": 10**6}) as first:
            assert first.status_code == 200
            waiting = threading.Thread(target=http.post, args=["/v1/completions"], kwargs={"json": {"prompt": "a"}})
            waiting.start()
            until(lambda: worker.waiting)
            refused = http.post("/v1/completions", json={"prompt": "a"})
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "1"
            assert refused.json()["error"]["type"] == "rate_limit_error"
            assert 'responses_total{status="429"} 1' in http.get("/metrics").text
        waiting.join()  # the first has gone away: the second is served
        until(lambda: idle(worker))


def test_a_client_that_goes_away_takes_its_work_with_it(tiny, tokenizer):
    with serving(tiny, tokenizer, batch_size=2, max_tokens=10**6) as (http, worker):
        with http.stream("POST", "/v1/completions", json=LONG | {"max_tokens": 10**6}) as answer:
            next(answer.iter_lines())
            assert len(worker.running) == 1
        until(lambda: idle(worker))
        body = json.dumps({"prompt": "abc", "max_tokens": 10**6}).encode()  # not streamed: nothing is sent meanwhile
        with socket.create_connection((http.base_url.host, http.base_url.port)) as connection:
            head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            until(lambda: worker.running)
        until(lambda: idle(worker))
        assert worker.counts["cancelled"] == 2
        assert "minigpt_cancelled_total 2" in http.get("/metrics").text


def test_what_waits_is_dropped_too_when_its_client_goes(tiny, tokenizer):
    endless = LONG | {"max_tokens": 10**6}
    with (serving(tiny, tokenizer, batch_size=1, queue=1, max_tokens=10**6) as (http, worker),
          http.stream("POST", "/v1/completions", json=endless)):  # fmt: skip
        with http.stream("POST", "/v1/completions", json=LONG):
            until(lambda: worker.waiting)
        until(lambda: not worker.waiting)
        assert len(worker.running) == 1


def test_the_key_is_asked_for_everywhere_but_at_the_door(tiny, tokenizer):
    with serving(tiny, tokenizer, key="sesam") as (http, _):
        for path in ("/v1/models", "/metrics", "/openapi.json"):
            for given in ("", "Bearer sesa", "Bearer sesamé", "sesam"):
                refused = http.get(path, headers={"Authorization": given.encode()})
                assert refused.status_code == 401, (path, given)
            assert refused.json()["error"]["type"] == "authentication_error"
            assert http.get(path, headers={"Authorization": "Bearer sesam"}).status_code == 200
        assert http.post("/v1/completions", content=b"{").status_code == 401  # before anything is read
        assert http.get("/").status_code == http.get("/healthz").status_code == 200


def test_another_sites_page_cannot_reach_a_local_server(tiny, tokenizer):
    with serving(tiny, tokenizer, hosts=("localhost", "127.0.0.1")) as (http, _):
        assert http.get("/healthz").status_code == 200
        assert http.get("/healthz", headers={"Host": "evil.example"}).status_code == 400
        page = http.post("/v1/completions", content=b'{"prompt": "a"}', headers={"Content-Type": "text/plain"})
        assert page.status_code == 400  # the only kind that a page may send elsewhere without asking


def test_a_large_request_is_refused(served):
    http, _ = served
    body = b'{"prompt": "' + b"a" * (1 << 20) + b'"}'
    kind = {"Content-Type": "application/json"}
    assert http.post("/v1/completions", content=body, headers=kind).status_code == 413
    chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    assert http.post("/v1/completions", content=chunks, headers=kind).status_code == 413


def test_a_failure_inside_is_told_and_the_next_request_is_served(tokenizer):
    model = make_model(vocab_size=tokenizer.vocab_size, context_length=23)
    with serving(model, tokenizer) as (http, _):
        before = http.post("/v1/completions", json={"prompt": "a", "seed": 1}).json()["choices"]
        with torch.no_grad():
            model.position_embedding.weight[3] += torch.inf  # only texts that reach the fourth place
        failed = http.post("/v1/completions", json={"prompt": "abcd"})
        assert failed.status_code == 500
        assert "logits are not finite" in failed.json()["error"]["message"]
        with http.stream("POST", "/v1/completions", json={"prompt": "abcd", "stream": True}) as answer:
            assert "logits are not finite" in next(answer.iter_lines())
        again = http.post("/v1/completions", json={"prompt": "a", "seed": 1, "max_tokens": 2})
        assert before[0]["text"].startswith(again.json()["choices"][0]["text"])
        assert http.get("/healthz").json() == {"status": "ok", "model": "tiny", "task": None}


def test_metrics_count_what_was_done(tiny, tokenizer):
    with serving(tiny, tokenizer) as (http, _):
        http.post("/v1/completions", json={"prompt": "a", "max_tokens": 9})
        text = http.get("/metrics").text
        for line in ("minigpt_generated_total 9", "minigpt_steps_total 9", "minigpt_running 0",
                     'minigpt_time_to_first_token_seconds_bucket{le="+Inf"} 1',
                     'minigpt_responses_total{status="200"} 1'):  # fmt: skip
            assert line in text.splitlines()


def test_a_stop_finishes_what_runs_and_refuses_what_is_new(folder, monkeypatch):
    with process(folder, "--max-tokens", "5000", MINIGPT_API_KEY="sesam") as (server, url):
        assert url.startswith("http://127.0.0.1:")
        key = {"Authorization": "Bearer sesam"}
        with httpx2.stream("POST", f"{url}/v1/completions", json=LONG | {"max_tokens": 1500}, headers=key,
                           timeout=60) as answer:  # fmt: skip
            lines = answer.iter_lines()
            next(lines)
            server.send_signal(signal.SIGTERM)
            rest = [line for line in lines if line]
            assert rest[-1] == "data: [DONE]"
            assert len(rest) == 1500
        assert server.wait(timeout=10) in (0, -signal.SIGTERM)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{url}/healthz")
        assert "Traceback" not in server.stdout.read()


def test_a_stop_refuses_new_requests_while_it_finishes(tiny, tokenizer):
    with serving(tiny, tokenizer) as (http, worker):
        worker.closing = True
        refused = http.post("/v1/completions", json={"prompt": "a"})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]


def test_the_commands_mistakes_get_one_line(folder, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, words in [
            (["--port", port], f"cannot listen on 127.0.0.1 port {port}"),
            (["--port", "70000"], "port=70000 must be at most 65535"),
            (["--batch-size", "0"], "batch_size=0 must be at least 1"),
            (["--api-key-file", str(tmp_path / "none")], "No such file"),
        ]:
            assert cli.main(["serve", str(folder), *arguments]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("minigpt: error: ")
            assert words in line
    (tmp_path / "key").write_text("\n")
    assert cli.main(["serve", str(folder), "--api-key-file", str(tmp_path / "key")]) == 2
    assert "is empty" in capsys.readouterr().err
