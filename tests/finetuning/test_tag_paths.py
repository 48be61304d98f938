"""The best tags for a sentence: compared with trying all of them."""

import itertools

import numpy as np
import pytest

from minigpt.datasets.tag_schemes import TagFault, to_spans
from minigpt.finetuning.tag_paths import best_path, may_follow

TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def is_valid(tags):
    try:
        to_spans(tags)
    except TagFault:
        return False
    return True


def test_a_tag_goes_on_with_its_own_kind_only():
    for previous, tag in itertools.product(TAGS, TAGS):
        assert may_follow(previous, tag) == is_valid(("O", previous.replace("I", "B", 1), tag)), (previous, tag)


@pytest.mark.parametrize("n_words", [1, 2, 4])
def test_the_best_path_is_the_best_of_all_valid_ones(n_words):
    random = np.random.default_rng(n_words)
    for _ in range(50):
        scores = random.normal(size=(n_words, len(TAGS))) * 3
        valid = [path for path in itertools.product(range(len(TAGS)), repeat=n_words)
                 if is_valid([TAGS[index] for index in path])]  # fmt: skip
        expected = max(valid, key=lambda path: sum(scores[word, tag] for word, tag in enumerate(path)))
        assert best_path(scores, TAGS) == list(expected)


def test_a_sure_second_word_mends_the_first():
    scores = np.full((2, len(TAGS)), -9.0)
    scores[0, TAGS.index("B-LOC")], scores[0, TAGS.index("B-PER")] = 1.0, 0.9
    scores[1, TAGS.index("I-PER")] = 5.0
    assert [TAGS[index] for index in best_path(scores, TAGS)] == ["B-PER", "I-PER"]


def test_tags_without_parts_are_each_words_likeliest():
    scores = np.random.default_rng(0).normal(size=(7, 3))
    assert best_path(scores, ("DT", "I", "NN")) == scores.argmax(axis=1).tolist()


def test_no_words_have_no_tags():
    assert best_path(np.zeros((0, len(TAGS))), TAGS) == []
