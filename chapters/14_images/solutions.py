"""Answers to the exercises of chapter 14."""

import math

import numpy as np
import torch


def to_patches(picture: np.ndarray, size: int) -> np.ndarray:
    channels, height, width = picture.shape
    cut = picture.reshape(channels, height // size, size, width // size, size)
    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, channels * size * size)


def embed_patches(patches: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor,
                  positions: torch.Tensor) -> torch.Tensor:
    return patches @ weight.T + bias + positions


def expand_placeholders(pieces: list, image_id: int, n_tokens: int) -> tuple[list[int], list[int]]:
    ids, before, n_pictures = [], [], 0
    for piece in pieces:
        if piece is None:
            n_pictures += 1
            piece = [image_id] * n_tokens
        ids += piece
        before += [n_pictures] * len(piece)
    return ids, before


def put_features(words: torch.Tensor, is_place: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    if int(is_place.sum()) != len(features):
        raise ValueError(f"{int(is_place.sum())} places for {len(features)} features")
    return words.masked_scatter(is_place[:, :, None], features)


def look_mask(n_before: np.ndarray, n_pictures: int, n_tokens: int) -> np.ndarray:
    number = np.repeat(np.arange(1, n_pictures + 1), n_tokens)  # which picture each vector is of
    return n_before[:, None] == number


def gated_look(text: torch.Tensor, media: torch.Tensor, weights: list, gate: torch.Tensor,
               mask: torch.Tensor) -> torch.Tensor:
    to_query, to_key, to_value, to_output = weights
    scores = (text @ to_query.T) @ (media @ to_key.T).T / math.sqrt(text.shape[1])  # (T, S)
    shares = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1) * mask
    return text + gate.tanh() * (shares @ (media @ to_value.T) @ to_output.T)


def contrastive_loss(pictures: torch.Tensor, texts: torch.Tensor, scale: float, together: torch.Tensor) -> torch.Tensor:
    unit = [vectors / vectors.norm(dim=1, keepdim=True) for vectors in (pictures, texts)]
    scores = scale * unit[0] @ unit[1].T
    losses = []
    for table, wanted in ((scores, together), (scores.T, together.T)):
        shares = wanted / wanted.sum(dim=1, keepdim=True)
        losses.append(-(shares * table.log_softmax(dim=1)).sum(dim=1).mean())
    return (losses[0] + losses[1]) / 2


def bits_per_pixel(logits: np.ndarray, levels: np.ndarray, n_levels: int) -> float:
    scores = logits[..., :n_levels]
    scores = scores - scores.max(axis=-1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(log_probabilities, levels[..., None], axis=-1)
    return float(-chosen.mean() / np.log(2))


def what_it_shows(log_likelihoods: np.ndarray, counts: np.ndarray) -> np.ndarray:
    scores = log_likelihoods + np.log(counts / counts.sum())
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def nearest_codes(vectors: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    distances = ((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)  # (…, K)
    return vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()
