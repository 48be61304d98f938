"""Every setting, as frozen dataclasses, and the published model sizes by name.

Settings come from four places, each overriding the one before: the defaults below, a preset, a TOML file, flags.
"""

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


def _require(condition, settings, name, rule):
    if not condition:
        raise ValueError(f"{name}={getattr(settings, name)!r} must be {rule}")


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT. The defaults are GPT-2's smallest model.

    Source: Radford et al. (2018, GPT-1), Radford et al. (2019, GPT-2), Brown et al. (2020, GPT-3).
    """

    vocab_size: int = 50_257
    """number of tokens; for a BPE that is yet to be trained, how many it should learn at most"""
    context_length: int = 1024
    """longest sequence that the model can read, in tokens"""
    n_layers: int = 12
    """number of Transformer blocks"""
    n_heads: int = 12
    """attention heads in each block; must divide d_model"""
    d_model: int = 768
    """width of the residual stream"""
    norm_position: Literal["pre", "post"] = "pre"
    """layer norm before each sub-layer (GPT-2, GPT-3) or after its residual sum (GPT-1)"""
    attention_pattern: str = "dense"
    """what the layers see: dense, banded, or "dense,banded", which alternates from layer to layer (GPT-3)"""
    band_width: int = 128
    """tokens that a banded layer sees, itself included; GPT-3's paper gives no number, this one is ours"""
    dropout: float = 0.1
    """probability that an activation is dropped while training, from 0 to below 1"""
    tied_head: bool = True
    """whether the output layer shares the token embedding's weights"""
    norm_epsilon: float = 1e-5
    """added to the variance in layer norm"""

    def __post_init__(self):
        for name in ("vocab_size", "context_length", "n_layers", "n_heads", "d_model", "band_width"):
            _require(1 <= getattr(self, name) < 2**31, self, name, "at least 1 and below 2**31")
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model={self.d_model} must be divisible by n_heads={self.n_heads}")
        _require(0 <= self.dropout < 1, self, "dropout", "at least 0 and below 1")
        _require(0 < self.norm_epsilon < math.inf, self, "norm_epsilon", "positive and finite")
        _require(self.norm_position in ("pre", "post"), self, "norm_position", "'pre' or 'post'")
        patterns = ("dense", "banded", "dense,banded")
        _require(self.attention_pattern in patterns, self, "attention_pattern", f"one of {patterns}")

    @property
    def head_dim(self):
        """Width of one attention head."""
        return self.d_model // self.n_heads

    @property
    def d_ff(self):
        """Width inside the feed-forward layer: four times the model's, in GPT-1, GPT-2 and GPT-3."""
        return 4 * self.d_model

    def is_banded(self, layer):
        """Whether the block at this index (from 0) sees only the nearest `band_width` tokens."""
        patterns = self.attention_pattern.split(",")
        return patterns[layer % len(patterns)] == "banded"


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained: optimizer, warm-up and cosine, clipping, seeds, and where it runs."""

    steps: int = 2000
    """number of optimizer updates"""
    batch_size: int = 12
    """windows of context_length tokens in one update"""
    micro_batches: int = 1
    """parts that a batch is worked through in: more parts need less memory, the gradient is the same"""
    optimizer: Literal["adamw", "muon", "sgd"] = "adamw"
    """adamw; muon for the matrices inside the blocks and adamw for the rest; or sgd with momentum beta1"""
    learning_rate: float = 3e-3
    """highest learning rate, reached at the end of the warm-up"""
    matrix_learning_rate: float = 0.02
    """Muon: highest learning rate of the matrices that it moves; it rises and falls as the other does"""
    final_learning_rate_share: float = 0.05
    """learning rate of the last step, as a share of the highest"""
    warmup_steps: int = 100
    """updates over which the learning rate rises linearly to the highest"""
    momentum: float = 0.95
    """Muon: how slowly the mean of a matrix's gradient forgets"""
    weight_decay: float = 0.1
    """decoupled decay of matrices and embeddings, per unit of learning rate (biases and norms have none)"""
    beta1: float = 0.9
    """AdamW: how slowly the mean of the gradient forgets; SGD: the momentum"""
    beta2: float = 0.99
    """AdamW: how slowly the mean of its square forgets"""
    gradient_clip: float = 1.0
    """largest L2 norm of the whole gradient; a longer one is scaled down to it"""
    evaluate_every: int = 250
    """updates between two looks at the validation loss"""
    patience: int = 0
    """looks without a lower validation loss after which the run ends early; 0 for never"""
    evaluation_windows: int = 256
    """validation windows read at each look, evenly spaced over the validation text"""
    checkpoint_every: int = 250
    """updates between two saves of the last state"""
    log_every: int = 10
    """updates between two lines of metrics.jsonl"""
    seed: int = 1
    """everything random follows from it"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute; auto takes a GPU when there is one"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """number format of matrix products; auto takes bfloat16 where it is faster"""

    def __post_init__(self):
        positive = ("steps", "batch_size", "micro_batches", "evaluate_every", "evaluation_windows",
                    "checkpoint_every", "log_every")
        for name in positive:
            _require(getattr(self, name) >= 1, self, name, "at least 1")
        if self.micro_batches > self.batch_size:
            raise ValueError(f"micro_batches={self.micro_batches} must be at most batch_size={self.batch_size}")
        _require(self.optimizer in ("adamw", "muon", "sgd"), self, "optimizer", "'adamw', 'muon' or 'sgd'")
        for name in ("learning_rate", "matrix_learning_rate", "gradient_clip"):
            _require(0 < getattr(self, name) < math.inf, self, name, "positive and finite")
        _require(self.warmup_steps >= 0, self, "warmup_steps", "at least 0")
        _require(self.patience >= 0, self, "patience", "at least 0")
        _require(0 <= self.seed < 2**63, self, "seed", "at least 0 and below 2**63")
        _require(0 <= self.weight_decay < math.inf, self, "weight_decay", "at least 0 and finite")
        _require(0 <= self.final_learning_rate_share <= 1, self, "final_learning_rate_share", "from 0 to 1")
        for name in ("beta1", "beta2", "momentum"):
            _require(0 <= getattr(self, name) < 1, self, name, "at least 0 and below 1")


@dataclass(frozen=True)
class SamplingConfig:
    """How the next token is drawn from the model's distribution."""

    max_new_tokens: int = 200
    """most tokens to write"""
    temperature: float = 0.8
    """logits are divided by it: below 1 sharper, above 1 flatter, 0 always takes the likeliest token"""
    top_k: int = 0
    """draw only from the k likeliest tokens; 0 for no limit"""
    top_p: float = 1.0
    """draw only from the fewest likeliest tokens that together have this probability; 1 for no limit"""
    seed: int = 0
    """seed of the draws"""

    def __post_init__(self):
        _require(self.max_new_tokens >= 0, self, "max_new_tokens", "at least 0")
        _require(0 <= self.temperature < math.inf, self, "temperature", "at least 0 and finite")
        _require(self.top_k >= 0, self, "top_k", "at least 0")
        _require(0 < self.top_p <= 1, self, "top_p", "above 0 and at most 1")
        _require(0 <= self.seed < 2**63, self, "seed", "at least 0 and below 2**63")


