"""The model: published sizes, causality, masks, padding, cache, and both attention paths."""

import math

import pytest
import torch
from tiny_models import VARIANTS, make_model

from minigpt.config import PRESETS, GPTConfig
from minigpt.model import GPT, KVCache, attention, attention_by_formula, attention_mask, banded_attention


def ids_of(batch, length, vocab_size=29, seed=1):
    return torch.randint(vocab_size, (batch, length), generator=torch.Generator().manual_seed(seed))


# Exact counts: GPT-2's published checkpoints; GPT-1's. GPT-3: table 2.1 prints them to two or three digits.
EXACT = {
    "gpt1": 116_534_784, "gpt2": 124_439_808, "gpt2-medium": 354_823_168, "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}  # fmt: skip
ROUNDED = {
    "gpt3-small": (125e6, 0.5e6), "gpt3-medium": (350e6, 6e6), "gpt3-large": (760e6, 0.5e6), "gpt3-xl": (1.3e9, 0.05e9),
    "gpt3-2.7b": (2.7e9, 0.05e9), "gpt3-6.7b": (6.7e9, 0.05e9), "gpt3-13b": (13.0e9, 0.2e9),
    "gpt3-175b": (175.0e9, 0.5e9),
}  # fmt: skip


def count(name):
    with torch.device("meta"):  # shapes only: 175 billion parameters need no memory
        return GPT(PRESETS[name]).n_parameters()


@pytest.mark.parametrize("name", EXACT)
def test_parameter_counts_of_published_models(name):
    assert count(name) == EXACT[name]


@pytest.mark.parametrize("name", ROUNDED)
def test_parameter_counts_round_to_the_published_figures(name):
    published, half_a_digit = ROUNDED[name]
    assert abs(count(name) - published) <= half_a_digit


def test_a_later_token_leaves_earlier_logits_unchanged(model):
    ids = ids_of(2, 9)
    for position in range(1, 9):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 1) % 29
        torch.testing.assert_close(model(ids)[:, :position], model(changed)[:, :position])
        assert not torch.allclose(model(ids)[:, position], model(changed)[:, position])


def test_a_banded_layer_sees_exactly_its_band():
    model = make_model(n_layers=1, attention_pattern="banded", band_width=3)
    ids = ids_of(1, 9)
    for position in range(6):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 1) % 29
        differs = (model(ids) - model(changed)).abs().amax(dim=(0, 2)) > 1e-6
        assert differs.tolist() == [position <= t < position + 3 for t in range(9)]


def test_the_pattern_alternates_from_dense_to_banded():
    config = GPTConfig(attention_pattern="dense,banded")
    assert [config.is_banded(layer) for layer in range(4)] == [False, True, False, True]
    weights = make_model(attention_pattern="dense,banded", band_width=3).attention_weights(ids_of(1, 9))
    farthest_seen = [int((w[0, 0, -1] > 0).nonzero()[0]) for w in weights]
    assert farthest_seen == [0, 6, 0]


def test_the_mask_by_hand():
    expected = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert attention_mask(3, 4, band_width=2).int()[0, 0].tolist() == expected
    real = torch.tensor([[False, True, True]])
    assert attention_mask(3, 3, key_is_real=real).int()[0, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-6), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("band", [None, 2])
def test_the_fused_path_equals_the_formula(dtype, tolerance, band):
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4)]
    query, key, value = (torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes)
    mask = attention_mask(5, 7, band)
    results = []
    for path in (attention, lambda *a: attention_by_formula(*a)[0]):
        mixed = path(query, key, value, mask)
        gradients = torch.autograd.grad(mixed.square().sum(), (query, key, value))
        results.append([mixed, *gradients])
    for fused, formula in zip(*results):
        torch.testing.assert_close(fused, formula, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 9, 15, 16])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.bfloat16, 0.05)])
def test_attention_in_blocks_equals_the_formula_with_the_bands_mask(length, dtype, tolerance):
    generator = torch.Generator().manual_seed(length)
    inputs = [torch.randn((2, 3, length, 6), generator=generator).to(dtype).requires_grad_() for _ in range(3)]
    mask = attention_mask(length, length, 4)
    results = []
    for path in (lambda *a: banded_attention(*a, 4), lambda *a: attention_by_formula(*a, mask)[0]):
        mixed = path(*inputs)
        results.append([mixed, *torch.autograd.grad(mixed.square().sum(), inputs)])
    for blocks, formula in zip(*results):
        torch.testing.assert_close(blocks, formula, atol=tolerance, rtol=tolerance)


