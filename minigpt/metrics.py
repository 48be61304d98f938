"""The few numbers that every room needs. Task metrics come from libraries."""

import math


def perplexity(mean_loss):
    """How many equally likely tokens the model hesitates between.

    Args:
        mean_loss: mean cross-entropy of a token, in nats.
    Returns:
        exp(mean_loss); infinite where that does not fit a float.
    Source: Jelinek et al. (1977).
    """
    try:
        return math.exp(mean_loss)
    except OverflowError:
        return math.inf


def bits_per_byte(total_loss, n_bytes):
    """Cross-entropy per byte of text: comparable between tokenizers, as perplexity is not.

    Args:
        total_loss: sum of the tokens' cross-entropies, in nats.
        n_bytes: UTF-8 bytes that those tokens stand for.
    Returns:
        bits for each byte; a uniform guess over bytes gives 8.
    Raises:
        ValueError: if n_bytes is not positive.
    """
    if n_bytes <= 0:
        raise ValueError(f"bits per byte needs a positive number of bytes, got {n_bytes}")
    return total_loss / math.log(2) / n_bytes
