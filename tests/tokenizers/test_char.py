import pytest
from attack_texts import bounded
from hypothesis import given
from hypothesis import strategies as st

from minigpt.tokenizers import CharTokenizer


def test_worked_example():
    tokenizer = CharTokenizer.train("banana!")
    assert tokenizer.alphabet == "!abn" and tokenizer.vocab_size == 4
    assert tokenizer.encode("nab!") == [3, 1, 2, 0]
    assert tokenizer.decode([2, 1, 3]) == "ban"
    assert CharTokenizer.train(iter(["ban", "", "ana!"])).to_json() == tokenizer.to_json()


@bounded
@given(st.text(min_size=1))
def test_round_trip(text):
    tokenizer = CharTokenizer.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert sorted({*tokenizer.encode(text)}) == [*range(tokenizer.vocab_size)]


def test_unknown_characters_are_named_with_their_place():
    tokenizer = CharTokenizer.train("abc ", ["<x>"])
    message = r"'é' \(U\+00E9\) at offset 3 .* use byte-level BPE"
    with pytest.raises(ValueError, match=message):
        tokenizer.encode("ab é")
    with pytest.raises(ValueError, match=message):
        tokenizer.encode("<x>é", "all")
    tokenizer.stream_size = 2
    with pytest.raises(ValueError, match=message):
        list(tokenizer.encode_stream(["ab", " é", "a"]))


@pytest.mark.parametrize("alphabet", ["", "ba", "aab", "a\ud800"])
def test_alphabets_that_are_refused(alphabet):
    with pytest.raises(ValueError):
        CharTokenizer(alphabet)


def test_an_empty_text_cannot_train():
    with pytest.raises(ValueError, match="alphabet is empty"):
        CharTokenizer.train("")
