"""Labelled examples, and how each kind is written as tokens for a GPT.

An example is what a person labels: text, words, a question. `encode_…` turns it into one or several rows of token ids,
with marks between the parts (Radford et al. 2018, section 3.3 and figure 1, where the paper has the kind). No row is
longer than the model's context: what does not fit is cut, and the encoded example says so.
"""

from dataclasses import dataclass, field
from itertools import accumulate

from minigpt.datasets.text import IGNORED

# Marks that tasks are written with, beside the text's own tokens: GPT-1's start, delimiter and extract, marks around
# the two entities of a relation, and the end of an answer. Their ids follow the model's vocabulary.
MARKS = ("start", "delimiter", "extract", "first", "first end", "second", "second end", "end")


def mark_ids(vocab_size):
    """{mark: id} for a model whose own vocabulary has this size."""
    return {name: vocab_size + index for index, name in enumerate(MARKS)}


# ---------------------------------------------------------------------------------------------- what a person labels


@dataclass(frozen=True)
class Labelled:
    """A text and its class (None where it is to be predicted); a second text makes it a pair, as in entailment."""

    text: str
    label: str | None
    second: str | None = None


@dataclass(frozen=True)
class Scored:
    """A text and a number, None where it is to be predicted."""

    text: str
    value: float | None


@dataclass(frozen=True)
class Tagged:
    """Words and a tag for each, or no tags where they are to be predicted."""

    words: tuple[str, ...]
    tags: tuple[str, ...] = ()

    def __post_init__(self):
        if self.tags and len(self.words) != len(self.tags):
            raise ValueError(f"{len(self.words)} words have {len(self.tags)} tags: {' '.join(self.words)[:60]!r}")


@dataclass(frozen=True)
class Question:
    """A question about a text, and its accepted answers as (text, offset in the context), if there are any."""

    context: str
    question: str
    answers: tuple[tuple[str, int], ...]

    def __post_init__(self):
        for text, start in self.answers:
            if self.context[start : start + len(text)] != text or start < 0:
                raise ValueError(f"the answer {text!r} does not stand at offset {start} of its context")


@dataclass(frozen=True)
class Choice:
    """A beginning, several ends, and the index of the right one."""

    text: str
    options: tuple[str, ...]
    answer: int

    def __post_init__(self):
        if not 0 <= self.answer < len(self.options):
            raise ValueError(f"answer={self.answer} must be the index of one of {len(self.options)} options")


@dataclass(frozen=True)
class Related:
    """A text with two marked parts, each (start, end) in characters, and how the first is related to the second."""

    text: str
    first: tuple[int, int]
    second: tuple[int, int]
    label: str | None

    def __post_init__(self):
        (a, b), (c, d) = sorted((self.first, self.second))
        if not 0 <= a < b <= c < d <= len(self.text):
            raise ValueError(f"the two entities {self.first} and {self.second} overlap, are empty or leave the text")


@dataclass(frozen=True)
class Prompted:
    """A prompt and the texts that would answer it; the first one is learned."""

    prompt: str
    answers: tuple[str, ...]


# ---------------------------------------------------------------------------------------------- as tokens


@dataclass(frozen=True)
class Encoded:
    """An example as token ids.

    Attributes:
        rows: lists of ids; most kinds have one, a choice has one for each option.
        target: what is to be predicted: a class, a number, or a target for each token.
        is_cut: whether a part did not fit the context and was left out.
        places: kind by kind: the token that stands for each word (-1 for a word without tokens), or the span
            (start, end) in characters that each token of a context covers, None for all other tokens.
    """

    rows: tuple[list[int], ...]
    target: object
    is_cut: bool = False
    places: tuple = field(default=())


