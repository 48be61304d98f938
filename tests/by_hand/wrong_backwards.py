"""A bank of wrong backward passes that people really write, and of right ones, written differently.

Each mistake replaces the backward of one case of `minigpt.by_hand.check_table`; the forward stays. `causes` names what
`diagnose` should find, by parameter; it is empty where the mistake is of no kind that `diagnose` knows, and then
"can't tell" is the right answer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minigpt.by_hand import operations as op
from minigpt.by_hand.check_table import B, D, H, K, R, S, T, V, cases

CASES = {case.operation: case for case in cases()}
BANK = []
RIGHT = []


@dataclass(frozen=True)
class Mistake:
    operation: str
    what: str
    backward: Callable
    causes: dict = field(default_factory=dict)


def mistake(operation, what, backward, **causes):
    """Add one to the bank; a dot in a parameter's name is written as two underscores."""
    BANK.append(Mistake(operation, what, backward, {name.replace("__", "."): cause for name, cause in causes.items()}))


def scaled_entry(array, index, factor=1.001):
    """A copy in which one entry, or one part, is off by a factor."""
    copy = array.copy()
    copy[index] *= factor
    return copy


def rows(x):
    return x.reshape(-1, x.shape[-1])


# --- linear ---------------------------------------------------------------------------------------------------


def linear(change):
    """A backward of linear whose three right gradients are changed."""
    return lambda d, x, weight: change(d, x, weight, *op.linear_backward(d, x, weight))


mistake("linear", "bias not summed over the batch",
        linear(lambda d, x, w, dx, dw, db: (dx, dw, d.sum(axis=1))), bias="missing sum")
mistake("linear", "bias not summed at all", linear(lambda d, x, w, dx, dw, db: (dx, dw, d)), bias="missing sum")
mistake("linear", "bias from the first sequence only",
        linear(lambda d, x, w, dx, dw, db: (dx, dw, d[0].sum(axis=0))), bias="missing sum")
mistake("linear", "bias from the last token only",
        linear(lambda d, x, w, dx, dw, db: (dx, dw, d[:, -1].sum(axis=0))), bias="missing sum")
mistake("linear", "bias averaged over all rows",
        linear(lambda d, x, w, dx, dw, db: (dx, dw, db / (B * T))), bias="constant factor")
mistake("linear", "bias forgotten", linear(lambda d, x, w, dx, dw, db: (dx, dw, 0 * db)), bias="zero")
mistake("linear", "weight averaged over the batch",
        linear(lambda d, x, w, dx, dw, db: (dx, dw / B, db)), weight="constant factor")
mistake("linear", "weight transposed", linear(lambda d, x, w, dx, dw, db: (dx, dw.T, db)), weight="transposed")
mistake("linear", "weight transposed and reshaped back",
        linear(lambda d, x, w, dx, dw, db: (dx, dw.T.reshape(dw.shape), db)), weight="transposed")
mistake("linear", "weight not summed over the batch",
        linear(lambda d, x, w, dx, dw, db: (dx, np.einsum("bto,bti->boi", d, x), db)), weight="missing sum")
mistake("linear", "weight from the last sequence only",
        linear(lambda d, x, w, dx, dw, db: (dx, d[-1].T @ x[-1], db)), weight="missing sum")
mistake("linear", "weight 0.1 % too large",
        linear(lambda d, x, w, dx, dw, db: (dx, 1.001 * dw, db)), weight="constant factor")
mistake("linear", "one row of the weight 0.1 % too large",
        linear(lambda d, x, w, dx, dw, db: (dx, scaled_entry(dw, 1), db)), weight="one row")
mistake("linear", "input with the wrong sign", linear(lambda d, x, w, dx, dw, db: (-dx, dw, db)), x="constant factor")
mistake("linear", "input detached", linear(lambda d, x, w, dx, dw, db: (0 * dx, dw, db)), x="zero")
mistake("linear", "input's gradient with the weight's sign lost",
        linear(lambda d, x, w, dx, dw, db: (d @ np.abs(w), dw, db)))

# --- embedding ------------------------------------------------------------------------------------------------


def overwriting(d, ids, table):
    d_table = np.zeros_like(table)
    d_table[ids] += d
    return d_table


def averaging(d, ids, table):
    counts = np.bincount(ids.ravel(), minlength=len(table))
    return op.embedding_backward(d, ids, table) / np.maximum(counts, 1)[:, None]


def first_only(d, ids, table):
    d_table = np.zeros_like(table)
    for i, gradient in zip(ids.ravel(), rows(d)):
        if not d_table[i].any():
            d_table[i] = gradient
    return d_table


mistake("embedding", "repeated ids overwrite each other", overwriting, table="repeated ids")
mistake("embedding", "repeated ids averaged", averaging, table="repeated ids")
mistake("embedding", "only the first of repeated ids", first_only, table="repeated ids")
mistake("embedding", "averaged over the batch",
        lambda d, ids, t: op.embedding_backward(d, ids, t) / B, table="constant factor")
mistake("embedding", "rows shifted by one", lambda d, ids, t: np.roll(op.embedding_backward(d, ids, t), 1, axis=0))
mistake("embedding", "never filled", lambda d, ids, t: np.zeros_like(t), table="zero")
mistake("embedding", "one token's row 0.1 % too large",
        lambda d, ids, t: scaled_entry(op.embedding_backward(d, ids, t), 6), table="one row")
mistake("embedding", "one entry 0.1 % too large",
        lambda d, ids, t: scaled_entry(op.embedding_backward(d, ids, t), (6, 2)), table="one row")

# --- positional embedding -------------------------------------------------------------------------------------


def padded_to_table(d, table):
    """(…, T, D) -> (…, context length, D), zero for positions that were not read."""
    longer = np.zeros((*d.shape[:-2], len(table), d.shape[-1]))
    longer[..., :d.shape[-2], :] = d
    return longer


PLAIN, LEFT = "positional embedding", "positional embedding, left padding"
mistake(PLAIN, "only the first sequence", lambda d, p, t: (d, padded_to_table(d[0], t)), table="missing sum")
mistake(PLAIN, "not summed over the batch", lambda d, p, t: (d, padded_to_table(d, t)), table="missing sum")
mistake(PLAIN, "averaged over the batch",
        lambda d, p, t: (d, padded_to_table(d.mean(axis=0), t)), table="constant factor")
mistake(PLAIN, "token's gradient forgotten",
        lambda d, p, t: (0 * d, padded_to_table(d.sum(axis=0), t)), x="zero")
mistake(PLAIN, "token's gradient halved",
        lambda d, p, t: (d / 2, padded_to_table(d.sum(axis=0), t)), x="constant factor")
mistake(PLAIN, "the last position forgotten",
        lambda d, p, t: (d, scaled_entry(padded_to_table(d.sum(axis=0), t), T - 1, 0)), table="one row")
mistake(LEFT, "padding shifts the positions", lambda d, p, t: (d, padded_to_table(d.sum(axis=0), t)))
mistake(LEFT, "repeated positions overwrite each other",
        lambda d, p, t: (d, overwriting(d, p, t)), table="repeated ids")

# --- softmax and log-softmax ----------------------------------------------------------------------------------

JACOBIAN = "softmax Jacobian"
mistake("softmax", "Jacobian ignored", lambda d, w: d.copy(), scores=JACOBIAN)
mistake("softmax", "only scaled by the weights", lambda d, w: d * w, scores=JACOBIAN)
mistake("softmax", "only the Jacobian's diagonal", lambda d, w: d * w * (1 - w), scores=JACOBIAN)
mistake("softmax", "averaged over the wrong axis",
        lambda d, w: w * (d - (d * w).sum(axis=-2, keepdims=True)))
mistake("softmax", "plain mean instead of the weighted one",
        lambda d, w: w * (d - d.mean(axis=-1, keepdims=True)), scores=JACOBIAN)
mistake("softmax", "sign of the average", lambda d, w: w * (d + (d * w).sum(axis=-1, keepdims=True)),
        scores=JACOBIAN)
mistake("softmax", "wrong sign", lambda d, w: -op.softmax_backward(d, w), scores="constant factor")
mistake("softmax", "one token's row forgotten",
        lambda d, w: scaled_entry(op.softmax_backward(d, w), np.s_[:, 3], 0), scores="one row")
mistake("log-softmax", "the sum over the others forgotten", lambda d, y: d.copy(), scores="missing term")
mistake("log-softmax", "wrong sign of the sum",
        lambda d, y: d + np.exp(y) * d.sum(axis=-1, keepdims=True), scores="missing term")
