"""Chapter 04's exercises, solved; for instructors."""

from collections.abc import Callable

import numpy as np


def central_difference(function: Callable[[np.ndarray], float], x: np.ndarray, h: float) -> np.ndarray:
    """The gradient of a function, measured by central differences with step h, one entry after the other."""
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        gradient[index] = (function(above) - function(below)) / (2 * h)
    return gradient


def complex_step(function: Callable[[np.ndarray], complex], x: np.ndarray) -> np.ndarray:
    """The gradient of an analytic function by the complex step, right to 12 digits or more."""
    h = 1e-20
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1j * h
        gradient[index] = function(moved).imag / h
    return gradient


def taylor_exponent(
    function: Callable[[np.ndarray], float], x: np.ndarray, gradient: np.ndarray, direction: np.ndarray,
    steps: np.ndarray,
) -> float:  # fmt: skip
    """How fast the Taylor remainder falls: about 2 if the gradient is right, about 1 if it is wrong."""
    base = function(x)
    predicted = (gradient * direction).sum()
    remainders = [abs(function(x + h * direction) - base - h * predicted) for h in steps]
    return float(np.polyfit(np.log(steps), np.log(remainders), 1)[0])


def linear_backward(
    d_output: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three gradients of a linear map, y = x Wᵀ + b. Every row of x has its own output row; W and b are shared."""
    rows = d_output.reshape(-1, d_output.shape[-1])  # all leading axes in one
    d_weight = rows.T @ x.reshape(-1, x.shape[-1])
    return d_output @ weight, d_weight, rows.sum(axis=0)


def embedding_backward(d_output: np.ndarray, ids: np.ndarray, vocab_size: int) -> np.ndarray:
    """The gradient of an embedding table, y = table[ids]."""
    d_table = np.zeros((vocab_size, d_output.shape[-1]))
    np.add.at(d_table, ids, d_output)
    return d_table


def softmax_backward(d_weights: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The gradient of the scores of a softmax over the last axis."""
    average = (d_weights * weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - average)


def cross_entropy_backward(
    d_loss: float, logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100
) -> np.ndarray:
    """The gradient of the logits of a mean cross-entropy in nats."""
    d_logits = np.exp(logits - logits.max(axis=-1, keepdims=True))
    d_logits /= d_logits.sum(axis=-1, keepdims=True)
    scored = targets != ignore_index
    d_logits[(*np.nonzero(scored), targets[scored])] -= 1
    d_logits[~scored] = 0
    return d_loss * d_logits / scored.sum()


def gelu_backward(d_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient through GELU in the tanh form, y = ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³)."""
    scale = np.sqrt(2 / np.pi)
    tanh = np.tanh(scale * (x + 0.044715 * x**3))
    d_inner = scale * (1 + 3 * 0.044715 * x**2)
    return d_output * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * d_inner)


def layer_norm_backward(
    d_output: np.ndarray, x: np.ndarray, weight: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of layer norm over the last axis: y = γ (x - μ) / √(σ² + ε) + β."""
    centred = x - x.mean(axis=-1, keepdims=True)
    inverse_deviation = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    normalised = centred * inverse_deviation
    g = d_output * weight
    along_mean = g.mean(axis=-1, keepdims=True)
    along_variance = normalised * (g * normalised).mean(axis=-1, keepdims=True)
    tokens = tuple(range(x.ndim - 1))
    d_x = inverse_deviation * (g - along_mean - along_variance)
    return d_x, (d_output * normalised).sum(axis=tokens), d_output.sum(axis=tokens)


def attention_backward(
    d_output: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of causal attention, y = softmax(Q Kᵀ / √K) V: token t looks at the tokens 0 to t."""
    scale = 1 / np.sqrt(query.shape[-1])
    scores = scale * query @ key.swapaxes(-2, -1)
    scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    d_value = weights.swapaxes(-2, -1) @ d_output
    d_scores = scale * softmax_backward(d_output @ value.swapaxes(-2, -1), weights)
    return d_scores @ key, d_scores.swapaxes(-2, -1) @ query, d_value


def clip_by_global_norm(
    gradients: dict[str, np.ndarray], max_norm: float
) -> tuple[dict[str, np.ndarray], float]:
    """Shorten the gradient to `max_norm` if it is longer, without turning it."""
    length = float(np.sqrt(sum((gradient**2).sum() for gradient in gradients.values())))
    factor = max_norm / length if length > max_norm else 1.0
    return {name: factor * gradient for name, gradient in gradients.items()}, length


def adamw_step(
    theta: np.ndarray, gradient: np.ndarray, state: dict, learning_rate: float, beta1: float = 0.9,
    beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01,
) -> tuple[np.ndarray, dict]:  # fmt: skip
    """One update of AdamW."""
    step = state["step"] + 1
    mean = beta1 * state["mean"] + (1 - beta1) * gradient
    square = beta2 * state["square"] + (1 - beta2) * gradient**2
    direction = (mean / (1 - beta1**step)) / (np.sqrt(square / (1 - beta2**step)) + epsilon)
    theta = theta - learning_rate * direction - learning_rate * weight_decay * theta
    return theta, {"step": step, "mean": mean, "square": square}