class Encoder:
    """Writes examples as tokens for one model.

    Args:
        tokenizer: the model's.
        vocab_size: the model's own; the marks' ids follow it.
        context_length: of the model; every row fits.
    """

    def __init__(self, tokenizer, vocab_size, context_length):
        self.tokenizer, self.context_length = tokenizer, context_length
        self.mark = mark_ids(vocab_size)

    def text(self, text, second=None):
        """[start] text [extract], or [start] text [delimiter] second [extract]: a row, and whether it was cut."""
        parts = [self.tokenizer.encode(part) for part in ([text] if second is None else [text, second])]
        parts, is_cut = self._fit(parts, self.context_length - 1 - len(parts))
        row = [self.mark["start"], *parts[0]]
        for part in parts[1:]:
            row += [self.mark["delimiter"], *part]
        return [*row, self.mark["extract"]], is_cut

    def labelled(self, example, target, both_orders=False):
        """One row; with `both_orders`, a pair in each order, for relations that have no direction."""
        row, is_cut = self.text(example.text, example.second)
        if not both_orders or example.second is None:
            return Encoded((row,), target, is_cut)
        return Encoded((row, self.text(example.second, example.text)[0]), target, is_cut)

    def choice(self, example):
        """A row for each option: [start] text [delimiter] option [extract]."""
        rows, cuts = zip(*(self.text(example.text, option) for option in example.options))
        return Encoded(tuple(rows), example.answer, any(cuts))

    def related(self, example, target):
        """[start] … [first] entity [first end] … [second] entity [second end] … [extract]."""
        marks = [(*example.first, "first"), (*example.second, "second")]
        row, position, is_cut = [self.mark["start"]], 0, False
        for start, end, name in sorted(marks):
            row += self.tokenizer.encode(example.text[position:start])
            row += [self.mark[name], *self.tokenizer.encode(example.text[start:end]), self.mark[f"{name} end"]]
            position = end
        row += self.tokenizer.encode(example.text[position:])
        if len(row) > self.context_length - 1:
            row, is_cut = row[: self.context_length - 1], True
        return Encoded((([*row, self.mark["extract"]]),), target, is_cut)

    def tagged(self, words, tags=None, read_twice=False, labelled_piece="first", separator=" "):
        """[start] words, with one target for each word.

        Of a word that becomes several tokens, one piece carries the target and the others are ignored. A causal model
        has read a word only at its last piece, and what follows never: with `read_twice` the words come again after a
        delimiter, and the second copy carries the targets.

        Args:
            words: of the sentence.
            tags: their targets as integers; None where they are to be predicted.
            read_twice: whether the sentence is written twice.
            labelled_piece: "first" or "last".
            separator: between words: " ", or "" for Chinese.
        """
        pieces = [self.tokenizer.encode((separator if index else "") + word) for index, word in enumerate(words)]
        room = self.context_length - 1 if not read_twice else (self.context_length - 2) // 2
        ends = list(accumulate(map(len, pieces), initial=0))
        n_words = sum(end <= room for end in ends[1:])  # whole words only
        first_copy = [token for piece in pieces[:n_words] for token in piece]
        row = [self.mark["start"], *first_copy]
        if read_twice:
            row += [self.mark["delimiter"], *first_copy]
        offset = len(row) - len(first_copy)
        targets, places = [IGNORED] * len(row), []
        for word, piece in enumerate(pieces):
            if not piece or word >= n_words:
                places.append(-1)
                continue
            place = offset + (ends[word] if labelled_piece == "first" else ends[word + 1] - 1)
            places.append(place)
            if tags is not None:
                targets[place] = tags[word]
        return Encoded((row,), targets, n_words < len(words), tuple(places))

    def question(self, context, question, answers=()):
        """[start] question [delimiter] context [extract]; targets are the answer's first and last token.

        No answer means that both are the [extract] mark. An answer that was cut away has the target None.
        """
        asked = self.tokenizer.encode(question)[: self.context_length // 2]
        tokens = self.tokenizer.encode(context)
        room = self.context_length - 3 - len(asked)
        spans = token_spans(self.tokenizer, tokens, context)
        is_cut = len(tokens) > room
        tokens, spans = tokens[:room], spans[:room]
        row = [self.mark["start"], *asked, self.mark["delimiter"], *tokens, self.mark["extract"]]
        offset = len(asked) + 2
        places = (None,) * offset + tuple(spans) + (None,)
        if not answers:
            return Encoded((row,), (len(row) - 1, len(row) - 1), is_cut, places)
        text, start = answers[0]
        end = start + len(text)
        touched = [index for index, (a, b) in enumerate(spans) if a < end and b > start]
        if not touched or spans[touched[-1]][1] < end:
            return Encoded((row,), None, is_cut, places)
        return Encoded((row,), (offset + touched[0], offset + touched[-1]), is_cut, places)

    def prompted(self, prompt, answer=None, keep_end=False, room=64):
        """[start] prompt [delimiter] answer [end]; only the answer and its end are targets. Without one, the prompt.

        Of a prompt that is too long, the end is cut off; with `keep_end` its beginning, as in a dialogue the last turn
        matters most. Where the answer is to be written, the prompt leaves `room` tokens for it, at most half of all.
        """
        asked = self.tokenizer.encode(prompt)
        if answer is None:
            kept, is_cut = self._fit([asked], self.context_length - 2 - min(room, self.context_length // 2))
        else:
            kept, is_cut = self._fit([asked, self.tokenizer.encode(answer)], self.context_length - 3)
        asked = asked[len(asked) - len(kept[0]) :] if keep_end else kept[0]
        if answer is None:
            return Encoded(([self.mark["start"], *asked, self.mark["delimiter"]],), None, is_cut)
        parts = [asked, kept[1]]
        row = [self.mark["start"], *parts[0], self.mark["delimiter"], *parts[1], self.mark["end"]]
        targets = [*row[1:], IGNORED]
        targets[: len(parts[0]) + 1] = [IGNORED] * (len(parts[0]) + 1)
        return Encoded((row,), targets, is_cut)

    def _fit(self, parts, room):
        """The parts with at most `room` tokens in all, the longest shortened first; and whether that was needed."""
        is_cut = False
        while sum(map(len, parts)) > room:
            longest = max(range(len(parts)), key=lambda index: len(parts[index]))
            excess = sum(map(len, parts)) - room
            second = max((len(part) for index, part in enumerate(parts) if index != longest), default=0)
            keep = max(len(parts[longest]) - excess, min(second, len(parts[longest]) - 1))
            parts = [part[:keep] if index == longest else part for index, part in enumerate(parts)]
            is_cut = True
        return parts, is_cut


def token_spans(tokenizer, tokens, text):
    """For each token, the characters (start, end) of the text that its bytes belong to, even in part."""
    character_at = [index for index, character in enumerate(text) for _ in character.encode()]
    spans, position = [], 0
    for token in tokens:
        end = position + len(tokenizer.token_bytes(token))
        spans.append((character_at[position], character_at[end - 1] + 1))
        position = end
    return spans
