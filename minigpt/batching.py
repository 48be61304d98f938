"""Many texts read side by side, each of which joins and leaves between two tokens: continuous batching.

`generate` reads a batch whose texts begin together, and gets room for the next batch when the last of them ends. A
server cannot wait for that: requests come at any time. Here a text that is new is read whole once, takes a free row of
the cache, and from then on adds one token a step like its neighbours; when it is done, its row is free at once. Each
text sees its own tokens only, so it gets the same continuation as alone.

`RowCache` holds the rows, `JoiningReader` reads, and `Worker` is the thread in which a server has it all done.

Source: Yu et al. (2022), Orca, section 3.1 (iteration-level scheduling).
"""

import asyncio
import collections
import contextlib
import itertools
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch

from minigpt.config import SamplingConfig
from minigpt.generation import TextWriter, next_token_probabilities, window_start
from minigpt.model import KVCache

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # buckets of the time to the first token


class RowCache(KVCache):
    """A KV cache whose rows come and go.

    Every row's newest token stands in the same column, the one before `end`, so a shorter row begins further to the
    right, and what is left of it is masked:

        a row of 5   ....abcde
        a row of 3   ......xyz|end

    When the last column is taken, all rows move back to the left; the columns beyond the context length are there so
    that this is rare.

    Args:
        config: the model's.
        n_rows: most texts at a time.
        device, dtype: of the model's weights.
    """

    def __init__(self, config, n_rows, device=None, dtype=torch.float32):
        super().__init__(config, n_rows, config.context_length + config.context_length // 8 + 1, device, dtype)
        self.first_end = self.end = config.context_length  # a whole context fits to the left of it
        self.lengths = []  # tokens of each row in use

    def extend(self, layer, key, value):
        """Store one new token of each row (B, H, 1, K); return keys and values of all columns in use (B, H, S, K)."""
        rows, columns = slice(len(key)), slice(self.end - self.length, self.end + 1)
        self.keys[layer, rows, :, self.end : self.end + 1] = key
        self.values[layer, rows, :, self.end : self.end + 1] = value
        return self.keys[layer, rows, :, columns], self.values[layer, rows, :, columns]

    def extend_padding(self, padding_mask, n_new):
        """Which columns each row really has, the new one included: (B, S), or None if they are all alike."""
        if all(length == self.length for length in self.lengths):
            return None
        begins = torch.tensor([self.length - length for length in self.lengths], device=self.keys.device)
        return torch.arange(self.length + n_new, device=self.keys.device) >= begins[:, None]

    def make_room(self):
        """See to it that there is a column for the next token."""
        if self.end < self.capacity:
            return
        old = slice(self.end - self.length, self.end)
        new = slice(self.first_end - self.length, self.first_end)
        for store in (self.keys, self.values):
            store[:, : len(self.lengths), :, new] = store[:, : len(self.lengths), :, old].clone()
        self.end = self.first_end

    def step(self):
        """Count the token that `extend` has stored in every layer."""
        self.end += 1
        self.lengths = [length + 1 for length in self.lengths]

    def join(self, cache, lengths):
        """Add rows that were read into a cache of their own, padded on the left."""
        first, width = len(self.lengths), cache.length
        rows, columns = slice(first, first + len(lengths)), slice(self.end - width, self.end)
        self.keys[:, rows, :, columns] = cache.keys[:, :, :, :width]
        self.values[:, rows, :, columns] = cache.values[:, :, :, :width]
        self.lengths += lengths
        self.length = max(self.lengths)

    def leave(self, row):
        """Free a row: the last one takes its place."""
        last = len(self.lengths) - 1
        if row < last:
            columns = slice(self.end - self.lengths[last], self.end)
            self.keys[:, row, :, columns] = self.keys[:, last, :, columns]
            self.values[:, row, :, columns] = self.values[:, last, :, columns]
            self.lengths[row] = self.lengths[last]
        self.lengths.pop()
        self.length = max(self.lengths, default=0)


class JoiningReader:
    """Gives the logits after each of several texts, and reads only what is new in them.

    Args:
        model: a `GPT`; it is put into evaluation mode.
        n_rows: most texts at a time.
    """

    def __init__(self, model, n_rows):
        self.model, self.weight = model.eval(), model.token_embedding.weight
        self.cache = RowCache(model.config, n_rows, self.weight.device, self.weight.dtype)
        self.rows = []  # whose text is in which row of the cache

    @torch.inference_mode()
    def next_logits(self, texts):
        """The logits after each text.

        Args:
            texts: {anything that names the text: its token ids}, at most `n_rows`. A text that is one token longer
                than at the last call costs one token; a new one is read whole, and so is one whose window has moved
                (see `window_start`); one that is not named any more has left.
        Returns:
            (B, V) logits on the CPU, in the order of the texts.
        """
        seen = {name: ids[window_start(len(ids), self.model.config.context_length) :] for name, ids in texts.items()}
        for row in reversed(range(len(self.rows))):
            name = self.rows[row]
            if name not in seen or len(seen[name]) != self.cache.lengths[row] + 1:
                self.cache.leave(row)
                last = self.rows.pop()
                if row < len(self.rows):
                    self.rows[row] = last
        new = sorted((name for name in seen if name not in self.rows), key=lambda name: len(seen[name]))
        hidden = self._read_newest(seen)
        # Padding costs as much as tokens do: only texts of like lengths are read together.
        for _, names in itertools.groupby(new, key=lambda name: len(seen[name]).bit_length()):
            hidden |= self._read_whole({name: seen[name] for name in names})
        if not hidden:
            return torch.empty(0, self.model.config.vocab_size)
        return self.model.to_logits(torch.stack([hidden[name] for name in texts])).float().cpu()

    def _read_newest(self, seen):
        """One token of every text that is in the cache: {name: its hidden state (D,)}."""
        if not self.rows:
            return {}
        self.cache.make_room()
        ids = self._tensor([seen[name][-1:] for name in self.rows])
        positions = self._tensor([[length] for length in self.cache.lengths])
        hidden = self.model.encode(self.model.embed(ids, positions), cache=self.cache)
        self.cache.step()
        return dict(zip(self.rows, hidden[:, -1]))

    def _read_whole(self, texts):
        """All tokens of texts that are new, which then join the cache: {name: hidden state of the last token (D,)}."""
        lengths = [len(ids) for ids in texts.values()]
        width = max(lengths)
        cache = KVCache(self.model.config, len(texts), width, self.weight.device, self.weight.dtype)
        ids = self._tensor([[0] * (width - len(ids)) + ids for ids in texts.values()])
        real = None
        if min(lengths) < width:
            real = self._tensor([[column >= width - length for column in range(width)] for length in lengths])
        hidden = self.model.encode(self.model.embed(ids, self.model.positions(ids, real)), real, cache)
        self.cache.join(cache, lengths)
        self.rows += texts
        return dict(zip(texts, hidden[:, -1]))

    def _tensor(self, values):
        return torch.tensor(values, device=self.weight.device)


# ------------------------------------------------------------------------------------------- the worker


class Refused(RuntimeError):
    """There is no room for more, or the worker is closing."""


@dataclass(eq=False)
class Job:
    """One text to write. `pieces` gets (job, dictionary) for each token, the last one with a finish_reason."""

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
            Refused: if there is no room, or the worker is closing.
        """
        with self.changed:
            if self.closing:
                raise Refused("the server is stopping")
            if len(self.waiting) + len(self.running) + len(items) > self.room:
                raise Refused(f"{self.room} texts are being written or wait")
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
            logging.getLogger(__name__).exception("no token could be written")
            written = [(job, _failure(error)) for job in self.running]
        if any("error" in piece for _, piece in written):
            self.reader = None  # its cache may hold numbers that are not finite; who goes on is read anew
        self.counts["steps"] += 1
        self.running = [job for job, piece in written if not piece["finish_reason"]]
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
            self.loop.call_soon_threadsafe(_deliver, written)

    def _draw(self, job, logits):
        """Draw a job's next token from its logits (V,), exactly as `generate` does: what there is to tell of it."""
        s, logits = job.sampling, logits[: self.tokenizer.vocab_size]
        try:
            probabilities = next_token_probabilities(logits, s.temperature, s.top_k, s.top_p)
        except ValueError as error:
            return _failure(error)
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


def _failure(error):
    return {"text": "", "error": str(error), "finish_reason": "error"}


def _deliver(written):
    for job, piece in written:
        job.pieces.put_nowait((job, piece))
