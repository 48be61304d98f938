"""From a sound to vectors that a Transformer can read: WAV, log-mel spectrogram, a small encoder.

Samples are float32 from -1 to 1, at `RATE` a second. The encoder reads one second, as a spectrogram of 50 frames, and
makes seven tokens of it.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minigpt.config import GPTConfig, first_line
from minigpt.model import Block

RATE = 8000
"""samples a second, as on the telephone: frequencies up to 4,000 Hz"""


# ---------------------------------------------------------------------------------------------------- from a file


def read_wav(path, rate=RATE, most_seconds=10):
    """A sound file as samples of one channel.

    Args:
        path: WAV, or any other format that libsndfile reads.
        rate: samples a second wanted.
        most_seconds: longest recording; of a longer one nothing but the header is read.
    Returns:
        samples (n,) float32 from -1 to 1, and notes: what was converted, one line each.
    Raises:
        ValueError: if there is no such file, it is no sound, or it holds nothing to hear.
    """
    import soundfile  # an extra

    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist: give a sound file, such as a WAV")
    if not path.is_file():
        raise ValueError(f"{path} is a folder or a device: give a sound file, such as a WAV")
    try:
        with soundfile.SoundFile(path) as file:
            own_rate, seconds = file.samplerate, file.frames / file.samplerate
            if not 1000 <= own_rate <= 1_000_000:
                raise ValueError(f"{path} has {own_rate} samples a second: save it with 1,000 to 1,000,000")
            if seconds > most_seconds:
                raise ValueError(f"{path} is {seconds:.0f} seconds long: cut it to at most {most_seconds}")
            channels = file.read(dtype="float32", always_2d=True)  # (n, C)
    except (soundfile.SoundFileError, OSError, RuntimeError, TypeError) as error:
        reason = first_line(error).removeprefix(f"Error opening {str(path)!r}: ")
        raise ValueError(f"{path} cannot be read as sound ({reason}): give a WAV, FLAC or OGG file") from None
    if not len(channels):
        raise ValueError(f"{path} has 0 samples: record it again")
    if not np.isfinite(channels).all():
        raise ValueError(f"{path} has samples that are not finite numbers: save it again, as 16-bit WAV")
    samples, notes = channels.mean(axis=1), []
    if np.ptp(samples) == 0:
        raise ValueError(f"{path} is silent, all samples are {samples[0]:g}: record it again")
    if channels.shape[1] > 1:
        notes.append(f"{channels.shape[1]} channels, now their mean")
    if own_rate != rate:
        samples = resample(samples, own_rate, rate)
        notes.append(f"{own_rate} samples a second, now {rate}")
    return np.clip(samples, -1, 1), tuple(notes)


def resample(samples, rate_from, rate_to):
    """The same sound at another rate, without what the lower rate cannot hold.

    Between its samples, a sound that has no frequency above half the rate is a sum of sinc functions, one for each
    sample. A sinc made wider lets only lower frequencies pass; without that, those above half of the new rate would
    come back as others (aliasing). We cut each sinc after 32 of its zeros, with a Kaiser window.

    The rates' ratio is up : down in lowest terms, so the new samples' places between the old ones repeat: there are
    only `up` different sets of weights ("phases").

    Args:
        samples: (n,) floats.
        rate_from, rate_to: samples a second.
    Returns:
        (n · rate_to / rate_from, rounded up) float32.
    Raises:
        ValueError: if a rate is not a positive whole number.
    Source: Crochiere & Rabiner (1983), Multirate Digital Signal Processing, on polyphase structures.
    """
    if min(rate_from, rate_to) < 1 or int(rate_from) != rate_from or int(rate_to) != rate_to:
        raise ValueError(f"rates {rate_from} and {rate_to} must be positive whole numbers")
    divisor = math.gcd(int(rate_from), int(rate_to))
    up, down = int(rate_to) // divisor, int(rate_from) // divisor
    samples = np.asarray(samples, np.float32)
    if up == down:
        return samples
    cutoff = min(1.0, up / down) * 0.95  # share of the old band that passes; the rest is where the filter falls
    reach = math.ceil(32 / cutoff)  # old samples on each side that matter
    padded = np.pad(samples, (reach, reach + 1))
    resampled = np.empty(-(-len(samples) * up // down), np.float32)
    offsets = np.arange(-reach, reach + 1)
    for phase in range(min(up, len(resampled))):
        places = np.arange(phase, len(resampled), up) * down  # in the old samples, times `up`
        distance = offsets - places[0] % up / up
        inside = np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, None))
        weights = cutoff * np.sinc(cutoff * distance) * np.i0(8 * inside) / np.i0(8)
        neighbours = np.lib.stride_tricks.sliding_window_view(padded, len(offsets))[places // up]
        resampled[phase::up] = neighbours @ weights.astype(np.float32)
    return resampled


# -------------------------------------------------------------------------------------------- log-mel spectrogram


def hz_to_mel(hz):
    """Frequency on a scale where equal steps sound equally far apart: nearly linear below 700 Hz, then logarithmic.

    The formula is that of the toolkit HTK. Slaney's, which librosa and Whisper use, is in two pieces; the difference
    is small, and one formula is easier to read.

    Source: O'Shaughnessy (1987), Speech Communication; Young et al., The HTK Book.
    """
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def mel_to_hz(mel):
    """Inverse of `hz_to_mel`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def mel_filters(n_mels, n_fft, rate):
    """Overlapping triangles, at equal steps in mel from 0 Hz to half the rate: each collects the power of a band.

    Args:
        n_mels: triangles.
        n_fft: samples of one Fourier transform.
        rate: samples a second.
    Returns:
        (n_mels, n_fft // 2 + 1) float32 weights from 0 to 1.
    Raises:
        ValueError: if a triangle is so narrow that it holds none of the transform's frequencies.
    Source: Davis & Mermelstein (1980), figure 1.
    """
    frequencies = np.linspace(0, rate / 2, n_fft // 2 + 1)
    corners = mel_to_hz(np.linspace(0, hz_to_mel(rate / 2), n_mels + 2))
    left, top, right = (corners[i : i + n_mels, None] for i in range(3))
    rising, falling = (frequencies - left) / (top - left), (right - frequencies) / (right - top)
    filters = np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)
    if not filters.any(axis=1).all():
        raise ValueError(f"n_mels={n_mels} is too many for n_fft={n_fft} at {rate} samples a second: a band is empty")
    return filters


