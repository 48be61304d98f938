"""Zero- and few-shot: a pretrained model answers by how likely it finds each answer, and nothing is trained.

A task becomes text: a template with slots, and for each class the words that stand for it (a verbaliser). The answer
is the option with the highest score. Three scores are in use, because the plain one has two biases:

| score | what it is | source |
|---|---|---|
| sum | log p(option given prompt), the sum over its tokens: long options lose | |
| mean | the same divided by the number of tokens | Brown et al. (2020), section 2.4 |
| calibrated | each option's probability divided by what it gets after a prompt without content | Zhao et al. (2021) |
"""

import string
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch

from minigpt.datasets.tasks import Labelled

SCORES = ("sum", "mean", "calibrated")
CONTENT_FREE = ("N/A", "", "[MASK]")  # the three inputs that Zhao et al. (2021, section 5) average over


@dataclass(frozen=True)
class Template:
    """How an example is written as text.

    Attributes:
        pattern: with the slots {text}, {label} and, for pairs, {second}; {label} stands at its end.
        words: {class: the words that stand for it}.
        separator: between one example and the next.
    Raises:
        ValueError: if {label} is not the last part of the pattern, a slot is unknown, or two classes share their words.
    """

    pattern: str
    words: dict[str, str]
    separator: str = "\n\n"

    def __post_init__(self):
        try:
            slots = {name for _, name, _, _ in string.Formatter().parse(self.pattern) if name is not None}
        except ValueError as error:
            raise ValueError(f"template {self.pattern!r}: {error}") from None
        if not slots <= {"text", "second", "label"} or "text" not in slots:
            raise ValueError(f"template {self.pattern!r} needs the slots {{text}} and {{label}}, perhaps {{second}}")
        if not self.pattern.endswith("{label}") or self.pattern.count("{label}") != 1:
            raise ValueError(f"template {self.pattern!r} must end in {{label}}: the answer is what comes next")
        if len(set(self.words.values())) < len(self.words) or not all(self.words.values()):
            raise ValueError(f"each class needs words of its own, not {', '.join(map(repr, self.words.values()))}")

    def question(self, example: Labelled):
        """The example as text up to its label, and the label's words are what is to come, blank included."""
        pattern = self.pattern.removesuffix("{label}").rstrip(" ")
        return pattern.format(text=example.text, second=example.second or "")

    def options(self):
        """The words of each class as they follow a question: with the blank that the pattern has before them."""
        blank = " " if self.pattern.endswith(" {label}") else ""
        return [blank + words for words in self.words.values()]

    def shown(self, example: Labelled):
        """A whole example, answer included."""
        return self.question(example) + self.options()[list(self.words).index(example.label)]

    @classmethod
    def for_labels(cls, labels, pattern="{text}\nclass: {label}", words=()):
        """A template for these classes; without `words`, each class is called by its own name.

        Args:
            labels: the classes.
            pattern: see above.
            words: "class=words" for each class that is called otherwise.
        Raises:
            ValueError: if an entry names no class.
        """
        called = {label: label for label in labels}
        for entry in words:
            label, sign, text = entry.partition("=")
            if not sign or label not in called:
                raise ValueError(f"{entry!r} must be CLASS=WORDS with one of the classes {', '.join(labels)}")
            called[label] = text
        return cls(pattern, called)


def fit_prompt(tokenizer, shown, question, room):
    """The ids of as many examples as fit before a question: the oldest are dropped first, then the question's start.

    Args:
        tokenizer: the model's.
        shown: texts of whole examples, oldest first, each with its separator.
        question: text that is kept if anything is.
        room: most ids.
    Returns:
        the ids, how many examples were dropped, and whether the question itself was cut.
    """
    parts = [tokenizer.encode(text) for text in shown]
    asked = tokenizer.encode(question)
    n_ids, n_dropped = sum(map(len, parts)) + len(asked), 0
    while n_dropped < len(parts) and n_ids > room:
        n_ids -= len(parts[n_dropped])
        n_dropped += 1
    ids = [token for part in parts[n_dropped:] for token in part]
    return ids + asked[max(0, len(asked) - room) :], n_dropped, len(asked) > room


@torch.inference_mode()
def option_log_probabilities(model, prompts, options, batch_size=32):
    """What each token of each option costs after its prompt.

    Args:
        model: a `GPT`.
        prompts: lists of ids, none empty.
        options: for each prompt a list of options, each a list of ids, none empty.
        batch_size: rows read at a time; a row is a prompt with one option.
    Returns:
        for each prompt a list of tensors, log p of each token of each option, in nats.
    Raises:
        ValueError: if something is empty, or longer than the context.
    """
    rows = [(place, prompt, option) for place, prompt in enumerate(prompts) for option in options[place]]
    for _, prompt, option in rows:
        if not prompt or not option:
            raise ValueError("a prompt and an option need at least one token each")
        if len(prompt) + len(option) - 1 > model.config.context_length:
            raise ValueError(f"{len(prompt)} tokens and {len(option)} of an option are more than "
                             f"context_length={model.config.context_length} lets be read")  # fmt: skip
    found = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda index: len(rows[index][1]) + len(rows[index][2]))  # alike side by side
    device = next(model.parameters()).device
    model.eval()
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        texts = [rows[index][1] + rows[index][2] for index in part]
        width = max(map(len, texts)) - 1  # nothing is asked after the last token
        ids, is_real = torch.zeros(len(part), width, dtype=torch.long), torch.zeros(len(part), width).bool()
        for row, text in enumerate(texts):
            ids[row, : len(text) - 1] = torch.tensor(text[:-1])
            is_real[row, : len(text) - 1] = True
        hidden = model.encode(model.embed(ids.to(device), model.positions(ids.to(device), is_real.to(device))),
                              is_real.to(device))  # fmt: skip
        for row, index in enumerate(part):
            _, prompt, option = rows[index]
            places = slice(len(prompt) - 1, len(prompt) + len(option) - 1)  # position i predicts token i + 1
            log_p = model.to_logits(hidden[row, places]).float().log_softmax(dim=-1)
            found[index] = log_p.gather(1, torch.tensor(option, device=device)[:, None])[:, 0].cpu()
    by_prompt = [[] for _ in prompts]
    for (place, _, _), log_p in zip(rows, found):
        by_prompt[place].append(log_p)
    return by_prompt


