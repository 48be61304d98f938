"""Exercises of chapter 04: fill in each function. Check them with `minigpt grade 04`.

Everything is float64. `d_x` means ∂L/∂x, the gradient of the loss L with respect to x, and has the shape of x. What
ends in `_backward` is given the gradient of L with respect to the output of the forward pass. B, T: texts and tokens;
D: width; V: classes or tokens of the vocabulary; "..." stands for any number of leading axes. No function may change
its arguments. All is to be written in NumPy; PyTorch may not be used.
"""

from collections.abc import Callable

import numpy as np


def central_difference(function: Callable[[np.ndarray], float], x: np.ndarray, h: float) -> np.ndarray:
    """The gradient of a function, measured by central differences with step h, one entry after the other.

    Entry i is (f(x with entry i raised by h) - f(x with entry i lowered by h)) / 2h. No improvement of it is wanted:
    the tests use long steps and compare with just this formula.

    Args:
        function: takes an array of the shape of x and gives a float.
        x: float64, any shape, also none.
        h: the step, positive.
    Returns:
        float64, the shape of x.
    Example:
        >>> central_difference(lambda x: (x**3).sum(), np.array([[1.0, 2.0]]), h=0.1).round(6)
        array([[ 3.01, 12.01]])
    """
    raise NotImplementedError


def complex_step(function: Callable[[np.ndarray], complex], x: np.ndarray) -> np.ndarray:
    """The gradient of an analytic function by the complex step, right to 12 digits or more.

    Args:
        function: takes an array of the shape of x, also a complex one, and gives a number of the same kind.
        x: float64, any shape.
    Returns:
        float64, the shape of x.
    Example:
        >>> complex_step(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
        array([ 3., 12.])
    """
    raise NotImplementedError


def taylor_exponent(
    function: Callable[[np.ndarray], float], x: np.ndarray, gradient: np.ndarray, direction: np.ndarray,
    steps: np.ndarray,
) -> float:  # fmt: skip
    """How fast the Taylor remainder falls: about 2 if the gradient is right, about 1 if it is wrong.

    The remainder for a step h is |f(x + h d) - f(x) - h ⟨g, d⟩|, where ⟨g, d⟩ is the sum of the products of all
    entries. The exponent is the slope of the straight line through the points (log h, log remainder) by least squares.

    Args:
        function: takes an array of the shape of x and gives a float.
        x: float64, any shape.
        gradient: g, the gradient that is to be tested, float64, the shape of x.
        direction: d, float64, the shape of x.
        steps: h, positive, float64, shape (N,), N at least 2. No remainder is 0.
    Returns:
        the exponent.
    Example:
        >>> right, wrong, steps = np.array([12.0]), np.array([11.9]), np.array([1e-2, 1e-3, 1e-4])
        >>> f, x, d = lambda x: (x**3).sum(), np.array([2.0]), np.array([1.0])
        >>> round(taylor_exponent(f, x, right, d, steps), 3), round(taylor_exponent(f, x, wrong, d, steps), 3)
        (2.0, 1.101)
    """
    raise NotImplementedError


def linear_backward(
    d_output: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three gradients of a linear map, y = x Wᵀ + b. Every row of x has its own output row; W and b are shared.

    Args:
        d_output: float64, shape (..., O).
        x: float64, shape (..., I), with the same leading axes.
        weight: W, float64, shape (O, I).
    Returns:
        d_x (..., I), d_weight (O, I), d_bias (O,), all float64.
    Example:
        >>> upstream, x = np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])
        >>> d_x, d_weight, d_bias = linear_backward(upstream, x, np.array([[5.0]]))
        >>> d_x.tolist(), d_weight.tolist(), d_bias.tolist()
        ([[5.0], [10.0]], [[11.0]], [3.0])
    """
    raise NotImplementedError


def embedding_backward(d_output: np.ndarray, ids: np.ndarray, vocab_size: int) -> np.ndarray:
    """The gradient of an embedding table, y = table[ids].

    Args:
        d_output: float64, shape (B, T, D).
        ids: int64, shape (B, T), from 0 to V-1. Ids repeat.
        vocab_size: V.
    Returns:
        d_table, float64, shape (V, D); 0 for tokens that do not occur.
    Example:
        >>> embedding_backward(np.array([[[1.0], [2.0], [4.0]]]), np.array([[1, 0, 1]]), vocab_size=3)
        array([[2.],
               [5.],
               [0.]])
    """
    raise NotImplementedError


def softmax_backward(d_weights: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The gradient of the scores of a softmax over the last axis.

    Args:
        d_weights: gradient of L with respect to the weights, float64, shape (..., V).
        weights: what the softmax gave, float64, shape (..., V); each row sums to 1. A weight may be exactly 0.
    Returns:
        d_scores, float64, shape (..., V).
    Example:
        >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.25, 0.75]))
        array([ 0.1875, -0.1875])
    """
    raise NotImplementedError


