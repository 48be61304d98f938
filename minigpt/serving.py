"""A model behind HTTP: OpenAI's completions; a fine-tuned model's predictions; a page to look inside.

Two threads share the work. This one speaks HTTP and never computes. The other, a `batching.Worker`, owns the model: a
request's texts go to it as `Job`s, and come back token by token through an asyncio queue.
"""

import asyncio
import contextlib
import json
import os
import secrets
import socket
import time
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

from minigpt.batching import SECONDS, Job, Refused, Worker
from minigpt.checkpoint import find_checkpoint, load_model, read_json
from minigpt.config import SamplingConfig
from minigpt.devices import choose_device
from minigpt.finetuning.commands import as_fields, prediction_name, read_example
from minigpt.finetuning.evaluation import predict
from minigpt.finetuning.run import load_finetuned
from minigpt.generation import TextWriter, check_prompt

PAGE = Path(__file__).with_name("serving_page.html")
MOST_BYTES = 1 << 20  # of a request
MOST_SHOWN = 64  # tokens that the page looks at: attention is layers × heads × tokens² numbers
UNSUPPORTED = ("frequency_penalty", "presence_penalty", "logit_bias", "suffix", "echo", "tools", "best_of")

# ------------------------------------------------------------------------------------------- what is asked


class Asked(BaseModel, extra="allow"):
    """What OpenAI's two requests have in common, and top_k. A field that is null counts as left out."""

    model: str = ""
    max_tokens: int = Field(None, ge=1)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0)
    n: int = Field(1, ge=1, le=8)
    seed: int = Field(None, ge=0, lt=2**63)
    stop: str | Annotated[list[str], Field(max_length=4)] = []
    stream: bool = False
    stream_options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, data):
        """Leave out what is null, and refuse what would be ignored."""
        if not isinstance(data, dict):
            return data
        for name in UNSUPPORTED:
            if data.get(name) not in (None, 0, False, "", {}, []):
                raise ValueError(f"{name} is not supported: leave it out")
        return {name: value for name, value in data.items() if value is not None}


