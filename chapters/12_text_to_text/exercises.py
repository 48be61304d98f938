"""Exercises of chapter 12: fill in each function. Check them with `minigpt grade 12`.

B texts, T tokens, V tokens in the vocabulary. Losses are in nats. No function may change its arguments.
"""

import ast  # noqa: F401
import math  # noqa: F401
import re  # noqa: F401
import string  # noqa: F401
from collections import Counter  # noqa: F401
from collections.abc import Callable

import numpy as np
import torch


def masked_batch(prompts: list[list[int]], answers: list[list[int]], start: int, delimiter: int, end: int) -> dict:
    """Write prompts and their answers as one padded batch in which the answers alone are learned.

    A row is: the start mark, the prompt, the delimiter mark, the answer, the end mark; then zeros up to the length of
    the longest row. The target at a place is the token one place later in its row. Only the answer's tokens and the end
    mark are learned: every other place, padding too, has the target -100.

    Args:
        prompts, answers: B lists of token ids each; any of them may be empty. B is at least 1.
        start, delimiter, end: ids of the marks.
    Returns:
        {"ids": (B, T) int64 array, "targets": (B, T) int64 array}.
    Example:
        >>> batch = masked_batch([[7, 8], [9]], [[4], []], start=10, delimiter=11, end=12)
        >>> batch["ids"].tolist()
        [[10, 7, 8, 11, 4, 12], [10, 9, 11, 12, 0, 0]]
        >>> batch["targets"].tolist()
        [[-100, -100, -100, 4, 12, -100], [-100, -100, 12, -100, -100, -100]]
    """
    raise NotImplementedError


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy of the places that are scored.

    `torch.nn.functional.cross_entropy` and `nll_loss` may not be used; `log_softmax` and `logsumexp` may.

    Args:
        logits: (B, T, V), floating point, of any size, also 1000.
        targets: (B, T), int64: a token id, or -100 where nothing is scored. At least one is scored.
    Returns:
        a scalar tensor: the sum of the scored places' losses, divided by their number in the whole batch. Gradients
        flow to `logits`.
    Example:
        >>> logits = torch.tensor([[[0.0, 0.0], [5.0, 1.0]]])
        >>> round(masked_loss(logits, torch.tensor([[1, -100]])).item(), 4)
        0.6931
    """
    raise NotImplementedError


def answer_scores(predicted: str, answers: list[str]) -> tuple[float, float]:
    """SQuAD's two measures of one predicted answer (Rajpurkar et al. 2016, section 6.1).

    First each text is made plain: small letters; then without the characters of `string.punctuation`; then without the
    words a, an and the; words are what white space separates.

    - exact match: 1 if the two lists of words are equal, else 0.
    - F1: a word counts as common as often as both texts have it. With c common words of m predicted and n right ones,
      2c / (m + n); if either list is empty, 1 if both are, else 0.

    Each of the two is the best over all right answers.

    Args:
        predicted: what the model said; empty for no answer.
        answers: the right ones, at least one.
    Returns:
        exact match, F1: two floats from 0 to 1.
    Example:
        >>> answer_scores("The red cat!", ["a red dog", "red cat"])
        (1.0, 1.0)
        >>> answer_scores("an old cat", ["the old red cat"])
        (0.0, 0.8)
    """
    raise NotImplementedError


def best_span(first: np.ndarray, last: np.ndarray, longest: int) -> tuple[int, int] | None:
    """The span with the highest first[start] + last[end].

    The last place of both arrays stands for "no answer": it scores first[-1] + last[-1], and no span may start or end
    there. A span has start ≤ end and at most `longest` tokens. Of equal scores a span wins over no answer, then the
    earlier start, then the earlier end.

    Args:
        first, last: (T,) float64, T at least 2: scores of each token as the answer's first and last one.
        longest: most tokens of an answer, at least 1.
    Returns:
        (start, end), both within the span; or None for no answer.
    Example:
        >>> best_span(np.array([0.0, 3.0, 1.0, 0.0]), np.array([9.0, 0.0, 2.0, 1.0]), longest=2)
        (0, 0)
        >>> best_span(np.array([0.0, 3.0, 5.0]), np.array([1.0, 0.0, 4.0]), longest=2) is None
        True
    """
    raise NotImplementedError


def clipped_precision(predicted: list[str], references: list[list[str]], n: int) -> tuple[int, int]:
    """BLEU's modified n-gram precision of one text, as two counts (Papineni et al. 2002, section 2.1).

    An n-gram is a run of n words. Each of the predicted text's different n-grams counts as often as it stands there,
    but no more often than it stands in that reference which has it most often.

    Args:
        predicted: words.
        references: lists of words, at least one.
        n: at least 1.
    Returns:
        how many of the predicted n-grams count, and how many there are; (0, 0) for a text of fewer than n words.
    Example:
        >>> clipped_precision("the the cat the".split(), ["the cat is on the mat".split()], 1)
        (3, 4)
    """
    raise NotImplementedError


def bleu(predicted: list[list[str]], references: list[list[str]]) -> float:
    """BLEU of a test set with one reference for each text (Papineni et al. 2002, section 2.3), from 0 to 100.

    For n = 1, 2, 3, 4 add up the clipped counts, and the numbers of n-grams, over all texts, and divide once. (You may
    call `clipped_precision`.) Take the geometric mean of these four. The brevity penalty is 1 if the predicted texts
    have together more words than the references, else exp(1 - r / c), for c words predicted and r in the references.
    BLEU is 100 times the mean times the penalty, and 0 if any of the four has no match.

    Args:
        predicted, references: N lists of words each; at least one word is predicted.
    Returns:
        a float.
    Example:
        >>> words = "the cat sat on a red mat".split()
        >>> round(bleu([words[:5]], [words]), 3)
        67.032
    """
    raise NotImplementedError


def rouge_l(predicted: list[str], reference: list[str]) -> float:
    """ROUGE-L of one text: the F1 of the longest common subsequence (Lin 2004, section 3).

    A common subsequence is a list of words that stand in both texts in this order, perhaps with others in between. Let
    the longest have k words: precision k / predicted words, recall k / reference words. F1 is their harmonic mean, and
    0 if k is 0.

    Args:
        predicted, reference: lists of words, of up to a few hundred; either may be empty.
    Returns:
        a float from 0 to 1.
    Example:
        >>> round(rouge_l("the red cat sat on a mat".split(), "the cat sat on a red mat".split()), 4)
        0.8571
    """
    raise NotImplementedError


def dialogue_prompt(turns: list[list[int]], line: int, room: int) -> list[int]:
    """The turns of a dialogue as one prompt that fits: the newest words matter most.

    Between two turns stands the token `line`. If all of it has more than `room` tokens, leave out whole turns, the
    oldest first, with the `line` after each. Of a last turn that does not fit alone, keep its last `room` tokens.

    Args:
        turns: token ids of each turn, the oldest first; at least one turn, none empty.
        line: id of the token for a new line.
        room: most tokens, at least 1.
    Returns:
        a list of token ids.
    Example:
        >>> dialogue_prompt([[1, 2], [3], [4, 5]], line=9, room=5)
        [3, 9, 4, 5]
        >>> dialogue_prompt([[1, 2], [3], [4, 5]], line=9, room=1)
        [5]
    """
    raise NotImplementedError


def choice_loss(scores: torch.Tensor, n_options: list[int], answers: list[int]) -> torch.Tensor:
    """The loss of multiple choice: a softmax over each question's own options (Radford et al. 2018, section 3.3).

    Args:
        scores: (sum of n_options,), one for each option, those of the first question first. Any size, also 1000.
        n_options: how many options each of the B questions has.
        answers: index of the right one among each question's own options, from 0.
    Returns:
        a scalar tensor: the mean over the questions of -log p(right option). Gradients flow to `scores`.
    Example:
        >>> round(choice_loss(torch.tensor([0.0, 0.0, 7.0, 7.0, 7.0]), [2, 3], [1, 0]).item(), 4)
        0.8959
    """
    raise NotImplementedError


def write_answer(next_scores: Callable, prompt: list[int], end: int, longest: int) -> list[int]:
    """Answer a prompt greedily: always the token with the highest score, until the end mark.

    Args:
        next_scores: next_scores(ids) gives (V,) scores of the token that comes after all these ids.
        prompt: token ids.
        end: id of the end mark. Whatever the model would say after it is no part of the answer.
        longest: most tokens of the answer, at least 0; do not ask for scores that are not needed.
    Returns:
        the answer's ids, without the prompt and without the end mark.
    Example:
        >>> write_answer(lambda ids: np.eye(9)[len(ids)], [1, 2], end=5, longest=10)  # says 2, 3, 4, then 5
        [2, 3, 4]
    """
    raise NotImplementedError


def parse_shares(samples: list[str]) -> dict[str, float]:
    r"""Of texts that a model wrote as Python, the share that parses: as they are, and up to their first statement.

    Nothing may be run; use `ast.parse`. A text parses if `ast.parse` takes it without a `SyntaxError` or `ValueError`
    and finds at least one statement in it (in the tree's `body`).

    The first statement is finished where a later line begins at the left margin, that is, with a character that is no
    white space; call these lines' beginnings cuts (the first line of all is none). A sample counts under "first
    statement" if for *some* cut what stands before it parses. A sample without any cut does not count there: nobody
    knows whether it had ended.

    Args:
        samples: the texts, at least one; lines end with "\n".
    Returns:
        {"as it is": share, "first statement": share}, both of all samples, from 0 to 1.
    Example:
        >>> parse_shares(["x = 1\ny = (2", "x = 1\n"])
        {'as it is': 0.5, 'first statement': 0.5}
    """
    raise NotImplementedError


def keep_surest(texts: list[str], labels: list[str], confidence: list[float], n_each: int,
                read: list[str]) -> list[int]:
    """Choose which written examples a classifier shall learn from: of each class, those that it is surest of.

    Go through the examples from the highest confidence to the lowest (of equal ones, the earlier first). Take one if

    - its text is not empty, is not among the texts `read`, and has not been taken yet, under whichever label;
    - fewer than `n_each` of its label have been taken.

    Args:
        texts, labels: of the examples: N each.
        confidence: N numbers from 0 to 1: the probability that the classifier gives to the example's own label.
        n_each: most examples of a label.
        read: texts that the classifier has learned from already.
    Returns:
        the indices of the examples taken, in ascending order.
    Example:
        >>> keep_surest(["a", "b", "a", "c"], ["x", "x", "x", "y"], [0.6, 0.9, 0.8, 0.2], 2, read=[])
        [1, 2, 3]
    """
    raise NotImplementedError
