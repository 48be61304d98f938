"""Pictures in few tokens, and pictures from texts.

A VQ-VAE writes a picture as a small grid of codes from a learned codebook, and draws it again from them. A GPT that has
read texts, each followed by the codes of its picture, draws what a text asks for.

Source: van den Oord et al. (2017), "Neural Discrete Representation Learning"; Ramesh et al. (2021), "Zero-Shot
Text-to-Image Generation", which is DALL·E.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minigpt.config import GPTConfig, SamplingConfig, TrainingConfig
from minigpt.datasets.images import LabelledImages
from minigpt.datasets.text import IGNORED
from minigpt.generation import generate
from minigpt.model import GPT
from minigpt.multimodal.image_gpt import one_seed_each
from minigpt.tokenizers import CharTokenizer
from minigpt.training.losses import next_token_loss
from minigpt.training.trainer import Trainer


@dataclass(frozen=True)
class VQVAEConfig:
    """The shape of a VQ-VAE. The sizes are ours, for digits of 8 × 8."""

    image_size: int = 8
    """pixels on each side"""
    channels: int = 1
    """1 for grey, 3 for colour"""
    n_halvings: int = 1
    """how often the picture's sides are halved: 1 makes 4 × 4 codes of 8 × 8 pixels, 2 makes 7 × 7 of 28 × 28"""
    n_codes: int = 64
    """vectors in the codebook"""
    code_width: int = 16
    """numbers in each of them"""
    width: int = 64
    """channels of the convolutions"""
    commitment: float = 0.25
    """weight β of the loss that keeps the encoder near the codes it chose"""
    decay: float = 0.98
    """how slowly a code forgets the vectors that chose it"""

    def __post_init__(self):
        for name in ("image_size", "channels", "n_codes", "code_width", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.n_halvings < 0 or self.image_size % 2**self.n_halvings:
            raise ValueError(f"2**n_halvings={2**self.n_halvings} must divide image_size={self.image_size}")
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay={self.decay} must be at least 0 and below 1")

    @property
    def grid_size(self):
        """Codes on each side of a picture."""
        return self.image_size // 2**self.n_halvings

    @property
    def n_positions(self):
        """Codes of one picture."""
        return self.grid_size**2


class Codebook(nn.Module):
    """Replaces each vector by the nearest of K, and moves these after the vectors that chose them.

    A code is the moving mean of the vectors that chose it. One that hardly any vector chooses any more would stay where
    it is for ever; it starts again at a vector of the batch.

    Source: van den Oord et al. (2017), equations 1 and 2, and appendix A.1 for the moving means; the new start for dead
    codes is a custom of later work, as in Dhariwal et al. (2020), section 3.1.
    """

    dead_below = 0.1  # vectors of a batch, on average, that a living code is chosen by

    def __init__(self, n_codes: int, width: int, decay: float):
        super().__init__()
        self.decay = decay
        self.register_buffer("vectors", torch.randn(n_codes, width))  # (K, W)
        self.register_buffer("counts", torch.zeros(n_codes))  # moving means: of how often each was chosen,
        self.register_buffer("sums", torch.zeros(n_codes, width))  # and of the sum of what chose it

    def nearest(self, vectors):
        """The index of the nearest code to each vector: (..., W) -> (...) int64."""
        distances = torch.cdist(vectors.reshape(-1, vectors.shape[-1]), self.vectors)  # (N, K)
        return distances.argmin(dim=1).view(vectors.shape[:-1])

    def forward(self, vectors):
        """Quantise, letting gradients pass straight through; in training, move the codes.

        Args:
            vectors: (..., W).
        Returns:
            the codes' vectors (..., W), whose gradient goes to `vectors` as if nothing had been replaced; and the codes
            (...).
        """
        vectors = vectors.float()  # small differences decide which is the nearest
        codes = self.nearest(vectors)
        chosen = self.vectors[codes]
        if self.training:
            self._move(vectors.detach().reshape(-1, vectors.shape[-1]), codes.flatten())
        return vectors + (chosen - vectors).detach(), codes

    @torch.no_grad()
    def _move(self, vectors, codes):
        counts = torch.bincount(codes, minlength=len(self.counts)).float()
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(torch.zeros_like(self.sums).index_add_(0, codes, vectors), 1 - self.decay)
        dead = self.counts < self.dead_below
        n_dead = int(dead.sum())
        if n_dead:
            self.sums[dead] = vectors[torch.randint(len(vectors), (n_dead,), device=vectors.device)]
            self.counts[dead] = 1.0
        self.vectors.copy_(self.sums / self.counts[:, None])


class _Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.change = nn.Sequential(nn.GELU(), nn.Conv2d(width, width, 3, padding=1),
                                    nn.GELU(), nn.Conv2d(width, width, 1))  # fmt: skip

    def forward(self, hidden):
        return hidden + self.change(hidden)


class VQVAE(nn.Module):
    """Convolutions down to a grid of vectors, the nearest codes in their place, and convolutions up again.

    Source: van den Oord et al. (2017), section 4.1.
    """

    def __init__(self, config: VQVAEConfig):
        super().__init__()
        self.config = config
        width = config.width
        down, up = [], []
        for _ in range(config.n_halvings):
            down += [nn.GELU(), nn.Conv2d(width, width, 4, stride=2, padding=1)]
            up += [nn.GELU(), nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(
            nn.Conv2d(config.channels, width, 3, padding=1), *down,
            _Residual(width), nn.Conv2d(width, config.code_width, 1),
        )  # fmt: skip
        self.codebook = Codebook(config.n_codes, config.code_width, config.decay)
        self.decoder = nn.Sequential(
            nn.Conv2d(config.code_width, width, 3, padding=1), _Residual(width), *up,
            nn.GELU(), nn.Conv2d(width, config.channels, 3, padding=1),
        )  # fmt: skip

    def encode(self, pixels):
        """What stands for the pictures before codes replace it: (B, C, size, size) -> (B, grid, grid, W).

        Raises:
            ValueError: for pixels of another shape.
        """
        expected = (self.config.channels, self.config.image_size, self.config.image_size)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(f"images of shape {tuple(pixels.shape)} must be (B, {', '.join(map(str, expected))})")
        return self.encoder(pixels).permute(0, 2, 3, 1)

    def decode(self, vectors):
        """(B, grid, grid, W) -> (B, C, size, size); pixels may fall a little outside of -1 to 1."""
        return self.decoder(vectors.permute(0, 3, 1, 2))

    def forward(self, pixels):
        """Encode, quantise and draw again.

        Args:
            pixels: (B, C, size, size) from -1 to 1.
        Returns:
            the pictures drawn again; the mean squared distance of the encoder's numbers from the codes' (a scalar,
            which pulls the encoder alone); and the codes (B, grid, grid).
        """
        vectors = self.encode(pixels)
        quantised, codes = self.codebook(vectors)
        return self.decode(quantised), F.mse_loss(vectors, quantised.detach()), codes

    @torch.inference_mode()
    def encode_codes(self, pixels):
        """The codes of pictures, row by row: (B, C, size, size) -> (B, grid · grid) int64."""
        return self.codebook.nearest(self.encode(pixels)).flatten(1)

    @torch.inference_mode()
    def decode_codes(self, codes):
        """Pictures from their codes: (B, grid · grid) -> (B, C, size, size) from -1 to 1.

        Raises:
            ValueError: for another number of codes, or one that is not in the codebook.
        """
        if codes.ndim != 2 or codes.shape[1] != self.config.n_positions:
            raise ValueError(f"codes of shape {tuple(codes.shape)} must be (B, {self.config.n_positions})")
        outside = codes[(codes < 0) | (codes >= self.config.n_codes)]
        if len(outside):
            raise ValueError(f"code {int(outside[0])} must be at least 0 and below n_codes={self.config.n_codes}")
        grid = codes.view(-1, self.config.grid_size, self.config.grid_size)
        return self.decode(self.codebook.vectors[grid]).clamp(-1, 1)


def vq_vae_loss(model, pixels):
    """Squared error of the pictures drawn again, and β times that of the encoder's vectors: for a `Trainer`.

    The codebook has no term of its own: it moves by moving means.

    Args:
        model: a `VQVAE`.
        pixels: (B, C, size, size).
    Returns:
        the sum over the pictures of their mean squared errors, and how many pictures.
    Source: van den Oord et al. (2017), equation 3 and appendix A.1.
    """
    drawn, distance, _ = model(pixels)
    return len(pixels) * (F.mse_loss(drawn, pixels) + model.config.commitment * distance), len(pixels)


@torch.inference_mode()
def reconstruction_error(model, pixels):
    """Mean squared error of a pixel that is drawn again from its picture's codes, as a float; pixels are -1 to 1."""
    return float(F.mse_loss(model.decode_codes(model.encode_codes(pixels)), pixels))


def code_perplexity(codes, n_codes):
    """How many of the codes are in use: exp of the entropy of how often each occurs.

    Args:
        codes: int64 of any shape.
        n_codes: size K of the codebook.
    Returns:
        a float from 1 to K; K where all are equally common.
    Raises:
        ValueError: if there are no codes.
    """
    if codes.numel() == 0:
        raise ValueError("the perplexity of codes needs at least one, got none")
    shares = torch.bincount(codes.flatten(), minlength=n_codes).double() / codes.numel()
    return math.exp(float(torch.special.entr(shares).sum()))


# Chosen on the validation part of 8 × 8 digits.
VQ_TRAINING = TrainingConfig(steps=1000, batch_size=64, learning_rate=2e-3, warmup_steps=50, weight_decay=0.01,
                             evaluate_every=500)  # fmt: skip


def train_vq_vae(images, validation=None, config=None, training=VQ_TRAINING, on_step=None):
    """Train a VQ-VAE to draw pictures again.

    Args:
        images: `LabelledImages`; the labels are not read.
        validation: `LabelledImages` to look at now and then, or None.
        config: a `VQVAEConfig`; None for its defaults.
        training: a `TrainingConfig`.
        on_step: called with each `StepReport`.
    Returns:
        the `VQVAE`, in evaluation mode.
    """
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        model = VQVAE(VQVAEConfig() if config is None else config)
    pixels = torch.from_numpy(images.pixels)

    def batches(step):
        generator = np.random.default_rng((training.seed, step))
        return [pixels[generator.integers(len(pixels), size=training.batch_size)]]

    looks = None if validation is None else lambda: torch.from_numpy(validation.pixels).split(256)
    Trainer(model, vq_vae_loss, batches, training, looks).run(on_step=on_step)
    return model.eval()


# ------------------------------------------------------------------------------------------------------- text to image

PROMPTS = ("{}", "a {}", "the digit {}", "draw a {}", "a handwritten {}", "please write {}")


class TextToImage:
    """A GPT that reads a text and goes on with the codes of a picture.

    A sequence is the text in `text_length` ids, with an id for "no text" before it where it is shorter, and then the
    picture's codes: so the codes always stand at the same positions. The codes have the lowest ids and the text's
    follow, so that `generate` can be kept to codes.

    Args:
        gpt: a `GPT` over `vocab_size` ids.
        tokenizer: of the texts.
        vq_vae: a trained `VQVAE`.
    Raises:
        ValueError: if the GPT has another vocabulary or no room for a text.
    Source: Ramesh et al. (2021), section 2.2.
    """

    def __init__(self, gpt: GPT, tokenizer, vq_vae: VQVAE):
        n_ids = self.vocab_size(tokenizer, vq_vae)
        if gpt.config.vocab_size != n_ids:
            raise ValueError(f"vocab_size={gpt.config.vocab_size} must be {n_ids}: codes, tokens of the text, and one")
        self.text_length = gpt.config.context_length + 1 - vq_vae.config.n_positions  # the last code is never read
        if self.text_length < 1:
            raise ValueError(f"context_length={gpt.config.context_length} must be at least "
                             f"{vq_vae.config.n_positions}, the codes of a picture")  # fmt: skip
        self.gpt, self.tokenizer, self.vq_vae = gpt, tokenizer, vq_vae

    @staticmethod
    def vocab_size(tokenizer, vq_vae):
        """Ids that the GPT needs: codes, tokens of the text, and one for "no text"."""
        return vq_vae.config.n_codes + tokenizer.vocab_size + 1

    def text_ids(self, texts):
        """Ids of texts: (B, text_length) int64.

        Raises:
            ValueError: if there is an empty text, one that is too long, or one that the tokenizer cannot read.
        """
        n_codes, no_text = self.vq_vae.config.n_codes, self.gpt.config.vocab_size - 1
        rows = []
        for text in texts:
            ids = [n_codes + token for token in self.tokenizer.encode(text.strip().lower())]
            if not 0 < len(ids) <= self.text_length:
                raise ValueError(f"the text {text!r} has {len(ids)} tokens: it must have 1 to {self.text_length}")
            rows.append([no_text] * (self.text_length - len(ids)) + ids)
        return torch.tensor(rows, dtype=torch.long).view(-1, self.text_length)

    def sequences(self, texts, codes):
        """What the GPT learns from: inputs and targets (B, T); only codes (B, N) are targets, the texts are given.

        The paper gives the text's tokens an eighth of the loss; ours give them none.
        """
        ids = torch.cat([self.text_ids(texts), codes], dim=1)
        targets = ids[:, 1:].clone()
        targets[:, : self.text_length - 1] = IGNORED
        return ids[:, :-1], targets

    def draw(self, texts, sampling=None):
        """A picture of each text.

        Args:
            texts: a list of B texts.
            sampling: a `SamplingConfig`; the number of tokens is the pictures'. None for temperature 0.8.
        Returns:
            (B, C, size, size) from -1 to 1. Equal texts get different pictures; the same call gives the same ones.
        """
        return self.vq_vae.decode_codes(self.draw_codes(texts, sampling))

    def draw_codes(self, texts, sampling=None):
        """The codes of a picture of each text: (B, N) int64."""
        sampling = sampling or SamplingConfig()
        shape = self.vq_vae.config
        rows = generate(self.gpt, self.text_ids(texts).tolist(), sampling, n_tokens=shape.n_codes,
                        max_new_tokens=shape.n_positions, seeds=one_seed_each(sampling.seed, len(texts)))  # fmt: skip
        return torch.tensor(rows, dtype=torch.long).view(-1, shape.n_positions)


@dataclass(frozen=True)
class PromptedBatches:
    """Pictures, each with a prompt that names what it shows, drawn anew at each step: for a `Trainer`.

    Attributes:
        model: the `TextToImage`.
        images: `LabelledImages`.
        codes: (N, n_positions) of all images.
        batch_size: pictures in each step.
        prompts: templates, of which each picture gets one by chance.
        seed: what everything random follows from.
    """

    model: TextToImage
    images: LabelledImages
    codes: torch.Tensor
    batch_size: int
    prompts: tuple[str, ...] = PROMPTS
    seed: int = 1

    def __call__(self, step):
        """The step's one batch, in a list: inputs and targets (B, T)."""
        generator = np.random.default_rng((self.seed, step))
        chosen = generator.integers(len(self.images), size=self.batch_size)
        templates = generator.integers(len(self.prompts), size=self.batch_size)
        texts = [self.prompts[template].format(self.images.names[label])
                 for template, label in zip(templates, self.images.labels[chosen])]  # fmt: skip
        return [self.model.sequences(texts, self.codes[chosen])]


# Chosen on the validation part of 8 × 8 digits.
TEXT_TRAINING = TrainingConfig(steps=600, batch_size=64, optimizer="muon", learning_rate=2e-3, warmup_steps=50,
                               final_learning_rate_share=0.01, evaluate_every=300)  # fmt: skip


def train_text_to_image(vq_vae, images, validation=None, prompts=PROMPTS, training=TEXT_TRAINING, on_step=None):
    """Train a GPT to draw what a text asks for.

    Args:
        vq_vae: a trained `VQVAE`.
        images: `LabelledImages` to learn; their names stand in the prompts.
        validation: `LabelledImages` to look at now and then, under their plain names, or None.
        prompts: templates with {} for the name.
        training: a `TrainingConfig`.
        on_step: called with each `StepReport`.
    Returns:
        the `TextToImage`, its GPT in evaluation mode.
    """
    tokenizer = CharTokenizer.train("".join(map(chr, range(ord("a"), ord("z") + 1))) + " 0123456789")
    longest = max(len(prompt.format(name)) for prompt in prompts for name in images.names)
    config = GPTConfig(TextToImage.vocab_size(tokenizer, vq_vae), longest + vq_vae.config.n_positions - 1,
                       n_layers=4, n_heads=4, d_model=96, dropout=0.1)  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        model = TextToImage(GPT(config), tokenizer, vq_vae)
    codes = vq_vae.encode_codes(torch.from_numpy(images.pixels)).clone()
    batches = PromptedBatches(model, images, codes, training.batch_size, prompts, training.seed)
    looks = None
    if validation is not None:
        names = [validation.names[label] for label in validation.labels]
        looked_at = model.sequences(names, vq_vae.encode_codes(torch.from_numpy(validation.pixels)).clone())
        looks = lambda: zip(*(part.split(256) for part in looked_at))  # noqa: E731
    Trainer(model.gpt, next_token_loss, batches, training, looks).run(on_step=on_step)
    model.gpt.eval()
    return model