# Sizes on which a laptop's CPU trains in minutes. Ours, not published.
_CPU_PRESETS = {
    "tiny": GPTConfig(512, context_length=64, n_layers=2, n_heads=4, d_model=64, dropout=0.0),
    "mini": GPTConfig(1024, context_length=64, n_layers=4, n_heads=4, d_model=128, dropout=0.0),
    "small": GPTConfig(4096, context_length=256, n_layers=6, n_heads=6, d_model=384, dropout=0.1),
}

# Radford et al. (2018), section 4.1; Radford et al. (2019), table 2 (whose parameter counts were corrected later).
_GPT1 = GPTConfig(40_478, context_length=512, norm_position="post")
_GPT2_SIZES = {"gpt2": (12, 12, 768), "gpt2-medium": (24, 16, 1024), "gpt2-large": (36, 20, 1280),
               "gpt2-xl": (48, 25, 1600)}

# Brown et al. (2020), table 2.1: layers, heads, width. Two rows there contradict themselves, since heads × head width
# is not the model's width: XL prints 24 heads of 128 for a width of 2048 (we take 16 heads), and 13B prints a width
# of 5140 for 40 heads of 128 (we take 5120). Both repairs keep the printed parameter counts.
_GPT3_SIZES = {"gpt3-small": (12, 12, 768), "gpt3-medium": (24, 16, 1024), "gpt3-large": (24, 16, 1536),
               "gpt3-xl": (24, 16, 2048), "gpt3-2.7b": (32, 32, 2560), "gpt3-6.7b": (32, 32, 4096),
               "gpt3-13b": (40, 40, 5120), "gpt3-175b": (96, 96, 12_288)}

