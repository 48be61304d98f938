"""The real openai client, and what it gets: the tokens that `generate` draws alone, whoever else is served."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from minigpt.config import SamplingConfig
from minigpt.generation import generate


@pytest.fixture(scope="module")
def client(served):
    http, _ = served
    return openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="none", max_retries=0)


def alone(model, tokenizer, prompt, **sampling):
    """What `generate` makes of one prompt."""
    ids = tokenizer.encode(prompt)
    stops = tokenizer.special_tokens.values()
    sampling = SamplingConfig(**sampling)
    return tokenizer.decode(generate(model, [ids], sampling, stops, n_tokens=tokenizer.vocab_size)[0])


def test_many_requests_at_once_get_what_each_gets_alone(client, served, tiny, tokenizer):
    """Eighty requests of all lengths, temperatures and seeds, five at a time, most of them past the context of 23."""
    chance = random.Random(11)
    asked = [{"prompt": "".join(chance.choices("abcdefghij .", k=chance.randint(1, 23))),
              "max_tokens": chance.randint(1, 60), "temperature": chance.choice([0, 0.7, 1, 1.6]),
              "top_p": chance.choice([1, 0.9]), "seed": chance.randrange(10**9)} for _ in range(60)]  # fmt: skip
    expected = [alone(tiny, tokenizer, a["prompt"], max_new_tokens=a["max_tokens"], temperature=a["temperature"],
                      top_p=a["top_p"], seed=a["seed"]) for a in asked]  # fmt: skip
    steps_before, generated_before = served[1].counts["steps"], served[1].counts["generated"]

    def ask(request):
        if request["seed"] % 2:
            return client.completions.create(model="tiny", **request).choices[0].text
        pieces = client.completions.create(model="tiny", stream=True, **request)
        return "".join(piece.choices[0].text for piece in pieces)

    with ThreadPoolExecutor(16) as threads:
        got = list(threads.map(ask, asked))
    assert got == expected
    generated = served[1].counts["generated"] - generated_before
    assert generated == sum(a["max_tokens"] for a in asked)
    assert generated > 2 * (served[1].counts["steps"] - steps_before)  # they did share steps


def test_a_completion_has_openais_fields(client, tokenizer):
    made = client.completions.create(model="tiny", prompt=["abc", "d"], n=2, max_tokens=7, seed=4, logprobs=3)
    assert made.object == "text_completion"
    assert made.model == "tiny"
    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    assert made.choices[0].finish_reason == "length"
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (4, 28, 32)
    logprobs = made.choices[0].logprobs
    assert "".join(logprobs.tokens) == made.choices[0].text
    assert all(value <= 0 for value in logprobs.token_logprobs)
    assert [len(top) for top in logprobs.top_logprobs] == [3] * 7
    again = client.completions.create(model="tiny", prompt=tokenizer.encode("abc"), max_tokens=7, seed=4)
    assert again.choices[0].text == made.choices[0].text  # token ids are read, too
    assert again.choices[0].logprobs is None
    assert made.choices[1].text == client.completions.create(model="tiny", prompt="abc", max_tokens=7,
                                                             seed=5).choices[0].text  # fmt: skip


def test_log_probabilities_are_the_models_own(client, tiny, tokenizer):
    import torch

    made = client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "a"}], max_tokens=1,
                                          logprobs=True, top_logprobs=2, temperature=0)  # fmt: skip
    (token,) = made.choices[0].logprobs.content
    ids = tokenizer.encode("User: a\nAssistant:")
    expected = tiny(torch.tensor([ids])).log_softmax(-1)[0, -1]
    assert token.logprob == pytest.approx(expected.max().item(), abs=1e-4)
    assert [top.logprob for top in token.top_logprobs] == pytest.approx(expected.topk(2).values.tolist(), abs=1e-4)
    assert bytes(token.bytes).decode() == token.token == token.top_logprobs[0].token


def test_a_chat_is_a_transcript_that_the_model_continues(client, tiny, tokenizer):
    messages = [{"role": "user", "content": "ab"}]
    made = client.chat.completions.create(model="tiny", messages=messages, max_tokens=30, seed=3)
    assert made.object == "chat.completion"
    assert made.choices[0].message.role == "assistant"
    expected = alone(tiny, tokenizer, "User: ab\nAssistant:", max_new_tokens=30, temperature=1, seed=3)
    assert made.choices[0].message.content == expected
    chunks = list(client.chat.completions.create(model="tiny", messages=messages, max_completion_tokens=30, seed=3,
                                                 stream=True, stream_options={"include_usage": True}))  # fmt: skip
    assert "".join(chunk.choices[0].delta.content for chunk in chunks[:-1]) == expected
    assert [chunk.choices[0].delta.role for chunk in chunks[:2]] == ["assistant", None]
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["length"]
    assert chunks[0].object == "chat.completion.chunk"
    assert chunks[-1].usage.completion_tokens == 30


def test_a_stop_text_ends_the_text_and_is_left_out(client):
    free = client.completions.create(model="tiny", prompt="abc", max_tokens=80, seed=1).choices[0].text
    stop = free[20:23]
    asked = {"model": "tiny", "prompt": "abc", "max_tokens": 80, "seed": 1, "stop": ["ZZZ", stop]}
    made = client.completions.create(**asked)
    assert made.choices[0].text == free[: free.index(stop)]
    assert made.choices[0].finish_reason == "stop"
    assert made.usage.completion_tokens <= 23
    pieces = list(client.completions.create(**asked, stream=True))
    assert "".join(piece.choices[0].text for piece in pieces) == made.choices[0].text
    assert pieces[-1].choices[0].finish_reason == "stop"


def test_the_models_are_listed_and_others_are_not_found(client):
    assert [model.id for model in client.models.list()] == ["tiny"]
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-9' here, only 'tiny'"):
        client.completions.create(model="gpt-9", prompt="a")


@pytest.mark.parametrize("changes, message", [
    ({"max_tokens": 401}, "max_tokens=401 is more than this server's limit of 400"),
    ({"prompt": "a" * 24}, "24 tokens, more than the model's context_length=23"),
    ({"prompt": ""}, "no tokens"),
    ({"prompt": []}, "1 to 65 texts, not 0"),
    ({"prompt": ["a"] * 66}, "1 to 65 texts, not 66"),
    ({"prompt": [1, 10**9]}, "token id 1000000000 is outside"),
    ({"prompt": "a\ud800"}, "lone surrogate"),
    ({"temperature": 2.1}, "temperature: Input should be less than or equal to 2"),
    ({"frequency_penalty": 0.5}, "frequency_penalty is not supported"),
    ({"stop": ["a"] * 5}, "stop"),
    ({"seed": -1}, "seed"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_openais_shape(served, changes, message):
    body = json.dumps({"prompt": "a", "max_tokens": 2} | changes)  # as JSON allows: the client itself would refuse some
    answer = served[0].post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert message in error["message"]
    assert error["type"] == "invalid_request_error"
