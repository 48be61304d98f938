"""The table behind `minigpt check`: every operation's derivative against numbers, on small shapes that all differ.

To print it, and to know whether all is well:

    rows = run_checks()
    print(format_table(rows))
    all_right = all(row.passed for row in rows)
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from minigpt.by_hand import operations as op
from minigpt.by_hand.gpt import gpt_backward, gpt_forward, parameter_shapes
from minigpt.by_hand.gradient_check import check_gradient, taylor_slope
from minigpt.config import GPTConfig

# All different, so that two axes cannot be mistaken for each other without being noticed
B, T, S, H, K, V, F, R = 2, 5, 6, 3, 4, 7, 10, 8
D = H * K


@dataclass(frozen=True)
class Case:
    """One operation, ready to be checked: L = ½ Σ (output - aim)², so that the upstream gradient is output - aim.

    The aim is random. A plain sum would have an upstream gradient of ones, to which many mistakes are blind, and no
    curvature, which the Taylor test needs.
    """

    operation: str
    parameters: dict
    """{name: array} of everything that has a gradient"""
    forward: Callable
    """parameters -> output, cache"""
    backward: Callable
    """(d_output, *cache) -> gradients, in the order of the parameters; the last may be a dictionary"""

    @cached_property
    def aim(self):
        """Where the output should go."""
        output, _ = self.forward(self.parameters)
        return np.random.default_rng(99).standard_normal(np.shape(output))

    def loss(self, parameters):
        """L at these parameters."""
        output, _ = self.forward(parameters)
        error = output - self.aim
        return 0.5 * (error * error).sum()

    def gradients(self, parameters, backward=None):
        """{name: ∂L/∂parameter} by the operation's backward, or by another one."""
        output, cache = self.forward(parameters)
        results = (backward or self.backward)(output - self.aim, *cache)
        results = results if isinstance(results, tuple) else (results,)
        named = dict(results[-1]) if isinstance(results[-1], dict) else {}
        positional = [result for result in results if not isinstance(result, dict)]
        named.update(zip((name for name in parameters if name not in named), positional))
        return {name: named[name] for name in parameters}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    operation: str
    parameters: str
    entries: int
    """numbers whose derivative was measured"""
    worst_error: float
    """largest relative error against central differences"""
    slope: float
    """exponent of the Taylor remainder: 2 for a right gradient"""
    verdict: str

    @property
    def passed(self):
        """Whether both tests agree with the derivation."""
        return self.verdict == "right"

    def to_dict(self):
        """Plain values, ready for JSON, which knows neither infinity nor NaN."""
        plain = {name: None if isinstance(value, float) and not math.isfinite(value) else value
                 for name, value in asdict(self).items()}
        return {**plain, "passed": self.passed}


def run_checks(chosen=None):
    """Check every operation, every entry.

    Args:
        chosen: cases to check; None for all of `cases()`.
    Returns:
        a list of `Row`.
    """
    return [check(case) for case in (cases() if chosen is None else chosen)]


def check(case):
    """Central differences for every entry, and one Taylor slope: a `Row`."""
    gradients = case.gradients(case.parameters)
    report = check_gradient(case.loss, case.parameters, gradients, tolerance=1e-7)
    slope = taylor_slope(case.loss, case.parameters, gradients)
    verdict = report.verdict if report.verdict != "right" or abs(slope - 2) <= 0.02 else "wrong slope"
    entries = sum(row.n_checked for row in report.rows)
    worst_error = math.nan if report.worst_error is None else report.worst_error
    return Row(case.operation, _summary(case.parameters), entries, worst_error, slope, verdict)


def format_table(rows):
    """The rows as text, with a heading and a sum."""
    lines = [("operation", "parameters", "entries", "worst error", "slope", "verdict")]
    lines += [(row.operation, row.parameters, str(row.entries), f"{row.worst_error:.1e}", f"{row.slope:.3f}",
               row.verdict) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    n_passed = sum(row.passed for row in rows)
    entries = sum(row.entries for row in rows)
    return "\n".join([*text, f"{n_passed} of {len(rows)} operations right, {entries} derivatives measured"])


def _summary(parameters):
    """Few names in full; of many, the first and how many more."""
    names = list(parameters)
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]}, … ({len(names)} arrays)"


