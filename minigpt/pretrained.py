"""Published weights in and out: the Hugging Face layout of GPT-1 and GPT-2.

One table says which of our weights is which of theirs, and serves both directions. Theirs keeps query, key and value
in one matrix, and stores the matrices of its `Conv1D` layers input-first, so those are turned.
"""

import json
from pathlib import Path

import torch

from minigpt.checkpoint import empty_model, load_tensors, load_weights, save_tensors
from minigpt.config import GPTConfig, first_line, from_dict
from minigpt.tokenizers import BPETokenizer, GPT1Tokenizer, load_tokenizer

_OUR_TOKENIZER = "minigpt_tokenizer.json"

# (ours, theirs) outside of the blocks, for each position of the norms. GPT-1 has no final norm.
_OUTER = {
    "pre": [
        ("token_embedding.weight", "transformer.wte.weight"),
        ("position_embedding.weight", "transformer.wpe.weight"),
        ("final_norm.weight", "transformer.ln_f.weight"),
        ("final_norm.bias", "transformer.ln_f.bias"),
    ],
    "post": [
        ("token_embedding.weight", "transformer.tokens_embed.weight"),
        ("position_embedding.weight", "transformer.positions_embed.weight"),
    ],
}

# (ours, theirs) in each block; both layouts call them the same. Three of ours make one of theirs.
_QKV = ("attention.query", "attention.key", "attention.value")
_BLOCK = [
    (("attention_norm",), "ln_1"),
    (_QKV, "attn.c_attn"),
    (("attention.output",), "attn.c_proj"),
    (("feed_forward_norm",), "ln_2"),
    (("feed_forward.up",), "mlp.c_fc"),
    (("feed_forward.down",), "mlp.c_proj"),
]


def _name_table(config):
    """Rows of (our names, their name, whether theirs is turned), one by one."""
    yield from (((ours,), theirs, False) for ours, theirs in _OUTER[config.norm_position])
    for layer in range(config.n_layers):
        for ours, theirs in _BLOCK:
            for kind in ("weight", "bias"):
                names = tuple(f"blocks.{layer}.{name}.{kind}" for name in ours)
                turned = kind == "weight" and "ln_" not in theirs
                yield names, f"transformer.h.{layer}.{theirs}.{kind}", turned
    if not config.tied_head:
        yield ("head.weight",), "lm_head.weight", False


def to_hugging_face(config, tensors):
    """Our weights by name -> theirs by name."""
    theirs = {}
    for names, their_name, turned in _name_table(config):
        joined = torch.cat([tensors[name] for name in names])
        theirs[their_name] = joined.T if turned else joined
    return theirs


def from_hugging_face(config, tensors):
    """Their weights by name -> ours by name; buffers and a copy of a tied head are left out.

    Raises:
        ValueError: if one is missing, or there is one that a GPT of this shape does not have.
    """
    # Some published files leave the prefix away.
    prefixed = {name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}": tensor
                for name, tensor in tensors.items()}  # fmt: skip
    ours = {}
    for names, their_name, turned in _name_table(config):
        if their_name not in prefixed:
            raise ValueError(f"the weights lack {their_name!r}: not those of a GPT of this shape")
        tensor = prefixed[their_name].T if turned else prefixed[their_name]
        if tensor.shape[0] % len(names):
            raise ValueError(f"{their_name!r} has shape {tuple(tensor.shape)}: not query, key and value of one width")
        ours.update({name: part.contiguous() for name, part in zip(names, tensor.chunk(len(names)))})
    known = {their_name for _, their_name, _ in _name_table(config)}
    for name in sorted(prefixed.keys() - known):
        head = name == "lm_head.weight"  # tied, or it would be known
        if head and not torch.equal(prefixed[name], ours["token_embedding.weight"]):
            raise ValueError("'lm_head.weight' is not the token embedding, though the config ties the two")
        if not head and not name.endswith((".attn.bias", ".attn.masked_bias")):  # causal masks, kept as buffers
            raise ValueError(f"the weights hold {name!r}, which a GPT of this shape does not have")
    return ours


