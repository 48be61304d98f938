"""Exercises of chapter 13: fill in each function. Check them with `minigpt grade 13`.

B texts, T tokens, D width of the model, V vocabulary, P tokens of a learned prompt, H heads, K head width, r rank.
A linear layer computes x Wᵀ + b, with W of shape (out, in), as in PyTorch. No function may change its arguments.
"""

import math  # noqa: F401

import numpy as np
import torch


def lora_forward(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, down: torch.Tensor, up: torch.Tensor,
                 alpha: float) -> torch.Tensor:
    """A linear layer with LoRA: W x + b + (α / r) · B A x for each x.

    Args:
        x: shape (…, in).
        weight, bias: W (out, in) and b (out,).
        down, up: A (r, in) and B (out, r). The rank r is to be read from their shapes.
        alpha: α.
    Returns:
        shape (…, out), same dtype. Gradients must flow to all five tensors.
    Example:
        >>> one = torch.ones(1, 1)
        >>> lora_forward(one, 5 * one, torch.zeros(1), torch.ones(2, 1), torch.ones(1, 2), 4.0)  # 5 + (4 / 2) · 2
        tensor([[9.]])
    """
    raise NotImplementedError


def lora_merge(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, alpha: float) -> torch.Tensor:
    """The one weight that computes what `lora_forward` computes: W + (α / r) · B A.

    Args:
        weight: W (out, in).
        down, up: A (r, in) and B (out, r).
        alpha: α.
    Returns:
        a new tensor (out, in). Gradients must flow to all three.
    Example:
        >>> lora_merge(torch.zeros(2, 1), torch.tensor([[3.0]]), torch.tensor([[1.0], [2.0]]), 2.0)
        tensor([[ 6.],
                [12.]])
    """
    raise NotImplementedError


