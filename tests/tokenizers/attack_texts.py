"""Texts to attack tokenizers with, and how hard; and a tokenizer to attack."""

from hypothesis import settings
from hypothesis import strategies as st

from minigpt.tokenizers import BPETokenizer

bounded = settings(derandomize=True, deadline=None, max_examples=150, database=None)

HAMLET = "To be, or not to be: that is the question. Whether 'tis nobler in the mind to suffer, or to end them? " * 3

# Pieces in which pre-tokenisation has its corners: contractions, white space of many kinds, signs, digits, Chinese.
AWKWARD = [
    *("'s", "'ll", "'", "'l", "'S", " ", "  ", "\n", "\r\n", "\t", "\u3000", "\x85", "\x1c", "\0", "12", "½", "²"),
    *("a", "ab", "the", " The", "é", "e\u0301", "你好", "。", "🙂", "👩‍👩‍👧", "!"),
    *("...", "<|endoftext|>", "<unk>", "_", "\ufeff", "\u00ad", "Σ", "İ", "\u0345"),
]
unicode_text = st.text(max_size=30)  # hypothesis leaves lone surrogates out
awkward_text = st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(max_size=3)), max_size=15).map("".join)
corner_text = st.text("as1l!' \n\t", max_size=20)  # few characters, so that all ways of standing together occur
any_text = st.one_of(unicode_text, awkward_text, corner_text)

SMALL = BPETokenizer.train(HAMLET, 300)
