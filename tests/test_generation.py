"""Generation: the distribution drawn from, cached = uncached, batches, windows, seeds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import VARIANTS, make_model

from minigpt.config import SamplingConfig
from minigpt.generation import TextWriter, generate, next_token_probabilities, stream, window_start


def test_temperature_by_hand():
    logits = torch.tensor([0.0, 1.0, 2.0])
    expected = torch.tensor([0.0, 2.0, 4.0], dtype=torch.float64).softmax(0)
    torch.testing.assert_close(next_token_probabilities(logits, temperature=0.5), expected)
    assert next_token_probabilities(logits, temperature=0).tolist() == [0, 0, 1]


def test_top_k_and_top_p_by_hand():
    logits = torch.tensor([0.5, 0.2, 0.2, 0.1]).log()
    close = {"atol": 1e-6, "rtol": 1e-6, "check_dtype": False}
    # Of the two equally likely tokens, the lower id is kept.
    torch.testing.assert_close(next_token_probabilities(logits, top_k=2), torch.tensor([5 / 7, 2 / 7, 0, 0]), **close)
    # 0.5 does not reach 0.6; 0.5 + 0.2 does.
    torch.testing.assert_close(next_token_probabilities(logits, top_p=0.6), torch.tensor([5 / 7, 2 / 7, 0, 0]), **close)
    torch.testing.assert_close(next_token_probabilities(logits, top_p=0.4), torch.tensor([1.0, 0, 0, 0]), **close)
    # Within the three likeliest, the first has 5/9 of the probability, enough for 0.55.
    both = next_token_probabilities(logits, top_k=3, top_p=0.55)
    torch.testing.assert_close(both, torch.tensor([1.0, 0, 0, 0]), **close)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20), st.floats(0.1, 3), st.integers(0, 25), st.floats(0.01, 1))
def test_the_distribution_is_one_for_any_settings(logits, temperature, top_k, top_p):
    logits = torch.tensor(logits)
    probabilities = next_token_probabilities(logits, temperature, top_k, top_p)
    assert probabilities.sum().item() == pytest.approx(1)
    if top_k:
        assert (probabilities > 0).sum() <= top_k
    assert probabilities[logits.argmax()] > 0
    kept = probabilities > 0
    if top_p == 1 and not kept.all():  # nothing that was left out is likelier than what was kept
        assert logits[kept].min() >= logits[~kept].max()


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_cached_equals_uncached_far_past_the_context(name, temperature):
    model = make_model(**VARIANTS[name])  # context of 11
    prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3], [8]]
    settings = SamplingConfig(max_new_tokens=40, temperature=temperature, seed=3)
    assert generate(model, prompts, settings) == generate(model, prompts, settings, use_cache=False)


def test_logits_past_the_context_equal_uncached_ones():
    """The tokens could agree by luck; the logits that they are drawn from must agree, too."""
    from minigpt.generation import _Reader

    model = make_model(attention_pattern="dense,banded", band_width=3)
    cached, uncached = _Reader(model, True), _Reader(model, False)
    texts = [[3, 1, 4], [1, 5, 9, 2, 6]]
    for step in range(40):
        visible = [text[window_start(len(text), 11) :] for text in texts]
        torch.testing.assert_close(cached.next_logits(visible), uncached.next_logits(visible), atol=1e-4, rtol=1e-4)
        texts = [[*text, (7 * step + i) % 29] for i, text in enumerate(texts)]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_does_not_depend_on_its_neighbours(model, temperature):
    prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3], [8]]
    together = generate(model, prompts, max_new_tokens=30, temperature=temperature, seed=5)
    alone = [generate(model, [p], max_new_tokens=30, temperature=temperature, seed=5)[0] for p in prompts]
    assert together == alone


def test_the_same_seed_gives_the_same_text_and_another_another():
    model = make_model()
    draws = [generate(model, [[3]], max_new_tokens=20, temperature=1.0, seed=s)[0] for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_seeds_of_its_own_give_each_prompt_the_text_that_it_gets_alone():
    model = make_model()
    rows = generate(model, [[1, 2]] * 3, max_new_tokens=9, temperature=1, seeds=[5, 6, 5])
    assert rows[0] == rows[2] != rows[1]
    assert rows[1] == generate(model, [[1, 2]], max_new_tokens=9, temperature=1, seed=6)[0]
    with pytest.raises(ValueError, match="3 prompts need as many seeds, not 2"):
        generate(model, [[1]] * 3, seeds=[1, 2])


def test_generation_leaves_the_callers_random_numbers_prompt_and_mode_alone():
    model, prompt = make_model(dropout=0.4).train(), [3, 1]
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    generate(model, [prompt], max_new_tokens=5, temperature=1.0)
    assert torch.rand(1) == expected
    assert prompt == [3, 1]
    assert model.training


def test_greedy_takes_the_likeliest_token_each_time():
    model, text = make_model(), [3, 1, 4]
    for token in stream(model, list(text), max_new_tokens=6, temperature=0):
        assert token == model(torch.tensor([text]))[0, -1].argmax()
        text.append(token)
    assert len(text) == 9


def test_a_row_ends_at_its_stop_token_and_the_others_go_on():
    model, prompts = make_model(), [[3], [7, 7]]
    free = generate(model, prompts, max_new_tokens=20, temperature=1.0, seed=2)
    stop = next(t for t in free[0] if t not in free[1])
    stopped = generate(model, prompts, max_new_tokens=20, temperature=1.0, seed=2, stop_ids=[stop])
    assert stopped[0] == free[0][: free[0].index(stop)]
    assert stopped[1] == free[1]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 200), st.integers(1, 40))
def test_the_window_fits_the_context_and_keeps_at_least_half_of_it(length, context_length):
    start = window_start(length, context_length)
    visible = length - start
    assert 1 <= visible <= context_length
    assert visible >= min(length, context_length - max(1, context_length // 2) + 1)
    assert start <= window_start(length + 1, context_length)  # what was dropped stays dropped


@pytest.mark.parametrize("prompt, message", [
    ([], "no tokens"),
    ([1] * 12, "12 tokens, more than the model's context_length=11"),
    ([29], "token id 29 is outside"),
    ([-1], "token id -1 is outside"),
])  # fmt: skip
def test_a_prompt_that_cannot_be_read_is_refused(prompt, message):
    with pytest.raises(ValueError, match=message):
        generate(make_model(), [prompt])


def test_extreme_settings_give_a_distribution():
    logits = torch.tensor([1.0, 3.0, 2.0])
    for extreme in ({"temperature": 1e-320}, {"temperature": 1e300}, {"top_k": 10**30}, {"top_p": 1e-300}):
        assert next_token_probabilities(logits, **extreme).sum() == pytest.approx(1)
    assert next_token_probabilities(logits, temperature=1e-320).tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="logits are not finite"):
        next_token_probabilities(torch.tensor([1.0, torch.inf]))


def test_only_ids_of_the_tokenizer_are_drawn():
    (drawn,) = generate(make_model(), [[1]], max_new_tokens=60, temperature=3.0, n_tokens=4)
    assert set(drawn) <= {0, 1, 2, 3}


def test_nothing_asked_nothing_written():
    assert generate(make_model(), [[1]], max_new_tokens=0) == [[]]
    assert generate(make_model(), []) == []


@pytest.mark.parametrize("pieces", [["abcSTOPd"], ["ab", "cS", "TO", "Pd"], list("abcSTOPd"), ["abcS", "TOPd", "e"]])
def test_a_stop_text_is_found_across_tokens(pieces):
    class Pieces:  # a tokenizer whose tokens are these
        def token_bytes(self, token):
            return pieces[token].encode()

    def written(*stops):
        writer = TextWriter(Pieces(), stops)
        text = "".join([writer.write(token) for token in range(len(pieces))])
        return text + writer.finish(), writer.stopped

    assert written("STOP") == ("abc", True)
    assert written("STOPPED", "x") == written() == written("") == ("".join(pieces), False)
