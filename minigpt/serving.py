"""A model behind HTTP: OpenAI's completions, batched; a fine-tuned model's predictions; a page to look inside.

Two threads share the work. One runs uvicorn and never computes. The other, the `Worker`, owns the model: between two
tokens it takes in what has come, drops what is no longer wanted, and reads one token more of every text (`batching`).
A request's texts are `Job`s; what is written comes back through an asyncio queue, piece by piece.
"""

import asyncio
import collections
import contextlib
import json
import os
import secrets
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, StrictInt, model_validator
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from minigpt.batching import JoiningReader
from minigpt.checkpoint import find_checkpoint, load_model, read_json
from minigpt.config import SamplingConfig
from minigpt.devices import choose_device
from minigpt.finetuning.commands import as_fields, prediction_name, read_example
from minigpt.finetuning.evaluation import predict
from minigpt.finetuning.run import load_finetuned
from minigpt.generation import TextWriter, check_prompt, next_token_probabilities

PAGE = Path(__file__).with_name("serving_page.html")
MOST_BYTES = 1 << 20  # of a request
MOST_SHOWN = 64  # tokens that the page looks at: attention takes layers × heads × tokens² numbers
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # buckets of the time to the first token

# ------------------------------------------------------------------------------------------- the worker


@dataclass(eq=False)
class Job:
    """One text to write. `pieces` gets a dictionary for each token, the last with a finish_reason."""

    index: int  # among the request's texts
    ids: list
    sampling: SamplingConfig
    writer: TextWriter
    pieces: asyncio.Queue
    n_top: int | None  # how many likeliest tokens to report beside each; None for no probabilities
    n_written: int = 0
    cancelled: bool = False
    arrived: float = field(default_factory=time.monotonic)

    def __post_init__(self):
        self.generator = torch.Generator().manual_seed(self.sampling.seed)
        self.n_prompt = len(self.ids)


class Worker:
    """The thread that owns the model.

    Args:
        model, tokenizer: from `load_model`; or a fine-tuned model's, which is only called, not asked to write.
        batch_size: texts written side by side.
        queue: texts that may wait beside those.
        max_tokens: most tokens of one text.
    """

    def __init__(self, model, tokenizer, batch_size=16, queue=64, max_tokens=1024):
        self.model, self.tokenizer, self.batch_size = model, tokenizer, batch_size
        self.room, self.max_tokens = batch_size + queue, max_tokens
        self.changed = threading.Condition()
        self.waiting = collections.deque()  # jobs, and calls as (function, future)
        self.running = []
        self.closing = False
        self.counts = collections.Counter()  # what /metrics shows
        self.first_token_seconds = collections.Counter()
        self.thread = threading.Thread(target=self._work, name="minigpt-worker", daemon=True)

    def start(self, loop):
        """Begin; what is written goes to queues of this asyncio loop."""
        self.loop = loop
        self.thread.start()

    def close(self):
        """Refuse what is new, finish what is here, and end."""
        with self.changed:
            self.closing = True
            self.changed.notify()
        self.thread.join()

    def submit(self, items):
        """Put jobs or calls into the queue, all or none.

        Raises:
            HTTPException: 429 if there is no room, 503 if the server is stopping.
        """
        with self.changed:
            if self.closing:
                raise HTTPException(503, "the server is stopping", {"Retry-After": "10"})
            if len(self.waiting) + len(self.running) + len(items) > self.room:
                raise HTTPException(429, f"{self.room} texts are being written or wait", {"Retry-After": "1"})
            self.waiting.extend(items)
            self.changed.notify()

    async def call(self, function):
        """What function() returns, called by the thread that owns the model."""
        future = Future()
        self.submit([(function, future)])
        return await asyncio.wrap_future(future)

    def _work(self):
        self.reader = None
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting or self.running or self.closing)
                if not self.waiting and not self.running:
                    return
                self._drop_cancelled()
                calls = []
                while self.waiting and len(self.running) < self.batch_size:
                    item = self.waiting.popleft()
                    (self.running if isinstance(item, Job) else calls).append(item)
            for function, future in calls:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(function())
                    except Exception as error:
                        future.set_exception(error)
            if self.running:
                self._write_a_token()

    def _drop_cancelled(self):
        n_before = len(self.waiting) + len(self.running)
        self.waiting = collections.deque(item for item in self.waiting if not getattr(item, "cancelled", False))
        self.running = [job for job in self.running if not job.cancelled]
        self.counts["cancelled"] += n_before - len(self.waiting) - len(self.running)

    def _write_a_token(self):
        """One token more for every running job."""
        try:
            self.reader = self.reader or JoiningReader(self.model, self.batch_size)
            logits = self.reader.next_logits({job: job.ids for job in self.running})
            written = [(job, self._draw(job, row)) for job, row in zip(self.running, logits)]
        except Exception as error:  # these requests have failed; the next ones need not
            self.reader = None
            written = [(job, {"error": str(error), "finish_reason": "error"}) for job in self.running]
        self.counts["steps"] += 1
        self.running = [job for job, piece in written if not piece["finish_reason"]]
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
            self.loop.call_soon_threadsafe(_deliver, written)

    def _draw(self, job, logits):
        """Draw a job's next token from its logits (V,), exactly as `generate` does: what there is to tell of it."""
        s, logits = job.sampling, logits[: self.tokenizer.vocab_size]
        probabilities = next_token_probabilities(logits, s.temperature, s.top_k, s.top_p)
        token = int(torch.multinomial(probabilities, 1, generator=job.generator))
        if not job.n_written:
            self._count_first_token(time.monotonic() - job.arrived)
        if token in self.tokenizer.special_tokens.values():
            return {"text": job.writer.finish(), "finish_reason": "stop"}
        job.ids.append(token)
        job.n_written += 1
        self.counts["generated"] += 1
        piece = {"text": job.writer.write(token), "finish_reason": None}
        if job.n_top is not None:
            log_probabilities = logits.double().log_softmax(dim=-1)
            top = log_probabilities.topk(min(job.n_top, len(logits)))
            likeliest = [self._named(*pair) for pair in zip(top.indices.tolist(), top.values.tolist())]
            piece["token"] = self._named(token, float(log_probabilities[token])) | {"top_logprobs": likeliest}
        if job.writer.stopped:
            piece["finish_reason"] = "stop"
        elif job.n_written == s.max_new_tokens:
            piece["text"] += job.writer.finish()
            piece["finish_reason"] = "length"
        return piece

    def _named(self, token, log_probability):
        as_bytes = self.tokenizer.token_bytes(token)
        text = as_bytes.decode("utf-8", errors="replace")
        return {"token": text, "logprob": max(log_probability, -9999.0), "bytes": list(as_bytes)}  # JSON has no -inf

    def _count_first_token(self, seconds):
        self.counts["first_tokens"] += 1
        self.counts["first_token_seconds"] += seconds
        self.first_token_seconds.update(limit for limit in SECONDS if seconds <= limit)


