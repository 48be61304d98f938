from collections import Counter
from itertools import pairwise

import pytest
from attack_texts import HAMLET, SMALL, any_text, bounded
from hypothesis import given
from hypothesis import strategies as st

from minigpt.tokenizers import BPETokenizer
from minigpt.tokenizers.bpe import merge_bytes
from minigpt.tokenizers.words import split_words

few_letters = st.text("ab", max_size=40)
few_letters_and_spaces = st.text("aab '\n", max_size=60)


def recount_everything(text, n_merges):
    """The textbook's trainer: take all counts again before each merge."""
    words = [[bytes([value]) for value in word.encode()] for word in split_words(text)]
    merges = []
    while len(merges) < n_merges:
        counts = Counter(pair for word in words for pair in pairwise(word))
        count, pair = max(((count, pair) for pair, count in counts.items()), default=(0, None))
        if count < 2:
            break
        merges.append(pair)
        words = [merge_once(word, pair) for word in words]
    return merges


def merge_once(word, pair):
    merged = []
    for part in word:
        if merged and (merged[-1], part) == pair:
            merged[-1] = merged[-1] + part
            merged.append(b"")  # keeps the new token from merging again in this pass
        else:
            merged.append(part)
    return [part for part in merged if part]


def textbook_encode(word, merges):
    """Classic BPE: apply the merges in the order learned, asking for pairs, never for bytes."""
    parts = [bytes([value]) for value in word.encode()]
    for pair in merges:
        parts = merge_once(parts, pair)
    return parts


def test_worked_by_hand():
    # Words: "low" x2, " low", " lower" (the space belongs to the word). Pairs: (l,o) 4, (o,w) 4, (" ",l) 2, (w,e) 1,
    # (e,r) 1. Tie of (l,o) and (o,w): the greater is (o,w). Then (l,ow) 4; then (" ",low) 2; nothing else twice.
    tokenizer = BPETokenizer.train(["low", ",low", " low", " lower"], vocab_size=300, special_tokens=["<end>"])
    assert tokenizer.merges == [(b"o", b"w"), (b"l", b"ow"), (b" ", b"low")]
    assert tokenizer.vocab_size == 260 and tokenizer.special_tokens == {"<end>": 259}
    assert tokenizer.encode("low lowest") == [257, 258, ord("e"), ord("s"), ord("t")]
    assert tokenizer.token_bytes(258) == b" low" and tokenizer.token_bytes(65) == b"A"


def test_a_longer_token_counts_as_greater_than_its_prefix():
    # (a,b) occurs four times; after it, (ab,x) and (a,x) twice each. b"ab" > b"a", so (ab,x) goes first.
    tokenizer = BPETokenizer.train("abx,abx,aby,abz,ax,ax", 300, [])
    assert tokenizer.merges == [(b"a", b"b"), (b"ab", b"x"), (b"a", b"x")]


@bounded
@given(st.one_of(few_letters, few_letters_and_spaces, any_text), st.integers(0, 30))
def test_training_equals_recounting_everything(text, n_merges):
    assert BPETokenizer.train(text, 256 + n_merges, []).merges == recount_everything(text, n_merges)


@bounded
@given(st.lists(st.text("ab ", max_size=30), max_size=4), st.data())
def test_training_does_not_depend_on_how_the_text_is_cut(chunks, data):
    text = "".join(chunks)
    assert BPETokenizer.train(chunks, 270).to_json() == BPETokenizer.train(text, 270).to_json()
    assert BPETokenizer.train(iter(text), 270).to_json() == BPETokenizer.train(text, 270).to_json()


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_training_does_not_depend_on_how_much_is_counted_at_a_time(piece, monkeypatch):
    text = "ab<|endoftext|>" * 9 + HAMLET.replace("that", "<|endoftext|>") + " \n ab" * 9
    expected = BPETokenizer.train(text, 330)
    assert not any(b"<" in left + right for left, right in expected.merges)
    monkeypatch.setattr("minigpt.tokenizers.bpe.COUNTED_PIECE", piece)
    assert BPETokenizer.train(text, 330).to_json() == expected.to_json()
    assert BPETokenizer.train(iter(text), 330).to_json() == expected.to_json()


def test_training_on_english_equals_recounting():
    text = HAMLET[:104] + "Ay, there's the rub: for in that sleep of death what dreams may come " * 2
    assert BPETokenizer.train(text, 400, []).merges == recount_everything(text, 144)


def test_training_reports_progress_and_stops_early():
    seen = []
    tokenizer = BPETokenizer.train("abab abab", 1000, [], progress=lambda *numbers: seen.append(numbers))
    assert seen == [(i + 1, 744) for i in range(len(tokenizer.merges))] and tokenizer.vocab_size == 256 + len(seen)
    assert BPETokenizer.train("", 1000).vocab_size == 257


def test_special_tokens_in_the_training_text_separate_documents():
    text = "ab<|endoftext|>" * 9
    assert BPETokenizer.train(text, 300).merges == [(b"a", b"b")]
    assert BPETokenizer.train(iter(text), 300).merges == [(b"a", b"b")]


@pytest.mark.parametrize("vocab_size, special", [(256, ["<x>"]), (255, []), (-1, []), (257, ["<x>", "<y>"])])
def test_a_vocabulary_without_room_is_refused_with_the_numbers(vocab_size, special):
    with pytest.raises(ValueError, match=f"vocab_size={vocab_size} must be at least {256 + len(special)}"):
        BPETokenizer.train("text", vocab_size, special)