def read_hugging_face(folder):
    """A model from a local folder in the Hugging Face layout of GPT-1 or GPT-2.

    Raises:
        ValueError: if a file is missing or damaged, or the model is of another kind.
    """
    folder = Path(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} has no config.json: not a model in the Hugging Face layout")
    try:
        config = _from_their_config(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None
    tensors = from_hugging_face(config, _read_weights(folder))
    model = empty_model(config)
    load_weights(model, tensors, folder)
    return model.eval()


def read_hugging_face_tokenizer(folder, config):
    """The tokenizer that lies beside a model in the Hugging Face layout.

    Raises:
        ValueError: if there is none, it is of another kind, or it has more tokens than the model.
    """
    folder = Path(folder)
    if (folder / _OUR_TOKENIZER).is_file():
        tokenizer = load_tokenizer(folder / _OUR_TOKENIZER)
    elif config.norm_position == "post":
        tokenizer = GPT1Tokenizer.from_files(folder / "vocab.json", folder / "merges.txt")
    else:
        tokenizer = BPETokenizer.from_hf_folder(folder)
    if tokenizer.vocab_size > config.vocab_size:
        sizes = f"{tokenizer.vocab_size} tokens, the model has {config.vocab_size}"
        raise ValueError(f"the tokenizer in {folder} has {sizes}: they do not belong together")
    return tokenizer


def write_hugging_face(folder, model, tokenizer=None):
    """Write a folder that transformers' `AutoModelForCausalLM` and `AutoTokenizer` read.

    Our own tokenizer file is put beside theirs, so that `read_hugging_face_tokenizer` gives back the very same one.

    Args:
        folder: is made if need be.
        model: a `GPT`.
        tokenizer: its `Tokenizer`, or None to write the weights alone.
    Raises:
        ValueError: if their GPT-1 and GPT-2 cannot express this model (GPT-3's banded layers, for one).
    """
    folder = Path(folder)
    end_of_text = None if tokenizer is None else tokenizer.special_tokens.get("<|endoftext|>")
    config = _to_their_config(model.config) | {"bos_token_id": end_of_text, "eos_token_id": end_of_text}
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is not None:
        tokenizer.to_hf_files(folder)
        tokenizer.save(folder / _OUR_TOKENIZER)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tensors = to_hugging_face(model.config, model.state_dict())
    save_tensors(folder / "model.safetensors", tensors, metadata={"format": "pt"})


def fetch_hugging_face(name):
    """Download a model's small files and safetensors from the Hugging Face hub, into its cache.

    Returns:
        the local folder.
    Raises:
        ValueError: if huggingface_hub is not installed, or the model cannot be had.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ValueError(
            "importing by name needs huggingface_hub: pip install 'minigpt-from-scratch[hub]', or give a local folder"
        ) from None
    repository = {"gpt1": "openai-community/openai-gpt", "gpt2": "openai-community/gpt2"}.get(name, name)
    if repository in ("gpt2-medium", "gpt2-large", "gpt2-xl"):
        repository = f"openai-community/{repository}"
    patterns = ["config.json", "model*.safetensors", "model.safetensors.index.json", "vocab.json", "merges.txt",
                "tokenizer*.json"]  # fmt: skip
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except Exception as error:  # network, unknown name, access: all mean the same to the reader
        reason = first_line(error)
        raise ValueError(f"cannot fetch {repository!r} from the hub ({reason}); a local folder works too") from None


def _from_their_config(theirs):
    """Their config.json -> ours, or a ValueError for what this package has no field for."""
    kind = theirs.get("model_type")
    if kind not in ("gpt2", "openai-gpt"):
        raise ValueError(f"model_type={kind!r} is not supported: only 'gpt2' and 'openai-gpt' are")
    names = {"vocab_size": "vocab_size", "context_length": "n_positions", "n_layers": "n_layer", "n_heads": "n_head",
             "d_model": "n_embd"}  # fmt: skip
    for their_name in names.values():
        if their_name not in theirs:
            raise ValueError(f"it lacks {their_name!r}")
    values = {ours: theirs[their_name] for ours, their_name in names.items()} | {
        "norm_position": "pre" if kind == "gpt2" else "post",
        "dropout": theirs.get("resid_pdrop", 0.1),
        "tied_head": theirs.get("tie_word_embeddings", True),
        "norm_epsilon": theirs.get("layer_norm_epsilon", 1e-5),
    }
    config = from_dict(GPTConfig, values)
    # What transformers knows under several names, and this model has in one form only.
    activation = theirs.get("activation_function", "gelu_new") if kind == "gpt2" else theirs.get("afn", "gelu")
    same = ("gelu_new", "gelu_pytorch_tanh") if kind == "gpt2" else ("gelu",)  # openai-gpt's "gelu" is the tanh form
    expected = {"n_inner": (None, config.d_ff), "scale_attn_weights": (True,),
                "scale_attn_by_inverse_layer_idx": (False,), "add_cross_attention": (False,)}  # fmt: skip
    for name, allowed in expected.items():
        if theirs.get(name, allowed[0]) not in allowed:
            raise ValueError(f"{name}={theirs[name]!r} is not supported, only {allowed[-1]!r}")
    if activation not in same:
        raise ValueError(f"the activation {activation!r} is not supported, only GELU in its tanh form")
    return config


def _to_their_config(config):
    if config.attention_pattern != "dense":
        raise ValueError(f"attention_pattern={config.attention_pattern!r} has no place in the Hugging Face layout "
                         "of GPT-2: only 'dense' can be exported")  # fmt: skip
    pre = config.norm_position == "pre"
    theirs = {
        "architectures": ["GPT2LMHeadModel" if pre else "OpenAIGPTLMHeadModel"],
        "model_type": "gpt2" if pre else "openai-gpt",
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_embd": config.d_model,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "layer_norm_epsilon": config.norm_epsilon,
        "tie_word_embeddings": config.tied_head,
    }
    return theirs | ({"activation_function": "gelu_new", "n_inner": None} if pre else {"afn": "gelu"})


def _read_weights(folder):
    """All tensors of model.safetensors, or of the parts that its index names."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return load_tensors(folder / "model.safetensors")
    if index.is_file():
        try:
            parts = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            paths = [folder / Path(part).name for part in parts]  # never outside of the folder
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{index} is damaged: {error}") from None
        tensors = {}
        for path in paths:
            tensors.update(load_tensors(path))
        return tensors
    if (folder / "pytorch_model.bin").is_file():
        raise ValueError(f"{folder} has its weights as pytorch_model.bin, a pickle, which can run code when it is "
                         "read: use a copy in safetensors")  # fmt: skip
    raise ValueError(f"{folder} has no model.safetensors")
