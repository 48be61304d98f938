"""The same training run twice: by the gradients of `minigpt.by_hand`, and by PyTorch's. The losses must agree."""

import dataclasses
import itertools

import torch
import torch.nn.functional as F

from minigpt.by_hand import gpt
from minigpt.config import TrainingConfig
from minigpt.model import GPT
from minigpt.tokenizers import CharTokenizer
from minigpt.training.trainer import Trainer


def train_twice(text, config, steps, seed):
    """Train a small character GPT on a text, in float64.

    Args:
        text: at least 33 characters.
        config: a `GPTConfig`, of which the design is taken (norms, attention), not the size.
        steps: updates.
        seed: of the weights and the batches.
    Returns:
        two lists with the loss before each update, in nats: by hand, and PyTorch's.
    """
    tokenizer = CharTokenizer.train(text)
    ids = torch.tensor(tokenizer.encode(text)).numpy()
    config = dataclasses.replace(config, vocab_size=tokenizer.vocab_size, context_length=32, n_layers=2, n_heads=4,
                                 d_model=32, band_width=8, dropout=0.0)  # fmt: skip
    training = TrainingConfig(steps=steps, learning_rate=3e-3, warmup_steps=steps // 10, device="cpu",
                              precision="float32", seed=seed)  # fmt: skip
    start = gpt.initial_parameters(config, seed=seed)
    batches = list(itertools.islice(gpt.random_windows(ids, config.context_length, 8, seed=seed), steps))
    _, by_hand = gpt.fit(config, start, batches, training)
    return by_hand, _fit_with_pytorch(config, start, batches, training)


def _fit_with_pytorch(config, start, batches, training):
    model = GPT(config).double()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in start.items()})
    tensors = [tuple(map(torch.from_numpy, batch)) for batch in batches]
    losses = []
    Trainer(model, _loss, lambda step: [tensors[step]], training).run(lambda report: losses.append(report.loss))
    return losses


def _loss(model, batch):
    """Like `next_token_loss`, but without its rounding to float32."""
    ids, targets = batch
    return F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), reduction="sum"), targets.numel()