mistake("log-softmax", "the upstream sum taken as 1", lambda d, y: d - np.exp(y))
mistake("log-softmax", "only the diagonal", lambda d, y: d * (1 - np.exp(y)))
mistake("log-softmax", "softmax's backward instead", lambda d, y: op.softmax_backward(d, np.exp(y)))

# --- losses ---------------------------------------------------------------------------------------------------

CE, SMOOTH = "cross-entropy, some ignored", "cross-entropy, label smoothing"
N_COUNTED = 8


def cross_entropy(change):
    return lambda d, *cache: change(d, cache, op.cross_entropy_backward(d, *cache))


def wanted(cache):
    """The distribution that the loss wants, 0 where ignored."""
    log_probabilities, targets, counted, smoothing = cache
    q = np.zeros_like(log_probabilities)
    q[(*np.nonzero(counted), targets[counted])] = 1 - smoothing
    q[counted] += smoothing / q.shape[-1]
    return q


def not_zeroed(d, cache, gradient):
    log_probabilities, _, counted, _ = cache
    forgotten = np.exp(log_probabilities)
    forgotten[..., 0] -= 1  # the ignored target replaced by class 0, so that indexing works
    return np.where(counted[..., None], gradient, d * forgotten / N_COUNTED)


mistake(CE, "divided by all tokens, not by the counted ones",
        cross_entropy(lambda d, c, g: g * N_COUNTED / (B * T)), logits="constant factor")
mistake(CE, "summed instead of averaged", cross_entropy(lambda d, c, g: g * N_COUNTED), logits="constant factor")
mistake(CE, "averaged over the classes as well",
        cross_entropy(lambda d, c, g: g / g.shape[-1]), logits="constant factor")
mistake(CE, "divided by the batch only",
        cross_entropy(lambda d, c, g: g * N_COUNTED / B), logits="constant factor")
mistake(CE, "the wrong sign", cross_entropy(lambda d, c, g: -g), logits="constant factor")
mistake(CE, "upstream gradient taken as 1", cross_entropy(lambda d, c, g: g / d), logits="constant factor")
mistake(CE, "ignored positions not set to 0", cross_entropy(not_zeroed), logits="ignored positions")
mistake(CE, "the one-hot target not subtracted",
        cross_entropy(lambda d, c, g: g + d * wanted(c) / N_COUNTED), logits="missing term")
mistake(CE, "only the target's entry", cross_entropy(lambda d, c, g: np.where(wanted(c) > 0, g, 0)))
mistake(CE, "the target one class off",
        cross_entropy(lambda d, c, g: g + d * (wanted(c) - np.roll(wanted(c), 1, axis=-1)) / N_COUNTED))
mistake(CE, "log-probability instead of probability",
        cross_entropy(lambda d, c, g: np.where(c[2][..., None], d * (c[0] - wanted(c)) / N_COUNTED, 0)))
mistake(SMOOTH, "smoothing forgotten on the way back",
        lambda d, y, t, c, e: op.cross_entropy_backward(d, y, t, c, 0.0))
mistake(SMOOTH, "ε shared among the other classes only",
        lambda d, y, t, c, e: op.cross_entropy_backward(d, y, t, c, e * 7 / 6))
mistake(SMOOTH, "ignored positions not set to 0", cross_entropy(not_zeroed), logits="ignored positions")

BCE, BCE_LOGITS, THETA = "binary cross-entropy", "binary cross-entropy, logits", "logistic regression to θ"
mistake(BCE, "summed instead of averaged",
        lambda d, p, y: op.binary_cross_entropy_backward(d, p, y) * T, probabilities="constant factor")
mistake(BCE, "the leading minus lost",
        lambda d, p, y: -op.binary_cross_entropy_backward(d, p, y), probabilities="constant factor")
mistake(BCE, "the term of the no-answers forgotten", lambda d, p, y: -d / T * y / p, probabilities="missing term")
mistake(BCE, "plus between the terms",
        lambda d, p, y: -d / T * (y / p + (1 - y) / (1 - p)), probabilities="missing term")
mistake(BCE, "the derivative for logits", lambda d, p, y: d / T * (p - y))
mistake(BCE, "mean over one example too few",
        lambda d, p, y: op.binary_cross_entropy_backward(d, p, y) * T / (T - 1), probabilities="constant factor")
mistake(BCE_LOGITS, "not averaged",
        lambda d, z, y: op.binary_cross_entropy_with_logits_backward(d, z, y) * T, logits="constant factor")
mistake(BCE_LOGITS, "the sigmoid's derivative once too often",
        lambda d, z, y: op.sigmoid_backward(op.binary_cross_entropy_with_logits_backward(d, z, y),
                                            op.sigmoid_forward(z)[0]))
mistake(BCE_LOGITS, "label minus probability",
        lambda d, z, y: -op.binary_cross_entropy_with_logits_backward(d, z, y), logits="constant factor")


def logistic(change):
    def backward(d, model_cache, loss_cache):
        d_predicted = op.binary_cross_entropy_backward(d, *loss_cache)
        return change(d_predicted, *model_cache, *op.logistic_model_backward(d_predicted, *model_cache))
    return backward


mistake(THETA, "the sigmoid's derivative forgotten", logistic(lambda d, x, t, p, dx, dt: (d[:, None] * t, x.T @ d)))
mistake(THETA, "averaged twice", logistic(lambda d, x, t, p, dx, dt: (dx, dt / T)), theta="constant factor")
mistake(THETA, "θ not summed over the examples",
        logistic(lambda d, x, t, p, dx, dt: (dx, op.sigmoid_backward(d, p)[:, None] * x)), theta="missing sum")
mistake(THETA, "θ from the first example only",
        logistic(lambda d, x, t, p, dx, dt: (dx, op.sigmoid_backward(d, p)[0] * x[0])), theta="missing sum")
mistake("sigmoid", "σ (1 + σ)", lambda d, s: d * s * (1 + s))
mistake("sigmoid", "(1 - σ) only", lambda d, s: d * (1 - s))

MSE = "mean squared error"
mistake(MSE, "the 2 forgotten", lambda d, e: d * e / e.size, predictions="constant factor")
mistake(MSE, "divided by the batch only", lambda d, e: d * 2 * e / B, predictions="constant factor")
mistake(MSE, "not divided at all", lambda d, e: d * 2 * e, predictions="constant factor")
mistake(MSE, "target minus prediction", lambda d, e: -d * 2 * e / e.size, predictions="constant factor")
mistake(MSE, "the sign of the error only", lambda d, e: d * 2 * np.sign(e) / e.size)

# --- bends ----------------------------------------------------------------------------------------------------

EXACT, TANH = "GELU, exact", "GELU, tanh"
C, A = math.sqrt(2 / math.pi), 0.044715
mistake("ReLU", "passed on everywhere", lambda d, x: d.copy())
mistake("ReLU", "the mask the wrong way round", lambda d, x: d * (x < 0))
mistake("ReLU", "multiplied by x", lambda d, x: d * np.maximum(x, 0))
mistake("ReLU", "a small leak", lambda d, x: d * np.where(x > 0, 1, 0.01))
mistake(EXACT, "the density's term forgotten", lambda d, x, p: d * p, x="missing term")
mistake(EXACT, "the tanh form's derivative",
        lambda d, x, p: op.gelu_tanh_backward(d, *op.gelu_tanh_forward(x)[1]))
mistake(EXACT, "1/√(2π) forgotten", lambda d, x, p: d * (p + x * np.exp(-x * x / 2)))
mistake(EXACT, "the density not times x", lambda d, x, p: d * (p + np.exp(-x * x / 2) / math.sqrt(2 * math.pi)))
mistake(TANH, "the product rule's second term forgotten", lambda d, x, t: d * 0.5 * (1 + t), x="missing term")
mistake(TANH, "the product rule's first term forgotten",
        lambda d, x, t: d * 0.5 * x * (1 - t * t) * C * (1 + 3 * A * x * x), x="missing term")
mistake(TANH, "the 3 of x³ forgotten",
        lambda d, x, t: d * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * C * (1 + A * x * x)))
mistake(TANH, "1 - tanh instead of 1 - tanh²",
        lambda d, x, t: d * (0.5 * (1 + t) + 0.5 * x * (1 - t) * C * (1 + 3 * A * x * x)))
mistake(TANH, "√(2/π) forgotten on the way back",
        lambda d, x, t: d * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (1 + 3 * A * x * x)))
mistake(TANH, "the exact form's derivative", lambda d, x, t: op.gelu_exact_backward(d, *op.gelu_exact_forward(x)[1]))
mistake(TANH, "the ½ forgotten", lambda d, x, t: 2 * op.gelu_tanh_backward(d, x, t), x="constant factor")