@pytest.mark.parametrize("special", [[""], ["<x>", "<x>"], "<x>", ["\ud800"], [3], ["a b"]])
def test_special_tokens_that_are_refused(special):
    with pytest.raises(ValueError):
        BPETokenizer.train("text", 300, special)


def test_training_refuses_a_lone_surrogate():
    with pytest.raises(ValueError, match="surrogate"):
        BPETokenizer.train("ab \udfff", 300)


@bounded
@given(few_letters_and_spaces, few_letters, st.integers(0, 40))
def test_three_ways_to_encode_agree(training_text, text, n_merges):
    """By bytes (ours), by pairs (the textbook), and in tiktoken, on alphabets where pairs collide if they can."""
    tokenizer = BPETokenizer.train(training_text, 256 + n_merges, [])
    for sample in (text, training_text, text + training_text):
        parts = [part for word in split_words(sample) for part in textbook_encode(word, tokenizer.merges)]
        ids = tokenizer._encode_by_definition(sample)
        assert [tokenizer.token_bytes(i) for i in ids] == parts
        assert tokenizer._fast.encode(sample) == ids


def test_merges_whose_bytes_collide_are_refused():
    # (a,bc) and (ab,c) spell the same bytes; training never learns the second: by then "abc" is one token.
    with pytest.raises(ValueError, match="merge 3"):
        BPETokenizer([(b"b", b"c"), (b"a", b"bc"), (b"a", b"b"), (b"ab", b"c")])
    # Alone, (a,b) comes first, so "abc" would never be divided as a, bc.
    with pytest.raises(ValueError, match="merge 2"):
        BPETokenizer([(b"a", b"b"), (b"b", b"c"), (b"a", b"bc")])
    with pytest.raises(ValueError, match="merge 0"):
        BPETokenizer([(b"a", b"bc")])


@bounded
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6), st.text("abc", max_size=20))
def test_whatever_merges_are_accepted_the_three_ways_agree(choices, text):
    tokens = [b"a", b"b", b"c"]
    merges = []
    for left, right in choices:
        pair = tokens[left % len(tokens)], tokens[right % len(tokens)]
        try:
            tokenizer = BPETokenizer([*merges, pair])
        except ValueError:
            continue
        merges.append(pair)
        tokens.append(pair[0] + pair[1])
        ids = tokenizer._encode_by_definition(text)
        assert [tokenizer.token_bytes(i) for i in ids] == textbook_encode(text, merges)
        assert tokenizer._fast.encode(text) == ids


@bounded
@given(any_text)
def test_round_trip_and_agreement_on_any_text(text):
    ids = SMALL.encode(text)
    assert SMALL.decode(ids) == text
    assert SMALL._fast.encode(text) == ids == SMALL._encode_by_definition(text)
    assert b"".join(map(SMALL.token_bytes, ids)) == text.encode()


@bounded
@given(any_text, st.lists(st.integers(0, 299), max_size=8))
def test_special_tokens_survive_among_text(text, ids):
    mark = "<|endoftext|>"
    expected = [*SMALL.encode(text), 299, *SMALL.encode(text)]
    if mark not in text:
        assert SMALL.encode(text + mark + text, "all") == expected
    assert 299 not in SMALL.encode(text + mark + text)
    assert SMALL.decode([*ids, 299]).endswith(mark)


def test_a_character_cut_in_half_decodes_to_a_replacement():
    tokenizer = BPETokenizer([])
    ids = tokenizer.encode("é")
    assert ids == [0xC3, 0xA9] and tokenizer.decode(ids[:1]) == "\ufffd" and tokenizer.decode(ids) == "é"


def test_ids_in_any_numbering():
    """As files from elsewhere have it: the special token first, bytes in another order."""
    byte_ids = [*range(256, 0, -1)]
    tokenizer = BPETokenizer([(b"a", b"b"), (b"ab", b"c")], {"<s>": 0}, byte_ids)
    assert tokenizer.encode("<s>abcab!", "all") == [0, 258, 257, byte_ids[ord("!")]]
    assert tokenizer._fast.encode("abcab!") == tokenizer.encode("abcab!")
    assert BPETokenizer.from_json(tokenizer.to_json()).encode("abcab") == [258, 257]


@pytest.mark.parametrize(
    "arguments",
    [
        {"byte_ids": range(255)},
        {"byte_ids": [0, *range(255)]},
        {"special_tokens": {"<s>": 7}},
        {"special_tokens": {"<s>": 300}},
        {"special_tokens": {"<s>": -1}},
    ],
)
def test_colliding_or_gapped_ids_are_refused(arguments):
    with pytest.raises(ValueError):
        BPETokenizer([], **arguments)


def test_merging_takes_the_leftmost():
    assert merge_bytes(b"aaaaa", {b"aa": 256, b"aaaa": 257}) == [b"aaaa", b"a"]


def test_training_on_a_book_equals_recounting(real_data):
    text = (real_data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")[:15_000]
    assert BPETokenizer.train(text, 256 + 40, []).merges == recount_everything(text, 40)


def test_the_word_cache_is_bounded(monkeypatch):
    monkeypatch.setattr("minigpt.tokenizers.bpe.MAX_CACHED_WORDS", 10)
    tokenizer = BPETokenizer.train(HAMLET, 280)
    for number in range(100):
        assert tokenizer.decode(tokenizer.encode(f"w{number}")) == f"w{number}"
    assert len(tokenizer._cache) <= 10
