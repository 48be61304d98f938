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
spoken = (say_digit(digit, voice, np.random.default_rng(0)) for digit, voice in ((3, man), (9, man), (3, child)))
three, nine, childs_three = (0.9 * samples / np.abs(samples).max() for samples in spoken)


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
# because a whole number of turns changes nothing. The *same samples*. This is **aliasing**: whatever lies above half
# the rate comes back as a lower frequency. So with rate $r$ only frequencies up to $r/2$ can be told apart (the
# **Nyquist frequency**), and a sound that has nothing above it is given by its samples completely (Shannon 1949,
# theorem 1).

# %%
n = np.arange(3000)
low, high = (np.cos(2 * np.pi * hz * n / RATE) for hz in (3000, 5000))
print("a tone of 3,000 Hz, sampled:", low[:6].round(3) + 0.0)
print("a tone of 5,000 Hz, sampled:", high[:6].round(3) + 0.0)
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
# Frequency $k$ makes $k$ turns in $N$ samples: it is $k\, r / N$ Hz. The real part compares with a cosine, the
# imaginary part with a sine, so that a tone is found whatever its phase. $|X_k|^2$ is the **power**. By hand, for eight
# samples of a tone that makes two turns:

# %%
x = np.array([1, 0, -1, 0, 1, 0, -1, 0.0])
print("samples          ", x)
for k in range(3):
    tone = np.cos(2 * np.pi * k * np.arange(8) / 8).round(12) + 0.0
    print(f"cosine, {k} turns: ", tone, f"  product adds up to {x @ tone + 0.0:.1f}")
turns = np.outer(np.arange(8), np.arange(8))  # (k, n)
X = np.exp(-2j * np.pi * turns / 8) @ x
power = np.abs(X) ** 2
print("power for k = 0 … 7:", power.round(6))
assert np.allclose(X, np.fft.fft(x)) and np.allclose(power, [0, 0, 16, 0, 0, 0, 16, 0])

# %% [markdown]
# Power 16 at $k = 2$, as wanted; and at $k = 6$, its alias: real samples have $X_{N-k} = \overline{X_k}$. So we keep
# $k = 0, \dots, N/2$ only (`rfft`). The matrix product costs $N^2$ multiplications; the *fast* Fourier transform gives
# the same numbers with about $N \log_2 N$.

# %%
mixed = 1 + np.cos(2 * np.pi * np.arange(8) / 8) + 0.5 * np.sin(2 * np.pi * 3 * np.arange(8) / 8)
spectrum = np.abs(np.fft.rfft(mixed)) ** 2
print("1 + cosine of 1 turn + half a sine of 3 turns:", spectrum.round(6), "at k = 0 … 4")
print(f"cost for 256 samples: {256**2:,} products or about {256 * 8:,}")
assert np.allclose(spectrum, [64, 16, 0, 4, 0])

# %% [markdown]
# ### Windows
#
# A word changes all the time, so we cut it into **frames** of 256 samples, 32 milliseconds, in which it hardly does.
# But a cut is violent. The transform takes the frame for one period of something that repeats for ever; where the end
# does not fit the beginning there is a jump, and a jump holds all frequencies. A tone that makes a whole number of
# turns is lucky. Any other **leaks**.
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
# from 200 to 300 Hz is a large one, from 3,200 to 3,300 Hz a small one. The **mel scale** is made so that equal steps
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
plotting.mel_triangles(mel_filters(12, 256, RATE), RATE, "Twelve bands: narrow where pitch is fine, and wide above")

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
# Now the words can be *seen*. In "three" the noise of *th* comes first, strongest high up; then one bright band stays
# near 300 Hz, and another climbs to about 2,300 Hz: that is *ee*. In "nine" the two bands begin side by side, near 700
# and 1,100 Hz, and then part: from *ah* to *ih*. These bands are the **formants**, resonances of throat and mouth, and
# which vowel you hear depends on them. The child's "three" has the same shape, but higher: a shorter throat. (The thin
# stripes there are the multiples of the voice's own 230 Hz.) Whoever wants to understand speech has to see a shape, and
# not mind its height.

# %%
listen(childs_three)

# %% [markdown]
# ## 5 · An encoder of sounds
#
# The spectrogram is a picture with a direction: time. Whisper's encoder has a **stem** of two convolutions along time,
# each as wide as three frames, the bands being their channels. The second moves by two frames at a time and so halves
# their number. Then fixed positions are added, and Transformer blocks follow in which every token sees every other
# (Radford et al. 2022, section 2.2).
#
# `minigpt` has this stem, and two things more. It can halve several times, which leaves fewer tokens. And it has a stem
# that treats the spectrogram as a picture indeed, with convolutions over time *and* bands, because a child's formants
# have the shape of a man's, only higher (Abdel-Hamid et al. 2014).

