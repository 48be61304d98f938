"""What passes in chapter 13. Expected values come from `minigpt`, from autograd, from the formula, or by counting."""

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.config import GPTConfig, MethodConfig
from minigpt.finetuning.adapters import Adapted
from minigpt.finetuning.lora import LoRALinear
from minigpt.finetuning.methods import apply_method, trained_tensors
from minigpt.grading import check_close, check_equal, check_gradients, check_raises, check_that, exercise
from minigpt.model import GPT


def draws(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def with_autograd(function, tensors, upstream):
    """The value, and the gradients of (value · upstream).sum()."""
    tensors = [tensor.clone().requires_grad_() for tensor in tensors]
    value = function(*tensors)
    (value * upstream).sum().backward()
    return value.detach(), [tensor.grad for tensor in tensors]


@exercise("lora_forward", points=2, minutes=10, difficulty=1)
def test_lora_adds_its_scaled_product(answers, seed):
    for rank, alpha, shape in ((3, 7.5, (2, 4)), (1, 0.5, (6,)), (2, 8.0, (2, 1, 3))):
        tensors = draws(seed, (*shape, 5), (6, 5), (6,), (rank, 5), (6, rank))
        (upstream,) = draws(seed + 1, (*shape, 6))
        layer = LoRALinear(torch.nn.Linear(5, 6).double(), rank, alpha)

        def ours(x, weight, bias, down, up, scale=layer.scale):
            return F.linear(x, weight, bias) + scale * F.linear(F.linear(x, down), up)

        expected, gradients = with_autograd(ours, tensors, upstream)
        got, found = answers.call_with_gradients("lora_forward", *tensors, alpha, upstream=upstream, wrt=range(5))
        check_close(got, expected)
        check_gradients(found, gradients)


@exercise("lora_merge", points=1, minutes=5, difficulty=1)
def test_the_merged_weight_computes_the_same(answers, seed):
    for rank, alpha, n_in, n_out in ((3, 7.5, 4, 6), (1, 0.5, 5, 2), (4, 2.0, 5, 5)):
        weight, down, up, x = draws(seed, (n_out, n_in), (rank, n_in), (n_out, rank), (7, n_in))
        (upstream,) = draws(seed + 1, (n_out, n_in))
        layer = LoRALinear(torch.nn.Linear(n_in, n_out, bias=False).double(), rank, alpha).double()
        with torch.no_grad():
            for target, value in ((layer.base.weight, weight), (layer.down, down), (layer.up, up)):
                target.copy_(value)
        got, found = answers.call_with_gradients("lora_merge", weight, down, up, alpha, upstream=upstream, wrt=range(3))
        check_close(got, layer.merged().weight.detach())
        check_close(F.linear(x, got), layer(x).detach())
        expected = [upstream, alpha / rank * up.T @ upstream, alpha / rank * upstream @ down.T]
        check_gradients(found, expected)


@exercise("lora_backward", points=3, minutes=20, difficulty=2)
def test_both_gradients_are_autograds(answers, seed):
    for rank, alpha, n_rows, n_in, n_out in ((3, 7.5, 4, 5, 6), (1, 0.5, 1, 2, 3), (2, 6.0, 9, 4, 4)):
        x, weight, down, up, upstream = draws(seed, (n_rows, n_in), (n_out, n_in), (rank, n_in), (n_out, rank),
                                              (n_rows, n_out))  # fmt: skip
        _, gradients = with_autograd(lambda a, b, s=alpha / rank, x=x, w=weight: x @ w.T + s * x @ a.T @ b.T,
                                     [down, up], upstream)  # fmt: skip
        got = answers.lora_backward(x.numpy(), down.numpy(), up.numpy(), alpha, upstream.numpy())
        check_close(got, tuple(gradient.numpy() for gradient in gradients))


@exercise("lora_backward")
def test_at_the_start_only_b_learns(answers, seed):
    x, down, upstream = draws(seed, (4, 5), (2, 5), (4, 3))
    for_a, for_b = answers.lora_backward(x.numpy(), down.numpy(), np.zeros((3, 2)), 2.0, upstream.numpy())
    check_close(for_a, np.zeros((2, 5)), hint="while B is zero, no gradient reaches A")
    check_close(for_b, (upstream.T @ (x @ down.T)).numpy())


@exercise("count_trained", points=3, minutes=20, difficulty=2)
def test_the_count_is_that_of_the_model(answers, rng):
    for _ in range(3):
        n_layers, half_width, size = int(rng.integers(2, 6)), int(rng.integers(3, 20)), int(rng.integers(1, 9))
        for method in ("bitfit", "lora", "adapter", "prefix", "prompt"):
            gpt = GPT(GPTConfig(30, 20, n_layers, 2, 2 * half_width, dropout=0.0))
            settings = MethodConfig(method=method, lora_rank=size, adapter_width=size, prompt_length=size)
            tensors = trained_tensors(apply_method(gpt, settings))
            expected = sum(t.numel() for name, t in tensors.items() if "token_embedding" not in name)
            check_equal(answers.count_trained(method, n_layers, 2 * half_width, size), expected)


@exercise("adapter_forward", points=2, minutes=10, difficulty=1)
def test_an_adapter_is_minigpts(answers, seed):
    for width, d_model in ((2, 5), (7, 3)):
        tensors = draws(seed, (2, 4, d_model), (width, d_model), (width,), (d_model, width), (d_model,))
        (upstream,) = draws(seed + 1, (2, 4, d_model))
        adapted = Adapted(torch.nn.Identity(), d_model, width).double()
        names = ("down.weight", "down.bias", "up.weight", "up.bias")

        def ours(hidden, *weights, adapted=adapted, names=names):
            return torch.func.functional_call(adapted, dict(zip(names, weights)), (hidden,))

        expected, gradients = with_autograd(ours, tensors, upstream)
        got, found = answers.call_with_gradients("adapter_forward", *tensors, upstream=upstream)
        check_close(got, expected)
        check_gradients(found, gradients)


@exercise("adapter_forward")
def test_at_the_start_nothing_changes(answers, seed):
    hidden, down, bias = draws(seed, (2, 3, 4), (5, 4), (5,))
    zero = torch.zeros(4, 5, dtype=torch.float64)
    got = answers.adapter_forward(hidden, down, bias, zero, zero[:, 0])
    check_close(got, hidden, atol=0, rtol=0, hint="with zeros in its second layer an adapter changes nothing")


@exercise("add_soft_prompt", points=3, minutes=15, difficulty=2)
def test_the_prompt_comes_first_with_its_positions(answers, seed):
    for batch, n_prompt, length in ((2, 3, 5), (4, 1, 2), (1, 6, 4)):
        prompt, tokens, table = draws(seed, (n_prompt, 3), (batch, length, 3), (n_prompt + length + 2, 3))
        lengths = torch.randint(1, length + 1, (batch, 1), generator=torch.Generator().manual_seed(seed))
        mask = torch.arange(length) < lengths
        expected = torch.stack([torch.cat([prompt, row]) + table[: n_prompt + length] for row in tokens])
        embeddings, new_mask = answers.add_soft_prompt(prompt, tokens, table, mask)
        check_close(embeddings, expected)
        check_that(new_mask.dtype == torch.bool, "the mask holds booleans, as the one that came in")
        check_equal(new_mask.int().tolist(), [[1] * n_prompt + row for row in mask.int().tolist()])


@exercise("add_soft_prompt")
def test_the_gradient_reaches_the_prompt(answers, seed):
    prompt, tokens, table, upstream = draws(seed, (3, 2), (4, 5, 2), (9, 2), (4, 8, 2))
    mask = torch.ones(4, 5, dtype=torch.bool)
    _, (found,) = answers.call_with_gradients("add_soft_prompt", prompt, tokens, table, mask, wrt=(0,),
                                              upstream=[upstream, torch.zeros(4, 8)])  # fmt: skip
    check_gradients(found, upstream[:, :3].sum(dim=0))


@exercise("attend_with_prefix", points=4, minutes=25, difficulty=3, forbids=(
    "torch.nn.functional.scaled_dot_product_attention", "torch.nn.MultiheadAttention"))  # fmt: skip
def test_everybody_listens_to_the_prefix(answers, seed):
    for batch, heads, length, n_prefix, width in ((2, 3, 5, 2, 4), (1, 1, 1, 4, 2), (3, 2, 4, 1, 5)):
        text = (batch, heads, length, width)
        tensors = draws(seed, text, text, text, (heads, n_prefix, width), (heads, n_prefix, width))
        (upstream,) = draws(seed + 1, text)

        def ours(query, key, value, prefix_key, prefix_value):
            both = [torch.cat([p[None].repeat(len(query), 1, 1, 1), x], dim=2)
                    for p, x in ((prefix_key, key), (prefix_value, value))]  # fmt: skip
            n_prompt, n_tokens = prefix_key.shape[1], query.shape[2]
            mask = torch.cat([torch.ones(n_tokens, n_prompt), torch.ones(n_tokens, n_tokens).tril()], dim=1).bool()
            return F.scaled_dot_product_attention(query, *both, attn_mask=mask)

        expected, gradients = with_autograd(ours, tensors, upstream)
        got, found = answers.call_with_gradients("attend_with_prefix", *tensors, upstream=upstream)
        check_close(got, expected)
        check_gradients(found, gradients)


@exercise("choice_scores", points=1, minutes=5, difficulty=1)
def test_scores_are_sums_or_means(answers, rng):
    for _ in range(3):
        given = [(-rng.exponential(2.0, size=n)).tolist() for n in rng.permutation([1, 2, 3, 7])]
        for how, function in (("sum", np.sum), ("mean", np.mean)):
            check_close(answers.choice_scores(given, how), [float(function(tokens)) for tokens in given])
    check_raises("ValueError", answers.choice_scores, [[-1.0]], "median")


@exercise("calibrate", points=3, minutes=15, difficulty=2)
def test_what_nothing_gets_is_divided_away(answers, rng):
    for n_rows, n_free, n_options in ((4, 3, 2), (1, 1, 5), (6, 2, 3)):
        scores, free = 3 * rng.normal(size=(n_rows, n_options)), 3 * rng.normal(size=(n_free, n_options))
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        prior = (np.exp(free) / np.exp(free).sum(axis=1, keepdims=True)).mean(axis=0)
        expected = p / prior / (p / prior).sum(axis=1, keepdims=True)
        check_close(answers.calibrate(scores, free), expected)


@exercise("calibrate")
def test_nothing_itself_becomes_uniform(answers, rng):
    free = rng.normal(size=(1, 4))
    check_close(answers.calibrate(free, free), np.full((1, 4), 0.25), hint="the text without content: all alike")
    check_close(answers.calibrate(free - 1000, free), np.full((1, 4), 0.25),
                hint="very low log-probabilities: subtract each row's maximum before exp")


@exercise("bitfit_names", points=1, minutes=5, difficulty=1)
def test_biases_are_found_by_their_last_name(answers, rng):
    gpt = GPT(GPTConfig(9, 5, int(rng.integers(1, 4)), 1, 4))
    shapes = {name: tuple(p.shape) for name, p in gpt.named_parameters()}
    names = trained_tensors(apply_method(gpt, MethodConfig(method="bitfit")))
    check_equal(answers.bitfit_names(shapes), [name for name in shapes if name in names])
    odd = ["bias", "unbias", "blocks.0.bias_table", "bias.weight", "norm.weight", "a.bias", "a.debias", "table.bias"]
    odd = [odd[index] for index in rng.permutation(len(odd))]
    expected = [name for name in odd if name in ("bias", "a.bias", "table.bias")]
    check_equal(answers.bitfit_names({name: (3, 2) if name == "table.bias" else (3,) for name in odd}), expected)


@exercise("low_rank_error", points=2, minutes=15, difficulty=2)
def test_what_the_best_approximation_misses(answers, rng):
    for m, n in ((4, 6), (7, 3), (5, 5)):
        change = rng.normal(size=(m, n)) * rng.uniform(0.1, 10)
        left, values, right = np.linalg.svd(change, full_matrices=False)
        for rank in range(min(m, n) + 1):
            rest = change - (left[:, :rank] * values[:rank]) @ right[:rank]
            expected = float(np.linalg.norm(rest) / np.linalg.norm(change))
            check_close(float(answers.low_rank_error(change, rank)), expected, atol=1e-9)
