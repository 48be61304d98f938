import os

import numpy as np
import pytest

from minigpt.datasets.images import DIGIT_NAMES, LabelledImages, digit_images, emoji_images
from minigpt.datasets.shown import (
    Shown,
    addition_facts,
    captions,
    compared,
    held_out_pairs,
    questions,
    seen_and_heard,
    some_missing,
    sums,
    with_noise,
    without,
)


class Voices:
    """Sounds whose every sample is their label."""

    def __init__(self, labels):
        self.labels, self.names = np.array(labels), DIGIT_NAMES
        self.samples = tuple(np.full(11, label, np.float32) for label in labels)


def pictures(labels):
    """Pictures whose every pixel is their label."""
    labels = np.array(labels)
    pixels = np.ones((len(labels), 1, 2, 3), np.float32) * labels[:, None, None, None]
    return LabelledImages(pixels, labels, DIGIT_NAMES)


@pytest.fixture
def generator():
    return np.random.default_rng(4)


def digit_of(item):
    return None if item is None else int(item.flat[0])


def test_the_parts_of_the_digits_are_the_published_ones():
    embedded = [digit_images(part) for part in ("train", "validation", "test")]
    assert [len(images) for images in embedded] == [1100, 250, 447]
    assert embedded[0].pixels.dtype == np.float32 and embedded[0].pixels.shape[1:] == (1, 8, 8)
    pixels = np.concatenate([images.pixels for images in embedded])
    assert pixels.min() == -1 and pixels.max() == 1 and set(np.unique(pixels * 8)) == set(range(-8, 9))
    for name in ("part", "set"):
        with pytest.raises(ValueError, match=r"did you mean|choose from"):
            digit_images(*{"part": ("tset",), "set": ("train", "digit")}[name])


def test_an_example_needs_an_item_for_each_placeholder():
    with pytest.raises(ValueError, match=r"has 1 <.image.>, but 0 are given"):
        Shown("<|image|>what?", "that")
    with pytest.raises(ValueError, match=r"has 0 <.audio.>, but 1 are given"):
        Shown("what?", "that", sounds=(np.zeros(3),))


def test_captions_and_questions_say_what_is_shown():
    images = pictures([7, 4, 0])
    assert [example.answer for example in captions(images)] == [" seven", " four", " zero"]
    asked = {(digit_of(e.images[0]), e.prompt.removeprefix("<|image|>"), e.answer) for e in questions(images)}
    expected = {7: ("seven", "odd", "yes"), 4: ("four", "even", "no"), 0: ("zero", "even", "no")}
    forms = ("which digit?", "even or odd?", "more than four?")
    assert asked == {(d, form, f" {answer}") for d, answers in expected.items() for form, answer in zip(forms, answers)}


def test_sums_show_the_two_digits_of_their_pair(generator):
    images = pictures(list(range(10)) * 2)
    pairs = [(3, 6), (9, 9), (0, 2)]
    written = sums(images, pairs, generator)
    assert [tuple(map(digit_of, example.images)) for example in written] == pairs
    assert [example.answer for example in written] == [" 3+6=9", " 9+9=18", " 0+2=2"]
    assert [example.answer for example in sums(images, pairs, generator, direct=True)] == ["9", "18", "2"]


def test_held_out_pairs_and_the_rest_are_all_pairs_and_every_sum_stays_known():
    for seed in range(20):
        held_out, rest = held_out_pairs(np.random.default_rng(seed))
        assert len(held_out) == 20 and sorted([*held_out, *rest]) == [(a, b) for a in range(10) for b in range(10)]
        assert {(b, a) for a, b in held_out} == set(held_out)
        assert {a + b for a, b in rest} == set(range(19))
    drawn = {pair for seed in range(400) for pair in held_out_pairs(np.random.default_rng(seed))[0]}
    assert drawn == {(a, b) for a in range(10) for b in range(10) if a != b and 3 <= a + b <= 15}  # any of them


def test_addition_facts_are_true_and_pictures_beside_them_tell_nothing(generator):
    facts = addition_facts([(3, 6)] * 400, pictures(range(10)), generator)
    assert {(fact.prompt, fact.answer) for fact in facts} == {("<|image|><|image|>sum: 3+6=", "9")}
    shown = [tuple(map(digit_of, fact.images)) for fact in facts if fact.images[0] is not None]
    assert 240 < len(shown) < 320 and len(set(shown)) > 80  # of 100 pairs: any
    assert addition_facts([(3, 6)])[0].images == (None, None)


def test_the_digit_seen_is_the_digit_heard(generator):
    examples = seen_and_heard(pictures(list(range(10)) * 3), Voices([3, *range(10), 3]), generator, 50)
    for example in examples:
        assert digit_of(example.images[0]) == digit_of(example.sounds[0])
        assert example.answer == f" {DIGIT_NAMES[digit_of(example.images[0])]}"
    assert len({example.answer for example in examples}) == 10


def test_comparisons_are_half_yes_and_neither_item_tells(generator):
    examples = compared(pictures(range(10)), Voices(list(range(10))), generator, 3000)
    assert sum(example.answer == " yes" for example in examples) == 1500
    for example in examples:
        assert (digit_of(example.images[0]) == digit_of(example.sounds[0])) == (example.answer == " yes")
    for items in ("images", "sounds"):
        for digit in range(10):
            answers = [e.answer == " yes" for e in examples if digit_of(getattr(e, items)[0]) == digit]
            assert 0.4 < np.mean(answers) < 0.6


def test_noise_has_the_strength_that_was_asked_for(generator):
    sound = np.sin(np.arange(20_000) / 7).astype(np.float32)
    example = Shown("<|image|><|audio|>", "", (np.zeros((1, 100, 150), np.float32),), (sound,))
    (noisy,) = with_noise([example], generator, image_sigma=0.8, signal_to_noise=6.0)
    assert noisy.images[0].dtype == noisy.sounds[0].dtype == np.float32
    assert noisy.images[0].std() == pytest.approx(0.8, rel=0.02)
    ratio = np.mean(sound**2) / np.mean((noisy.sounds[0] - sound) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(6.0, abs=0.2)
    (same,) = with_noise([example], generator)
    assert same.images[0] is example.images[0] and same.sounds[0] is sound
    assert with_noise(without([example], "sounds"), generator, 0.1, 0.0)[0].sounds == (None,)


def test_never_are_both_missing(generator):
    examples = seen_and_heard(pictures(range(10)), Voices(list(range(10))), generator, 1000)
    kept = some_missing(examples, 0.5, generator)
    lost = [(e.images[0] is None, e.sounds[0] is None) for e in kept]
    assert (True, True) not in lost
    assert 190 < lost.count((True, False)) < 310 and 190 < lost.count((False, True)) < 310
    alone = captions(pictures(range(10)))
    assert some_missing(alone, 1.0, generator) == alone


@pytest.mark.skipif(not os.environ.get("MINIGPT_DATA"), reason="needs the data set")
def test_emoji_parts_are_disjoint_and_in_colour():
    parts = [emoji_images(part) for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [1334, 191, 381] and parts[0].pixels.shape[1:] == (3, 32, 32)
    assert len(parts[0].names) == 9 and all(set(part.labels) == set(range(9)) for part in parts)
    assert parts[0].pixels.min() >= -1 and parts[0].pixels.max() == 1
    assert emoji_images("validation", 16).pixels.shape == (191, 3, 16, 16)


def test_what_cannot_be_fetched_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"cannot be fetched: make it of emoji.json .* and set MINIGPT_DATA"):
        emoji_images("train")
