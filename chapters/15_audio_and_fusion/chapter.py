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
# because a whole number of turns changes nothing. The *same samples*. This is **aliasing**: whatever lies above half the
# rate comes back as a lower frequency. So with rate $r$ only frequencies up to $r/2$ can be told apart (the **Nyquist
# frequency**), and a sound that has nothing above it is given by its samples completely (Shannon 1949, theorem 1).

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
# Frequency $k$ makes $k$ turns in $N$ samples: it is $k\, r / N$ Hz. The real part compares with a cosine, the imaginary
# part with a sine, so that a tone is found whatever its phase. $|X_k|^2$ is the **power**. By hand, for eight samples
# of a tone that makes two turns:

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
          f"words are found; attention costs {n_tokens**2:3} products for each number of a head")  # fmt: skip

# %% [markdown]
# STEMS-TEXT

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
# Synthetic voices are easy. So make it hard: noise as strong as the voice, **0 dB**. Nothing of the kind was in the
# training, whose noise was at least 5 dB weaker than the voice. Which words are taken for which?

# %%
noisy = with_noise(examples, np.random.default_rng(3), signal_to_noise=0.0)
written = write_answers(transcriber, tokenizer, noisy)
counts = np.zeros((10, 11), dtype=int)
for text, label in zip(written, test.labels):
    counts[label, names.index(text.strip()) if text.strip() in names else 10] += 1
right_noisy = counts.trace() / counts.sum()
print(f"{right_noisy:.1%} right; {counts[:, 10].sum()} answers are no digit")
assert 0.2 < right_noisy < right
matrix = counts[:, :10] if not counts[:, 10].any() else np.vstack([counts, np.zeros((1, 11), int)])
labels = list(names) + ["other"] * (len(matrix) - 10)
worst = np.unravel_index((counts[:, :10] - np.diag(counts.diagonal())).argmax(), (10, 10))
plotting.confusion_matrix(matrix, labels, f"At 0 dB {right_noisy:.0%} are right; "
                          f"“{names[worst[0]]}” is most often taken for “{names[worst[1]]}”")  # fmt: skip

# %%
mistaken = next(i for i, text in enumerate(written) if (test.labels[i], text.strip()) == (worst[0], names[worst[1]]))
(loud,) = noisy[mistaken].sounds
print(f"said: {names[test.labels[mistaken]]}; the model writes:{written[mistaken]}")
listen(0.9 * loud / np.abs(loud).max())

# %% [markdown]
# CONFUSION-TEXT
#
# ## 7 · Binding: sounds and words that never met
#
# To align two modalities you need pairs. Pictures with texts exist by the million, films give pictures with sounds. But
# who has sounds with texts, or depth sensors with sounds? With six modalities there are 15 kinds of pairs. ImageBind
# (Girdhar et al. 2023) uses only those with a picture in them. It trains (image, text) and (image, audio), and then
# asks for (audio, text): an **emergent** alignment, since nothing in the loss ever compared the two.
#
# Why should it work? Think of directions. If a sound lies within 30° of the pictures of its digit, and these within 30°
# of the word, then sound and word are at most 60° apart (the triangle inequality for angles), and their cosine is at
# least 0.5. The picture is a bridge.

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
