"""A task on top of a GPT: what it predicts, what that costs, and what comes out in the end.

A `Task` says how an example becomes tokens and targets, how many numbers the head gives, and what a prediction costs;
`TaskModel` is the GPT with that head. `task.loss` is the `loss_fn` that the trainer needs.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minigpt.datasets.tasks import IGNORED, Choice, Encoded, Labelled, Prompted, Question, Related, Scored, Tagged
from minigpt.finetuning.tag_paths import best_path
from minigpt.generation import generate


@dataclass(frozen=True)
class TaskBatch:
    """Examples side by side.

    Attributes:
        ids: (B, T) token ids; with several rows for an example, (B·S, T).
        padding_mask: the same shape, True for real tokens.
        targets: a tensor, shaped as the task needs; None if unknown.
        n_rows: rows of each example, (B,).
        examples: the `Encoded` examples.
    """

    ids: torch.Tensor
    padding_mask: torch.Tensor
    targets: torch.Tensor | None
    n_rows: torch.Tensor
    examples: tuple[Encoded, ...]

    def to(self, device):
        """The same on another device."""
        targets = None if self.targets is None else self.targets.to(device)
        return TaskBatch(self.ids.to(device), self.padding_mask.to(device), targets, self.n_rows.to(device),
                         self.examples)  # fmt: skip


class TaskModel(nn.Module):
    """A GPT, or what stands in for it, with a head for one task.

    Args:
        gpt: from `apply_method`.
        n_outputs: how many numbers the head gives for a token; 0 leaves the next-token layer as the only head.
        causal: False lets every token see the whole text.
        dropout: probability that one of the head's inputs is dropped.
    """

    def __init__(self, gpt: nn.Module, n_outputs: int, causal: bool = True, dropout: float = 0.0):
        super().__init__()
        self.gpt, self.causal = gpt, causal
        self.dropout = nn.Dropout(dropout)
        if n_outputs:
            self.head = nn.Linear(gpt.config.d_model, n_outputs, device=gpt.token_embedding.weight.device)
            nn.init.normal_(self.head.weight, std=0.02)
            nn.init.zeros_(self.head.bias)

    def hidden(self, batch):
        """(B, T, D) of a `TaskBatch`."""
        positions = self.gpt.positions(batch.ids, batch.padding_mask)
        return self.gpt.encode(self.gpt.embed(batch.ids, positions), batch.padding_mask, causal=self.causal)

    def at_each_token(self, hidden):
        """The head at every token: (B, T, D) -> (B, T, n_outputs)."""
        return self.head(self.dropout(hidden))

    def at_the_end(self, hidden, padding_mask):
        """The head at each row's last real token, wherever the padding is: (B, T, D) -> (B, n_outputs)."""
        places = torch.arange(padding_mask.shape[1], device=padding_mask.device)
        last = (padding_mask * places).argmax(dim=1)
        return self.at_each_token(hidden[torch.arange(len(hidden), device=hidden.device), last])


class Task:
    """What all tasks share. A kind supplies the methods that raise here."""

    n_outputs: int
    causal = True

    def encode(self, encoder, example) -> Encoded:
        """The example as tokens, by an `Encoder`."""
        raise NotImplementedError

    def encode_input(self, encoder, example) -> Encoded:
        """What the model is given when it has to predict: for most tasks, the same."""
        return self.encode(encoder, example)

    def outputs(self, model, batch, hidden=None):
        """The head's numbers for a batch."""
        raise NotImplementedError

    def loss(self, model, batch):
        """Sum of the batch's losses, and their number, as the trainer wants them."""
        raise NotImplementedError

    def predict(self, model, batch):
        """A list with a prediction for each example, of the kind that its label has."""
        raise NotImplementedError

    def collate(self, encoded):
        """A `TaskBatch` of these examples, padded on the right."""
        rows = [row for example in encoded for row in example.rows]
        width = max(map(len, rows))
        ids, padding_mask = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width).bool()
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            padding_mask[index, : len(row)] = True
        targets = self.targets([example.target for example in encoded], width)
        n_rows = torch.tensor([len(example.rows) for example in encoded])
        return TaskBatch(ids, padding_mask, targets, n_rows, tuple(encoded))

    def targets(self, targets, width):
        """One tensor of the examples' targets; `width` is that of the padded rows."""
        return torch.tensor(targets)


