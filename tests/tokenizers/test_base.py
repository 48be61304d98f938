import json
import os
from itertools import chain

import pytest
from attack_texts import HAMLET, any_text, bounded
from hypothesis import given
from hypothesis import strategies as st

from minigpt.tokenizers import BPETokenizer, CharTokenizer, GPT1Tokenizer, Tokenizer, load_tokenizer

GPT1_TINY = GPT1Tokenizer(
    ["<unk>", *"abcdeho'", "a</w>", "e</w>", "th", "b</w>", "ab</w>", "t", "'</w>"],
    [("t", "h"), ("a", "b</w>")],
)
TOKENIZERS = {
    "char": CharTokenizer.train(HAMLET, ["<|pad|>"]),
    "bpe": BPETokenizer.train(HAMLET, 290, ["<|endoftext|>", "<|user|>"]),
    "gpt1": GPT1_TINY,
}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]


def chunked(text, sizes):
    position = 0
    for size in sizes:
        yield text[position : position + size]
        position += size
    yield text[position:]


@bounded
@pytest.mark.parametrize("stream_size", [1, 3, 10])
@given(text=any_text, sizes=st.lists(st.integers(0, 4), max_size=60))
def test_streaming_gives_the_ids_of_the_whole(stream_size, text, sizes):
    for name in ("bpe", "gpt1"):
        tokenizer = TOKENIZERS[name]
        tokenizer.stream_size = stream_size
        pieces = list(tokenizer.encode_stream(chunked(text, sizes)))
        assert [*chain(*pieces)] == tokenizer.encode(text)


@bounded
@given(st.text("ab' \n1'", max_size=40))
def test_streaming_one_character_at_a_time(text):
    for name in ("bpe", "gpt1"):
        TOKENIZERS[name].stream_size = 1
        assert [*chain(*TOKENIZERS[name].encode_stream(text))] == TOKENIZERS[name].encode(text)


def test_streaming_holds_little():
    tokenizer = BPETokenizer.train(HAMLET, 270)
    tokenizer.stream_size = 100
    given_out, most_held = 0, 0

    def chunks():
        nonlocal most_held
        for i in range(2000):
            most_held = max(most_held, 10 * i - given_out)
            yield "word other"

    for ids in tokenizer.encode_stream(chunks()):
        given_out += len(tokenizer.decode(ids))
    assert given_out == 20000 and most_held <= 300


def test_streaming_a_run_without_cuts_takes_linear_time():
    tokenizer = BPETokenizer.train("aa aa", 257, ())
    tokenizer.stream_size = 1
    looked = 0
    original = tokenizer._may_cut

    def counting(before, after):
        nonlocal looked
        looked += 1
        return original(before, after)

    tokenizer._may_cut = counting
    list(tokenizer.encode_stream("a" for _ in range(4096)))
    assert looked < 4 * 4096


def test_saved_and_loaded_is_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = load_tokenizer(tmp_path / "tokenizer.json")
    assert type(loaded) is type(tokenizer) and loaded.to_json() == tokenizer.to_json()
    assert loaded.fingerprint == tokenizer.fingerprint and len(tokenizer.fingerprint) == 64
    assert loaded.encode("that be") == tokenizer.encode("that be")
    assert os.listdir(tmp_path) == ["tokenizer.json"]


def test_fingerprints_differ_between_different_tokenizers():
    others = [CharTokenizer("ab"), CharTokenizer("ac"), CharTokenizer("ab", ["x"]), BPETokenizer([])]
    assert len({t.fingerprint for t in [*TOKENIZERS.values(), *others]}) == len(TOKENIZERS) + len(others)


