"""Exercises of the small chapter, NumPy only."""

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into probabilities.

    Args:
        scores: float64, shape (T, V).
    Returns:
        probabilities, float64, same shape.
    Example:
        >>> softmax(np.array([[0.0, np.log(3.0)]]))
        array([[0.25, 0.75]])
    """
    raise NotImplementedError


def entropy(probabilities: list[float]) -> float:
    """The entropy of a distribution, in nats.

    Args:
        probabilities: positive numbers that sum to 1.
    Returns:
        the mean of -ln p.
    Example:
        >>> entropy([0.5, 0.5])
        0.6931471805599453
    """
    raise NotImplementedError