# --- layer norm, dropout, residual ----------------------------------------------------------------------------

LN = "layer norm"


def layer_norm(change):
    def backward(d, n, r, w):
        g = d * w
        mean, variance = g.mean(axis=-1, keepdims=True), n * (g * n).mean(axis=-1, keepdims=True)
        return change(d, n, r, w, g, mean, variance, *op.layer_norm_backward(d, n, r, w))
    return backward


mistake(LN, "mean's path forgotten",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * (g - v), dw, db)), x="missing term")
mistake(LN, "variance's path forgotten",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * (g - m), dw, db)), x="missing term")
mistake(LN, "mean and variance taken as constants",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * g, dw, db)), x="missing term")
mistake(LN, "variance's path divided by D - 1",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * (g - m - v * K / (K - 1)), dw, db)), x="missing term")
mistake(LN, "mean's path 0.1 % too large",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * (g - 1.001 * m - v), dw, db)), x="missing term")
mistake(LN, "γ forgotten",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (op.layer_norm_backward(d, n, r, 1 + 0 * w)[0], dw, db)))
mistake(LN, "not divided by the deviation",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (g - m - v, dw, db)))
mistake(LN, "divided by the variance",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx * r, dw, db)))
mistake(LN, "mean over the tokens instead of the width",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (r * (g - g.mean(axis=1, keepdims=True) - v), dw, db)))
mistake(LN, "γ's gradient without x̂", layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx, db, db)))
mistake(LN, "γ and β swapped",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx, db, dw)), weight="swapped", bias="swapped")
mistake(LN, "β not summed over the tokens",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx, dw, d.sum(axis=0))), bias="missing sum")
mistake(LN, "γ from the first sequence only",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx, (d * n)[0].sum(axis=0), db)), weight="missing sum")
mistake(LN, "γ averaged over the tokens",
        layer_norm(lambda d, n, r, w, g, m, v, dx, dw, db: (dx, dw / (B * T), db)), weight="constant factor")

DROP = "dropout, given mask"
mistake(DROP, "not scaled on the way back", lambda d, kept, p: d * kept, x="constant factor")
mistake(DROP, "scaled twice", lambda d, kept, p: d * kept / (1 - p) ** 2, x="constant factor")
mistake(DROP, "scaled by 1/p", lambda d, kept, p: d * kept / p, x="constant factor")
mistake(DROP, "dropped entries get a gradient", lambda d, kept, p: d / (1 - p), x="ignored positions")
mistake(DROP, "a new mask on the way back",
        lambda d, kept, p: d * (np.random.default_rng(0).random(kept.shape) < 0.7) / (1 - p))
mistake("residual", "the branch gets nothing", lambda d: (d, 0 * d), branch="zero")
mistake("residual", "the gradient shared instead of copied",
        lambda d: (d / 2, d / 2), x="constant factor", branch="constant factor")

# --- attention ------------------------------------------------------------------------------------------------

CAUSAL, BANDED, PADDED = "attention, causal", "attention, banded", "attention, padding"
MULTI = "multi-head attention"
ONE_MORE_KEY = np.ones((B, S), dtype=bool)
ONE_MORE_KEY[:, :T] = [[True, True, True, False, False], [False, True, True, True, True]]


def attention(change):
    return lambda d, q, k, v, w: change(d, q, k, v, w, *op.attention_backward(d, q, k, v, w))


def through_scores(d, q, k, v, w, d_scores):
    """Query's and key's gradients from this gradient of the scaled scores; value's as it should be."""
    d_scores = d_scores / math.sqrt(K)
    return d_scores @ k, d_scores.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ d


def unmasked(d, q, k, v, w):
    """Softmax recomputed on the way back, and the mask forgotten."""
    forgotten = op.softmax_forward(q @ k.swapaxes(-2, -1) / math.sqrt(K))[0]
    return op.attention_backward(d, q, k, v, forgotten)


mistake(CAUSAL, "√K forgotten",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq * math.sqrt(K), dk * math.sqrt(K), dv)),
        query="constant factor", key="constant factor")
mistake(CAUSAL, "divided by K", attention(lambda d, q, k, v, w, dq, dk, dv: (dq / math.sqrt(K), dk / math.sqrt(K), dv)),
        query="constant factor", key="constant factor")
mistake(CAUSAL, "√K forgotten for the key",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dk * math.sqrt(K), dv)), key="constant factor")
mistake(CAUSAL, "softmax's Jacobian ignored",
        attention(lambda d, q, k, v, w, dq, dk, dv: through_scores(d, q, k, v, w, d @ v.swapaxes(-2, -1))))
mistake(CAUSAL, "softmax only scaled by the weights",
        attention(lambda d, q, k, v, w, dq, dk, dv: through_scores(d, q, k, v, w, w * (d @ v.swapaxes(-2, -1)))))
mistake(CAUSAL, "the value detached", attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dk, 0 * dv)), value="zero")
mistake(CAUSAL, "the key detached", attention(lambda d, q, k, v, w, dq, dk, dv: (dq, 0 * dk, dv)), key="zero")
mistake(CAUSAL, "one head's query 0.1 % too large",
        attention(lambda d, q, k, v, w, dq, dk, dv: (scaled_entry(dq, np.s_[:, 2]), dk, dv)), query="one head")
mistake(CAUSAL, "head 0 forgotten in the value",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dk, scaled_entry(dv, np.s_[:, 0], 0))), value="one head")
mistake(CAUSAL, "the last query forgotten",
        attention(lambda d, q, k, v, w, dq, dk, dv: (scaled_entry(dq, np.s_[:, :, -1], 0), dk, dv)), query="one row")
mistake(CAUSAL, "the second sequence forgotten",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dk, scaled_entry(dv, 1, 0))), value="one row")
mistake(CAUSAL, "key and value swapped",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dv, dk)), key="swapped", value="swapped")
mistake(CAUSAL, "the value without the weights", attention(
    lambda d, q, k, v, w, dq, dk, dv: (dq, dk, np.broadcast_to(d.sum(axis=-2, keepdims=True), dv.shape).copy())))
mistake(CAUSAL, "the mask forgotten on the way back", unmasked)
mistake(BANDED, "the band forgotten on the way back", unmasked)
mistake(PADDED, "the padding forgotten on the way back", unmasked)
mistake(PADDED, "padding sees itself, but gets no gradient",
        attention(lambda d, q, k, v, w, dq, dk, dv: (dq, dk, dv * ONE_MORE_KEY[:, None, :, None])),
        value="ignored positions")


def multi_head(change):
    """Change the gradients of multi-head attention, given as d_x and a dictionary."""
    def backward(d, x, parameters, n_heads, mixed, cache):
        d_x, gradients = op.multi_head_attention_backward(d, x, parameters, n_heads, mixed, cache)
        return change(d, x, parameters, mixed, d_x, gradients)
    return backward


def one_road(part):
    """d_x through query, key or value alone."""
    def road(d, x, parameters, n_heads, mixed, cache):
        d_mixed = op.linear_backward(d, mixed, parameters["output.weight"])[0]
        d_heads = op.attention_backward(op.split_heads(d_mixed, n_heads), *cache)
        d_head = op.merge_heads(d_heads[("query", "key", "value").index(part)])
        return op.linear_backward(d_head, x, parameters[f"{part}.weight"])[0]
    return road


def without_road(part):
    def backward(d, *cache):
        d_x, gradients = op.multi_head_attention_backward(d, *cache)
        return d_x - one_road(part)(d, *cache), gradients
    return backward


def only_road(part):
    return lambda d, *cache: (one_road(part)(d, *cache), op.multi_head_attention_backward(d, *cache)[1])


def heads_not_transposed(d, x, parameters, n_heads, mixed, cache):
    """(B, T, D) reshaped to (B, H, T, K) without moving axes."""
    gradients = op.multi_head_attention_backward(d, x, parameters, n_heads, mixed, cache)[1]
    d_mixed = op.linear_backward(d, mixed, parameters["output.weight"])[0]
    d_heads = op.attention_backward(d_mixed.reshape(B, H, T, K), *cache)
    d_x = 0
    for part, d_head in zip(("query", "key", "value"), d_heads):
        d_part, gradients[f"{part}.weight"], gradients[f"{part}.bias"] = op.linear_backward(
            op.merge_heads(d_head), x, parameters[f"{part}.weight"])
        d_x = d_x + d_part
    return d_x, gradients


def sqrt_of_width(d, x, p, mixed, d_x, g):
    names = ("query.weight", "query.bias", "key.weight")
    return d_x, {**g, **{name: g[name] / math.sqrt(H) for name in names}}