def lora_backward(x: np.ndarray, down: np.ndarray, up: np.ndarray, alpha: float,
                  upstream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the two thin matrices, by hand.

    The layer is y = x Wᵀ + (α / r) · x Aᵀ Bᵀ, and `upstream` holds ∂loss/∂y.

    Args:
        x: float64, shape (N, in).
        down, up: A (r, in) and B (out, r), float64.
        alpha: α.
        upstream: float64, shape (N, out).
    Returns:
        ∂loss/∂A (r, in) and ∂loss/∂B (out, r): summed over the N rows.
    Example:
        >>> one = np.ones((1, 1))
        >>> lora_backward(2 * one, 3 * one, 5 * one, 1.0, one)
        (array([[10.]]), array([[6.]]))
    """
    raise NotImplementedError


def count_trained(method: str, n_layers: int, d_model: int, size: int) -> int:
    """How many numbers of a GPT-2 a method trains (the head and new tokens of a task are left out).

    In each block: query, key, value and output (D × D), up (4D × D) and down (D × 4D), all six with biases, and two
    layer norms with weight and bias. After the last block one more layer norm.

    Args:
        method: "bitfit": every bias, those of all norms included, nothing else. "lora": A and B of rank `size` at query
            and value. "adapter": behind each block's attention and behind its feed-forward part two linear layers with
            biases, D to `size` and back. "prefix": keys and values of `size` tokens in each layer. "prompt": the
            embeddings of `size` tokens.
        n_layers: blocks.
        d_model: D.
        size: see above; of no meaning for "bitfit".
    Returns:
        the number, an int.
    Example:
        >>> [count_trained(method, 2, 4, 1) for method in ("bitfit", "lora", "adapter", "prefix", "prompt")]
        [92, 32, 52, 16, 4]
    """
    raise NotImplementedError


def adapter_forward(hidden: torch.Tensor, down_weight: torch.Tensor, down_bias: torch.Tensor, up_weight: torch.Tensor,
                    up_bias: torch.Tensor) -> torch.Tensor:
    """An adapter: narrow, bend by GELU (the tanh form), widen, and add to what came in.

    Args:
        hidden: (B, T, D).
        down_weight, down_bias: (m, D) and (m,).
        up_weight, up_bias: (D, m) and (D,).
    Returns:
        (B, T, D). With `up_weight` and `up_bias` at zero it is `hidden` itself. Gradients must flow to all five.
    Example:
        >>> zero = torch.zeros(1, 1)
        >>> adapter_forward(torch.full((1, 1, 1), 3.0), zero, torch.zeros(1), zero, torch.ones(1))
        tensor([[[4.]]])
    """
    raise NotImplementedError


def add_soft_prompt(prompt: torch.Tensor, token_embeddings: torch.Tensor, position_table: torch.Tensor,
                    padding_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Put P learned vectors before each text: what the first block then reads, and the new mask.

    The prompt takes the positions 0 to P - 1, and each text goes on from P. Texts are padded on the right, so the token
    at place t of the text has the position P + t, padding included. Everybody may read the prompt.

    Args:
        prompt: (P, D).
        token_embeddings: (B, T, D), without positions.
        position_table: (at least P + T, D): row p is to be added at position p, to prompt and text.
        padding_mask: (B, T) booleans, True for real tokens.
    Returns:
        embeddings (B, P + T, D), and the mask (B, P + T), booleans. Gradients must flow to the prompt.
    Example:
        >>> _, mask = add_soft_prompt(torch.zeros(2, 1), torch.zeros(1, 2, 1), torch.zeros(9, 1),
        ...                           torch.tensor([[True, False]]))
        >>> mask
        tensor([[ True,  True,  True, False]])
    """
    raise NotImplementedError


def attend_with_prefix(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, prefix_key: torch.Tensor,
                       prefix_value: torch.Tensor) -> torch.Tensor:
    """Causal attention after a learned prefix of keys and values.

    Every token sees the whole prefix, itself, and the tokens before it. Scores are divided by √K.
    Not allowed: `F.scaled_dot_product_attention`.

    Args:
        query, key, value: (B, H, T, K), of the text.
        prefix_key, prefix_value: (H, P, K), the same for every text.
    Returns:
        (B, H, T, K). Gradients must flow to all five.
    Example:
        >>> zero = torch.zeros(1, 1, 1, 1)
        >>> attend_with_prefix(zero, zero, zero + 4, zero[0], zero[0] + 2)  # half of 4, half of 2
        tensor([[[[3.]]]])
    """
    raise NotImplementedError


def choice_scores(log_probabilities: list, how: str) -> list:
    """A score for each answer that a language model may give.

    Args:
        log_probabilities: for each answer a list of its tokens' log-probabilities, in nats; at least one each.
        how: "sum", or "mean" for the sum divided by the number of tokens.
    Returns:
        a list with one float for each answer.
    Raises:
        ValueError: for another `how`.
    Example:
        >>> choice_scores([[-1.0, -3.0], [-3.0]], "mean")
        [-2.0, -3.0]
    """
    raise NotImplementedError


def calibrate(scores: np.ndarray, content_free: np.ndarray) -> np.ndarray:
    """Contextual calibration: what the answers get after nothing is divided away.

    Turn each row of scores into probabilities over the answers (they sum to 1). Do the same with the scores after each
    text without content, and average these probabilities. Divide, and normalise again.

    Args:
        scores: float64, shape (N, options), summed log-probabilities; -1000 may occur.
        content_free: float64, shape (M, options), the same after M texts without content.
    Returns:
        float64, (N, options): each row sums to 1.
    Example:
        >>> calibrate(np.log([[0.6, 0.4]]), np.log([[0.8, 0.2]])).round(3)
        array([[0.273, 0.727]])
    """
    raise NotImplementedError


def bitfit_names(shapes: dict) -> list:
    """Which parameters BitFit trains: those whose last name is "bias".

    Args:
        shapes: {name: shape}, such as {"blocks.0.attention.query.bias": (160,), "head.weight": (2, 160)}.
        The parts of a name are separated by dots.
    Returns:
        the names, in the order of the dictionary.
    Example:
        >>> bitfit_names({"unbias": (2,), "norm.weight": (2,), "norm.bias": (2,), "bias.weight": (2, 2)})
        ['norm.bias']
    """
    raise NotImplementedError


def low_rank_error(change: np.ndarray, rank: int) -> float:
    """How much of a matrix its best approximation of a rank misses.

    Args:
        change: float64, (m, n), not all zeros.
        rank: from 0 to min(m, n).
    Returns:
        the least Frobenius norm of change - X over all matrices X of at most this rank, divided by the Frobenius norm
        of `change`: a float from 0 to 1.
    Example:
        >>> low_rank_error(np.diag([4.0, 3.0]), 1)  # what is left has norm 3, of 5
        0.6
    """
    raise NotImplementedError
