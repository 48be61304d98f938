"""What the tests share: one thread setting, small models with every dimension different, real data if it is there."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks the network
from pathlib import Path

import pytest
import torch

from minigpt.config import GPTConfig
from minigpt.model import GPT

torch.set_num_threads(1)  # tiny models: a second thread only waits

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


@pytest.fixture(params=VARIANTS)
def model(request):
    """A tiny GPT of each variant."""
    return make_model(**VARIANTS[request.param])


@pytest.fixture
def real_data(monkeypatch):
    """The folder of real data sets that MINIGPT_DATA names; skips the test where there is none."""
    folder = os.environ.get("MINIGPT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MINIGPT_DATA is not set: this test needs real data, see minigpt/datasets/catalog.py")
    return Path(folder)
