"""Small parts that the tests of fusion share."""

import torch
from torch import nn

from minigpt.config import GPTConfig
from minigpt.model import GPT

V, D, CONTEXT = 300, 12, 40


class Eye(nn.Module):
    """An encoder of 2 × 3 pictures: each row of 3 pixels one token. Records what it was given."""

    d_model, n_tokens = 7, 2

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, self.d_model)
        self.read = []

    def forward(self, pixels):
        self.read.append(pixels)
        return self.linear(pixels)


class Ear(nn.Module):
    """An encoder of sounds of 5 numbers: one token."""

    d_model, n_tokens = 9, 1

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, self.d_model)

    def forward(self, sounds):
        return torch.tanh(self.linear(sounds))[:, None]


def small_gpt(**changes):
    shape = {"vocab_size": V, "context_length": CONTEXT, "n_layers": 2, "n_heads": 3, "d_model": D, "dropout": 0.0}
    gpt = GPT(GPTConfig(**shape | changes)).eval()
    for name, parameter in gpt.named_parameters():  # large enough for every path to matter
        nn.init.normal_(parameter, mean=float(name.endswith("norm.weight")), std=0.4)
    return gpt