@dataclass(frozen=True)
class Classification(Task):
    """A class for a text, or for a pair of texts; also the relation of two marked entities.

    Attributes:
        labels: the classes; a test example with another one is an error.
        weights: what a mistake in each class costs; equal if left out.
        both_orders: read a pair in both orders and add up, for relations without a direction such as similarity.
        language_loss: λ of GPT-1's auxiliary objective, L = L_task + λ L_language (Radford et al. 2018, equation 5).
    """

    labels: tuple[str, ...]
    weights: tuple[float, ...] = ()
    both_orders: bool = False
    language_loss: float = 0.0

    def __post_init__(self):
        if len(set(self.labels)) < 2:
            raise ValueError(f"there is nothing to learn: all examples have the class {', '.join(self.labels)!r}")

    @property
    def n_outputs(self):
        """One for each class."""
        return len(self.labels)

    def encode(self, encoder, example: Labelled | Related):
        """See `Encoder.labelled` and `Encoder.related`."""
        if example.label is not None and example.label not in self.labels:
            raise ValueError(f"unknown class {example.label!r}: the model knows {', '.join(self.labels)}")
        target = 0 if example.label is None else self.labels.index(example.label)
        if isinstance(example, Related):
            return encoder.related(example, target)
        return encoder.labelled(example, target, self.both_orders)

    def outputs(self, model, batch, hidden=None):
        """(B, classes); the rows of an example are added up."""
        hidden = model.hidden(batch) if hidden is None else hidden
        logits = model.at_the_end(hidden, batch.padding_mask)
        example = torch.repeat_interleave(torch.arange(len(batch.n_rows), device=logits.device), batch.n_rows)
        return logits.new_zeros(len(batch.n_rows), logits.shape[1]).index_add(0, example, logits)

    def loss(self, model, batch):
        """Cross-entropy, and λ times each text's mean next-token loss."""
        hidden = model.hidden(batch)
        logits = self.outputs(model, batch, hidden).float()
        weights = torch.tensor(self.weights, device=logits.device) if self.weights else None
        total = F.cross_entropy(logits, batch.targets, weight=weights, reduction="sum")
        if self.language_loss:
            total = total + self.language_loss * _language_loss(model, batch, hidden)
        return total, len(batch.targets)

    def predict(self, model, batch):
        """The likeliest class."""
        return [self.labels[index] for index in self.outputs(model, batch).argmax(dim=1).tolist()]

    def probabilities(self, model, batch):
        """(B, classes)."""
        return self.outputs(model, batch).float().softmax(dim=1)


@dataclass(frozen=True)
class Regression(Task):
    """A number for a text, by mean squared error.

    Attributes:
        mean, deviation: of the training values; the model predicts in units of them.
    """

    mean: float = 0.0
    deviation: float = 1.0
    n_outputs: int = field(default=1, init=False)

    def encode(self, encoder, example: Scored):
        """[start] text [extract], and the value in units of the deviation."""
        row, is_cut = encoder.text(example.text)
        value = self.mean if example.value is None else example.value
        return Encoded((row,), (value - self.mean) / self.deviation, is_cut)

    def outputs(self, model, batch, hidden=None):
        """(B,), in units of the deviation."""
        return model.at_the_end(model.hidden(batch), batch.padding_mask)[:, 0].float()

    def loss(self, model, batch):
        """Squared errors."""
        return F.mse_loss(self.outputs(model, batch), batch.targets, reduction="sum"), len(batch.targets)

    def predict(self, model, batch):
        """Values in their own units."""
        return (self.outputs(model, batch) * self.deviation + self.mean).tolist()


