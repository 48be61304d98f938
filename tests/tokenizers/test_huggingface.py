import json

import pytest
from attack_texts import HAMLET, SMALL, any_text, bounded
from hypothesis import given

from minigpt.tokenizers import BPETokenizer, CharTokenizer
from minigpt.tokenizers.huggingface import byte_characters

transformers = pytest.importorskip("transformers", reason="compares with the library transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hf")


@pytest.fixture(scope="module")
def small_there(folder):
    SMALL.to_hf_files(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


def test_the_byte_table_is_gpt2s():
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    assert byte_characters() == [bytes_to_unicode()[value] for value in range(256)]


@bounded
@given(any_text)
def test_auto_tokenizer_gives_our_ids(small_there, text):
    assert small_there(text)["input_ids"] == SMALL.encode(text, "all")
    assert small_there.decode(SMALL.encode(text, "all")) == text


def test_auto_tokenizer_knows_the_special_token(small_there):
    assert small_there.eos_token_id == SMALL.special_tokens["<|endoftext|>"] and len(small_there) == SMALL.vocab_size


def test_written_files_are_read_back(small_there, folder, tmp_path):
    assert BPETokenizer.from_hf_folder(folder).fingerprint == SMALL.fingerprint
    small_there.save_pretrained(tmp_path)
    assert BPETokenizer.from_hf_folder(tmp_path).fingerprint == SMALL.fingerprint


def test_a_tokenizer_trained_there_is_read(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    theirs.train_from_iterator([HAMLET], trainer)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = BPETokenizer.from_hf_folder(tmp_path)
    assert ours.special_tokens == {"<s>": 0} and ours.vocab_size == theirs.get_vocab_size() > 280
    for text in (HAMLET, "<s>never seen <s>", "é你"):
        assert ours.encode(text, "all") == theirs.encode(text).ids


def test_characters_there(tmp_path):
    text = "wörld\n\n hello\r\n"
    tokenizer = CharTokenizer.train(text, ["<|endoftext|>"])
    tokenizer.to_hf_files(tmp_path)
    there = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert there(text + "<|endoftext|>" + text)["input_ids"] == tokenizer.encode(text + "<|endoftext|>" + text, "all")
    assert there.decode(tokenizer.encode(text)) == text


def test_a_special_token_spelled_like_an_ordinary_one_cannot_be_written(tmp_path):
    tokenizer = BPETokenizer([(b"a", b"b")], {"ab": 257})
    with pytest.raises(ValueError, match="'ab' is also the ordinary token 256"):
        tokenizer.to_hf_files(tmp_path)


def change(data, path, value):
    *parents, last = path.split(".")
    for name in parents:
        data = data[name]
    data[last] = value


@pytest.mark.parametrize(
    "path, value",
    [
        ("model.type", "Unigram"),
        ("pre_tokenizer.type", "Metaspace"),
        ("pre_tokenizer", None),
        ("pre_tokenizer.add_prefix_space", True),
        ("pre_tokenizer.use_regex", False),
        ("normalizer", {"type": "Lowercase"}),
        ("model.dropout", 0.1),
        ("model.end_of_word_suffix", "</w>"),
        ("model.merges", [["a"]]),
        ("model.merges", []),
        ("model.merges", 3),
        ("model.vocab", {}),
        ("model.vocab", {"a": "0"}),
        ("added_tokens", [{"id": 5, "content": "<x>"}]),
        ("added_tokens", [{"id": 299, "content": "<|endoftext|>", "lstrip": True}]),
    ],
)
def test_files_that_mean_something_else_are_refused(tmp_path, path, value):
    SMALL.to_hf_files(tmp_path)
    data = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    change(data, path, value)
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^cannot read .*tokenizer.json: "):
        BPETokenizer.from_hf_folder(tmp_path)


def test_merged_tokens_numbered_out_of_order_are_refused(tmp_path):
    SMALL.to_hf_files(tmp_path)
    data = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    first, second = ("".join(pair) for pair in data["model"]["merges"][:2])
    vocab = data["model"]["vocab"]
    vocab[first], vocab[second] = vocab[second], vocab[first]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match="ascend in the order of the merges"):
        BPETokenizer.from_hf_folder(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer.json"):
        BPETokenizer.from_hf_folder(tmp_path)
    with pytest.raises(ValueError, match=r"encoder.json"):
        BPETokenizer.from_gpt2_files(tmp_path / "encoder.json", tmp_path / "vocab.bpe")
