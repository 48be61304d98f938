"""What passes in chapter 05. Expected values come from `minigpt.by_hand`, from autograd, or from counting."""

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.by_hand import operations
from minigpt.grading import check_close, check_equal, check_gradients, check_raises, check_that, exercise

NO_TENSORS = ("torch.tensor", "torch.as_tensor", "torch.from_numpy")  # by hand, not by autograd

@exercise("causal_average", points=1, minutes=5, difficulty=1)
def test_each_row_is_the_mean_of_the_rows_so_far(answers, rng):
    x = rng.normal(size=(7, 3))
    expected = np.array([x[: t + 1].mean(axis=0) for t in range(len(x))])
    check_close(answers.causal_average(x), expected)


@exercise("causal_average")
def test_one_token_is_its_own_average(answers, rng):
    x = rng.normal(size=(1, 4))
    check_close(answers.causal_average(x), x, hint="a single token is its own average")


@exercise("causal_mask", points=2, minutes=10, difficulty=1)
def test_a_token_sees_itself_and_the_past(answers, rng):
    n_tokens = int(rng.integers(4, 9))
    check_equal(answers.causal_mask(n_tokens, n_tokens), np.tril(np.ones((n_tokens, n_tokens), dtype=bool)))


@exercise("causal_mask")
def test_the_queries_are_the_last_tokens(answers, rng):
    n_queries = int(rng.integers(2, 5))
    n_keys = n_queries + int(rng.integers(1, 5))
    expected = operations.attention_mask(n_queries, n_keys)[0, 0]
    check_equal(answers.causal_mask(n_queries, n_keys), expected)


@exercise("causal_mask")
def test_a_band_shows_the_nearest_tokens_only(answers, rng):
    n_keys = int(rng.integers(6, 10))
    for n_queries, band_width in ((n_keys, 3), (n_keys - 2, 2), (n_keys, 1), (4, n_keys + 5)):
        expected = operations.attention_mask(n_queries, n_keys, band_width)[0, 0]
        check_equal(answers.causal_mask(n_queries, n_keys, band_width), expected)


def random_padding(rng, n_texts, n_keys):
    """Booleans (B, S) with at least one padding and one real token in each row; the first text begins with padding."""
    key_is_real = rng.random((n_texts, n_keys)) < 0.5
    key_is_real[:, 0], key_is_real[:, 1] = False, True
    key_is_real[1:] = rng.permuted(key_is_real[1:], axis=1)
    return key_is_real


@exercise("hide_padding", points=2, minutes=15, difficulty=2)
def test_nobody_looks_at_padding_but_a_token_at_itself(answers, rng):
    for n_queries, n_keys, band_width in ((5, 5, None), (5, 5, 2), (3, 7, None)):
        mask = operations.attention_mask(n_queries, n_keys, band_width)[0, 0]
        key_is_real = random_padding(rng, 4, n_keys)
        expected = operations.attention_mask(n_queries, n_keys, band_width, key_is_real)[:, 0]
        check_equal(answers.hide_padding(mask, key_is_real), expected)


@exercise("hide_padding")
def test_padding_on_the_left_leaves_no_empty_row(answers):
    key_is_real = np.array([[False, False, True, True], [True, True, True, True]])
    got = answers.hide_padding(np.tril(np.ones((4, 4), dtype=bool)), key_is_real)
    check_that(getattr(got, "shape", None) == (2, 4, 4), "the shape must be (B, T, S)")
    check_that(got.any(axis=-1).all(), "a padding token must still see itself: a softmax over nothing is NaN")


@exercise("attention", points=3, minutes=20, difficulty=2, forbids=("torch.softmax", "scipy.special.softmax"))
def test_attention_mixes_the_values(answers, rng):
    query, key = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 6, 5))
    value = rng.normal(size=(2, 3, 6, 7))
    mask = operations.attention_mask(4, 6)
    expected, _ = operations.attention_forward(query, key, value, mask)
    check_close(answers.attention(query, key, value, mask), expected)


@exercise("attention")
def test_attention_obeys_any_mask(answers, rng):
    query, key, value = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), rng.normal(size=(6, 3))
    mask = (rng.random((6, 6)) < 0.5) | np.eye(6, dtype=bool)
    expected, _ = operations.attention_forward(query, key, value, mask)
    check_close(answers.attention(query, key, value, mask), expected)


@exercise("attention")
def test_attention_survives_large_scores(answers, rng):
    query, key, value = 70 * rng.normal(size=(3, 5, 4)), 70 * rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 5, 4))
    mask = operations.attention_mask(5, 5)[0]
    expected, _ = operations.attention_forward(query, key, value, mask)
    check_close(answers.attention(query, key, value, mask), expected,
                hint="large scores overflow in exp: subtract each row's largest first")  # fmt: skip


@exercise("split_heads", points=1, minutes=10, difficulty=1)
def test_heads_take_neighbouring_numbers(answers, rng):
    x = rng.normal(size=(2, 5, 12))
    for n_heads in (3, 4, 1):
        check_close(answers.split_heads(x, n_heads), operations.split_heads(x, n_heads))


@exercise("split_heads")
def test_heads_must_divide_the_width(answers, rng):
    check_raises("ValueError", answers.split_heads, rng.normal(size=(2, 3, 10)), 4)


@exercise("multi_head_attention", points=4, minutes=30, difficulty=3, forbids=(
    "torch.nn.functional.scaled_dot_product_attention", "torch.nn.MultiheadAttention",
    "torch.nn.functional.multi_head_attention_forward"))  # fmt: skip
