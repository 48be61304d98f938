"""Solutions of chapter 11's exercises, for instructors."""

from collections import Counter, defaultdict

import numpy as np
import torch


def align_tags(tag_ids: list[int], n_pieces: list[int], labelled: str) -> list[int]:
    """A list of -100 for each word, with the tag in one place."""
    targets = []
    for tag, count in zip(tag_ids, n_pieces):
        piece_targets = [-100] * count
        if count:
            piece_targets[0 if labelled == "first" else -1] = tag
        targets += piece_targets
    return targets


def iob1_to_iob2(tags: list[str]) -> list[str]:
    """An I begins an entity where the type before it is another."""
    result, previous = [], "O"
    for tag in tags:
        letter, _, kind = tag.partition("-")
        begins = letter == "B" or (letter == "I" and previous.partition("-")[2] != kind)
        result.append(f"B-{kind}" if begins else tag)
        previous = tag
    return result


def spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """An opened entity ends at the first tag that does not go on with it."""
    found, start, kind = [], None, None
    for index, tag in enumerate([*tags, "O"]):
        letter, _, own = tag.partition("-")
        if start is not None and (letter != "I" or own != kind):
            found.append((start, index, kind))
            start = None
        if letter != "O" and start is None:
            start, kind = index, own
    return found


def entity_scores(true: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Sets of spans, each with the number of its sentence."""
    ours = {(number, *span) for number, tags in enumerate(predicted) for span in spans(tags)}
    theirs = {(number, *span) for number, tags in enumerate(true) for span in spans(tags)}
    right = len(ours & theirs)
    precision = right / len(ours) if ours else 0.0
    recall = right / len(theirs) if theirs else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return precision, recall, f1


def report_means(rows: dict[str, tuple[float, float, int]]) -> dict[str, float]:
    """Counts first, then ratios."""
    right = {tag: recall * support for tag, (_, recall, support) in rows.items()}
    given = {tag: right[tag] / precision for tag, (precision, _, _) in rows.items()}
    supports = {tag: support for tag, (_, _, support) in rows.items()}
    names = [tag for tag in rows if tag != "O"]
    f1 = {tag: 2 * right[tag] / (given[tag] + supports[tag]) for tag in rows}
    total = sum(supports.values())
    return {
        "accuracy": sum(right.values()) / total,
        "micro F1": 2 * sum(right[t] for t in names) / sum(given[t] + supports[t] for t in names),
        "macro F1": sum(f1.values()) / len(f1),
        "always O": supports["O"] / total,
    }


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The scored tokens alone, from log-sum-exp."""
    scored = targets != -100
    log_probabilities = logits - logits.logsumexp(dim=-1, keepdim=True)
    chosen = log_probabilities[scored].gather(1, targets[scored][:, None])
    return -chosen.mean()


def read_twice_row(
    pieces: list[list[int]], tag_ids: list[int], start: int, delimiter: int
) -> tuple[list[int], list[int]]:
    """The second copy carries the targets."""
    tokens = [token for piece in pieces for token in piece]
    targets = [-100] * (len(tokens) + 2)
    for piece, tag in zip(pieces, tag_ids):
        targets += [-100] * (len(piece) - 1) + [tag]
    return [start, *tokens, delimiter, *tokens], targets


def best_tags(scores: np.ndarray, tags: list[str]) -> list[str]:
    """The best sum for each last tag, from left to right; then back."""
    def step(previous, tag):
        letter, _, kind = tag.partition("-")
        return 0.0 if letter != "I" or previous in (f"B-{kind}", tag) else -np.inf

    best = np.array([step("O", tag) for tag in tags]) + scores[0]
    steps = np.array([[step(previous, tag) for tag in tags] for previous in tags])
    came_from = []
    for row in scores[1:]:
        sums = best[:, None] + steps
        came_from.append(sums.argmax(axis=0))
        best = sums.max(axis=0) + row
    path = [int(best.argmax())]
    for sources in reversed(came_from):
        path.append(int(sources[path[-1]]))
    return [tags[index] for index in reversed(path)]


def iob2_to_iobes(tags: list[str]) -> list[str]:
    """Whether an entity goes on is told by the next tag."""
    result = []
    for tag, following in zip(tags, [*tags[1:], "O"]):
        goes_on = following.startswith("I")
        letter = tag[0] if goes_on or tag == "O" else {"B": "S", "I": "E"}[tag[0]]
        result.append(letter + tag[1:])
    return result


def tag_by_word(words: list[list[str]], tags: list[list[str]], new: list[list[str]]) -> list[list[str]]:
    """Count, then look up."""
    counts = defaultdict(Counter)
    for sentence, sentence_tags in zip(words, tags):
        for word, tag in zip(sentence, sentence_tags):
            counts[word][tag] += 1
    best = {word: min(found, key=lambda tag: (-found[tag], tag)) for word, found in counts.items()}
    return [[best.get(word, "O") for word in sentence] for sentence in new]
