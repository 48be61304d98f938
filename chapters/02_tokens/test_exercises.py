"""Tests of chapter 02's exercises. Expected values come from Python's own codecs, from `minigpt`, or from counting."""

import codecs
import re

from minigpt.grading import check_close, check_equal, check_raises, check_that, exercise
from minigpt.tokenizers.bpe import merge_bytes
from minigpt.tokenizers.bpe_training import replace_pair, train_merges

# Characters of one to four bytes, marks, and several kinds of digits and of white space.
SIGNS = "aabbcde ABé ßλ你好世🙂🚀e\u0301\u200d'’.,!?-_ \n\t 0123½²٣"


def random_text(rng, length):
    """Characters of one to four bytes, and others from all of Unicode."""
    text = ""
    while len(text) < length:
        if rng.random() < 0.85:
            text += SIGNS[rng.integers(len(SIGNS))]
        else:
            number = int(rng.integers(1, 0x110000))
            text += chr(number) if not 0xD800 <= number <= 0xDFFF else "\U00010000"
    return text[:length]


def random_cuts(rng, data, n_cuts):
    """The bytes in pieces, cut anywhere; pieces may be empty."""
    places = sorted(rng.integers(0, len(data) + 1, size=n_cuts).tolist())
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)])]


def random_words(rng, n_words, letters=b"aab"):
    """Short words with counts, of few letters, so that pairs repeat, overlap and tie."""
    words = {}
    for _ in range(n_words):
        word = bytes(letters[rng.integers(len(letters))] for _ in range(rng.integers(1, 7)))
        words[word] = int(rng.integers(1, 4))
    return words


# ----------------------------------------------------------------------------------------------------- utf8_encode


@exercise("utf8_encode", points=2, minutes=15, difficulty=2, forbids=("builtins.chr", "str.encode"))
def test_every_length_and_every_edge(answers, rng):
    edges = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]
    inside = [int(rng.integers(low, high)) for low, high in
              ((1, 0x7F), (0x80, 0x7FF), (0x800, 0xD800), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)) for _ in range(8)]
    for number in edges + inside:
        check_equal(answers.utf8_encode(number), chr(number).encode("utf-8"))


@exercise("utf8_encode")
def test_what_is_no_character_is_refused(answers, rng):
    for number in (-1, 0x110000, 0xD800, 0xDFFF, int(rng.integers(0xD801, 0xDFFF))):
        check_raises("ValueError", answers.utf8_encode, number)


# ----------------------------------------------------------------------------------------------------- stream_text


