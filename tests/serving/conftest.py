"""A tiny model of characters behind a server, once for all tests of a file."""

import pytest
from http_server import serving
from tiny_models import make_model

from minigpt.tokenizers import CharTokenizer

ALPHABET = "abcdefghijklmnopqrstuvwxyz .:UAST\n"


@pytest.fixture(scope="session")
def tokenizer():
    return CharTokenizer.train([ALPHABET])


@pytest.fixture(scope="session")
def tiny(tokenizer):
    return make_model(vocab_size=tokenizer.vocab_size, context_length=23)


@pytest.fixture(scope="module")
def served(tiny, tokenizer):
    """An HTTP client of a running server, and its worker."""
    with serving(tiny, tokenizer, batch_size=5, queue=60, max_tokens=400) as pair:
        yield pair