PRESETS: dict[str, GPTConfig] = {
    **_CPU_PRESETS,
    "gpt1": _GPT1,
    **{name: GPTConfig(n_layers=layers, n_heads=heads, d_model=width)
       for name, (layers, heads, width) in _GPT2_SIZES.items()},
    **{name: GPTConfig(context_length=2048, n_layers=layers, n_heads=heads, d_model=width,
                       attention_pattern="dense,banded")
       for name, (layers, heads, width) in _GPT3_SIZES.items()},
}


def preset(name):
    """The published or small model shape of this name.

    Raises:
        ValueError: if there is none; the message names the nearest.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ValueError(unknown("preset", name, PRESETS))
    return PRESETS[name]


@dataclass(frozen=True)
class PretrainConfig:
    """One pretraining run: which text, which tokens, which model, how trained."""

    data: str = "python-docs"
    """a UTF-8 text file, or the name of a data set in the catalogue"""
    out: str = ""
    """folder for the run; empty means runs/ and the data's name"""
    tokenizer: str = "bpe"
    """bpe (trained on the text), char, or a tokenizer.json file"""
    validation_share: float = 0.1
    """share of the text, taken from its end, that is kept for validation"""
    model: GPTConfig = field(default_factory=lambda: PRESETS["mini"])
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self):
        _require(0 < self.validation_share < 1, self, "validation_share", "above 0 and below 1")


@dataclass(frozen=True)
class MethodConfig:
    """Which part of a pretrained model is trained for a task; see `finetuning/methods.py`. The sizes are ours."""

    method: Literal["full", "frozen", "top-k", "bitfit", "lora", "adapter", "prefix", "prompt"] = "full"
    """full, frozen (head only), top-k, bitfit, lora, adapter, prefix or prompt"""
    top_k: int = 1
    """top-k: how many of the last blocks are trained"""
    lora_rank: int = 8
    """lora: width r of the low-rank product"""
    lora_alpha: float = 16.0
    """lora: the product is scaled by alpha / rank"""
    lora_layers: str = "query,value"
    """lora: which linear layers get one, of query, key, value, output, up, down"""
    adapter_width: int = 16
    """adapter: width of its bottleneck"""
    prompt_length: int = 8
    """prefix and prompt: number of learned tokens"""

    def __post_init__(self):
        for name in ("top_k", "lora_rank", "adapter_width", "prompt_length"):
            _require(getattr(self, name) >= 1, self, name, "at least 1")
        _require(0 < self.lora_alpha < math.inf, self, "lora_alpha", "positive and finite")