def streamed(tokens):
    """By Python's incremental decoder."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [*(decoder.decode(token) for token in tokens), decoder.decode(b"", final=True)]


@exercise("stream_text", points=3, minutes=20, difficulty=2)
def test_half_characters_wait(answers, rng):
    for _ in range(4):
        data = random_text(rng, 12).encode()
        tokens = random_cuts(rng, data, 9)
        check_equal(answers.stream_text(tokens), streamed(tokens))
    tokens = [bytes([byte]) for byte in "a é你🙂".encode()]
    check_equal(answers.stream_text(tokens), streamed(tokens))


@exercise("stream_text")
def test_the_end_may_come_too_early(answers, rng):
    for character in "é你🙂":
        data = (random_text(rng, 3) + character).encode()
        cases = [random_cuts(rng, data[:-missing], 3) for missing in range(1, len(character.encode()))]
        cases.append([bytes([byte]) for byte in ("你" + character).encode()[:-1]])
        check_equal([answers.stream_text(tokens) for tokens in cases], [streamed(tokens) for tokens in cases])
    check_equal(answers.stream_text([]), [""])


@exercise("stream_text")
def test_a_replacement_character_in_the_text_is_a_character(answers):
    tokens = ["a\ufffd".encode(), "\ufffd".encode()[:2], "\ufffd".encode()[2:] + b"b"]
    hint = "U+FFFD may stand in the text itself: then it is a whole character, and no sign that one is cut"
    check_equal(answers.stream_text(tokens), streamed(tokens), hint=hint)


# ----------------------------------------------------------------------------------------------------- count_pairs


@exercise("count_pairs", points=1, minutes=8, difficulty=1)
def test_each_word_counts_as_often_as_it_occurs(answers, rng):
    words = {tuple(rng.integers(0, 4, size=length).tolist()): int(rng.integers(2, 9)) for length in (1, 2, 3, 5, 7, 7)}
    expected = {}
    for word, count in words.items():
        for i in range(len(word) - 1):
            expected[word[i : i + 2]] = expected.get(word[i : i + 2], 0) + count
    got = answers.count_pairs(words)
    check_that(type(got) is dict, "it must be a dictionary")
    check_equal(got, expected)


@exercise("count_pairs")
def test_overlapping_pairs_count(answers):
    hint = "(7, 7, 7) holds the pair (7, 7) twice: pairs may overlap"
    check_equal(answers.count_pairs({(7, 7, 7): 2, (7,): 5, (): 3}), {(7, 7): 4}, hint=hint)


# ------------------------------------------------------------------------------------------------------ merge_pair


@exercise("merge_pair", points=2, minutes=12, difficulty=1)
def test_pairs_are_replaced_from_left_to_right(answers, rng):
    for pair in ((1, 2), (1, 1)):
        ids = rng.integers(0, 3, size=24).tolist()
        check_equal(answers.merge_pair(ids, pair, 256), replace_pair(ids, pair, 256))


@exercise("merge_pair")
def test_runs_of_equal_ids(answers):
    for n in range(6):
        expected = [9] * (n // 2) + [7] * (n % 2)
        check_equal(answers.merge_pair([7] * n, (7, 7), 9), expected)


@exercise("merge_pair")
def test_the_new_id_may_be_any_number(answers):
    hint = "what was made is not looked at again"
    check_equal(answers.merge_pair([1, 2, 2, 2, 12], (1, 2), 1), [1, 2, 2, 12], hint=hint)
    check_equal(answers.merge_pair([2, 1, 11, 2, 1, 2], (1, 2), 0), [2, 1, 11, 2, 0], hint="compare ids, not digits")


# ----------------------------------------------------------------------------------------------------- split_words


def split_by_rules(text):
    """The three rules as one search: signs that stand for what each character is."""
    kinds = "".join("L" if c.isalpha() else "D" if c.isdecimal() else " " if c == " " else "o" for c in text)
    return [text[match.start() : match.end()] for match in re.finditer(" ?(?:L+|D+)|.", kinds)]


@exercise("split_words", points=3, minutes=25, difficulty=2)
def test_words_of_any_text(answers, rng):
    texts = ["", " ", "   ", "x ", "ab12cd", "a  b", "\tx\n y", "a_b", "3.14 is π", " ² ½ ٣", "e\u0301te\u0301",
             "don't 你好，世界"]  # fmt: skip
    texts += [random_text(rng, 40) for _ in range(6)]
    check_equal([answers.split_words(text) for text in texts], [split_by_rules(text) for text in texts])


# ------------------------------------------------------------------------------------------------------- train_bpe


@exercise("train_bpe", points=4, minutes=35, difficulty=3)
def test_the_same_merges_as_minigpt(answers, rng):
    for letters in (b"aab", b"abcd ", "é你".encode()):
        words = random_words(rng, 8, letters)
        check_equal(answers.train_bpe(words, 6), train_merges(words, 6))
        check_equal(answers.train_bpe(words, 100), train_merges(words, 100))


@exercise("train_bpe")
def test_text_with_characters_of_many_bytes(answers, rng):
    words = {text.encode(): int(rng.integers(1, 5)) for text in (random_text(rng, 5) for _ in range(6))}
    words |= {"你好你".encode(): 3, "🙂🙂🙂".encode(): 2}
    check_equal(answers.train_bpe(words, 12), train_merges(words, 12))


@exercise("train_bpe")
def test_ties_and_the_end(answers):
    check_equal(answers.train_bpe({b"aaaa": 2, b"bc": 5}, 2), [(b"a", b"a"), (b"b", b"c")])  # six times and five times
    for rival, best in ((b"ac", (b"ab", b"a")), (b"zc", (b"z", b"c"))):  # neither what it spells nor its length counts
        check_equal(answers.train_bpe({b"ab": 9, b"aba": 2, rival: 2}, 2), [(b"a", b"b"), best])
    check_equal(answers.train_bpe({b"abcd": 2}, 1), [(b"c", b"d")])  # all pairs twice: the greatest left part
    check_equal(answers.train_bpe({b"zab": 1, b"zac": 1, b"za": 1, b"qb": 2, b"qc": 2}, 2),
                [(b"z", b"a"), (b"q", b"c")])  # of equal left parts, the greater right one
    check_equal(answers.train_bpe({b"abab": 1, b"cd": 1}, 5), [(b"a", b"b")],
                hint="stop when no pair occurs at least twice")
    check_equal(answers.train_bpe({b"abc": 9}, 0), [])


# ----------------------------------------------------------------------------------------------------- encode_word


def expected_ids(word, merges):
    ids = {bytes([byte]): byte for byte in range(256)}
    ids |= {left + right: 256 + n for n, (left, right) in enumerate(merges)}
    return [ids[token] for token in merge_bytes(word, ids)]


@exercise("encode_word", points=3, minutes=20, difficulty=2)
def test_merges_in_the_order_learned(answers, rng):
    for letters in (b"aab", b"abcd"):
        merges = train_merges(random_words(rng, 40, letters), 12)
        words = [bytes(letters[rng.integers(len(letters))] for _ in range(length)) for length in (1, 6, 9, 12, 15)]
        got = [answers.encode_word(word, merges) for word in words]
        check_equal(got, [expected_ids(word, merges) for word in words])


@exercise("encode_word")
def test_the_earliest_merge_first_not_the_leftmost_or_the_longest(answers):
    merges = [(b"b", b"c"), (b"a", b"b"), (b"d", b"e"), (b"bc", b"de"), (b"c", b"d")]
    words = (b"abc", b"abcde", b"bcd", b"cde", b"ab", b"", b"xyz", b"abab", b"bcdede")
    check_equal([answers.encode_word(word, merges) for word in words], [expected_ids(word, merges) for word in words])


@exercise("encode_word")
def test_bytes_that_no_merge_knows(answers, rng):
    word = random_text(rng, 6).encode()
    hint = "a byte without a merge keeps its number"
    check_equal(answers.encode_word(word, [(b"\x00", b"\x01")]), list(word), hint=hint)


# ------------------------------------------------------------------------------------------------------ decode_ids


@exercise("decode_ids", points=2, minutes=12, difficulty=1)
def test_text_comes_back(answers, rng):
    for _ in range(4):
        text = random_text(rng, 20)
        merges = train_merges({text.encode(): 2}, 10)
        check_equal(answers.decode_ids(expected_ids(text.encode(), merges), merges), text)
    check_equal(answers.decode_ids([], []), "")


@exercise("decode_ids")
def test_any_ids_give_a_text(answers, rng):
    merges = [(b"o", b"k"), (b"\xe4", b"\xbd"), (b"\xbd", b"\xa0")]
    ids = rng.integers(0, 259, size=30).tolist()
    raw = b"".join(bytes([i]) if i < 256 else b"".join(merges[i - 256]) for i in ids)
    check_equal(answers.decode_ids(ids, merges), raw.decode("utf-8", errors="replace"))
    check_equal(answers.decode_ids([0xE4, 258, 256, 257, 0xA0], merges), "你ok你")


@exercise("decode_ids")
def test_ids_that_are_none(answers):
    merges = [(b"o", b"k")]
    check_raises("ValueError", answers.decode_ids, [111, 300], merges)
    check_raises("ValueError", answers.decode_ids, [111, 257], merges)
    check_raises("ValueError", answers.decode_ids, [111, -1], merges)


# ------------------------------------------------------------------------------------------------- bytes_per_token


@exercise("bytes_per_token", points=1, minutes=8, difficulty=1)
def test_all_bytes_by_all_tokens(answers, rng):
    texts = [random_text(rng, length) for length in (3, 12, 30)] + ["你好"]
    ids = [rng.integers(0, 500, size=size).tolist() for size in (7, 4, 9, 2)] + [[5, 5]]
    texts.append("")
    check_close(answers.bytes_per_token(texts, ids), len("".join(texts).encode()) / 24)


@exercise("bytes_per_token")
def test_without_tokens_there_is_no_answer(answers):
    check_raises("ValueError", answers.bytes_per_token, [], [])
    check_raises("ValueError", answers.bytes_per_token, ["", ""], [[], []])
    check_close(answers.bytes_per_token(["", "abc"], [[], [97, 98, 99]]), 1.0)
    check_close(answers.bytes_per_token(["abc", "é"], [[300], [5]]), 2.5)


# ----------------------------------------------------------------------------------------------------- token_spans


def spans_by_character(tokens):
    """For each character, the bytes it has; for each token, the characters whose bytes it meets."""
    ranges, at = [], 0
    for character in b"".join(tokens).decode():
        ranges.append((at, at + len(character.encode())))
        at = ranges[-1][1]
    spans, start = [], 0
    for token in tokens:
        end = start + len(token)
        touched = [number for number, (low, high) in enumerate(ranges) if low < end and high > start]
        spans.append((touched[0], touched[-1] + 1))
        start = end
    return spans


@exercise("token_spans", points=3, minutes=20, difficulty=2)
def test_every_token_knows_its_characters(answers, rng):
    for _ in range(4):
        data = random_text(rng, 15).encode()
        tokens = [token for token in random_cuts(rng, data, 10) if token]
        check_equal(answers.token_spans(tokens), spans_by_character(tokens))


@exercise("token_spans")
def test_characters_in_many_tokens_and_tokens_of_many_characters(answers):
    for tokens in ([b"a", b"bc", b" d"], [bytes([byte]) for byte in "né你🙂".encode()], ["né你🙂".encode()], []):
        check_equal(answers.token_spans(tokens), spans_by_character(tokens))
