"""Models that see, hear and draw, as folders: config.json, model.safetensors, tokenizer.json, checksums.json.

As in `checkpoint.py`, a folder is written whole or not at all, and checked when read; nothing is pickled. Weights are
stored in bfloat16.
"""

import dataclasses
import hashlib

import torch

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
from minigpt.config import GPTConfig, first_line, from_dict
from minigpt.model import GPT
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.run import FusionConfig, build
from minigpt.multimodal.vision import VisionConfig
from minigpt.multimodal.vq_vae import VQVAE, TextToImage, VQVAEConfig
from minigpt.tokenizers import load_tokenizer

READER, PAINTER = "minigpt-reader-1", "minigpt-painter-1"


def save_reader(folder, model, tokenizer, config: FusionConfig, base="", **about):
    """Write a fused GPT.

    Where the text model did not learn, its weights are not written: the base's name and hash stand for them.

    Args:
        folder: where to.
        model, tokenizer, config: what `load_reader` gives back.
        base: the text model's name or folder, where it did not learn.
        about: plain values to note beside it.
    """
    text = set() if config.train_text else set(model.text_parameters())
    kept = {name: p for name, p in model.named_parameters() if p not in text}
    base = {"base": base, "base_hash": _hash(model.text_parameters())} if text else {"base": "", "base_hash": ""}
    settings = {"fusion": dataclasses.asdict(config), "gpt": dataclasses.asdict(model.gpt.config), **base}
    _save(folder, READER, settings, kept, tokenizer, about)


def load_reader(folder):
    """Read a fused GPT: the model in evaluation mode, its tokenizer, and what was noted beside it.

    Raises:
        ValueError: if a file is missing or damaged, or the base is not the one that it was built on.
    """
    folder, settings, tokenizer = _open(folder, READER, "a model that sees or hears")
    try:
        config, shape = _fusion_config(settings["fusion"]), from_dict(GPTConfig, settings["gpt"])
        base, base_hash = settings["base"], settings["base_hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged: {first_line(error)}") from None
    model = build(load_model(base)[0] if base else GPT(shape), config)
    text = set(model.text_parameters()) if base else set()
    if base and _hash(model.text_parameters()) != base_hash:
        raise ValueError(f"{folder} was trained on another {base}, which has changed since")
    _put_back(folder, {name: p for name, p in model.named_parameters() if p not in text})
    return model.eval(), tokenizer, settings["about"]


def save_painter(folder, model: TextToImage, **about):
    """Write a model that draws what a text asks for; `about` (plain values) is noted beside it."""
    settings = {"gpt": dataclasses.asdict(model.gpt.config), "vq_vae": dataclasses.asdict(model.vq_vae.config)}
    _save(folder, PAINTER, settings, _painter_tensors(model), model.tokenizer, about)


def load_painter(folder):
    """Read a model that draws, in evaluation mode, and what was noted beside it.

    Raises:
        ValueError: if a file is missing or damaged.
    """
    folder, settings, tokenizer = _open(folder, PAINTER, "a model that draws")
    try:
        gpt, vq_vae = GPT(from_dict(GPTConfig, settings["gpt"])), VQVAE(from_dict(VQVAEConfig, settings["vq_vae"]))
        model = TextToImage(gpt.eval(), tokenizer, vq_vae.eval())
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged: {first_line(error)}") from None
    _put_back(folder, _painter_tensors(model))
    return model, settings["about"]


def _painter_tensors(model):
    """What a painter's two parts remember; the codebook is a buffer."""
    parts = {"gpt": model.gpt, "vq_vae": model.vq_vae}
    return {f"{part}.{name}": tensor for part, module in parts.items() for name, tensor in module.state_dict().items()}


def _save(folder, kind, settings, tensors, tokenizer, about):
    with replacing_folder(folder) as new:
        write_json(new / "config.json", {"format": kind, **settings, "about": about})
        tokenizer.save(new / "tokenizer.json")
        save_tensors(new / "model.safetensors", {name: tensor.bfloat16() for name, tensor in tensors.items()})


def _open(folder, kind, what):
    """The folder, its settings and its tokenizer, when it holds what it should and no file has changed."""
    folder = find_checkpoint(folder)
    settings = read_json(folder / "config.json")
    if not isinstance(settings, dict) or settings.get("format") != kind:
        raise ValueError(f"{folder} does not hold {what}, but another kind of model")
    verify(folder)
    return folder, settings, load_tokenizer(folder / "tokenizer.json")


def _put_back(folder, expected):
    path = folder / "model.safetensors"
    tensors = load_tensors(path)
    if {name: tensor.shape for name, tensor in expected.items()} != {n: tensor.shape for n, tensor in tensors.items()}:
        raise ValueError(f"{path} does not belong to {folder / 'config.json'}: other names or shapes")
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(tensors[name])


def _fusion_config(values):
    parts = {"image": VisionConfig, "audio": AudioConfig}
    made = {name: None if values[name] is None else from_dict(kind, values[name]) for name, kind in parts.items()}
    rest = {name: value for name, value in values.items() if name not in parts}
    return dataclasses.replace(from_dict(FusionConfig, rest), **made)


def _hash(parameters):
    """SHA-256 over shapes and bytes of parameters, in their order."""
    digest = hashlib.sha256()
    for parameter in parameters:
        digest.update(f"{tuple(parameter.shape)}\n".encode())
        digest.update(parameter.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
