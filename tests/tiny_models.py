"""Small models for tests."""

import torch

from minigpt.config import GPTConfig
from minigpt.model import GPT

# Every dimension different, so that a transposed or mixed-up one cannot pass.
VARIANTS = {
    "gpt1": {"norm_position": "post"},
    "gpt2": {},
    "gpt3": {"attention_pattern": "dense,banded", "band_width": 3},
    "untied": {"tied_head": False},
}


def make_model(seed=0, **changes):
    """A tiny GPT in evaluation mode, with weights large enough that every path matters."""
    settings = dict(vocab_size=29, context_length=11, n_layers=3, n_heads=2, d_model=14, dropout=0.0) | changes
    torch.manual_seed(seed)
    model = GPT(GPTConfig(**settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model
