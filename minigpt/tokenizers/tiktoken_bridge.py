"""Our tokenizers inside tiktoken, OpenAI's encoder in Rust: the same ids, many times faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigpt.tokenizers.pieces import pieces_between_cuts
from minigpt.tokenizers.words import GPT2_PATTERN, may_cut, split_words

if TYPE_CHECKING:
    import tiktoken

    from minigpt.tokenizers.bpe import BPETokenizer

PIECE = 1 << 17  # characters


def to_tiktoken(tokenizer: BPETokenizer) -> tiktoken.Encoding:
    """A ``tiktoken.Encoding`` that gives a tokenizer's ids to every text; built offline.

    tiktoken wants one number per token, both its id and its rank: our ids of merged tokens ascend as learned, and the
    ids of single bytes, whatever their order, are never compared.
    """
    import tiktoken

    return tiktoken.Encoding(
        name=f"minigpt-{tokenizer.vocab_size}",
        pat_str=GPT2_PATTERN,
        mergeable_ranks=tokenizer.ordinary_ids(),
        special_tokens=tokenizer.special_tokens,
    )


class FastEncoder:
    """Encodes ordinary text of any length with a ``tiktoken.Encoding``.

    A run of about a million blanks overflows the stack of tiktoken's pattern matcher, so a text goes there in pieces;
    one that holds no place to cut is divided into words here, and tiktoken merges each.
    """

    def __init__(self, encoding: tiktoken.Encoding):
        """Args: an encoding from ``to_tiktoken``."""
        import tiktoken

        self.encoding = encoding
        self.word_encoding = tiktoken.Encoding(  # takes any text for a single word
            name=f"{encoding.name}-words",
            pat_str=r"[\s\S]+",
            mergeable_ranks=encoding._mergeable_ranks,
            special_tokens={},
        )

    def encode(self, text: str) -> list[int]:
        """Ids of a text, which must be valid Unicode."""
        ids: list[int] = []
        for piece in pieces_between_cuts(text, may_cut, PIECE):
            if len(piece) <= 2 * PIECE:
                ids += self.encoding.encode_ordinary(piece)
            else:
                for word in split_words(piece):
                    ids += self.word_encoding.encode_ordinary(word)
        return ids
