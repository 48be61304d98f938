"""The commands that see, hear and draw: caption, transcribe, draw."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from minigpt.config import SamplingConfig

SHIPPED_READER = "minigpt-digits"  # sees and hears digits
SHIPPED_PAINTER = "minigpt-painter"  # draws them


@dataclass(frozen=True)
class CaptionFlags:
    """Say what a picture shows: the model that comes with the package knows handwritten digits, and nothing else."""

    image: tyro.conf.Positional[str]
    """a picture: PNG, JPEG, GIF, BMP or WebP, of any size and colours"""
    question: str = ""
    """ask this instead: "which digit?", "even or odd?" or "more than four?" """
    run: str = SHIPPED_READER
    """folder of a model that sees, or the name of the one that comes with the package"""


def caption_command(flags, say):
    """Read a picture, and write what it shows, with how sure the model is."""
    from minigpt.datasets.shown import IMAGE
    from minigpt.multimodal.vision import as_digit, read_image

    pixels, notes = read_image(flags.image)
    try:
        digit, more = as_digit(pixels)
    except ValueError as error:
        raise ValueError(f"{flags.image}: {error}") from None
    _say_notes(flags.image, (*notes, *more), say)
    prompt = f"{IMAGE}{flags.question}" if flags.question else f"{IMAGE}a handwritten"
    _answer(flags.run, "image", prompt, {"images": (digit[None],)}, "" if flags.question else "a handwritten", say)


@dataclass(frozen=True)
class TranscribeFlags:
    """Write down what a recording says: the model that comes with the package knows English digits, one at a time."""

    audio: tyro.conf.Positional[str]
    """a sound file: WAV, FLAC, OGG and others, of any rate, mono or stereo"""
    run: str = SHIPPED_READER
    """folder of a model that hears, or the name of the one that comes with the package"""


def transcribe_command(flags, say):
    """Listen to a recording, and write what it says, with how sure the model is."""
    from minigpt.datasets.shown import AUDIO
    from minigpt.multimodal.audio import read_wav

    samples, notes = read_wav(flags.audio)
    _say_notes(flags.audio, notes, say)
    _answer(flags.run, "audio", f"{AUDIO}a voice says", {"sounds": (samples,)}, "a voice says", say)


@dataclass(frozen=True)
class DrawFlags:
    """Draw what a text asks for: the model that comes with the package draws digits of 8 × 8 pixels."""

    text: tyro.conf.Positional[str]
    """such as "seven", "a seven" or "draw a seven" """
    out: str = "drawn.png"
    """picture to write"""
    n: int = 8
    """how many, side by side"""
    run: str = SHIPPED_PAINTER
    """folder of a model that draws, or the name of the one that comes with the package"""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


def draw_command(flags, say):
    """Draw, and write one PNG with all pictures side by side, enlarged."""
    from minigpt.multimodal.folders import load_painter

    if not 1 <= flags.n <= 100:
        raise ValueError(f"n={flags.n} must be from 1 to 100")
    out = Path(flags.out)
    if out.suffix.lower() != ".png" or out.is_dir() or not out.absolute().parent.is_dir():
        raise ValueError(f"{out} cannot be written: give a file that ends in .png, in a folder that exists")
    model, about = load_painter(flags.run)
    known, names = (set(about.get(key, "").split()) for key in ("words", "names"))
    words = flags.text.lower().split()
    strange = [word for word in words if known and word not in known]
    if strange:
        raise ValueError(f"the model has never read {strange[0]!r}: it draws a digit by its name, as in 'a seven'")
    if names and len(names & set(words)) != 1:
        raise ValueError(f"{flags.text!r} must name one digit, from zero to nine, as in 'a seven'")
    pictures = model.draw([flags.text] * flags.n, flags.sampling)
    _side_by_side(pictures).save(out)
    say(f"{out}: {flags.n} times {flags.text!r}")


def _side_by_side(pictures, pixel=16):
    """One picture of (n, 1, height, width) from -1 (white) to 1 (black), each pixel enlarged."""
    import numpy as np
    from PIL import Image

    framed = np.pad(pictures[:, 0].numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    grey = np.concatenate(list(((1 - framed) * 127.5).round().clip(0, 255).astype(np.uint8)), axis=1)
    return Image.fromarray(grey.repeat(pixel, axis=0).repeat(pixel, axis=1))


def _say_notes(path, notes, say):
    for note in notes:
        say(f"({path}: {note})")


def _answer(folder, modality, prompt, items, words, say):
    """Have a model continue a prompt with one item, and say what it writes and how likely it found that."""
    from minigpt.datasets.shown import Shown
    from minigpt.multimodal.answering import likeliest_answer
    from minigpt.multimodal.folders import load_reader

    model, tokenizer, _ = load_reader(folder)
    if modality not in model.encoders:
        raise ValueError(f"the model in {folder} reads no {modality}")
    text, probability = likeliest_answer(model, tokenizer, Shown(prompt, "", **items))
    say(f"{words}{text}".strip())
    say(f"(the model gives this answer a probability of {probability:.2f})")