mistake(MULTI, "x's road through the value forgotten", without_road("value"), x="missing term")
mistake(MULTI, "x's road through the key forgotten", without_road("key"), x="missing term")
mistake(MULTI, "only x's road through the query", only_road("query"))
mistake(MULTI, "query and key swapped", multi_head(lambda d, x, p, m, dx, g: (
    dx, {**g, "query.weight": g["key.weight"], "key.weight": g["query.weight"]})),
        query__weight="swapped", key__weight="swapped")
mistake(MULTI, "output weight transposed", multi_head(lambda d, x, p, m, dx, g: (
    dx, {**g, "output.weight": g["output.weight"].T})), output__weight="transposed")
mistake(MULTI, "output bias not summed over the batch", multi_head(lambda d, x, p, m, dx, g: (
    dx, {**g, "output.bias": d.sum(axis=1)})), output__bias="missing sum")
mistake(MULTI, "value weight's head 1 forgotten", multi_head(lambda d, x, p, m, dx, g: (
    dx, {**g, "value.weight": scaled_entry(g["value.weight"], np.s_[K:2 * K], 0)})), value__weight="one head")
mistake(MULTI, "output weight's head 0 doubled", multi_head(lambda d, x, p, m, dx, g: (
    dx, {**g, "output.weight": scaled_entry(g["output.weight"], np.s_[:, :K], 2)})), output__weight="one head")
mistake(MULTI, "heads reshaped without moving axes", heads_not_transposed)
mistake(MULTI, "√D instead of √K", multi_head(sqrt_of_width), query__weight="constant factor",
        query__bias="constant factor", key__weight="constant factor")

# --- feed-forward and blocks ----------------------------------------------------------------------------------

FF, PRE, POST = "feed-forward", "block, pre-norm", "block, post-norm"


def bend_skipped(d, x, parameters, bent, gelu_cache):
    gradients = op.feed_forward_backward(d, x, parameters, bent, gelu_cache)[1]
    d_bent = op.linear_backward(d, bent, parameters["down.weight"])[0]
    d_x, gradients["up.weight"], gradients["up.bias"] = op.linear_backward(d_bent, x, parameters["up.weight"])
    return d_x, gradients


def changed(backward, change):
    """Change the d_x and the dictionary that a backward gives."""
    return lambda d, *cache: change(*backward(d, *cache))


mistake(FF, "the bend skipped on the way back", bend_skipped)
mistake(FF, "down weight transposed", changed(op.feed_forward_backward, lambda dx, g: (
    dx, {**g, "down.weight": g["down.weight"].T})), down__weight="transposed")
mistake(FF, "up bias averaged over the tokens", changed(op.feed_forward_backward, lambda dx, g: (
    dx, {**g, "up.bias": g["up.bias"] / T})), up__bias="constant factor")


def attention_road(d_middle, first_norm, attention_cache):
    """What comes back through the attention and the norm before it."""
    d_normed, _ = op.multi_head_attention_backward(d_middle, *attention_cache)
    return op.layer_norm_backward(d_normed, *first_norm)[0]


def pre_norm_roads(d, first_norm, attention_cache, second_norm, feed_forward):
    """The two gradients that meet at the block's input: straight on, and through the attention."""
    d_normed, _ = op.feed_forward_backward(d, *feed_forward)
    d_middle = d + op.layer_norm_backward(d_normed, *second_norm)[0]
    return d_middle, attention_road(d_middle, first_norm, attention_cache)


def post_norm_roads(d, first_norm, attention_cache, second_norm, feed_forward):
    d_sum = op.layer_norm_backward(d, *second_norm)[0]
    d_middle = d_sum + op.feed_forward_backward(d_sum, *feed_forward)[0]
    d_sum = op.layer_norm_backward(d_middle, *first_norm)[0]
    return d_sum, op.multi_head_attention_backward(d_sum, *attention_cache)[0]


def later_skip_forgotten(d, first_norm, attention_cache, second_norm, feed_forward):
    """The stream's own gradient lost beside the feed-forward layer: everything before it is wrong."""
    d_normed, feed_forward_gradients = op.feed_forward_backward(d, *feed_forward)
    d_middle, *second = op.layer_norm_backward(d_normed, *second_norm)
    d_normed, attention_gradients = op.multi_head_attention_backward(d_middle, *attention_cache)
    d_through, *first = op.layer_norm_backward(d_normed, *first_norm)
    return d_middle + d_through, op._block_gradients(first, attention_gradients, second, feed_forward_gradients)


def swap(g, first, second):
    return {**g, first: g[second], second: g[first]}


mistake(PRE, "the skip connection's gradient forgotten", lambda d, *c: (
    pre_norm_roads(d, *c)[1], op.pre_norm_block_backward(d, *c)[1]), x="missing term")
mistake(PRE, "the attention branch's gradient forgotten", lambda d, *c: (
    pre_norm_roads(d, *c)[0], op.pre_norm_block_backward(d, *c)[1]), x="missing term")
mistake(PRE, "the skip beside the feed-forward forgotten", later_skip_forgotten)
mistake(PRE, "the two norms' scales swapped", changed(op.pre_norm_block_backward, lambda dx, g: (
    dx, swap(g, "attention_norm.weight", "feed_forward_norm.weight"))),
        attention_norm__weight="swapped", feed_forward_norm__weight="swapped")
mistake(POST, "the skip connection's gradient forgotten", lambda d, *c: (
    post_norm_roads(d, *c)[1], op.post_norm_block_backward(d, *c)[1]), x="missing term")
mistake(POST, "pre-norm's backward used", op.pre_norm_block_backward)
mistake(POST, "the norm's shift detached", changed(op.post_norm_block_backward, lambda dx, g: (
    dx, {**g, "feed_forward_norm.bias": 0 * g["feed_forward_norm.bias"]})), feed_forward_norm__bias="zero")

# --- heads and adapters ---------------------------------------------------------------------------------------

HEAD, TIED, LORA = "output head", "tied embedding and head", "low-rank adapter"
mistake(HEAD, "table transposed", lambda d, h, t: (op.output_head_backward(d, h, t)[0], rows(h).T @ rows(d)),
        table="transposed")
mistake(HEAD, "table averaged over the tokens", lambda d, h, t: (
    op.output_head_backward(d, h, t)[0], rows(d).T @ rows(h) / T), table="constant factor")
mistake(HEAD, "hidden states detached", lambda d, h, t: (0 * h, rows(d).T @ rows(h)), hidden="zero")


def tied_terms(d, ids, table, hidden):
    d_hidden, as_head = op.output_head_backward(d, hidden, table)
    return op.embedding_backward(d_hidden, ids, table), as_head


mistake(TIED, "only the use as an embedding", lambda d, *c: tied_terms(d, *c)[0], table="missing term")
mistake(TIED, "only the use as a head", lambda d, *c: tied_terms(d, *c)[1], table="missing term")
mistake(TIED, "the head counted twice",
        lambda d, *c: tied_terms(d, *c)[0] + 2 * tied_terms(d, *c)[1], table="missing term")
mistake(TIED, "repeated ids overwrite each other",
        lambda d, ids, t, h: overwriting(d @ t, ids, t) + tied_terms(d, ids, t, h)[1], table="repeated ids")
mistake(TIED, "the mean of both uses", lambda d, *c: sum(tied_terms(d, *c)) / 2, table="constant factor")


def adapter(change):
    def backward(d, x, weight, down, up, scale, narrow):
        cache = (x, weight, down, up, scale, narrow)
        return change(d, cache, *op.low_rank_adapter_backward(d, *cache))
    return backward


mistake(LORA, "scaled by α instead of α/r",
        adapter(lambda d, c, dx, da, db: (dx, R * da, R * db)), down="constant factor", up="constant factor")
mistake(LORA, "not scaled on the way back",
        adapter(lambda d, c, dx, da, db: (dx, da / c[4], db / c[4])), down="constant factor", up="constant factor")
mistake(LORA, "scaled twice in A", adapter(lambda d, c, dx, da, db: (dx, da * c[4], db)), down="constant factor")
mistake(LORA, "x without the adapter's road", adapter(lambda d, c, dx, da, db: (d @ c[1], da, db)), x="missing term")
mistake(LORA, "x without the frozen weight's road",
        adapter(lambda d, c, dx, da, db: (dx - d @ c[1], da, db)), x="missing term")
mistake(LORA, "B detached", adapter(lambda d, c, dx, da, db: (dx, da, 0 * db)), up="zero")
mistake(LORA, "A transposed", adapter(lambda d, c, dx, da, db: (dx, da.T, db)), down="transposed")

# --- two sequences --------------------------------------------------------------------------------------------

