"""Tests of the demonstration chapter, written as a chapter's tests are."""

import math

import numpy as np
import pytest
import torch

from minigpt.grading import Code, check_close, check_gradients, check_that, exercise


@exercise("softmax", points=2, minutes=10, difficulty=1, forbids=("torch.softmax", "scipy.special.softmax"))
@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 7)])
def test_softmax_gives_probabilities(answers, rng, shape):
    scores = rng.normal(size=shape)
    expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    check_close(answers.softmax(scores), expected)


@exercise("softmax")
def test_softmax_survives_large_scores(answers, rng):
    shift = rng.uniform(900, 1100)
    got = answers.softmax(np.array([[shift, shift + math.log(3)]]))
    check_close(got, np.array([[0.25, 0.75]]), hint="large scores: exp overflows")


@exercise("mean_loss", points=1, minutes=5, difficulty=1, forbids=("for",))
def test_mean_loss_is_the_mean_of_negative_logarithms(answers, rng):
    probabilities = rng.dirichlet(np.ones(6), size=4)
    targets = [int(target) for target in rng.integers(0, 6, size=4)]
    expected = -sum(math.log(probabilities[row, target]) for row, target in enumerate(targets)) / 4
    check_close(answers.mean_loss(probabilities, targets), expected)


@exercise("scale", points=3, minutes=15, difficulty=2, forbids=("torch.rms_norm",))
def test_scale_and_its_gradients(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    x, weight, upstream = (torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
                           for shape in ((3, 5), (5,), (3, 5)))  # fmt: skip
    expected = torch.nn.functional.rms_norm(x, (5,), weight, eps=0.0)
    value, gradients = answers.call_with_gradients("scale", x, weight, upstream=upstream)
    check_close(value, expected)
    check_gradients(dict(zip(("x", "weight"), gradients)),
                    dict(zip(("x", "weight"), torch.autograd.grad((expected * upstream).sum(), [x, weight]))),
                    sizes={"width": 5})  # fmt: skip


@exercise("slope", points=2, minutes=10, difficulty=2, seconds=3)
def test_slope_is_a_central_difference(answers, rng):
    x, factor = rng.uniform(1, 2), rng.uniform(2, 3)
    got = answers.slope(Code("lambda x: math.exp(factor * x)", factor=factor), x)
    h = 1e-5
    expected = (math.exp(factor * (x + h)) - math.exp(factor * (x - h))) / (2 * h)
    check_that(isinstance(got, float), "give a number")
    check_close(got, expected, atol=1e-7)
