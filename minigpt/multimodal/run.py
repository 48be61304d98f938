"""A fused GPT from its parts, trained, and as a folder.

Training goes in two stages: first an encoder learns, alone and quickly, which items mean the same word (CLIP); then
encoder, projector and GPT learn to answer (LLaVA, whose encoder is CLIP's). In one stage, from scratch, it is slower.
"""

import dataclasses
import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minigpt.checkpoint import (
    find_checkpoint,
    load_model,
    load_tensors,
    read_json,
    replacing_folder,
    save_tensors,
    verify,
    write_json,
)
from minigpt.config import GPTConfig, TrainingConfig, first_line, from_dict
from minigpt.model import GPT
from minigpt.multimodal.answering import AnswerBatches, answer_loss, fused_optimizer
from minigpt.multimodal.fusion import CrossAttentionGPT, ProjectedGPT
from minigpt.multimodal.vision import VisionConfig, VisionEncoder
from minigpt.tokenizers import load_tokenizer
from minigpt.training.trainer import Trainer

FORMAT = "minigpt-multimodal-1"


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

    def __post_init__(self):
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
    if config.fusion == "projected":
        model = ProjectedGPT(gpt, encoders, config.projector)
    else:
        model = CrossAttentionGPT(gpt, encoders, config.projector, config.every)
    text = set(model.text_parameters())
    for parameter in model.parameters():
        parameter.requires_grad_(config.train_text or parameter not in text)
    return model


class WordAligner(nn.Module):
    """An encoder's items and a GPT's words in one space, where those that mean the same are near each other.

    The words' vectors are the GPT's own token embeddings, and stay as they are; what is learned of them is one matrix.

    Source: Radford et al. (2021, CLIP), section 2.3; their text encoder is trained, too.
    """

    def __init__(self, encoder, gpt: GPT, tokenizer, names, width: int = 64):
        super().__init__()
        self.encoder = encoder
        ids = [torch.tensor(tokenizer.encode(f" {name}")) for name in names]
        with torch.no_grad():
            vectors = torch.stack([gpt.token_embedding(row).mean(dim=0) for row in ids])
        self.register_buffer("words", vectors / vectors.std())  # (names, D)
        self.item_projection = nn.Linear(encoder.d_model, width)
        self.word_projection = nn.Linear(vectors.shape[1], width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, items):
        """Items (B, …) -> their similarity to each name (B, names), times the learned scale: logits."""
        seen = F.normalize(self.item_projection(self.encoder(items).mean(dim=1)), dim=-1)
        return self.log_scale.exp().clamp(max=100.0) * seen @ self.word_vectors().T

    def word_vectors(self):
        """The names' vectors, of length 1: (names, width)."""
        return F.normalize(self.word_projection(self.words), dim=-1)