def test_heads_attend_and_gradients_flow(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n_heads in (3, 1):
        tensors = random_layer(generator, width=12)
        upstream = torch.randn(2, 5, 12, generator=generator, dtype=torch.float64)
        value, gradients = answers.call_with_gradients("multi_head_attention", *tensors, n_heads, upstream=upstream)
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        expected = fused_layer(*leaves, n_heads)
        check_close(value, expected.detach())
        names = ("hidden", "query_weight", "key_weight", "value_weight", "output_weight")
        expected_gradients = torch.autograd.grad(expected, leaves, upstream)
        check_gradients(dict(zip(names, gradients)), dict(zip(names, expected_gradients)))


@exercise("multi_head_attention")
def test_a_later_token_changes_nothing_earlier(answers, seed):
    hidden, *weights = random_layer(torch.Generator().manual_seed(seed), width=8)
    changed = hidden.clone()
    changed[:, -1] += 1
    before = answers.multi_head_attention(hidden, *weights, 2)
    after = answers.multi_head_attention(changed, *weights, 2)
    check_close(after[:, :-1], before[:, :-1], hint="an earlier output changes with a later token: is it causal?")


@exercise("multi_head_attention")
def test_float32_stays_float32(answers, seed):
    tensors = [tensor.float() for tensor in random_layer(torch.Generator().manual_seed(seed), width=8)]
    check_close(answers.multi_head_attention(*tensors, 4), fused_layer(*tensors, 4), atol=1e-5, rtol=1e-4)


def random_layer(generator, width):
    """Hidden states (2, 5, width) and four weights."""
    shapes = [(2, 5, width), *[(width, width)] * 4]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def fused_layer(hidden, query_weight, key_weight, value_weight, output_weight, n_heads):
    """The same by PyTorch's own attention."""
    heads = [F.linear(hidden, weight).unflatten(-1, (n_heads, -1)).transpose(1, 2)
             for weight in (query_weight, key_weight, value_weight)]  # fmt: skip
    mixed = F.scaled_dot_product_attention(*heads, is_causal=True)
    return F.linear(mixed.transpose(1, 2).flatten(2), output_weight)


@exercise("attention_backward", points=4, minutes=30, difficulty=3, forbids=NO_TENSORS)
def test_gradients_of_attention(answers, rng):
    for lead, n_queries, n_keys in (((2, 3), 4, 6), ((), 5, 5)):
        query, key = rng.normal(size=(*lead, n_queries, 3)), rng.normal(size=(*lead, n_keys, 3))
        value = rng.normal(size=(*lead, n_keys, 7))
        d_output = rng.normal(size=(*lead, n_queries, 7))
        mask = operations.attention_mask(n_queries, n_keys)[0, 0]
        _, (*_, weights) = operations.attention_forward(query, key, value, mask)
        expected = dict(zip(("query", "key", "value"), by_autograd(query, key, value, mask, d_output)))
        got = answers.attention_backward(d_output, query, key, value, weights)
        check_gradients(got, expected, sizes={"√K": 3**0.5, "K": 3})


def by_autograd(query, key, value, mask, d_output):
    """PyTorch's gradients of the same."""
    leaves = [torch.tensor(array, requires_grad=True) for array in (query, key, value)]
    output = F.scaled_dot_product_attention(*leaves, attn_mask=torch.tensor(mask))
    return [gradient.numpy() for gradient in torch.autograd.grad(output, leaves, torch.tensor(d_output))]


@exercise("projections_backward", points=3, minutes=20, difficulty=2, forbids=NO_TENSORS)
def test_one_input_used_three_times(answers, rng):
    hidden, n_outputs = rng.normal(size=(2, 5, 4)), {"query": 3, "key": 3, "value": 6}
    weights = [rng.normal(size=(width, 4)) for width in n_outputs.values()]
    upstream = [rng.normal(size=(2, 5, width)) for width in n_outputs.values()]
    leaves = [torch.tensor(array, requires_grad=True) for array in (hidden, *weights)]
    loss = sum((F.linear(leaves[0], weight) * torch.tensor(d)).sum() for weight, d in zip(leaves[1:], upstream))
    names = ("hidden", "query_weight", "key_weight", "value_weight")
    expected = {name: gradient.numpy() for name, gradient in zip(names, torch.autograd.grad(loss, leaves))}
    check_gradients(answers.projections_backward(*upstream, hidden, *weights), expected,
                    sizes={"B": 2, "T": 5, "B·T": 10, "three uses": 3},
                    terms={"hidden": {name: d @ weight for name, d, weight in zip(n_outputs, upstream, weights)}})


@exercise("attention_multiplications", points=2, minutes=10, difficulty=1)
def test_all_pairs_are_counted(answers, rng):
    n_tokens, d_model = int(rng.integers(5, 20)), int(rng.integers(21, 40))
    linear = 4 * n_tokens * d_model * d_model
    pairs = 2 * n_tokens * n_tokens * d_model
    check_equal(answers.attention_multiplications(n_tokens, d_model), linear + pairs)


@exercise("attention_multiplications")
def test_a_band_leaves_pairs_out(answers, rng):
    n_tokens, d_model = int(rng.integers(8, 20)), int(rng.integers(21, 40))
    for band_width in (1, 4, n_tokens, n_tokens + 7):
        n_pairs = int(operations.attention_mask(n_tokens, n_tokens, band_width).sum())
        expected = 4 * n_tokens * d_model**2 + 2 * n_pairs * d_model
        check_equal(answers.attention_multiplications(n_tokens, d_model, band_width), expected)
