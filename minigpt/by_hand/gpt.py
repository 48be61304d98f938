"""A whole GPT, forward and backward, from `operations`; and a training loop without autograd.

Parameters are a dictionary of arrays under the names of `minigpt.GPT`'s `state_dict`, and gradients a dictionary under
the same names. There is no dropout here: the model computes what `minigpt.GPT` computes in evaluation mode.

    from minigpt.by_hand.gpt import initial_parameters, loss_and_gradients
    parameters = initial_parameters(config)
    loss, gradients = loss_and_gradients(config, parameters, ids, targets)
"""

import functools
import math
from types import MappingProxyType

import numpy as np

from minigpt.by_hand.operations import (
    ATTENTION_PARTS,
    attention_mask,
    cross_entropy_backward,
    cross_entropy_forward,
    embedding_backward,
    embedding_forward,
    layer_norm_backward,
    layer_norm_forward,
    output_head_backward,
    output_head_forward,
    positional_embedding_backward,
    positional_embedding_forward,
    post_norm_block_backward,
    post_norm_block_forward,
    pre_norm_block_backward,
    pre_norm_block_forward,
    prefixed,
    under,
)
from minigpt.by_hand.optimizers import AdamW, clip_by_global_norm, warmup_cosine

# ---------------------------------------------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------------------------------------------


@functools.lru_cache
def parameter_shapes(config):
    """The shape of every parameter under its name, in the torch model's order; the mapping cannot be changed."""
    width, wide = config.d_model, config.d_ff
    norm = {"weight": (width,), "bias": (width,)}
    block = {
        **prefixed("attention_norm.", norm),
        **{f"attention.{part}.{kind}": shape for part in ATTENTION_PARTS
           for kind, shape in (("weight", (width, width)), ("bias", (width,)))},
        **prefixed("feed_forward_norm.", norm),
        "feed_forward.up.weight": (wide, width),
        "feed_forward.up.bias": (wide,),
        "feed_forward.down.weight": (width, wide),
        "feed_forward.down.bias": (width,),
    }
    shapes = {
        "token_embedding.weight": (config.vocab_size, width),
        "position_embedding.weight": (config.context_length, width),
    }
    for layer in range(config.n_layers):
        shapes.update(prefixed(f"blocks.{layer}.", block))
    if config.norm_position == "pre":  # with post-norm, the last block already ends in a norm
        shapes.update(prefixed("final_norm.", norm))
    if not config.tied_head:
        shapes["head.weight"] = (config.vocab_size, width)
    return MappingProxyType(shapes)  # kept from call to call


def initial_parameters(config, seed=0, dtype=np.float64):
    """Fresh parameters: weights from N(0, 0.02²), biases 0, norms 1.

    With pre-norm, the two layers of each block that write into the residual stream are scaled by 1/√(2·n_layers), so
    that the stream's variance does not grow with depth. The rule is the torch model's, the random numbers are not.

    Source: Radford et al. (2018), section 4.1; Radford et al. (2019), section 2.3.
    """
    generator = np.random.default_rng(seed)
    parameters = {}
    for name, shape in parameter_shapes(config).items():
        if name.endswith("norm.weight"):
            parameters[name] = np.ones(shape, dtype=dtype)
        elif name.endswith("bias"):
            parameters[name] = np.zeros(shape, dtype=dtype)
        else:
            writes_to_stream = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
            scaled = writes_to_stream and config.norm_position == "pre"
            deviation = 0.02 / math.sqrt(2 * config.n_layers) if scaled else 0.02
            parameters[name] = (deviation * generator.standard_normal(shape)).astype(dtype)
    return parameters


def parameters_from(model, dtype=np.float64):
    """Copy the parameters of a `minigpt.GPT` into NumPy arrays.

    Args:
        model: anything whose `state_dict()` gives tensors by name.
        dtype: floating-point type of the copies.
    """
    # .float(): NumPy has no bfloat16
    return {name: np.array((tensor.float() if tensor.itemsize < 4 else tensor).cpu().numpy(), dtype=dtype)
            for name, tensor in model.state_dict().items()}


def n_parameters(parameters):
    """How many numbers there are; a tied head counts once."""
    return sum(array.size for array in parameters.values())