def cross_entropy_backward(
    d_loss: float, logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100
) -> np.ndarray:
    """The gradient of the logits of a mean cross-entropy in nats.

    The mean runs over the scored tokens only: those whose target is not `ignore_index`. All others get 0.

    Args:
        d_loss: gradient of the final result with respect to this loss (1.0 if the loss is the final result).
        logits: float64, shape (B, T, V). Any size, also 1000.
        targets: int64, shape (B, T): class ids, or `ignore_index`, which is any integer. At least one is scored.
        ignore_index: the target that is not scored.
    Returns:
        d_logits, float64, shape (B, T, V).
    Example:
        >>> cross_entropy_backward(1.0, np.zeros((1, 3, 2)), np.array([[0, -100, 1]]))
        array([[[-0.25,  0.25],
                [ 0.  ,  0.  ],
                [ 0.25, -0.25]]])
    """
    raise NotImplementedError


def gelu_backward(d_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient through GELU in the tanh form, y = ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³).

    Args:
        d_output: float64, any shape.
        x: float64, the same shape, from -100 to 100.
    Returns:
        d_x, float64, the same shape.
    Example:
        >>> gelu_backward(np.array([1.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])).round(4)
        array([0.5   , 1.083 , 2.1659])
    """
    raise NotImplementedError


def layer_norm_backward(
    d_output: np.ndarray, x: np.ndarray, weight: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of layer norm over the last axis: y = γ (x - μ) / √(σ² + ε) + β.

    μ and σ² are mean and variance of each token; the variance divides by D.

    Args:
        d_output: float64, shape (..., D), with at least one leading axis.
        x: what layer norm was given, float64, the same shape.
        weight: γ, float64, shape (D,).
        epsilon: ε, positive; not always small.
    Returns:
        d_x (..., D), d_weight (D,), d_bias (D,), all float64.
    Example:
        >>> token, upstream = np.array([[1.0, 3.0, 5.0]]), np.array([[1.0, 0.0, 0.0]])
        >>> d_x, d_weight, d_bias = layer_norm_backward(upstream, token, np.ones(3), epsilon=1e-5)
        >>> d_x.round(4).tolist(), d_weight.round(4).tolist(), d_bias.tolist()
        ([[0.1021, -0.2041, 0.1021]], [-1.2247, 0.0, 0.0], [1.0, 0.0, 0.0])
    """
    raise NotImplementedError


def attention_backward(
    d_output: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of causal attention, y = softmax(Q Kᵀ / √K) V: token t looks at the tokens 0 to t.

    The weights are not given: compute them again. Your `softmax_backward` may be called.

    Args:
        d_output: float64, shape (..., T, M).
        query, key: float64, shape (..., T, K). Their scores may be large, such as 1000.
        value: float64, shape (..., T, M).
    Returns:
        d_query (..., T, K), d_key (..., T, K), d_value (..., T, M), all float64.
    Example:
        >>> tokens, upstream = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
        >>> d_query, d_key, d_value = attention_backward(upstream, np.zeros((2, 1)), np.zeros((2, 1)), tokens)
        >>> d_query.tolist(), d_key.tolist(), d_value.tolist()
        ([[0.0], [0.0]], [[0.0], [0.0]], [[1.5], [0.5]])
    """
    raise NotImplementedError


def clip_by_global_norm(
    gradients: dict[str, np.ndarray], max_norm: float
) -> tuple[dict[str, np.ndarray], float]:
    """Shorten the gradient to `max_norm` if it is longer, without turning it.

    Its length is that of all entries of all arrays laid end to end. All arrays get the same factor, the smaller of 1
    and max_norm / length. Nothing else is added: no small constant below the fraction line.

    Args:
        gradients: {name: float64 array of any shape}. All may be 0; then they stay so.
        max_norm: the greatest length, positive.
    Returns:
        the shortened gradients under the same names, and the length before.
    Example:
        >>> clip_by_global_norm({"a": np.array([3.0]), "b": np.array([[4.0]])}, max_norm=1.0)
        ({'a': array([0.6]), 'b': array([[0.8]])}, 5.0)
    """
    raise NotImplementedError


def adamw_step(
    theta: np.ndarray, gradient: np.ndarray, state: dict, learning_rate: float, beta1: float = 0.9,
    beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01,
) -> tuple[np.ndarray, dict]:  # fmt: skip
    """One update of AdamW.

    With t the number of this update, counted from 1:

        m ← β₁ m + (1 - β₁) g              v ← β₂ v + (1 - β₂) g²
        θ ← θ - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε) - η λ θ

    where θ on the right is the old one.

    Args:
        theta: θ, float64, any shape.
        gradient: g, float64, the same shape.
        state: what was remembered: "step", the number of updates made so far (0 at first), "mean" m and "square" v,
            float64 arrays of the same shape (zeros at first).
        learning_rate: η. beta1, beta2: β₁, β₂. epsilon: ε. weight_decay: λ.
    Returns:
        the new θ, and the new state with the same three keys.
    Example:
        >>> state = {"step": 0, "mean": np.zeros(1), "square": np.zeros(1)}
        >>> theta, state = adamw_step(np.array([1.0]), np.array([5.0]), state, learning_rate=0.1, weight_decay=0.5)
        >>> theta.round(4).tolist(), state["step"], state["mean"].round(4).tolist(), state["square"].round(4).tolist()
        ([0.85], 1, [0.5], [0.025])
    """
    raise NotImplementedError
