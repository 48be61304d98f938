"""Which part of a pretrained model learns: one entry, `apply_method`.

| method | what is trained | source |
|---|---|---|
| full | everything | Radford et al. (2018), section 3.2 |
| frozen | nothing but the head | |
| top-k | the last blocks and the final norm | |
| bitfit | the biases | Ben Zaken et al. (2022) |
| lora | low-rank additions to some matrices | Hu et al. (2022) |
| adapter | small networks behind each sub-layer | Houlsby et al. (2019) |
| prefix | keys and values before the text, in each layer | Li & Liang (2021) |
| prompt | embeddings before the text | Lester et al. (2021) |

The marks that tasks are written with and the head are new, so they are trained in each of them.
"""

import hashlib

import torch
from torch import nn

from minigpt.config import MethodConfig
from minigpt.finetuning.adapters import add_adapters
from minigpt.finetuning.lora import add_lora
from minigpt.finetuning.rows import add_marks
from minigpt.finetuning.soft_prompts import Prefix, SoftPrompt
from minigpt.model import GPT

# Highest learning rate of each method where none is given. The fewer numbers learn, the farther each has to go. Chosen
# on the validation part of the generated world's sentiment task with minigpt-base, 300 examples, 8 epochs, among two to
# four rates for each method; another base may want others (large ones want less). For bitfit, prefix and prompt the
# lowest that was tried there won, so a still lower one may be better.
LEARNING_RATES = {"full": 5e-4, "frozen": 3e-2, "top-k": 3e-3, "bitfit": 1e-2, "lora": 5e-3, "adapter": 1e-2,
                  "prefix": 1e-2, "prompt": 1e-2}  # fmt: skip


def apply_method(gpt: GPT, config: MethodConfig) -> nn.Module:
    """Prepare a pretrained model for fine-tuning; what is not trained gets no gradient.

    Args:
        gpt: changed in place (submodules are replaced by name).
        config: the method and its sizes.
    Returns:
        the model to train: the GPT itself, or for learned prompts what stands in for it.
    Raises:
        ValueError: if the method does not fit the model.
    """
    if config.method not in LEARNING_RATES:
        raise ValueError(f"the method {config.method!r} trains nothing")
    gpt.requires_grad_(config.method == "full")
    gpt.eval()
    if config.method == "top-k":
        if not 0 < config.top_k <= len(gpt.blocks):
            raise ValueError(f"top_k={config.top_k} must be from 1 to the model's {len(gpt.blocks)} blocks")
        for module in (*gpt.blocks[-config.top_k :], gpt.final_norm):
            module.requires_grad_(True)
    elif config.method == "bitfit":
        for name, parameter in gpt.named_parameters():
            parameter.requires_grad_(name.endswith("bias"))
    elif config.method == "lora":
        add_lora(gpt, config.lora_rank, config.lora_alpha, config.lora_layers.split(","))
    elif config.method == "adapter":
        add_adapters(gpt, config.adapter_width)
    add_marks(gpt)
    if config.method == "prompt":
        return SoftPrompt(gpt, config.prompt_length)
    if config.method == "prefix":
        return Prefix(gpt, config.prompt_length)
    return gpt


def trained_tensors(model: nn.Module):
    """{name: tensor} of what the method trains: all that has to be saved."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def weights_hash(model: nn.Module):
    """SHA-256 over names, shapes and bytes of a model's weights: tells whether two models are the same."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.view(torch.uint8).numpy() if tensor.ndim else tensor.numpy().tobytes())
    return digest.hexdigest()


def frozen_hash(model: nn.Module):
    """As `weights_hash`, over those weights only that the method leaves alone."""
    frozen = nn.ParameterDict()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            frozen[name.replace(".", "/")] = parameter
    return weights_hash(frozen)
