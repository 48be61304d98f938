"""Exercises of chapter 10: fill in each function. Check them with `minigpt grade 10`.

B texts, T tokens, D width of the model, C classes. Losses are in nats. No function may change its arguments.
"""

import numpy as np
import torch


def last_real(hidden: torch.Tensor, is_real: torch.Tensor) -> torch.Tensor:
    """Pick each text's hidden state at its last real token.

    Args:
        hidden: floating point, shape (B, T, D).
        is_real: booleans, shape (B, T): False for padding, which may stand before a text, behind it, or both. Every
            text has at least one real token.
    Returns:
        shape (B, D), dtype of `hidden`. Gradients flow back to `hidden`.
    Example:
        >>> hidden = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
        >>> last_real(hidden, torch.tensor([[True, True, False], [False, True, True]]))
        tensor([[2.],
                [6.]])
    """
    raise NotImplementedError


def class_probabilities(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The head of a classifier: a linear layer, then a softmax over the classes.

    Do not use a ready-made softmax. Scores may be as large as 1000 or -1000.

    Args:
        features: floating point, shape (B, D), one row for each text.
        weight: shape (C, D), as `nn.Linear` keeps it.
        bias: shape (C,).
    Returns:
        probabilities, shape (B, C), each row sums to 1. Gradients flow to all three arguments.
    Example:
        >>> weight, bias = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, 1.0])
        >>> class_probabilities(torch.tensor([[2.0, 1.0]]), weight, bias)
        tensor([[0.5000, 0.5000]])
    """
    raise NotImplementedError


def weighted_cross_entropy(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict:
    """Cross-entropy in which each class has a price, and its gradient.

    The loss is the sum over texts of weights[y] · (-log softmax(logits)[y]), divided by the number of texts B. (Not by
    the sum of the weights.) y is the text's target.

    Args:
        logits: float64, shape (B, C), of any size.
        targets: integers from 0 to C - 1, shape (B,).
        weights: float64, shape (C,), positive.
    Returns:
        {"loss": a float, "gradient": the loss's gradient with respect to the logits, float64, shape (B, C)}.
    Example:
        >>> found = weighted_cross_entropy(np.zeros((1, 2)), np.array([1]), np.array([1.0, 3.0]))
        >>> round(found["loss"], 4), found["gradient"]  # 3 log 2
        (2.0794, array([[ 1.5, -1.5]]))
    """
    raise NotImplementedError


def confusion(true: list[int], predicted: list[int], n_classes: int) -> np.ndarray:
    """Count which class was taken for which.

    Args:
        true, predicted: classes from 0 to n_classes - 1, of the same texts; perhaps none.
        n_classes: C.
    Returns:
        integers, shape (C, C): entry [i, j] counts the texts of class i that were predicted as j.
    Example:
        >>> confusion([0, 0, 1], [0, 1, 1], 3)
        array([[1, 1, 0],
               [0, 1, 0],
               [0, 0, 0]])
    """
    raise NotImplementedError


def macro_f1(counts: np.ndarray) -> float:
    """The mean of the classes' F1, each class counting alike.

    For a class, precision is the share of its predictions that are right, recall the share of its texts that were
    found, and F1 = 2 · precision · recall / (precision + recall). Whatever would be 0 / 0 is 0; such a class counts in
    the mean like any other.

    Args:
        counts: integers, shape (C, C), [i, j]: texts of class i that were predicted as j.
    Returns:
        a float from 0 to 1.
    Example:
        >>> round(macro_f1(np.array([[1, 1], [0, 1]])), 4)
        0.6667
    """
    raise NotImplementedError


def bootstrap_interval(is_right: np.ndarray, draws: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of an accuracy, from resampled test sets.

    Each row of `draws` names the texts of one resampled test set, some of them several times. The interval reaches from
    the 2.5 % to the 97.5 % quantile of their accuracies (`np.quantile`, as it is by default).

    Args:
        is_right: booleans, shape (n,): whether each text was classified rightly.
        draws: integers from 0 to n - 1, shape (S, n).
    Returns:
        low, high: two floats, in per cent.
    Example:
        >>> low, high = bootstrap_interval(np.array([True, False]), np.array([[0, 0], [0, 1], [1, 1]]))
        >>> round(low, 4), round(high, 4)
        (2.5, 97.5)
    """
    raise NotImplementedError


def split_by_record(records: list[str], order: list[str], n_test: int) -> tuple[list[int], list[int]]:
    """Divide texts so that no record is in two parts.

    Take records in the given order, each with all its texts, into the test part, until it has at least `n_test` texts.
    All the others are for training.

    Args:
        records: for each text the document that it was cut from.
        order: the different records, shuffled.
        n_test: at least 1, at most the number of texts.
    Returns:
        training, test: lists of the texts' indices, each in rising order.
    Example:
        >>> split_by_record(["a", "b", "a", "c"], ["a", "c", "b"], 1)
        ([1, 3], [0, 2])
    """
    raise NotImplementedError


def layer_rates(n_blocks: int, rate: float, decay: float) -> list[float]:
    """Learning rates by depth: the head learns at the full rate, each layer below at `decay` of the one above it.

    Args:
        n_blocks: L, at least 1.
        rate: of the head.
        decay: above 0, at most 1.
    Returns:
        L + 2 floats, from the bottom to the top: embeddings, block 0, …, block L - 1, head.
    Example:
        >>> layer_rates(2, 0.8, 0.5)
        [0.1, 0.2, 0.4, 0.8]
    """
    raise NotImplementedError


def early_stopping(losses: list[float], patience: int) -> tuple[int, int]:
    """When does a run end, and which epoch's weights are kept?

    An epoch is a success if its validation loss is lower than in all epochs before. The run ends after `patience`
    epochs in a row without a success, or with the last epoch. The weights of the last success before the end are kept.

    Args:
        losses: validation losses of epochs 1, 2, … as they would come, at least one.
        patience: at least 1.
    Returns:
        the last epoch that is trained, and the epoch whose weights are kept; epochs are counted from 1.
    Example:
        >>> early_stopping([3.0, 2.0, 2.5, 2.1, 1.0], 2)
        (4, 2)
    """
    raise NotImplementedError


def unfrozen(epoch: int, n_blocks: int) -> list[str]:
    """What gradual unfreezing trains in an epoch.

    In epoch 0 the head alone; in each later epoch one block more, from the top; when all blocks are open, one epoch
    later the embeddings too, and from then on everything.

    Args:
        epoch: counted from 0.
        n_blocks: L, at least 1.
    Returns:
        names from the top to the bottom: "head", then "block 3" and so on (blocks are counted from 0 at the bottom),
        at last "embeddings".
    Example:
        >>> unfrozen(0, 3), unfrozen(2, 3)
        (['head'], ['head', 'block 2', 'block 1'])
    """
    raise NotImplementedError
