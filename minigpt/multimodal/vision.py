"""From pixels to vectors that a Transformer can read: a Vision Transformer, and pictures from files.

Pixels are numbers from -1 to 1, shaped (B, C, height, width).
"""

import itertools
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from minigpt.config import GPTConfig
from minigpt.model import Block


@dataclass(frozen=True)
class VisionConfig:
    """The shape of an image encoder. The sizes are ours."""

    image_size: int = 8
    """pixels on each side"""
    channels: int = 1
    """1 for grey, 3 for colour"""
    stem: Literal["conv", "patch"] = "conv"
    """what makes the first vectors: small convolutions, or one linear map of each patch (ViT)"""
    patch_size: int = 4
    """pixels on each side that become one token; a power of two for the convolutions"""
    n_layers: int = 1
    """Transformer blocks"""
    n_heads: int = 4
    """attention heads in each"""
    d_model: int = 96
    """width"""
    dropout: float = 0.1
    """probability that an activation is dropped while training"""

    def __post_init__(self):
        if self.image_size % self.patch_size:
            raise ValueError(f"patch_size={self.patch_size} must divide image_size={self.image_size}")
        if self.stem == "conv" and self.patch_size & (self.patch_size - 1):
            raise ValueError(f"patch_size={self.patch_size} must be a power of two for a stem of convolutions")

    @property
    def n_tokens(self):
        """Tokens of one image."""
        return (self.image_size // self.patch_size) ** 2


class PatchEmbedding(nn.Module):
    """Each patch of P × P pixels becomes one vector, by one linear map.

    Source: Dosovitskiy et al. (2021), equation 1.
    """

    def __init__(self, channels: int, patch_size: int, d_model: int):
        super().__init__()
        self.linear = nn.Conv2d(channels, d_model, patch_size, stride=patch_size)  # patches do not overlap

    def forward(self, pixels):
        """(B, C, height, width) -> (B, N, D), the patches row by row."""
        return self.linear(pixels).flatten(2).transpose(1, 2)


class ConvStem(nn.Module):
    """Small convolutions in place of the patches' one linear map: each halves the picture, until P × P are one token.

    A 3 × 3 convolution sees that a stroke moved by one pixel is the same stroke; a linear map of a patch has to learn
    it for each place.

    Source: Xiao et al. (2021), section 3.
    """

    def __init__(self, channels: int, patch_size: int, d_model: int):
        super().__init__()
        n_halvings = int(math.log2(patch_size))
        widths = [max(16, d_model >> (n_halvings - i)) for i in range(n_halvings + 1)]  # wider as it gets smaller
        layers = [nn.Conv2d(channels, widths[0], 3, padding=1), nn.GELU()]
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 3, stride=2, padding=1), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], d_model, 1))

    def forward(self, pixels):
        """(B, C, height, width) -> (B, N, D), row by row."""
        return self.layers(pixels).flatten(2).transpose(1, 2)


class VisionEncoder(nn.Module):
    """A picture as N vectors: a stem, positions, and blocks in which every token sees every other.

    The blocks are the GPT's own; only the mask is missing, as a picture has no before and after.

    Source: Dosovitskiy et al. (2021), section 3.1, without the class token: a GPT can read all N.
    """

    def __init__(self, config: VisionConfig):
        super().__init__()
        self.config, self.d_model, self.n_tokens = config, config.d_model, config.n_tokens
        stems = {"conv": ConvStem, "patch": PatchEmbedding}
        self.stem = stems[config.stem](config.channels, config.patch_size, config.d_model)
        self.position_embedding = nn.Parameter(0.02 * torch.randn(config.n_tokens, config.d_model))
        shape = GPTConfig(vocab_size=1, context_length=config.n_tokens, n_layers=max(1, config.n_layers),
                          n_heads=config.n_heads, d_model=config.d_model, dropout=config.dropout)  # fmt: skip
        self.blocks = nn.ModuleList(Block(shape) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)

    def forward(self, pixels):
        """(B, C, image_size, image_size) -> (B, N, D).

        Raises:
            ValueError: for pixels of another shape.
        """
        expected = (self.config.channels, self.config.image_size, self.config.image_size)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(f"images of shape {tuple(pixels.shape)} must be (B, {', '.join(map(str, expected))})")
        hidden = self.stem(pixels) + self.position_embedding
        everything = torch.ones(1, 1, self.n_tokens, self.n_tokens, dtype=torch.bool, device=pixels.device)
        for block in self.blocks:
            hidden = block(hidden, mask=everything)
        return self.norm(hidden)