def align(encoder, gpt: GPT, tokenizer, items, labels, names, prepare, config: TrainingConfig):
    """Teach an encoder which items mean the same word, and which word that is.

    Args:
        encoder: makes (B, N, D_m) of B items.
        gpt, tokenizer: whose words; they are not changed.
        items: what `prepare` makes tensors of.
        labels: (n,) indices into `names`.
        names: the words.
        prepare: function(items, generator) -> (n, …) tensor.
        config: steps, learning rate, items in a batch, seed.
    Returns:
        the `WordAligner`, in evaluation mode; its encoder is the one given.
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = WordAligner(encoder, gpt, tokenizer, names)

    def batches(step):
        generator = np.random.default_rng((config.seed, step, 1))
        chosen = generator.integers(len(labels), size=config.batch_size)
        changes = torch.Generator().manual_seed(int(generator.integers(2**62)))
        return [(prepare([items[index] for index in chosen], changes), torch.as_tensor(labels[chosen]))]

    def loss(model, batch):
        logits = model(batch[0])  # (B, names)
        return F.cross_entropy(logits, batch[1], reduction="sum", label_smoothing=0.1), len(batch[1])

    Trainer(model, loss, batches, config).run()
    return model.eval()


def train(model, tokenizer, draw, prepare, config: TrainingConfig, on_step=None):
    """Teach a fused GPT to answer.

    Args:
        model: from `build`.
        tokenizer: of its text.
        draw: draw(generator, n) -> n `Shown` examples; the generator is NumPy's.
        prepare: {modality: function of items and a generator}, as in `answering.collate`.
        config: steps, learning rate, examples in a batch, seed.
        on_step: called with each `StepReport`.
    Returns:
        the model, in evaluation mode.
    """
    batches = AnswerBatches(model, tokenizer, draw, prepare, config.batch_size, config.seed)
    Trainer(model, answer_loss, batches, config, optimizer=fused_optimizer(model, config)).run(on_step)
    return model.eval()


# ------------------------------------------------------------------------------------------------ as a folder


def save(folder, model, tokenizer, config: FusionConfig, base="", **about):
    """Write a fused GPT as a folder, whole or not at all.

    Where the text model did not learn, its weights are not written: the name and hash of the base stand for them.

    Args:
        folder: where to.
        model, tokenizer, config: what `load` gives back.
        base: the text model's name or folder; only needed where it did not learn.
        about: plain values to note beside it.
    """
    text = {} if config.train_text else {id(p) for p in model.text_parameters()}
    kept = {name: p.detach().bfloat16() for name, p in model.named_parameters() if id(p) not in text}
    settings = {"format": FORMAT, "fusion": dataclasses.asdict(config), "gpt": dataclasses.asdict(model.gpt.config),
                "base": "" if config.train_text else base,
                "base_hash": "" if config.train_text else parameters_hash(model.text_parameters()),
                "about": about}  # fmt: skip
    with replacing_folder(folder) as new:
        write_json(new / "config.json", settings)
        tokenizer.save(new / "tokenizer.json")
        save_tensors(new / "model.safetensors", kept)


def load(folder):
    """Read a fused GPT: the model in evaluation mode, its tokenizer, and what was noted beside it.

    Raises:
        ValueError: if a file is missing or damaged, or the base is another than the one that was built on.
    """
    folder = find_checkpoint(folder)
    settings = read_json(folder / "config.json")
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise ValueError(f"{folder} holds no model that sees or hears, but another kind")
    verify(folder)
    try:
        config = _config_from_json(settings["fusion"])
        shape = from_dict(GPTConfig, settings["gpt"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged: {first_line(error)}") from None
    gpt = load_model(settings["base"])[0] if settings["base"] else GPT(shape)
    model = build(gpt, config)
    if settings["base"] and parameters_hash(model.text_parameters()) != settings["base_hash"]:
        raise ValueError(f"{folder} was trained on another base than {settings['base']}, which has changed since")
    tensors = load_tensors(folder / "model.safetensors")
    text = {id(p) for p in model.text_parameters()} if settings["base"] else {}
    expected = {name: p for name, p in model.named_parameters() if id(p) not in text}
    if {n: p.shape for n, p in expected.items()} != {n: t.shape for n, t in tensors.items()}:
        raise ValueError(f"{folder / 'model.safetensors'} does not belong to {folder / 'config.json'}")
    with torch.no_grad():
        for name, parameter in expected.items():
            parameter.copy_(tensors[name])
    return model.eval(), load_tokenizer(folder / "tokenizer.json"), settings["about"]


def parameters_hash(parameters):
    """SHA-256 over shapes and bytes of parameters, in their order."""
    digest = hashlib.sha256()
    for parameter in parameters:
        digest.update(f"{tuple(parameter.shape)}\n".encode())
        digest.update(parameter.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _config_from_json(values):
    parts = {"image": VisionConfig}
    made = {name: None if values[name] is None else from_dict(kind, values[name]) for name, kind in parts.items()}
    rest = {name: value for name, value in values.items() if name not in parts}
    return dataclasses.replace(from_dict(FusionConfig, rest), **made)