def log_mel(samples, rate=RATE, n_mels=40, window=256, hop=160, decades=5.0):
    """How loud each band of frequencies is over time: the picture of a sound that a speech model reads.

    Each frame is a Hann window of samples around its place; its squared spectrum is collected by `mel_filters`.
    Loudness is a logarithm, as in the ear. As in Whisper, what is far below the loudest is cut off and the range scaled
    to about -1 to 1. Unlike there, the loudest is always 1, so that turning the microphone up changes nothing; and the
    cut is 5 powers of ten (50 dB) below it, not 8: further down, a small model hears rooms and not voices.

    Args:
        samples: (…, n), an array or a tensor.
        rate: samples a second.
        n_mels: bands.
        window: samples of a frame; 256 are 32 ms at 8,000 a second.
        hop: samples from one frame to the next; 160 are 20 ms (Whisper: 10 ms).
        decades: powers of ten between what is cut off, -1, and the loudest, 1.
    Returns:
        (…, n_mels, frames) float32 tensor, one frame for each hop begun.
    Source: Radford et al. (2022, Whisper), section 2.2.
    """
    samples = torch.as_tensor(samples, dtype=torch.float32)
    n_frames = -(-samples.shape[-1] // hop)
    before = (window - hop) // 2  # so that a frame's middle is its hop's middle
    after = (n_frames - 1) * hop + window - before - samples.shape[-1]
    frames = F.pad(samples, (before, after)).unfold(-1, window, hop)  # (…, frames, window)
    power = torch.fft.rfft(frames * torch.hann_window(window)).abs().square()
    mel = power @ torch.from_numpy(mel_filters(n_mels, window, rate)).T  # (…, frames, n_mels)
    loudness = mel.clamp(min=1e-10).log10()
    loudness = loudness - loudness.amax(dim=(-2, -1), keepdim=True)
    return (loudness.clamp(min=-decades) * 2 / decades + 1).transpose(-2, -1)


def one_second(samples, n_samples=RATE):
    """The loudest second of a longer recording; silence after a shorter one.

    Args:
        samples: (n,) floats, n at least 1.
        n_samples: samples of a second.
    Returns:
        (n_samples,) float32.
    """
    samples = np.asarray(samples, np.float32)
    if len(samples) > n_samples:
        energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
        start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
        return samples[start : start + n_samples]
    return np.pad(samples, (0, n_samples - len(samples)))


def add_noise(samples, snr_db, generator):
    """White noise added to recordings.

    Args:
        samples: (…, n) tensor.
        snr_db: by how many decibels the recording's mean power is above the noise's: a number, or one for each
            recording, shaped (…, 1). What is exactly 0, such as padding, is not counted as part of the recording.
        generator: a `torch.Generator`.
    Returns:
        the same shape.
    """
    n_heard = (samples != 0).sum(dim=-1, keepdim=True).clamp(min=1)
    power = samples.square().sum(dim=-1, keepdim=True) / n_heard
    noise = torch.randn(samples.shape, generator=generator)
    return samples + noise * (power * 10 ** (-torch.as_tensor(snr_db) / 10)).sqrt()


def change_speed(samples, speed, start):
    """Recordings played faster or slower, and later: pitch, formants and tempo change together.

    Between two samples a straight line is drawn, which is coarser than `resample` but enough to learn from.

    Args:
        samples: (B, n) tensor.
        speed: (B, 1), 2 is twice as fast.
        start: (B, 1), silent samples put before, or cut off where negative.
    Returns:
        (B, n).
    """
    places = (torch.arange(samples.shape[1]) - start) * speed  # (B, n): where each new sample is taken from
    whole = places.floor()
    inside = (whole >= 0) & (whole < samples.shape[1] - 1)
    index = whole.long().clamp(0, samples.shape[1] - 2)
    share = places - whole
    between = (1 - share) * samples.gather(1, index) + share * samples.gather(1, index + 1)
    return between.where(inside, torch.zeros(()))


def as_other_voices(samples, generator):
    """Words as other people would have said them elsewhere: higher or lower, faster or slower, later, less clean.

    Chosen on the validation part of the spoken digits, and on speakers held out of the training part.

    Args:
        samples: (B, n) tensor, one second each.
        generator: a `torch.Generator`.
    Returns:
        (B, n).
    """
    batch, n_samples = samples.shape

    def draw(low, high):
        return low + (high - low) * torch.rand(batch, 1, generator=generator)

    samples = change_speed(samples, torch.exp(draw(-0.2, 0.2)), n_samples * draw(-0.05, 0.2))
    samples = samples - draw(-0.6, 0.6) * F.pad(samples[:, :-1], (1, 0))  # a brighter or darker microphone
    return add_noise(samples, draw(5, 50), generator)


# -------------------------------------------------------------------------------------------------------- encoder


@dataclass(frozen=True)
class AudioConfig:
    """The shape of an audio encoder. The sizes are ours."""

    n_mels: int = 40
    """bands of the spectrogram"""
    n_frames: int = 50
    """frames of the spectrogram: 50 are one second"""
    stem: Literal["picture", "whisper"] = "picture"
    """what makes the first vectors: convolutions over time and bands, or over time alone (Whisper)"""
    n_halvings: int = 3
    """convolutions that halve the number of frames"""
    n_layers: int = 1
    """Transformer blocks"""
    n_heads: int = 4
    """attention heads in each"""
    d_model: int = 96
    """width"""
    dropout: float = 0.1
    """probability that an activation is dropped while training"""

    @property
    def n_tokens(self):
        """Tokens of one recording."""
        return -(-self.n_frames // 2**self.n_halvings)


class WhisperStem(nn.Module):
    """Convolutions of width 3 along time, the bands being their channels; all but the first halve the frames.

    With one halving this is Whisper's stem. More of them leave fewer tokens, from which a small model learns sooner.

    Source: Radford et al. (2022, Whisper), section 2.2.
    """

    def __init__(self, n_mels: int, n_halvings: int, d_model: int):
        super().__init__()
        layers = [nn.Conv1d(n_mels, d_model, 3, padding=1), nn.GELU()]
        for _ in range(n_halvings):
            layers += [nn.Conv1d(d_model, d_model, 3, stride=2, padding=1), nn.GELU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, mel):
        """(B, n_mels, frames) -> (B, N, D)."""
        return self.layers(mel).transpose(1, 2)


class PictureStem(nn.Module):
    """The spectrogram as a picture: 3 × 3 convolutions that halve it in both directions; a column becomes a token.

    The same vowel lies higher in a child's spectrogram than in a man's. A convolution over the bands knows a pattern
    wherever it lies; Whisper's stem has to learn it for each band, and needs far more speakers for that.

    Source: Abdel-Hamid et al. (2014), Convolutional neural networks for speech recognition.
    """

    def __init__(self, n_mels: int, n_halvings: int, d_model: int):
        super().__init__()
        layers, width, n_bands = [], 1, n_mels
        for halving in range(n_halvings):
            layers += [nn.Conv2d(width, 16 << halving, 3, stride=2, padding=1), nn.GELU()]
            width, n_bands = 16 << halving, -(-n_bands // 2)
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(width * n_bands, d_model)

    def forward(self, mel):
        """(B, n_mels, frames) -> (B, N, D)."""
        picture = self.layers(mel[:, None])  # (B, C, bands, N)
        return self.linear(picture.flatten(1, 2).transpose(1, 2))


def sinusoids(n_positions, d_model):
    """Fixed positions: sines and cosines whose wavelengths grow from 2π to 10,000 · 2π.

    Args:
        n_positions: N.
        d_model: D, even.
    Returns:
        (N, D) float32; even columns sines, odd ones cosines.
    Source: Vaswani et al. (2017), section 3.5.
    """
    angles = torch.arange(n_positions)[:, None] / 10_000 ** (torch.arange(0, d_model, 2) / d_model)  # (N, D/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class AudioEncoder(nn.Module):
    """A log-mel spectrogram as N vectors: convolutions, positions, and blocks in which every token hears every other.

    From each band its mean over time is taken away first, since microphones and rooms change the bands' balance; what
    remains is brought to variance 1.

    The blocks are the GPT's own; only the mask is missing, as a recording is heard to its end first.

    Source: Radford et al. (2022, Whisper), section 2.2 and figure 1.
    """

    def __init__(self, config: AudioConfig):
        super().__init__()
        self.config, self.d_model, self.n_tokens = config, config.d_model, config.n_tokens
        stems = {"picture": PictureStem, "whisper": WhisperStem}
        self.stem = stems[config.stem](config.n_mels, config.n_halvings, config.d_model)
        self.register_buffer("positions", sinusoids(config.n_tokens, config.d_model), persistent=False)
        shape = GPTConfig(vocab_size=1, context_length=config.n_tokens, n_layers=max(1, config.n_layers),
                          n_heads=config.n_heads, d_model=config.d_model, dropout=config.dropout)  # fmt: skip
        self.blocks = nn.ModuleList(Block(shape) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)

    def forward(self, mel):
        """(B, n_mels, n_frames) -> (B, N, D).

        Raises:
            ValueError: for a spectrogram of another shape.
        """
        expected = (self.config.n_mels, self.config.n_frames)
        if mel.ndim != 3 or mel.shape[1:] != expected:
            raise ValueError(f"spectrograms of shape {tuple(mel.shape)} must be (B, {expected[0]}, {expected[1]})")
        mel = mel - mel.mean(dim=2, keepdim=True)
        mel = mel / mel.std(dim=(1, 2), keepdim=True).clamp(min=1e-3)
        hidden = self.stem(mel) + self.positions
        everything = torch.ones(1, 1, self.n_tokens, self.n_tokens, dtype=torch.bool, device=mel.device)
        for block in self.blocks:
            hidden = block(hidden, mask=everything)
        return self.norm(hidden)