# ---------------------------------------------------------------------------------------------------------------
# The cases
# ---------------------------------------------------------------------------------------------------------------


def cases():
    """Every operation of `operations`, and the whole GPT in its three variants."""
    return [*_maps_and_lookups(), *_losses(), *_bends_and_norms(), *_attention(), *_blocks(), *_heads(),
            *_two_sequences(), *_gpts()]


def _normal(seed, **shapes):
    generator = np.random.default_rng(seed)
    return {name: np.asarray(generator.standard_normal(shape)) for name, shape in shapes.items()}


def _maps_and_lookups():
    ids = np.array([[3, 1, 3, 6, 0], [1, 3, 5, 5, 2]])  # 1, 3 and 5 occur more than once; 4 never
    positions = np.array([[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]])  # the first row is padded on the left
    return [
        Case("linear", _normal(1, x=(B, T, K), weight=(H, K), bias=(H,)),
             lambda p: op.linear_forward(p["x"], p["weight"], p["bias"]), op.linear_backward),
        Case("embedding", _normal(2, table=(V, K)),
             lambda p: op.embedding_forward(ids, p["table"]), op.embedding_backward),
        Case("positional embedding", _normal(3, x=(B, T, K), table=(S, K)),
             lambda p: op.positional_embedding_forward(p["x"], np.arange(T), p["table"]),
             op.positional_embedding_backward),
        Case("positional embedding, left padding", _normal(4, x=(B, T, K), table=(S, K)),
             lambda p: op.positional_embedding_forward(p["x"], positions, p["table"]),
             op.positional_embedding_backward),
    ]


def _losses():
    targets = np.array([[3, 1, -100, 6, 0], [-100, 3, 5, 5, 2]])
    labels = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    probabilities = {"probabilities": np.array([0.1, 0.9, 0.3, 0.6, 0.5])}

    def logistic_forward(p):
        """The source document's formula: binary cross-entropy through a logistic model to θ."""
        predicted, model_cache = op.logistic_model_forward(p["features"], p["theta"])
        loss, loss_cache = op.binary_cross_entropy_forward(predicted, labels)
        return loss, (model_cache, loss_cache)

    def logistic_backward(d_loss, model_cache, loss_cache):
        d_predicted = op.binary_cross_entropy_backward(d_loss, *loss_cache)
        return op.logistic_model_backward(d_predicted, *model_cache)

    aim = np.random.default_rng(5).standard_normal((B, T))
    return [
        Case("softmax", _normal(6, scores=(B, T, V)), lambda p: op.softmax_forward(p["scores"]), op.softmax_backward),
        Case("log-softmax", _normal(7, scores=(B, T, V)),
             lambda p: op.log_softmax_forward(p["scores"]), op.log_softmax_backward),
        Case("cross-entropy, some ignored", _normal(8, logits=(B, T, V)),
             lambda p: op.cross_entropy_forward(p["logits"], targets), op.cross_entropy_backward),
        Case("cross-entropy, label smoothing", _normal(9, logits=(B, T, V)),
             lambda p: op.cross_entropy_forward(p["logits"], targets, label_smoothing=0.1),
             op.cross_entropy_backward),
        Case("binary cross-entropy", probabilities,
             lambda p: op.binary_cross_entropy_forward(p["probabilities"], labels), op.binary_cross_entropy_backward),
        Case("binary cross-entropy, logits", _normal(10, logits=(T,)),
             lambda p: op.binary_cross_entropy_with_logits_forward(p["logits"], labels),
             op.binary_cross_entropy_with_logits_backward),
        Case("sigmoid", _normal(11, x=(B, T)), lambda p: op.sigmoid_forward(p["x"]), op.sigmoid_backward),
        Case("logistic model", _normal(12, features=(T, K), theta=(K,)),
             lambda p: op.logistic_model_forward(p["features"], p["theta"]), op.logistic_model_backward),
        Case("logistic regression to θ", _normal(13, features=(T, K), theta=(K,)), logistic_forward,
             logistic_backward),
        Case("mean squared error", _normal(14, predictions=(B, T)),
             lambda p: op.mean_squared_error_forward(p["predictions"], aim), op.mean_squared_error_backward),
    ]