# ---------------------------------------------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------------------------------------------


def token_positions(ids, padding_mask=None):
    """Position of each token among the real ones: (T,) without padding, (B, T) with it.

    Padding itself gets any valid position: no real token ever looks at it.
    """
    if padding_mask is None:
        return np.arange(ids.shape[1])
    return np.maximum(padding_mask.cumsum(axis=1) - 1, 0)


def gpt_forward(config, parameters, ids, padding_mask=None):
    """Logits of the token after each token.

    Args:
        config: a `GPTConfig`; its dropout is not applied.
        parameters: {name: array}, as in `parameter_shapes`.
        ids: (B, T) token ids.
        padding_mask: (B, T) booleans, True for real tokens; padding may stand on either side. None: all are real.
    Returns:
        logits (B, T, V), and the cache.
    Raises:
        ValueError: if a parameter is missing or has the wrong shape, or if there are more tokens than context_length.
    """
    _require_parameters(config, parameters)
    _require_tokens(config, ids, padding_mask)
    table = parameters["token_embedding.weight"]
    hidden, token_cache = embedding_forward(ids, table)
    hidden, position_cache = positional_embedding_forward(
        hidden, token_positions(ids, padding_mask), parameters["position_embedding.weight"])

    masks = _masks(config, ids.shape[1], padding_mask)
    block_forward = pre_norm_block_forward if config.norm_position == "pre" else post_norm_block_forward
    block_caches = []
    for layer in range(config.n_layers):
        hidden, block_cache = block_forward(
            hidden, under(parameters, f"blocks.{layer}."), config.n_heads, masks[config.is_banded(layer)],
            config.norm_epsilon)
        block_caches.append(block_cache)

    norm_cache = None
    if config.norm_position == "pre":
        hidden, norm_cache = layer_norm_forward(
            hidden, parameters["final_norm.weight"], parameters["final_norm.bias"], config.norm_epsilon)
    logits, head_cache = output_head_forward(hidden, table if config.tied_head else parameters["head.weight"])
    return logits, (config, token_cache, position_cache, block_caches, norm_cache, head_cache)


def gpt_backward(d_logits, config, token_cache, position_cache, block_caches, norm_cache, head_cache):
    """The gradients of all parameters: the forward pass read from its last line to its first.

    A tied head's gradient and the embedding's belong to the same table, and add up.

    Returns:
        {name: gradient} under the parameters' names.
    """
    gradients = {}
    d_hidden, d_head = output_head_backward(d_logits, *head_cache)
    if config.norm_position == "pre":
        d_hidden, gradients["final_norm.weight"], gradients["final_norm.bias"] = layer_norm_backward(
            d_hidden, *norm_cache)

    block_backward = pre_norm_block_backward if config.norm_position == "pre" else post_norm_block_backward
    for layer in reversed(range(config.n_layers)):
        d_hidden, block_gradients = block_backward(d_hidden, *block_caches[layer])
        gradients.update(prefixed(f"blocks.{layer}.", block_gradients))

    d_hidden, gradients["position_embedding.weight"] = positional_embedding_backward(d_hidden, *position_cache)
    d_table = embedding_backward(d_hidden, *token_cache)
    if config.tied_head:
        gradients["token_embedding.weight"] = d_table + d_head
    else:
        gradients["token_embedding.weight"] = d_table
        gradients["head.weight"] = d_head
    return {name: gradients[name] for name in parameter_shapes(config)}


def _masks(config, n_tokens, padding_mask):
    """The masks that this model's layers need, by `is_banded`."""
    return {is_banded: attention_mask(n_tokens, n_tokens, config.band_width if is_banded else None, padding_mask)
            for is_banded in {config.is_banded(layer) for layer in range(config.n_layers)}}


def gpt_loss(config, parameters, ids, targets, padding_mask=None, ignore_index=-100):
    """Mean cross-entropy of the targets (B, T), in nats; those equal to `ignore_index` are not counted."""
    logits, _ = gpt_forward(config, parameters, ids, padding_mask)
    return cross_entropy_forward(logits, targets, ignore_index)[0]


