"""The likeliest tags for a sentence among those that can stand in a row (IOB2).

Each word's likeliest tag by itself may give "B-PER I-ORG": an organisation that goes on without having begun. The tags
of a whole sentence are a path through a table of words and tags, and the best path without a forbidden step is found by
dynamic programming.
"""

import numpy as np


def may_follow(previous: str, tag: str) -> bool:
    """Whether a tag can stand behind another: "I-X" goes on with "B-X" or "I-X" only; anything else can always stand.

    Args:
        previous: the tag before it; "O" where the sentence begins.
        tag: such as "I-PER". Tags of another kind, such as parts of speech, may follow each other in any order.
    """
    letter, dash, kind = tag.partition("-")
    return letter != "I" or not dash or previous in (f"B-{kind}", tag)


def best_path(scores: np.ndarray, tags: tuple[str, ...]) -> list[int]:
    """The tags with the greatest sum of scores of which each may follow the one before it.

    Args:
        scores: of each tag for each word, shape (W, C); logits do, since a word's own constant changes no comparison.
        tags: the C tags.
    Returns:
        W indices of tags.
    Source: Viterbi (1967); as it is used for chunks, Collobert et al. (2011), section 3.3.2, there with learned scores
        for the steps. Ours are only allowed or not.
    """
    steps = np.array([[0.0 if may_follow(previous, tag) else -np.inf for tag in tags] for previous in tags])
    best, came_from = np.array([0.0 if may_follow("O", tag) else -np.inf for tag in tags]), []
    for number, word_scores in enumerate(np.asarray(scores, dtype=np.float64)):
        if number:
            totals = best[:, None] + steps  # (C before, C now)
            came_from.append(totals.argmax(axis=0))
            best = totals.max(axis=0)
        best = best + word_scores
    path = [int(best.argmax())] if len(scores) else []
    for sources in reversed(came_from):
        path.append(int(sources[path[-1]]))
    return path[::-1]
