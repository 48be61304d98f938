"""Solutions of the small chapter."""

import math

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities in each row."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def entropy(probabilities: list[float]) -> float:
    """The mean of -ln p, in nats."""
    return -sum(p * math.log(p) for p in probabilities)
