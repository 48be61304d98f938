import pytest
import torch

from minigpt.tokenizers import BPETokenizer


@pytest.fixture
def tokenizer():
    return BPETokenizer.train(["seven even odd nine a handwritten picture of the digit 3+6=9 "] * 5, 290)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(5)
