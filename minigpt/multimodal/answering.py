"""A fused model answers: batches of examples, what they cost, and what it writes.

`answer_loss` and `AnswerBatches` are what the trainer needs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.datasets.text import IGNORED
from minigpt.generation import generate
from minigpt.multimodal.audio import as_other_voices, log_mel, one_second
from minigpt.multimodal.fusion import Media
from minigpt.multimodal.vision import as_other_writers


@dataclass(frozen=True)
class AnswerBatch:
    """Examples side by side, padded on the right.

    Attributes:
        ids: (B, T) with placeholders.
        targets: (B, T) the next token where it belongs to the answer, -100 elsewhere.
        padding_mask: (B, T), True for real tokens.
        media: {modality: `Media`}.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    padding_mask: torch.Tensor
    media: dict


def answer_loss(model, batch):
    """Cross-entropy of the answers' tokens, and of the token that ends them.

    Args:
        model: a fused GPT.
        batch: an `AnswerBatch`.
    Returns:
        the sum in nats, and how many tokens.
    """
    hidden = model.hidden(batch.ids, batch.media, batch.padding_mask)
    scored = batch.targets != IGNORED
    logits = model.to_logits(hidden[scored]).float()  # at the answers' places alone
    return F.cross_entropy(logits, batch.targets[scored], reduction="sum"), int(scored.sum())


def prepare_images(images, generator=None):
    """Pictures as the image encoder reads them, (n, C, height, width); with a generator, varied as by other writers."""
    pixels = torch.from_numpy(np.stack(images))
    return pixels if generator is None else as_other_writers(pixels, generator)


def prepare_sounds(sounds, generator=None):
    """Recordings as the audio encoder hears them, (n, n_mels, frames); with a generator, varied as by other voices."""
    seconds = torch.from_numpy(np.stack([one_second(samples) for samples in sounds]))
    return log_mel(seconds if generator is None else as_other_voices(seconds, generator))


PREPARE = {"image": prepare_images, "audio": prepare_sounds}


def collate(model, tokenizer, examples, prepare=PREPARE, generator=None):
    """An `AnswerBatch` of `Shown` examples.

    Args:
        model: a fused GPT, which knows its placeholders.
        tokenizer: of its text.
        examples: the examples.
        prepare: {modality: function(items, generator) -> (n, …) tensor}; an item that is None is missing.
        generator: a `torch.Generator` for training, or None.
    Raises:
        ValueError: if an answer is empty, or a text is longer than the model's context.
    """
    rows, starts = [], []
    for example in examples:
        prompt = model.text_ids(tokenizer, example.prompt)
        rows.append(prompt + tokenizer.encode(example.answer) + [end_of(tokenizer)])
        starts.append(len(prompt))
    width = max(map(len, rows)) - 1
    if width > model.config.context_length:
        raise ValueError(f"a text of {width} tokens is longer than context_length={model.config.context_length}")
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    targets = torch.full((len(rows), width), IGNORED)
    for index, (row, start) in enumerate(zip(rows, starts)):
        ids[index, : len(row) - 1] = torch.tensor(row[:-1])
        targets[index, start - 1 : len(row) - 1] = torch.tensor(row[start:])
    lengths = torch.tensor([len(row) - 1 for row in rows])
    return AnswerBatch(ids, targets, torch.arange(width) < lengths[:, None], media_of(examples, prepare, generator))


def media_of(examples, prepare=PREPARE, generator=None):
    """{modality: `Media`} of examples, the items row by row."""
    media = {}
    for name, items in (("image", [item for example in examples for item in example.images]),
                        ("audio", [item for example in examples for item in example.sounds])):  # fmt: skip
        if items:
            present = torch.tensor([item is not None for item in items])
            there = [item for item in items if item is not None]
            tensor = prepare[name](there, generator) if there else torch.zeros(0)
            table = tensor.new_zeros(len(items), *tensor.shape[1:])
            table[present] = tensor
            media[name] = Media(table, None if present.all() else present)
    return media


