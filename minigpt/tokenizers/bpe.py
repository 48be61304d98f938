"""Byte-level byte-pair encoding, GPT-2's tokenizer: any text, no unknown characters, and it can be trained.

Radford et al. (2019), section 2.2: start from the 256 bytes, merge within words only (see ``words``).

What a text's ids are, in one rule: in each word, while two neighbours joined are a token, join those whose token was
learned first (the leftmost of them), and write down the ids. tiktoken works by this rule. The textbook's asks whether
the *pair* was learned, and could differ if two pairs spell the same bytes, as (a, bc) and (ab, c) do. It does not
differ here: every token must come from the very pair that its own bytes reduce to by earlier merges. Training
guarantees that (a span that no merge has crossed is always divided as it would be alone), and the constructor checks
it for merges from elsewhere. So one vocabulary gives the same ids here, in tiktoken and in Hugging Face's tokenizers.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import count, pairwise
from typing import Any, Self

from minigpt.tokenizers.base import (
    Tokenizer,
    check_fields,
    check_id,
    check_special_tokens,
    check_text,
    split_at_special,
)
from minigpt.tokenizers.bpe_training import train_merges
from minigpt.tokenizers.pieces import pieces_between_cuts
from minigpt.tokenizers.tiktoken_bridge import FastEncoder, to_tiktoken
from minigpt.tokenizers.words import may_cut, split_words

LONG_TEXT = 200  # characters from which tiktoken is worth its start
COUNTED_PIECE = 1 << 20  # characters taken at a time when words are counted
MAX_CACHED_WORDS = 1 << 16
NOT_A_TOKEN = sys.maxsize  # above every id


class BPETokenizer(Tokenizer):
    """Byte-level BPE.

    A tokenizer that we train numbers the bytes 0..255 in order, then the merges as learned, then special tokens.
    Published vocabularies number them differently; in all, the ids of merged tokens ascend as learned.
    """

    type = "bpe"

    def __init__(
        self,
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Mapping[str, int] | None = None,
        byte_ids: Sequence[int] = range(256),
    ):
        """Build from learned merges.

        Args:
            merges: pairs of tokens' bytes, in the order learned.
            special_tokens: text -> id; by default there are none.
            byte_ids: the id of each single byte. Merges take, in order, the ids that bytes and special tokens leave.
        Raises:
            ValueError: if ids collide or leave gaps, or if training could not have learned these merges.
        """
        self.special_tokens = dict(special_tokens or {})
        check_special_tokens(self.special_tokens)
        self.byte_ids = tuple(byte_ids)
        self.merges = list(merges)
        taken = {*self.byte_ids, *self.special_tokens.values()}
        size = 256 + len(self.merges) + len(self.special_tokens)
        if len(self.byte_ids) != 256 or len(taken) + len(self.merges) != size:
            raise ValueError("byte_ids must be 256 ids; they and the special tokens' must all differ")
        if min(taken) < 0 or max(taken) >= size:
            raise ValueError(f"ids run from {min(taken)} to {max(taken)}, but there are {size} tokens")
        self._ids = self._number_tokens(taken)
        self._tokens = [b""] * size
        for token, token_id in (*self._ids.items(), *self._special_bytes()):
            self._tokens[token_id] = token
        self._cache: dict[str, list[int]] = {}

    def _number_tokens(self, taken: set[int]) -> dict[bytes, int]:
        """Ids of all ordinary tokens by their bytes; checks every merge."""
        ids = {bytes([value]): token_id for value, token_id in enumerate(self.byte_ids)}
        free_ids = (token_id for token_id in count() if token_id not in taken)
        for number, pair in enumerate(self.merges):
            token = b"".join(pair)
            if merge_bytes(token, ids) != list(pair):  # also when the token exists already
                raise ValueError(f"merge {number}, {pair}: training cannot have learned it after those before it")
            ids[token] = next(free_ids)
        return ids

    def _special_bytes(self) -> list[tuple[bytes, int]]:
        return [(name.encode(), token_id) for name, token_id in self.special_tokens.items()]

    @classmethod
    def train(
        cls,
        text_or_chunks: str | Iterable[str],
        vocab_size: int,
        special_tokens: Sequence[str] = ("<|endoftext|>",),
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Learn merges from a text.

        Special tokens found in the text separate documents and are not learned from. See ``train_merges`` for how
        ties are broken; training is deterministic.

        Args:
            text_or_chunks: the text, or its consecutive parts, so that it need not fit in memory.
            vocab_size: tokens wanted: 256 bytes, merges, special tokens. When no pair occurs twice any more,
                training stops early and the tokenizer's own ``vocab_size`` is smaller.
            special_tokens: texts without white space that get an id of their own.
            progress: called with the numbers of merges done and wanted after each merge.
        Raises:
            ValueError: if ``vocab_size`` has no room for the bytes and the special tokens.
        """
        check_special_tokens(special_tokens)
        n_merges = vocab_size - 256 - len(special_tokens)
        if n_merges < 0:
            raise ValueError(
                f"vocab_size={vocab_size} must be at least {256 + len(special_tokens)}: "
                f"256 bytes and {len(special_tokens)} special tokens"
            )
        merges = train_merges(count_words(text_or_chunks, special_tokens), n_merges, progress)
        first = 256 + len(merges)
        return cls(merges, {name: first + i for i, name in enumerate(special_tokens)})

    @property
    def vocab_size(self) -> int:
        """Bytes, merges and special tokens."""
        return len(self._tokens)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token, which may be a part of a character; for a special token, those of its name."""
        check_id(token_id, self.vocab_size)
        return self._tokens[token_id]

    def ordinary_ids(self) -> dict[bytes, int]:
        """Ids of all tokens but the special ones, by their bytes; of two merges, the earlier has the smaller id."""
        return dict(self._ids)

    def _encode_ordinary(self, text: str, start: int) -> list[int]:
        if len(text) >= LONG_TEXT:
            return self._fast.encode(text)
        return self._encode_by_definition(text)

    def _encode_by_definition(self, text: str) -> list[int]:
        """What ids mean; the fast encoder must agree with this."""
        return [token_id for word in split_words(text) for token_id in self._word_ids(word)]

    def _word_ids(self, word: str) -> list[int]:
        ids = self._cache.get(word)  # looked up once: another thread may empty the cache at any time
        if ids is None:
            ids = [self._ids[token] for token in merge_bytes(word.encode(), self._ids)]
            if len(self._cache) >= MAX_CACHED_WORDS:
                self._cache.clear()
            self._cache[word] = ids
        return ids

    @cached_property
    def _fast(self) -> FastEncoder:
        return FastEncoder(to_tiktoken(self))

    def _may_cut(self, before: str, after: str) -> bool:
        return may_cut(before, after)

    def _fields(self) -> dict[str, Any]:
        merges = [[self._ids[left], self._ids[right]] for left, right in self.merges]
        return {"byte_ids": list(self.byte_ids), "merges": merges}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from ``to_json``; raises ValueError if anything is out of place."""
        check_fields(data, cls.type, {"byte_ids": list, "merges": list})
        byte_ids, special_tokens = data["byte_ids"], data["special_tokens"]
        if not all(type(token_id) is int for token_id in byte_ids):
            raise ValueError("byte_ids must be integers")
        tokens = {token_id: bytes([value]) for value, token_id in enumerate(byte_ids[:256])}
        taken = {*byte_ids, *special_tokens.values()}
        free_ids = (token_id for token_id in count() if token_id not in taken)
        merges = []
        for number, pair in enumerate(data["merges"]):
            if not (type(pair) is list and len(pair) == 2 and all(type(i) is int and i in tokens for i in pair)):
                raise ValueError(f"merge {number} must be the ids of two earlier tokens, not {pair!r}")
            merges.append((tokens[pair[0]], tokens[pair[1]]))
            tokens[next(free_ids)] = b"".join(merges[-1])
        return cls(merges, special_tokens, byte_ids)

    @classmethod
    def from_gpt2_files(cls, vocab_json: str | os.PathLike, merges_txt: str | os.PathLike) -> Self:
        """Read a vocabulary as OpenAI published it; see ``huggingface.read_gpt2_files``."""
        from minigpt.tokenizers.huggingface import read_gpt2_files

        return cls(**read_gpt2_files(vocab_json, merges_txt))

    @classmethod
    def from_hf_folder(cls, folder: str | os.PathLike) -> Self:
        """Read a byte-level BPE tokenizer in Hugging Face's layout; see ``huggingface.read_hf_folder``."""
        from minigpt.tokenizers.huggingface import read_hf_folder

        return cls(**read_hf_folder(folder))

    def to_hf_files(self, folder: str | os.PathLike) -> None:
        """Write files that ``transformers.AutoTokenizer`` loads; see ``huggingface.write_bpe``."""
        from minigpt.tokenizers.huggingface import write_bpe

        write_bpe(self, folder)