# %%
recordings, validation, test = (spoken_digits(part) for part in ("train", "validation", "test"))
speakers = [set(part.speakers) for part in (recordings, validation, test)]
print(f"{len(recordings)} words to learn from, {len(validation)} to choose by, {len(test)} to test, "
      f"by {', '.join(str(len(part)) for part in speakers)} speakers")  # fmt: skip
assert not (speakers[0] & speakers[1] or speakers[0] & speakers[2] or speakers[1] & speakers[2])
names = recordings.names
plotting.show_source(audio.WhisperStem.__init__)

# %% [markdown]
# The encoder learns as in chapter 14: by the contrastive loss, with minigpt-base's own vectors of the ten words. Each
# time a recording is used it is played a little faster or slower (which changes pitch and formants, too), later,
# brighter or darker, and with some noise: as other people would have said it elsewhere.
#
# Does it matter how many tokens are left? A short training tells who learns quickly.

# %%
gpt, tokenizer = load_model("minigpt-base", "cpu")
heard = {"audio": (recordings.samples, recordings.labels)}


def settings(steps, batch_size, learning_rate=3e-3):
    return TrainingConfig(steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.05,
                          warmup_steps=20, precision="float32", device="cpu")  # fmt: skip


def aligned_ear(steps, **shape):
    torch.manual_seed(1)
    return align({"audio": AudioEncoder(AudioConfig(d_model=64, **shape))}, gpt, tokenizer, heard, names,
                 settings(steps, 48))  # fmt: skip


@torch.no_grad()
def share_found(aligner, name, items, labels):
    """How often an item is most similar to its own word."""
    words = aligner.embed("text", torch.arange(10))
    found = zero_shot_classify(aligner.embed(name, PREPARE[name](items)), words)
    return found.eq(torch.as_tensor(labels)).double().mean().item()


quick = {}
for stem, n_halvings in (("whisper", 1), ("whisper", 2), ("whisper", 3), ("picture", 3)):
    n_tokens = AudioConfig(n_halvings=n_halvings).n_tokens
    quick[stem, n_halvings] = share_found(aligned_ear(40, stem=stem, n_halvings=n_halvings), "audio",
                                          validation.samples, validation.labels)  # fmt: skip
    print(f"{stem:8} stem, {n_tokens:2} tokens: after 40 updates {quick[stem, n_halvings]:4.0%} of the validation "
          f"words are found; {n_tokens**2:3} pairs of tokens meet in attention")  # fmt: skip
assert min(quick.values()) > 0.2

# %% [markdown]
# One might expect few tokens to be learned sooner, as there is less to look through. Here it is the other way round:
# among Whisper's stems, the one that halves only once is ahead. (Each halving is one more layer that has to learn, so
# this compares two things at once; and it is one seed.) The picture's stem is better than Whisper's with as few tokens.
# What few tokens do buy is cost: attention compares all pairs of them, and a GPT's context has room for few sounds with
# 25 tokens, and for many with 7. Given more updates, the difference is gone:

# %%
ear = aligned_ear(120)
clean_share = share_found(ear, "audio", validation.samples, validation.labels)
print(f"picture stem, 7 tokens, after 120 updates: {clean_share:.1%} of the validation words")
assert clean_share > 0.95

# %% [markdown]
# ## 6 · A GPT writes what it hears
#
# As in chapter 14: the encoder is frozen, a projector makes its seven tokens as wide as the GPT's, and they stand in
# the text where the placeholder `<|audio|>` stood. Projector and GPT learn to write the word, from 40 speakers; 12
# others test them.

# %%
def fused(encoders, **parts):
    """minigpt-base joined with encoders that are aligned already, and frozen."""
    torch.manual_seed(1)
    gpt, _ = load_model("minigpt-base", "cpu")
    model = build(gpt, FusionConfig(**{"image": None, **{name: e.config for name, e in encoders.items()}}, **parts))
    for name, encoder in encoders.items():
        model.encoders[name].load_state_dict(encoder.state_dict())
        model.encoders[name].requires_grad_(False)
    return model.eval()


transcriber = fused({"audio": ear.encoders["audio"]})
train(transcriber, tokenizer, lambda generator, n: transcripts(recordings[generator.integers(len(recordings), size=n)]),
      settings(60, 32, 2e-3))  # fmt: skip
