"""Recordings with labels: spoken digits and telephone tones, made here or by name from the catalogue."""

import io
import re
import wave
import zipfile
from dataclasses import dataclass

import numpy as np

from minigpt.config import unknown
from minigpt.datasets.catalog import locate
from minigpt.datasets.images import DIGIT_NAMES, PARTS
from minigpt.datasets.voice import RATE, Voice, say_digit


@dataclass(frozen=True)
class Recordings:
    """Recordings of one word each.

    Attributes:
        samples: (n,) float32 from -1 to 1 for each, of different lengths.
        rate: samples a second.
        labels: (N,) int64, indices into `names`.
        speakers: who speaks, for each.
        takes: (N,) int64: the how-manieth time that this speaker says this word.
        names: what each label is called.
    """

    samples: tuple[np.ndarray, ...]
    rate: int
    labels: np.ndarray
    speakers: tuple[str, ...]
    takes: np.ndarray
    names: tuple[str, ...] = DIGIT_NAMES

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, chosen):
        """The recordings at these indices, or where these booleans are True."""
        indices = np.arange(len(self))[chosen].reshape(-1)
        return Recordings(tuple(self.samples[i] for i in indices), self.rate, self.labels[indices],
                          tuple(self.speakers[i] for i in indices), self.takes[indices], self.names)  # fmt: skip

    def by(self, speaker):
        """(N,) booleans: which recordings are by this speaker; ~ gives those by all others."""
        return np.array([name == speaker for name in self.speakers], dtype=bool)


def spoken_digits(part, data="voices"):
    """The digits from zero to nine as sounds.

    Args:
        part: "train", "validation" or "test".
        data: what is embedded: "voices", said by a synthetic voice, 40, 8 and 12 speakers; or "tones", those that a
            telephone sends when its keys are pressed, 600, 200 and 200 of them. Or by name from the catalogue: "fsdd",
            six people, takes 7 to 19, 5 and 6, and 0 to 4 of each digit (the last are the official test).
    Raises:
        ValueError: if the part or the name is unknown, or a file cannot be had.
    Source: Jackson et al. (2018), Free Spoken Digit Dataset.
    """
    if part not in PARTS:
        raise ValueError(unknown("part", part, PARTS))
    makers = {"voices": _voices, "tones": _tones, "fsdd": _fsdd}
    if data not in makers:
        raise ValueError(unknown("set of spoken digits", data, makers))
    return makers[data](part)


_SPEAKERS = {"train": range(40), "validation": range(40, 48), "test": range(48, 60)}


def _voices(part, n_takes=2):
    rows = []
    for number in _SPEAKERS[part]:
        generator = np.random.default_rng((1, number))  # a speaker is the same in whatever company
        voice = Voice.random(generator)
        rows += [(say_digit(digit, voice, generator), digit, f"voice-{number:02}", take)
                 for take in range(n_takes) for digit in range(10)]  # fmt: skip
    return _recordings(rows)


# Two sine waves for each key of a telephone, in Hz: one for its row, one for its column. Source: ITU-T Q.23 (1988).
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
KEY_TONES = ((_ROWS[3], _COLUMNS[1]), *((row, column) for row in _ROWS[:3] for column in _COLUMNS))
"""The two frequencies of 0, 1, … 9, in Hz."""


def _tones(part):
    number = PARTS.index(part)
    generator = np.random.default_rng((2, number))
    rows = []
    for take in range((60, 20, 20)[number]):
        for digit, (low, high) in enumerate(KEY_TONES):
            seconds = np.arange(RATE // 2) / RATE
            twist = 10 ** (generator.uniform(-4, 4) / 20)  # the column may be louder or softer: ±4 decibels
            sound = np.zeros(len(seconds))
            for hz, strength in ((low, 1.0), (high, twist)):
                sound += strength * np.sin(2 * np.pi * (hz * seconds + generator.random()))
            begin, end = generator.uniform(0, 0.1), generator.uniform(0.25, 0.5)
            sound *= (seconds >= begin) & (seconds < end)
            sound += generator.uniform(0.02, 0.5) * generator.standard_normal(len(sound))
            level = generator.uniform(0.05, 0.9) / np.abs(sound).max()
            rows.append(((level * sound).astype(np.float32), digit, "telephone", take))
    return _recordings(rows)


_FSDD_TAKES = {"train": range(7, 20), "validation": range(5, 7), "test": range(5)}


def _fsdd(part):
    rows = []
    (path,) = locate("fsdd")
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            found = re.fullmatch(r"(?:.*/)?(\d)_([a-z]+)_(\d+)\.wav", name)
            if found and int(found[3]) in _FSDD_TAKES[part]:
                with wave.open(io.BytesIO(archive.read(name))) as file:
                    numbers = np.frombuffer(file.readframes(file.getnframes()), "<i2")  # 16 bits, one channel
                rows.append(((numbers / 2**15).astype(np.float32), int(found[1]), found[2], int(found[3])))
    return _recordings(rows)


def _recordings(rows):
    samples, labels, speakers, takes = zip(*rows)
    return Recordings(samples, RATE, np.array(labels, np.int64), speakers, np.array(takes, np.int64))
