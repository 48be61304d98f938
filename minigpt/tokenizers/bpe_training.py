"""Byte-pair encoding, the learning half: which pairs of tokens to merge, and in what order.

Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units": start from single symbols and
merge the most frequent pair of neighbours, again and again. Two observations make it fast. A text repeats its words,
so each distinct word is stored once with its count. And a merge changes only the words that hold the pair, so the
counts of all pairs are kept up to date instead of being taken again.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise

Pair = tuple[int, int]


def train_merges(
    word_counts: Mapping[bytes, int], n_merges: int, progress: Callable[[int, int], None] | None = None
) -> list[tuple[bytes, bytes]]:
    """Learn merges from words and how often each occurs.

    The next pair is the one that occurs most often (overlapping occurrences count: "aaa" has the pair "a", "a"
    twice); of those, the greater pair of byte strings, by left part and then by right part. Within a word, pairs are
    merged from left to right.

    Args:
        word_counts: occurrences of each word; no merge crosses from one word to the next.
        n_merges: the most merges to learn.
        progress: called with the number of merges done and ``n_merges`` after each merge.
    Returns:
        the merges in order; fewer than ``n_merges`` if no pair is left that occurs at least twice.
    """
    trainer = _Trainer(word_counts)
    merges = []
    while len(merges) < n_merges and (pair := trainer.pop_best()):
        merges.append(trainer.merge(pair))
        if progress:
            progress(len(merges), n_merges)
    return merges


class _Trainer:
    """All words as lists of token numbers, and for each pair its count and the words it may stand in."""

    def __init__(self, word_counts: Mapping[bytes, int]):
        self.words = [list(word) for word in word_counts]
        self.word_counts = list(word_counts.values())
        self.tokens = [bytes([value]) for value in range(256)]
        self.order = [_descending(token) for token in self.tokens]
        self.pair_counts: dict[Pair, int] = defaultdict(int)
        self.words_with: dict[Pair, set[int]] = defaultdict(set)
        for index, word in enumerate(self.words):
            for pair in pairwise(word):
                self.pair_counts[pair] += self.word_counts[index]
                self.words_with[pair].add(index)
        self.heap = [self.heap_entry(pair) for pair in self.pair_counts]
        heapq.heapify(self.heap)

    def heap_entry(self, pair: Pair) -> tuple:
        """Sorts before the entries of all pairs that should be merged later."""
        left, right = pair
        return -self.pair_counts[pair], self.order[left], self.order[right], pair

    def pop_best(self) -> Pair | None:
        """The pair to merge next, or None if none occurs twice.

        A pair's count only falls once both its tokens exist, so an entry in the heap may promise too much but never
        too little: put it back with the present count, until the top entry is true.
        """
        while self.heap:
            negative_count, *_, pair = heapq.heappop(self.heap)
            count = self.pair_counts[pair]
            if count == -negative_count:
                return pair if count > 1 else None
            if count > 1:
                heapq.heappush(self.heap, self.heap_entry(pair))
        return None

    def merge(self, pair: Pair) -> tuple[bytes, bytes]:
        """Replace a pair by a new token in every word; returns the pair's byte strings."""
        left, right = (self.tokens[part] for part in pair)
        new = len(self.tokens)
        self.tokens.append(left + right)
        self.order.append(_descending(left + right))
        appeared = set()
        for index in self.words_with.pop(pair):
            appeared |= self.rewrite_word(index, pair, new)
        for new_pair in appeared:
            heapq.heappush(self.heap, self.heap_entry(new_pair))
        return left, right

    def rewrite_word(self, index: int, pair: Pair, new: int) -> set[Pair]:
        """Merge in one word and correct the counts; returns the pairs that appeared."""
        before, count, pair_counts = self.words[index], self.word_counts[index], self.pair_counts
        after = replace_pair(before, pair, new)
        if len(after) == len(before):  # an earlier merge took the pair from this word
            return set()
        for old_pair in pairwise(before):
            pair_counts[old_pair] -= count
        appeared = set()
        for new_pair in pairwise(after):
            pair_counts[new_pair] += count
            if new in new_pair:
                appeared.add(new_pair)
                self.words_with[new_pair].add(index)
        self.words[index] = after
        return appeared


def replace_pair(word: list[int], pair: Pair, new: int) -> list[int]:
    """The word with each occurrence of ``pair``, from left to right, replaced by ``new``.

    >>> replace_pair([7, 7, 7, 1], (7, 7), 256)
    [256, 7, 1]
    """
    left, right = pair
    merged, position, last = [], 0, len(word) - 1
    while position <= last:
        if word[position] == left and position < last and word[position + 1] == right:
            merged.append(new)
            position += 2
        else:
            merged.append(word[position])
            position += 1
    return merged


def _descending(token: bytes) -> str:
    """A key that sorts byte strings from greatest to least: heapq only has a smallest item.

    Each byte is mirrored; the end mark, above every mirrored byte, puts a prefix after its continuations.
    """
    return "".join(chr(255 - value) for value in token) + "\u0100"