examples = transcripts(test)
written = write_answers(transcriber, tokenizer, examples)
right = np.mean([text == example.answer for text, example in zip(written, examples)])
print(f"{right:.1%} of {len(examples)} words by 12 unseen voices are written correctly")
assert right > 0.9

# %% [markdown]
# Synthetic voices are easy. So make it hard: noise as strong as the voice, which is a signal-to-noise ratio of
# **0 dB**. The training had noise, too, but weaker, and it lay over the whole second; this one begins and ends with the
# word. Which words are taken for which?

# %%
noisy = with_noise(examples, np.random.default_rng(3), signal_to_noise=0.0)
written = write_answers(transcriber, tokenizer, noisy)
counts = np.zeros((10, 10), dtype=int)
for text, label in zip(written, test.labels):
    counts[label, names.index(text.strip())] += 1
right_noisy, share_of_answers = counts.trace() / counts.sum(), counts.sum(axis=0) / counts.sum()
favourite = int(share_of_answers.argmax())
print(f"{right_noisy:.0%} right; {share_of_answers[favourite]:.0%} of all answers are “{names[favourite]}”")
assert right_noisy < right - 0.3 and share_of_answers[favourite] > 0.3
plotting.confusion_matrix(counts, names, f"Under noise that it never met, the model mostly hears “{names[favourite]}”")

# %%
mistaken = int(np.flatnonzero((np.array(written) == f" {names[favourite]}") & (test.labels == 0))[0])
(loud,) = noisy[mistaken].sounds
print(f"said: {names[test.labels[mistaken]]}; the model writes:{written[mistaken]}")
listen(0.9 * loud / np.abs(loud).max())

# %% [markdown]
# You can hear the word behind the noise; the model cannot. It never says that it does not know: noise *must* be one of
# ten words. And "six" is nearly all noise: *s*, a click, *s*. Section 8 trains an encoder on such noise.
#
# ## 7 · Binding: sounds and words that never met
#
# To align two modalities you need pairs. Pictures with texts exist by the million, films give pictures with sounds. But
# who has sounds with texts, or depth sensors with sounds? With six modalities there are 15 kinds of pairs. ImageBind
# (Girdhar et al. 2023) uses only those with a picture in them. It trains (image, text) and (image, audio), and then
# asks for (audio, text): an **emergent** alignment, since nothing in the loss ever compared the two.
#
# Why should it work? Think of directions. Two that are both close to a third cannot be far from each other: if a sound
# lies within 30° of the pictures of its digit, and these within 30° of the word, then sound and word are at most 60°
# apart (the triangle inequality for angles), and their cosine is at least 0.5. The picture is a bridge.

# %%
images, image_validation, image_test = (digit_images(part) for part in ("train", "validation", "test"))
paired = {"image": (list(images.pixels), images.labels), **heard}


def bound(items, steps, batch_size):
    torch.manual_seed(1)
    encoders = {"image": VisionEncoder(VisionConfig(d_model=64)), "audio": AudioEncoder(AudioConfig(d_model=64))}
    return align(encoders, gpt, tokenizer, items, names, settings(steps, batch_size), pairs=IMAGE_BINDS)


binder = bound(paired, 180, 64)
print("compared while training:", " and ".join("–".join(pair) for pair in IMAGE_BINDS))
with torch.no_grad():
    embedded = binder({"image": prepare_images(image_test.pixels), "audio": prepare_sounds(test.samples),
                       "text": torch.arange(10)})  # fmt: skip
labels = {"image": torch.as_tensor(image_test.labels), "audio": torch.as_tensor(test.labels), "text": torch.arange(10)}
recall = {}
for first, second in (("audio", "text"), ("text", "audio"), ("image", "text"), ("audio", "image"), ("image", "audio")):
    similarity = embedded[first] @ embedded[second].T
    positive = labels[first][:, None] == labels[second]
    recall[first, second] = recall_at_k(similarity, positive, 1)
    never = "never paired" if {first, second} == {"audio", "text"} else ""
    print(f"{first:5} finds {second:5}  recall at 1 {recall[first, second]:6.1%}   "
          f"mean average precision {mean_average_precision(similarity, positive):6.1%}   {never}")  # fmt: skip
assert recall["audio", "text"] > 0.8 and recall["text", "audio"] > 0.8

# %% [markdown]
# Chance would be 10 %. Unseen voices find their word, though no voice and no word were ever compared. This is
# classification without a single labelled sound.