CROSS, GATED, PROJECTOR, SHUFFLE = "cross-attention", "gated cross-attention", "MLP projector", "pixel shuffle"
UNIT, CONTRAST = "unit length", "contrastive loss, several partners"


def cross(change):
    """Change the right gradients of cross-attention; `roads` are media's, through key and through value."""
    def backward(d, *cache):
        d_x, d_media, gradients = op.cross_attention_backward(d, *cache)
        return change(d, media_roads(d, *cache), d_x, d_media, gradients)
    return backward


def media_roads(d, x, media, parameters, n_heads, looks, mixed, cache):
    d_mixed = op.linear_backward(d * looks, mixed, parameters["output.weight"])[0]
    d_heads = op.attention_backward(op.split_heads(d_mixed, n_heads), *cache)
    return {part: op.linear_backward(op.merge_heads(d_head), media, parameters[f"{part}.weight"])[0]
            for part, d_head in zip(("key", "value"), d_heads[1:])}


def blindness_forgotten(d, x, media, parameters, n_heads, looks, mixed, cache):
    """Queries that saw nothing send gradients back, through what they were let see only to avoid 0/0."""
    return op.cross_attention_backward(d, x, media, parameters, n_heads, np.ones_like(looks), mixed, cache)


mistake(CROSS, "media detached", cross(lambda d, r, dx, dm, g: (dx, 0 * dm, g)), media="zero")
mistake(CROSS, "media's road through the value forgotten",
        cross(lambda d, r, dx, dm, g: (dx, r["key"], g)), media="missing term")
mistake(CROSS, "media's road through the key forgotten",
        cross(lambda d, r, dx, dm, g: (dx, r["value"], g)), media="missing term")
mistake(CROSS, "key and value weights swapped", cross(lambda d, r, dx, dm, g: (
    dx, dm, swap(g, "key.weight", "value.weight"))), key__weight="swapped", value__weight="swapped")
mistake(CROSS, "the key's weight transposed", cross(lambda d, r, dx, dm, g: (
    dx, dm, {**g, "key.weight": g["key.weight"].T})), key__weight="transposed")
mistake(CROSS, "√K forgotten for the query", cross(lambda d, r, dx, dm, g: (
    dx * math.sqrt(K), dm, g)), x="constant factor")
mistake(CROSS, "value weight's head 2 forgotten", cross(lambda d, r, dx, dm, g: (
    dx, dm, {**g, "value.weight": scaled_entry(g["value.weight"], np.s_[2 * K:], 0)})), value__weight="one head")
mistake(CROSS, "queries that saw nothing send gradients back", blindness_forgotten)
mistake(CROSS, "the output bias learns from queries that saw nothing", cross(lambda d, r, dx, dm, g: (
    dx, dm, {**g, "output.bias": rows(d).sum(axis=0)})))
mistake(CROSS, "the residual of a gated layer added where there is none",
        cross(lambda d, r, dx, dm, g: (dx + d, dm, g)), x="missing term")


def gated(change):
    def backward(d, opening, seen, attention_cache):
        right_ones = op.gated_cross_attention_backward(d, opening, seen, attention_cache)
        return change(d, opening, seen, *right_ones)
    return backward


def gate_forgotten(d, opening, seen, attention_cache):
    """What the branch gets is not multiplied by the gate's opening."""
    d_through, d_media, gradients = op.cross_attention_backward(d, *attention_cache)
    return d + d_through, d_media, (1 - opening**2) * (d * seen).sum(), gradients


mistake(GATED, "tanh's derivative forgotten", gated(lambda d, o, f, dx, dm, dg, g: (dx, dm, (d * f).sum(), g)),
        gate="constant factor")
mistake(GATED, "1 - g² in place of 1 - tanh² g", gated(lambda d, o, f, dx, dm, dg, g: (
    dx, dm, (1 - np.arctanh(o) ** 2) * (d * f).sum(), g)))
mistake(GATED, "the gate detached", gated(lambda d, o, f, dx, dm, dg, g: (dx, dm, 0 * dg, g)), gate="zero")
mistake(GATED, "the gate's gradient not summed", gated(lambda d, o, f, dx, dm, dg, g: (
    dx, dm, (1 - o * o) * d * f, g)), gate="missing sum")
mistake(GATED, "the gate's gradient averaged over the batch", gated(lambda d, o, f, dx, dm, dg, g: (
    dx, dm, dg / B, g)), gate="constant factor")
mistake(GATED, "the gate's gradient multiplied by its opening", gated(lambda d, o, f, dx, dm, dg, g: (
    dx, dm, o * dg, g)), gate="constant factor")
mistake(GATED, "the branch's gradient not multiplied by the opening", gate_forgotten, media="constant factor",
        **{name: "constant factor" for name in CASES[GATED].parameters if "." in name and name != "key.bias"})
mistake(GATED, "the opening used twice for media", gated(lambda d, o, f, dx, dm, dg, g: (dx, dm * o, dg, g)),
        media="constant factor")
mistake(GATED, "the skip connection's gradient forgotten", gated(lambda d, o, f, dx, dm, dg, g: (dx - d, dm, dg, g)),
        x="missing term")
mistake(GATED, "the branch's gradient forgotten", gated(lambda d, o, f, dx, dm, dg, g: (d, dm, dg, g)),
        x="missing term")
mistake(GATED, "media detached", gated(lambda d, o, f, dx, dm, dg, g: (dx, 0 * dm, dg, g)), media="zero")

mistake(PROJECTOR, "the bend skipped on the way back", bend_skipped)
mistake(PROJECTOR, "the encoder frozen by accident", changed(op.mlp_projector_backward, lambda dx, g: (0 * dx, g)),
        features="zero")
mistake(PROJECTOR, "down weight transposed", changed(op.mlp_projector_backward, lambda dx, g: (
    dx, {**g, "down.weight": g["down.weight"].T})), down__weight="transposed")
mistake(PROJECTOR, "down bias averaged over the tokens", changed(op.mlp_projector_backward, lambda dx, g: (
    dx, {**g, "down.bias": g["down.bias"] / T})), down__bias="constant factor")


def shuffled_back(order, lengths):
    """A way back that splits d_output into these lengths, and moves its axes in this order."""
    return lambda d, height, width, side: d.reshape(len(d), *lengths).transpose(0, *order).reshape(
        len(d), height * width, -1)


mistake(SHUFFLE, "only reshaped", lambda d, height, width, side: d.reshape(len(d), height * width, -1))
mistake(SHUFFLE, "rows and columns inside a square exchanged", shuffled_back((1, 5, 2, 4, 3), (2, 3, V, 2, 2)))
mistake(SHUFFLE, "height and width exchanged", shuffled_back((1, 4, 2, 5, 3), (3, 2, V, 2, 2)))
mistake(SHUFFLE, "the features' width taken for the last axis", shuffled_back((1, 3, 2, 4, 5), (2, 3, 2, 2, V)))
mistake(SHUFFLE, "averaged over the square", lambda d, *c: op.pixel_shuffle_backward(d, *c) / 4,
        features="constant factor")
mistake(SHUFFLE, "the first sequence only", lambda d, *c: scaled_entry(
    op.pixel_shuffle_backward(d, *c), np.s_[1:], 0))

mistake(UNIT, "the length taken as a constant", lambda d, u, length: d / length, x="missing term")
mistake(UNIT, "the length forgotten", lambda d, u, length: op.unit_length_backward(d, u, length) * length)
mistake(UNIT, "divided by the length twice", lambda d, u, length: op.unit_length_backward(d, u, length) / length)
mistake(UNIT, "the projection with the wrong sign",
        lambda d, u, length: (d + u * (d * u).sum(axis=-1, keepdims=True)) / length, x="missing term")
mistake(UNIT, "projected on the vector instead of its direction",
        lambda d, u, length: (d - u * length**2 * (d * u).sum(axis=-1, keepdims=True)) / length)
mistake(UNIT, "the projection summed over all tokens", lambda d, u, length: (
    d - u * (d * u).sum(axis=(1, 2), keepdims=True)) / length)
mistake(UNIT, "passed on unchanged", lambda d, u, length: d)


def contrast(change):
    """Change the right gradients; `directions` are those of the scores, half each."""
    def backward(d, *cache):
        return change(score_directions(d, *cache), cache, *op.contrastive_backward(d, *cache))
    return backward


def score_directions(d, a_cache, b_cache, scale, scores, rows_cache, columns_cache):
    """The scores' gradient from a to b, and from b to a: (N, M) each."""
    directions = []
    for log_probabilities, wanted, n_counted in (rows_cache, columns_cache):
        expected = np.exp(log_probabilities) * wanted.sum(axis=-1, keepdims=True)
        directions.append(d / 2 / n_counted * (expected - wanted))
    return directions[0], directions[1].T