@dataclass(frozen=True)
class Tagging(Task):
    """A tag for each word.

    A causal model labels a word before it has read what follows. Two remedies: the sentence is read twice, or the
    mask is taken off, which a model that was pretrained with it has to get used to.

    Attributes:
        tags: all tags.
        read_twice, labelled_piece, separator: see `Encoder.tagged`.
        causal: False takes the mask off.
    """

    tags: tuple[str, ...]
    read_twice: bool = False
    labelled_piece: str = "first"
    separator: str = " "
    causal: bool = True

    @property
    def n_outputs(self):
        """One for each tag."""
        return len(self.tags)

    def encode(self, encoder, example: Tagged):
        """See `Encoder.tagged`."""
        unknown = [tag for tag in example.tags if tag not in self.tags]
        if unknown:
            raise ValueError(f"unknown tag {unknown[0]!r}: the model knows {', '.join(self.tags)}")
        tags = [self.tags.index(tag) for tag in example.tags] or None
        return encoder.tagged(example.words, tags, self.read_twice, self.labelled_piece, self.separator)

    def targets(self, targets, width):
        """(B, T), padded with what is not scored."""
        return _padded(targets, width)

    def outputs(self, model, batch, hidden=None):
        """(B, T, tags)."""
        return model.at_each_token(model.hidden(batch))

    def loss(self, model, batch):
        """Cross-entropy of the words' tags."""
        return _token_loss(self.outputs(model, batch), batch.targets)

    def predict(self, model, batch):
        """A tuple of tags for each sentence: the likeliest that can stand in a row (see `tag_paths`).

        Words that were cut off or have no tokens get "O", or the first tag.
        """
        scores = self.outputs(model, batch).detach().float().cpu().numpy()
        outside = self.tags.index("O") if "O" in self.tags else 0
        predictions = []
        for row, example in zip(scores, batch.examples):
            path = np.full(len(example.places), outside)
            known = [word for word, place in enumerate(example.places) if place >= 0]
            path[known] = best_path(row[[example.places[word] for word in known]], self.tags)
            predictions.append(tuple(self.tags[index] for index in path))
        return predictions


@dataclass(frozen=True)
class SpanAnswer(Task):
    """The part of a context that answers a question; the [extract] mark stands for no answer.

    Attributes:
        longest: most tokens of an answer.
    """

    longest: int = 30
    n_outputs: int = field(default=2, init=False)

    def encode(self, encoder, example: Question):
        """See `Encoder.question`."""
        return encoder.question(example.context, example.question, example.answers)

    def targets(self, targets, width):
        """(B, 2): first and last token; an answer that was cut away is not scored."""
        return torch.tensor([(IGNORED, IGNORED) if target is None else target for target in targets])

    def outputs(self, model, batch, hidden=None):
        """(B, T, 2): scores of each token as the first and as the last, -inf where no answer can be."""
        scores = model.at_each_token(model.hidden(batch)).float()
        possible = torch.zeros(scores.shape[:2], dtype=torch.bool)
        for row, example in enumerate(batch.examples):
            n_tokens = len(example.rows[0])
            places = [place for place, span in enumerate(example.places) if span is not None]
            possible[row, [*places, n_tokens - 1]] = True
        return scores.masked_fill(~possible.to(scores.device)[:, :, None], -math.inf)

    def loss(self, model, batch):
        """Cross-entropy of the first and of the last token, halved."""
        scores = self.outputs(model, batch)
        total = sum(F.cross_entropy(scores[:, :, side], batch.targets[:, side], ignore_index=IGNORED, reduction="sum")
                    for side in (0, 1))  # fmt: skip
        return total / 2, int((batch.targets[:, 0] != IGNORED).sum())

    def predict(self, model, batch):
        """(start, end) in characters of the context, or None for no answer."""
        predictions = []
        for scores, example in zip(self.outputs(model, batch), batch.examples):
            extract = len(example.rows[0]) - 1
            first, last = scores[: extract + 1].unbind(dim=1)
            together = first[:, None] + last  # (T, T): each first token with each last one
            allowed = torch.ones_like(together, dtype=torch.bool).triu().tril(self.longest - 1)
            allowed[:, extract] = allowed[extract] = False
            allowed[extract, extract] = True
            start, end = divmod(int(together.masked_fill(~allowed, -math.inf).argmax()), extract + 1)
            found = start != extract
            predictions.append((example.places[start][0], example.places[end][1]) if found else None)
        return predictions


