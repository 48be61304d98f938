# ---
# jupyter:
#   chapter:
#     title: Audio, and three modalities in one model
#     question: How can a model hear, and how does it put together what it sees and what it hears?
#     minutes: 3
#     cell_seconds: 120
#     need:
#       - pictures in a GPT, the contrastive loss and frozen encoders (chapter 14)
#       - softmax, cross-entropy and attention weights (chapters 03, 05)
#       - complex numbers, as far as $e^{i\varphi} = \cos\varphi + i \sin\varphi$
#     able:
#       - turn a sound into the picture that speech models read, each step by hand
#       - say what a sampled sound cannot hold, and what happens to it
#       - bind sounds and words that were never paired, and say why it works
#       - join a picture and a sound by Bayes' rule and in one GPT, and say when the second is worth it
#       - find out whether a model with two inputs uses both, and what it does when one is missing
# ---

# %% [markdown]
# ## 1 · The question
#
# A text is a row of symbols, a picture a grid of numbers. A sound is a row of numbers, thousands in each second, and
# single ones mean nothing. Speech models, OpenAI's Whisper among them (Radford et al. 2022), do not read them as they
# are. They read a *picture* of the sound, which this chapter makes step by step. From there on it is chapter 14 again:
# an encoder, a projector, a GPT.
#
# And then there are three modalities: text, pictures, sounds. New questions come with the third. Sounds were never
# paired with words; can a model still connect them? Picture and sound say the same thing, both badly; are two worth
# more than one? What if one is missing, and what if they contradict each other?
#
# | | design | source |
# |---|---|---|
# | hearing | log-mel spectrogram, convolutions, Transformer | Whisper: Radford et al. (2022) |
# | binding | several modalities in one space, through pictures | ImageBind: Girdhar et al. (2023) |
# | late fusion | predictions are multiplied | product of experts: Hinton (2002) |
# | early fusion | all tokens in one GPT | as LLaVA: Liu et al. (2023), with two encoders |
# | missing parts | dropped on purpose while training | ModDrop: Neverova et al. (2016) |
#
# The sounds are made by a small **speech synthesiser** in the manner of Klatt (1980): it says the ten digits in voices
# of 60 people who do not exist. Real recordings are too large to ship.

# %%
import dataclasses
import math

import numpy as np
import torch
from IPython.display import Audio

from minigpt import plotting
from minigpt.checkpoint import load_model
from minigpt.config import TrainingConfig
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import (
    AUDIO,
    IMAGE,
    Shown,
    compared,
    seen_and_heard,
    some_missing,
    transcripts,
    with_noise,
    without,
)
from minigpt.datasets.sounds import spoken_digits
from minigpt.datasets.voice import Voice, say_digit
from minigpt.grading import grade
from minigpt.multimodal import audio, fusion
from minigpt.multimodal.answering import PREPARE, collate, prepare_images, prepare_sounds, share_right, write_answers
from minigpt.multimodal.audio import (
    RATE,
    AudioConfig,
    AudioEncoder,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    resample,
)
from minigpt.multimodal.contrastive import IMAGE_BINDS, mean_average_precision, recall_at_k, zero_shot_classify
from minigpt.multimodal.fusion import product_of_experts
from minigpt.multimodal.run import FusionConfig, align, build, train
from minigpt.multimodal.vision import VisionConfig, VisionEncoder

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 2 · A sound is a row of numbers
#
# Sound is air pressure that changes. A microphone measures it at equal steps of time; each measurement is a **sample**,
# and the number of them in a second is the **rate**. We use 8,000 a second, as the old telephone does.

# %%
man = Voice(pitch=110, size=1.0, tempo=0.8, breath=0.05, tilt=0.85)
child = Voice(pitch=230, size=0.75, tempo=0.8, breath=0.05, tilt=0.85)
three, nine, childs_three = (say_digit(digit, voice, np.random.default_rng(0))
                             for digit, voice in ((3, man), (9, man), (3, child)))  # fmt: skip


def listen(samples):
    """A player for samples from -1 to 1."""
    return Audio(np.clip(samples, -1, 1), rate=RATE, normalize=False)


