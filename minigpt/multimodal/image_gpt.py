"""Pictures as texts: every grey level is a token, a picture is read row by row, and a GPT says which pixel comes next.

The same model draws pictures, finishes half of one, says how many bits a picture takes, and, by Bayes' rule, tells
what a picture shows.

Source: Chen et al. (2020), "Generative Pretraining from Pixels"; their class probe is replaced by a class token.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from minigpt.config import GPTConfig, SamplingConfig, TrainingConfig
from minigpt.datasets.images import LabelledImages
from minigpt.generation import generate
from minigpt.model import GPT
from minigpt.training.losses import next_token_loss
from minigpt.training.trainer import Trainer

PAPER = -1.0  # the pixel where nothing is drawn


@dataclass(frozen=True)
class ImageTokens:
    """Turns grey pictures into token ids and back: a token for what it shows, then one for each pixel.

    The grey levels have the lowest ids, so that `generate` can be kept to them; the classes follow, and the last id
    stands for "no class told".

    Attributes:
        height, width: pixels.
        n_levels: grey levels, evenly spaced from -1 to 1.
        n_classes: what a picture may show.
    """

    height: int = 8
    width: int = 8
    n_levels: int = 17
    n_classes: int = 10

    def __post_init__(self):
        for name, least in (("height", 1), ("width", 1), ("n_levels", 2), ("n_classes", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} must be at least {least}")

    @property
    def n_pixels(self):
        """Pixels of one picture."""
        return self.height * self.width

    @property
    def start(self):
        """The id that begins a picture of which the class is not told."""
        return self.n_levels + self.n_classes

    @property
    def vocab_size(self):
        """Grey levels, classes, and the start without a class."""
        return self.n_levels + self.n_classes + 1

    def encode(self, pixels, labels=None):
        """The ids of pictures, each pixel rounded to the nearest level.

        Args:
            pixels: (B, 1, height, width) from -1 to 1; a tensor or an array.
            labels: (B,) classes; -1 for a picture whose class is not told, None for all.
        Returns:
            (B, 1 + height · width) int64.
        Raises:
            ValueError: for pictures of another shape, pixels or labels out of range, or another number of labels.
        """
        pixels = torch.as_tensor(pixels)
        expected = (1, self.height, self.width)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(f"images of shape {tuple(pixels.shape)} must be (B, {', '.join(map(str, expected))})")
        if not bool((pixels.abs() <= 1).all()):  # False for NaN, too
            raise ValueError("pixels must be numbers from -1 to 1")
        levels = ((pixels + 1) * (self.n_levels - 1) / 2).round().long()
        return torch.cat([self.starts(labels, len(pixels))[:, None].to(levels.device), levels.flatten(1)], dim=1)

    def starts(self, labels, n=None):
        """The first ids of pictures: (B,) labels -> (B,) int64; as `encode` reads them, n of them where it is None."""
        if labels is None:
            return torch.full((n,), self.start)
        labels = torch.as_tensor(labels)
        if labels.ndim != 1 or labels.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"labels must be whole numbers of shape (B,), not {labels.dtype} of {tuple(labels.shape)}")
        if n is not None and len(labels) != n:
            raise ValueError(f"{n} images need as many labels, not {len(labels)}")
        outside = labels[(labels < -1) | (labels >= self.n_classes)]
        if len(outside):
            raise ValueError(f"label {int(outside[0])} must be -1 or a class below n_classes={self.n_classes}")
        return torch.where(labels == -1, self.start, self.n_levels + labels.long())

    def decode(self, ids):
        """Pictures of whole sequences (B, 1 + height · width), as `encode` makes them: (B, 1, height, width) float32.

        Raises:
            ValueError: for another length, or an id among the pixels that is no grey level.
        """
        ids = torch.as_tensor(ids)
        if ids.ndim != 2 or ids.shape[1] != 1 + self.n_pixels:
            raise ValueError(f"ids of shape {tuple(ids.shape)} must be (B, {1 + self.n_pixels})")
        levels = ids[:, 1:]
        outside = levels[(levels < 0) | (levels >= self.n_levels)]
        if len(outside):
            raise ValueError(f"id {int(outside[0])} among the pixels must be a grey level, below {self.n_levels}")
        return (levels * (2 / (self.n_levels - 1)) - 1).float().view(-1, 1, self.height, self.width)


# ---------------------------------------------------------------------------------------------------------- training


def shifted(pixels, down, right):
    """Pictures moved by whole pixels; paper comes in.

    Args:
        pixels: (B, C, height, width).
        down, right: (B,) pixels, negative for up and left.
    """
    batch, _, height, width = pixels.shape
    rows = torch.arange(height) - torch.as_tensor(down)[:, None]  # (B, height): where each row comes from
    columns = torch.arange(width) - torch.as_tensor(right)[:, None]
    there = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    moved = pixels[torch.arange(batch)[:, None, None], :, rows[:, :, None], columns[:, None]]  # (B, height, width, C)
    return torch.where(there[..., None], moved, PAPER).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class ImageBatches:
    """Labelled pictures at each step, drawn anew, which follow from the seed and the step's number: for a `Trainer`.

    Some are moved by a pixel in each direction: nine pictures for one. Moved ones are not quite like real ones, which
    fill their frame, so there are ever fewer of them, and none in the last fifth of the steps.

    Attributes:
        tokens: an `ImageTokens`.
        images: a `LabelledImages`.
        steps: of the whole training.
        batch_size: pictures in each step.
        moved: share of pictures that are moved in the first step.
        untold: share of pictures whose class is not told, so that the model can also draw without one.
        seed: what everything random follows from.
    """

    tokens: ImageTokens
    images: LabelledImages
    steps: int
    batch_size: int
    moved: float = 0.7
    untold: float = 0.05
    seed: int = 1

    def __call__(self, step):
        """The step's one batch, in a list: inputs (B, N) and targets (B, N), for N pixels."""
        generator = np.random.default_rng((self.seed, step))
        batch = self.images[generator.integers(len(self.images), size=self.batch_size)]
        share = self.moved * max(0.0, 1 - step / (0.8 * self.steps))
        moves = generator.integers(-1, 2, size=(2, self.batch_size)) * (generator.random(self.batch_size) < share)
        pixels = shifted(torch.from_numpy(batch.pixels), *moves)
        labels = np.where(generator.random(self.batch_size) < self.untold, -1, batch.labels)
        return [_next_pixel(self.tokens.encode(pixels, labels))]


