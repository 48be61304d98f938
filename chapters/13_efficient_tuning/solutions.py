"""Solutions of chapter 13."""

import math

import numpy as np
import torch


def lora_forward(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, down: torch.Tensor, up: torch.Tensor,
                 alpha: float) -> torch.Tensor:
    """W x + b + (α / r) B A x."""
    return x @ weight.T + bias + alpha / down.shape[0] * (x @ down.T @ up.T)


def lora_merge(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, alpha: float) -> torch.Tensor:
    """W + (α / r) B A."""
    return weight + alpha / down.shape[0] * (up @ down)


def lora_backward(x: np.ndarray, down: np.ndarray, up: np.ndarray, alpha: float,
                  upstream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The chain rule through both matrices."""
    scale = alpha / down.shape[0]
    return scale * (upstream @ up).T @ x, scale * upstream.T @ (x @ down.T)


def count_trained(method: str, n_layers: int, d_model: int, size: int) -> int:
    """Per block, times the blocks; the prompt stands before all of them, the last norm after."""
    if method == "bitfit":
        return n_layers * 11 * d_model + d_model
    if method == "lora":
        return n_layers * 2 * 2 * size * d_model
    if method == "adapter":
        return n_layers * 2 * (2 * size * d_model + size + d_model)
    if method == "prefix":
        return n_layers * 2 * size * d_model
    return size * d_model


def adapter_forward(hidden: torch.Tensor, down_weight: torch.Tensor, down_bias: torch.Tensor, up_weight: torch.Tensor,
                    up_bias: torch.Tensor) -> torch.Tensor:
    """Sum: hidden + up(gelu(down(hidden)))."""
    narrow = torch.nn.functional.gelu(hidden @ down_weight.T + down_bias, approximate="tanh")
    return hidden + narrow @ up_weight.T + up_bias


def add_soft_prompt(prompt: torch.Tensor, token_embeddings: torch.Tensor, position_table: torch.Tensor,
                    padding_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompt, text, and positions under both."""
    batch = len(token_embeddings)
    together = torch.cat([prompt.expand(batch, -1, -1), token_embeddings], dim=1)
    mask = torch.cat([padding_mask.new_ones(batch, len(prompt)), padding_mask], dim=1)
    return together + position_table[: together.shape[1]], mask


def attend_with_prefix(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, prefix_key: torch.Tensor,
                       prefix_value: torch.Tensor) -> torch.Tensor:
    """A cache that was learned: its keys and values come first."""
    batch, _, length, width = query.shape
    keys = torch.cat([prefix_key.expand(batch, -1, -1, -1), key], dim=2)
    values = torch.cat([prefix_value.expand(batch, -1, -1, -1), value], dim=2)
    allowed = torch.ones(length, keys.shape[2], dtype=torch.bool).tril(prefix_key.shape[1])
    scores = query @ keys.transpose(-2, -1) / math.sqrt(width)
    return scores.masked_fill(~allowed, -math.inf).softmax(dim=-1) @ values


def choice_scores(log_probabilities: list, how: str) -> list:
    """Sums, or means."""
    if how not in ("sum", "mean"):
        raise ValueError(f"how={how!r} must be 'sum' or 'mean'")
    return [sum(tokens) / (len(tokens) if how == "mean" else 1) for tokens in log_probabilities]


def _softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def calibrate(scores: np.ndarray, content_free: np.ndarray) -> np.ndarray:
    """Quotient p / p_cf, normalised."""
    weighted = _softmax(scores) / _softmax(content_free).mean(axis=0)
    return weighted / weighted.sum(axis=1, keepdims=True)


def bitfit_names(shapes: dict) -> list:
    """The last part of the name decides."""
    return [name for name in shapes if name.split(".")[-1] == "bias"]


def low_rank_error(change: np.ndarray, rank: int) -> float:
    """The singular values that are left out (Eckart & Young 1936)."""
    values = np.linalg.svd(change, compute_uv=False)
    return float(np.sqrt((values[rank:] ** 2).sum() / (values**2).sum()))
