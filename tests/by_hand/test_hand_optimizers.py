"""The optimizers by hand against torch.optim, 200 steps in float64."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt.by_hand import optimizers
from minigpt.by_hand.optimizers import SGD, Adam, AdamW, AdamWithL2, Momentum, clip_by_global_norm, warmup_cosine

STEPS = 200
SHAPES = {"matrix": (4, 3), "bias": (3,), "scale": ()}
PAIRS = {
    "SGD": (SGD(), torch.optim.SGD, {}),
    "SGD with decay": (SGD(weight_decay=0.1), torch.optim.SGD, {"weight_decay": 0.1}),
    "momentum": (Momentum(0.9), torch.optim.SGD, {"momentum": 0.9}),
    "momentum with decay": (Momentum(0.8, 0.1), torch.optim.SGD, {"momentum": 0.8, "weight_decay": 0.1}),
    "Adam": (Adam(0.8, 0.99, 1e-6), torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-6}),
    "Adam with L2": (AdamWithL2(0.1), torch.optim.Adam, {"weight_decay": 0.1}),
    "AdamW": (AdamW(0.1), torch.optim.AdamW, {"weight_decay": 0.1}),
}


def problem():
    """Start values, and a gradient that depends on the parameters, so that errors would grow."""
    generator = np.random.default_rng(0)
    start = {name: generator.standard_normal(shape) for name, shape in SHAPES.items()}
    pushes = [{name: generator.standard_normal(shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    return start, lambda parameters, step: {name: np.asarray(np.sin(3 * array) + pushes[step][name])
                                            for name, array in parameters.items()}


@pytest.mark.parametrize("name", PAIRS)
def test_two_hundred_steps_equal_torchs(name):
    ours, torch_class, settings = PAIRS[name]
    start, gradient_at = problem()
    parameters = start
    tensors = {key: torch.tensor(array) for key, array in start.items()}
    theirs = torch_class(list(tensors.values()), lr=1.0, **settings)
    for step in range(STEPS):
        rate = warmup_cosine(step, STEPS, peak=0.05, final=0.001, warmup_steps=20)
        parameters = ours.step(parameters, gradient_at(parameters, step), rate)
        theirs.param_groups[0]["lr"] = rate
        for key, gradient in gradient_at({k: t.numpy() for k, t in tensors.items()}, step).items():
            tensors[key].grad = torch.tensor(gradient)
        theirs.step()
    worst = max(np.abs(parameters[key] - tensors[key].numpy()).max() for key in start)
    print(f"{name}: largest difference after {STEPS} steps {worst:.1e}")
    assert worst < 1e-12
    assert max(np.abs(parameters[key] - start[key]).max() for key in start) > 0.1


def test_decoupled_decay_shrinks_all_alike_and_l2_does_not():
    parameters = {"steep": np.ones(1), "flat": np.ones(1)}
    decay = {}
    for optimizer, plain in ((AdamW(0.5), Adam()), (AdamWithL2(0.5), Adam())):
        with_decay, without = parameters, parameters
        for sign in (1, -1) * 20:  # gradients that cancel, so that only the decay is left
            gradients = {"steep": np.array([100.0 * sign]), "flat": np.array([0.01 * sign])}
            with_decay = optimizer.step(with_decay, gradients, 0.01)
            without = plain.step(without, gradients, 0.01)
        decay[type(optimizer)] = {name: float((without[name] - with_decay[name])[0]) for name in parameters}
    assert decay[AdamW]["steep"] == pytest.approx(decay[AdamW]["flat"], rel=0.05)
    assert decay[AdamW]["steep"] == pytest.approx(1 - (1 - 0.01 * 0.5) ** 40, rel=0.05)
    assert decay[AdamWithL2]["flat"] > 20 * decay[AdamWithL2]["steep"]


def test_adamw_is_the_sources_formula_for_one_step():
    theta, gradient = np.array([2.0]), np.array([-3.0])
    moved = AdamW(weight_decay=0.1).step({"x": theta}, {"x": gradient}, 0.01)["x"]
    # after one step m̂ / √v̂ is the gradient's sign:  θ - η sign(g) - η λ θ
    assert moved[0] == pytest.approx(2 + 0.01 - 0.01 * 0.1 * 2, abs=1e-9)


def test_only_named_parameters_decay():
    parameters = {"matrix": np.ones((2, 2)), "bias": np.ones(2)}
    still = {name: np.zeros_like(array) for name, array in parameters.items()}
    moved = AdamW(0.5, decayed=["matrix"]).step(parameters, still, 0.1)
    np.testing.assert_allclose(moved["matrix"], 0.95)
    np.testing.assert_array_equal(moved["bias"], 1)
    np.testing.assert_array_equal(parameters["matrix"], 1)  # the old ones stay


@settings(deadline=None, derandomize=True, max_examples=50)
@given(scale=st.floats(1e-3, 1e3), max_norm=st.floats(1e-3, 1e3))
def test_clipping_equals_torchs(scale, max_norm):
    generator = np.random.default_rng(1)
    gradients = {name: scale * generator.standard_normal(shape) for name, shape in SHAPES.items()}
    gradients = {name: np.asarray(gradient) for name, gradient in gradients.items()}
    tensors = [torch.zeros(shape, dtype=torch.float64) for shape in SHAPES.values()]
    for tensor, gradient in zip(tensors, gradients.values()):
        tensor.grad = torch.tensor(gradient)
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm)
    clipped, norm = clip_by_global_norm(gradients, max_norm)
    assert norm == pytest.approx(expected.item(), rel=1e-14)
    for tensor, gradient in zip(tensors, clipped.values()):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-13)


def test_clipping_keeps_short_gradients_and_float32():
    gradients = {"x": np.array([0.3, 0.4], dtype=np.float32)}
    clipped, norm = clip_by_global_norm(gradients, 1.0)
    np.testing.assert_array_equal(clipped["x"], gradients["x"])
    assert norm == pytest.approx(0.5) and clipped["x"].dtype == np.float32


def test_the_schedule_rises_turns_and_ends_where_it_should():
    rates = [warmup_cosine(step, steps=11, peak=1.0, final=0.1, warmup_steps=4) for step in range(11)]
    np.testing.assert_allclose(rates[:5], [0.25, 0.5, 0.75, 1.0, 1.0])
    assert rates[7] == pytest.approx(0.55)  # half way down: the mean of peak and final
    assert rates[10] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[4:]))
    assert warmup_cosine(50, 11, 1.0, 0.1, 4) == pytest.approx(0.1)


def test_the_schedule_survives_tiny_runs():
    assert warmup_cosine(0, 1, 1.0, 0.1) == 1.0
    assert warmup_cosine(1, 2, 1.0, 0.1, warmup_steps=1) == 1.0
    assert warmup_cosine(2, 3, 1.0, 0.1, warmup_steps=9) == pytest.approx(1 / 3)


X = {"x": np.ones(2)}


@pytest.mark.parametrize(("call", "message"), [
    (lambda: SGD().step({}, {}, 0.1), "parameters must hold at least one array, got none"),
    (lambda: SGD().step(X, {"y": np.ones(2)}, 0.1), "unmatched: x, y"),
    (lambda: Adam().step(X, {"x": np.ones(3)}, 0.1), r"gradient 'x' must have shape \(2,\), got \(3,\)"),
    (lambda: AdamW().step(X, {"x": np.array([1.0, math.nan])}, 0.1), "gradient 'x' must be finite, 1 of 2"),
    (lambda: Momentum().step({"x": np.ones(2, int)}, X, 0.1), "parameter 'x' must hold floats, got int64"),
    (lambda: SGD().step(X, X, -0.1), "learning_rate must be at least 0 and finite, got -0.1"),
    (lambda: Momentum(1.0), "momentum must be at least 0 and below 1, got 1.0"),
    (lambda: AdamW(-1), "weight_decay must be at least 0"),
    (lambda: Adam(beta2=1.0), "beta2 must be at least 0 and below 1, got 1.0"),
    (lambda: clip_by_global_norm(X, 0.0), "max_norm must be positive, got 0.0"),
    (lambda: clip_by_global_norm({"x": np.array([math.inf])}, 1.0), "finite norm, got inf"),
    (lambda: warmup_cosine(-1, 5, 1.0), "step must be at least 0, got -1"),
    (lambda: warmup_cosine(0, 0, 1.0), "steps must be at least 1, got 0"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_module_offers_what_it_says():
    assert optimizers.global_norm({"a": np.array([3.0]), "b": np.array([[4.0]])}) == 5.0