print(f"“three” is {len(three):,} samples of type {three.dtype}, {len(three) / RATE:.2f} seconds; "
      f"some from the middle: {three[2000:2008]}")  # fmt: skip
listen(three)

# %%
listen(nine)

# %% [markdown]
# No learned model has made these words: buzzing pulses for the vocal cords, noise for the *th*, and three resonances
# that glide from sound to sound. A machine's voice of 1980, but you can tell the words apart. What distinguishes them?
# Not the samples themselves. Delay the word by a twentieth of a second, and it is the same word with other numbers:

# %%
later = np.concatenate([np.zeros(400, np.float32), three])[: len(three)]
likeness = np.corrcoef(three, later)[0, 1]
print(f"correlation of “three” with itself, 0.05 seconds later: {likeness:.2f}")
assert abs(likeness) < 0.3

# %% [markdown]
# ### What samples cannot hold
#
# Between two samples nobody looks. A cosine of frequency $f$, sampled $r$ times a second, gives the numbers
# $x_n = \cos(2\pi f n / r)$. Now take the frequency $r - f$:
#
# $$ \cos\!\big(2\pi (r - f)\, n / r\big) = \cos(2\pi n - 2\pi f n / r) = \cos(2\pi f n / r), $$
#
# because a whole number of turns changes nothing. The *same samples*. This is **aliasing**: whatever lies above half the
# rate comes back as a lower frequency. So with rate $r$ only frequencies up to $r/2$ can be told apart (the **Nyquist
# frequency**), and a sound that has nothing above it is given by its samples completely (Shannon 1949, theorem 1).

# %%
n = np.arange(3000)
low, high = (np.cos(2 * np.pi * hz * n / RATE) for hz in (3000, 5000))
print("a tone of 3,000 Hz, sampled:", low[:6])
print("a tone of 5,000 Hz, sampled:", high[:6])
assert np.allclose(low, high)
plotting.tones_through_samples((3000, 5000), RATE, 9, "At 8,000 samples a second, 3,000 and 5,000 Hz are the same")

# %% [markdown]
# Listen to a tone that glides from 0 to 8,000 Hz. You would expect it to rise all the time, or to become inaudible. It
# rises for half of the time, and then comes down again.

# %%
seconds = np.arange(int(1.5 * RATE)) / RATE
glide = 0.3 * np.cos(2 * np.pi * (8000 / 1.5) * seconds**2 / 2)  # the frequency is the phase's derivative
mirrored = np.abs(glide - glide[0]).max() > 0.1 and np.allclose(glide[1:], glide[:0:-1], atol=1e-6)
print("the second half is the first one, backwards:", mirrored)
assert mirrored
listen(glide)

# %% [markdown]
# The remedy stands in front of the measurement: take away what is too high *before* taking fewer samples. `resample`
# does so. Here is the tone of 5,000 Hz from a recording with 16,000 samples a second, brought down to 8,000 in two
# ways.

# %%
fast = np.cos(2 * np.pi * 5000 * np.arange(16_000) / 16_000)
careless, careful = fast[::2], resample(fast, 16_000, RATE)
for name, sound in (("every second sample", careless), ("resample", careful)):
    print(f"{name:20} mean power {np.mean(sound[500:-500] ** 2):.6f}")
assert np.mean(careless**2) > 0.4 and np.mean(careful[500:-500] ** 2) < 1e-5

# %% [markdown]
# The first has turned it into a tone of 3,000 Hz that was never there. The second is silent, as it should be.
#
# ## 3 · Which frequencies are in it?
#
# The ear does not hear samples, it hears frequencies. So ask, for each frequency: how much is this sound like that
# tone? Multiply them sample by sample, and add up. This is the **discrete Fourier transform** of $N$ samples:
#
# $$ X_k = \sum_{n=0}^{N-1} x_n\, e^{-2\pi i\, k n / N}, \qquad k = 0, \dots, N - 1. $$
#
# Frequency $k$ makes $k$ turns in $N$ samples: it is $k\, r / N$ Hz. The real part compares with a cosine, the imaginary
# part with a sine, so that a tone is found whatever its phase. $|X_k|^2$ is the **power**. By hand, for eight samples
# of a tone that makes two turns:

