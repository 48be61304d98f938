"""Answers to the exercises of chapter 10."""

import numpy as np
import torch


def last_real(hidden: torch.Tensor, is_real: torch.Tensor) -> torch.Tensor:
    places = torch.arange(is_real.shape[1])
    last = (is_real * places).argmax(dim=1)
    return hidden[torch.arange(len(hidden)), last]


def class_probabilities(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    scores = features @ weight.T + bias
    powers = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return powers / powers.sum(dim=1, keepdim=True)


def weighted_cross_entropy(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict:
    n_texts = len(targets)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows, price = np.arange(n_texts), weights[targets]
    gradient = np.exp(log_probabilities)
    gradient[rows, targets] -= 1
    gradient *= price[:, None] / n_texts
    return {"loss": float((-price * log_probabilities[rows, targets]).sum() / n_texts), "gradient": gradient}


def confusion(true: list[int], predicted: list[int], n_classes: int) -> np.ndarray:
    counts = np.zeros((n_classes, n_classes), dtype=int)
    for row, column in zip(true, predicted):
        counts[row, column] += 1
    return counts


def macro_f1(counts: np.ndarray) -> float:
    right = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)  # F1 = 2 right / (predicted + true)
    return float(np.mean(np.divide(2 * right, total, out=np.zeros(len(counts)), where=total > 0)))


def bootstrap_interval(is_right: np.ndarray, draws: np.ndarray) -> tuple[float, float]:
    accuracies = 100 * is_right[draws].mean(axis=1)
    low, high = np.quantile(accuracies, [0.025, 0.975])
    return float(low), float(high)


def split_by_record(records: list[str], order: list[str], n_test: int) -> tuple[list[int], list[int]]:
    test = []
    for record in order:
        if len(test) >= n_test:
            break
        test += [index for index, of in enumerate(records) if of == record]
    chosen = set(test)
    return [index for index in range(len(records)) if index not in chosen], sorted(test)


def layer_rates(n_blocks: int, rate: float, decay: float) -> list[float]:
    return [rate * decay ** (n_blocks + 1 - level) for level in range(n_blocks + 2)]


def early_stopping(losses: list[float], patience: int) -> tuple[int, int]:
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, 1):
        if loss < best:
            best, best_epoch = loss, epoch
        if epoch - best_epoch == patience:
            break
    return epoch, best_epoch


def unfrozen(epoch: int, n_blocks: int) -> list[str]:
    n_open = min(epoch, n_blocks)
    names = ["head", *(f"block {n_blocks - 1 - depth}" for depth in range(n_open))]
    return [*names, "embeddings"] if epoch > n_blocks else names
