"""Exercises of chapter 11: fill in each function. Check them with `minigpt grade 11`.

Tags are strings such as "B-PER", "I-PER" and "O". A span is (first word, word after the last, type). N words, C tags,
B sentences, T tokens. -100 marks a token that is not scored. No function may change its arguments.
"""

import numpy as np
import torch


def align_tags(tag_ids: list[int], n_pieces: list[int], labelled: str) -> list[int]:
    """Spread the words' tags over the tokens that the words became.

    One piece of each word carries its tag; its other pieces get -100. A word without any pieces vanishes, and so does
    its tag.

    Args:
        tag_ids: one for each word.
        n_pieces: how many tokens each word became, 0 or more.
        labelled: "first" or "last": which piece carries the tag.
    Returns:
        a target for each token, as many as the pieces in all.
    Example:
        >>> align_tags([7, 0, 3], [2, 1, 3], "last")
        [-100, 7, 0, -100, -100, 3]
    """
    raise NotImplementedError


def iob1_to_iob2(tags: list[str]) -> list[str]:
    """Rewrite one sentence's tags so that every entity begins with B.

    IOB1 writes I inside an entity and also at its start, and B only where an entity follows directly on another one of
    the same type. A B that stands anywhere else is also read as a start.

    Args:
        tags: IOB1, such as "I-PER", "B-PER", "O".
    Returns:
        the same entities in IOB2: the first word of each has B, its other words have I.
    Example:
        >>> iob1_to_iob2(["I-PER", "I-PER", "I-LOC", "B-LOC", "O"])
        ['B-PER', 'I-PER', 'B-LOC', 'B-LOC', 'O']
    """
    raise NotImplementedError


def spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """Read the entities of one sentence out of its IOB2 tags.

    A model may write an I that goes on with nothing: at the start, after "O", or after an entity of another type. It
    begins an entity then, as in CoNLL's own scorer.

    Args:
        tags: one for each word.
    Returns:
        (first word, word after the last, type) of each entity, from left to right.
    Example:
        >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
        [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC')]
    """
    raise NotImplementedError


def entity_scores(true: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Precision, recall and F1 of whole entities, over all sentences together.

    An entity is right when sentence, first word, last word and type agree. You may call `spans`.

    Args:
        true, predicted: the tags of each sentence, IOB2.
    Returns:
        precision, recall, F1, each from 0 to 1; a value whose denominator is 0 is 0.
    Example:
        >>> entity_scores([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "O", "O", "B-LOC"]])
        (0.5, 0.5, 0.5)
    """
    raise NotImplementedError


def report_means(rows: dict[str, tuple[float, float, int]]) -> dict[str, float]:
    """Compute what a report's summary should say from the report's own rows.

    A row gives a tag's precision, recall and support (how many tokens truly have it). From these follow how many
    tokens were labelled rightly with it (recall · support) and how many were labelled with it at all (the former,
    divided by the precision). All precisions are above 0. "O" is one of the rows.

    Args:
        rows: {tag: (precision, recall, support)}.
    Returns:
        "accuracy": share of all tokens that are right;
        "micro F1": F1 of all tags but "O", counts added up first;
        "macro F1": the plain mean of all rows' F1, "O" included;
        "always O": the accuracy of a program that labels everything "O".
    Example:
        >>> report_means({"B-PER": (0.5, 1.0, 10), "O": (1.0, 0.875, 80)})["micro F1"]
        0.6666666666666666
    """
    raise NotImplementedError


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Compute the mean cross-entropy, in nats, of those tokens whose target is not -100.

    Write it without the library's cross-entropy. At least one token is scored.

    Args:
        logits: (B, T, C), any size, also 1000.
        targets: (B, T), int64, from 0 to C - 1, or -100.
    Returns:
        a tensor without dimensions. Gradients flow to the logits; those of tokens with -100 are 0.
    Example:
        >>> masked_loss(torch.zeros(1, 3, 4), torch.tensor([[2, -100, 0]]))
        tensor(1.3863)
    """
    raise NotImplementedError


def read_twice_row(
    pieces: list[list[int]], tag_ids: list[int], start: int, delimiter: int
) -> tuple[list[int], list[int]]:
    """Write a sentence twice, so that a causal model labels each word after it has read the last one.

    Args:
        pieces: the token ids of each word, at least one for each.
        tag_ids: one for each word.
        start, delimiter: ids of two marks.
    Returns:
        row: start, all tokens, delimiter, all tokens again;
        targets: equally many; the last piece of each word in the second copy has its tag, everything else -100.
    Example:
        >>> read_twice_row([[5, 6], [9]], [1, 0], 100, 101)
        ([100, 5, 6, 9, 101, 5, 6, 9], [-100, -100, -100, -100, -100, -100, 1, 0])
    """
    raise NotImplementedError


def best_tags(scores: np.ndarray, tags: list[str]) -> list[str]:
    """Find the tags with the greatest sum of scores among those that are valid IOB2.

    Valid: "I-X" stands directly behind "B-X" or "I-X". There may be 200 words and nine tags, so trying all sequences
    takes too long. Work from left to right: for each tag, the best sum of a sequence that ends with it.

    Args:
        scores: float64, shape (N, C), N at least 1; no two sequences have equal sums.
        tags: the C tags, "O" among them.
    Returns:
        N tags.
    Example:
        >>> best_tags(np.array([[2.0, 1.5, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]]), ["B-LOC", "B-PER", "O", "I-PER"])
        ['B-PER', 'I-PER']
    """
    raise NotImplementedError


def iob2_to_iobes(tags: list[str]) -> list[str]:
    """Mark also where each entity ends: S for an entity of one word, else B, then I, at last E.

    Args:
        tags: valid IOB2.
    Returns:
        the same entities in IOBES.
    Example:
        >>> iob2_to_iobes(["B-PER", "I-PER", "B-LOC", "O"])
        ['B-PER', 'E-PER', 'S-LOC', 'O']
    """
    raise NotImplementedError


def tag_by_word(words: list[list[str]], tags: list[list[str]], new: list[list[str]]) -> list[list[str]]:
    """Label each word with the tag that it had most often in training: the baseline that a model has to beat.

    Words are compared as they are written, capitals included. Of tags that are equally frequent take the one that
    comes first in the alphabet. A word that did not occur in training gets "O".

    Args:
        words, tags: of the training sentences.
        new: words of the sentences to label.
    Returns:
        a tag for each word of each new sentence.
    Example:
        >>> tag_by_word([["Ann", "saw", "Ann"], ["Ann"]], [["B-PER", "O", "B-PER"], ["B-LOC"]], [["Bob", "saw", "Ann"]])
        [['O', 'O', 'B-PER']]
    """
    raise NotImplementedError
