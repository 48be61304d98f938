"""A server in a thread of the test's process, and one in a process of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx2
import uvicorn

from minigpt.serving import Worker, create_app


@contextlib.contextmanager
def serving(model, tokenizer, name="tiny", key="", hosts=("*",), finetuned=None, **limits):
    """Yield an HTTP client of a server in another thread, and its worker."""
    worker = Worker(model, tokenizer, **limits)
    app = create_app(worker, name, finetuned, key, hosts)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
                yield client, worker
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def process(*arguments, **environment):
    """Yield `minigpt serve` as a process, and its address."""
    command = [sys.executable, "-m", "minigpt", "serve", *map(str, arguments), "--port", "0"]
    variables = os.environ | {"PYTHONUNBUFFERED": "1"} | environment
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables)
    try:
        lines = []
        while not (found := re.search(r"at (http://\S+)", lines[-1] if lines else "")):
            lines.append(server.stdout.readline())
            assert lines[-1], "".join(lines)
        server.said = "".join(lines)
        yield server, found[1]
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGKILL)
        server.wait()
        server.stdout.close()


def until(condition, seconds=10):
    """Wait until condition() holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.01)