def merge_bytes(word: bytes, ids: Mapping[bytes, int]) -> list[bytes]:
    """Divide a word into tokens.

    Args:
        word: the bytes of one word.
        ids: ids of tokens; of two merged tokens, the one learned earlier has the smaller id.

    >>> merge_bytes(b"hugs", {b"ug": 256, b"hu": 257, b"hug": 258})
    [b'hug', b's']
    """
    parts = [word[i : i + 1] for i in range(len(word))]
    while len(parts) > 1:
        joined = [ids.get(left + right, NOT_A_TOKEN) for left, right in pairwise(parts)]
        earliest = min(joined)
        if earliest == NOT_A_TOKEN:
            break
        i = joined.index(earliest)  # the leftmost, where it occurs more than once
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts


def count_words(text_or_chunks: str | Iterable[str], special_tokens: Sequence[str] = ()) -> Counter[bytes]:
    """How often each word occurs in a text, as UTF-8; special tokens separate texts and are not counted.

    Raises:
        ValueError: if a special token holds white space, or the text a lone surrogate.
    """
    if any(character.isspace() for name in special_tokens for character in name):
        raise ValueError(f"a special token to train with must not hold white space: {list(special_tokens)}")

    def before_space(before: str, after: str) -> bool:  # also never cuts inside a special token
        return after.isspace() and may_cut(before, after)

    counts: Counter[str] = Counter()
    for piece in pieces_between_cuts(text_or_chunks, before_space, COUNTED_PIECE):
        for part in split_at_special(piece, special_tokens) if special_tokens else [piece]:
            if part not in special_tokens:
                counts.update(split_words(part))
    check_text("".join(counts))
    return Counter({word.encode(): n for word, n in counts.items()})