def test_a_banded_model_forms_no_scores_of_all_pairs():
    """Memory for the scores of 4,096 × 4,096 pairs would be 64 MiB a head; no tensor comes near that."""
    model = make_model(n_layers=1, attention_pattern="banded", band_width=16, context_length=4096)
    sizes = []

    class Sizes(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            result = function(*arguments, **(keywords or {}))
            sizes.extend(x.numel() for x in torch.utils._pytree.tree_leaves(result) if isinstance(x, torch.Tensor))
            return result

    with Sizes():
        model(ids_of(1, 4096)).sum().backward()
    assert max(sizes) < 4096 * 200 < 4096 * 4096


def test_the_formula_against_hand_computed_numbers():
    # One head, K = 4, so scores are halved; the second query meets both keys with scores 2 and 0.
    query = torch.tensor([[[[1.0, 0, 0, 0], [4.0, 0, 0, 0]]]])
    key = torch.tensor([[[[1.0, 0, 0, 0], [0.0, 1, 0, 0]]]])
    value = torch.tensor([[[[1.0, 0, 0, 0], [0.0, 2, 0, 0]]]])
    mixed, weights = attention_by_formula(query, key, value)
    first = math.exp(2) / (math.exp(2) + 1)
    torch.testing.assert_close(weights[0, 0], torch.tensor([[1, 0], [first, 1 - first]]))
    torch.testing.assert_close(mixed[0, 0, 1], torch.tensor([first, 2 * (1 - first), 0, 0]))


def test_collecting_attention_weights_changes_no_result(model):
    ids = ids_of(2, 7)
    collected = []
    hidden = model.encode(model.embed(ids), collected=collected)
    torch.testing.assert_close(hidden, model.encode(model.embed(ids)), atol=1e-5, rtol=1e-5)
    assert [tuple(w.shape) for w in collected] == [(2, 2, 7, 7)] * 3
    for weights in collected:
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 7))


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_no_real_token(model, side):
    lengths, width = [4, 7, 6], 7
    rows = [ids_of(1, n, seed=n)[0] for n in lengths]
    ids, real = torch.full((3, width), 5), torch.zeros(3, width, dtype=torch.bool)
    for i, row in enumerate(rows):
        place = slice(width - len(row), width) if side == "left" else slice(0, len(row))
        ids[i, place], real[i, place] = row, True
    logits = model(ids, padding_mask=real)
    assert torch.isfinite(logits).all()
    for i, row in enumerate(rows):
        torch.testing.assert_close(logits[i][real[i]], model(row[None])[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("chunks", [[9], [1] * 9, [4, 1, 1, 3], [2, 7]])
def test_cached_equals_uncached_in_any_chunks(model, chunks):
    ids = ids_of(2, 9)
    cache = KVCache(model.config, batch_size=2)
    logits = torch.cat([model(part, cache=cache) for part in ids.split(chunks, dim=1)], dim=1)
    torch.testing.assert_close(logits, model(ids), atol=1e-4, rtol=1e-4)


def test_cached_equals_uncached_with_padding_on_the_left(model):
    ids = ids_of(2, 8)
    real = torch.ones(2, 8, dtype=torch.bool)
    real[0, :3] = False
    cache = KVCache(model.config, batch_size=2)
    model(ids[:, :5], padding_mask=real[:, :5], cache=cache)
    logits = [model(ids[:, t : t + 1], cache=cache) for t in range(5, 8)]
    torch.testing.assert_close(torch.cat(logits, 1), model(ids, padding_mask=real)[:, 5:], atol=1e-4, rtol=1e-4)


def test_too_many_tokens_are_refused():
    model = make_model()
    with pytest.raises(ValueError, match="12 tokens are more than context_length=11"):
        model(ids_of(1, 12))
    cache = KVCache(model.config, 1, capacity=4)
    with pytest.raises(ValueError, match="5 tokens do not fit a cache of capacity=4"):
        model(ids_of(1, 5), cache=cache)


@pytest.mark.parametrize("norm_position, expected", [("pre", 0.02 / math.sqrt(2 * 8)), ("post", 0.02)])
def test_initial_weights_have_the_published_spread(norm_position, expected):
    torch.manual_seed(0)
    model = GPT(GPTConfig(3000, 64, n_layers=8, n_heads=4, d_model=96, norm_position=norm_position))
    for block in model.blocks:
        for layer in (block.attention.output, block.feed_forward.down):
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert block.feed_forward.up.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert block.attention.query.bias.abs().max() == 0
    assert model.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_the_first_loss_is_that_of_a_uniform_guess():
    torch.manual_seed(0)
    model = GPT(GPTConfig(101, 32, n_layers=3, n_heads=4, d_model=32))
    ids = ids_of(8, 33, vocab_size=101)
    loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(101), abs=0.1)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_gets_a_gradient(name):
    model = make_model(**VARIANTS[name])
    model(ids_of(2, 11)).square().sum().backward()
    for name, parameter in model.named_parameters():
        # Adding a constant to every score of a softmax changes nothing, so the key's bias moves no output.
        if name.endswith("attention.key.bias"):
            assert parameter.grad.abs().max() < 1e-2 * model.blocks[0].attention.query.bias.grad.abs().max()
        else:
            assert parameter.grad.abs().max() > 0, name


def test_dropout_works_in_training_only():
    model = make_model(dropout=0.5)
    ids = ids_of(1, 5)
    torch.testing.assert_close(model(ids), model(ids))
    model.train()
    assert not torch.allclose(model(ids), model(ids))


@pytest.mark.parametrize("changes, message", [
    ({"d_model": 10, "n_heads": 3}, "d_model=10 must be divisible by n_heads=3"),
    ({"n_layers": 0}, "n_layers=0 must be at least 1"),
    ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and below 1"),
    ({"norm_position": "both"}, "norm_position='both' must be"),
    ({"attention_pattern": "sparse"}, "attention_pattern='sparse' must be"),
])  # fmt: skip
def test_a_wrong_shape_is_refused_with_name_rule_and_value(changes, message):
    with pytest.raises(ValueError, match=message):
        GPTConfig(**changes)
