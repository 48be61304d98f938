"""Examples as tokens: marks in their places, cuts that are told, targets that stand where the words do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt.datasets.tasks import IGNORED, MARKS, Choice, Encoder, Labelled, Question, Related, Tagged, token_spans
from minigpt.tokenizers import BPETokenizer, CharTokenizer

CHARACTERS = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz .:?éà京北")
PIECES = BPETokenizer.train("the cat sat on the mat; the dog sat on the cat 北京 déjà vu " * 20, 300)
TOKENIZERS = {"char": CHARACTERS, "bpe": PIECES}
TEXT = st.text("abc é北", max_size=30)


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]


def encoder(tokenizer=CHARACTERS, context_length=64):
    return Encoder(tokenizer, tokenizer.vocab_size, context_length)


def readable(row, tokenizer=CHARACTERS):
    names = {tokenizer.vocab_size + index: f"[{name}]" for index, name in enumerate(MARKS)}
    return "".join(names[token] if token in names else tokenizer.decode([token]) for token in row)


def test_the_formats_are_those_of_the_docstrings():
    e = encoder()
    assert readable(e.text("a b")[0]) == "[start]a b[extract]"
    assert readable(e.text("a b", "c")[0]) == "[start]a b[delimiter]c[extract]"
    assert [readable(row) for row in e.labelled(Labelled("a", "x", "b"), 0, both_orders=True).rows] == [
        "[start]a[delimiter]b[extract]", "[start]b[delimiter]a[extract]"]  # fmt: skip
    assert [readable(row) for row in e.choice(Choice("a", ("b", "cd"), 1)).rows] == [
        "[start]a[delimiter]b[extract]", "[start]a[delimiter]cd[extract]"]  # fmt: skip
    related = Related("ann is in rome.", (10, 14), (0, 3), "holds")
    assert readable(e.related(related, 0).rows[0]) == (
        "[start][second]ann[second end] is in [first]rome[first end].[extract]"
    )
    assert readable(e.tagged(("a", "bc")).rows[0]) == "[start]a bc"
    assert readable(e.tagged(("a", "bc"), read_twice=True).rows[0]) == "[start]a bc[delimiter]a bc"
    assert readable(e.tagged(("北", "é"), separator="").rows[0]) == "[start]北é"
    assert readable(e.question("rome.", "where?").rows[0]) == "[start]where?[delimiter]rome.[extract]"
    assert readable(e.prompted("a", "bc").rows[0]) == "[start]a[delimiter]bc[end]"
    assert readable(e.prompted("a").rows[0]) == "[start]a[delimiter]"


@given(TEXT, TEXT, st.integers(8, 40))
def test_no_row_is_longer_than_the_context_and_a_cut_is_told(text, second, context_length):
    for tokenizer in TOKENIZERS.values():
        e = encoder(tokenizer, context_length)
        n_tokens = len(tokenizer.encode(text)) + len(tokenizer.encode(second))
        row, is_cut = e.text(text, second)
        assert len(row) == min(n_tokens + 3, context_length) and is_cut == (n_tokens + 3 > context_length)
        assert row[0] == e.mark["start"] and row[-1] == e.mark["extract"] and row.count(e.mark["delimiter"]) == 1
        example = e.prompted(text, second)
        assert len(example.rows[0]) <= context_length and len(example.target) == len(example.rows[0])


def test_a_prompt_leaves_room_for_its_answer_and_no_more():
    e = encoder(context_length=20)
    assert readable(e.prompted("abcdefghijklmnopqrs", room=5).rows[0]) == "[start]abcdefghijklm[delimiter]"
    assert readable(e.prompted("abcdefghijklmnopqrs", room=5, keep_end=True).rows[0]).startswith("[start]ghij")
    assert readable(e.prompted("abcdefghijklmnopqrs", room=64).rows[0]) == "[start]abcdefgh[delimiter]"  # half is left
    assert not e.prompted("abcdefghijklm", room=5).is_cut and e.prompted("abcdefghijklmn", room=5).is_cut


def test_the_longer_of_two_texts_is_cut_first():
    row, is_cut = encoder(context_length=13).text("a" * 30, "bbb")
    assert is_cut and readable(row) == "[start]aaaaaaa[delimiter]bbb[extract]"


@given(st.lists(st.text("abc é北", max_size=6), min_size=1, max_size=12), st.booleans(),
       st.sampled_from(["first", "last"]))  # fmt: skip
def test_each_words_target_stands_at_a_token_of_that_word(words, read_twice, piece):
    for tokenizer in TOKENIZERS.values():
        example = encoder(tokenizer, 48).tagged(words, list(range(len(words))), read_twice, piece)
        (row,) = example.rows
        assert len(row) <= 48 and len(example.target) == len(row) and len(example.places) == len(words)
        for word, place in enumerate(example.places):
            if place >= 0:
                assert example.target[place] == word
        scored = [target for target in example.target if target != IGNORED]
        assert scored == [word for word, place in enumerate(example.places) if place >= 0]
        assert example.is_cut or all(p >= 0 or not w for p, w in zip(example.places[1:], words[1:]))


@given(TEXT)
def test_the_spans_of_tokens_cover_the_text_in_order(text):
    for tokenizer in TOKENIZERS.values():
        tokens = tokenizer.encode(text)
        spans = token_spans(tokenizer, tokens, text)
        assert len(spans) == len(tokens)
        covered = sorted({index for start, end in spans for index in range(start, end)})
        assert covered == list(range(len(text)))
        assert spans == sorted(spans)


def test_an_answer_is_found_again_in_its_tokens(tokenizer):
    context = "déjà vu: 北京 the cat sat"
    for answer in ("北京", "cat", "déjà", "the cat sat"):
        example = encoder(tokenizer).question(context, "what?", ((answer, context.index(answer)),))
        first, last = example.target
        start, end = example.places[first][0], example.places[last][1]
        assert answer in context[start:end] and len(context[start:end]) <= len(answer) + 1  # a space at most


def test_an_answer_that_was_cut_away_has_no_target():
    context = "a" * 50 + " b"
    assert encoder().question(context, "?", (("b", 51),)).target is not None
    example = encoder(context_length=40).question(context, "?", (("b", 51),))
    assert example.target is None and example.is_cut
    example = encoder(context_length=40).question(context, "?", (("a" * 45, 0),))  # its beginning alone is there
    assert example.target is None


def test_what_cannot_be_an_example_is_refused():
    with pytest.raises(ValueError, match="2 words have 1 tags: 'a b'"):
        Tagged(("a", "b"), ("O",))
    with pytest.raises(ValueError, match="the answer 'rome' does not stand at offset 4"):
        Question("in rome", "where?", (("rome", 3), ("rome", 4)))
    with pytest.raises(ValueError, match="overlap"):
        Related("ann", (0, 2), (1, 3), "x")
    with pytest.raises(ValueError, match="answer=2 must be the index of one of 2 options"):
        Choice("a", ("b", "c"), 2)