@dataclass(frozen=True)
class AnswerBatches:
    """Fresh examples at each step, which follow from the seed and the step's number alone: `batches` for a trainer.

    Attributes:
        model, tokenizer: as in `collate`.
        draw: draw(generator, n) -> n `Shown` examples, with a NumPy generator.
        prepare: as in `collate`.
        batch_size: examples of one step.
        seed: what everything random follows from.
    """

    model: torch.nn.Module
    tokenizer: object
    draw: Callable
    prepare: dict
    batch_size: int
    seed: int = 1

    def __call__(self, step):
        """The step's one batch, in a list."""
        generator = np.random.default_rng((self.seed, step))
        examples = self.draw(generator, self.batch_size)
        changes = torch.Generator().manual_seed(int(generator.integers(2**62)))
        return [collate(self.model, self.tokenizer, examples, self.prepare, changes)]


def fused_optimizer(model, config, text_share=0.3, gate_share=10.0):
    """AdamW for a fused GPT: the text model, which can write already, moves slower, and the gates faster.

    Args:
        model: a fused GPT; what does not require a gradient is left out.
        config: a `TrainingConfig`.
        text_share: the text model's learning rate, as a share of the others'.
        gate_share: the gates' own: single numbers that start at 0, where a matrix moves by many entries at once.
    Source: both shares are our choice.
    """
    text = {id(parameter) for parameter in model.text_parameters()}
    groups = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            scale = gate_share if parameter.ndim == 0 else text_share if id(parameter) in text else 1.0
            groups.setdefault((parameter.ndim >= 2, scale), []).append(parameter)
    settings = [{"params": parameters, "scale": scale, "weight_decay": config.weight_decay if decays else 0.0}
                for (decays, scale), parameters in groups.items()]  # fmt: skip
    return torch.optim.AdamW(settings, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


def end_of(tokenizer):
    """The id that ends an answer: a new line's.

    Not that of "<|endoftext|>": a text model whose weights stay as they are can only write what it has met, and ours
    has met that token nowhere.
    """
    (token,) = tokenizer.encode("\n")
    return token


@torch.inference_mode()
def write_answers(model, tokenizer, examples, prepare=PREPARE, batch_size=256, most_tokens=16):
    """What the model writes for each example, taking the likeliest token at each step: a list of strings."""
    was_training = model.training
    model.eval()
    written = []
    try:
        for start in range(0, len(examples), batch_size):
            batch = examples[start : start + batch_size]
            seeing = model.seeing(media_of(batch, prepare))
            prompts = [model.text_ids(tokenizer, example.prompt) for example in batch]
            rows = generate(seeing, prompts, temperature=0, max_new_tokens=most_tokens, stop_ids=[end_of(tokenizer)],
                            n_tokens=tokenizer.vocab_size)  # fmt: skip
            written += [tokenizer.decode(row) for row in rows]
    finally:
        model.train(was_training)
    return written


@torch.inference_mode()
def likeliest_answer(model, tokenizer, example, prepare=PREPARE):
    """What the model writes for one example, and the probability that it gave to all of it, its end included."""
    (text,) = write_answers(model, tokenizer, [example], prepare)
    batch = collate(model, tokenizer, [replace(example, answer=text)], prepare)
    loss, _ = answer_loss(model, batch)
    return text, math.exp(-float(loss))


def share_right(model, tokenizer, examples, prepare=PREPARE):
    """Share of the examples whose answer is written exactly."""
    written = write_answers(model, tokenizer, examples, prepare)
    return float(np.mean([text == example.answer for text, example in zip(written, examples)]))


@torch.inference_mode()
def share_known(model, tokenizer, examples, prepare=PREPARE, batch_size=64):
    """As `share_right`, in one pass for each batch, where `write_answers` needs one for each token.

    An answer is written exactly when each of its tokens, and its end, is the likeliest after the right ones before it.
    """
    was_training = model.training
    model.eval()
    right = 0
    for start in range(0, len(examples), batch_size):
        batch = collate(model, tokenizer, examples[start : start + batch_size], prepare)
        scored = batch.targets != IGNORED
        logits = model.to_logits(model.hidden(batch.ids, batch.media, batch.padding_mask)[scored])
        hit = torch.ones_like(scored)
        hit[scored] = logits[:, : tokenizer.vocab_size].argmax(dim=-1) == batch.targets[scored]
        right += int(hit.all(dim=1).sum())
    model.train(was_training)
    return right / len(examples)