# %%
x = np.array([1, 0, -1, 0, 1, 0, -1, 0.0])
print("samples          ", x)
for k in range(3):
    tone = np.cos(2 * np.pi * k * np.arange(8) / 8)
    print(f"cosine, {k} turns: ", tone, f"  product adds up to {x @ tone + 0.0:.1f}")
turns = np.outer(np.arange(8), np.arange(8))  # (k, n)
X = np.exp(-2j * np.pi * turns / 8) @ x
power = np.abs(X) ** 2
print("power for k = 0 … 7:", power)
assert np.allclose(X, np.fft.fft(x)) and np.allclose(power, [0, 0, 16, 0, 0, 0, 16, 0])

# %% [markdown]
# Power 16 at $k = 2$, as wanted; and at $k = 6$, its alias: real samples have $X_{N-k} = \overline{X_k}$. So we keep
# $k = 0, \dots, N/2$ only (`rfft`). The matrix product costs $N^2$ multiplications; the *fast* Fourier transform gives
# the same numbers with about $N \log_2 N$.

# %%
mixed = 1 + np.cos(2 * np.pi * np.arange(8) / 8) + 0.5 * np.sin(2 * np.pi * 3 * np.arange(8) / 8)
spectrum = np.abs(np.fft.rfft(mixed)) ** 2
print("1 + cosine of 1 turn + half a sine of 3 turns:", spectrum, "at k = 0 … 4")
print(f"cost for 256 samples: {256**2:,} products or about {256 * 8:,}")
assert np.allclose(spectrum, [64, 16, 0, 4, 0])

# %% [markdown]
# ### Windows
#
# A word changes all the time, so we cut it into **frames** of 256 samples, 32 milliseconds, in which it hardly does. But
# a cut is violent. The transform takes the frame for one period of something that repeats for ever; where the end does
# not fit the beginning there is a jump, and a jump holds all frequencies. A tone that makes a whole number of turns is
# lucky. Any other **leaks**.
#
# So fade each frame in and out. The **Hann window** is one wave of a cosine, from 0 to 1 and back to 0:
# $w_n = \tfrac12 - \tfrac12 \cos(2\pi n/N)$. Here a strong tone of 1,015 Hz stands beside one of 1,900 Hz with a
# hundred-thousandth of its power.

# %%
time = np.arange(256) / RATE
both = np.cos(2 * np.pi * 1015 * time) + math.sqrt(1e-5) * np.cos(2 * np.pi * 1906.25 * time)
hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
assert np.allclose(hann, torch.hann_window(256).numpy(), atol=1e-6)
hz = np.fft.rfftfreq(256, 1 / RATE)
spectra = {"cut out": np.abs(np.fft.rfft(both)) ** 2, "Hann window": np.abs(np.fft.rfft(hann * both)) ** 2}
stands_out = {}
for name, power in spectra.items():
    decibels = 10 * np.log10(power / power.max())
    around = decibels[(np.abs(hz - 1906.25) > 100) & (np.abs(hz - 1906.25) < 400)].max()
    stands_out[name] = decibels[61] - around
    print(f"{name:12} at 1,906 Hz {decibels[61]:6.1f} dB, the neighbourhood at most {around:6.1f} dB")
assert stands_out["cut out"] < 3 and stands_out["Hann window"] > 20
plotting.power_spectra(hz, spectra, "Without a window, the strong tone's leakage buries the weak one")

# %% [markdown]
# The price is seen at the top: with the window the strong tone is a little wider. (**Decibels** are ten times the
# logarithm of a ratio of powers: -10 dB is a tenth, -50 dB a hundred-thousandth.)
#
# ## 4 · The picture that a speech model reads
#
# 129 frequencies for each frame are more than one needs, and they are spread wrongly. The ear hears *steps of pitch*:
# from 200 to 300 Hz is a large one, from 3,200 to 3,300 Hz hardly one. The **mel scale** is made so that equal steps
# sound equal,
#
# $$ m(f) = 2595 \log_{10}(1 + f/700), \qquad f(m) = 700\,(10^{m/2595} - 1): $$
#
# nearly linear below 700 Hz, logarithmic above (O'Shaughnessy 1987). By hand: $m(0) = 0$,
# $m(700) = 2595 \log_{10} 2 = 781$, and 1,000 Hz are 1,000 mel, from which the factor comes.