def _next_pixel(ids):
    return ids[:, :-1], ids[:, 1:]


def image_gpt_config(tokens, n_layers=4, n_heads=4, d_model=96, dropout=0.05):
    """The `GPTConfig` of a GPT that reads these tokens; sizes for a laptop."""
    return GPTConfig(tokens.vocab_size, tokens.n_pixels, n_layers, n_heads, d_model, dropout=dropout)


# Chosen on the validation part of 8 × 8 digits.
IMAGE_TRAINING = TrainingConfig(steps=1500, batch_size=32, optimizer="muon", learning_rate=2e-3, warmup_steps=50,
                                final_learning_rate_share=0.01, evaluate_every=500)  # fmt: skip


def train_image_gpt(tokens, images, validation=None, config=None, training=IMAGE_TRAINING, on_step=None):
    """Train a GPT to continue pictures, given what they show.

    Args:
        tokens: an `ImageTokens`.
        images: `LabelledImages` to learn.
        validation: `LabelledImages` to look at now and then, or None.
        config: a `GPTConfig`; None for `image_gpt_config`.
        training: a `TrainingConfig`.
        on_step: called with each `StepReport`.
    Returns:
        the `GPT`, in evaluation mode.
    """
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        gpt = GPT(image_gpt_config(tokens) if config is None else config)
    batches = ImageBatches(tokens, images, training.steps, training.batch_size, seed=training.seed)
    looks = None
    if validation is not None:
        ids = tokens.encode(validation.pixels, validation.labels)
        looks = lambda: map(_next_pixel, ids.split(256))  # noqa: E731
    Trainer(gpt, next_token_loss, batches, training, looks).run(on_step=on_step)
    return gpt.eval()


# ------------------------------------------------------------------------------------------------- what it has learned