# %%
table = torch.stack([(embedded["audio"][labels["audio"] == digit] @ embedded["text"].T).mean(dim=0)
                     for digit in range(10)])  # fmt: skip
assert (table.argmax(dim=1) == torch.arange(10)).all()
middle = {name: torch.stack([vectors[labels[name] == digit].mean(dim=0) for digit in range(10)])
          for name, vectors in embedded.items()}  # fmt: skip
middle = {name: vectors / vectors.norm(dim=1, keepdim=True) for name, vectors in middle.items()}
angle = {pair: np.degrees((middle[pair[0]] * middle[pair[1]]).sum(dim=1).clamp(-1, 1).arccos().numpy())
         for pair in (("audio", "image"), ("image", "text"), ("audio", "text"))}  # fmt: skip
for (first, second), degrees in angle.items():
    print(f"{first:5} to {second:5}: angle between the middles of the same digit {degrees.mean():.0f}° on average")
assert (angle["audio", "text"] <= angle["audio", "image"] + angle["image", "text"] + 1e-3).all()
plotting.heat_map(table.numpy(), names, names, ("what is said", "word", "mean cosine"),
                  "Never paired, and yet each sound lies nearest to its own word", diverging=True)  # fmt: skip

# %% [markdown]
# Now be strict with our own argument. The two first angles add up to more than 90°, so the triangle inequality allows
# *any* positive cosine, and none: it guarantees nothing here. And indeed sounds and words are farther from each other
# than either is from the pictures, and their cosines are small. Retrieval needs less, only that the own word is
# *nearer* than the nine others. Why the loss leaves whole modalities apart from each other is a subject of its own
# (Liang et al. 2022 call it the modality gap).
#
# Is it really the pictures that do it? Test the bridge by turning it. We train again, but pair each sound with pictures
# of the *next* digit: "three" with pictures of a four, "nine" with a zero. Words and pictures stay as they were. If
# sounds reach words by way of the pictures, then "three" must arrive at *four*.

# %%
turned = {**paired, "audio": (recordings.samples, (recordings.labels + 1) % 10)}
turned_binder = bound(turned, 180, 64)
own = share_found(turned_binder, "audio", test.samples, test.labels)
next_one = share_found(turned_binder, "audio", test.samples, (test.labels + 1) % 10)
print(f"sounds that find their own word: {own:.1%}; the word of the pictures they were paired with: {next_one:.1%}")
assert next_one > 0.6 and own < 0.15

# %% [markdown]
# It does, and this is also how binding **fails**: a sound means whatever its pictures mean. Mistakes of the pictures
# are inherited. And what pictures do not show is not bound: whether a man or a child speaks is in the sound, and could
# be in a text, but no picture of a digit says it, so nothing pulls the two together.

# %% [markdown]
# ## 8 · Two witnesses
#
# A digit is written *and* spoken, and both are hard to make out. What is the chance that it is a three? Let $y$ be the
# digit, $a$ the picture, $b$ the sound. Assume that once you know the digit, the picture tells you nothing more about
# the sound: they are **conditionally independent given the class**. (In our data this is so by construction: pairs are
# drawn at random.) Then by Bayes' rule, twice,
#
# $$ p(y \mid a, b) \propto p(a, b \mid y)\, p(y) = p(a \mid y)\, p(b \mid y)\, p(y)
#    \propto \frac{p(y \mid a)}{p(y)} \cdot \frac{p(y \mid b)}{p(y)} \cdot p(y)
#    = \frac{p(y \mid a)\; p(y \mid b)}{p(y)}. $$
#
# Multiply what the two witnesses say, divide by what you believed before, and normalise. This is **late fusion** by a
# **product of experts** (Hinton 2002): each modality has its own model, and they meet only in the end. If a witness is
# missing, its factor $p(y \mid a)/p(y)$ is left out. By hand, with three classes:

# %%
prior = np.array([0.5, 0.25, 0.25])
by_picture, by_sound = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.7, 0.1])
print("picture × sound        ", by_picture * by_sound)
print("divided by the prior   ", by_picture * by_sound / prior)
together = by_picture * by_sound / prior / (by_picture * by_sound / prior).sum()
print("normalised             ", together)
experts = {"image": torch.from_numpy(by_picture).log()[None], "audio": torch.from_numpy(by_sound).log()[None]}
theirs = product_of_experts(experts, torch.from_numpy(prior).log())
alone = product_of_experts(experts, torch.from_numpy(prior).log(), {"audio": torch.tensor([False])})
assert np.allclose(theirs.exp()[0], together) and np.allclose(alone.exp()[0], by_picture)
plotting.show_source(fusion.product_of_experts)

