"""Exercises of chapter 05: fill in each function. Check them with `minigpt grade 05`.

B texts, T queries, S keys (the queries are the last T of the S tokens), H heads, K numbers for each query and key, D
numbers for each token. Arrays are float64, masks are booleans, True where a query may look at a key. No function may
change its arguments.
"""

import math  # noqa: F401

import numpy as np
import torch


def causal_average(x: np.ndarray) -> np.ndarray:
    """Give every token the average of all tokens so far, itself included.

    Args:
        x: float64, shape (T, D), T at least 1.
    Returns:
        float64, shape (T, D): row t is the mean of the rows 0 to t of x.
    Example:
        >>> causal_average(np.array([[1.0], [3.0], [2.0]]))
        array([[1.],
               [2.],
               [2.]])
    """
    raise NotImplementedError


def causal_mask(n_queries: int, n_keys: int, band_width: int | None = None) -> np.ndarray:
    """Which query may look at which key.

    The queries are the last `n_queries` of the `n_keys` tokens. Each sees itself and everything before; with a band,
    only the nearest `band_width` tokens, itself included.

    Args:
        n_queries: T, at least 1 and at most S.
        n_keys: S.
        band_width: at least 1, perhaps more than S; or None for no band.
    Returns:
        booleans, shape (T, S), True where attention is allowed.
    Example:
        >>> causal_mask(2, 4, band_width=2)  # the queries are tokens 2 and 3
        array([[False,  True,  True, False],
               [False, False,  True,  True]])
    """
    raise NotImplementedError


def hide_padding(mask: np.ndarray, key_is_real: np.ndarray) -> np.ndarray:
    """Forbid looking at padding, in each text of a batch.

    Nobody may look at a key that is padding, with one exception: every token may look at itself. (Otherwise a softmax
    over nothing would be NaN.) The queries are the last T of the S tokens.

    Args:
        mask: booleans, shape (T, S), T at most S, such as `causal_mask` gives; every token sees itself in it.
        key_is_real: booleans, shape (B, S), False for padding; padding may stand anywhere.
    Returns:
        booleans, shape (B, T, S).
    Example:
        >>> hide_padding(np.tril(np.ones((3, 3), dtype=bool)), np.array([[False, True, True]]))
        array([[[ True, False, False],
                [False,  True, False],
                [False,  True,  True]]])
    """
    raise NotImplementedError