def option_scores(log_probabilities, how="sum"):
    """One number for each option: the sum of its tokens' log-probabilities, or their mean.

    Raises:
        ValueError: for another `how`.
    """
    if how not in ("sum", "mean"):
        raise ValueError(f"how={how!r} must be 'sum' or 'mean'")
    return np.array([float(log_p.sum() if how == "sum" else log_p.mean()) for log_p in log_probabilities])


def probabilities(scores):
    """Scores (…, options) as probabilities over the options."""
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def calibrate(options_probabilities, content_free):
    """Divide by what the options get when there is nothing to go by, and normalise.

    After it, a question without content gets the same probability for each option. (Zhao et al. write
    softmax(W p) with W = diag(p_cf)⁻¹ and then only use the largest entry, which is the same as ours.)

    Args:
        options_probabilities: (…, options).
        content_free: (options,), positive: the mean over inputs without content.
    Source: Zhao et al. (2021), section 5.
    """
    weighted = np.asarray(options_probabilities) / np.asarray(content_free)
    return weighted / weighted.sum(axis=-1, keepdims=True)


@dataclass
class PromptedClassifier:
    """A pretrained model that is asked for a class; nothing in it is changed.

    Attributes:
        model, tokenizer: a pretrained GPT.
        template: how examples are written.
        shown: examples with their classes that stand before each question; none is zero-shot.
        how: "sum", "mean" or "calibrated".
        content_free: texts that stand for nothing, for the calibration.
        notes: counts what had to be dropped: {"examples dropped", "questions with dropped examples", "questions cut"}.
    Raises:
        ValueError: for an unknown score, or an example of an unknown class.
    """

    model: object
    tokenizer: object
    template: Template
    shown: tuple[Labelled, ...] = ()
    how: str = "calibrated"
    content_free: tuple[str, ...] = CONTENT_FREE
    notes: Counter = field(default_factory=Counter)

    def __post_init__(self):
        if self.how not in SCORES:
            raise ValueError(f"how={self.how!r} must be one of {', '.join(SCORES)}")
        unknown = [example.label for example in self.shown if example.label not in self.template.words]
        if unknown:
            raise ValueError(f"a shown example has the class {unknown[0]!r}, which the template does not know")

    def scores(self, examples, how="sum", batch_size=32):
        """(examples, options): each option's score for each question."""
        options = [self.tokenizer.encode(option) for option in self.template.options()]
        start = list(self.tokenizer.special_tokens.values())[:1]  # what stands before each text in pretraining
        room = self.model.config.context_length + 1 - max(map(len, options)) - len(start)
        if room < 1:
            raise ValueError(f"the options alone fill context_length={self.model.config.context_length}")
        before = [self.template.shown(example) + self.template.separator for example in self.shown]
        prompts = []
        for example in examples:
            ids, n_dropped, is_cut = fit_prompt(self.tokenizer, before, self.template.question(example), room)
            self.notes["examples dropped"] += n_dropped
            self.notes["questions with dropped examples"] += n_dropped > 0
            self.notes["questions cut"] += is_cut
            prompts.append(start + ids)
        found = option_log_probabilities(self.model, prompts, [options] * len(prompts), batch_size)
        return np.array([option_scores(one, how) for one in found]).reshape(len(prompts), len(options))

    def probabilities(self, examples, batch_size=32):
        """(examples, classes): the options' probabilities, of this classifier's kind."""
        found = probabilities(self.scores(examples, "mean" if self.how == "mean" else "sum", batch_size))
        return calibrate(found, self.prior(batch_size)) if self.how == "calibrated" else found

    def prior(self, batch_size=32):
        """(classes,): probabilities of the classes after nothing, the mean over the content-free texts."""
        kept = self.notes.copy()
        empty = [Labelled(text, None, text) for text in self.content_free]
        found = probabilities(self.scores(empty, "sum", batch_size)).mean(axis=0)
        self.notes.clear()
        self.notes.update(kept)  # these questions are ours
        return found

    def predict(self, examples, batch_size=32):
        """The likeliest class of each example."""
        labels = list(self.template.words)
        return [labels[index] for index in self.probabilities(examples, batch_size).argmax(axis=1)]


def draw_shown(train, n_shots, seed):
    """Examples to show: so many from each class in turn (a class that has too few gives what it has), then shuffled.

    Args:
        train: `Labelled` examples.
        n_shots: how many in all.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    by_class = {}
    for index in random.permutation(len(train)):
        by_class.setdefault(train[index].label, []).append(train[index])
    queues = [by_class[label] for label in sorted(by_class)]
    chosen = []
    while len(chosen) < min(n_shots, len(train)):
        for queue in queues:
            if queue and len(chosen) < n_shots:
                chosen.append(queue.pop())
    return tuple(chosen[index] for index in random.permutation(len(chosen)))
