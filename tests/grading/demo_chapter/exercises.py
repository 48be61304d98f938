"""Exercises of the demonstration chapter: fill in each function."""

from collections.abc import Callable

import numpy as np
import torch


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into probabilities.

    Args:
        scores: float64, shape (..., V). Any size, also 1000 or -1000.
    Returns:
        probabilities, float64, same shape: each row sums to 1.
    Example:
        >>> softmax(np.array([[0.0, np.log(3.0)]]))
        array([[0.25, 0.75]])
    """
    raise NotImplementedError


def mean_loss(probabilities: np.ndarray, targets: list[int]) -> float:
    """The mean cross-entropy, in nats.

    Args:
        probabilities: float64, shape (T, V), rows that sum to 1.
        targets: T ids, the right one of each row.
    Returns:
        the mean of -ln(probability of the target).
    Example:
        >>> mean_loss(np.array([[0.25, 0.75]]), [1])
        0.2876820724517809
    """
    raise NotImplementedError


def scale(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Divide each row by its root mean square, then multiply by the weight.

    Args:
        x: shape (B, D).
        weight: shape (D,).
    Returns:
        shape (B, D). Gradients flow to both.
    Example:
        >>> scale(torch.tensor([[3.0, 3.0]]), torch.tensor([1.0, 2.0]))
        tensor([[1., 2.]])
    """
    raise NotImplementedError


def slope(function: Callable[[float], float], x: float) -> float:
    """The derivative of a function at x, by a central difference with step 1e-5.

    Args:
        function: takes a float, gives a float.
        x: where.
    Returns:
        (f(x + h) - f(x - h)) / 2h.
    Example:
        >>> slope(lambda x: x * x, 3.0)  # about 6
        6.000000000039306
    """
    raise NotImplementedError
