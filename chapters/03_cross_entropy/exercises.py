"""Exercises of chapter 03: fill in each function. Check them with `minigpt grade 03`.

Everything is float64 and in nats (natural logarithms), unless a docstring says otherwise. B, N: examples; V: classes or
tokens of the vocabulary; P: parameters. No function may change its arguments.
"""

import numpy as np
import torch


def bigram_probabilities(ids: np.ndarray, vocab_size: int, added: float) -> np.ndarray:
    """A model that counts pairs of neighbours, with add-a-little smoothing.

    Row a, column b: (how often b follows a, plus `added`) / (how often anything follows a, plus `added` for each of
    the `vocab_size` tokens). A token that is never followed by anything gets a uniform row.

    Args:
        ids: token ids of one text, int64, shape (T,), T at least 2.
        vocab_size: V.
        added: what is added to each count, more than 0.
    Returns:
        probabilities, float64, shape (V, V); each row sums to 1.
    Example:
        >>> bigram_probabilities(np.array([0, 1, 0, 1, 1]), vocab_size=2, added=1.0)
        array([[0.25, 0.75],
               [0.5 , 0.5 ]])
    """
    raise NotImplementedError


def entropy_bits(probabilities: np.ndarray) -> np.ndarray:
    """Entropy of each distribution, in bits.

    An outcome with probability 0 costs nothing, since it never happens.

    Args:
        probabilities: float64, shape (N, V); each row is at least 0 and sums to 1.
    Returns:
        entropies in bits, float64, shape (N,).
    Example:
        >>> entropy_bits(np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]))
        array([1.5, 1. ])
    """
    raise NotImplementedError


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into probabilities.

    Args:
        scores: float64, shape (..., V): rows along the last axis. Any size, also 1000 or -1000.
    Returns:
        probabilities, float64, same shape; each row sums to 1.
    Example:
        >>> softmax(np.array([[0.0, np.log(3.0)]]))
        array([[0.25, 0.75]])
    """
    raise NotImplementedError


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """The logarithm of softmax, finite for all finite scores.

    Where a score lies 1000 below the largest of its row, the answer is about -1000, and not -inf.

    Args:
        scores: float64, shape (..., V): rows along the last axis. Any size.
    Returns:
        natural logarithms of the probabilities, float64, same shape.
    Example:
        >>> log_softmax(np.array([[0.0, -1000.0]]))
        array([[    0., -1000.]])
    """
    raise NotImplementedError


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor, ignore_index: int = -100) -> torch.Tensor:
    """Mean surprise of the right classes, in PyTorch, ready to be trained on.

    The mean runs over the scored rows only: a row whose target is `ignore_index` counts neither as loss nor as a row.
    At least one row is scored. `torch.log_softmax` and `torch.logsumexp` may be used; PyTorch's own cross-entropy and
    negative log-likelihood may not.

    Args:
        logits: float64, shape (N, V). Any size.
        targets: int64, shape (N,): class ids from 0 to V-1, or `ignore_index`, which is any integer.
        ignore_index: the target that is not scored.
    Returns:
        the loss in nats, a float64 tensor without axes, through which gradients flow to the logits.
    Example:
        >>> cross_entropy(torch.zeros(3, 4, dtype=torch.float64), torch.tensor([2, -100, 0]))
        tensor(1.3863, dtype=torch.float64)
    """
    raise NotImplementedError


def cross_entropy_gradient(logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100) -> np.ndarray:
    """The gradient of the loss above with respect to the logits, written by hand in NumPy.

    Your `softmax` may be called.

    Args:
        logits: float64, shape (N, V). Any size.
        targets: int64, shape (N,): class ids, or `ignore_index`, which is any integer. At least one is scored.
        ignore_index: the target that is not scored.
    Returns:
        float64, shape (N, V).
    Example:
        >>> cross_entropy_gradient(np.zeros((2, 2)), np.array([0, 1]))
        array([[-0.25,  0.25],
               [ 0.25, -0.25]])
    """
    raise NotImplementedError


def smoothed_cross_entropy(logits: np.ndarray, targets: np.ndarray, smoothing: float) -> float:
    """Cross-entropy against softened targets (Szegedy et al. 2016, section 7).

    The wanted probability of class v is (1 - smoothing) + smoothing / V for the target, and smoothing / V for each
    other class. The loss is the mean over the rows of -Σ_v wanted_v log p_v. Your `log_softmax` may be called.

    Args:
        logits: float64, shape (N, V). Any size.
        targets: int64, shape (N,), class ids.
        smoothing: from 0 to 1.
    Returns:
        the loss in nats.
    Example:
        >>> round(float(smoothed_cross_entropy(np.array([[0.0, np.log(3.0)]]), np.array([1]), smoothing=0.2)), 4)
        0.3975
    """
    raise NotImplementedError


def text_scores(token_losses: np.ndarray, token_bytes: np.ndarray) -> dict[str, float]:
    """Three ways to report how well a model predicts a text.

    Args:
        token_losses: cross-entropy of each token in nats, float64, shape (T,).
        token_bytes: how many UTF-8 bytes each token stands for, int64, shape (T,).
    Returns:
        "nats_per_token": the mean loss; "perplexity": per token; "bits_per_byte": all bits over all bytes.
    Example:
        >>> scores = text_scores(np.log([2.0, 8.0]), np.array([1, 4]))
        >>> {name: round(float(value), 4) for name, value in scores.items()}
        {'nats_per_token': 1.3863, 'perplexity': 4.0, 'bits_per_byte': 0.8}
    """
    raise NotImplementedError


def chain_rule_gradient(predictions: np.ndarray, labels: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """The gradient of the mean binary cross-entropy of any model, from the derivatives of its predictions.

    The loss is L = -(1/N) Σ_i [y_i log ŷ_i + (1 - y_i) log(1 - ŷ_i)].

    Args:
        predictions: ŷ, the probabilities of yes, float64, shape (N,), between 0.01 and 0.99.
        labels: y, 0.0 or 1.0, float64, shape (N,).
        jacobian: ∂ŷ_i/∂θ_k, float64, shape (N, P).
    Returns:
        ∂L/∂θ_k, float64, shape (P,).
    Example:
        >>> chain_rule_gradient(np.array([0.5, 0.8]), np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 2.0]]))
        array([-1.,  5.])
    """
    raise NotImplementedError


def binary_cross_entropy_from_logits(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean binary cross-entropy of sigmoid(z), finite for all finite z.

    A logit of 1000 with label 0 costs 1000 nats, as does a logit of -1000 with label 1.

    Args:
        logits: z, float64, shape (N,). Any size.
        labels: y, from 0.0 to 1.0, float64, shape (N,).
    Returns:
        the loss in nats.
    Example:
        >>> round(float(binary_cross_entropy_from_logits(np.array([0.0, 1000.0]), np.array([1.0, 0.0]))), 4)
        500.3466
    """
    raise NotImplementedError


