import json
import sys
import unicodedata

import pytest
from attack_texts import any_text, bounded
from hypothesis import given

from minigpt.tokenizers import GPT1Tokenizer, load_tokenizer
from minigpt.tokenizers.basic_words import split_basic_words

TOKENS = ["<unk>", *"helo", "o</w>", "!</w>", "he", "ll", "hell", "hello</w>", "h</w>", "<</w>", "></w>", "unk</w>"]
MERGES = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o</w>")]


@pytest.fixture
def tiny():
    return GPT1Tokenizer(TOKENS[:-1], MERGES)


def test_worked_example(tiny):
    assert tiny.divide("hello") == ["hello</w>"] and tiny.divide("holle") == ["h", "o", "ll", "e</w>"]
    ids = tiny.encode("HELLO, hello!")
    assert [tiny.token_bytes(i) for i in ids] == [b"hello ", b"<unk>", b"hello ", b"! "]
    assert tiny.decode(ids) == "hello <unk>hello !"
    assert tiny.decode([]) == "" and tiny.decode(tiny.encode("  \n")) == ""


def test_the_unknown_token_cannot_be_injected(tiny):
    assert tiny.encode("<unk>", "all") == [0]
    assert [tiny.token_bytes(i) for i in tiny.encode("<hello>")] == [b"< ", b"hello ", b"> "]


def test_words():
    assert split_basic_words("Café—THE\u00adend\t你好 naïve;x") == [
        *("cafe", "—", "theend", "你", "好", "naive", ";", "x")
    ]


@pytest.mark.parametrize(
    "tokens, merges",
    [
        (TOKENS[1:-1], MERGES),  # no <unk>
        (TOKENS, MERGES),  # unk</w> comes from no merge
        (TOKENS[:-1], MERGES[1:]),  # nothing makes "he"
        (TOKENS[:-1], [*MERGES, MERGES[0]]),
        (TOKENS[:-1], MERGES[::-1]),
        ([*TOKENS[:-1], "h"], MERGES),
        ([*TOKENS[:-1], 3], MERGES),
    ],
)
def test_vocabularies_that_are_refused(tokens, merges):
    with pytest.raises(ValueError):
        GPT1Tokenizer(tokens, merges)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read a GPT-1 vocabulary from .*a.json"):
        GPT1Tokenizer.from_files(tmp_path / "a.json", tmp_path / "b.bpe")


# ---- the published vocabulary

READ = {}


@pytest.fixture
def gpt1(real_data):
    if "gpt1" not in READ:
        folder = real_data / "gpt1_bpe"
        READ["gpt1"] = GPT1Tokenizer.from_files(folder / "encoder_bpe_40000.json", folder / "vocab_40000.bpe")
    return READ["gpt1"]


@pytest.fixture
def there(real_data):
    """The library transformers' own, built from the same files."""
    transformers = pytest.importorskip("transformers", reason="compares with the library transformers")
    if "there" not in READ:
        folder = real_data / "gpt1_bpe"
        ids = json.loads((folder / "encoder_bpe_40000.json").read_text(encoding="utf-8"))
        lines = (folder / "vocab_40000.bpe").read_text(encoding="utf-8").split("\n")[1:-1]
        READ["there"] = transformers.OpenAIGPTTokenizer(vocab=ids, merges=[tuple(line.split()) for line in lines])
    return READ["there"]


def test_ids_equal_transformers(gpt1, there):
    @bounded
    @given(any_text)
    def check(text):
        ids = gpt1.encode(text, "all")
        assert ids == there(text)["input_ids"]
        assert gpt1.decode(ids) == there.decode(ids)

    check()


def test_ids_equal_transformers_for_every_character(gpt1, there):
    skipped = {"Cs", "Cn", "Co", "Lo"}  # no characters; and 127,000 letters without case, of which some are taken
    everything = map(chr, range(sys.maxunicode + 1))
    words = [f"a{c}b" for c in everything if unicodedata.category(c) not in skipped or ord(c) % 100 == 1]
    words = [word for word in words if unicodedata.category(word[1]) != "Cs"]
    for start in range(0, len(words), 1000):
        text = " ".join(words[start : start + 1000])
        assert gpt1.encode(text) == there(text)["input_ids"], f"in the 1000 from U+{ord(words[start][1]):04X}"


def test_ids_equal_transformers_on_a_book(gpt1, there, real_data):
    text = (real_data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")[:200_000]
    assert gpt1.encode(text) == there(text)["input_ids"]


def test_files_for_transformers(gpt1, tmp_path):
    transformers = pytest.importorskip("transformers", reason="compares with the library transformers")
    gpt1.to_hf_files(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("Hello, World! <unk> it's 你好 é", "The End."):
        assert loaded(text)["input_ids"] == gpt1.encode(text, "all")


def test_the_published_vocabulary_saves_and_loads(gpt1, tmp_path):
    gpt1.save(tmp_path / "gpt1.json")
    assert load_tokenizer(tmp_path / "gpt1.json").fingerprint == gpt1.fingerprint
