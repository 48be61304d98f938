"""Texts that join and leave a batch between two tokens get what they get alone."""

import random

import pytest
import torch
from tiny_models import VARIANTS, make_model

from minigpt.batching import JoiningReader, RowCache
from minigpt.config import SamplingConfig
from minigpt.generation import generate, next_token_probabilities, window_start


def uncached(model, ids):
    """The logits after a text, read whole."""
    visible = ids[window_start(len(ids), model.config.context_length) :]
    with torch.no_grad():
        return model(torch.tensor([visible]))[0, -1]


@pytest.mark.parametrize("name", VARIANTS)
def test_logits_are_those_of_each_text_alone_while_others_come_and_go(name):
    model = make_model(**VARIANTS[name])  # context of 11
    reader, chance = JoiningReader(model, n_rows=5), random.Random(7)
    texts, names = {}, iter(range(1000))
    for _ in range(120):
        for done in [name for name in texts if chance.random() < 0.08]:
            del texts[done]
        while len(texts) < 5 and chance.random() < 0.3:
            texts[next(names)] = [chance.randrange(29) for _ in range(chance.randint(1, 11))]
        logits = reader.next_logits(texts)
        assert len(logits) == len(texts)
        for row, ids in zip(logits, texts.values()):
            torch.testing.assert_close(row, uncached(model, ids), atol=1e-4, rtol=1e-4)
            ids.append(chance.randrange(29))
    assert next(names) > 20  # enough have joined


def test_tokens_are_those_of_generate():
    """Fifty texts of all lengths, temperatures and seeds, at most six at a time, far past the context."""
    model, chance = make_model(), random.Random(3)
    waiting = []
    for _ in range(50):
        prompt = [chance.randrange(29) for _ in range(chance.randint(1, 11))]
        sampling = SamplingConfig(max_new_tokens=chance.randint(1, 40), temperature=chance.choice([0, 0.5, 1, 1.7]),
                                  top_k=chance.choice([0, 5]), top_p=chance.choice([1, 0.8]), seed=chance.randrange(99))
        waiting.append((prompt, sampling))
    expected = [generate(model, [prompt], sampling)[0] for prompt, sampling in waiting]
    generators = [torch.Generator().manual_seed(sampling.seed) for _, sampling in waiting]
    reader, texts, started, got = JoiningReader(model, n_rows=6), {}, 0, {}
    while len(got) < 50:
        while len(texts) < 6 and started < 50 and chance.random() < 0.7:
            texts[started] = list(waiting[started][0])
            started += 1
        for index, logits in zip(list(texts), reader.next_logits(texts)):
            prompt, sampling = waiting[index]
            probabilities = next_token_probabilities(logits, sampling.temperature, sampling.top_k, sampling.top_p)
            texts[index].append(int(torch.multinomial(probabilities, 1, generator=generators[index])))
            if len(texts[index]) == len(prompt) + sampling.max_new_tokens:
                got[index] = texts.pop(index)[len(prompt) :]
    assert [got[index] for index in range(50)] == expected


def test_a_text_in_the_cache_costs_one_token_a_step():
    model = make_model()
    reader, read = JoiningReader(model, n_rows=3), []
    model.token_embedding.register_forward_hook(lambda module, given, out: read.append(tuple(given[0].shape)))
    texts = {"a": [1, 2, 3], "b": [4]}
    reader.next_logits(texts)
    for ids in texts.values():
        ids.append(5)
    reader.next_logits(texts)
    assert read == [(1, 1), (1, 3), (2, 1)]  # each alone, as their lengths are not alike; then both together


def test_the_columns_never_run_out():
    model = make_model(context_length=16)
    reader, ids = JoiningReader(model, n_rows=2), [3, 1]
    for step in range(200):
        (logits,) = reader.next_logits({step // 7: ids})  # now and then under another name, which reads it anew
        torch.testing.assert_close(logits, uncached(model, ids), atol=1e-4, rtol=1e-4)
        ids.append(step % 29)
    assert reader.cache.capacity == RowCache(model.config, 2).capacity == 19


def test_nothing_to_read():
    assert JoiningReader(make_model(), 2).next_logits({}).shape == (0, 29)