def logistic_gradient(features: np.ndarray, theta: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the mean binary cross-entropy of a logistic model, ŷ_i = sigmoid(Σ_k x_ik θ_k).

    Args:
        features: x, float64, shape (N, P).
        theta: θ, float64, shape (P,). Predictions may round to exactly 0 or 1; the gradient stays finite.
        labels: y, 0.0 or 1.0, float64, shape (N,).
    Returns:
        ∂L/∂θ_k, float64, shape (P,).
    Example:
        >>> logistic_gradient(np.array([[1.0, 2.0], [1.0, 4.0]]), np.zeros(2), np.array([1.0, 0.0]))
        array([0. , 0.5])
    """
    raise NotImplementedError


def squared_error_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient, with respect to z, of the mean squared error (1/N) Σ_i (sigmoid(z_i) - y_i)².

    Args:
        logits: z, float64, shape (N,), between -30 and 30.
        labels: y, from 0.0 to 1.0, float64, shape (N,).
    Returns:
        ∂L/∂z_i, float64, shape (N,).
    Example:
        >>> squared_error_gradient(np.array([0.0, 0.0]), np.array([1.0, 0.0]))
        array([-0.125,  0.125])
    """
    raise NotImplementedError


def update(theta: np.ndarray, example_gradients: np.ndarray, learning_rate: float, weight_decay: float) -> np.ndarray:
    """One step down the empirical risk, with decoupled weight decay: θ - η ∇L(θ) - η λ θ.

    L is the *mean* loss of the examples; θ on the right is always the old θ.

    Args:
        theta: θ, float64, shape (P,).
        example_gradients: ∂ℓ_i/∂θ_k for each example i, float64, shape (N, P).
        learning_rate: η.
        weight_decay: λ.
    Returns:
        the new θ, float64, shape (P,), a new array.
    Example:
        >>> update(np.array([2.0]), np.array([[0.2], [0.8]]), learning_rate=0.1, weight_decay=0.01)
        array([1.948])
    """
    raise NotImplementedError
