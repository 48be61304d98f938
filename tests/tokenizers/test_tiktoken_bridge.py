import copy
import pickle

import pytest
from attack_texts import SMALL, any_text, bounded
from hypothesis import given

from minigpt.tokenizers.tiktoken_bridge import to_tiktoken


@bounded
@given(any_text)
def test_tiktoken_gives_our_ids_with_special_tokens(text):
    encoding = to_tiktoken(SMALL)
    assert encoding.encode_ordinary(text) == SMALL.encode(text)
    assert encoding.encode(text, allowed_special="all") == SMALL.encode(text, "all")
    assert encoding.decode(SMALL.encode(text)) == text
    assert encoding.n_vocab == SMALL.vocab_size


@pytest.mark.parametrize("text", [" " * 1_100_000 + "a", "\n \t" * 400_000, "a" * 600_000, "!é" * 300_000])
def test_runs_without_a_cut_are_encoded(text):
    assert SMALL.decode(SMALL.encode(text)) == text


def test_a_long_run_has_the_ids_of_the_definition(monkeypatch):
    monkeypatch.setattr("minigpt.tokenizers.tiktoken_bridge.PIECE", 5)
    for text in (" " * 40 + "a", "to be that's " * 4 + "\n" * 30 + " b'll", "x" * 30 + "'" * 30 + "s"):
        assert SMALL._fast.encode(text) == SMALL._encode_by_definition(text)


def test_a_used_tokenizer_can_be_copied_and_sent_to_a_worker():
    text = "to be or not " * 50
    ids = SMALL.encode(text)
    assert copy.deepcopy(SMALL).encode(text) == ids
    assert pickle.loads(pickle.dumps(SMALL)).encode(text) == ids
