"""Tests of the small chapter."""

import math

import numpy as np

from minigpt.grading import check_close, exercise


@exercise("softmax", points=2, minutes=10, difficulty=1, seconds=3)
def test_softmax(answers, rng):
    for shape in ((3, 5), (2, 7)):
        scores = rng.normal(size=shape)
        check_close(answers.softmax(scores), np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True))


@exercise("entropy", points=1, minutes=5, difficulty=1, seconds=3)
def test_entropy(answers, rng):
    probabilities = [float(p) for p in rng.dirichlet(np.ones(5))]
    check_close(answers.entropy(probabilities), -sum(p * math.log(p) for p in probabilities))
