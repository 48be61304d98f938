import sys
import unicodedata

import regex
from attack_texts import any_text, bounded
from hypothesis import given

from minigpt.tokenizers.unicode_classes import LETTERS, NUMBERS, WHITESPACE
from minigpt.tokenizers.words import may_cut, split_words

PUBLISHED = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def members(ranges):
    ends = [[int(end, 16) for end in item.split("-")] for item in ranges.split()]
    return {chr(point) for end in ends for point in range(end[0], end[-1] + 1)}


def test_worked_example():
    assert split_words("We'll pay  $12.50,\n\nyou said\n") == [
        *("We", "'ll", " pay", " ", " $", "12", ".", "50", ",", "\n", "\n", "you", " said", "\n")
    ]


def test_capital_contractions_are_not_contractions():
    assert split_words("IT'S 'sa") == ["IT", "'", "S", " '", "sa"]


@bounded
@given(any_text)
def test_words_joined_are_the_text_and_match_the_published_pattern(text):
    assert "".join(split_words(text)) == text
    known = [c for c in text if unicodedata.category(c) != "Cn"]  # libraries disagree on what Unicode added since
    assert split_words("".join(known)) == regex.findall(PUBLISHED, "".join(known))


def test_frozen_classes_hold_what_python_and_regex_know():
    letters, numbers, spaces = map(members, (LETTERS, NUMBERS, WHITESPACE))
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert spaces == set(regex.findall(r"\s", everything))
    assert letters <= set(regex.findall(r"\p{L}", everything))  # the library's tables may be newer than 16.0
    assert numbers <= set(regex.findall(r"\p{N}", everything))
    if tuple(map(int, unicodedata.unidata_version.split("."))) <= (16, 0, 0):
        assert {c for c in everything if unicodedata.category(c)[0] == "L"} <= letters
        assert {c for c in everything if unicodedata.category(c)[0] == "N"} <= numbers


@bounded
@given(any_text, any_text)
def test_a_permitted_cut_never_changes_the_words(before, after):
    if before and after and may_cut(before[-1], after[0]):
        assert split_words(before) + split_words(after) == split_words(before + after)


def test_cuts_are_permitted_where_they_should_be():
    assert may_cut("a", " ") and may_cut("a", "1") and may_cut("1", "a") and may_cut("。", "好") and may_cut("a", "'")
    assert not may_cut(" ", "a") and not may_cut("\n", "a") and not may_cut("'", "s") and not may_cut("a", "b")
