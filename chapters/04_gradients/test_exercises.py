"""What passes in chapter 04. Expected values come from autograd, from `minigpt.by_hand`, or from a formula on paper."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.by_hand import operations
from minigpt.by_hand.gradient_check import numeric_gradient
from minigpt.by_hand.optimizers import AdamW, global_norm
from minigpt.grading import Code, check_close, check_gradients, check_that, exercise

NOT_BY_MACHINE = ("torch.tensor", "torch.as_tensor", "torch.from_numpy", "torch.autograd")


def named(got, *names):
    """A tuple of gradients as a dictionary, so that a mistake is told with the gradient's name."""
    check_that(isinstance(got, (tuple, list)) and len(got) == len(names),
               f"it must give {len(names)} gradients: {', '.join(names)}")  # fmt: skip
    return dict(zip(names, got))


def by_autograd(function, upstream, *arrays):
    """The gradients of (function(*arrays) * upstream).sum(), by PyTorch."""
    tensors = [torch.from_numpy(np.array(array)).requires_grad_() for array in arrays]
    (function(*tensors) * torch.from_numpy(upstream)).sum().backward()
    return [tensor.grad.numpy() for tensor in tensors]


# ---------------------------------------------------------------------------------------------- measured gradients


def cubic(weights):
    """Code of Σ a x³ + (Σ b x)², which couples the entries, and the same as a function here."""
    a, b = weights
    code = Code("lambda x: (a * x**3).sum() + (b * x).sum() ** 2", a=a, b=b)
    return code, lambda x: (a * x**3).sum() + (b * x).sum() ** 2


@exercise("central_difference", points=2, minutes=10, difficulty=1, forbids=NOT_BY_MACHINE)
def test_central_difference_of_a_cubic(answers, rng):
    for shape, h in (((4,), 0.1), ((2, 3), 0.3), ((2, 1, 3), 1e-3)):
        a, b = rng.normal(size=(2, *shape))
        x = rng.normal(size=shape)
        code, _ = cubic((a, b))
        exact = 3 * a * x**2 + 2 * (b * x).sum() * b
        truncation = a * h**2  # of (x+h)³ - (x-h)³ = 6 x² h + 2 h³
        check_close(answers.central_difference(code, x, h), exact + truncation, atol=1e-8, rtol=1e-8)


@exercise("central_difference")
def test_central_difference_of_whole_numbers(answers, rng):
    x = rng.integers(1, 9, size=3).astype(float)
    check_close(answers.central_difference(Code("lambda x: (x**2).sum() / 2"), x, 0.5), x, atol=1e-9)


@exercise("central_difference")
def test_central_difference_of_a_single_number(answers, rng):
    x = np.array(rng.normal())
    code = Code("lambda x: float(np.sin(x))")
    check_close(answers.central_difference(code, x, 0.2), np.array(np.cos(x) * np.sin(0.2) / 0.2), atol=1e-9)


TOO_ROUGH = "right, but not to 12 digits: the step must be tiny, and nothing may be subtracted"


@exercise("complex_step", points=2, minutes=10, difficulty=2, forbids=NOT_BY_MACHINE)
def test_complex_step_is_right_to_12_digits(answers, rng):
    for shape in ((3,), (2, 3)):
        a, x = rng.normal(size=(2, *shape))
        code = Code("lambda x: (a * np.exp(x)).sum() + (a * x).sum() ** 3", a=a)
        expected = a * np.exp(x) + 3 * (a * x).sum() ** 2 * a
        got = answers.complex_step(code, x)
        check_gradients(got, expected, atol=1e-2, rtol=1e-2)
        check_close(got, expected, atol=1e-13, rtol=1e-12, hint=TOO_ROUGH)


@exercise("complex_step")
def test_complex_step_where_values_are_large(answers, rng):
    x = rng.uniform(20, 30, size=2)
    check_close(answers.complex_step(Code("lambda x: np.exp(x).sum()"), x), np.exp(x), atol=0, rtol=1e-11)


@exercise("taylor_exponent", points=3, minutes=15, difficulty=2, forbids=NOT_BY_MACHINE)
def test_taylor_exponent_tells_right_from_wrong(answers, rng):
    a, b, x, direction = rng.normal(size=(4, 2, 3))
    code, function = cubic((a, b))
    right = 3 * a * x**2 + 2 * (b * x).sum() * b
    steps = np.array([0.04, 0.025, 0.01, 0.003, 0.0007])
    aside = 0.3 * np.sign(direction)  # with it, remainders of both signs occur
    for gradient in (right, 1.01 * right, right + aside, right - aside, np.zeros((2, 3))):
        remainders = [abs(function(x + h * direction) - function(x) - h * np.vdot(gradient, direction)) for h in steps]
        centred = np.log(steps) - np.log(steps).mean()
        expected = float((centred * np.log(remainders)).sum() / (centred**2).sum())
        check_close(answers.taylor_exponent(code, x, gradient, direction, steps), expected, atol=1e-4, rtol=1e-4)