@dataclass(frozen=True)
class MultipleChoice(Task):
    """Which of several ends fits a beginning: each is read with it, and the scores are compared.

    Source: Radford et al. (2018), section 3.3.
    """

    n_outputs: int = field(default=1, init=False)

    def encode(self, encoder, example: Choice):
        """See `Encoder.choice`."""
        return encoder.choice(example)

    def outputs(self, model, batch, hidden=None):
        """(B, most options), -inf where an example has fewer."""
        scores = model.at_the_end(model.hidden(batch), batch.padding_mask)[:, 0].float()
        return nn.utils.rnn.pad_sequence(scores.split(batch.n_rows.tolist()), batch_first=True, padding_value=-math.inf)

    def loss(self, model, batch):
        """Cross-entropy over the options."""
        return F.cross_entropy(self.outputs(model, batch), batch.targets, reduction="sum"), len(batch.targets)

    def predict(self, model, batch):
        """The index of the best option."""
        return self.outputs(model, batch).argmax(dim=1).tolist()


@dataclass(frozen=True)
class TextToText(Task):
    """An answer, token by token, after a prompt: only the answer is scored.

    Attributes:
        longest: most tokens of an answer.
        keep_end: of a prompt that is too long, keep the end.
    """

    longest: int = 64
    keep_end: bool = False
    n_outputs: int = field(default=0, init=False)

    def encode(self, encoder, example: Prompted):
        """See `Encoder.prompted`."""
        return encoder.prompted(example.prompt, example.answers[0], self.keep_end)

    def encode_input(self, encoder, example: Prompted):
        """The prompt alone, with room for the longest answer."""
        return encoder.prompted(example.prompt, keep_end=self.keep_end, room=self.longest)

    def targets(self, targets, width):
        """(B, T), padded with what is not scored; None for prompts without answers."""
        if targets[0] is None:
            return None
        return _padded(targets, width)

    def outputs(self, model, batch, hidden=None):
        """(B, T, V) logits."""
        return model.gpt.to_logits(model.hidden(batch))

    def loss(self, model, batch):
        """Cross-entropy of the answers' tokens; only their places need logits, which are dear: one for each token."""
        is_scored = batch.targets != IGNORED
        logits = model.gpt.to_logits(model.hidden(batch)[is_scored])
        return _token_loss(logits, batch.targets[is_scored])

    def predict(self, model, batch):
        """The ids of each answer, always the likeliest next token, without its end."""
        config = model.gpt.config
        prompts = [example.rows[0] for example in batch.examples]
        room = min(self.longest, config.context_length - max(map(len, prompts)))
        end = config.vocab_size - 1  # the last of the marks
        return generate(model.gpt, prompts, max_new_tokens=room, temperature=0, stop_ids=(end,))


def _padded(targets, width):
    """Each row's targets, as long as the padded rows: what is added is not scored."""
    return torch.tensor([target + [IGNORED] * (width - len(target)) for target in targets])


def _token_loss(logits, targets):
    """Sum of the scored tokens' cross-entropies, and their number; logits (..., C), targets (...)."""
    total = F.cross_entropy(logits.flatten(0, -2).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum")
    return total, int((targets != IGNORED).sum())


def _language_loss(model, batch, hidden):
    """Sum over the rows of each one's mean next-token loss."""
    logits = model.gpt.to_logits(hidden[:, :-1]).float()
    is_scored = batch.padding_mask[:, 1:]
    losses = F.cross_entropy(logits.transpose(1, 2), batch.ids[:, 1:], reduction="none") * is_scored
    return (losses.sum(dim=1) / is_scored.sum(dim=1)).sum()