class CompletionAsked(Asked):
    """A request to /v1/completions."""

    prompt: str | list[str] | list[StrictInt] | list[list[StrictInt]]
    logprobs: int = Field(None, ge=0, le=20)

    def read(self, tokenizer):
        """The prompts' ids; most tokens, texts that end an answer, and how many likeliest tokens to report."""
        single = isinstance(self.prompt, str) or (self.prompt and isinstance(self.prompt[0], int))
        prompts = [self.prompt] if single else self.prompt
        prompts = [tokenizer.encode(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]
        return prompts, self.max_tokens or 16, [], self.logprobs


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

    def read(self, tokenizer):
        """As above, of a transcript that ends with the assistant's turn, as in dialogues for fine-tuning."""
        lines = [f"{message.role.capitalize()}: {message.content}" for message in self.messages]
        most = self.max_completion_tokens or self.max_tokens or 256
        n_top = self.top_logprobs if self.logprobs else None
        return [tokenizer.encode("\n".join([*lines, "Assistant:"]))], most, ["\nUser:", "\nSystem:"], n_top


class PredictAsked(BaseModel):
    """A request to /predict: texts, or objects as `minigpt predict` reads them."""

    inputs: list[str | dict[str, Any]] = Field(min_length=1, max_length=64)


class LookAsked(BaseModel):
    """What the page asks: what the model makes of a text."""

    text: str


def make_jobs(worker, asked):
    """The texts to write for a request; text i draws with seed + i.

    Raises:
        ValueError: if the model cannot write them.
    """
    prompts, most, stops, n_top = asked.read(worker.tokenizer)
    if most > worker.max_tokens:
        raise ValueError(f"max_tokens={most} is more than this server's limit of {worker.max_tokens}")
    if not 1 <= len(prompts) * asked.n <= worker.room:
        raise ValueError(f"a request may ask for 1 to {worker.room} texts, not {len(prompts) * asked.n}")
    stops += [asked.stop] if isinstance(asked.stop, str) else asked.stop
    seed, pieces, jobs = secrets.randbits(62) if asked.seed is None else asked.seed, asyncio.Queue(), []
    for index, ids in enumerate(ids for ids in prompts for _ in range(asked.n)):
        check_prompt(ids, worker.model.config)
        sampling = SamplingConfig(most, asked.temperature, asked.top_k, asked.top_p, (seed + index) % 2**63)
        jobs.append(Job(index, list(ids), sampling, TextWriter(worker.tokenizer, stops), pieces, n_top))
    return jobs


# ------------------------------------------------------------------------------------------- what is answered


async def pieces_of(jobs):
    """(job, piece) as they are written. Who stops listening, as when the client goes away, cancels the rest."""
    unfinished = len(jobs)
    try:
        while unfinished:
            job, piece = await jobs[0].pieces.get()
            unfinished -= piece["finish_reason"] is not None
            yield job, piece
    finally:
        for job in jobs:
            job.cancelled = True


def choice(index, pieces, chat, part="message"):
    """One of a response's choices, in OpenAI's shape: of all pieces of a text, or of one that is streamed."""
    text, tokens = "".join(piece["text"] for piece in pieces), [p["token"] for p in pieces if "token" in p]
    made = {"index": index, "finish_reason": pieces[-1]["finish_reason"], "logprobs": None}
    if chat:
        made |= {part: {"role": "assistant", "content": text}, "logprobs": {"content": tokens} if tokens else None}
    else:
        made["text"] = text
    if tokens and not chat:
        top = [{other["token"]: other["logprob"] for other in token["top_logprobs"]} for token in tokens]
        made["logprobs"] = {"tokens": [token["token"] for token in tokens], "top_logprobs": top,
                            "token_logprobs": [token["logprob"] for token in tokens]}  # fmt: skip
    return made


def usage(jobs, n):
    """How many tokens were read and written; a prompt with n texts is read once."""
    read, written = sum(job.n_prompt for job in jobs) // n, sum(job.n_written for job in jobs)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


async def whole_answer(jobs, asked, head, chat):
    """A response with all texts."""
    written = [[] for _ in jobs]
    async for job, piece in pieces_of(jobs):
        if "error" in piece:
            return problem(500, piece["error"])
        written[job.index].append(piece)
    choices = [choice(index, pieces, chat) for index, pieces in enumerate(written)]
    return JSONResponse(head | {"choices": choices, "usage": usage(jobs, asked.n)})


async def events(jobs, asked, head, chat):
    """The same as server-sent events, one for each token."""
    begun = set()
    async for job, piece in pieces_of(jobs):
        made = head | {"choices": [choice(job.index, [piece], chat, "delta")]}
        if "error" in piece:
            made = {"error": {"message": piece["error"], "type": "server_error", "param": None, "code": None}}
        elif chat and job.index in begun:
            del made["choices"][0]["delta"]["role"]  # it is told once
        begun.add(job.index)
        yield f"data: {json.dumps(made)}\n\n"
    if asked.stream_options.get("include_usage"):
        yield f"data: {json.dumps(head | {'choices': [], 'usage': usage(jobs, asked.n)})}\n\n"
    yield "data: [DONE]\n\n"


async def unless_gone(request, coroutine):
    """What the coroutine gives; but when the client goes away first, the coroutine is cancelled."""

    async def gone():
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response(status_code=499)  # which nobody reads

    tasks = [asyncio.ensure_future(coroutine), asyncio.ensure_future(gone())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()


@torch.inference_mode()
def look(model, tokenizer, ids):
    """What the page shows of a text: its tokens, what was expected at each place, and attention[layer][head]."""
    collected, device = [], model.token_embedding.weight.device
    hidden = model.encode(model.embed(torch.tensor([ids], device=device)), collected=collected)
    probabilities = model.to_logits(hidden)[0, :, : tokenizer.vocab_size].double().softmax(dim=-1).cpu()  # (T, V)
    top = probabilities.topk(min(10, tokenizer.vocab_size))
    return {
        "tokens": [tokenizer.decode([token]) for token in ids],
        "probabilities": [None, *(float(row[token]) for row, token in zip(probabilities, ids[1:]))],
        "next": [[(tokenizer.decode([token]), value) for token, value in zip(*row)]
                 for row in zip(top.indices.tolist(), top.values.tolist())],
        "attention": [layer[0].double().cpu().numpy().round(3).tolist() for layer in collected],  # (H, T, T) each
    }  # fmt: skip


def metrics(worker):
    """The worker's counts in Prometheus' text format."""
    counts, name = worker.counts.copy(), "minigpt_time_to_first_token_seconds"
    lines = ["# TYPE minigpt_responses_total counter", f"# TYPE {name} histogram"]
    lines += [f'minigpt_responses_total{{status="{key}"}} {n}' for key, n in counts.items() if isinstance(key, int)]
    for kind in ("generated", "steps", "cancelled"):
        lines += [f"# TYPE minigpt_{kind}_total counter", f"minigpt_{kind}_total {counts[kind]}"]
    for kind in ("running", "waiting"):
        lines += [f"# TYPE minigpt_{kind} gauge", f"minigpt_{kind} {len(getattr(worker, kind))}"]
    lines += [f'{name}_bucket{{le="{limit}"}} {worker.first_token_seconds[limit]}' for limit in SECONDS]
    lines += [f'{name}_bucket{{le="+Inf"}} {counts["first_tokens"]}', f"{name}_count {counts['first_tokens']}",
              f"{name}_sum {counts['first_token_seconds']:.6f}", ""]  # fmt: skip
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------- the server


def problem(status, message, headers=None):
    """A refusal, in OpenAI's shape."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
    kind = kind if status < 500 else "server_error"
    error = {"message": str(message), "type": kind, "param": None, "code": None}
    return JSONResponse({"error": error}, status, headers)


class Gate:
    """What every request passes on its way in and out: the key, its size, the count of answers."""

    def __init__(self, app, worker, key):
        self.app, self.worker, self.expected = app, worker, f"Bearer {key}".encode() if key else b""

    async def __call__(self, scope, receive, send):
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

        app, given = self.app, dict(scope.get("headers", ())).get(b"authorization", b"")
        is_open = not self.expected or scope["type"] != "http" or scope["path"] in ("/", "/healthz")
        if not is_open and not secrets.compare_digest(given, self.expected):  # in constant time: no hint for guessers
            app = problem(401, "send the server's key: Authorization: Bearer KEY")
        await app(scope, receive_limited, send_counted)


def create_app(worker, name, finetuned=None, key="", hosts=("*",)):
    """The web application.

    Args:
        worker: a `Worker`, which starts and ends with the application.
        name: what clients call the model.
        finetuned: from `load_finetuned`, to serve predictions instead of text.
        key: that clients must send; empty for none.
        hosts: names that the server answers to, so that no other site's name can be made to lead to it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app):
        worker.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(title="minigpt", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Gate, worker=worker, key=key)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    for kind, handler in {
        AnyHTTPException: lambda request, error: problem(error.status_code, error.detail, error.headers),
        RequestValidationError: lambda request, error: problem(400, _first_mistake(error)),
        Refused: lambda request, error: problem(503 if worker.closing else 429, error, {"Retry-After": "1"}),
        Exception: lambda request, error: problem(500, f"{type(error).__name__} in the server"),
    }.items():
        app.add_exception_handler(kind, handler)

    def only_if(right, instead):
        if not right:
            raise HTTPException(404, f"{name} is {'' if finetuned else 'not '}fine-tuned for a task: ask {instead}")

    async def answer(asked, request, kind):
        only_if(not finetuned, "/predict")
        if asked.model not in ("", name):
            raise HTTPException(404, f"there is no model {asked.model!r} here, only {name!r}")
        with mistakes_are_the_clients():
            jobs = make_jobs(worker, asked)
        worker.submit(jobs)
        chat = kind == "chat.completion"
        head = {"id": f"cmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": name, "object": kind}
        if asked.stream:
            head["object"] += ".chunk" * chat
            return StreamingResponse(events(jobs, asked, head, chat), media_type="text/event-stream")
        return await unless_gone(request, whole_answer(jobs, asked, head, chat))

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
        only_if(finetuned, "/v1/completions")
        task, encoder = finetuned.task, finetuned.encoder
        with mistakes_are_the_clients():
            fields = [each if isinstance(each, dict) else as_fields(task, each) for each in asked.inputs]
            examples = [read_example(task, each) for each in fields]
            for example in examples:
                task.encode_input(encoder, example)
        made = await worker.call(lambda: list(predict(finetuned.model, task, encoder, examples)))
        return {"predictions": [each | {prediction_name(task): answer} for each, answer in zip(fields, made)]}

    @app.post("/look")
    async def look_inside(asked: LookAsked):
        only_if(not finetuned, "/predict")
        with mistakes_are_the_clients():
            ids = worker.tokenizer.encode(asked.text)
            check_prompt(ids[:MOST_SHOWN], worker.model.config)
            if len(ids) > MOST_SHOWN:
                raise ValueError(f"the text has {len(ids)} tokens; the page looks at {MOST_SHOWN} at most")
        return await worker.call(lambda: look(worker.model, worker.tokenizer, ids))

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
        return HTMLResponse(text, headers={"Content-Security-Policy": rules, "X-Content-Type-Options": "nosniff"})

    return app


def _first_mistake(error):
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'][1:])) or 'body'}: {first['msg']}"


@contextlib.contextmanager
def mistakes_are_the_clients():
    """A request that cannot be read gets status 400."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise HTTPException(400, str(error)) from None


def serve(flags, say):
    """Serve until a signal ends it; what is being written is finished first.

    Args:
        flags: `minigpt.cli.ServeFlags`.
        say: prints a line.
    """
    key = os.environ.get("MINIGPT_API_KEY", "")
    if flags.api_key_file:
        key = Path(flags.api_key_file).read_text(encoding="utf-8").strip()
        if not key:
            raise ValueError(f"{flags.api_key_file} is empty: write the key into it")
    folder, device, finetuned = find_checkpoint(flags.run), choose_device(flags.device), None
    if "finetuned" in str(read_json(folder / "config.json").get("format")):
        finetuned = load_finetuned(folder, flags.base, device)
        model, tokenizer = finetuned.model, finetuned.encoder.tokenizer
    else:
        model, tokenizer = load_model(folder, device)
    try:
        family = socket.AF_INET6 if ":" in flags.host else socket.AF_INET
        listener = socket.create_server((flags.host, flags.port), family=family, backlog=2048)
    except OSError as error:
        raise ValueError(f"cannot listen on {flags.host} port {flags.port}: {error}; choose another --port") from None
    is_local = flags.host in ("127.0.0.1", "localhost", "::1")
    if not is_local and not key:
        say("note: whoever reaches this machine can use the model; set MINIGPT_API_KEY or --api-key-file to ask a key")
    name = Path(flags.run).resolve().name
    worker = Worker(model, tokenizer, flags.batch_size, flags.queue, flags.max_tokens)
    app = create_app(worker, name, finetuned, key, ("localhost", "127.0.0.1", "[::1]") if is_local else ("*",))
    say(f"serving {name} at http://{flags.host}:{listener.getsockname()[1]} (open it in a browser; end with Ctrl-C)")
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=flags.grace, ws="none")
    uvicorn.Server(settings).run(sockets=[listener])