def loss_and_gradients(config, parameters, ids, targets, padding_mask=None, ignore_index=-100):
    """The loss of a batch, and its derivative with respect to every parameter.

    Args:
        config: a `GPTConfig`.
        parameters: {name: array}.
        ids: (B, T) token ids.
        targets: (B, T) ids of the tokens that follow, or `ignore_index`.
        padding_mask: (B, T) booleans, True for real tokens; or None.
        ignore_index: target that is not counted.
    Returns:
        the loss, a scalar in nats, and {name: gradient}.
    """
    logits, cache = gpt_forward(config, parameters, ids, padding_mask)
    loss, loss_cache = cross_entropy_forward(logits, targets, ignore_index)
    return loss, gpt_backward(cross_entropy_backward(1.0, *loss_cache), *cache)


# ---------------------------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------------------------


def random_windows(ids, length, batch_size, seed=0):
    """Endless batches of next-token windows, drawn at random places of one long sequence.

    Args:
        ids: (N,) token ids, N > length.
        length: tokens in each window.
        batch_size: windows in each batch.
        seed: of the draws.
    Yields:
        inputs and targets, both (batch_size, length); each target is the token after its input.
    """
    if len(ids) <= length:
        raise ValueError(f"ids must hold more than length={length} tokens, got {len(ids)}")
    generator = np.random.default_rng(seed)
    offsets = np.arange(length)
    while True:
        starts = generator.integers(0, len(ids) - length, size=batch_size)
        windows = starts[:, None] + offsets
        yield ids[windows], ids[windows + 1]


def fit(config, parameters, batches, training, report=None):
    """Train by hand: hand-written backward, clipping, warm-up and cosine, hand-written AdamW.

    Args:
        config: a `GPTConfig` with dropout 0.
        parameters: where to start; not changed.
        batches: gives (ids, targets) or (ids, targets, padding_mask), at least `training.steps` times.
        training: a `TrainingConfig`; steps, learning rate, warm-up, weight decay, betas and clipping are used.
        report: None, or a function that is called with (step, loss, learning rate) after each update.
    Returns:
        the trained parameters, and a list with the loss before each update.
    """
    if config.dropout:
        raise ValueError(f"dropout={config.dropout} must be 0: the model by hand has none")
    matrices = [name for name, array in parameters.items() if array.ndim >= 2]
    optimizer = AdamW(training.weight_decay, training.beta1, training.beta2, decayed=matrices)
    final = training.learning_rate * training.final_learning_rate_share
    batches = iter(batches)
    losses = []
    for step in range(training.steps):
        try:
            batch = next(batches)
        except StopIteration:
            raise ValueError(f"batches must last for steps={training.steps}, got {step}") from None
        loss, gradients = loss_and_gradients(config, parameters, *batch)
        gradients, _ = clip_by_global_norm(gradients, training.gradient_clip)
        learning_rate = warmup_cosine(step, training.steps, training.learning_rate, final, training.warmup_steps)
        parameters = optimizer.step(parameters, gradients, learning_rate)
        losses.append(float(loss))
        if report is not None:
            report(step, losses[-1], learning_rate)
    return parameters, losses


def _require_parameters(config, parameters):
    shapes = parameter_shapes(config)
    if parameters.keys() != shapes.keys():
        missing = ", ".join(sorted(shapes.keys() - parameters.keys())) or "none"
        unexpected = ", ".join(sorted(parameters.keys() - shapes.keys())) or "none"
        raise ValueError(f"parameters must have the names of this config; missing: {missing}; unexpected: {unexpected}")
    for name, shape in shapes.items():
        if parameters[name].shape != shape:
            raise ValueError(f"parameter {name!r} must have shape {shape}, got {parameters[name].shape}")


def _require_tokens(config, ids, padding_mask):
    if ids.ndim != 2:
        raise ValueError(f"ids must have shape (B, T), got {ids.shape}")
    if not 1 <= ids.shape[1] <= config.context_length:
        raise ValueError(f"ids must hold 1 to context_length={config.context_length} tokens a row, got {ids.shape[1]}")
    if padding_mask is not None and (padding_mask.shape != ids.shape or padding_mask.dtype != bool):
        raise ValueError(f"padding_mask must hold booleans of shape {ids.shape}, "
                         f"got {padding_mask.dtype} of shape {padding_mask.shape}")