# %%
for low_hz, high_hz in ((0, 700), (200, 300), (3200, 3300)):
    print(f"from {low_hz:,} to {high_hz:,} Hz: {hz_to_mel(high_hz) - hz_to_mel(low_hz):.0f} mel")
print(f"1,000 Hz are {hz_to_mel(1000):.1f} mel")
corners = mel_to_hz(np.linspace(0, hz_to_mel(4000), 5))
print(f"three bands up to 4,000 Hz have the corners {corners.round()} Hz")
assert hz_to_mel(300) - hz_to_mel(200) > 4 * (hz_to_mel(3300) - hz_to_mel(3200))
assert np.allclose(hz_to_mel(mel_to_hz(1234.5)), 1234.5)

# %% [markdown]
# Put corners at equal steps in mel. Each **band** is a triangle that rises from its left corner to its middle, the next
# corner, and falls to the one after. It collects the power under it (Davis & Mermelstein 1980).

# %%
filters = mel_filters(40, 256, RATE)
print(f"{filters.shape[0]} triangles over {filters.shape[1]} frequencies; "
      f"the first is {mel_to_hz(hz_to_mel(4000) / 41 * 2):.0f} Hz wide, "
      f"the last {4000 - mel_to_hz(hz_to_mel(4000) / 41 * 39):.0f}")  # fmt: skip
plotting.mel_triangles(mel_filters(12, 256, RATE), RATE, "Twelve bands: narrow where pitch is fine, wide where it is not")

# %% [markdown]
# Last, the logarithm: a sound ten times as strong is heard as one step louder, not as ten times as loud. We put the
# loudest number at 1 and cut off what is 50 dB weaker, at -1. So turning up the microphone changes nothing. The whole
# recipe in a few lines:

# %%
def by_hand(samples, window=256, hop=160):
    """The log-mel spectrogram, step by step: (n,) -> (40, frames)."""
    n_frames = math.ceil(len(samples) / hop)
    padded = np.concatenate([np.zeros((window - hop) // 2), samples, np.zeros(window)])
    frames = np.stack([padded[i * hop : i * hop + window] for i in range(n_frames)])  # cut,
    power = np.abs(np.fft.rfft(hann * frames)) ** 2  # fade and transform,
    loudness = np.log10(np.maximum(power @ filters.T, 1e-10))  # collect, take the logarithm,
    return np.maximum(loudness - loudness.max(), -5).T * 2 / 5 + 1  # and scale


assert np.allclose(by_hand(three), log_mel(three).numpy(), atol=2e-3)
assert np.allclose(log_mel(three / 10), log_mel(three), atol=1e-3)
print(f"{len(three):,} samples became {log_mel(three).shape[0]} bands × {log_mel(three).shape[1]} frames")
plotting.show_source(audio.log_mel)

# %%
centres = mel_to_hz(hz_to_mel(4000) / 41 * np.arange(1, 41))
sounds = {"a man says “three”": three, "he says “nine”": nine, "a child says “three”": childs_three}
plotting.spectrograms({name: (sound, log_mel(sound).numpy()) for name, sound in sounds.items()}, RATE, centres,
                      "The bright bands are the mouth's resonances: they move differently in each word")  # fmt: skip

# %% [markdown]
# Now the words can be *seen*. In "three" the noise of *th* comes first, only high up; then the second band of light
# climbs to about 2,300 Hz and stays: that is *ee*. In "nine" it starts in the middle, and climbs from *ah* to *ih*.
# These bands are the **formants**, resonances of throat and mouth; which vowel you hear depends on them. The child's
# "three" has the same shape, but higher: a shorter throat. Whoever wants to understand speech has to see a shape, and
# not mind its height.

# %%
listen(childs_three)
