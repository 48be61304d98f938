"""Vocabularies in other people's files: OpenAI's GPT-2 release and Hugging Face's ``tokenizer.json``, in and out.

A ``tokenizer.json`` (library ``tokenizers``, the only file that transformers 5 writes) is a chain: normalizer,
pre_tokenizer, model, decoder, each a small object with a ``type``; tokens with a name of their own are
``added_tokens``. Both kinds of file write bytes as printable characters, see ``byte_characters``.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigpt.tokenizers.base import Tokenizer, read_json, write_json
from minigpt.tokenizers.bpe import BPETokenizer
from minigpt.tokenizers.char import CharTokenizer
from minigpt.tokenizers.gpt1 import END_OF_WORD, UNKNOWN, GPT1Tokenizer

END_OF_TEXT = "<|endoftext|>"
GPT2_FILES = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]  # Hugging Face's names, OpenAI's names


def byte_characters() -> list[str]:
    """The printable character that stands for each byte, so that a vocabulary can be a text file.

    Printable bytes of Latin-1 stand for themselves; the other 68 take the characters from U+0100 on, in order. (Radford
    et al. 2019's released encoder, ``bytes_to_unicode``.)

    >>> byte_characters()[ord("A")], byte_characters()[ord(" ")]
    ('A', 'Ġ')
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    stand_ins = iter(range(0x100, 0x200))
    return [chr(value if value in printable else next(stand_ins)) for value in range(256)]


CHARACTER_OF = byte_characters()
BYTE_OF = {character: value for value, character in enumerate(CHARACTER_OF)}


def to_characters(token: bytes) -> str:
    """Bytes as they are written in vocabulary files."""
    return "".join(CHARACTER_OF[value] for value in token)


def from_characters(text: str) -> bytes:
    """Bytes that a vocabulary file writes as this text; ValueError for a character that stands for none."""
    try:
        return bytes(BYTE_OF[character] for character in text)
    except KeyError as error:
        raise ValueError(f"{text!r} in a vocabulary holds {error.args[0]!r}, which stands for no byte") from None


# ---- reading


def read_gpt2_files(vocab_json: str | os.PathLike, merges_txt: str | os.PathLike) -> dict[str, Any]:
    """Arguments of ``BPETokenizer`` from ``encoder.json`` and ``vocab.bpe`` (or ``vocab.json``, ``merges.txt``).

    An entry that is neither a byte nor made by a merge is a special token, such as ``<|endoftext|>``.

    Raises:
        ValueError: if a file is missing, damaged, or not a byte-level BPE vocabulary.
    """
    try:
        ids = read_json(vocab_json)
        lines = Path(merges_txt).read_text(encoding="utf-8").split("\n")
        pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
        made = {*CHARACTER_OF, *("".join(pair) for pair in pairs)}
        special = {name: token_id for name, token_id in _checked_ids(ids).items() if name not in made}
        return _bpe_arguments(ids, pairs, special)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read a GPT-2 vocabulary from {vocab_json} and {merges_txt}: {error}") from None


def read_hf_folder(folder: str | os.PathLike) -> dict[str, Any]:
    """Arguments of ``BPETokenizer`` from a folder with ``tokenizer.json``, or with the pair of older files.

    Raises:
        ValueError: if there is no such file, or it describes something else than GPT-2's byte-level BPE.
    """
    path = Path(folder) / "tokenizer.json"
    if not path.exists():
        for names in GPT2_FILES:
            if all((Path(folder) / name).exists() for name in names):
                return read_gpt2_files(*(Path(folder) / name for name in names))
    try:
        return _from_tokenizer_json(read_json(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot read {path}: unexpected structure ({error!r})") from None
    except ValueError as error:
        raise ValueError(f"cannot read {path}: {error}") from None


def _from_tokenizer_json(data: Mapping[str, Any]) -> dict[str, Any]:
    model, splitter = data["model"], data["pre_tokenizer"]
    if model.get("type", "BPE") != "BPE" or splitter["type"] != "ByteLevel":
        raise ValueError(f"need BPE after ByteLevel, found {model.get('type')} after {splitter['type']}")
    changes_ids = {
        "normalizer": data.get("normalizer"),
        "add_prefix_space": splitter.get("add_prefix_space"),
        "no use_regex": not splitter.get("use_regex", True),
        "dropout": model.get("dropout"),
        "continuing_subword_prefix": model.get("continuing_subword_prefix"),
        "end_of_word_suffix": model.get("end_of_word_suffix"),
    }
    for name, value in changes_ids.items():
        if value:
            raise ValueError(f"{name}={value!r} is not GPT-2's tokenisation")
    special = {}
    for added in data.get("added_tokens", []):
        if added.get("single_word") or added.get("lstrip") or added.get("rstrip"):
            raise ValueError(f"added token {added['content']!r} takes in its surroundings, which we do not do")
        special[added["content"]] = added["id"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    return _bpe_arguments(_checked_ids(model["vocab"]) | special, pairs, special)


def _checked_ids(ids: Any) -> dict[str, int]:
    if not isinstance(ids, dict) or not all(type(token_id) is int for token_id in ids.values()):
        raise ValueError("the vocabulary must map tokens to integer ids")
    return ids


def _bpe_arguments(ids: dict[str, int], pairs: list, special: dict[str, int]) -> dict[str, Any]:
    """Arguments of ``BPETokenizer``, after checking that it will number every token as the file does."""
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("each merge must be two tokens")
    missing = [character for character in CHARACTER_OF if character not in ids]
    if missing:
        raise ValueError(f"{len(missing)} of the 256 bytes have no token, so it cannot encode every text")
    merged = ["".join(pair) for pair in pairs]
    merged_ids = [ids.get(token, -1) for token in merged]
    if -1 in merged_ids or merged_ids != sorted(set(merged_ids)):
        raise ValueError("ids of merged tokens must ascend in the order of the merges")
    if len(ids) != 256 + len(pairs) + len(special) or {*ids.values()} != {*range(len(ids))}:
        raise ValueError("the ids must run from 0 without gaps, one for each byte, merge and special token")
    return {
        "merges": [(from_characters(left), from_characters(right)) for left, right in pairs],
        "special_tokens": special,
        "byte_ids": [ids[character] for character in CHARACTER_OF],
    }


# ---- writing


def write_bpe(tokenizer: BPETokenizer, folder: str | os.PathLike) -> None:
    """Write a byte-level BPE tokenizer for ``transformers.AutoTokenizer``.

    There, special tokens are always recognised in a text, as by ``encode(text, allowed_special="all")`` here.

    Raises:
        ValueError: if a special token is written like an ordinary one: the file could not tell them apart.
    """
    vocab = {to_characters(token): token_id for token, token_id in tokenizer.ordinary_ids().items()}
    merges = [[to_characters(left), to_characters(right)] for left, right in tokenizer.merges]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": vocab, "merges": merges}
    _write(tokenizer, folder, model, pre_tokenizer=byte_level, decoder=byte_level)


def write_char(tokenizer: CharTokenizer, folder: str | os.PathLike) -> None:
    """Write a character tokenizer for ``transformers.AutoTokenizer``; see ``write_bpe``.

    A character outside the alphabet is an error there too: the unknown token it asks for does not exist.
    """
    vocab = {character: token_id for token_id, character in enumerate(tokenizer.alphabet)}
    each = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN}
    _write(tokenizer, folder, model, pre_tokenizer=each, decoder={"type": "Fuse"})


def write_gpt1(tokenizer: GPT1Tokenizer, folder: str | os.PathLike) -> None:
    """Write GPT-1's tokenizer for ``transformers.AutoTokenizer``; see ``write_bpe``."""
    tokens = tokenizer.to_json()["tokens"]
    model = {
        "type": "BPE",
        "unk_token": UNKNOWN,
        "end_of_word_suffix": END_OF_WORD,
        "vocab": {token: token_id for token_id, token in enumerate(tokens)},
        "merges": [list(pair) for pair in tokenizer.merges],
    }
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    }
    decoder = {"type": "BPEDecoder", "suffix": END_OF_WORD}
    _write(tokenizer, folder, model, normalizer, {"type": "BertPreTokenizer"}, decoder)


def _write(
    tokenizer: Tokenizer,
    folder: str | os.PathLike,
    model: dict[str, Any],
    normalizer: dict[str, Any] | None = None,
    pre_tokenizer: dict[str, Any] | None = None,
    decoder: dict[str, Any] | None = None,
) -> None:
    special = tokenizer.special_tokens
    for name, token_id in special.items():
        if model["vocab"].get(name, token_id) != token_id:
            raise ValueError(f"special token {name!r} is also the ordinary token {model['vocab'][name]}")
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    added = [{"id": token_id, "content": name} | flags for name, token_id in special.items()]
    parts = {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": decoder}
    data = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **parts, "model": model}
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
    }
    settings |= {"unk_token": UNKNOWN} if UNKNOWN in special else {}
    settings |= {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT} if END_OF_TEXT in special else {}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "tokenizer.json", data, indent=1)
    write_json(folder / "tokenizer_config.json", settings, indent=1)