@dataclass(frozen=True)
class FinetuneConfig(MethodConfig):
    """One fine-tuning run: which task, on which base, by which method, how trained."""

    method: Literal["full", "frozen", "top-k", "bitfit", "lora", "adapter", "prefix", "prompt", "zero-shot",
                    "few-shot"] = "full"  # fmt: skip
    """full, frozen (head only), top-k, bitfit, lora, adapter, prefix or prompt; zero-shot and few-shot train nothing"""
    task: str = "sentiment"
    """name of a task; `minigpt data` lists them"""
    data: str = ""
    """a file or folder in one of the task's formats, or a data set by name; empty means the generated world"""
    base: str = "minigpt-base"
    """the pretrained model: folder of a run or of a checkpoint, or the name of one that ships with the package"""
    out: str = ""
    """folder for the run; empty means runs/, the task and the method"""
    epochs: int = 3
    """times that each training example is read"""
    batch_size: int = 16
    """examples in one update"""
    learning_rate: float = 0.0
    """highest learning rate; 0 for the method's own, 5e-4 (full) to 3e-2 (frozen); large models want 1e-5 to 5e-5"""
    layer_decay: float = 1.0
    """each block learns so much slower than the one above it; 1 for all alike"""
    warmup_share: float = 0.1
    """share of the updates over which the learning rate rises"""
    weight_decay: float = 0.01
    """decoupled decay of matrices, per unit of learning rate"""
    dropout: float = 0.1
    """probability that an activation is dropped while training"""
    gradient_clip: float = 1.0
    """largest L2 norm of the whole gradient"""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """what makes an update of a gradient"""
    patience: int = 0
    """epochs without a lower validation loss after which the run ends early; 0 for never"""
    gradual_unfreezing: bool = False
    """train the head alone in the first epoch, then one block more in each, from the top"""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: a mistake in a rare class costs as much more as the class is rarer"""
    language_loss: float = 0.0
    """GPT-1's auxiliary objective: this times the text's next-token loss is added (the paper: 0.5)"""
    remedy: Literal["none", "read-twice", "no-mask"] = "none"
    """tagging: what to do against a model that labels a word before it has read on"""
    labelled_piece: Literal["first", "last"] = "first"
    """tagging: which token of a word carries its tag"""
    n_examples: int = 0
    """train on so many examples only, drawn with the seed; 0 for all"""
    template: str = "{text}\nclass: {label}"
    """zero-shot and few-shot: how an example is written; \\n is a new line"""
    words: str = ""
    """zero-shot and few-shot: how classes are called, as "positive=good,negative=bad"; their own names otherwise"""
    shots: int = 8
    """few-shot: examples before each question, drawn with the seed; the oldest are dropped where they do not fit"""
    score: Literal["sum", "mean", "calibrated"] = "calibrated"
    """zero-shot and few-shot: log-probability of an answer, the same per token, or beside what nothing gives it"""
    seed: int = 1
    """everything random follows from it"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute; auto takes a GPU when there is one"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """number format of matrix products; auto takes bfloat16 where it is faster"""

    def __post_init__(self):
        super().__post_init__()
        for name in ("epochs", "batch_size", "shots"):
            _require(getattr(self, name) >= 1, self, name, "at least 1")
        for name in ("learning_rate", "patience", "n_examples", "language_loss"):
            _require(0 <= getattr(self, name) < math.inf, self, name, "at least 0")
        _require(0 < self.layer_decay <= 1, self, "layer_decay", "above 0 and at most 1")
        _require(0 <= self.warmup_share <= 1, self, "warmup_share", "from 0 to 1")
        _require(0 <= self.dropout < 1, self, "dropout", "at least 0 and below 1")
        if self.gradual_unfreezing and self.method != "full":
            raise ValueError(f"gradual_unfreezing goes with method 'full', not {self.method!r}")

    def method_config(self):
        """The method alone, as it is saved with a model."""
        return MethodConfig(**{f.name: getattr(self, f.name) for f in dataclasses.fields(MethodConfig)})


def unknown(kind, name, choices):
    """A one-line message for a name that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(str(name), list(choices), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "choose from " + ", ".join(map(str, choices))
    return f"unknown {kind} {name!r}: {hint}"


def first_line(error):
    """What an error says, in one line that is not endless; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def from_dict(cls, values, base=None, where=""):
    """Build a settings object from plain values, as read from TOML or JSON.

    Args:
        cls: the dataclass to build.
        values: a dictionary; a nested dataclass is a nested dictionary.
        base: an object of `cls` whose values stand where `values` says nothing.
        where: dotted path, for messages.
    Raises:
        ValueError: for an unknown name (the nearest is suggested) or a value of the wrong type.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where or 'settings'}: expected a table of settings, got {values!r}")
    base = cls() if base is None else base
    hints = typing.get_type_hints(cls)
    changes = {}
    for name, value in values.items():
        path = f"{where}.{name}" if where else name
        if name not in hints:
            raise ValueError(unknown("setting", path, [f"{where}.{n}" if where else n for n in hints]))
        if dataclasses.is_dataclass(hints[name]):
            changes[name] = from_dict(hints[name], value, getattr(base, name), path)
        else:
            changes[name] = _checked(hints[name], value, path)
    return dataclasses.replace(base, **changes)


def read_toml(path):
    """Settings of a TOML file, as a dictionary.

    Raises:
        ValueError: if it is not valid TOML; names file and line.
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{Path(path)} is not valid TOML: {error}") from None


def _checked(kind, value, path):
    """The value, if it fits the annotated type; an int serves as a float, nothing else is converted."""
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise ValueError(f"{path}={value!r} must be one of {', '.join(map(repr, choices))}")
        return value
    allowed = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if float in allowed and type(value) is int and abs(value) < 2**1000:
        return float(value)
    if type(value) not in allowed:
        names = " or ".join(t.__name__ for t in allowed)
        raise ValueError(f"{path}={value!r} must be of type {names}")
    return value