def _bends_and_norms():
    kept = np.random.default_rng(15).random((B, T, K)) < 0.7
    return [
        Case("ReLU", _normal(16, x=(B, T, K)), lambda p: op.relu_forward(p["x"]), op.relu_backward),
        Case("GELU, exact", _normal(17, x=(B, T, K)), lambda p: op.gelu_exact_forward(p["x"]), op.gelu_exact_backward),
        Case("GELU, tanh", _normal(18, x=(B, T, K)), lambda p: op.gelu_tanh_forward(p["x"]), op.gelu_tanh_backward),
        Case("layer norm", _normal(19, x=(B, T, K), weight=(K,), bias=(K,)),
             lambda p: op.layer_norm_forward(p["x"], p["weight"], p["bias"], 0.1), op.layer_norm_backward),
        Case("dropout, given mask", _normal(20, x=(B, T, K)),
             lambda p: op.dropout_forward(p["x"], kept, 0.3), op.dropout_backward),
        Case("residual", _normal(21, x=(B, T, K), branch=(B, T, K)),
             lambda p: op.residual_forward(p["x"], p["branch"]), op.residual_backward),
    ]


# The first sequence is padded on the right, the second on the left
_IS_REAL = np.array([[True, True, True, False, False], [False, True, True, True, True]])


def _attention():
    one_more_key = np.ones((B, S), dtype=bool)
    one_more_key[:, :T] = _IS_REAL
    masks = {"causal": op.attention_mask(T, S), "banded": op.attention_mask(T, S, band_width=2),
             "padding": op.attention_mask(T, S, key_is_real=one_more_key)}
    shapes = {"query": (B, H, T, K), "key": (B, H, S, K), "value": (B, H, S, K)}

    def multi_head(p):
        return op.multi_head_attention_forward(p["x"], p, H, op.attention_mask(T, T, key_is_real=_IS_REAL))

    return [
        *(Case(f"attention, {kind}", _normal(22, **shapes),
               lambda p, mask=mask: op.attention_forward(p["query"], p["key"], p["value"], mask),
               op.attention_backward) for kind, mask in masks.items()),
        Case("multi-head attention", {**_normal(23, x=(B, T, D)), **_block_parameters(24, "attention.")}, multi_head,
             op.multi_head_attention_backward),
    ]


def _blocks():
    mask = op.attention_mask(T, T)
    return [
        Case("feed-forward", {**_normal(25, x=(B, T, D)), **_block_parameters(26, "feed_forward.")},
             lambda p: op.feed_forward_forward(p["x"], p), op.feed_forward_backward),
        Case("block, pre-norm", {**_normal(27, x=(B, T, D)), **_block_parameters(28)},
             lambda p: op.pre_norm_block_forward(p["x"], p, H, mask), op.pre_norm_block_backward),
        Case("block, post-norm", {**_normal(29, x=(B, T, D)), **_block_parameters(30)},
             lambda p: op.post_norm_block_forward(p["x"], p, H, mask), op.post_norm_block_backward),
    ]


def _heads():
    ids = np.array([[3, 1, 3, 6, 0], [1, 3, 5, 5, 2]])
    adapter = _normal(33, x=(B, T, K), weight=(H, K), bias=(H,), down=(R, K), up=(H, R))
    weight, bias = adapter.pop("weight"), adapter.pop("bias")
    return [
        Case("output head", _normal(31, hidden=(B, T, K), table=(V, K)),
             lambda p: op.output_head_forward(p["hidden"], p["table"]), op.output_head_backward),
        Case("tied embedding and head", _normal(32, table=(V, K)),
             lambda p: op.tied_embedding_forward(ids, p["table"]), op.tied_embedding_backward),
        Case("low-rank adapter", adapter,
             lambda p: op.low_rank_adapter_forward(p["x"], weight, bias, p["down"], p["up"], 3.0),
             op.low_rank_adapter_backward),
    ]


