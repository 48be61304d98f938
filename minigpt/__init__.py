"""minigpt: learn how GPT works by building one.

Names below are imported on first use, so that `import minigpt` and `minigpt --help` do not wait for torch.
"""

import importlib

_HOMES = {
    "GPT": "model",
    "KVCache": "model",
    "GPTConfig": "config",
    "TrainingConfig": "config",
    "PretrainConfig": "config",
    "PRESETS": "config",
    "generate": "generation",
    "stream": "generation",
    "load_model": "checkpoint",
    "load_tokenizer": "tokenizers",
    "CharTokenizer": "tokenizers",
    "BPETokenizer": "tokenizers",
    "GPT1Tokenizer": "tokenizers",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'minigpt' has no attribute {name!r}")
    return getattr(importlib.import_module(f"minigpt.{_HOMES[name]}"), name)


def __dir__():
    return [*globals(), *__all__]