# ------------------------------------------------------------------------------------------- linear and embedding


@exercise("linear_backward", points=2, minutes=10, difficulty=1, forbids=NOT_BY_MACHINE)
def test_linear_backward_of_texts(answers, rng):
    x, weight, upstream = rng.normal(size=(2, 5, 4)), rng.normal(size=(3, 4)), rng.normal(size=(2, 5, 3))
    expected = by_autograd(F.linear, upstream, x, weight, np.zeros(3))
    got = named(answers.linear_backward(upstream, x, weight), "d_x", "d_weight", "d_bias")
    check_gradients(got, dict(zip(got, expected)), sizes={"batch size": 2, "tokens": 5, "rows": 10, "outputs": 3},
                    summed={"d_bias": upstream})  # fmt: skip


@exercise("linear_backward")
def test_linear_backward_of_rows_and_square_weights(answers, rng):
    for leading in ((7,), (2, 3, 5)):
        x, weight, upstream = rng.normal(size=(*leading, 4)), rng.normal(size=(4, 4)), rng.normal(size=(*leading, 4))
        got = named(answers.linear_backward(upstream, x, weight), "d_x", "d_weight", "d_bias")
        expected = by_autograd(F.linear, upstream, x, weight, np.zeros(4))
        check_gradients(got, dict(zip(got, expected)), sizes={"rows": math.prod(leading)})


@exercise("embedding_backward", points=2, minutes=10, difficulty=1, forbids=NOT_BY_MACHINE)
def test_embedding_backward_with_ids_that_repeat(answers, rng):
    vocab_size = int(rng.integers(7, 10))
    ids = rng.integers(0, vocab_size - 2, size=(3, 5))  # the last tokens never occur
    ids[0, :3] = ids[1, 0]
    upstream = rng.normal(size=(3, 5, 4))
    expected = by_autograd(lambda table: table[torch.from_numpy(ids)], upstream, np.zeros((vocab_size, 4)))[0]
    check_gradients(answers.embedding_backward(upstream, ids, vocab_size), expected, ids=ids,
                    sizes={"batch size": 3, "tokens": 5, "positions": 15})  # fmt: skip


@exercise("embedding_backward")
def test_embedding_backward_of_one_token_many_times(answers, rng):
    upstream = rng.normal(size=(2, 40, 3))
    expected = np.zeros((4, 3))
    expected[2] = upstream.sum(axis=(0, 1))
    check_gradients(answers.embedding_backward(upstream, np.full((2, 40), 2), 4), expected)


# ----------------------------------------------------------------------------------------- softmax, cross-entropy


@exercise("softmax_backward", points=2, minutes=10, difficulty=2, forbids=NOT_BY_MACHINE)
def test_softmax_backward_equals_measured_slopes(answers, rng):
    for shape in ((5,), (2, 3, 4)):
        scores, upstream = rng.normal(size=(2, *shape))
        weights, _ = operations.softmax_forward(scores)
        measured = numeric_gradient(lambda s, u=upstream: (u * operations.softmax_forward(s)[0]).sum(), scores)["x"]
        got = answers.softmax_backward(upstream, weights)
        check_gradients(got, measured, atol=1e-7, softmax=weights)
        expected = by_autograd(lambda s: s.softmax(-1), upstream, scores)[0]
        check_gradients(got, expected, softmax=weights)


@exercise("softmax_backward")
def test_softmax_backward_where_weights_are_0(answers, rng):
    scores = rng.normal(size=(4, 4))
    weights, _ = operations.softmax_forward(np.where(np.tri(4, dtype=bool), scores, -np.inf))
    upstream = rng.normal(size=(4, 4))
    expected = operations.softmax_backward(upstream, weights)
    got = answers.softmax_backward(upstream, weights)
    check_close(got, expected, hint="a weight may be exactly 0: do not divide by it, nor take its logarithm"
                if not np.isfinite(np.asarray(got, dtype=float)).all() else "")  # fmt: skip


