"""A synthetic voice that says the digits, in the way that speech machines did before they learned from recordings.

A source sounds through a filter. The source is a row of pulses (the vocal cords) or noise (breath, or air at a narrow
place); the filter is the mouth, whose resonances, the formants, make one vowel differ from another. A word is a row of
phonemes, between which the formants glide.

Source: Klatt (1980), "Software for a cascade/parallel formant synthesizer"; ours is much smaller.
"""

import math
from dataclasses import dataclass

import numpy as np

RATE = 8000
"""samples a second"""

FRAME = 40  # samples for which the mouth stands still: 5 milliseconds


@dataclass(frozen=True)
class Phoneme:
    """A sound of speech, as a man of average size makes it.

    Attributes:
        formants: F1, F2 and F3 in Hz. Those of vowels are the means of Peterson & Barney (1952, table II); those of
            consonants, which a small model need not have exactly, are ours.
        voicing: strength of the vocal cords, 0 to 1.
        noise: (centre in Hz, strength 0 to 1) of the noise that air makes at a narrow place; or None.
        seconds: usual length.
    """

    formants: tuple[float, float, float]
    voicing: float = 1.0
    noise: tuple[float, float] | None = None
    seconds: float = 0.09


# Names as in ARPABET, the alphabet of American phonemes.
PHONEMES = {
    "IY": Phoneme((270, 2290, 3010), seconds=0.12),
    "IH": Phoneme((390, 1990, 2550), seconds=0.09),
    "EH": Phoneme((530, 1840, 2480), seconds=0.11),
    "AA": Phoneme((730, 1090, 2440), seconds=0.12),
    "AH": Phoneme((640, 1190, 2390), seconds=0.11),
    "AO": Phoneme((570, 840, 2410), seconds=0.13),
    "UH": Phoneme((440, 1020, 2240), seconds=0.08),
    "UW": Phoneme((300, 870, 2240), seconds=0.13),
    "R": Phoneme((310, 1060, 1380), voicing=0.7, seconds=0.07),
    "W": Phoneme((290, 610, 2150), voicing=0.6, seconds=0.07),
    "N": Phoneme((250, 1400, 2400), voicing=0.35, seconds=0.08),
    "V": Phoneme((250, 1100, 2200), voicing=0.3, noise=(2500, 0.05), seconds=0.06),
    "Z": Phoneme((250, 1600, 2500), voicing=0.25, noise=(3600, 0.35), seconds=0.09),
    "S": Phoneme((320, 1600, 2500), voicing=0.0, noise=(3600, 0.5), seconds=0.11),
    "F": Phoneme((340, 1100, 2100), voicing=0.0, noise=(2200, 0.12), seconds=0.10),
    "TH": Phoneme((320, 1300, 2500), voicing=0.0, noise=(3000, 0.08), seconds=0.08),
    "closed": Phoneme((250, 1700, 2600), voicing=0.0, seconds=0.06),  # lips or tongue shut: silence before T and K
    "T": Phoneme((300, 1700, 2700), voicing=0.0, noise=(3300, 0.6), seconds=0.03),
    "K": Phoneme((300, 1800, 2400), voicing=0.0, noise=(1900, 0.5), seconds=0.03),
}

WORDS = (
    ("Z", "IH", "R", "UH", "UW"),  # zero
    ("W", "AH", "N"),  # one
    ("T", "UW"),
    ("TH", "R", "IY"),
    ("F", "AO", "R"),
    ("F", "AA", "IH", "V"),
    ("S", "IH", "closed", "K", "S"),
    ("S", "EH", "V", "AH", "N"),
    ("EH", "IH", "closed", "T"),
    ("N", "AA", "IH", "N"),  # nine
)
"""How each digit is pronounced; a diphthong, such as that of "five", is two vowels."""


@dataclass(frozen=True)
class Voice:
    """What makes a speaker.

    Attributes:
        pitch: how often the vocal cords open, in Hz.
        size: length of the mouth and throat, 1 for an average man; a shorter one has higher formants.
        tempo: 1 is usual, 2 twice as fast.
        breath: noise among the pulses of the vocal cords, 0 to 1.
        tilt: how dark the voice is, 0 to 1.
    """

    pitch: float
    size: float
    tempo: float
    breath: float
    tilt: float

    @classmethod
    def random(cls, generator):
        """A speaker: man, woman or child, drawn with NumPy's generator."""
        size = generator.uniform(0.72, 1.08)
        pitch = 115 * size**-1.9 * generator.uniform(0.8, 1.25)  # small people have high voices, more or less
        return cls(pitch, size, generator.uniform(0.8, 1.3), generator.uniform(0.02, 0.25),
                   generator.uniform(0.75, 0.95))  # fmt: skip