# %% [markdown]
# The picture said the first class, the sound the second, which wins: the sound was more sure, and the first class had
# been likely *before* anybody looked, which must not be counted twice.
#
# ### Under noise
#
# Now the digits. To the pixels, which go from -1 to 1, we add noise of standard deviation 0.8, and to the speech noise
# as strong as itself. Both encoders are aligned on noisy items of all strengths, so that they know what it looks like.

# %%
def noisy_images(pictures, generator=None):
    """For training: other writers, and noise with a standard deviation up to 1."""
    pixels = prepare_images(pictures, generator)
    sigma = torch.rand(len(pixels), 1, 1, 1, generator=generator)
    return pixels + sigma * torch.randn(pixels.shape, generator=generator)


def noisy_sounds(sounds, generator=None):
    """For training: noise from 3 dB stronger than the voice to 25 dB weaker, and other voices."""
    random = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    with_it = with_noise_each(transcripts_of(sounds), random, lambda: (0.0, random.uniform(-3, 25)))
    return prepare_sounds([example.sounds[0] for example in with_it], generator)


def transcripts_of(sounds):
    return [Shown(AUDIO, "", (), (samples,)) for samples in sounds]


def with_noise_each(examples, generator, draw):
    """Noise of another strength on each example: draw() gives σ of the pictures and decibels of the speech."""
    return [with_noise([example], generator, *draw())[0] for example in examples]


torch.manual_seed(1)
encoders = {"image": VisionEncoder(VisionConfig(d_model=64)), "audio": AudioEncoder(AudioConfig(d_model=64))}
witnesses = align(encoders, gpt, tokenizer, paired, names, settings(200, 64),
                  {"image": noisy_images, "audio": noisy_sounds})  # fmt: skip
clean = seen_and_heard(image_test, test, np.random.default_rng(99), 400)
hard = with_noise(clean, np.random.default_rng(98), image_sigma=0.8, signal_to_noise=0.0)
plotting.picture_grid([example.images[0] for part in (clean, hard) for example in part[:10]],
                      [example.answer for example in clean[:10]] + [""] * 10, "The same digits, without and with noise")

# %%
listen(0.9 * hard[3].sounds[0] / np.abs(hard[3].sounds[0]).max())

# %%
digit_of = torch.tensor([names.index(example.answer.strip()) for example in clean])
even_prior = torch.full((10,), -math.log(10))


@torch.no_grad()
def opinions(aligner, examples):
    """What each modality's encoder alone says about each example: {modality: (n, 10) log-probabilities}."""
    words, said = aligner.embed("text", torch.arange(10)), {}
    for name, items in (("image", [e.images[0] for e in examples]), ("audio", [e.sounds[0] for e in examples])):
        said[name] = (aligner.log_scale.exp() * aligner.embed(name, PREPARE[name](items)) @ words.T).log_softmax(dim=1)
    return said


def accuracy(log_probabilities):
    return log_probabilities.argmax(dim=1).eq(digit_of).double().mean().item()


late = {}
for situation, examples in (("without noise", clean), ("with noise", hard)):
    said = opinions(witnesses, examples)
    late[situation] = {"image": accuracy(said["image"]), "audio": accuracy(said["audio"]),
                       "both": accuracy(product_of_experts(said, even_prior))}  # fmt: skip
    print(f"{situation:14}", ", ".join(f"{name} {share:.1%}" for name, share in late[situation].items()))
gain = late["with noise"]["both"] - max(late["with noise"]["image"], late["with noise"]["audio"])
print(f"under noise, two are {100 * gain:.1f} points better than the better one")
assert gain > 0.02

# %% [markdown]
# Two bad witnesses make a good one, because they are wrong about *different* things.
#
# The product has a condition that is easily forgotten: the experts must know how sure they may be. A factor near 0
# cannot be outvoted. Take section 7's encoders, which never met such noise. They are wrong *and* sure of it:

# %%
said = opinions(binder, hard)
careless = {"image": accuracy(said["image"]), "audio": accuracy(said["audio"]),
            "both": accuracy(product_of_experts(said, even_prior))}  # fmt: skip
