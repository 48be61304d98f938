"""Examples that show a picture or play a sound, and ask for words: captions, questions, sums, comparisons.

A maker draws examples with a NumPy generator, so that a training run can ask for fresh ones at each step. Placeholders,
"<|image|>" and "<|audio|>", say where in the text each item stands.
"""

from dataclasses import dataclass, field, replace

import numpy as np

IMAGE, AUDIO = "<|image|>", "<|audio|>"


@dataclass(frozen=True)
class Shown:
    """One example.

    Attributes:
        prompt: what the model is given, with a placeholder for each item.
        answer: what it should write.
        images: (C, height, width) float32 each, in the order of their placeholders; None for a missing one.
        sounds: (n,) float32 samples each, likewise.
    """

    prompt: str
    answer: str
    images: tuple = field(default=(), repr=False)
    sounds: tuple = field(default=(), repr=False)

    def __post_init__(self):
        for word, items in ((IMAGE, self.images), (AUDIO, self.sounds)):
            if self.prompt.count(word) != len(items):
                raise ValueError(f"{self.prompt!r} has {self.prompt.count(word)} {word}, but {len(items)} are given")


def captions(images):
    """What each picture shows: "a handwritten" → " seven"."""
    return [Shown(f"{IMAGE}a handwritten", f" {images.names[label]}", (pixels,))
            for pixels, label in zip(images.pixels, images.labels)]  # fmt: skip


def questions(images):
    """Three questions on each picture: which digit it is, whether it is even, and whether it is more than four."""
    examples = []
    for pixels, label in zip(images.pixels, images.labels):
        name = images.names[label]
        for question, answer in (("which digit?", name), ("even or odd?", "odd" if label % 2 else "even"),
                                 ("more than four?", "yes" if label > 4 else "no")):  # fmt: skip
            examples.append(Shown(f"{IMAGE}{question}", f" {answer}", (pixels,)))
    return examples


def transcripts(recordings):
    """What each voice says: "a voice says" → " seven"."""
    return [Shown(f"{AUDIO}a voice says", f" {recordings.names[label]}", (), (samples,))
            for samples, label in zip(recordings.samples, recordings.labels)]  # fmt: skip


def addition_facts(pairs, images=None, generator=None):
    """Sums that are known from a text: "sum: 3+6=" → "9", for each of the pairs (a, b).

    Args:
        pairs: digits (a, b).
        images: where to draw pictures from that have nothing to do with the text: beside them, a model learns that the
            written digits decide. None leaves the pictures' places empty.
        generator: NumPy's, for the pictures; three of ten facts have none.
    """
    examples = []
    for a, b in pairs:
        beside = (None, None)
        if images is not None and generator.random() < 0.7:
            beside = tuple(images.pixels[index] for index in generator.integers(len(images), size=2))
        examples.append(Shown(f"{IMAGE}{IMAGE}sum: {a}+{b}=", f"{a + b}", beside))
    return examples


def held_out_pairs(generator, n=10):
    """All (a, b) of two digits, divided: n unordered pairs of different digits, both ways round, and the rest.

    No two of the n have the same sum, from 3 to 15, so that every sum still occurs among the rest. At most 13.
    """
    held_out = []
    for total in generator.choice(np.arange(3, 16), size=n, replace=False):
        smaller = range(max(0, total - 9), (total + 1) // 2)  # a < b
        a = int(generator.choice(smaller))
        held_out += [(a, int(total) - a), (int(total) - a, a)]
    return held_out, [(a, b) for a in range(10) for b in range(10) if (a, b) not in held_out]


def sums(images, pairs, generator, direct=False):
    """The sum of two pictures.

    Args:
        images: `LabelledImages` of digits.
        pairs: (a, b) for each example: which digits the two pictures show. Which pictures, is drawn.
        generator: NumPy's.
        direct: True asks for the sum alone; False lets the model write down what it sees first, "3+6=9".
    """
    of_digit = [np.flatnonzero(images.labels == digit) for digit in range(10)]
    examples = []
    for a, b in pairs:
        both = tuple(images.pixels[generator.choice(of_digit[digit])] for digit in (a, b))
        answer = f"{a + b}" if direct else f" {a}+{b}={a + b}"
        examples.append(Shown(f"{IMAGE}{IMAGE}sum:", answer, both))
    return examples


def seen_and_heard(images, recordings, generator, n):
    """The same digit as a picture and as a sound, paired at random: "the digit is" → " seven"."""
    chosen = generator.integers(len(images), size=n)
    said = _one_of_each(recordings.labels, images.labels[chosen], generator)
    return [Shown(f"{IMAGE}{AUDIO}the digit is", f" {images.names[images.labels[i]]}", (images.pixels[i],),
                  (recordings.samples[j],)) for i, j in zip(chosen, said)]  # fmt: skip


def compared(images, recordings, generator, n):
    """Is the written digit the spoken one? Half of the time it is.

    Neither item alone says anything about the answer: this task needs both at once.
    """
    chosen = generator.integers(len(images), size=n)
    same = generator.permutation(n) < n // 2
    other = (images.labels[chosen] + generator.integers(1, 10, size=n)) % 10
    said = _one_of_each(recordings.labels, np.where(same, images.labels[chosen], other), generator)
    return [Shown(f"{IMAGE}{AUDIO}the same?", " yes" if alike else " no", (images.pixels[i],), (recordings.samples[j],))
            for i, j, alike in zip(chosen, said, same)]  # fmt: skip


def with_noise(examples, generator, image_sigma=0.0, signal_to_noise=None):
    """The same examples with white noise on their items.

    Args:
        examples: `Shown` examples.
        generator: NumPy's.
        image_sigma: standard deviation of the noise on pixels from -1 to 1.
        signal_to_noise: in dB: the mean power of each sound over that of the noise; None for no noise.
    """

    def on_image(pixels):
        noise = generator.standard_normal(pixels.shape, dtype=np.float32)
        return pixels + np.float32(image_sigma) * noise if image_sigma else pixels

    def on_sound(samples):
        if signal_to_noise is None:
            return samples
        sigma = np.sqrt(np.mean(samples**2) / 10 ** (signal_to_noise / 10), dtype=np.float32)
        return samples + sigma * generator.standard_normal(samples.shape, dtype=np.float32)

    return [_changed(example, on_image, on_sound) for example in examples]


def without(examples, modality):
    """The same examples with all "images" or all "sounds" missing."""
    return [replace(example, **{modality: (None,) * len(getattr(example, modality))}) for example in examples]


def some_missing(examples, probability, generator):
    """Modality dropout: each example loses, with this probability, its pictures or its sounds, never both.

    Source: Neverova et al. (2016), section 4.2; one at a time is our choice.
    """
    kept = []
    for example in examples:
        loses, which = generator.random() < probability, ("images", "sounds")[generator.integers(2)]
        kept += without([example], which) if loses and example.images and example.sounds else [example]
    return kept


def _changed(example, on_image, on_sound):
    images = tuple(None if item is None else on_image(item) for item in example.images)
    sounds = tuple(None if item is None else on_sound(item) for item in example.sounds)
    return replace(example, images=images, sounds=sounds)


def _one_of_each(labels, wanted, generator):
    """For each wanted label, the index of a random item that has it."""
    of_label = {label: np.flatnonzero(labels == label) for label in np.unique(wanted)}
    return np.array([generator.choice(of_label[label]) for label in wanted])