@exercise("cross_entropy_backward", points=3, minutes=15, difficulty=2, forbids=NOT_BY_MACHINE)
def test_cross_entropy_backward_with_ignored_targets(answers, rng):
    for ignore_index in (-100, 6):  # also one of the class ids
        logits, d_loss = rng.normal(size=(2, 5, 7)), float(rng.uniform(1.5, 3.0))
        targets = rng.integers(0, 6, size=(2, 5))
        targets[0, 1:3] = targets[1, 4] = ignore_index
        expected = by_autograd(lambda z: F.cross_entropy(z.flatten(0, 1), torch.from_numpy(targets).flatten(),  # noqa: B023
                                                         ignore_index=ignore_index),  # noqa: B023
                               np.array(d_loss), logits)[0]  # fmt: skip
        got = answers.cross_entropy_backward(d_loss, logits, targets, ignore_index)
        check_gradients(got, expected, ignored=(targets == ignore_index)[..., None],
                        sizes={"scored tokens": 7, "all tokens": 10, "batch size": 2, "d_loss": d_loss})  # fmt: skip


@exercise("cross_entropy_backward")
def test_cross_entropy_backward_of_large_logits(answers, rng):
    logits = np.array([[[1000.0, 0.0, 999.0], [-2000.0, -2000.0, -2001.0]]])
    targets = np.array([[1, 2]])
    probabilities = operations.softmax_forward(logits)[0]
    expected = (probabilities - np.eye(3)[targets]) / 2
    check_close(answers.cross_entropy_backward(1.0, logits, targets), expected,
                hint="wrong for large logits: subtract the largest of the row before exp")  # fmt: skip


# ------------------------------------------------------------------------------------------------------ GELU, norm