print("encoders that never met the noise:", ", ".join(f"{name} {share:.1%}" for name, share in careless.items()))
for name in ("image", "audio"):
    wrong = said[name].argmax(dim=1) != digit_of
    print(f"{name}: when it is wrong, it gives its answer {said[name].exp().amax(dim=1)[wrong].mean():.0%} on average")
assert careless["both"] < late["with noise"]["both"] - 0.2

# %% [markdown]
# ## 9 · Early fusion, and a missing modality
#
# The other way is to put the tokens of both into one GPT: four of the picture, seven of the sound, then the words. This
# is **early fusion**: every layer can compare what is seen with what is heard.
#
# On this task it cannot be *better* than Bayes' rule with perfect experts, since that is the true posterior, and
# nothing beats the truth. What it can do is learn to weigh experts that are not perfect. And a question comes up that
# the product answered by itself: what if the sound is missing? The model has a learned vector for each missing token,
# `absent`. But a vector that never occurs in training says nothing. **Modality dropout** (Neverova et al. 2016) removes
# one of the two from some training examples, never both. We train twice, with and without it.

# %%
def noisy_pairs(share_missing):
    """Fresh examples: a written and a spoken digit, noise of any strength; a share of them has lost one of the two."""

    def draw(generator, n):
        examples = seen_and_heard(images, recordings, generator, n)
        examples = with_noise_each(examples, generator,
                                   lambda: (generator.uniform(0, 1), generator.uniform(-3, 25)))  # fmt: skip
        return some_missing(examples, share_missing, generator)

    return draw


fused_models = {}
for name, share_missing in (("with modality dropout", 0.4), ("without it", 0.0)):
    fused_models[name] = fused(encoders)
    train(fused_models[name], tokenizer, noisy_pairs(share_missing), settings(100, 40, 2e-3))
example = collate(fused_models["without it"], tokenizer, hard[:1])
print(f"one example is {example.ids.shape[1]} tokens: 4 of the picture, 7 of the sound, the text's")
assert (example.ids >= gpt.config.vocab_size).sum() == 4 + 7

# %%
situations = {"both, noisy": hard, "picture alone, noisy": without(hard, "sounds"),
              "sound alone, noisy": without(hard, "images"), "picture alone, clean": without(clean, "sounds"),
              "sound alone, clean": without(clean, "images")}  # fmt: skip
early = {situation: {name: share_right(model, tokenizer, examples) for name, model in fused_models.items()}
         for situation, examples in situations.items()}  # fmt: skip
product = dict(zip(situations, [late["with noise"]["both"], late["with noise"]["image"], late["with noise"]["audio"],
                                late["without noise"]["image"], late["without noise"]["audio"]]))  # fmt: skip
rows = {situation: {"one GPT, with modality dropout": shares["with modality dropout"],
                    "one GPT, without it": shares["without it"], "product of experts": product[situation]}
        for situation, shares in early.items()}  # fmt: skip
