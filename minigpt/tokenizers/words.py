r"""GPT-2's pre-tokenisation: text to the words that byte-pair encoding may never merge across.

The pattern is the one in Radford et al. (2019), "Language Models are Unsupervised Multitask Learners", as released
with the model (``encoder.py``)::

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

In words: an English contraction; letters, digits or other signs, each with the one space before them; and runs of
white space, which leave their last character to the word that follows. Nothing is lost: the words joined are the text.
"""

import re

from minigpt.tokenizers.unicode_classes import LETTERS, NUMBERS, WHITESPACE, character_class

_L, _N, _S = (character_class(ranges) for ranges in (LETTERS, NUMBERS, WHITESPACE))

# The published pattern, factored (a third faster), its classes spelled out so that every library reads it alike;
# [^S] is \S. Where the last alternative is reached, one white-space character is left before a word.
GPT2_PATTERN = (
    rf"'(?:[stmd]|re|ve|ll)| ?(?:[{_L}]+|[{_N}]+|[^{_S}{_L}{_N}]+)"
    rf"|[{_S}]+(?![^{_S}])|[{_S}]"
)

_WORD = re.compile(GPT2_PATTERN)
_KINDS = re.compile(rf"([{_S}])|([{_L}])|([{_N}])")
_SIGN = None  # what is neither white space, letter nor number


def split_words(text: str) -> list[str]:
    """The words of a text.

    >>> split_words("It's 1984,  and   so on")
    ['It', "'s", ' 1984', ',', ' ', ' and', '  ', ' so', ' on']
    """
    return _WORD.findall(text)


def _kind(character: str) -> int | None:
    match = _KINDS.match(character)
    return match.lastindex if match else _SIGN


def may_cut(before: str, after: str) -> bool:
    """Whether words always end between these two neighbours, whatever else the text holds.

    Never after white space: how a run of it is divided depends on what follows the run. Never after an apostrophe,
    which may start a contraction. Else wherever the kind of character changes: no word goes on over that.
    """
    kind = _kind(before)
    return kind != 1 and before != "'" and kind != _kind(after)
