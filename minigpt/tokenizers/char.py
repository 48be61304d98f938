"""One id per character: the simplest tokenizer that works."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, Self

from minigpt.tokenizers.base import Tokenizer, check_fields, check_id, check_special_tokens, check_text


class CharTokenizer(Tokenizer):
    """Ids are positions in a sorted alphabet; special tokens follow it.

    >>> tokenizer = CharTokenizer.train("hello")
    >>> tokenizer.alphabet, tokenizer.encode("hole")
    ('ehlo', [1, 3, 2, 0])
    """

    type = "char"

    def __init__(self, alphabet: str, special_tokens: Sequence[str] = ()):
        """Args: the characters in ascending order, each once; and names of special tokens.

        Raises:
            ValueError: if the alphabet is empty, unsorted or repeats a character.
        """
        if not alphabet:
            raise ValueError("the alphabet is empty: train on a text with at least one character")
        check_text(alphabet)
        if list(alphabet) != sorted(set(alphabet)):
            raise ValueError("the alphabet must hold each character once, in ascending order")
        check_special_tokens(special_tokens)
        self.alphabet = alphabet
        self.special_tokens = {name: len(alphabet) + i for i, name in enumerate(special_tokens)}
        self._ids = {character: i for i, character in enumerate(alphabet)}
        self._tokens = [token.encode() for token in (*alphabet, *special_tokens)]

    @classmethod
    def train(cls, text_or_chunks: str | Iterable[str], special_tokens: Sequence[str] = ()) -> Self:
        """Take every character of a text (or of its chunks) as the alphabet."""
        alphabet = set()
        for chunk in text_or_chunks:
            alphabet.update(chunk)
        return cls("".join(sorted(alphabet)), special_tokens)

    @property
    def vocab_size(self) -> int:
        """Characters and special tokens."""
        return len(self._tokens)

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes of a character or of a special token's name."""
        check_id(token_id, self.vocab_size)
        return self._tokens[token_id]

    def _encode_ordinary(self, text: str, start: int) -> list[int]:
        try:
            return [self._ids[character] for character in text]
        except KeyError:
            offset = next(i for i, character in enumerate(text) if character not in self._ids)
            raise ValueError(
                f"character {text[offset]!r} (U+{ord(text[offset]):04X}) at offset {start + offset} is not in the "
                f"alphabet of {len(self.alphabet)}; train on text that has it, or use byte-level BPE, "
                "which can encode anything"
            ) from None

    def _may_cut(self, before: str, after: str) -> bool:
        return True

    def _fields(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}

    def to_hf_files(self, folder: str | os.PathLike) -> None:
        """Write files that ``transformers.AutoTokenizer`` loads; see ``huggingface.write_char``."""
        from minigpt.tokenizers.huggingface import write_char

        write_char(self, folder)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from ``to_json``; raises ValueError if anything is out of place."""
        check_fields(data, cls.type, {"alphabet": str})
        tokenizer = cls(data["alphabet"], list(data["special_tokens"]))
        if tokenizer.special_tokens != data["special_tokens"]:
            raise ValueError(f"special token ids must follow the alphabet, found {data['special_tokens']}")
        return tokenizer