def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Scaled dot-product attention: softmax(Q Kᵀ / √K) V over the allowed keys.

    Args:
        query: float64, shape (..., T, K).
        key: float64, shape (..., S, K). Scores may be as large as 10,000.
        value: float64, shape (..., S, M): values may be wider or narrower than keys.
        mask: booleans that can be broadcast to (..., T, S); every query may look at one key or more.
    Returns:
        float64, shape (..., T, M).
    Example:
        >>> query, key = np.array([[1.0]]), np.array([[0.0], [np.log(3.0)], [9.0]])  # K = 1
        >>> attention(query, key, np.array([[4.0], [8.0], [1.0]]), np.array([[True, True, False]]))
        array([[7.]])
    """
    raise NotImplementedError


def split_heads(x: np.ndarray, n_heads: int) -> np.ndarray:
    """Cut each token's numbers into heads.

    Head h takes the neighbouring numbers h·K to (h+1)·K of every token, with K = D/H.

    Args:
        x: float64, shape (B, T, D).
        n_heads: H.
    Returns:
        float64, shape (B, H, T, K).
    Raises:
        ValueError: if H does not divide D.
    Example:
        >>> split_heads(np.array([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]), 2)  # B = 1, T = 2, D = 4
        array([[[[1., 2.],
                 [5., 6.]],
        <BLANKLINE>
                [[3., 4.],
                 [7., 8.]]]])
    """
    raise NotImplementedError


def multi_head_attention(
    hidden: torch.Tensor,
    query_weight: torch.Tensor,
    key_weight: torch.Tensor,
    value_weight: torch.Tensor,
    output_weight: torch.Tensor,
    n_heads: int,
) -> torch.Tensor:
    """Causal self-attention in several heads, in PyTorch.

    Project the tokens to queries, keys and values, cut these into heads as `split_heads` does, let each head attend
    with the scale 1/√K, put the heads side by side again, and project the result. No biases, no dropout. Gradients must
    flow to all five tensors. Not allowed: PyTorch's finished attention (`F.scaled_dot_product_attention`,
    `nn.MultiheadAttention`).

    Args:
        hidden: floating point, shape (B, T, D).
        query_weight, key_weight, value_weight, output_weight: shape (D, D) each, one row for each output, as in
            `nn.Linear`: y = x Wᵀ.
        n_heads: H, a divisor of D.
    Returns:
        shape (B, T, D), the dtype of `hidden`; row t depends on the tokens 0 to t only.
    Example:
        >>> one = torch.eye(2)
        >>> zero = torch.zeros(2, 2)  # equal scores: the average of the tokens so far
        >>> multi_head_attention(torch.tensor([[[2.0, 4.0], [4.0, 0.0]]]), zero, zero, one, one, n_heads=1)
        tensor([[[2., 4.],
                 [3., 2.]]])
    """
    raise NotImplementedError


def attention_backward(
    d_output: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """The gradients of `attention`, by hand: NumPy only, no autograd.

    Args:
        d_output: ∂L/∂output, float64, shape (..., T, M).
        query: shape (..., T, K).
        key: shape (..., S, K).
        value: shape (..., S, M).
        weights: the attention weights of the forward pass, shape (..., T, S); 0 where the mask forbids.
    Returns:
        {"query": ∂L/∂query, "key": ∂L/∂key, "value": ∂L/∂value}, each with the shape of what it is the gradient of.
    Example:
        >>> query, key, value = np.array([[2.0]]), np.array([[1.0], [1.0]]), np.array([[0.0], [4.0]])
        >>> attention_backward(np.array([[1.0]]), query, key, value, np.array([[0.5, 0.5]]))["key"]
        array([[-2.],
               [ 2.]])
    """
    raise NotImplementedError


def projections_backward(
    d_query: np.ndarray,
    d_key: np.ndarray,
    d_value: np.ndarray,
    hidden: np.ndarray,
    query_weight: np.ndarray,
    key_weight: np.ndarray,
    value_weight: np.ndarray,
) -> dict[str, np.ndarray]:
    """From the gradients of queries, keys and values to those of the tokens and of the weights.

    The forward pass was query = hidden @ query_weight.T, and the same for key and value. By hand: NumPy only.

    Args:
        d_query, d_key: float64, shape (B, T, P).
        d_value: shape (B, T, M).
        hidden: shape (B, T, D).
        query_weight, key_weight: shape (P, D).
        value_weight: shape (M, D).
    Returns:
        {"hidden": (B, T, D), "query_weight": (P, D), "key_weight": (P, D), "value_weight": (M, D)}
    Example:
        >>> one, two = np.ones((1, 1, 1)), 2 * np.ones((1, 1, 1))
        >>> weights = np.array([[3.0]]), np.array([[4.0]]), np.array([[5.0]])
        >>> gradients = projections_backward(one, one, two, two, *weights)
        >>> gradients["hidden"], gradients["value_weight"]  # 1·3 + 1·4 + 2·5, and 2·2
        (array([[[17.]]]), array([[4.]]))
    """
    raise NotImplementedError


def attention_multiplications(n_tokens: int, d_model: int, band_width: int | None = None) -> int:
    """Count the multiplications of one attention layer, for one text.

    Count the four linear maps with their D × D matrices, the dot products of queries with keys, and the weights times
    values. Leave out softmax, scale and biases. Without a band, all T · T pairs are computed, also those that the
    causal mask then hides. With a band, a clever program computes only the pairs that the causal mask with this band
    allows (as in `causal_mask`).

    Args:
        n_tokens: T.
        d_model: D; the number of heads does not matter.
        band_width: at least 1, perhaps more than T; or None for all pairs.
    Returns:
        the number of multiplications, an int.
    Example:
        >>> attention_multiplications(3, 10), attention_multiplications(3, 10, band_width=2)  # 9 pairs, 5 pairs
        (1380, 1300)
    """
    raise NotImplementedError
