"""Tokens per second of one client and of sixteen, time to the first token under load, and memory when clients vanish.

    python benchmarks/serving.py                # throughput and memory: about two minutes on two cores
    python benchmarks/serving.py throughput     # one of them
    python benchmarks/serving.py memory

The model has 10.3 million random weights (speed does not depend on what they are). The server is a process of its own,
as `minigpt serve` starts it; the clients read raw sockets, so that they take little of the two cores.
"""

import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from minigpt.checkpoint import replacing_folder, save_model
from minigpt.config import GPTConfig
from minigpt.datasets.catalog import python_docs
from minigpt.model import GPT
from minigpt.tokenizers import BPETokenizer

CLIENTS, N_TOKENS = 16, 96


def make_run(folder):
    """A checkpoint of 10 million parameters."""
    text = python_docs()
    tokenizer = BPETokenizer.train([text[:200_000]], 1024)
    torch.manual_seed(0)
    config = GPTConfig(tokenizer.vocab_size, context_length=256, n_layers=8, n_heads=5, d_model=320, dropout=0.0)
    model = GPT(config)
    with replacing_folder(folder) as new:
        save_model(new, model, tokenizer)
    print(f"model: {model.n_parameters():,} parameters, context of {config.context_length}")
    return [text[start : start + 40 + start % 160] for start in range(1000, 200_000, 1371)]


def start_server(folder):
    """The process, and its port."""
    server = subprocess.Popen([sys.executable, "-m", "minigpt", "serve", str(folder), "--port", "0"],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    return server, int(re.search(r":(\d+) ", server.stdout.readline())[1])


async def ask(port, prompt, n_tokens, seed, leave_after=None):
    """Stream one completion: the seconds at which each token came, the request's beginning being 0."""
    body = json.dumps({"prompt": prompt, "max_tokens": n_tokens, "seed": seed, "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started, times = time.perf_counter(), []
    writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                 b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)  # fmt: skip
    try:
        async for line in reader:
            if line.startswith(b"data: {"):
                times.append(time.perf_counter() - started)
                if len(times) == leave_after:
                    writer.transport.abort()  # as a client that crashes
                    break
            elif line.startswith(b"HTTP/1.1 ") and b" 200 " not in line:
                raise RuntimeError(line.decode())
    finally:
        writer.close()
    return times


async def load(port, prompts, n_clients, n_requests):
    """Tokens per second, and the times to the first token, of clients that ask one request after the other."""
    first_tokens, n_tokens, left = [], 0, iter(range(n_requests))

    async def client():
        nonlocal n_tokens
        for index in left:
            times = await ask(port, prompts[index % len(prompts)], N_TOKENS, index)
            first_tokens.append(times[0])
            n_tokens += len(times)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(n_clients)))
    return n_tokens / (time.perf_counter() - started), first_tokens


async def throughput(port, prompts):
    """One client and sixteen, in turns, so that whatever else the machine does falls on both."""
    await load(port, prompts, CLIENTS, CLIENTS)  # the first steps are slower
    one, many, first_tokens = [], [], []
    for _ in range(4):
        one.append((await load(port, prompts, 1, 4))[0])
        speed, times = await load(port, prompts, CLIENTS, 4 * CLIENTS)
        many.append(speed)
        first_tokens += times
    ratios = [many_ / one_ for many_, one_ in zip(many, one)]
    last = statistics.quantiles(first_tokens, n=100)
    print(f"one client        {statistics.median(one):7.0f} tokens/s")
    print(f"{CLIENTS} clients        {statistics.median(many):7.0f} tokens/s")
    print(f"ratio             {statistics.median(ratios):7.1f} (each round: {', '.join(f'{r:.1f}' for r in ratios)})")
    print(f"time to the first token with {CLIENTS} clients, {len(first_tokens)} requests: "
          f"median {1000 * statistics.median(first_tokens):.0f} ms, p99 {1000 * last[98]:.0f} ms")  # fmt: skip


def resident(process):
    """Resident memory of a process, in MB (Linux)."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def memory(server, port, prompts, n_requests=500):
    """Clients that vanish in the middle of a text: memory after 100 such requests, and after 500 more."""
    chance = random.Random(1)

    async def vanish(n):
        for start in range(0, n, CLIENTS):
            some = range(start, min(n, start + CLIENTS))
            await asyncio.gather(*(ask(port, prompts[i % len(prompts)], 1000, i, chance.randint(1, 12)) for i in some))
        await ask(port, "a", 2, 0)  # what was cancelled is gone when this is served

    await vanish(100)
    before = resident(server)
    await vanish(n_requests)
    after = resident(server)
    print(f"memory after 100 killed clients {before:.1f} MB, after {n_requests} more {after:.1f} MB "
          f"({100 * (after / before - 1):+.1f} %)")  # fmt: skip


def main(names):
    """Run what is named; all if nothing is."""
    with tempfile.TemporaryDirectory() as temporary:
        prompts = make_run(Path(temporary) / "ten-million")
        for name in names or ["throughput", "memory"]:
            server, port = start_server(Path(temporary) / "ten-million")
            try:
                asyncio.run(memory(server, port, prompts) if name == "memory" else throughput(port, prompts))
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