def from_scores(d_scores, cache):
    """The gradients of a, b and λ that follow from this gradient of the scores."""
    (unit_a, length_a), (unit_b, length_b), scale, scores = cache[:4]
    return (op.unit_length_backward(scale * d_scores @ unit_b, unit_a, length_a),
            op.unit_length_backward(scale * d_scores.T @ unit_a, unit_b, length_b), (d_scores * scores).sum())


def with_wanted(change):
    """The wanted distributions of both directions changed before the way back."""
    def backward(d, *cache):
        changed_caches = [(y, change(q), n) for y, q, n in cache[4:]]
        return op.contrastive_backward(d, *cache[:4], *changed_caches)
    return backward


def blind_rows_pushed(d, *cache):
    """Rows without a partner are pushed away from everything, though they are not in the loss."""
    d_scores = sum(turn(d / 2 / n * (np.exp(y) - q))
                   for turn, (y, q, n) in zip((np.asarray, np.transpose), cache[4:]))
    return from_scores(d_scores, cache)


def all_rows_counted(d, *cache):
    return op.contrastive_backward(d, *cache[:4], *((y, q, len(y)) for y, q, n in cache[4:]))


mistake(CONTRAST, "only the direction from a to b", contrast(lambda s, c, da, db, dl: from_scores(s[0], c)),
        a="missing term", b="missing term", log_scale="missing term")
mistake(CONTRAST, "only the direction from b to a", contrast(lambda s, c, da, db, dl: from_scores(s[1], c)),
        a="missing term", b="missing term", log_scale="missing term")
mistake(CONTRAST, "directions summed, not averaged", contrast(lambda s, c, da, db, dl: (2 * da, 2 * db, 2 * dl)),
        a="constant factor", b="constant factor", log_scale="constant factor")
mistake(CONTRAST, "the scale's gradient missing", contrast(lambda s, c, da, db, dl: (da, db, 0 * dl)),
        log_scale="zero")
mistake(CONTRAST, "the scale's gradient as if the scale itself were learned",
        contrast(lambda s, c, da, db, dl: (da, db, dl / c[2])), log_scale="constant factor")
mistake(CONTRAST, "the scale's gradient with the sign of a temperature's",
        contrast(lambda s, c, da, db, dl: (da, db, -dl)), log_scale="constant factor")
mistake(CONTRAST, "the scale forgotten in a and b",
        contrast(lambda s, c, da, db, dl: (da / c[2], db / c[2], dl)), a="constant factor", b="constant factor")
mistake(CONTRAST, "lengths taken as constants", contrast(lambda s, c, da, db, dl: (
    c[2] * sum(s) @ c[1][0] / c[0][1], c[2] * sum(s).T @ c[0][0] / c[1][1], dl)))
mistake(CONTRAST, "lengths forgotten", contrast(lambda s, c, da, db, dl: (
    c[2] * sum(s) @ c[1][0], c[2] * sum(s).T @ c[0][0], dl)))
mistake(CONTRAST, "vectors in place of their directions", contrast(lambda s, c, da, db, dl: (
    op.unit_length_backward(c[2] * sum(s) @ (c[1][0] * c[1][1]), *c[0]), db, dl)))
mistake(CONTRAST, "b detached", contrast(lambda s, c, da, db, dl: (da, 0 * db, dl)), b="zero")
mistake(CONTRAST, "several partners, only the first wanted", with_wanted(
    lambda q: np.eye(q.shape[1])[q.argmax(axis=1)] * q.any(axis=1, keepdims=True)))
mistake(CONTRAST, "several partners, each wanted fully", with_wanted(lambda q: (q > 0).astype(float)))
mistake(CONTRAST, "rows without a partner pushed away from all", blind_rows_pushed)
mistake(CONTRAST, "divided by all rows, not by the counted ones", all_rows_counted)

# --- the whole GPT --------------------------------------------------------------------------------------------

GPT1, GPT2, GPT3 = "GPT-1", "GPT-2", "GPT-3, untied head"


def gpt(operation, change):
    """Change the dictionary of gradients; the cache is handed on, for the mistakes that need it."""
    backward = CASES[operation].backward
    return lambda d, *cache: change(backward(d, *cache), d, cache)


def head_term(d, cache):
    """The gradient of a tied table from its use as a head."""
    gpt_cache, loss_cache = cache
    return op.output_head_backward(op.cross_entropy_backward(d, *loss_cache), *gpt_cache[-1])[1]


TABLE = "token_embedding.weight"
mistake(GPT1, "the tied head's share forgotten",
        gpt(GPT1, lambda g, d, c: {**g, TABLE: g[TABLE] - head_term(d, c)}), token_embedding__weight="missing term")
mistake(GPT1, "positions averaged over the batch", gpt(GPT1, lambda g, d, c: {
    **g, "position_embedding.weight": g["position_embedding.weight"] / B}),
        position_embedding__weight="constant factor")
mistake(GPT2, "only the last block trained", gpt(GPT2, lambda g, d, c: {
    name: 0 * a if name.startswith("blocks.0.") else a for name, a in g.items()}),
        **{name: "zero" for name in CASES[GPT2].parameters
           if name.startswith("blocks.0.") and not name.endswith("key.bias")})
mistake(GPT2, "two blocks' weights swapped", gpt(GPT2, lambda g, d, c: swap(
    g, "blocks.0.feed_forward.up.weight", "blocks.1.feed_forward.up.weight")),
        **{f"blocks.{i}.feed_forward.up.weight": "swapped" for i in (0, 1)})
mistake(GPT3, "everything divided by all tokens, not by the counted ones",
        gpt(GPT3, lambda g, d, c: {name: a * 9 / 10 for name, a in g.items()}),
        **{name: "constant factor" for name in CASES[GPT3].parameters if not name.endswith("key.bias")})
mistake(GPT3, "one entry of one weight 0.1 % too large", gpt(GPT3, lambda g, d, c: {
    **g, "blocks.1.feed_forward.down.weight": scaled_entry(g["blocks.1.feed_forward.down.weight"], (2, 3))}),
        **{"blocks.1.feed_forward.down.weight": "one row"})
mistake(GPT3, "head and embedding swapped", gpt(GPT3, lambda g, d, c: swap(g, TABLE, "head.weight")),
        token_embedding__weight="swapped", head__weight="swapped")


# --- what a student knows about each operation, for diagnose ---------------------------------------------------

SIZES = {"batch size B": B, "tokens T": T, "keys S": S, "heads H": H, "head width K": K, "vocabulary V": 7}


