"""Solutions of chapter 12."""

import ast
import math
import re
import string
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch


def masked_batch(prompts: list[list[int]], answers: list[list[int]], start: int, delimiter: int, end: int) -> dict:
    """See exercises.py."""
    rows = [[start, *prompt, delimiter, *answer, end] for prompt, answer in zip(prompts, answers)]
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    targets = np.full_like(ids, -100)
    for index, (row, answer) in enumerate(zip(rows, answers)):
        ids[index, : len(row)] = row
        learned = [*answer, end]
        targets[index, len(row) - 1 - len(learned) : len(row) - 1] = learned
    return {"ids": ids, "targets": targets}


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """See exercises.py."""
    is_scored = targets != -100
    log_probabilities = logits[is_scored].log_softmax(dim=-1)  # (scored places, V)
    return -log_probabilities.gather(1, targets[is_scored][:, None]).mean()


def _words(text):
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return [word for word in re.sub(r"\b(a|an|the)\b", " ", text).split()]


def answer_scores(predicted: str, answers: list[str]) -> tuple[float, float]:
    """See exercises.py."""
    ours, exact, f1 = _words(predicted), 0.0, 0.0
    for answer in answers:
        theirs = _words(answer)
        exact = max(exact, float(ours == theirs))
        common = sum((Counter(ours) & Counter(theirs)).values())
        f1 = max(f1, 2 * common / (len(ours) + len(theirs)) if ours and theirs else float(ours == theirs))
    return exact, f1


def best_span(first: np.ndarray, last: np.ndarray, longest: int) -> tuple[int, int] | None:
    """See exercises.py."""
    best, span = first[-1] + last[-1], None
    for start in range(len(first) - 1):
        for end in range(start, min(start + longest, len(first) - 1)):
            score = first[start] + last[end]
            if score > best or (span is None and score == best):
                best, span = score, (start, end)
    return span


def _ngrams(words, n):
    return Counter(tuple(words[place : place + n]) for place in range(len(words) - n + 1))


def clipped_precision(predicted: list[str], references: list[list[str]], n: int) -> tuple[int, int]:
    """See exercises.py."""
    counts, allowed = _ngrams(predicted, n), Counter()
    for reference in references:
        allowed |= _ngrams(reference, n)
    return sum((counts & allowed).values()), sum(counts.values())


def bleu(predicted: list[list[str]], references: list[list[str]]) -> float:
    """See exercises.py."""
    log_mean = 0.0
    for n in range(1, 5):
        counts = [clipped_precision(words, [reference], n) for words, reference in zip(predicted, references)]
        matches, total = (sum(part) for part in zip(*counts))
        if matches == 0:
            return 0.0
        log_mean += math.log(matches / total) / 4
    n_predicted, n_reference = sum(map(len, predicted)), sum(map(len, references))
    return 100 * math.exp(log_mean + min(0.0, 1 - n_reference / n_predicted))


def rouge_l(predicted: list[str], reference: list[str]) -> float:
    """See exercises.py."""
    longest = [0] * (len(reference) + 1)  # of the words read so far and the reference's first 0, 1, 2, …
    for word in predicted:
        before = longest
        longest = [0]
        for place, other in enumerate(reference):
            longest.append(before[place] + 1 if word == other else max(before[place + 1], longest[place]))
    return 2 * longest[-1] / (len(predicted) + len(reference)) if longest[-1] else 0.0


def dialogue_prompt(turns: list[list[int]], line: int, room: int) -> list[int]:
    """See exercises.py."""
    prompt = list(turns[-1][-room:])
    for turn in reversed(turns[:-1]):
        if len(prompt) + 1 + len(turn) > room:
            break
        prompt = [*turn, line, *prompt]
    return prompt


def choice_loss(scores: torch.Tensor, n_options: list[int], answers: list[int]) -> torch.Tensor:
    """See exercises.py."""
    losses = [part.logsumexp(dim=0) - part[answer] for part, answer in zip(scores.split(n_options), answers)]
    return torch.stack(losses).mean()


def write_answer(next_scores: Callable, prompt: list[int], end: int, longest: int) -> list[int]:
    """See exercises.py."""
    answer = []
    while len(answer) < longest:
        token = int(np.argmax(next_scores([*prompt, *answer])))
        if token == end:
            break
        answer.append(token)
    return answer


def _parses(text):
    try:
        return bool(ast.parse(text).body)
    except (SyntaxError, ValueError):
        return False


def parse_shares(samples: list[str]) -> dict[str, float]:
    """Before each line at the left margin, a statement may have ended."""
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [number for number, line in enumerate(lines) if number and not line[0].isspace()]
        whole += _parses(sample)
        finished += any(_parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}


def keep_surest(texts: list[str], labels: list[str], confidence: list[float], n_each: int,
                read: list[str]) -> list[int]:
    """From the surest to the least sure; each text once."""
    seen, n_taken, kept = {"", *read}, {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text not in seen and n_taken.get(label, 0) < n_each:
            seen.add(text)
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