def test_a_failed_save_leaves_the_old_file_and_no_other(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tokenizer.save(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["tokenizer.json"]


def test_special_tokens_need_permission(tokenizer):
    for name, token_id in tokenizer.special_tokens.items():
        text = f"ab{name}b"
        if tokenizer.type == "bpe":  # the other two here lack the signs in the name
            assert token_id not in tokenizer.encode(text)
        assert tokenizer.encode(text, allowed_special=[name]).count(token_id) == 1
        assert tokenizer.encode(text, "all") == tokenizer.encode(text, {name})
        assert tokenizer.decode([token_id]) == name == tokenizer.token_bytes(token_id).decode()


@pytest.mark.parametrize("allowed", ["<|endoftext|>", ["<|nobody|>"]])
def test_unknown_permission_is_an_error(tokenizer, allowed):
    with pytest.raises(ValueError, match="allowed_special"):
        tokenizer.encode("that", allowed)


def test_the_longest_special_token_wins():
    tokenizer = BPETokenizer.train("", 258 + 1, ["<x", "<x>", "<x>>"])
    assert tokenizer.encode("<x>a<x<x>>", "all") == [257, 97, 256, 258]


@pytest.mark.parametrize("bad", [-1, 10**9])
def test_decoding_an_id_out_of_range_names_it(tokenizer, bad):
    for decode in (tokenizer.token_bytes, lambda i: tokenizer.decode([0, i])):
        with pytest.raises(ValueError, match=f"token id {bad} is not in 0..{tokenizer.vocab_size - 1}"):
            decode(bad)


@bounded
@given(st.data())
def test_every_sequence_of_ids_decodes(data):
    for tokenizer in TOKENIZERS.values():
        ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=20))
        assert isinstance(tokenizer.decode(ids), str)


def test_a_lone_surrogate_is_named_with_its_offset(tokenizer):
    tokenizer.stream_size = 2
    for encode in (tokenizer.encode, lambda text: list(tokenizer.encode_stream(text))):
        with pytest.raises(ValueError, match=r"surrogate U\+D800 at offset 4"):
            encode("that\ud800")
        with pytest.raises(ValueError, match=r"surrogate U\+D83D at offset 1"):
            encode("t\ud83d\ude42" + "t " * 300)  # a pair of halves is two lone surrogates in a str


def damaged(data):
    """Structures that differ from a valid one in one place each."""
    yield from (None, [], 7, {}, {**data, "type": "pickle"}, {**data, "type": ["bpe"]}, {**data, "version": 2})
    yield from ({**data, "version": True}, {**data, "extra": 1}, {k: v for k, v in data.items() if k != "version"})
    yield from ({**data, "special_tokens": bad} for bad in (None, [], {"": 5}, {"x": -1}, {"x": 0}, {"x": 1.5}))
    yield from ({**data, "special_tokens": {**data["special_tokens"], "x": bad}} for bad in (0, True, 10**30, "1"))
    yield {**data, "special_tokens": {**data["special_tokens"], "\ud800": len(data["special_tokens"])}}
    for field in data.keys() - {"type", "version", "special_tokens"}:
        yield from ({**data, field: bad} for bad in (None, 3, {}, [None], [[]], "\ud800", "ba", "aa", ""))
        if field == "merges":
            first, *rest = data[field]
            changed = ([first, first], [first[0]], [*first, 0], [0, 10**9], [-1, 0], [True, first[1]], "ab", [0.0, 1])
            yield from ({**data, field: [bad, *rest]} for bad in changed)
            yield from ({**data, field: bad} for bad in ([first, first, *rest], rest))
    if "byte_ids" in data:
        ids = data["byte_ids"]
        yield from ({**data, "byte_ids": bad} for bad in (ids[1:], [*ids, 999], [True, *ids[1:]], [ids[1], *ids[1:]]))


def test_damaged_structures_are_refused_in_one_line(tokenizer, tmp_path):
    path = tmp_path / "damaged.json"
    for number, data in enumerate(damaged(tokenizer.to_json())):
        path.write_text(json.dumps(data))
        with pytest.raises(ValueError) as caught:
            pytest.fail(f"number {number} was accepted: {load_tokenizer(path)}")
        assert str(caught.value).startswith("cannot load a tokenizer from") and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"type": "bpe"}', b"NaN"])
def test_damaged_files_are_refused_in_one_line(content, tmp_path):
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    for wrong in (path, tmp_path / "absent.json", tmp_path):
        with pytest.raises(ValueError, match=r"^cannot load a tokenizer from .*$"):
            load_tokenizer(wrong)


def test_importing_stays_light():
    import subprocess
    import sys

    heavy = "{'torch', 'tiktoken', 'transformers', 'tokenizers', 'numpy', 'regex'}"
    code = f"import sys, minigpt.tokenizers; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_the_base_class_is_abstract():
    with pytest.raises(TypeError):
        Tokenizer()
