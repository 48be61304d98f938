"""Solutions of chapter 03."""

import math

import numpy as np
import torch


def bigram_probabilities(ids: np.ndarray, vocab_size: int, added: float) -> np.ndarray:
    counts = np.full((vocab_size, vocab_size), added, dtype=np.float64)
    np.add.at(counts, (ids[:-1], ids[1:]), 1)  # += would count a repeated pair only once
    return counts / counts.sum(axis=1, keepdims=True)


def entropy_bits(probabilities: np.ndarray) -> np.ndarray:
    happens = probabilities > 0
    logarithms = np.log2(np.where(happens, probabilities, 1.0))  # log 1 = 0 stands in for what never happens
    return -(probabilities * logarithms).sum(axis=-1)


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor, ignore_index: int = -100) -> torch.Tensor:
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).mean()


def cross_entropy_gradient(logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100) -> np.ndarray:
    scored = targets != ignore_index
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient / scored.sum()


def smoothed_cross_entropy(logits: np.ndarray, targets: np.ndarray, smoothing: float) -> float:
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] += 1 - smoothing
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())


def text_scores(token_losses: np.ndarray, token_bytes: np.ndarray) -> dict[str, float]:
    mean = float(token_losses.mean())
    bits = float(token_losses.sum()) / math.log(2)
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": bits / float(token_bytes.sum())}


def chain_rule_gradient(predictions: np.ndarray, labels: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions)) / len(labels)
    return jacobian.T @ d_predictions


def binary_cross_entropy_from_logits(logits: np.ndarray, labels: np.ndarray) -> float:
    return float((np.logaddexp(0, logits) - labels * logits).mean())


def logistic_gradient(features: np.ndarray, theta: np.ndarray, labels: np.ndarray) -> np.ndarray:
    predictions = _sigmoid(features @ theta)
    return features.T @ (predictions - labels) / len(labels)


def squared_error_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    predictions = _sigmoid(logits)
    return 2 * (predictions - labels) * predictions * (1 - predictions) / len(labels)


def update(theta: np.ndarray, example_gradients: np.ndarray, learning_rate: float, weight_decay: float) -> np.ndarray:
    return theta - learning_rate * example_gradients.mean(axis=0) - learning_rate * weight_decay * theta


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -z))  # log sigmoid(z) = -log(1 + exp(-z)), without overflow