def shift_and_turn(pixels, generator, pixels_moved=1.0, degrees=15.0, stretch=0.2):
    """Pictures moved, turned and stretched a little, each in its own way.

    Args:
        pixels: (B, C, size, size).
        generator: a `torch.Generator`.
        pixels_moved: largest shift, in pixels.
        degrees: largest turn.
        stretch: largest change of width and height, and largest slant, as a share.
    Returns:
        the same shape; what comes in from outside repeats the edge.
    """
    batch, size = len(pixels), pixels.shape[-1]

    def draw(largest):
        return (2 * torch.rand(batch, generator=generator) - 1) * largest

    angle, wide, high, lean = draw(math.radians(degrees)), 1 + draw(stretch), 1 + draw(stretch), draw(stretch)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack([wide * cos, lean - sin, draw(2 * pixels_moved / size),
                        sin, high * cos, draw(2 * pixels_moved / size)], dim=1)  # fmt: skip
    grid = nn.functional.affine_grid(rows.view(batch, 2, 3), pixels.shape, align_corners=False)
    return nn.functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def as_other_writers(pixels, generator):
    """Digits as other people would have written them: moved, turned, with thicker or thinner strokes, less clean.

    Chosen on the validation part of the 8 × 8 digits.

    Args:
        pixels: (B, C, size, size) from -1 to 1.
        generator: a `torch.Generator`.
    """
    pixels = shift_and_turn(pixels, generator)
    thickness = torch.exp(torch.rand(len(pixels), 1, 1, 1, generator=generator) - 0.5)  # a power from 0.6 to 1.65
    pixels = ((pixels + 1) / 2).clamp(1e-4, 1) ** thickness * 2 - 1
    return pixels + 0.15 * torch.randn(pixels.shape, generator=generator)


MOST_PIXELS = 50_000_000


def read_image(path):
    """A picture from a file, as grey or colours whatever its mode.

    Args:
        path: any format that Pillow reads; of an animation, the first picture.
    Returns:
        (height, width, 3) uint8, and notes: what was converted, one line each. What is transparent becomes white.
    Raises:
        ValueError: if it is no picture, is cut short, is empty or has more than 50 million pixels.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give a picture, such as a PNG")
    notes = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            opened = Image.open(path)
        with opened as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{path} has {image.width} × {image.height} pixels: at most {MOST_PIXELS:,} are read")
            if getattr(image, "n_frames", 1) > 1:
                notes.append(f"{image.n_frames} pictures in one file: the first is read")
            if image.mode not in ("L", "RGB", "1"):
                notes.append(f"colour mode {image.mode} converted")
            if image.mode.startswith(("I", "F")):  # more than 8 bits: spread what there is over 0 to 255
                values = np.asarray(image, dtype=np.float64)
                low, high = values.min(), values.max()
                grey = ((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
                return np.repeat(grey[:, :, None], 3, axis=2), tuple(notes)
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            pixels = np.asarray(Image.alpha_composite(white, image).convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not a picture that can be read: give a PNG, JPEG, GIF, BMP or WebP") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path} has too many pixels: at most {MOST_PIXELS:,} are read") from None
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"{path} is a damaged picture: {error}") from None
    if pixels.size == 0:
        raise ValueError(f"{path} is an empty picture")
    return pixels, tuple(notes)


def as_digit(pixels):
    """A photograph or drawing of one digit as the 8 × 8 numbers that the handwritten digits are made of.

    The digits were scanned as 32 × 32 black and white dots, cut to the ink; each number counts the ink of 4 × 4 dots.
    This does the same: which colour is the ink follows from the border, which is taken for paper.

    Args:
        pixels: (height, width, 3) uint8.
    Returns:
        (8, 8) float32 from -1 (paper) to 1 (ink), and notes.
    Raises:
        ValueError: if there is no ink: all pixels are much alike.
    Source: Alpaydin & Kaynak (1998), the data set's description.
    """
    from PIL import Image

    notes = []
    grey = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(border))  # dark on light, or light on dark
    if ink.max() < 20:
        raise ValueError("there is nothing on the picture: all of it has nearly one brightness")
    if np.median(border) < 128:
        notes.append("light ink on dark paper: turned round")
    ink = ink / ink.max()
    rows, columns = (np.flatnonzero((ink > 0.4).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    side = max(height, width)
    square = np.zeros((side, side))
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = ink
    dots = Image.fromarray((square * 255).astype(np.uint8)).resize((32, 32), Image.Resampling.BOX)
    counts = (np.asarray(dots) > 110).reshape(8, 4, 8, 4).sum(axis=(1, 3))  # 0 to 16
    if pixels.shape[:2] != (8, 8):
        notes.append(f"{pixels.shape[1]} × {pixels.shape[0]} pixels, cut to the ink and made 8 × 8")
    return (counts / 8 - 1).astype(np.float32), tuple(notes)