def gelu(x):
    """The tanh form, for a gradient check."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@exercise("gelu_backward", points=2, minutes=10, difficulty=2, forbids=NOT_BY_MACHINE)
def test_gelu_backward_equals_measured_slopes(answers, rng):
    x, upstream = 1.5 * rng.normal(size=(2, 4, 3))
    got = answers.gelu_backward(upstream, x)
    check_gradients(got, numeric_gradient(lambda z: (upstream * gelu(z)).sum(), x)["x"], atol=1e-6, rtol=1e-5)
    check_gradients(got, by_autograd(lambda z: F.gelu(z, approximate="tanh"), upstream, x)[0])


@exercise("gelu_backward")
def test_gelu_backward_far_out(answers, rng):
    x = np.array([-100.0, -8.0, 0.0, 8.0, 100.0])
    upstream = rng.normal(size=5)
    check_close(answers.gelu_backward(upstream, x), upstream * np.array([0, 0, 0.5, 1, 1]), atol=1e-6)


@exercise("layer_norm_backward", points=4, minutes=25, difficulty=3, forbids=NOT_BY_MACHINE)
def test_layer_norm_backward_of_texts(answers, rng):
    for leading, epsilon in (((2, 5), 1e-5), ((7,), 0.3), ((2, 3, 2), 2.0)):
        x, upstream = rng.normal(2, 3, size=(*leading, 6)), rng.normal(size=(*leading, 6))
        weight = rng.uniform(0.5, 2.0, size=6)
        expected = by_autograd(
            lambda x, weight, bias: F.layer_norm(x, (6,), weight, bias, epsilon), upstream, x, weight, np.zeros(6)  # noqa: B023
        )
        got = named(answers.layer_norm_backward(upstream, x, weight, epsilon), "d_x", "d_weight", "d_bias")
        check_gradients(got, dict(zip(got, expected)), layer_norm={"d_x": x}, summed={"d_bias": upstream},
                        sizes={"tokens": math.prod(leading), "width": 6, "batch size": leading[0]})  # fmt: skip


@exercise("layer_norm_backward")
def test_layer_norm_backward_of_a_constant_token(answers, rng):
    x, upstream, weight = np.full((1, 4), 3.0), rng.normal(size=(1, 4)), rng.uniform(0.5, 2.0, size=4)
    g = upstream * weight
    expected = {"d_x": (g - g.mean()) / math.sqrt(0.25), "d_weight": np.zeros(4), "d_bias": upstream[0]}
    got = named(answers.layer_norm_backward(upstream, x, weight, 0.25), *expected)
    check_gradients(got, expected, layer_norm=None)


# ------------------------------------------------------------------------------------------------------- attention


def causal_attention(query, key, value):
    """In PyTorch, with its own attention."""
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


@exercise("attention_backward", points=5, minutes=30, difficulty=3, forbids=NOT_BY_MACHINE)
def test_attention_backward_in_several_heads(answers, rng):
    for leading, width, value_width in (((2, 3), 4, 6), ((2,), 3, 2), ((), 2, 3)):
        query, key = rng.normal(size=(2, *leading, 5, width))
        value, upstream = rng.normal(size=(2, *leading, 5, value_width))
        expected = by_autograd(causal_attention, upstream, query, key, value)
        got = named(answers.attention_backward(upstream, query, key, value), "d_query", "d_key", "d_value")
        check_gradients(got, dict(zip(got, expected)), sizes={"K": width, "tokens": 5})


@exercise("attention_backward")
def test_attention_backward_with_large_scores(answers, rng):
    query, key = 100 * rng.normal(size=(2, 4, 3))
    value, upstream = rng.normal(size=(2, 4, 3))
    expected = by_autograd(causal_attention, upstream, query, key, value)
    got = named(answers.attention_backward(upstream, query, key, value), "d_query", "d_key", "d_value")
    finite = all(np.isfinite(np.asarray(array, dtype=float)).all() for array in got.values())
    check_that(finite, "large scores overflow: subtract the row's maximum before exp")
    check_gradients(got, dict(zip(got, expected)), atol=1e-7)


@exercise("attention_backward")
def test_attention_backward_of_a_single_token(answers, rng):
    query, key, value, upstream = rng.normal(size=(4, 1, 3))
    expected = {"d_query": np.zeros((1, 3)), "d_key": np.zeros((1, 3)), "d_value": upstream}
    check_gradients(named(answers.attention_backward(upstream, query, key, value), *expected), expected)


# ---------------------------------------------------------------------------------------------- clipping and AdamW


def random_gradients(rng):
    """Gradients of several shapes, all away from 0."""
    return {"table": rng.normal(size=(3, 4)), "bias": rng.normal(size=5), "scale": np.array([rng.uniform(1, 2)])}


@exercise("clip_by_global_norm", points=2, minutes=10, difficulty=1, forbids=NOT_BY_MACHINE)
def test_a_long_gradient_is_shortened_and_a_short_one_stays(answers, rng):
    gradients = random_gradients(rng)
    norm = global_norm(gradients)
    shortened = {name: gradient * 0.3 for name, gradient in gradients.items()}
    got = [answers.clip_by_global_norm(gradients, max_norm) for max_norm in (0.3 * norm, 1.01 * norm, 10 * norm)]
    for one, expected in zip(got, (shortened, gradients, gradients)):
        check_close(one, (expected, norm))


@exercise("clip_by_global_norm")
def test_a_gradient_of_zeros_stays(answers):
    zeros = {"a": np.zeros(2), "b": np.zeros((2, 2))}
    check_close(answers.clip_by_global_norm(zeros, 1.0), (zeros, 0.0), hint="all gradients 0: do not divide by 0")


@exercise("adamw_step", points=4, minutes=20, difficulty=2, forbids=NOT_BY_MACHINE)
def test_adamw_walks_as_minigpt_does(answers, rng):
    for shape, settings in (((3,), {}), ((2, 4), {"beta1": 0.7, "beta2": 0.9, "epsilon": 0.05, "weight_decay": 0.3})):
        theta = rng.normal(size=shape)
        state = {"step": 0, "mean": np.zeros(shape), "square": np.zeros(shape)}
        optimizer = AdamW(**settings)
        for rate in (0.1, 0.03, 0.05):
            gradient = rng.normal(size=shape)
            expected = optimizer.step({"theta": theta}, {"theta": gradient}, rate)["theta"]
            got = answers.adamw_step(theta, gradient, state, rate, **settings)
            check_that(isinstance(got, (tuple, list)) and len(got) == 2, "it must give two things: new θ and new state")
            remembered = {"step": optimizer.n_steps, "mean": optimizer.mean["theta"],
                          "square": optimizer.square["theta"]}  # fmt: skip
            check_close(got[0], expected, atol=1e-10)
            check_close(got[1], remembered, atol=1e-12)
            theta, state = expected, remembered


@exercise("adamw_step")
def test_adamw_equals_pytorch_after_a_long_way(answers, rng):
    theta, gradient = rng.normal(size=(2, 6))
    parameter = torch.nn.Parameter(torch.from_numpy(theta.copy()))
    optimizer = torch.optim.AdamW([parameter], lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.4)
    for _ in range(5):
        parameter.grad = torch.from_numpy(gradient)
        optimizer.step()
        gradient = rng.normal(size=6)
    before = parameter.detach().numpy().copy()
    memory = optimizer.state[parameter]
    state = {"step": 5, "mean": memory["exp_avg"].numpy().copy(), "square": memory["exp_avg_sq"].numpy().copy()}
    parameter.grad = torch.from_numpy(gradient)
    optimizer.step()
    got = answers.adamw_step(before, gradient, state, 0.02, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.4)
    check_that(isinstance(got, (tuple, list)) and len(got) == 2, "it must give two things: new θ and new state")
    check_close(got[0], parameter.detach().numpy(), atol=1e-10)