def _deliver(written):
    for job, piece in written:
        job.pieces.put_nowait((job, piece))


# ------------------------------------------------------------------------------------------- what requests say


class Asked(BaseModel, extra="allow"):
    """What both of OpenAI's requests have in common. A field that is null counts as left out."""

    model: str = ""
    max_tokens: int = Field(None, ge=1)
    temperature: float = Field(1.0, ge=0, le=2, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="ours: draw only from the k likeliest tokens; 0 for no limit")
    n: int = Field(1, ge=1, le=8)
    seed: int = Field(None, ge=0, lt=2**63, description="text number i of a request draws with seed + i")
    stop: str | Annotated[list[str], Field(max_length=4)] = []
    stream: bool = False
    stream_options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, data):
        """Leave out what is null, and refuse what would be ignored."""
        given = {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data
        for name in ("frequency_penalty", "presence_penalty", "logit_bias", "suffix", "echo", "tools", "best_of"):
            if isinstance(given, dict) and given.get(name) not in (None, 0, False, "", {}, []):
                raise ValueError(f"{name} is not supported: leave it out")
        return given


class CompletionAsked(Asked):
    """A request to /v1/completions."""

    prompt: str | list[str] | list[StrictInt] | list[list[StrictInt]]
    logprobs: int = Field(None, ge=0, le=20)

    def texts(self, tokenizer):
        """The prompts, as lists of token ids."""
        single = isinstance(self.prompt, str) or (self.prompt and isinstance(self.prompt[0], int))
        prompts = [self.prompt] if single else self.prompt
        return [tokenizer.encode(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]

    def settings(self):
        """Most tokens, stop texts, and how many likeliest tokens to report."""
        return self.max_tokens or 16, [], self.logprobs


class Message(BaseModel):
    """One turn of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


class ChatAsked(Asked):
    """A request to /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=20)

    def texts(self, tokenizer):
        """The chat as a transcript that the assistant's turn ends, as in dialogues that a model is fine-tuned on."""
        lines = [f"{message.role.capitalize()}: {message.content}" for message in self.messages]
        return [tokenizer.encode("\n".join([*lines, "Assistant:"]))]

    def settings(self):
        """Most tokens, stop texts, and how many likeliest tokens to report."""
        most = self.max_completion_tokens or self.max_tokens or 256
        return most, ["\nUser:", "\nSystem:"], self.top_logprobs if self.logprobs else None


class PredictAsked(BaseModel):
    """A request to /predict: texts, or objects as `minigpt predict` reads them."""

    inputs: list[str | dict[str, Any]] = Field(min_length=1, max_length=64)


class LookAsked(BaseModel):
    """What the page asks: what the model makes of a text."""

    text: str
    n_top: int = Field(10, ge=1, le=50)


# ------------------------------------------------------------------------------------------- what it answers


def make_jobs(worker, asked):
    """The texts that a request asks for.

    Raises:
        HTTPException: 400 if the model cannot write them, 404 if another model is meant.
    """
    most, stops, n_top = asked.settings()
    if most > worker.max_tokens:
        raise HTTPException(400, f"max_tokens={most} is more than this server's limit of {worker.max_tokens}")
    stops += [asked.stop] if isinstance(asked.stop, str) else asked.stop
    seed, pieces = asked.seed if asked.seed is not None else secrets.randbits(62), asyncio.Queue()
    try:
        prompts = [prompt for prompt in asked.texts(worker.tokenizer) for _ in range(asked.n)]
        for prompt in prompts:
            check_prompt(prompt, worker.model.config)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    if not 1 <= len(prompts) <= worker.room:
        raise HTTPException(400, f"a request may ask for 1 to {worker.room} texts, not {len(prompts)}")
    return [Job(index, list(prompt), SamplingConfig(most, asked.temperature, asked.top_k, asked.top_p,
                                                    (seed + index) % 2**63),
                TextWriter(worker.tokenizer, stops), pieces, n_top)
            for index, prompt in enumerate(prompts)]  # fmt: skip


async def pieces_of(jobs):
    """(job, piece) as they are written; who stops listening cancels what is not yet written."""
    unfinished = len(jobs)
    try:
        while unfinished:
            job, piece = await jobs[0].pieces.get()
            unfinished -= piece["finish_reason"] is not None
            yield job, piece
    finally:
        for job in jobs:
            job.cancelled = True


async def unless_gone(request, coroutine):
    """What the coroutine gives; or None, and it is cancelled, when the client goes away first."""

    async def gone():
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.ensure_future(coroutine), asyncio.ensure_future(gone())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()


def choice(index, pieces, chat, part="message"):
    """One of a response's choices, in OpenAI's shape: of all pieces of a text, or of one that is streamed."""
    text, tokens = "".join(piece["text"] for piece in pieces), [p["token"] for p in pieces if "token" in p]
    made = {"index": index, "finish_reason": pieces[-1]["finish_reason"], "logprobs": None}
    if chat:
        made[part] = {"role": "assistant", "content": text}
        made["logprobs"] = {"content": tokens} if tokens else None
        return made
    if tokens:
        top = [{other["token"]: other["logprob"] for other in token["top_logprobs"]} for token in tokens]
        made["logprobs"] = {"tokens": [token["token"] for token in tokens], "top_logprobs": top,
                            "token_logprobs": [token["logprob"] for token in tokens]}  # fmt: skip
    return made | {"text": text}


def usage(jobs, n):
    """How many tokens were read and written; a prompt with n texts is read once."""
    read, written = sum(job.n_prompt for job in jobs) // n, sum(job.n_written for job in jobs)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


async def whole_answer(jobs, asked, head, chat):
    """A response with all texts."""
    written = [[] for _ in jobs]
    async for job, piece in pieces_of(jobs):
        if "error" in piece:
            raise HTTPException(500, piece["error"])
        written[job.index].append(piece)
    return head | {"choices": [choice(i, pieces, chat) for i, pieces in enumerate(written)],
                   "usage": usage(jobs, asked.n)}  # fmt: skip


async def events(jobs, asked, head, chat):
    """The same as a stream of server-sent events, one for each piece of text."""
    async for job, piece in pieces_of(jobs):
        made = {"error": problem(500, piece["error"])} if "error" in piece else head | {
            "choices": [choice(job.index, [piece], chat, "delta")]}  # fmt: skip
        yield f"data: {json.dumps(made)}\n\n"
    if asked.stream_options.get("include_usage"):
        yield f"data: {json.dumps(head | {'choices': [], 'usage': usage(jobs, asked.n)})}\n\n"
    yield "data: [DONE]\n\n"


@torch.inference_mode()
def look(model, tokenizer, ids, n_top):
    """What the page shows of a text.

    Returns:
        {"tokens": [{"text", "probability" that the model gave it (None for the first), "top": what it expects next, as
        [text, probability]}], "attention": [layer][head][query][key], up to the query's own place}.
    """
    collected = []
    hidden = model.encode(model.embed(torch.tensor([ids], device=model.token_embedding.weight.device)),
                          collected=collected)  # fmt: skip
    probabilities = model.to_logits(hidden)[0, :, : tokenizer.vocab_size].double().softmax(dim=-1).cpu()  # (T, V)
    top = probabilities.topk(min(n_top, tokenizer.vocab_size))
    tokens = [{"text": tokenizer.decode([token]), "probability": float(probabilities[i - 1, token]) if i else None,
               "top": [[tokenizer.decode([t]), p] for t, p in zip(top.indices[i].tolist(), top.values[i].tolist())]}
              for i, token in enumerate(ids)]  # fmt: skip
    attention = [[[[round(weight, 3) for weight in row[: query + 1]] for query, row in enumerate(head)]
                  for head in layer[0].tolist()] for layer in collected]  # fmt: skip
    return {"tokens": tokens, "attention": attention}


def metrics(worker):
    """The worker's counts in Prometheus' text format."""
    counts = worker.counts.copy()
    lines = [f'minigpt_http_responses_total{{status="{key}"}} {n}' for key, n in counts.items() if isinstance(key, int)]
    for name in ("generated", "steps", "cancelled"):
        lines += [f"# TYPE minigpt_{name}_total counter", f"minigpt_{name}_total {counts[name]}"]
    for name in ("running", "waiting"):
        lines += [f"# TYPE minigpt_{name} gauge", f"minigpt_{name} {len(getattr(worker, name))}"]
    name = "minigpt_time_to_first_token_seconds"
    lines.append(f"# TYPE {name} histogram")
    lines += [f'{name}_bucket{{le="{limit}"}} {worker.first_token_seconds[limit]}' for limit in SECONDS]
    lines += [f'{name}_bucket{{le="+Inf"}} {counts["first_tokens"]}', f"{name}_count {counts['first_tokens']}",
              f"{name}_sum {counts['first_token_seconds']:.6f}"]  # fmt: skip
    return "\n".join(["# TYPE minigpt_http_responses_total counter", *lines, ""])


# ------------------------------------------------------------------------------------------- the server


def problem(status, message):
    """An error in OpenAI's shape."""
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"message": message, "type": kind, "param": None, "code": None}