for situation, shares in rows.items():
    print(f"{situation:21}", ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
assert early["both, noisy"]["with modality dropout"] > early["sound alone, noisy"]["with modality dropout"] + 0.02
lost = early["picture alone, clean"]["with modality dropout"] - early["picture alone, clean"]["without it"]
assert lost > 0.08
plotting.shares_side_by_side(rows, f"Without dropout, a clean picture alone loses {100 * lost:.0f} points", chance=0.1)

# %% [markdown]
# Read the bars from top to bottom. With both there, all three ways are close together, and all are far better than the
# better one alone; early fusion does not beat Bayes' rule, as promised. With one missing they part. The GPT that always
# had both has learned to lean on the sound, and a clean picture alone, which should be easy, costs it many answers:
# its vectors for "absent" never occurred. With modality dropout the same GPT loses little. The product of experts loses
# nothing, because it has no joint part that could miss anything. Where modalities are conditionally independent it is
# hard to beat, and it should be the first thing to try.
#
# ## 10 · Where early fusion is needed
#
# Is the written digit the spoken one? Half of the time it is. Now the picture alone says *nothing* about the answer,
# nor does the sound: $p(\text{yes} \mid a) = p(\text{yes} \mid b) = \tfrac12$, whatever they are. So any late fusion of
# the two answers is a product of halves, and a half. The information is only in the *combination*, and the condition of
# section 8 does not hold: given that the answer is yes, the picture tells you all about the sound.

# %%
half = {name: torch.full((1, 2), 0.5).log() for name in ("image", "audio")}
print("late fusion of the two answers:", product_of_experts(half, torch.full((2,), 0.5).log()).exp().tolist())
comparer = fused({name: binder.encoders[name] for name in ("image", "audio")})
train(comparer, tokenizer, lambda generator, n: compared(images, recordings, generator, n), settings(100, 40, 2e-3))
asked = compared(image_test, test, np.random.default_rng(97), 400)
order = np.random.default_rng(5).permutation(len(asked))
shuffled = [dataclasses.replace(example, images=asked[other].images) for example, other in zip(asked, order)]
answers = {"picture and sound": share_right(comparer, tokenizer, asked),
           "pictures shuffled": share_right(comparer, tokenizer, shuffled),
           "without the sound": share_right(comparer, tokenizer, without(asked, "sounds")),
           "without the picture": share_right(comparer, tokenizer, without(asked, "images"))}  # fmt: skip
for name, share in answers.items():
    print(f"{name:20} {share:.1%}")
assert answers["picture and sound"] > 0.85
assert all(abs(share - 0.5) < 0.1 for name, share in answers.items() if name != "picture and sound")
plotting.shares_side_by_side({name: {"one GPT": share} for name, share in answers.items()},
                             "Shuffle one modality, and the comparison falls to guessing", chance=0.5)  # fmt: skip

# %% [markdown]
# The shuffled pictures are as good as before, one by one; only what they *stand beside* is wrong. A model that keeps
# its score in this test uses one modality only. This is the test to ask for, beside any number of a multimodal model.
#
# Fair is fair: late fusion can do this task, if somebody tells it what to compare. Multiply the experts' opinions about
# the *digits*: $p(\text{same}) = \sum_d p(d \mid a)\, p(d \mid b)$. The GPT found out by itself that digits matter.

# %%
with torch.no_grad():
    seen, said = (opinions(binder, asked)[name].exp() for name in ("image", "audio"))
same = torch.tensor([example.answer == " yes" for example in asked])
agree = (seen * said).sum(dim=1)
print(f"digits compared by two experts, yes where they probably agree: {((agree > 0.5) == same).double().mean():.1%}")

# %% [markdown]
# ## 11 · Whom does it believe, and where does it look?
#
# Let the two contradict each other: the picture shows one digit, the voice says another. In people, seen lips change
# what is heard (McGurk & MacDonald 1976). What does our model write, the picture's digit or the sound's? And does its
# attention move when one of them gets noisier? We measure both: how often the answer follows each, and the share of the
# attention on the picture's tokens, of all attention on items, at the token that writes the answer, averaged over
# layers, heads and examples.

# %%
generator = np.random.default_rng(7)
shown = generator.integers(len(image_test), size=150)
other = (image_test.labels[shown] + generator.integers(1, 10, size=len(shown))) % 10
said = [int(generator.choice(np.flatnonzero(test.labels == digit))) for digit in other]
conflicts = [Shown(f"{IMAGE}{AUDIO}the digit is", "", (image_test.pixels[i],), (test.samples[j],))
             for i, j in zip(shown, said)]  # fmt: skip
judge = fused_models["with modality dropout"]


@torch.no_grad()
def looks_and_answers(examples):
    """Share of attention on the picture; how often the answer is the picture's digit, and the sound's."""
    batch = collate(judge, tokenizer, examples)
    seeing, collected = judge.seeing(batch.media), []
    seeing.encode(seeing.embed(batch.ids), batch.padding_mask, collected=collected)
    writes = int((batch.targets[0] >= 0).nonzero()[0])  # the token that writes the answer
    weights = torch.stack(collected)[:, :, :, writes].mean(dim=(0, 1, 2))  # (L, B, H, T, S) -> (S,)
    on = {name: weights[batch.ids[0] == judge.placeholder_ids[name]].sum().item() for name in ("image", "audio")}
    written = write_answers(judge, tokenizer, examples)
    follows = [np.mean([text == f" {names[label]}" for text, label in zip(written, digits)])
               for digits in (image_test.labels[shown], other)]  # fmt: skip
    return on["image"] / (on["image"] + on["audio"]), *follows


lines = ("attention on the picture", "answer follows the picture", "answer follows the sound")
measured = {}
for noise, levels in (("noise on the picture (σ)", (0, 0.4, 0.8, 1.2)), ("noise on the sound (dB)", (20, 10, 0, -10))):
    found = []
    for level in levels:
        on_picture = "picture" in noise
        found.append(looks_and_answers(with_noise(conflicts, np.random.default_rng(1), level if on_picture else 0.0,
                                                  None if on_picture else float(level))))  # fmt: skip
        print(f"{noise:24} {level:4}: " + ", ".join(f"{name} {share:4.0%}" for name, share in zip(lines, found[-1])))
    measured[noise] = (levels, dict(zip(lines, np.transpose(found))))
attention, picture_wins, sound_wins = (measured["noise on the sound (dB)"][1][name] for name in lines)
assert sound_wins[0] - sound_wins[-1] > 0.3 and np.ptp(attention) < 0.1
plotting.by_noise(measured, "share (%)", "The answers change sides under noise; attention hardly moves")

# %% [markdown]
# When the two disagree, the sound wins. The training has taught the model whom to believe: clear sounds are the better
# witness here (section 8). Noise on the picture changes little, since the picture had no say before. Noise on the sound
# changes a great deal: the picture gains what the sound loses, though not all of it, for some answers then follow
# neither.
#
# And attention? Its share on the picture moves by a few points only, in the direction that one would expect, while the
# answers change sides. A noisy sound is looked at nearly as much as a clear one; what is read there convinces less. So
# a map of attention does not say whom a model believes (Jain & Wallace 2019 make the point for text). To find out,
# change the input and see what changes in the answer, as here.
#
# ## 12 · Where it fails
#
# **Ten words, one second, voices of a machine.** The synthesiser says each word with one recipe and little variation.
# Real people swallow sounds, have accents and colds. The same code on real recordings (the Free Spoken Digit Dataset,
# which is too large to ship) is measured outside of this chapter: see the project's README, and
# `benchmarks/fusion.py`.
#
# **White noise only.** Music, other voices, echoes are not like it; section 6 shows what happens with a noise that was
# not in the training.
#
# **No order in time beyond a word.** A sentence is longer than a second. Whisper reads 30 seconds at once, and writes
# text with times.
#
# **The pairs are ideal.** Each digit goes with any picture and any voice of it, drawn at random. That made section 8's
# Bayes' rule exact. In films, picture and sound share much more than a class, and pairs are often wrong.
#
# **One seed**, and tests of a few hundred examples: a difference of two or three points is no finding.
#
# **GPT-4 and its successors** read pictures and, some of them, sounds. How they join them is not published.

# %% [markdown]
# ## 13 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Each says what it takes and gives, with an example.
# Then run the cell below, or `minigpt grade 15` in a terminal.
#
# 1. `aliased`: where a tone is heard.
# 2. `cut_frames`: frames and windows.
# 3. `power_spectrum`: Fourier by the definition.
# 4. `mel_bands`: triangles at equal steps of pitch.
# 5. `log_scaled`: what a speech model reads.
# 6. `add_noise`: at a given number of decibels.
# 7. `through_images`: from sounds to words by way of pictures, with gradients.
# 8. `product_of_experts`: Bayes' rule, with some of them missing.
# 9. `fill_absent`: a learned vector for what is not there.
# 10. `drop_one`: modality dropout.

# %%
print(grade("15"))

# %% [markdown]
# ## 14 · What to read next
#
# - Radford, A. et al. (2022). *Robust Speech Recognition via Large-Scale Weak Supervision* (Whisper). Section 2.2.
#   arXiv:2212.04356.
# - Girdhar, R. et al. (2023). *ImageBind: One Embedding Space To Bind Them All.* Section 3. arXiv:2305.05665.
# - Liang, W. et al. (2022). *Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive Representation
#   Learning.* arXiv:2203.02053.
# - Neverova, N. et al. (2016). *ModDrop: Adaptive Multi-modal Gesture Recognition.* Section 4.2. arXiv:1501.00102.
# - Hinton, G. (2002). *Training Products of Experts by Minimizing Contrastive Divergence.* Section 1.
# - Jain, S. & Wallace, B. (2019). *Attention is not Explanation.* arXiv:1902.10186.
# - Klatt, D. (1980). *Software for a Cascade/Parallel Formant Synthesizer.* Journal of the Acoustical Society of
#   America.
# - Davis, S. & Mermelstein, P. (1980). *Comparison of Parametric Representations for Monosyllabic Word Recognition in
#   Continuously Spoken Sentences.* IEEE Transactions on Acoustics, Speech, and Signal Processing.
# - Abdel-Hamid, O. et al. (2014). *Convolutional Neural Networks for Speech Recognition.* IEEE/ACM Transactions on
#   Audio, Speech, and Language Processing.
# - Shannon, C. (1949). *Communication in the Presence of Noise.* Theorem 1: what samples hold.
# - McGurk, H. & MacDonald, J. (1976). *Hearing Lips and Seeing Voices.* Nature.
