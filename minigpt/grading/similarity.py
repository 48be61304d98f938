"""Which submissions resemble each other more than the exercise explains? A list to look at, never a verdict.

Each submission becomes the set of all runs of 12 tokens in it, comments, docstrings and layout left out. Runs that the
handout has, too, do not count, nor do those that more than half of the class wrote. Two numbers for a pair: the share
of common runs as written, and with every name replaced by the same word, which renaming variables does not change.
"""

import io
import itertools
import keyword
import tokenize
from dataclasses import dataclass

LENGTH = 12
MIN_RUNS = 20


@dataclass(frozen=True)
class Pair:
    """Two submissions that resemble each other."""

    first: str
    second: str
    text: float
    """share of common runs, names as written"""
    structure: float
    """the same, whatever the names"""


def similar_pairs(texts, skeleton="", threshold=0.6):
    """The pairs whose structure or text agrees to at least this share, the most alike first.

    Args:
        texts: {student: source text}.
        skeleton: the handout's text, which everybody has.
        threshold: from 0 to 1.
    """
    sides = [{student: _runs(text, blind) for student, text in texts.items()} for blind in (False, True)]
    for runs, blind in zip(sides, (False, True)):
        _leave_out_common(runs, _runs(skeleton, blind))
    pairs = []
    for first, second in itertools.combinations(texts, 2):
        text, structure = (_overlap(runs[first], runs[second]) for runs in sides)
        if max(text, structure) >= threshold:
            pairs.append(Pair(first, second, round(text, 3), round(structure, 3)))
    return sorted(pairs, key=lambda pair: (-pair.text, -pair.structure, pair.first, pair.second))


def _leave_out_common(runs, skeleton):
    counts = {}
    for own in runs.values():
        for run in own:
            counts[run] = counts.get(run, 0) + 1
    everybody = {run for run, count in counts.items() if len(runs) >= 5 and 2 * count > len(runs)}
    for own in runs.values():
        own -= skeleton | everybody


def _overlap(first, second):
    smaller = min(len(first), len(second))
    return len(first & second) / smaller if smaller >= MIN_RUNS else 0.0


def _runs(text, blind):
    """The set of all runs of tokens; `blind` to names."""
    tokens = list(_tokens(text, blind))
    return {tuple(tokens[start : start + LENGTH]) for start in range(len(tokens) - LENGTH + 1)}


def _tokens(text, blind):
    begins_statement = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER):
                continue
            if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                begins_statement = True
                continue
            if token.type == tokenize.STRING and begins_statement:  # a docstring
                continue
            begins_statement = False
            is_name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
            yield "name" if blind and is_name else token.string
    except (tokenize.TokenError, SyntaxError):  # an unfinished file: what came before counts
        return
