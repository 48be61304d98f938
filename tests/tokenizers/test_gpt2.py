"""GPT-2's published vocabulary: the same ids as in tiktoken and transformers."""

import base64
import json

import pytest
from attack_texts import any_text, bounded
from hypothesis import given

from minigpt.tokenizers import BPETokenizer
from minigpt.tokenizers.tiktoken_bridge import to_tiktoken

READ = {}  # what takes a second to read, kept


@pytest.fixture
def gpt2_files(real_data):
    """The folder with GPT-2's published vocabulary."""
    return real_data / "gpt2_bpe"


@pytest.fixture
def gpt2(gpt2_files):
    """GPT-2's tokenizer, read once."""
    if "gpt2" not in READ:
        READ["gpt2"] = BPETokenizer.from_gpt2_files(gpt2_files / "encoder.json", gpt2_files / "vocab.bpe")
    return READ["gpt2"]


@pytest.fixture
def r50k(gpt2_files):
    """The library tiktoken's own GPT-2, from its published ranks and its own pattern, without a network."""
    import tiktoken
    from tiktoken_ext.openai_public import r50k_pat_str

    lines = (gpt2_files / "r50k_base.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
    special = {"<|endoftext|>": 50256}
    return tiktoken.Encoding("r50k", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens=special)


@pytest.fixture
def gpt2_there(gpt2_files):
    transformers = pytest.importorskip("transformers", reason="compares with the library transformers")
    ids = json.loads((gpt2_files / "encoder.json").read_text(encoding="utf-8"))
    lines = (gpt2_files / "vocab.bpe").read_text(encoding="utf-8").split("\n")[1:-1]
    return transformers.GPT2Tokenizer(vocab=ids, merges=[tuple(line.split(" ")) for line in lines])


def test_gpt2_ids_equal_tiktoken_and_transformers(gpt2, r50k, gpt2_there):
    @bounded
    @given(any_text)
    def check(text):
        ids = gpt2.encode(text)
        assert ids == gpt2._fast.encode(text) == r50k.encode_ordinary(text) and gpt2.decode(ids) == text
        assert gpt2.encode(text, "all") == gpt2_there(text)["input_ids"]

    check()


def test_gpt2_on_books(gpt2, r50k, real_data):
    for path in (real_data / "tinyshakespeare" / "input.txt", real_data / "tang_poems" / "tang300.json"):
        text = path.read_text(encoding="utf-8")[:300_000]
        ids = gpt2.encode(text)
        assert ids == r50k.encode_ordinary(text) == gpt2._encode_by_definition(text)
        assert [i for piece in gpt2.encode_stream(text.splitlines(keepends=True)) for i in piece] == ids


def test_gpt2_known_ids(gpt2):
    assert gpt2.encode("Hello world") == [15496, 995] and gpt2.encode(" Hello world") == [18435, 995]


def test_gpt2_files_under_hugging_faces_names(gpt2, gpt2_files, tmp_path):
    (tmp_path / "vocab.json").write_bytes((gpt2_files / "encoder.json").read_bytes())
    (tmp_path / "merges.txt").write_bytes((gpt2_files / "vocab.bpe").read_bytes())
    assert BPETokenizer.from_hf_folder(tmp_path).fingerprint == gpt2.fingerprint


def test_gpt2_as_tiktoken_has_the_published_ranks(gpt2, r50k):
    assert to_tiktoken(gpt2)._mergeable_ranks == r50k._mergeable_ranks
    assert gpt2.special_tokens == {"<|endoftext|>": 50256} and gpt2.vocab_size == 50257
