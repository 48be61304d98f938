"""From a prompt to more text: which token next, and the loop that asks for it.

A GPT with learned positions reads at most `context_length` tokens. What happens past that is a rule of ours: once a
text is longer than the context, the model sees its last tokens only, and drops half a context of the oldest at a time
(`window_start`). So the cache is filled anew once every half context, not at every token, and each row of a batch
gets the tokens that it would get alone.
"""

import codecs
from dataclasses import replace

import torch

from minigpt.config import SamplingConfig


def next_token_probabilities(logits, temperature=1.0, top_k=0, top_p=1.0):
    """The distribution that the next token is drawn from.

    Args:
        logits: (..., V).
        temperature: divides the logits; 0 puts all probability on the largest.
        top_k: keep the k likeliest tokens, 0 for all. Source: Fan et al. (2018), section 5.4.
        top_p: keep the fewest likeliest tokens that reach this probability together.
            Source: Holtzman et al. (2020), section 3.1.
    Returns:
        (..., V) probabilities, float64, each row summing to 1. Of equal logits, the lowest id counts as likelier.
    """
    logits = logits.double()
    if not torch.isfinite(logits).all():
        raise ValueError("the model's logits are not finite: its weights have overflowed")
    logits = logits - logits.amax(dim=-1, keepdim=True)  # so that dividing by a tiny temperature cannot overflow up
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).double()
    probabilities = (logits / temperature).softmax(dim=-1)
    if top_k == 0 and top_p == 1:
        return probabilities
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1], device=logits.device)
    kept = rank < (min(top_k, len(rank)) or len(rank))
    ordered = ordered * kept
    ordered = ordered / ordered.sum(dim=-1, keepdim=True)  # top-p then counts within the k
    before = ordered.cumsum(dim=-1) - ordered  # probability of all likelier tokens; 0 for the first, so one is kept
    ordered = ordered * (before < top_p)
    ordered = ordered / ordered.sum(dim=-1, keepdim=True)
    return torch.zeros_like(probabilities).scatter(-1, order, ordered)