# The first text's two first tokens and the second text's first stand before any image, and see nothing
_SEES = np.ones((B, 1, T, S), dtype=bool)
_SEES[0, 0, :2] = _SEES[1, 0, :1] = False
_SEES[0, 0, 2, 3:] = _SEES[1, 0, 3, :2] = False
# Class 3 has no partner in b, class 4 none in a; others have several
_LABELS_A, _LABELS_B = np.array([0, 1, 1, 2, 3]), np.array([1, 0, 2, 2, 1, 4, 0])


def _two_sequences():
    sequences = {"x": (B, T, D), "media": (B, S, V)}
    weights = {f"{part}.{kind}": (D,) if kind == "bias" else (D, V if part in ("key", "value") else D)
               for part in op.ATTENTION_PARTS for kind in ("weight", "bias")}
    projector = {"up.weight": (F, V), "up.bias": (F,), "down.weight": (D, F), "down.bias": (D,)}
    return [
        Case("cross-attention", {**_normal(35, **sequences), **random_parameters(weights, 36)},
             lambda p: op.cross_attention_forward(p["x"], p["media"], p, H, _SEES), op.cross_attention_backward),
        Case("gated cross-attention", {**_normal(37, **sequences, gate=()), **random_parameters(weights, 38)},
             lambda p: op.gated_cross_attention_forward(p["x"], p["media"], p["gate"], p, H, _SEES),
             op.gated_cross_attention_backward),
        Case("MLP projector", {**_normal(39, features=(B, T, V)), **random_parameters(projector, 40)},
             lambda p: op.mlp_projector_forward(p["features"], p), op.mlp_projector_backward),
        Case("pixel shuffle", _normal(41, features=(T, 4 * 6, V)),
             lambda p: op.pixel_shuffle_forward(p["features"], 4, 6, 2), op.pixel_shuffle_backward),
        Case("unit length", _normal(42, x=(B, T, K)), lambda p: op.unit_length_forward(p["x"]),
             op.unit_length_backward),
        Case("contrastive loss, several partners", _normal(43, a=(5, K), b=(7, K), log_scale=()),
             lambda p: op.contrastive_forward(p["a"], p["b"], p["log_scale"], _LABELS_A[:, None] == _LABELS_B),
             op.contrastive_backward),
    ]


def _gpts():
    small = {"vocab_size": V, "context_length": S, "n_layers": 2, "n_heads": H, "d_model": 2 * H, "dropout": 0.0}
    variants = {
        "GPT-1": (GPTConfig(**small, norm_position="post"), None),
        "GPT-2": (GPTConfig(**small), _IS_REAL),
        "GPT-3, untied head": (GPTConfig(**small, attention_pattern="dense,banded", band_width=2, tied_head=False),
                               None),
    }
    return [gpt_case(name, config, is_real) for name, (config, is_real) in variants.items()]


def gpt_case(name, config, is_real=None, seed=34):
    """A whole GPT with its loss, as a `Case`: padding and one more target are ignored."""
    generator = np.random.default_rng(seed)
    ids, targets = generator.integers(0, config.vocab_size, (2, B, T))
    targets[0, 1] = -100
    if is_real is not None:
        targets[~is_real] = -100

    def forward(parameters):
        logits, cache = gpt_forward(config, parameters, ids, is_real)
        loss, loss_cache = op.cross_entropy_forward(logits, targets)
        return loss, (cache, loss_cache)

    def backward(d_loss, cache, loss_cache):
        return gpt_backward(op.cross_entropy_backward(d_loss, *loss_cache), *cache)

    return Case(name, random_parameters(parameter_shapes(config), seed), forward, backward)


def random_parameters(shapes, seed):
    """Parameters large enough for every path to matter; a fresh GPT's are so small that it is almost linear."""
    generator = np.random.default_rng(seed)
    return {name: generator.standard_normal(shape) * 0.4 + name.endswith("norm.weight")
            for name, shape in shapes.items()}


def _block_parameters(seed, part=""):
    """Random parameters of one block, or of a part of it; the feed-forward layer is F wide."""
    config = GPTConfig(vocab_size=V, context_length=S, n_layers=1, n_heads=H, d_model=D)
    shapes = op.under(op.under(parameter_shapes(config), "blocks.0."), part)
    narrow = {name: tuple(F if length == config.d_ff else length for length in shape)
              for name, shape in shapes.items()}
    return random_parameters(narrow, seed)