@torch.inference_mode()
def pixel_log_probabilities(gpt, tokens, ids):
    """How likely each pixel was, given those before it and the class.

    Only grey levels count as possible: a pixel cannot be a class.

    Args:
        gpt: a `GPT`.
        tokens: the `ImageTokens` it was trained with.
        ids: (B, 1 + N), from `tokens.encode`.
    Returns:
        (B, N) in nats, float64.
    """
    was_training = gpt.training
    gpt.eval()
    parts = []
    for inputs, targets in map(_next_pixel, ids.split(256)):
        logits = gpt(inputs)[..., : tokens.n_levels].double()
        parts.append(logits.log_softmax(dim=-1).gather(-1, targets[..., None])[..., 0])
    gpt.train(was_training)
    return torch.cat(parts)


def bits_per_dimension(gpt, tokens, pixels, labels=None):
    """Bits that a pixel takes on average, when the model's probabilities are used to write it down.

    The pixels count as one of `n_levels` grey levels; knowing nothing takes log2(n_levels), 4.09 for 17. Given
    labels, these are the bits of the picture once its class is known. Bits over other levels, such as the 256 of
    photographs, are another measure.

    Args:
        gpt, tokens: as in `pixel_log_probabilities`.
        pixels, labels: as in `ImageTokens.encode`.
    Raises:
        ValueError: if there are no images.
    """
    if len(pixels) == 0:
        raise ValueError("bits per dimension need at least one image, got none")
    return float(-pixel_log_probabilities(gpt, tokens, tokens.encode(pixels, labels)).mean()) / math.log(2)


def class_log_likelihoods(gpt, tokens, pixels):
    """How likely a picture is if it shows this class, for each class.

    Add the log of how often each class occurs, and the largest is Bayes' answer to what the picture shows.

    Args:
        gpt, tokens: as in `pixel_log_probabilities`.
        pixels: (B, 1, height, width).
    Returns:
        (B, n_classes) log p(picture | class) in nats, float64.
    Source: Ng & Jordan (2002), section 2: the generative classifier.
    """
    ids = tokens.encode(pixels)
    columns = []
    for label in range(tokens.n_classes):
        ids[:, 0] = tokens.n_levels + label
        columns.append(pixel_log_probabilities(gpt, tokens, ids).sum(dim=1))
    return torch.stack(columns, dim=1)


# ------------------------------------------------------------------------------------------------------------- drawing


def draw(gpt, tokens, labels, sampling=None):
    """Draw a picture of each label.

    Args:
        gpt, tokens: as in `pixel_log_probabilities`.
        labels: (B,) classes; -1 for whatever comes.
        sampling: a `SamplingConfig`; the number of tokens is the pictures'. None for temperature 0.8.
    Returns:
        (B, 1, height, width) float32. Equal labels get different pictures; the same call gives the same ones.
    """
    return _continue(gpt, tokens, tokens.starts(labels)[:, None], sampling)


def complete(gpt, tokens, pixels, n_rows, labels=None, sampling=None):
    """Keep the first rows of pictures and draw the others.

    Args:
        gpt, tokens, sampling: as in `draw`.
        pixels, labels: as in `ImageTokens.encode`; what stands below the first rows is not read.
        n_rows: how many rows are kept, fewer than the height.
    Returns:
        (B, 1, height, width) float32.
    Source: Chen et al. (2020), figure 1.
    """
    if not 0 <= n_rows < tokens.height:
        raise ValueError(f"n_rows={n_rows} must be at least 0 and below height={tokens.height}")
    return _continue(gpt, tokens, tokens.encode(pixels, labels)[:, : 1 + n_rows * tokens.width], sampling)


def _continue(gpt, tokens, ids, sampling):
    """Pictures that begin with ids (B, 1 + kept pixels)."""
    missing = 1 + tokens.n_pixels - ids.shape[1]
    sampling = sampling or SamplingConfig()
    rows = generate(gpt, ids.tolist(), sampling, n_tokens=tokens.n_levels, max_new_tokens=missing,
                    seeds=one_seed_each(sampling.seed, len(ids)))  # fmt: skip
    return tokens.decode(torch.cat([ids, torch.tensor(rows, dtype=torch.long).view(-1, missing)], dim=1))


def one_seed_each(seed, n):
    """Seeds that follow from one, so that equal prompts get different continuations; the first ones whatever n is."""
    return [int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint32)[0]) for index in range(n)]