def window_start(length, context_length):
    """Index of the first token that the model still sees, of a text of `length` tokens."""
    if length <= context_length:
        return 0
    half = max(1, context_length // 2)
    return -(-(length - context_length) // half) * half


def generate(model, prompts, sampling=None, stop_ids=(), n_tokens=None, use_cache=True, seeds=None, **changes):
    """Continue several prompts at once.

    Args:
        model: a `GPT`.
        prompts: lists of token ids, of any lengths from 1 to the context length.
        sampling: a `SamplingConfig`; `changes` override single fields: `generate(model, prompts, temperature=0)`.
        stop_ids: a row ends when it draws one of these (the token itself is not returned).
        n_tokens: draw only ids below this; for a model whose vocabulary is padded beyond its tokenizer's.
        use_cache: False reads the whole text again for each token: slow, the same result.
        seeds: of each prompt's draws; None gives all of them the sampling's, so that equal prompts get equal texts.
    Returns:
        a list of lists: the new token ids of each prompt, which do not depend on its neighbours.
    """
    rows = [[] for _ in prompts]
    for tokens in _steps(model, prompts, sampling, stop_ids, n_tokens, use_cache, changes, seeds):
        for row, token in zip(rows, tokens):
            if token is not None:
                row.append(token)
    return rows


def stream(model, prompt, sampling=None, stop_ids=(), n_tokens=None, **changes):
    """Continue one prompt (a list of token ids), yielding each new token id as soon as it is drawn."""
    for (token,) in _steps(model, [prompt], sampling, stop_ids, n_tokens, True, changes):
        if token is not None:
            yield token


def _steps(model, prompts, sampling, stop_ids, n_tokens, use_cache, changes, seeds=None):
    """Yield, step by step, the token drawn for each row, or None for a row that has ended."""
    sampling = replace(sampling or SamplingConfig(), **changes)
    context_length = model.config.context_length
    texts = [list(prompt) for prompt in prompts]
    for text in texts:
        check_prompt(text, model.config)
    # One generator a row: what a row draws does not depend on how many rows there are.
    seeds = [sampling.seed] * len(texts) if seeds is None else list(seeds)
    if len(seeds) != len(texts):
        raise ValueError(f"{len(texts)} prompts need as many seeds, not {len(seeds)}")
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    running = [True] * len(texts)
    reader = _Reader(model, use_cache)
    for _ in range(sampling.max_new_tokens if texts else 0):
        visible = [text[window_start(len(text), context_length) :] for text in texts]
        logits = reader.next_logits(visible)[:, :n_tokens]
        probabilities = next_token_probabilities(logits, sampling.temperature, sampling.top_k, sampling.top_p)
        drawn = [int(torch.multinomial(row, 1, generator=g)) for row, g in zip(probabilities, generators)]
        running = [going and token not in stop_ids for going, token in zip(running, drawn)]
        for text, token in zip(texts, drawn):
            text.append(token)
        if not any(running):
            return
        yield [token if going else None for token, going in zip(drawn, running)]


class _Reader:
    """Gives the logits after each row's visible tokens, reading only what is new when the cache allows it."""

    def __init__(self, model, use_cache):
        self.model = model
        self.device = model.token_embedding.weight.device
        self.use_cache = use_cache
        self.cache = None
        self.lengths = None  # visible tokens of each row at the last call

    @torch.inference_mode()
    def next_logits(self, rows):
        """(B, V) logits, on the CPU."""
        was_training = self.model.training
        self.model.eval()
        try:
            # A window that moved gives every token another position: the cache is worth nothing then.
            one_more = self.lengths is not None and all(len(r) == n + 1 for r, n in zip(rows, self.lengths))
            hidden = self._read_newest(rows) if one_more and self.cache is not None else self._read_all(rows)
            self.lengths = [len(row) for row in rows]
            return self.model.to_logits(hidden[:, -1]).float().cpu()
        finally:
            self.model.train(was_training)

    def _read_newest(self, rows):
        newest = torch.tensor([row[-1:] for row in rows], device=self.device)
        return self._read(newest, None)

    def _read_all(self, rows):
        width = max(map(len, rows))
        ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=self.device)
        padding_mask = None
        if any(len(row) < width for row in rows):  # on the left, so that every row's newest token is the last
            real = [[column >= width - len(row) for column in range(width)] for row in rows]
            padding_mask = torch.tensor(real, device=self.device)
        if self.use_cache:
            self.cache = self.model.new_cache(len(rows))
        return self._read(ids, padding_mask)

    def _read(self, ids, padding_mask):
        positions = self.model.positions(ids, padding_mask, self.cache)
        return self.model.encode(self.model.embed(ids, positions), padding_mask, self.cache)


def check_prompt(ids, config):
    """Raise ValueError unless a model of this `GPTConfig` can continue a text of these token ids."""
    if not ids:
        raise ValueError("the prompt has no tokens: give at least one")
    if len(ids) > config.context_length:
        raise ValueError(
            f"the prompt has {len(ids)} tokens, more than the model's context_length={config.context_length}"
        )
    outside = [token for token in ids if not 0 <= token < config.vocab_size]
    if outside:
        raise ValueError(f"token id {outside[0]} is outside of the model's vocabulary of {config.vocab_size}")


class TextWriter:
    """Turns token ids into text, one by one, until a stop text begins.

    A character whose bytes are spread over several tokens comes out when it is whole. What might be the beginning of a
    stop text is held back until it is clear that it is not.

    Args:
        tokenizer: of the model.
        stops: texts; the first of them ends the text, and is not part of it.
    """

    def __init__(self, tokenizer, stops=()):
        self.tokenizer, self.stops = tokenizer, [stop for stop in stops if stop]
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.held = ""
        self.stopped = False  # whether a stop text was met

    def write(self, token):
        """The text that is ready after one more token, perhaps none."""
        return self._pass_on(self.decoder.decode(self.tokenizer.token_bytes(token)))

    def finish(self):
        """The rest, when no token follows."""
        ready = self._pass_on(self.decoder.decode(b"", final=True))
        rest, self.held = self.held, ""
        return ready + rest

    def _pass_on(self, text):
        if self.stopped:
            return ""
        self.held += text
        found = [self.held.index(stop) for stop in self.stops if stop in self.held]
        if found:
            ready, self.held, self.stopped = self.held[: min(found)], "", True
            return ready
        begun = [n for stop in self.stops for n in range(1, len(stop)) if self.held.endswith(stop[:n])]
        n_ready = len(self.held) - max(begun, default=0)
        ready, self.held = self.held[:n_ready], self.held[n_ready:]
        return ready
