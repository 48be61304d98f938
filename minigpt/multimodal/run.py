"""A fused GPT from its parts, and how it is trained.

Training goes in two stages: first an encoder learns, alone and quickly, which items mean the same word (CLIP); then
encoder, projector and GPT learn to answer (LLaVA, whose encoder is CLIP's). In one stage, from scratch, it is slower.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import nn

from minigpt.config import TrainingConfig
from minigpt.model import GPT
from minigpt.multimodal.answering import PREPARE, AnswerBatches, answer_loss, fused_optimizer
from minigpt.multimodal.audio import AudioConfig, AudioEncoder
from minigpt.multimodal.contrastive import Aligner, binding_loss
from minigpt.multimodal.fusion import CrossAttentionGPT, ProjectedGPT
from minigpt.multimodal.vision import VisionConfig, VisionEncoder
from minigpt.training.trainer import Trainer


@dataclass(frozen=True)
class FusionConfig:
    """Which parts a fused GPT has."""

    fusion: Literal["projected", "cross-attention"] = "projected"
    """how items reach the GPT: as tokens among the text's (LLaVA), or through new gated layers (Flamingo)"""
    projector: Literal["linear", "mlp", "pixel-shuffle", "resampler"] = "mlp"
    """from an encoder's width to the GPT's"""
    every: int = 2
    """cross-attention: a new layer stands before every so many blocks"""
    train_text: bool = True
    """whether the text model's own weights learn; if not, what it could do before stays as it was"""
    image: VisionConfig | None = field(default_factory=VisionConfig)
    """the image encoder, or None"""
    audio: AudioConfig | None = None
    """the audio encoder, or None"""

    def __post_init__(self):
        if self.image is None and self.audio is None:
            raise ValueError("image and audio are both None: a fused GPT needs an encoder")
        if self.every < 1:
            raise ValueError(f"every={self.every} must be at least 1")


def build(gpt: GPT, config: FusionConfig):
    """A fused GPT, not yet trained; what does not learn is marked so.

    Args:
        gpt: the text model. It becomes part of the new one, and is changed.
        config: which parts to add.
    """
    encoders = {}
    if config.image is not None:
        encoders["image"] = VisionEncoder(config.image)
    if config.audio is not None:
        encoders["audio"] = AudioEncoder(config.audio)
    if config.fusion == "projected":
        model = ProjectedGPT(gpt, encoders, config.projector)
    else:
        model = CrossAttentionGPT(gpt, encoders, config.projector, config.every)
    text = set(model.text_parameters())
    for parameter in model.parameters():
        parameter.requires_grad_(config.train_text or parameter not in text)
    return model


class Words(nn.Module):
    """The names of classes as a GPT knows them: its own token embeddings, which stay as they are.

    Makes (B, 1, D) of B indices into the names, so that an `Aligner` can have words for one of its encoders.
    """

    def __init__(self, gpt: GPT, tokenizer, names):
        super().__init__()
        self.d_model = gpt.config.d_model
        rows = [torch.tensor(tokenizer.encode(f" {name}")) for name in names]
        with torch.no_grad():
            vectors = torch.stack([gpt.token_embedding(row).mean(dim=0) for row in rows])  # (names, D)
        self.register_buffer("vectors", vectors / vectors.std())

    def forward(self, indices):
        """(B,) -> (B, 1, D)."""
        return self.vectors[indices][:, None]


def align(encoders, gpt: GPT, tokenizer, items, names, config: TrainingConfig, prepare=PREPARE, pairs=None):
    """Teach encoders which items mean the same, and which of a GPT's words that is.

    Args:
        encoders: {modality: encoder}, each making (B, N, D_m) of B items. They learn.
        gpt, tokenizer: whose words; they do not change.
        items: {modality: (a list of items, (n,) labels)}.
        names: the words that the labels stand for.
        config: steps, learning rate, items of each modality in a batch, seed.
        prepare: {modality: function(items, generator) -> (n, …) tensor}.
        pairs: which modalities are compared in training; None compares each with "text".
    Returns:
        an `Aligner`, in evaluation mode; its "text" reads indices into `names`.
    Source: Radford et al. (2021), with the words' side frozen; other pairs: Girdhar et al. (2023), section 3.
    """
    pairs = tuple((name, "text") for name in encoders) if pairs is None else pairs
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = Aligner({**encoders, "text": Words(gpt, tokenizer, names)})

    def batches(step):
        generator = np.random.default_rng((config.seed, step, 1))
        batch, labels = {"text": torch.arange(len(names))}, {"text": torch.arange(len(names))}
        for name, (of_modality, own_labels) in items.items():
            chosen = generator.integers(len(own_labels), size=config.batch_size)
            changes = torch.Generator().manual_seed(int(generator.integers(2**62)))
            batch[name] = prepare[name]([of_modality[index] for index in chosen], changes)
            labels[name] = torch.as_tensor(own_labels[chosen])
        return [(batch, labels)]

    def loss(model, batch):
        return binding_loss(model(batch[0]), model.log_scale, batch[1], pairs), 1

    Trainer(model, loss, batches, config).run()
    return model.eval()


def train(model, tokenizer, draw, config: TrainingConfig, prepare=PREPARE, on_step=None):
    """Teach a fused GPT to answer.

    Args:
        model: from `build`.
        tokenizer: of its text.
        draw: draw(generator, n) -> n `Shown` examples; the generator is NumPy's.
        config: steps, learning rate, examples in a batch, seed.
        prepare: as in `align`.
        on_step: called with each `StepReport`.
    Returns:
        the model, in evaluation mode.
    """
    batches = AnswerBatches(model, tokenizer, draw, prepare, config.batch_size, config.seed)
    Trainer(model, answer_loss, batches, config, optimizer=fused_optimizer(model, config)).run(on_step)
    return model.eval()
