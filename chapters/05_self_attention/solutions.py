"""Solutions of chapter 05's exercises."""

import math

import numpy as np
import torch


def causal_average(x: np.ndarray) -> np.ndarray:
    """Running sums, each divided by how many tokens it holds."""
    return x.cumsum(axis=0) / np.arange(1, len(x) + 1)[:, None]


def causal_mask(n_queries: int, n_keys: int, band_width: int | None = None) -> np.ndarray:
    """Compare the positions of keys and queries; the queries are the last ones."""
    key = np.arange(n_keys)
    query = np.arange(n_keys - n_queries, n_keys)[:, None]
    allowed = key <= query  # (T, S)
    if band_width is not None:
        allowed &= key > query - band_width
    return allowed


def hide_padding(mask: np.ndarray, key_is_real: np.ndarray) -> np.ndarray:
    """Real keys only, and everybody itself."""
    n_queries, n_keys = mask.shape
    itself = np.eye(n_keys, dtype=bool)[n_keys - n_queries :]  # (T, S)
    return (mask & key_is_real[:, None, :]) | itself


def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Scores, mask, softmax, weighted sum."""
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ value


def split_heads(x: np.ndarray, n_heads: int) -> np.ndarray:
    """Cut the last axis in two, then bring the heads before the tokens."""
    if x.shape[-1] % n_heads:
        raise ValueError(f"n_heads={n_heads} must divide the width {x.shape[-1]}")
    return x.reshape(*x.shape[:2], n_heads, -1).transpose(0, 2, 1, 3)


def multi_head_attention(
    hidden: torch.Tensor,
    query_weight: torch.Tensor,
    key_weight: torch.Tensor,
    value_weight: torch.Tensor,
    output_weight: torch.Tensor,
    n_heads: int,
) -> torch.Tensor:
    """Project, cut, attend, lay side by side, project."""

    def heads(weight):
        return (hidden @ weight.T).unflatten(-1, (n_heads, -1)).transpose(1, 2)  # (B, T, D) -> (B, H, T, K)

    query, key, value = heads(query_weight), heads(key_weight), heads(value_weight)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, H, T, T)
    n_tokens = hidden.shape[1]
    future = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(diagonal=1)
    mixed = scores.masked_fill(future, -math.inf).softmax(dim=-1) @ value  # (B, H, T, K)
    return mixed.transpose(1, 2).flatten(2) @ output_weight.T


def attention_backward(
    d_output: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """The three steps of the forward pass in reverse."""
    d_weights = d_output @ value.swapaxes(-2, -1)  # (..., T, S)
    average = (weights * d_weights).sum(axis=-1, keepdims=True)
    d_scores = weights * (d_weights - average) / math.sqrt(query.shape[-1])
    return {
        "query": d_scores @ key,
        "key": d_scores.swapaxes(-2, -1) @ query,
        "value": weights.swapaxes(-2, -1) @ d_output,
    }


def projections_backward(
    d_query: np.ndarray,
    d_key: np.ndarray,
    d_value: np.ndarray,
    hidden: np.ndarray,
    query_weight: np.ndarray,
    key_weight: np.ndarray,
    value_weight: np.ndarray,
) -> dict[str, np.ndarray]:
    """Three uses of the tokens: three terms. Each weight is used at every token: a sum over all of them."""

    def weight_gradient(d_projected):
        return np.einsum("bto,bti->oi", d_projected, hidden)

    return {
        "hidden": d_query @ query_weight + d_key @ key_weight + d_value @ value_weight,
        "query_weight": weight_gradient(d_query),
        "key_weight": weight_gradient(d_key),
        "value_weight": weight_gradient(d_value),
    }


def attention_multiplications(n_tokens: int, d_model: int, band_width: int | None = None) -> int:
    """4TD² for the linear maps, and 2D for each pair."""
    n_pairs = n_tokens**2
    if band_width is not None:  # token t sees t + 1 tokens, but at most the band
        n_pairs = sum(min(token + 1, band_width) for token in range(n_tokens))
    return 4 * n_tokens * d_model**2 + 2 * n_pairs * d_model