def hints(operation):
    """The optional arguments of `diagnose` for this operation: nothing that depends on the mistake."""
    case = CASES[operation]
    output, cache = case.forward(case.parameters)
    d = output - case.aim
    give = {"sizes": dict(SIZES)}
    if operation == "linear":
        give["summed"] = {"bias": d, "weight": d[..., :, None] * case.parameters["x"][..., None, :]}
    elif operation in ("embedding", TIED):
        give["ids"] = {"table": cache[0]}
        if operation == TIED:
            give["terms"] = {"table": dict(zip(("as an embedding", "as a head"), tied_terms(d, *cache)))}
    elif operation in (PLAIN, LEFT):
        give["summed"] = {"table": padded_to_table(d, cache[1])} if operation == PLAIN else {}
        give["ids"] = {"table": np.broadcast_to(cache[0], (B, T))} if operation == LEFT else {}
    elif operation == "softmax":
        give["softmax"] = {"scores": cache[0]}
    elif operation == "log-softmax":
        give["terms"] = {"scores": {"d_y": d, "- p Σ d_y": -np.exp(cache[0]) * d.sum(axis=-1, keepdims=True)}}
    elif operation in (CE, SMOOTH):
        give["sizes"]["counted targets"] = N_COUNTED
        give["sizes"]["all targets"] = B * T
        give["ignored"] = {"logits": ~cache[2][..., None]}
        probabilities = np.where(cache[2][..., None], np.exp(cache[0]), 0)
        give["terms"] = {"logits": {"p / n": d * probabilities / N_COUNTED, "- q / n": -d * wanted(cache) / N_COUNTED}}
    elif operation == BCE:
        p, y = cache
        give["sizes"]["examples N"] = T
        give["terms"] = {"probabilities": {"y / ŷ": -d / T * y / p, "(1 - y) / (1 - ŷ)": d / T * (1 - y) / (1 - p)}}
    elif operation == THETA:
        features, _, predicted = cache[0]
        d_scores = op.sigmoid_backward(op.binary_cross_entropy_backward(d, *cache[1]), predicted)
        give["summed"] = {"theta": d_scores[:, None] * features}
    elif operation == EXACT:
        give["terms"] = {"x": {"Φ": d * cache[1], "x φ": op.gelu_exact_backward(d, *cache) - d * cache[1]}}
    elif operation == TANH:
        first = d * 0.5 * (1 + cache[1])
        give["terms"] = {"x": {"first": first, "second": op.gelu_tanh_backward(d, *cache) - first}}
    elif operation == LN:
        give["layer_norm"] = {"x": case.parameters["x"]}
        give["summed"] = {"bias": d, "weight": d * cache[0]}
    elif operation == DROP:
        give["sizes"]["1 - p"] = 1 - cache[1]
        give["ignored"] = {"x": ~cache[0]}
    elif operation.startswith("attention"):
        give["heads"] = {name: (1, H) for name in ("query", "key", "value")}
        give["ignored"] = {"value": ~ONE_MORE_KEY[:, None, :, None]} if operation == PADDED else {}
    elif operation == MULTI:
        give["heads"] = {f"{part}.weight": (0, H) for part in ("query", "key", "value")} | {"output.weight": (1, H)}
        roads = {f"through the {part}": one_road(part)(d, *cache) for part in ("query", "key", "value")}
        give["terms"] = {"x": roads}
        give["summed"] = {"output.bias": d}
    elif operation in (PRE, POST):
        roads = (pre_norm_roads if operation == PRE else post_norm_roads)(d, *cache)
        give["terms"] = {"x": dict(zip(("straight on", "through the attention"), roads))}
    elif operation == LORA:
        give["sizes"] |= {"rank r": R, "α": 3}
        frozen = d @ cache[1]
        give["terms"] = {"x": {"frozen": frozen, "adapter": op.low_rank_adapter_backward(d, *cache)[0] - frozen}}
    elif operation == CROSS:
        give["heads"] = {f"{part}.weight": (0, H) for part in ("query", "key", "value")} | {"output.weight": (1, H)}
        give["terms"] = {"media": media_roads(d, *cache), "x": {"straight on": d}}
    elif operation == GATED:
        opening, _, attention_cache = cache
        through = op.cross_attention_backward(opening * d, *attention_cache)[0]
        give["sizes"] |= {"|tanh g|": abs(opening), "1 - tanh² g": 1 - opening**2}
        give["terms"] = {"x": {"straight on": d, "through the attention": through}}
    elif operation == UNIT:
        unit, length = cache
        along = -unit * (d * unit).sum(axis=-1, keepdims=True) / length
        give["terms"] = {"x": {"directly": d / length, "through the length": along}}
    elif operation == CONTRAST:
        give["sizes"] |= {"exp λ": cache[2]}
        both = [from_scores(d_scores, cache) for d_scores in score_directions(d, *cache)]
        give["terms"] = {name: {"from a to b": there, "from b to a": back}
                         for name, there, back in zip(("a", "b", "log_scale"), *both)}
    elif operation in (GPT1, GPT2, GPT3):
        give["sizes"]["counted targets"] = int(cache[1][2].sum())
        give["sizes"]["all targets"] = B * T
        if operation != GPT3:
            give["terms"] = {TABLE: {"as a head": head_term(d, cache)}}
    return give


# --- right, but written differently ---------------------------------------------------------------------------


def right(operation, how):
    def add(backward):
        RIGHT.append((operation, how, backward))
        return backward
    return add


@right("linear", "einsum")
def _(d, x, weight):
    return np.einsum("bto,oi->bti", d, weight), np.einsum("bto,bti->oi", d, x), np.einsum("bto->o", d)


@right("linear", "a loop over all rows")
def _(d, x, weight):
    d_x, d_weight, d_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros(len(weight))
    for b, t in np.ndindex(d.shape[:2]):
        d_x[b, t] = weight.T @ d[b, t]
        d_weight += np.outer(d[b, t], x[b, t])
        d_bias += d[b, t]
    return d_x, d_weight, d_bias


@right("embedding", "a product with one-hot rows")
def _(d, ids, table):
    return np.eye(len(table))[ids.ravel()].T @ rows(d)


@right("embedding", "a loop")
def _(d, ids, table):
    d_table = np.zeros_like(table)
    for token, gradient in zip(ids.ravel(), rows(d)):
        d_table[token] += gradient
    return d_table


@right("embedding", "sorted, then summed in runs")
def _(d, ids, table):
    order = np.argsort(ids.ravel(), kind="stable")
    present, starts = np.unique(ids.ravel()[order], return_index=True)
    d_table = np.zeros_like(table)
    d_table[present] = np.add.reduceat(rows(d)[order], starts, axis=0)
    return d_table


@right(PLAIN, "summed over the batch, then laid into the table")
def _(d, positions, table):
    return d, padded_to_table(d.sum(axis=0), table)


@right("softmax", "the whole Jacobian")
def _(d, w):
    jacobian = np.einsum("...i,ij->...ij", w, np.eye(w.shape[-1])) - np.einsum("...i,...j->...ij", w, w)
    return np.einsum("...ij,...j->...i", jacobian, d)


@right("softmax", "as the derivative of exp(s - log Σ exp(s))")
def _(d, w):
    return op.log_softmax_backward(d * w, np.log(w))


@right("log-softmax", "through softmax and 1/p")
def _(d, y):
    return op.softmax_backward(d / np.exp(y), np.exp(y))


@right(CE, "one-hot targets")
def _(d, log_probabilities, targets, counted, smoothing):
    one_hot = np.eye(log_probabilities.shape[-1])[np.where(counted, targets, 0)]
    return d * np.where(counted[..., None], np.exp(log_probabilities) - one_hot, 0) / counted.sum()


@right(CE, "in two steps, through log-softmax")
def _(d, log_probabilities, targets, counted, smoothing):
    d_log = np.zeros_like(log_probabilities)
    d_log[(*np.nonzero(counted), targets[counted])] = -d / counted.sum()
    return op.log_softmax_backward(d_log, log_probabilities)


@right(SMOOTH, "a mixture of two cross-entropies")
def _(d, log_probabilities, targets, counted, smoothing):
    hard = op.cross_entropy_backward(d, log_probabilities, targets, counted, 0.0)
    flat = np.where(counted[..., None], np.exp(log_probabilities) - 1 / 7, 0) * d / counted.sum()
    return (1 - smoothing) * hard + smoothing * flat


@right(BCE, "one fraction")
def _(d, p, y):
    return d / p.size * (p - y) / (p * (1 - p))


@right(BCE_LOGITS, "through the tanh form of the sigmoid")
def _(d, z, y):
    return d / z.size * (0.5 * (1 + np.tanh(z / 2)) - y)


@right(THETA, "features times error")
def _(d, model_cache, loss_cache):
    features, theta, predicted = model_cache
    error = d * (predicted - loss_cache[1]) / len(predicted)
    return np.outer(error, theta), error @ features


@right("sigmoid", "with exponentials")
def _(d, s):
    x = np.log(s / (1 - s))
    return d * np.exp(-x) / (1 + np.exp(-x)) ** 2


@right(MSE, "the mean's share, then the square's")
def _(d, error):
    return np.full(error.shape, d / error.size) * (error + error)


@right("ReLU", "where")
def _(d, x):
    return np.where(x > 0, d, 0)


@right("ReLU", "a copy with zeros written in")
def _(d, x):
    d_x = d.copy()
    d_x[x <= 0] = 0
    return d_x


@right(EXACT, "Φ by erfc")
def _(d, x, p):
    cdf = np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)))(x)
    return d * cdf + d * x / math.sqrt(2 * math.pi) * np.exp(-x**2 / 2)


@right(TANH, "1/cosh² for 1 - tanh²")
def _(d, x, t):
    u = C * (x + A * x**3)
    return d * (0.5 * (1 + np.tanh(u)) + 0.5 * x / np.cosh(u) ** 2 * C * (1 + 3 * A * x**2))


@right(TANH, "as x σ(2u)")
def _(d, x, t):
    s = 1 / (1 + np.exp(-2 * C * (x + A * x**3)))
    return d * (s + x * s * (1 - s) * 2 * C * (1 + 3 * A * x**2))


@right(LN, "sums instead of means")
def _(d, n, r, w):
    g, width = d * w, n.shape[-1]
    d_x = r / width * (width * g - g.sum(-1, keepdims=True) - n * (g * n).sum(-1, keepdims=True))
    return d_x, (d * n).sum(axis=(0, 1)), d.sum(axis=(0, 1))