class Gate:
    """What every request passes on its way in and out: the key, its size, the count of answers."""

    def __init__(self, app, worker, key):
        self.app, self.worker, self.expected = app, worker, f"Bearer {key}".encode() if key else None

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        n_bytes = 0

        async def receive_limited():
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > MOST_BYTES:
                raise HTTPException(413, f"the request has more than {MOST_BYTES:,} bytes")
            return message

        async def send_counted(message):
            if message["type"] == "http.response.start":
                self.worker.counts[message["status"]] += 1
            await send(message)

        app, given = self.app, dict(scope["headers"]).get(b"authorization", b"")
        is_open = not self.expected or scope["path"] in ("/", "/healthz")
        if not is_open and not secrets.compare_digest(given, self.expected):  # in constant time: no hint for guessers
            app = JSONResponse({"error": problem(401, "send the key: Authorization: Bearer KEY")}, 401)
        await app(scope, receive_limited, send_counted)


def create_app(worker, name, finetuned=None, key="", hosts=("*",)):
    """The web application.

    Args:
        worker: a `Worker`, which starts and ends with the application.
        name: what clients call the model.
        finetuned: from `load_finetuned`, to serve /predict instead of text.
        key: that clients must send; empty for none.
        hosts: names by which the server may be called. A page of another site, whose name leads here, is refused.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app):
        worker.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(title="minigpt", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Gate, worker=worker, key=key)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))

    @app.exception_handler(AnyHTTPException)
    async def refused(request, error):
        return JSONResponse({"error": problem(error.status_code, error.detail)}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request, error):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:]))
        return JSONResponse({"error": problem(400, f"{where}: {first['msg']}")}, 400)

    @app.exception_handler(Exception)
    async def failed(request, error):
        return JSONResponse({"error": problem(500, f"{type(error).__name__} in the server")}, 500)

    async def answer(asked, request, kind):
        if finetuned:
            raise HTTPException(404, f"{name} is fine-tuned for a task and writes no text: ask /predict")
        if asked.model not in ("", name):
            raise HTTPException(404, f"there is no model {asked.model!r} here, only {name!r}")
        chat = kind == "chat.completion"
        jobs = make_jobs(worker, asked)
        worker.submit(jobs)
        head = {"id": f"cmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": name, "object": kind}
        if asked.stream:
            head["object"] += ".chunk" * chat
            return StreamingResponse(events(jobs, asked, head, chat), media_type="text/event-stream")
        made = await unless_gone(request, whole_answer(jobs, asked, head, chat))
        return JSONResponse(made) if made else Response(status_code=499)

    @app.post("/v1/completions")
    async def completions(asked: CompletionAsked, request: Request):
        return await answer(asked, request, "text_completion")

    @app.post("/v1/chat/completions")
    async def chat(asked: ChatAsked, request: Request):
        return await answer(asked, request, "chat.completion")

    @app.get("/v1/models")
    async def models():
        return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "minigpt"}]}

    @app.post("/predict")
    async def predictions(asked: PredictAsked):
        if not finetuned:
            raise HTTPException(404, f"{name} is not fine-tuned for a task: ask /v1/completions")
        f = finetuned
        try:
            fields = [given if isinstance(given, dict) else as_fields(f.task, given) for given in asked.inputs]
            examples = [read_example(f.task, each) for each in fields]
            for example in examples:
                f.task.encode_input(f.encoder, example)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise HTTPException(400, f"an input cannot be read: {error}") from None
        found = await worker.call(lambda: list(predict(f.model, f.task, f.encoder, examples)))
        return {"predictions": [each | {prediction_name(f.task): made} for each, made in zip(fields, found)]}

    @app.post("/look")
    async def look_inside(asked: LookAsked):
        if finetuned:
            raise HTTPException(404, f"{name} is fine-tuned for a task: the page shows its predictions only")
        try:
            ids = worker.tokenizer.encode(asked.text)
            check_prompt(ids, worker.model.config)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        if len(ids) > MOST_SHOWN:
            raise HTTPException(400, f"the text has {len(ids)} tokens; the page looks at {MOST_SHOWN} at most")
        return await worker.call(lambda: look(worker.model, worker.tokenizer, ids, asked.n_top))

    @app.get("/healthz")
    async def health():
        if not worker.thread.is_alive():
            raise HTTPException(503, "the model's thread has ended")
        return {"status": "ok", "model": name, "task": type(finetuned.task).__name__ if finetuned else None}

    @app.get("/metrics")
    async def metrics_text():
        return PlainTextResponse(metrics(worker), media_type="text/plain; version=0.0.4")

    @app.get("/")
    async def page():
        nonce = secrets.token_urlsafe(16)  # lets in the page's own style and script, and nothing else
        rules = f"default-src 'none'; connect-src 'self'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        rules += "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        text = PAGE.read_text(encoding="utf-8").replace("NONCE", nonce)
        return HTMLResponse(text, headers={"Content-Security-Policy": rules, "X-Content-Type-Options": "nosniff",
                                           "Referrer-Policy": "no-referrer"})  # fmt: skip

    return app


def serve(flags, say):
    """Serve until a signal ends it; what is being written is finished first.

    Args:
        flags: `minigpt.cli.ServeFlags`.
        say: prints a line.
    """
    key = Path(flags.api_key_file).read_text(encoding="utf-8").strip() if flags.api_key_file else ""
    if flags.api_key_file and not key:
        raise ValueError(f"{flags.api_key_file} is empty: write the key into it")
    key = key or os.environ.get("MINIGPT_API_KEY", "")
    folder, device = find_checkpoint(flags.run), choose_device(flags.device)
    name = Path(flags.run).resolve().name
    if str(read_json(folder / "config.json").get("format", "")).startswith("minigpt-finetuned"):
        finetuned = load_finetuned(folder, flags.base, device)
        model, tokenizer = finetuned.model, finetuned.encoder.tokenizer
    else:
        finetuned, (model, tokenizer) = None, load_model(folder, device)
    worker = Worker(model, tokenizer, flags.batch_size, flags.queue, flags.max_tokens)
    try:
        family = socket.AF_INET6 if ":" in flags.host else socket.AF_INET
        listener = socket.create_server((flags.host, flags.port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot listen on {flags.host} port {flags.port}: {error}; choose another --port") from None
    local = flags.host in ("127.0.0.1", "localhost", "::1")
    if not local and not key:
        say("note: anyone who reaches this machine can use the model: set MINIGPT_API_KEY or --api-key-file")
    app = create_app(worker, name, finetuned, key, ("localhost", "127.0.0.1", "[::1]") if local else ("*",))
    say(f"serving {name} at http://{flags.host}:{listener.getsockname()[1]} (open it in a browser; end with Ctrl-C)")
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=flags.grace, ws="none")
    uvicorn.Server(settings).run(sockets=[listener])