def say_digit(digit, voice, generator):
    """A digit said once: no two times are quite the same.

    Args:
        digit: 0 to 9.
        voice: the speaker.
        generator: NumPy's.
    Returns:
        (n,) float32 from -1 to 1, `RATE` samples a second.
    Raises:
        ValueError: if it is no digit.
    """
    if not 0 <= digit < len(WORDS):
        raise ValueError(f"digit={digit} must be from 0 to 9")
    track = _track([PHONEMES[name] for name in WORDS[digit]], voice, generator)
    cords, air = _vocal_cords(track, voice, generator), generator.standard_normal(FRAME * len(track["voicing"]))
    voiced = (cords + voice.breath * air) * np.repeat(track["voicing"], FRAME)
    for number, bandwidth in enumerate((70, 100, 150)):  # one resonance after the other, as Klatt's cascade
        voiced = _resonate(voiced, track["formants"][:, number], bandwidth)
    hiss = _resonate(air * np.repeat(track["noise"], FRAME), track["centre"], 700)
    sound = voiced / max(np.abs(voiced).max(), 1e-9) + hiss / 2
    return (generator.uniform(0.2, 0.9) * sound / np.abs(sound).max()).astype(np.float32)


def _track(phonemes, voice, generator):
    """Formants, voicing and noise of each frame; what changes between two phonemes glides over 40 milliseconds."""
    lengths = [max(2, round(p.seconds * generator.uniform(0.8, 1.25) / voice.tempo * RATE / FRAME)) for p in phonemes]
    largest = 0.47 * RATE  # what lies above half the rate cannot sound

    def glide(values, glided_frames):
        steps = np.repeat(np.asarray(values, float), lengths, axis=0)
        edged = np.concatenate([steps[:1]] * (glided_frames // 2) + [steps] + [steps[-1:]] * (glided_frames // 2))
        return np.lib.stride_tricks.sliding_window_view(edged, glided_frames, axis=0).mean(axis=-1)

    formants = [np.multiply(p.formants, generator.normal(1, 0.03, 3)) / voice.size for p in phonemes]
    centres = [(p.noise or (2000,))[0] * generator.normal(1, 0.03) / voice.size**0.3 for p in phonemes]
    loudness = [p.voicing for p in phonemes]
    hiss = [(p.noise or (0, 0.0))[1] * generator.uniform(0.7, 1.4) for p in phonemes]
    return {
        "formants": np.minimum(glide(formants, 9), largest),
        "centre": np.minimum(np.repeat(centres, lengths), largest),  # noise does not glide: S is never TH
        "voicing": glide(loudness, 5) * np.minimum(1, np.arange(sum(lengths), 0, -1) / 6),  # the end dies away
        "noise": glide(hiss, 3),
    }


def _vocal_cords(track, voice, generator):
    """A row of pulses whose rate falls, as at the end of a sentence, and trembles a little."""
    from scipy.signal import lfilter  # an extra: comes with scikit-learn

    n_samples = FRAME * len(track["voicing"])
    melody = np.linspace(generator.uniform(1.0, 1.15), generator.uniform(0.8, 0.95), n_samples)
    cycles = np.cumsum(voice.pitch * melody * generator.normal(1, 0.02) / RATE)
    pulses = np.diff(np.floor(cycles), prepend=0.0)  # 1 where a new cycle begins
    return lfilter([1.0], [1.0, -voice.tilt], pulses)


def _resonate(sound, frequencies, bandwidth):
    """A two-pole resonator, whose frequency (Hz) is set anew for each frame.

    Each output is a·input + b·last + c·last but one: a ringing that dies away the faster, the wider the band.

    Source: Klatt (1980), equations 1 and 2.
    """
    from scipy.signal import lfilter

    decay = math.exp(-math.pi * bandwidth / RATE)
    last, before, rung = 0.0, 0.0, []
    for frame, frequency in zip(sound.reshape(-1, FRAME), frequencies):
        b, c = 2 * decay * math.cos(2 * math.pi * frequency / RATE), -(decay**2)
        out, _ = lfilter([1 - b - c], [1.0, -b, -c], frame, zi=[b * last + c * before, c * last])
        rung.append(out)
        before, last = out[-2:]
    return np.concatenate(rung)