@right(LN, "step by step through variance and mean")
def _(d, n, r, w):
    g, width, centred = d * w, n.shape[-1], n / r
    d_variance = (g * centred * -0.5 * r**3).sum(-1, keepdims=True)
    d_mean = (-g * r).sum(-1, keepdims=True) + d_variance * (-2 * centred).mean(-1, keepdims=True)
    return g * r + d_variance * 2 * centred / width + d_mean / width, (d * n).sum((0, 1)), d.sum((0, 1))


@right(LN, "the whole Jacobian")
def _(d, n, r, w):
    width = n.shape[-1]
    jacobian = r[..., None] * (np.eye(width) - 1 / width - n[..., :, None] * n[..., None, :] / width)
    return np.einsum("btij,btj->bti", jacobian, d * w), np.einsum("bti,bti->i", d, n), np.einsum("bti->i", d)


@right(DROP, "where")
def _(d, kept, p):
    return np.where(kept, d / (1 - p), 0)


@right("residual", "two copies")
def _(d):
    return d.copy(), d.copy()


@right(CAUSAL, "loops over batch and heads")
def _(d, q, k, v, w):
    d_q, d_k, d_v = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for b, h in np.ndindex(q.shape[:2]):
        d_v[b, h] = w[b, h].T @ d[b, h]
        for t in range(q.shape[2]):
            jacobian = np.diag(w[b, h, t]) - np.outer(w[b, h, t], w[b, h, t])
            d_scores = jacobian @ (v[b, h] @ d[b, h, t]) / math.sqrt(q.shape[-1])
            d_q[b, h, t] = d_scores @ k[b, h]
            d_k[b, h] += np.outer(d_scores, q[b, h, t])
    return d_q, d_k, d_v


@right(PADDED, "einsum, with Σ_u w d_w taken as y · d_y")
def _(d, q, k, v, w):
    output = np.einsum("bhts,bhsk->bhtk", w, v)
    d_w = np.einsum("bhtk,bhsk->bhts", d, v)
    d_s = w * (d_w - np.einsum("bhtk,bhtk->bht", output, d)[..., None]) * q.shape[-1] ** -0.5
    return np.einsum("bhts,bhsk->bhtk", d_s, k), np.einsum("bhts,bhtk->bhsk", d_s, q), \
        np.einsum("bhts,bhtk->bhsk", w, d)


@right(MULTI, "query, key and value as one matrix")
def _(d, x, parameters, n_heads, mixed, cache):
    gradients = {"output.weight": rows(d).T @ rows(mixed), "output.bias": d.sum(axis=(0, 1))}
    d_mixed = d @ parameters["output.weight"]
    d_heads = op.attention_backward(d_mixed.reshape(B, T, H, K).transpose(0, 2, 1, 3), *cache)
    d_all = np.concatenate([d_head.transpose(0, 2, 1, 3).reshape(B, T, D) for d_head in d_heads], axis=-1)
    parts = ("query", "key", "value")
    weight = np.concatenate([parameters[f"{part}.weight"] for part in parts])
    for part, d_weight, d_bias in zip(parts, np.split(rows(d_all).T @ rows(x), 3), np.split(rows(d_all).sum(0), 3)):
        gradients[f"{part}.weight"], gradients[f"{part}.bias"] = d_weight, d_bias
    return d_all @ weight, gradients


@right(FF, "einsum")
def _(d, x, parameters, bent, gelu_cache):
    d_wide = op.gelu_tanh_backward(np.einsum("btd,df->btf", d, parameters["down.weight"]), *gelu_cache)
    return np.einsum("btf,fd->btd", d_wide, parameters["up.weight"]), {
        "up.weight": np.einsum("btf,btd->fd", d_wide, x), "up.bias": d_wide.sum((0, 1)),
        "down.weight": np.einsum("btd,btf->df", d, bent), "down.bias": d.sum((0, 1))}


@right(TIED, "one-hot rows and the product rule")
def _(d, ids, table, hidden):
    chosen = np.eye(len(table))[ids]
    return np.einsum("btv,btw,wi->vi", chosen, d, table) + np.einsum("btv,btw,wi->vi", d, chosen, table)


@right(LORA, "through the merged weight")
def _(d, x, weight, down, up, scale, narrow):
    d_merged = rows(d).T @ rows(x)
    return d @ (weight + scale * up @ down), scale * up.T @ d_merged, scale * d_merged @ down.T


@right(CROSS, "loops over batch and heads")
def _(d, x, media, parameters, n_heads, looks, mixed, cache):
    d = d * looks
    d_x, d_media = np.zeros_like(x), np.zeros_like(media)
    gradients = {name: np.zeros_like(array) for name, array in parameters.items() if "." in name}
    gradients["output.bias"] += rows(d).sum(axis=0)
    for b, h in np.ndindex(len(x), n_heads):
        part = np.s_[h * K:(h + 1) * K]
        query, key, value, weights = (array[b, h] for array in cache)
        gradients["output.weight"][:, part] += d[b].T @ (weights @ value)
        d_mixed = d[b] @ parameters["output.weight"][:, part]
        d_weights = d_mixed @ value.T
        d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdims=True)) / math.sqrt(K)
        for name, source, d_source, d_head in (("query", x, d_x, d_scores @ key),
                                               ("key", media, d_media, d_scores.T @ query),
                                               ("value", media, d_media, weights.T @ d_mixed)):
            gradients[f"{name}.weight"][part] += d_head.T @ source[b]
            gradients[f"{name}.bias"][part] += d_head.sum(axis=0)
            d_source[b] += d_head @ parameters[f"{name}.weight"][part]
    return d_x, d_media, gradients


@right(GATED, "with 1/cosh², and the branch's gradient scaled last")
def _(d, opening, seen, attention_cache):
    d_x, d_media, gradients = op.cross_attention_backward(d, *attention_cache)
    d_gate = np.vdot(d, seen) / np.cosh(np.arctanh(opening)) ** 2
    return d + opening * d_x, opening * d_media, d_gate, {name: opening * g for name, g in gradients.items()}


@right(PROJECTOR, "einsum")
def _(d, features, parameters, bent, gelu_cache):
    d_wide = op.gelu_tanh_backward(np.einsum("btd,df->btf", d, parameters["down.weight"]), *gelu_cache)
    return np.einsum("btf,fm->btm", d_wide, parameters["up.weight"]), {
        "up.weight": np.einsum("btf,btm->fm", d_wide, features), "up.bias": d_wide.sum((0, 1)),
        "down.weight": np.einsum("btd,btf->df", d, bent), "down.bias": d.sum((0, 1))}


@right(SHUFFLE, "a number for each place, sorted")
def _(d, height, width, side):
    n = d[0].size
    places = op.pixel_shuffle_forward(np.arange(float(n)).reshape(1, height * width, -1), height, width, side)[0]
    return d.reshape(len(d), n)[:, np.argsort(places.ravel())].reshape(len(d), height * width, -1)


@right(SHUFFLE, "a loop over the squares")
def _(d, height, width, side):
    grid = np.zeros((len(d), height, width, d.shape[-1] // side**2))
    for row, column, i, j in np.ndindex(height // side, width // side, side, side):
        token = d[:, row * (width // side) + column].reshape(len(d), -1, side, side)
        grid[:, row * side + i, column * side + j] = token[:, :, i, j]
    return grid.reshape(len(d), height * width, -1)


@right(UNIT, "the whole Jacobian")
def _(d, u, length):
    jacobian = (np.eye(u.shape[-1]) - u[..., :, None] * u[..., None, :]) / length[..., None]
    return np.einsum("btij,btj->bti", jacobian, d)


@right(CONTRAST, "a loop over the rows that have a partner, in both directions")
def _(d, a_cache, b_cache, scale, scores, rows_cache, columns_cache):
    d_scores = np.zeros_like(scores)
    for target, (log_probabilities, wanted, n) in ((d_scores, rows_cache), (d_scores.T, columns_cache)):
        for i in range(len(target)):
            for partner in np.flatnonzero(wanted[i]):
                share = d / 2 / n * wanted[i, partner]
                target[i] += share * np.exp(log_probabilities[i])
                target[i, partner] -= share
    return from_scores(d_scores, (a_cache, b_cache, scale, scores))


@right(CONTRAST, "the scale's gradient as a · d_a before the lengths")
def _(d, a_cache, b_cache, scale, scores, rows_cache, columns_cache):
    d_scores = sum(score_directions(d, a_cache, b_cache, scale, scores, rows_cache, columns_cache))
    d_a, d_b, _ = from_scores(d_scores, (a_cache, b_cache, scale, scores))
    return d_a, d_b, (a_cache[0] * (scale * d_scores @ b_cache[0])).sum()
