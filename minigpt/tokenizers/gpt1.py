"""GPT-1's tokenizer: byte-pair encoding over lower-case characters, with a mark at the end of each word.

Radford et al. (2018), "Improving Language Understanding by Generative Pre-Training", section 4.1: "a bytepair encoding
(BPE) vocabulary with 40,000 merges", after Sennrich et al. (2016). The last symbol of a word ends in ``</w>``.

Decoding is lossy: upper case, accents and the kind of white space are gone, and every word is followed by a space,
before a comma too.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from minigpt.tokenizers.base import Tokenizer, check_fields, check_id, check_special_tokens, read_json
from minigpt.tokenizers.basic_words import may_cut_basic, split_basic_words
from minigpt.tokenizers.bpe_training import replace_pair

END_OF_WORD = "</w>"
UNKNOWN = "<unk>"
MAX_CACHED_WORDS = 1 << 16


class GPT1Tokenizer(Tokenizer):
    """The published vocabulary of GPT-1, giving the ids of ``transformers.OpenAIGPTTokenizer``.

    Words are divided as BERT does (see ``basic_words``). The original release repaired text with ftfy, standardised
    dashes and quotes, divided words with spaCy, and kept accents and line ends, so that its ids differ where those
    matter. A character outside the vocabulary becomes ``<unk>``.
    """

    type = "gpt1"

    def __init__(self, tokens: Sequence[str], merges: Sequence[tuple[str, str]]):
        """Build from the tokens in the order of their ids, and merges in the order learned.

        Raises:
            ValueError: if tokens repeat, ``<unk>`` is missing, or a merge joins or makes an unknown token.
        """
        check_special_tokens(tokens)  # here too: distinct, non-empty, valid Unicode
        self._tokens, self.merges = list(tokens), [tuple(pair) for pair in merges]
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        if UNKNOWN not in self._ids:
            raise ValueError(f"the vocabulary must hold {UNKNOWN!r}")
        self.special_tokens = {UNKNOWN: self._ids[UNKNOWN]}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._check_merges()
        self._cache: dict[str, list[int]] = {}

    def _check_merges(self) -> None:
        """Each merge must join tokens that exist by then into a new one; what no merge makes is one character."""
        pending = {"".join(pair) for pair in self.merges}
        for token in self._ids.keys() - pending - {UNKNOWN}:
            if len(token.removesuffix(END_OF_WORD)) != 1:
                raise ValueError(f"no merge makes the token {token!r}")
        if len(pending) < len(self.merges):
            raise ValueError("two merges make the same token")
        for number, pair in enumerate(self.merges):
            token = "".join(pair)
            if any(part in pending or part not in self._ids for part in pair) or token not in self._ids:
                raise ValueError(f"merge {number}, {pair}, joins or makes a token that is not there by then")
            pending.remove(token)

    @classmethod
    def from_files(cls, vocab_json: str | os.PathLike, merges: str | os.PathLike) -> Self:
        """Read the files of the release: ``encoder_bpe_40000.json`` and ``vocab_40000.bpe``.

        Raises:
            ValueError: if a file is missing or is not a vocabulary.
        """
        try:
            ids = read_json(vocab_json)
            lines = Path(merges).read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot read a GPT-1 vocabulary from {vocab_json} and {merges}: {error}") from None
        if not isinstance(ids, dict) or sorted(map(str, ids.values())) != sorted(map(str, range(len(ids)))):
            raise ValueError(f"{vocab_json} must map tokens to the ids 0, 1, 2, ...")
        pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"{merges} must hold two symbols on each line")
        return cls(sorted(ids, key=lambda token: int(ids[token])), pairs)

    @property
    def vocab_size(self) -> int:
        """All tokens, ``<unk>`` included."""
        return len(self._tokens)

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes of a token, its end-of-word mark written as a space."""
        check_id(token_id, self.vocab_size)
        return self._tokens[token_id].replace(END_OF_WORD, " ").encode()

    def decode(self, ids: Iterable[int]) -> str:
        """Words with one space after each but the last token; raises ValueError if an id is out of range."""
        ids = list(ids)
        text = b"".join(self.token_bytes(token_id) for token_id in ids).decode()
        return text[:-1] if ids and self._tokens[ids[-1]].endswith(END_OF_WORD) else text

    def _encode_ordinary(self, text: str, start: int) -> list[int]:
        return [token_id for word in split_basic_words(text) for token_id in self._word_ids(word)]

    def _word_ids(self, word: str) -> list[int]:
        ids = self._cache.get(word)  # looked up once: another thread may empty the cache at any time
        if ids is None:
            unknown = self._ids[UNKNOWN]
            ids = [self._ids.get(symbol, unknown) for symbol in self.divide(word)]
            if len(self._cache) >= MAX_CACHED_WORDS:
                self._cache.clear()
            self._cache[word] = ids
        return ids

    def divide(self, word: str) -> list[str]:
        """The symbols of one word: merge the pair learned first, everywhere in the word, until none is known."""
        symbols = [*word[:-1], word[-1] + END_OF_WORD]
        while known := [pair for pair in pairwise(symbols) if pair in self._ranks]:
            best = min(known, key=self._ranks.__getitem__)
            symbols = replace_pair(symbols, best, "".join(best))
        return symbols

    def _may_cut(self, before: str, after: str) -> bool:
        return may_cut_basic(before, after)

    def _fields(self) -> dict[str, Any]:
        return {"tokens": self._tokens, "merges": [[self._ids[a], self._ids[b]] for a, b in self.merges]}

    def to_hf_files(self, folder: str | os.PathLike) -> None:
        """Write files that ``transformers.AutoTokenizer`` loads; see ``huggingface.write_gpt1``."""
        from minigpt.tokenizers.huggingface import write_gpt1

        write_gpt1(self, folder)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from ``to_json``; raises ValueError if anything is out of place."""
        check_fields(data, cls.type, {"tokens": list, "merges": list})
        tokens = data["tokens"]
        for number, pair in enumerate(data["merges"]):
            if not (type(pair) is list and len(pair) == 2 and all(is_index(i, tokens) for i in pair)):
                raise ValueError(f"merge {number} must be two token ids, not {pair!r}")
        tokenizer = cls(tokens, [(tokens[left], tokens[right]) for left, right in data["merges"]])
        if tokenizer.special_tokens != data["special_tokens"]:
            raise ValueError(f"special_tokens must be {tokenizer.special_tokens}, found {data['special_tokens']}")
        return tokenizer


def is_index(value: Any, items: Sequence) -> bool:
    """Whether a value from a file is a plain int that counts into ``items``."""
    return type(value) is int and 0 <= value < len(items)
