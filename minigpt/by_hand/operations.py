"""Every operation of a GPT and its derivative, written out in NumPy.

Read this file from top to bottom: each operation uses only what stands above it. Two rules hold throughout.

1.  Forward first, and it keeps what the way back will need:

        output, cache = name_forward(...)

2.  Backward takes the gradient of the loss L with respect to the output, then the cached values one by one, and gives
    the gradient with respect to each input, in the order of the forward's arguments:

        d_first, d_second = name_backward(d_output, *cache)

`d_x` always means ∂L/∂x, and has the shape of x. The whole art is the chain rule: if y depends on x, then
d_x_i = Σ_j d_y_j ∂y_j/∂x_i, where j runs over *every* entry of y that x_i has touched. Most mistakes are a forgotten j.

In the derivations an index on a name picks an entry (x_ti is row t, column i), δ_ij is 1 where i = j and 0 elsewhere,
and a leading batch axis is left out where it only comes along.

Shapes, as in `minigpt.model`:
    B batch, T queries (tokens read now), S keys (tokens read so far), H heads, K head width, D model width,
    V vocabulary, M width of an image or audio encoder; … stands for any leading axes.

The results have the floating-point type of the inputs: float64 for checking, float32 for speed. Complex numbers pass
through most operations as well; the complex step of `gradient_check` uses that.
"""

import math

import numpy as np

# ---------------------------------------------------------------------------------------------------------------
# Linear maps and look-ups
# ---------------------------------------------------------------------------------------------------------------


def linear_forward(x, weight, bias):
    """A linear map, y = x Wᵀ + b: every output is a weighted sum of all inputs.

    Args:
        x: (…, I).
        weight: (O, I), one row for each output, as PyTorch stores it.
        bias: (O,), or None.
    Returns:
        (…, O), and the cache.
    Source: Goodfellow, Bengio & Courville (2016), section 6.5.6, where it is the example of a matrix product.
    """
    _require_float(x=x, weight=weight)
    _require_shape("weight", weight, (None, x.shape[-1]))
    output = _rows(x) @ weight.T  # one large product is faster than one for each batch row
    if bias is not None:
        _require_float(bias=bias)
        _require_shape("bias", bias, weight.shape[:1])
        output = output + bias
    return output.reshape(*x.shape[:-1], -1), (x, weight)


def linear_backward(d_output, x, weight):
    """The three gradients of a linear map.

    Forward, with n for all leading axes at once: y_no = Σ_i x_ni W_oi + b_o. Therefore

        ∂y_no/∂x_ni = W_oi   →   d_x_ni = Σ_o d_y_no W_oi     (d_x = d_y W)
        ∂y_no/∂W_oi = x_ni   →   d_W_oi = Σ_n d_y_no x_ni     (d_W = d_yᵀ x)
        ∂y_no/∂b_o  = 1      →   d_b_o  = Σ_n d_y_no

    W and b are used in every row n, so their gradients are sums over all rows: a forward broadcast is a backward sum.

    Returns:
        d_x (…, I), d_weight (O, I), d_bias (O,); ignore the last where there was no bias.
    """
    _require_shape("d_output", d_output, (*x.shape[:-1], weight.shape[0]))
    rows = _rows(d_output)
    d_x = (rows @ weight).reshape(x.shape)
    return d_x, rows.T @ _rows(x), rows.sum(axis=0)


def embedding_forward(ids, table):
    """Look up one row of the table for each id: y_ti = E_(ids_t)i.

    Args:
        ids: (…) integers from 0 to V-1.
        table: (V, D).
    Returns:
        (…, D), and the cache.
    Source: Bengio et al. (2003), section 2.
    """
    _require_float(table=table)
    _require_ids("ids", ids, len(table))
    return table[ids], (ids, table)


def embedding_backward(d_output, ids, table):
    """The gradient of the table; ids are not numbers one could vary, so they have none.

    A look-up is a product with one-hot rows: y_ti = Σ_v [ids_t = v] E_vi. Hence

        d_E_vi = Σ_t [ids_t = v] d_y_ti

    A token that occurs three times collects three terms. `d_table[ids] += d_output` would keep only one of them,
    because NumPy reads, adds and writes each row once; `np.add.at` repeats it for each occurrence.

    Returns:
        d_table (V, D); rows that were never looked up are 0.
    """
    _require_shape("d_output", d_output, (*ids.shape, table.shape[1]))
    d_table = np.zeros(table.shape, dtype=d_output.dtype)
    np.add.at(d_table, ids, d_output)
    return d_table


def positional_embedding_forward(x, positions, table):
    """Add to every token the embedding of its position: y_bti = x_bti + P_(pos_bt)i.

    Args:
        x: (B, T, D).
        positions: (T,) integers, the same for every row of the batch, or (B, T), one for each token.
        table: (context length, D).
    Returns:
        (B, T, D), and the cache.
    Source: Gehring et al. (2017), section 3.1; Radford et al. (2018), equation 2.
    """
    _require_float(x=x, table=table)
    _require_ids("positions", positions, len(table))
    if positions.shape not in (x.shape[:-1], x.shape[-2:-1]):
        raise ValueError(f"positions must have shape {x.shape[:-1]} or {x.shape[-2:-1]}, got {positions.shape}")
    return x + table[positions], (positions, table)


def positional_embedding_backward(d_output, positions, table):
    """The gradients of the tokens and of the table.

    ∂y/∂x is the identity. The table is a look-up whose rows every sequence of the batch uses:

        d_x_bti = d_y_bti        d_P_pi = Σ_b Σ_t [pos_bt = p] d_y_bti

    Returns:
        d_x (B, T, D), d_table (context length, D).
    """
    everywhere = np.broadcast_to(positions, d_output.shape[:-1])
    return d_output, embedding_backward(d_output, everywhere, table)


# ---------------------------------------------------------------------------------------------------------------
# From scores to probabilities to losses
# ---------------------------------------------------------------------------------------------------------------


def softmax_forward(scores):
    """Turn scores into weights that are positive and sum to 1: w_i = exp(s_i) / Σ_j exp(s_j), over the last axis.

    Subtracting the largest score changes nothing, since numerator and denominator shrink alike, but keeps exp within
    range: the largest exponent is 0.

    Args:
        scores: (…, S); -inf gives the weight 0, as long as one score of the row is finite.
    Returns:
        (…, S), and the cache.
    Source: Bishop (2006), equation 4.62.
    """
    _require_float(scores=scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights, (weights,)


def softmax_backward(d_weights, weights):
    """The gradient of the scores.

    Every score touches every weight of its row: raising s_i raises w_i and, through the denominator, lowers all others.

        ∂w_j/∂s_i = w_j (δ_ij - w_i)

        d_s_i = Σ_j d_w_j w_j (δ_ij - w_i)
              = w_i (d_w_i - Σ_j d_w_j w_j)

    In words: what counts is how far an entry's gradient lies from the average, weighted by w. The Jacobian, S × S for
    each row, never has to be stored. A row of d_s sums to 0: raising all scores together changes nothing.

    Returns:
        d_scores (…, S).
    Source: Bishop (2006), equation 4.106.
    """
    _require_shape("d_weights", d_weights, weights.shape)
    average = (d_weights * weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - average)


def log_softmax_forward(scores):
    """The logarithm of softmax: y_i = s_i - log Σ_j exp(s_j), over the last axis.

    The logarithm of a finished softmax would be log 0 = -inf for a score 1,000 below the largest; this form gives
    -1,000.

    Args:
        scores: (…, V).
    Returns:
        (…, V) log-probabilities, at most 0, and the cache.
    """
    _require_float(scores=scores)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probabilities, (log_probabilities,)


def log_softmax_backward(d_output, log_probabilities):
    """The gradient of the scores.

    With p = exp(y), the derivative of log Σ_j exp(s_j) with respect to s_i is p_i. Hence

        ∂y_j/∂s_i = δ_ij - p_i        d_s_i = d_y_i - p_i Σ_j d_y_j

    Returns:
        d_scores (…, V).
    """
    _require_shape("d_output", d_output, log_probabilities.shape)
    return d_output - np.exp(log_probabilities) * d_output.sum(axis=-1, keepdims=True)


def cross_entropy_forward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """How surprised a model is by the right classes, on average: softmax and -log p(target) in one.

    With n counted targets, V classes and smoothing ε, the wanted distribution of token t is
    q_tv = (1 - ε) [v = target_t] + ε / V, and

        L = -(1/n) Σ_t Σ_v q_tv log p_tv,    p_t = softmax(logits_t)

    where t runs over the targets that are not ignored. Without smoothing this is the mean of -log p(target).

    Args:
        logits: (…, V).
        targets: (…) class ids, or `ignore_index` where there is nothing to predict (padding).
        ignore_index: the id that is not counted.
        label_smoothing: ε, from 0 to 1.
    Returns:
        the loss in nats, a scalar, and the cache.
    Raises:
        ValueError: if every target is ignored: a mean over nothing has no value.
    Source: Bishop (2006), equation 4.108; smoothing: Szegedy et al. (2016), section 7.
    """
    _require_float(logits=logits)
    _require_shape("targets", targets, logits.shape[:-1])
    counted = targets != ignore_index
    _require_ids("targets", targets[counted], logits.shape[-1])
    n_counted = int(counted.sum())
    if n_counted == 0:
        raise ValueError(f"targets must hold at least one class id, all {targets.size} are ignore_index={ignore_index}")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {label_smoothing}")

    log_probabilities, _ = log_softmax_forward(logits)
    wanted = log_probabilities[counted]  # (n, V)
    loss = -wanted[np.arange(n_counted), targets[counted]].sum() / n_counted
    if label_smoothing > 0:  # Σ_v (ε/V) log p_v is ε times the mean over the classes
        loss = (1 - label_smoothing) * loss - label_smoothing * wanted.mean(axis=-1).sum() / n_counted
    return loss, (log_probabilities, targets, counted, label_smoothing)


def cross_entropy_backward(d_loss, log_probabilities, targets, counted, label_smoothing):
    """The gradient of the logits: probability minus wanted probability, shared among the counted tokens.

    The loss is linear in y = log p, with d_y_tv = -q_tv / n. Put that into the backward of log-softmax, and use that
    q_t sums to 1:

        d_z_tv = d_y_tv - p_tv Σ_u d_y_tu = -q_tv/n + p_tv/n = (p_tv - q_tv) / n

    and 0 for an ignored token. No division by a small p ever happens, which is why the two are fused: through separate
    steps, -1/p overflows where the model is surely wrong. The n is the number of counted tokens, not B·T.

    Returns:
        d_logits (…, V).
    Source: Bishop (2006), equation 4.109.
    """
    n_counted = int(counted.sum())
    d_logits = np.exp(log_probabilities)
    if label_smoothing > 0:
        d_logits -= label_smoothing / d_logits.shape[-1]
    d_logits[(*np.nonzero(counted), targets[counted])] -= 1 - label_smoothing
    d_logits[~counted] = 0
    d_logits *= d_loss / n_counted
    return d_logits


# Logarithms are cut off at -100 and denominators at 1e-12, as in PyTorch: a prediction that is surely wrong costs 100
# nats instead of infinitely many, and pushes with 1e12 instead of ∞. Nothing nearer to the truth is changed.
_LEAST_LOGARITHM = -100.0
_LEAST_DENOMINATOR = 1e-12


def binary_cross_entropy_forward(probabilities, labels):
    """Cross-entropy of yes-or-no questions: L = -(1/N) Σ_i [y_i log ŷ_i + (1 - y_i) log(1 - ŷ_i)].

    Args:
        probabilities: ŷ, any shape, from 0 to 1, both included.
        labels: y, the same shape, floats from 0 to 1.
    Returns:
        the loss in nats, a scalar, and the cache.
    Source: Bishop (2006), equation 4.90.
    """
    _require_float(probabilities=probabilities, labels=labels)
    _require_shape("labels", labels, probabilities.shape)
    _require_probabilities(probabilities=probabilities, labels=labels)
    # 0 · log 0 is 0 here: the term is not asked about
    losses = -(labels * _safe_log(probabilities) + (1 - labels) * _safe_log(1 - probabilities))
    return losses.mean(), (probabilities, labels)


def binary_cross_entropy_backward(d_loss, probabilities, labels):
    """The gradient of the probabilities.

    Since (log ŷ)' = 1/ŷ and (log(1 - ŷ))' = -1/(1 - ŷ),

        d_ŷ_i = -(1/N) (y_i/ŷ_i - (1 - y_i)/(1 - ŷ_i))

    The chain rule carries it on to any parameter θ_k that made ŷ:

        d_θ_k = -(1/N) Σ_i (y_i/ŷ_i - (1 - y_i)/(1 - ŷ_i)) ∂ŷ_i/∂θ_k

    `logistic_model_backward` supplies ∂ŷ_i/∂θ_k for a logistic model.

    Returns:
        d_probabilities, the shape of ŷ.
    """
    pull_up = labels / np.maximum(probabilities, _LEAST_DENOMINATOR)
    pull_down = (1 - labels) / np.maximum(1 - probabilities, _LEAST_DENOMINATOR)
    return -d_loss / probabilities.size * (pull_up - pull_down)


def sigmoid_forward(x):
    """Squash any number into (0, 1): σ(x) = 1 / (1 + exp(-x)).

    Args:
        x: any shape.
    Returns:
        the same shape, and the cache.
    """
    _require_float(x=x)
    with np.errstate(over="ignore"):  # exp(1e4) is inf, and 1 / (1 + inf) is 0, which is right
        output = 1 / (1 + np.exp(-x))
    return output, (output,)


def sigmoid_backward(d_output, output):
    """The gradient of x.

    By the quotient rule σ' = exp(-x) / (1 + exp(-x))² = σ (1 - σ), so d_x = d_y σ (1 - σ).

    Source: Bishop (2006), equation 4.88.
    """
    return d_output * output * (1 - output)


def logistic_model_forward(features, theta):
    """The smallest model with a probability for an output: ŷ_i = σ(Σ_k x_ik θ_k).

    Args:
        features: (N, P); a column of ones makes a bias.
        theta: (P,).
    Returns:
        probabilities ŷ (N,), and the cache.
    """
    _require_float(features=features, theta=theta)
    _require_shape("theta", theta, features.shape[-1:])
    probabilities, _ = sigmoid_forward(features @ theta)
    return probabilities, (features, theta, probabilities)


def logistic_model_backward(d_probabilities, features, theta, probabilities):
    """The gradients of features and θ.

    With z_i = Σ_k x_ik θ_k and ∂ŷ_i/∂z_i = ŷ_i (1 - ŷ_i): ∂ŷ_i/∂θ_k = ŷ_i (1 - ŷ_i) x_ik, so

        d_θ_k = Σ_i d_ŷ_i ŷ_i (1 - ŷ_i) x_ik        d_x_ik = d_ŷ_i ŷ_i (1 - ŷ_i) θ_k

    Put binary cross-entropy's d_ŷ_i = -(1/N) (y_i/ŷ_i - (1 - y_i)/(1 - ŷ_i)) in: the bracket times ŷ_i (1 - ŷ_i) is
    y_i (1 - ŷ_i) - (1 - y_i) ŷ_i = y_i - ŷ_i, and all denominators cancel:

        d_θ_k = (1/N) Σ_i (ŷ_i - y_i) x_ik

    Returns:
        d_features (N, P), d_theta (P,).
    Source: Bishop (2006), equation 4.91.
    """
    _require_shape("d_probabilities", d_probabilities, probabilities.shape)
    d_scores = sigmoid_backward(d_probabilities, probabilities)
    return d_scores[:, None] * theta, features.T @ d_scores


def binary_cross_entropy_with_logits_forward(logits, labels):
    """Binary cross-entropy of σ(z), without ever computing σ(z).

    log σ(z) = -log(1 + exp(-z)) and log(1 - σ(z)) = -z - log(1 + exp(-z)). Put in, the loss of one question becomes

        ℓ = log(1 + exp(z)) - y z

    `np.logaddexp(0, z)` is log(1 + exp(z)) without overflow: a logit of 1e4 costs 1e4 nats, not infinitely many.

    Args:
        logits: z, any shape.
        labels: y, the same shape, floats from 0 to 1.
    Returns:
        the mean loss in nats, a scalar, and the cache.
    """
    _require_float(logits=logits, labels=labels)
    _require_shape("labels", labels, logits.shape)
    _require_probabilities(labels=labels)
    losses = np.logaddexp(0, logits) - labels * logits
    return losses.mean(), (logits, labels)


def binary_cross_entropy_with_logits_backward(d_loss, logits, labels):
    """The gradient of the logits: (log(1 + exp(z)))' = σ(z), so d_z_i = (σ(z_i) - y_i) / N.

    The same ŷ - y as above, now without a division that could go wrong.
    """
    probabilities, _ = sigmoid_forward(logits)
    return d_loss / logits.size * (probabilities - labels)


def mean_squared_error_forward(predictions, targets):
    """L = (1/N) Σ_i (ŷ_i - y_i)², over all N entries.

    Args:
        predictions: ŷ, any shape.
        targets: y, the same shape.
    Returns:
        the loss, a scalar, and the cache.
    """
    _require_float(predictions=predictions, targets=targets)
    _require_shape("targets", targets, predictions.shape)
    error = predictions - targets
    return (error * error).mean(), (error,)


def mean_squared_error_backward(d_loss, error):
    """The gradient of the predictions: d_ŷ_i = (2/N) (ŷ_i - y_i)."""
    return d_loss * 2 / error.size * error


# ---------------------------------------------------------------------------------------------------------------
# Bends: without them, a stack of linear maps would be one linear map
# ---------------------------------------------------------------------------------------------------------------


def relu_forward(x):
    """Keep what is positive: y = max(x, 0).

    Args:
        x: any shape.
    Returns:
        the same shape, and the cache.
    Source: Nair & Hinton (2010).
    """
    _require_float(x=x)
    return np.maximum(x, 0), (x,)


def relu_backward(d_output, x):
    """d_x = d_y [x > 0].

    At 0 the curve has a kink and no derivative. Any number from 0 to 1 would do; like everyone, we take 0.
    """
    return d_output * (x > 0)


# math.erf takes one number at a time. NumPy has no erf, and this form of GELU is not the one that GPT uses.
_erf = np.frompyfunc(math.erf, 1, 1)


def gelu_exact_forward(x):
    """Keep x by the probability that a standard normal number falls below it: y = x Φ(x).

    Φ(x) = ½ (1 + erf(x/√2)) is the normal distribution function.

    Args:
        x: any shape.
    Returns:
        the same shape, and the cache.
    Source: Hendrycks & Gimpel (2016), section 2.
    """
    _require_float(x=x)
    probability = (0.5 * (1 + _erf(x / math.sqrt(2)))).astype(x.dtype)
    return x * probability, (x, probability)


def gelu_exact_backward(d_output, x, probability):
    """The gradient of x, by the product rule.

    The derivative of Φ is the normal density φ(x) = exp(-x²/2) / √(2π). Hence y' = Φ(x) + x φ(x).
    """
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return d_output * (probability + x * density)


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def gelu_tanh_forward(x):
    """GELU as GPT uses it: y = ½ x (1 + tanh u), with u = √(2/π) (x + 0.044715 x³).

    Args:
        x: any shape.
    Returns:
        the same shape, and the cache.
    Source: Hendrycks & Gimpel (2016), section 2.
    """
    _require_float(x=x)
    tanh = np.tanh(_GELU_SCALE * x * (1 + _GELU_CUBIC * x * x))
    return 0.5 * x * (1 + tanh), (x, tanh)


def gelu_tanh_backward(d_output, x, tanh):
    """The gradient of x, by the product rule and tanh' = 1 - tanh².

        u' = √(2/π) (1 + 3 · 0.044715 x²)
        y' = ½ (1 + tanh u) + ½ x (1 - tanh² u) u'

    x stands in two places, so there are two terms.
    """
    d_inner = _GELU_SCALE * (1 + 3 * _GELU_CUBIC * x * x)
    return d_output * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * d_inner)


# ---------------------------------------------------------------------------------------------------------------
# Layer norm, dropout, residual
# ---------------------------------------------------------------------------------------------------------------


def layer_norm_forward(x, weight, bias, epsilon=1e-5):
    """Give every token mean 0 and variance 1, then a learned scale and shift.

        μ = (1/D) Σ_i x_i,    σ² = (1/D) Σ_i (x_i - μ)²,    x̂_i = (x_i - μ) / √(σ² + ε),    y_i = γ_i x̂_i + β_i

    The variance divides by D, not by D - 1.

    Args:
        x: (…, D).
        weight: γ (D,).
        bias: β (D,).
        epsilon: ε, keeps a constant token from dividing by 0.
    Returns:
        (…, D), and the cache.
    Source: Ba, Kiros & Hinton (2016), section 3, equation 3.
    """
    _require_float(x=x, weight=weight, bias=bias)
    _require_shape("weight", weight, x.shape[-1:])
    _require_shape("bias", bias, x.shape[-1:])
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    inverse_deviation = 1 / np.sqrt(variance + epsilon)  # (…, 1)
    normalised = centred * inverse_deviation
    return normalised * weight + bias, (normalised, inverse_deviation, weight)


def layer_norm_backward(d_output, normalised, inverse_deviation, weight):
    """The gradients of x, γ and β.

    γ and β are shared by all tokens n, so they sum over them: d_γ_i = Σ_n d_y_ni x̂_ni and d_β_i = Σ_n d_y_ni.

    For x, write g_i = d_y_i γ_i (the gradient of x̂_i) and r = 1/√(σ² + ε). An entry x_j reaches the
    loss on three paths:

        directly:              ∂x̂_i/∂x_j = r δ_ij
        through the mean:      ∂μ/∂x_j = 1/D,                  ∂x̂_i/∂μ  = -r
        through the variance:  ∂σ²/∂x_j = (2/D) (x_j - μ),     ∂x̂_i/∂σ² = -½ r³ (x_i - μ) = -½ r² x̂_i

    (the mean also moves the variance, by -(2/D) Σ_i (x_i - μ) = 0.) Multiply each path by g_i and sum over i; with
    x_j - μ = x̂_j / r the variance's two factors give -(r/D) x̂_i x̂_j:

        d_x_j = r [ g_j  -  (1/D) Σ_i g_i  -  x̂_j (1/D) Σ_i g_i x̂_i ]

    One term for each path. The bracket takes from g its part along 1 and along x̂: neither shifting nor stretching a
    token changes what layer norm gives, so the gradient must not point there.

    Returns:
        d_x (…, D), d_weight (D,), d_bias (D,).
    Source: the derivation of Ioffe & Szegedy (2015), section 3, with the sums over a token's entries.
    """
    _require_shape("d_output", d_output, normalised.shape)
    d_normalised = d_output * weight
    along_mean = d_normalised.mean(axis=-1, keepdims=True)
    along_variance = normalised * (d_normalised * normalised).mean(axis=-1, keepdims=True)
    d_x = inverse_deviation * (d_normalised - along_mean - along_variance)
    return d_x, _rows(d_output * normalised).sum(axis=0), _rows(d_output).sum(axis=0)


def dropout_forward(x, kept, probability):
    """Silence a random share of the entries, and raise the others so that the expectation stays: y = x m / (1 - p).

    Args:
        x: any shape.
        kept: m, booleans of the same shape, True where the entry stays; each drawn True with probability 1 - p.
        probability: p, from 0 to below 1.
    Returns:
        the same shape, and the cache.
    Source: Srivastava et al. (2014), section 4, scaled while training instead of while testing.
    """
    _require_float(x=x)
    _require_boolean("kept", kept)
    _require_shape("kept", kept, x.shape)
    if not 0 <= probability < 1:
        raise ValueError(f"probability must be at least 0 and below 1, got {probability}")
    return x * kept / (1 - probability), (kept, probability)


def dropout_backward(d_output, kept, probability):
    """The gradient of x: d_x = d_y m / (1 - p), with the mask of the forward pass, not a new one."""
    return d_output * kept / (1 - probability)


def residual_forward(x, branch):
    """Add what a branch computed to the stream: y = x + f.

    Args:
        x, branch: the same shape.
    Returns:
        the same shape, and the (empty) cache.
    Source: He et al. (2016), equation 1.
    """
    _require_float(x=x, branch=branch)
    _require_shape("branch", branch, x.shape)
    return x + branch, ()


def residual_backward(d_output):
    """The gradients of both: a sum hands its gradient on to every term, unchanged.

    When the branch itself was computed from x, its own backward gives a second gradient of x, and the two add up. The
    first one never shrinks however many layers it passes: that is why deep stacks train.
    """
    return d_output, d_output


# ---------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------


def attention_mask(n_queries, n_keys, band_width=None, key_is_real=None):
    """Which query may look at which key; the same as `minigpt.model.attention_mask`, in NumPy.

    The queries are the last `n_queries` of the `n_keys` tokens. Each sees itself and what came before; within a band,
    only the nearest `band_width` tokens, itself included. Nobody sees padding, except that a padding token sees itself.

    Args:
        n_queries: T.
        n_keys: S, at least T.
        band_width: tokens seen in a banded layer, or None for a dense one.
        key_is_real: (B, S) booleans, False for padding; or None.
    Returns:
        booleans, True where attention is allowed: (1, 1, T, S), or (B, 1, T, S) with padding.
    Source: causal: Vaswani et al. (2017), section 3.2.3; banded: Child et al. (2019), Brown et al. (2020), section 2.1.
    """
    if not 1 <= n_queries <= n_keys:
        raise ValueError(f"n_queries={n_queries} must be at least 1 and at most n_keys={n_keys}")
    if band_width is not None and band_width < 1:
        raise ValueError(f"band_width={band_width} must be at least 1")
    key = np.arange(n_keys)
    query = np.arange(n_keys - n_queries, n_keys)[:, None]
    allowed = key <= query  # (T, S)
    if band_width is not None:
        allowed &= key > query - band_width
    allowed = allowed[None, None]
    if key_is_real is not None:
        _require_boolean("key_is_real", key_is_real)
        _require_shape("key_is_real", key_is_real, (None, n_keys))
        allowed = (allowed & key_is_real[:, None, None, :]) | (key == query)
    return allowed


def attention_forward(query, key, value, mask):
    """Scaled dot-product attention: softmax(Q Kᵀ / √K) V.

        s_tu = (1/√K) Σ_k q_tk k_uk,    w_t = softmax(s_t) over the allowed u,    y_tk = Σ_u w_tu v_uk

    Args:
        query: (…, T, K).
        key, value: (…, S, K).
        mask: booleans, True where query t may look at key u; broadcast to (…, T, S).
    Returns:
        (…, T, K), and the cache.
    Raises:
        ValueError: if a query may look at nothing: a softmax over nothing has no value.
    Source: Vaswani et al. (2017), equation 1.
    """
    _require_float(query=query, key=key, value=value)
    _require_shape("key", key, (*query.shape[:-2], None, query.shape[-1]))
    _require_shape("value", value, (*key.shape[:-1], None))
    _require_boolean("mask", mask)
    if not mask.any(axis=-1).all():
        raise ValueError(f"mask must allow every query a key, {int((~mask.any(axis=-1)).sum())} queries have none")
    scores = query @ key.swapaxes(-2, -1)  # (…, T, S): each query meets each key
    scores /= math.sqrt(query.shape[-1])  # keeps their variance near 1 as K grows
    _require_broadcast("mask", mask, scores.shape)
    weights, _ = softmax_forward(np.where(mask, scores, -math.inf))
    return weights @ value, (query, key, value, weights)


def attention_backward(d_output, query, key, value, weights):
    """The gradients of query, key and value: the two products and the softmax, walked backwards.

        y_tk = Σ_u w_tu v_uk        →   d_v_uk = Σ_t w_tu d_y_tk,   d_w_tu = Σ_k d_y_tk v_uk
        w_t = softmax(s_t)          →   d_s_tu = w_tu (d_w_tu - Σ_r w_tr d_w_tr)
        s_tu = Σ_k q_tk k_uk / √K   →   d_q_tk = Σ_u d_s_tu k_uk / √K,   d_k_uk = Σ_t d_s_tu q_tk / √K

    The mask needs no line of its own: a forbidden key has w_tu = 0, hence d_s_tu = 0.

    Returns:
        d_query (…, T, K), d_key (…, S, K), d_value (…, S, K).
    """
    _require_shape("d_output", d_output, (*weights.shape[:-1], value.shape[-1]))
    d_value = weights.swapaxes(-2, -1) @ d_output  # (…, S, K)
    d_weights = d_output @ value.swapaxes(-2, -1)  # (…, T, S)
    d_scores = softmax_backward(d_weights, weights)
    d_scores /= math.sqrt(query.shape[-1])
    return d_scores @ key, d_scores.swapaxes(-2, -1) @ query, d_value


def split_heads(x, n_heads):
    """(B, T, D) -> (B, H, T, K): head h takes the entries h·K to (h+1)·K of every token."""
    if x.shape[-1] % n_heads:
        raise ValueError(f"n_heads={n_heads} must divide the width {x.shape[-1]}")
    return x.reshape(*x.shape[:-1], n_heads, -1).swapaxes(-3, -2)


def merge_heads(x):
    """(B, H, T, K) -> (B, T, D): the way back, and so also the gradient of `split_heads`."""
    x = x.swapaxes(-3, -2)
    return x.reshape(*x.shape[:-2], -1)


def multi_head_attention_forward(x, parameters, n_heads, mask):
    """Every token gathers from the tokens it may see what it needs, in several heads side by side.

    Args:
        x: (B, T, D).
        parameters: query, key, value and output, each with `.weight` (D, D) and `.bias` (D,).
        n_heads: H, a divisor of D.
        mask: booleans, broadcast to (B, H, T, T).
    Returns:
        (B, T, D), and the cache.
    Source: Vaswani et al. (2017), section 3.2.2.
    """
    _require_names(parameters, [f"{part}.{kind}" for part in ATTENTION_PARTS for kind in ("weight", "bias")])
    query, key, value = (
        split_heads(linear_forward(x, parameters[f"{part}.weight"], parameters[f"{part}.bias"])[0], n_heads)
        for part in ("query", "key", "value")
    )
    mixed, attention_cache = attention_forward(query, key, value, mask)  # (B, H, T, K)
    mixed = merge_heads(mixed)  # (B, T, D)
    output, _ = linear_forward(mixed, parameters["output.weight"], parameters["output.bias"])
    return output, (x, parameters, n_heads, mixed, attention_cache)


def multi_head_attention_backward(d_output, x, parameters, n_heads, mixed, attention_cache):
    """The gradients of x and of all parameters.

    Nothing new to derive: the steps of the forward pass in reverse. But x was used three times, for query, key and
    value, so its gradient has three terms: d_x = d_x(query) + d_x(key) + d_x(value).

    Returns:
        d_x (B, T, D), and a dictionary of gradients under the parameters' names.
    """
    gradients = {}
    d_mixed, gradients["output.weight"], gradients["output.bias"] = linear_backward(
        d_output, mixed, parameters["output.weight"])
    d_heads = attention_backward(split_heads(d_mixed, n_heads), *attention_cache)
    d_x = 0
    for part, d_head in zip(("query", "key", "value"), d_heads):
        d_part, gradients[f"{part}.weight"], gradients[f"{part}.bias"] = linear_backward(
            merge_heads(d_head), x, parameters[f"{part}.weight"])
        d_x = d_x + d_part
    return d_x, gradients


# ---------------------------------------------------------------------------------------------------------------
# Feed-forward and blocks
# ---------------------------------------------------------------------------------------------------------------


def feed_forward_forward(x, parameters):
    """Each token on its own: widen, bend, narrow again. down(gelu(up(x))).

    Args:
        x: (…, D).
        parameters: up.weight (F, D), up.bias (F,), down.weight (D, F), down.bias (D,).
    Returns:
        (…, D), and the cache.
    Source: Vaswani et al. (2017), section 3.3, with GELU as in Radford et al. (2018), section 4.1.
    """
    _require_names(parameters, ["up.weight", "up.bias", "down.weight", "down.bias"])
    wide, _ = linear_forward(x, parameters["up.weight"], parameters["up.bias"])
    bent, gelu_cache = gelu_tanh_forward(wide)
    output, _ = linear_forward(bent, parameters["down.weight"], parameters["down.bias"])
    return output, (x, parameters, bent, gelu_cache)


def feed_forward_backward(d_output, x, parameters, bent, gelu_cache):
    """The gradients of x and of all parameters: the three steps in reverse.

    Returns:
        d_x (…, D), and a dictionary of gradients under the parameters' names.
    """
    gradients = {}
    d_bent, gradients["down.weight"], gradients["down.bias"] = linear_backward(
        d_output, bent, parameters["down.weight"])
    d_wide = gelu_tanh_backward(d_bent, *gelu_cache)
    d_x, gradients["up.weight"], gradients["up.bias"] = linear_backward(d_wide, x, parameters["up.weight"])
    return d_x, gradients


def pre_norm_block_forward(x, parameters, n_heads, mask, epsilon=1e-5):
    """A block of GPT-2 and GPT-3: the branches read a normalised copy, the stream itself is never normalised.

        h = x + attention(norm₁(x)),    y = h + feed_forward(norm₂(h))

    Args:
        x: (B, T, D).
        parameters: under attention_norm, attention, feed_forward_norm and feed_forward.
        n_heads: H.
        mask: booleans, broadcast to (B, H, T, T).
        epsilon: of the layer norms.
    Returns:
        (B, T, D), and the cache.
    Source: Radford et al. (2019), section 2.3; Xiong et al. (2020), figure 1b.
    """
    _require_names(parameters, _NORM_NAMES)
    normed, first_norm = _norm_forward(x, parameters, "attention_norm", epsilon)
    branch, attention = multi_head_attention_forward(normed, under(parameters, "attention."), n_heads, mask)
    middle, _ = residual_forward(x, branch)
    normed, second_norm = _norm_forward(middle, parameters, "feed_forward_norm", epsilon)
    branch, feed_forward = feed_forward_forward(normed, under(parameters, "feed_forward."))
    return residual_forward(middle, branch)[0], (first_norm, attention, second_norm, feed_forward)


def pre_norm_block_backward(d_output, first_norm, attention, second_norm, feed_forward):
    """The gradients of x and of all parameters.

    Each residual sends its gradient along two roads, straight on and through the branch. They meet where the branch
    left the stream, and add up:

        d_h = d_y + norm₂ᵀ(feed_forwardᵀ(d_y)),    d_x = d_h + norm₁ᵀ(attentionᵀ(d_h))

    where fᵀ(d) stands for the backward of f.

    Returns:
        d_x (B, T, D), and a dictionary of gradients under the parameters' names.
    """
    d_middle, d_branch = residual_backward(d_output)
    d_normed, feed_forward_gradients = feed_forward_backward(d_branch, *feed_forward)
    d_through, *second_norm_gradients = layer_norm_backward(d_normed, *second_norm)
    d_middle = d_middle + d_through
    d_x, d_branch = residual_backward(d_middle)
    d_normed, attention_gradients = multi_head_attention_backward(d_branch, *attention)
    d_through, *first_norm_gradients = layer_norm_backward(d_normed, *first_norm)
    gradients = _block_gradients(first_norm_gradients, attention_gradients, second_norm_gradients,
                                 feed_forward_gradients)
    return d_x + d_through, gradients


def post_norm_block_forward(x, parameters, n_heads, mask, epsilon=1e-5):
    """A block of GPT-1, as in the first Transformer: each sum is normalised, and the stream with it.

        h = norm₁(x + attention(x)),    y = norm₂(h + feed_forward(h))

    Args and returns: as for `pre_norm_block_forward`.

    Source: Vaswani et al. (2017), section 3.1; Radford et al. (2018), section 3.1.
    """
    _require_names(parameters, _NORM_NAMES)
    branch, attention = multi_head_attention_forward(x, under(parameters, "attention."), n_heads, mask)
    middle, first_norm = _norm_forward(residual_forward(x, branch)[0], parameters, "attention_norm", epsilon)
    branch, feed_forward = feed_forward_forward(middle, under(parameters, "feed_forward."))
    output, second_norm = _norm_forward(residual_forward(middle, branch)[0], parameters, "feed_forward_norm", epsilon)
    return output, (first_norm, attention, second_norm, feed_forward)


def post_norm_block_backward(d_output, first_norm, attention, second_norm, feed_forward):
    """The gradients of x and of all parameters.

    Now the norm stands on the stream: every gradient must pass through both norms, there is no road around them.

        d_s = norm₂ᵀ(d_y),    d_h = d_s + feed_forwardᵀ(d_s),    d_r = norm₁ᵀ(d_h),    d_x = d_r + attentionᵀ(d_r)

    Returns:
        d_x (B, T, D), and a dictionary of gradients under the parameters' names.
    """
    d_sum, *second_norm_gradients = layer_norm_backward(d_output, *second_norm)
    d_middle, d_branch = residual_backward(d_sum)
    d_through, feed_forward_gradients = feed_forward_backward(d_branch, *feed_forward)
    d_sum, *first_norm_gradients = layer_norm_backward(d_middle + d_through, *first_norm)
    d_x, d_branch = residual_backward(d_sum)
    d_through, attention_gradients = multi_head_attention_backward(d_branch, *attention)
    gradients = _block_gradients(first_norm_gradients, attention_gradients, second_norm_gradients,
                                 feed_forward_gradients)
    return d_x + d_through, gradients


# ---------------------------------------------------------------------------------------------------------------
# The output head, and the low-rank adapter
# ---------------------------------------------------------------------------------------------------------------


def output_head_forward(hidden, table):
    """Score every token of the vocabulary by how well its embedding agrees: z_tv = Σ_i h_ti E_vi.

    Args:
        hidden: (…, D).
        table: (V, D); the token embedding itself when the head is tied.
    Returns:
        logits (…, V), and the cache.
    Source: Press & Wolf (2017), section 3; Radford et al. (2018), equation 2.
    """
    return linear_forward(hidden, table, None)


def output_head_backward(d_logits, hidden, table):
    """The gradients of both: d_h_ti = Σ_v d_z_tv E_vi and d_E_vi = Σ_t d_z_tv h_ti, as for any linear map.

    Returns:
        d_hidden (…, D), d_table (V, D).
    """
    d_hidden, d_table, _ = linear_backward(d_logits, hidden, table)
    return d_hidden, d_table


def tied_embedding_forward(ids, table):
    """The smallest network with a tied head: look the tokens up, and score them with the same table. z = E[ids] Eᵀ.

    Args:
        ids: (…) integers from 0 to V-1.
        table: (V, D).
    Returns:
        logits (…, V), and the cache.
    """
    hidden, _ = embedding_forward(ids, table)
    logits, _ = output_head_forward(hidden, table)
    return logits, (ids, table, hidden)


def tied_embedding_backward(d_logits, ids, table, hidden):
    """The gradient of a table that is used twice is the sum over both uses.

    As an embedding only the rows of the tokens that were read receive something; as a head every row does:

        d_E_vi = Σ_t [ids_t = v] d_h_ti  +  Σ_t d_z_tv h_ti

    Returns:
        d_table (V, D).
    """
    d_hidden, d_table_as_head = output_head_backward(d_logits, hidden, table)
    return embedding_backward(d_hidden, ids, table) + d_table_as_head


def low_rank_adapter_forward(x, weight, bias, down, up, alpha):
    """A frozen linear map with a small learned correction: y = x Wᵀ + b + (α/r) (x Aᵀ) Bᵀ.

    W (O, I) has O·I numbers, A and B together only r·(I + O). The scale is α/r, not α: the rank can change without
    another learning rate.

    Args:
        x: (…, I).
        weight, bias: W (O, I) and b (O,), frozen; bias may be None.
        down: A (r, I), starts random.
        up: B (O, r), starts at 0, so that the map starts unchanged.
        alpha: α.
    Returns:
        (…, O), and the cache.
    Source: Hu et al. (2021), section 4.1, equation 3.
    """
    _require_float(down=down, up=up)
    _require_shape("down", down, (None, x.shape[-1]))
    _require_shape("up", up, (weight.shape[0], len(down)))
    output, _ = linear_forward(x, weight, bias)
    narrow, _ = linear_forward(x, down, None)  # (…, r)
    scale = alpha / len(down)
    return output + scale * linear_forward(narrow, up, None)[0], (x, weight, down, up, scale, narrow)


def low_rank_adapter_backward(d_output, x, weight, down, up, scale, narrow):
    """The gradients of x, A and B; the frozen W and b get none, which is where the memory is saved.

    With a_tr = Σ_i x_ti A_ri and s = α/r, the correction is s Σ_r a_tr B_or:

        d_B_or = s Σ_t d_y_to a_tr
        d_a_tr = s Σ_o d_y_to B_or,      d_A_ri = Σ_t d_a_tr x_ti
        d_x_ti = Σ_o d_y_to W_oi + Σ_r d_a_tr A_ri

    While B is 0, A's gradient is 0 too: B moves first.

    Returns:
        d_x (…, I), d_down (r, I), d_up (O, r).
    """
    d_narrow, d_up, _ = linear_backward(scale * d_output, narrow, up)
    d_x, d_down, _ = linear_backward(d_narrow, x, down)
    d_x = d_x + (_rows(d_output) @ weight).reshape(x.shape)
    return d_x, d_down, d_up


# ---------------------------------------------------------------------------------------------------------------
# Two sequences: cross-attention, projectors, and the contrastive loss
# ---------------------------------------------------------------------------------------------------------------


def cross_attention_forward(x, media, parameters, n_heads, mask):
    """Attention whose queries come from one sequence, and its keys and values from another.

    A query that may look at nothing, such as a word before the first image, gets exactly 0. Its softmax over nothing
    would be 0/0; so it is let look everywhere, and what it saw is thrown away.

    Args:
        x: what asks, (B, T, D).
        media: what is asked, (B, S, M); its width M may be another.
        parameters: query and output with `.weight` (D, D), key and value with `.weight` (D, M); each with `.bias` (D,).
        n_heads: H, a divisor of D.
        mask: booleans (B, 1, T, S), True where query t may look at u; a row may be all False.
    Returns:
        (B, T, D), and the cache.
    Source: Vaswani et al. (2017), section 3.2.3; nothing to look at: Alayrac et al. (2022), section 2.3.
    """
    _require_names(parameters, [f"{part}.{kind}" for part in ATTENTION_PARTS for kind in ("weight", "bias")])
    _require_float(x=x, media=media)
    _require_shape("x", x, (None, None, None))
    _require_shape("media", media, (len(x), None, None))
    _require_boolean("mask", mask)
    _require_shape("mask", mask, (len(x), 1, x.shape[1], media.shape[1]))
    query, key, value = (
        split_heads(linear_forward(source, parameters[f"{part}.weight"], parameters[f"{part}.bias"])[0], n_heads)
        for part, source in (("query", x), ("key", media), ("value", media))
    )
    looks = mask.any(axis=-1, keepdims=True)  # (B, 1, T, 1)
    mixed, attention_cache = attention_forward(query, key, value, mask | ~looks)  # (B, H, T, K)
    mixed, looks = merge_heads(mixed), looks[:, 0]  # (B, T, D) and (B, T, 1)
    output, _ = linear_forward(mixed, parameters["output.weight"], parameters["output.bias"])
    return np.where(looks, output, 0), (x, media, parameters, n_heads, looks, mixed, attention_cache)


def cross_attention_backward(d_output, x, media, parameters, n_heads, looks, mixed, attention_cache):
    """The gradients of x, media and all parameters.

    The steps of the forward pass in reverse. Now x was used once, for the query, and media twice:

        d_x = d_x(query)        d_media = d_media(key) + d_media(value)

    A query that saw nothing gave 0 whatever all numbers were: its row of the upstream gradient becomes 0, and with it
    everything that this row would send further back.

    Returns:
        d_x (B, T, D), d_media (B, S, M), and a dictionary of gradients under the parameters' names.
    """
    _require_shape("d_output", d_output, x.shape)
    gradients = {}
    d_mixed, gradients["output.weight"], gradients["output.bias"] = linear_backward(
        np.where(looks, d_output, 0), mixed, parameters["output.weight"])
    d_heads = attention_backward(split_heads(d_mixed, n_heads), *attention_cache)
    d_sources = []
    for part, source, d_head in zip(("query", "key", "value"), (x, media, media), d_heads):
        d_source, gradients[f"{part}.weight"], gradients[f"{part}.bias"] = linear_backward(
            merge_heads(d_head), source, parameters[f"{part}.weight"])
        d_sources.append(d_source)
    d_x, d_media_by_key, d_media_by_value = d_sources
    return d_x, d_media_by_key + d_media_by_value, gradients


def gated_cross_attention_forward(x, media, gate, parameters, n_heads, mask):
    """Let a text look at media, as much as a learned gate allows: y = x + tanh(g) · cross-attention(x, media).

    The gate starts at 0, and tanh 0 = 0: y is then x, bit for bit, and a trained GPT says what it said before.

    Args:
        x, media, parameters, n_heads, mask: as for `cross_attention_forward`.
        gate: g, one number.
    Returns:
        (B, T, D), and the cache.
    Source: Alayrac et al. (2022), section 2.2 and figure 4, where norms and a gated feed-forward layer are added.
    """
    _require_float(gate=gate)
    _require_shape("gate", gate, ())
    seen, attention_cache = cross_attention_forward(x, media, parameters, n_heads, mask)
    opening = np.tanh(gate)
    return x + opening * seen, (opening, seen, attention_cache)


def gated_cross_attention_backward(d_output, opening, seen, attention_cache):
    """The gradients of x, media, the gate and all parameters.

    With o = tanh g and f = cross-attention(x, media), y_ti = x_ti + o f_ti. The gate touches every entry, so its
    gradient is a sum over all of them, through tanh' = 1 - tanh²:

        d_f_ti = o d_y_ti        d_g = (1 - o²) Σ_ti d_y_ti f_ti        d_x = d_y + attentionᵀ(d_f)

    At g = 0 the first is 0: media and all parameters have no gradient yet. The second is not, because 1 - o² = 1: the
    gate moves first, and then lets the others learn.

    Returns:
        d_x (B, T, D), d_media (B, S, M), d_gate (), and a dictionary of gradients under the parameters' names.
    """
    _require_shape("d_output", d_output, seen.shape)
    d_through, d_media, gradients = cross_attention_backward(opening * d_output, *attention_cache)
    d_gate = (1 - opening * opening) * (d_output * seen).sum()
    return d_output + d_through, d_media, d_gate, gradients


def mlp_projector_forward(features, parameters):
    """From an encoder's width to the GPT's, token by token: down(gelu(up(features))).

    The same three steps as a feed-forward layer; only the widths are others, and nothing is added to a stream.

    Args:
        features: (…, M), what an image or audio encoder gives.
        parameters: up.weight (F, M), up.bias (F,), down.weight (D, F), down.bias (D,).
    Returns:
        (…, D), and the cache.
    Source: Liu et al. (2024), LLaVA-1.5, section 3.2: two matrices in place of LLaVA's one. GELU is our tanh form.
    """
    return feed_forward_forward(features, parameters)


def mlp_projector_backward(d_output, x, parameters, bent, gelu_cache):
    """The gradients of the features and of all parameters, as for `feed_forward_backward`.

    Returns:
        d_features (…, M), and a dictionary of gradients under the parameters' names.
    """
    return feed_forward_backward(d_output, x, parameters, bent, gelu_cache)


def pixel_shuffle_forward(features, height, width, side):
    """Make one token of each square of neighbouring tokens: fewer and wider, and no number lost.

        y_(row·W/r + column)(i·r² + a·r + b) = x_((row·r + a)·W + column·r + b)i,    a and b from 0 to r - 1

    Args:
        features: (B, N, M), the tokens of a grid of N = height · width, row by row.
        height, width: of the grid, in tokens; W is the width.
        side: r, the square's side in tokens; a divisor of both.
    Returns:
        (B, N/r², M·r²), and the cache.
    Source: Shi et al. (2016), section 3.2, the other way round; for a GPT's images: Chen et al. (2024), InternVL 1.5,
        section 3.1.
    """
    _require_float(features=features)
    if side < 1 or height % side or width % side:
        raise ValueError(f"side={side} must be a positive divisor of height={height} and width={width}")
    _require_shape("features", features, (None, height * width, None))
    batch, _, depth = features.shape
    squares = features.reshape(batch, height // side, side, width // side, side, depth)
    squares = squares.transpose(0, 1, 3, 5, 2, 4)  # (B, H/r, W/r, M, r, r): what is inside a square goes last
    return squares.reshape(batch, height * width // side**2, depth * side**2), (height, width, side)


def pixel_shuffle_backward(d_output, height, width, side):
    """The gradient of the features: every number went to one place, so its gradient comes back from there.

    A rearrangement is a product with a permutation matrix P, and the backward of a product is Pᵀ, which is P⁻¹:
    the same two reshapes and the transposition, the other way round. Nothing is added up.

    Returns:
        d_features (B, N, M).
    """
    batch, _, depth = d_output.shape
    squares = d_output.reshape(batch, height // side, width // side, depth // side**2, side, side)
    return squares.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * width, depth // side**2)


def unit_length_forward(x):
    """Keep a vector's direction and give it length 1: u = x / ‖x‖. A product of two such vectors is their cosine.

    Args:
        x: (…, D), no vector all 0: that has no direction.
    Returns:
        (…, D), and the cache.
    """
    _require_float(x=x)
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True))  # (…, 1)
    if not length.all():
        raise ValueError(f"x must have no vector of length 0, got {int((length == 0).sum())}")
    unit = x / length
    return unit, (unit, length)


def unit_length_backward(d_output, unit, length):
    """The gradient of x.

    With ℓ = ‖x‖ and ∂ℓ/∂x_j = x_j / ℓ = u_j, an entry x_j acts directly and through the length:

        ∂u_i/∂x_j = δ_ij / ℓ - x_i u_j / ℓ² = (δ_ij - u_i u_j) / ℓ
        d_x_j = (d_u_j - u_j Σ_i d_u_i u_i) / ℓ

    What is taken away is d_u's part along u: making a vector longer does not change its direction.

    Returns:
        d_x (…, D).
    """
    _require_shape("d_output", d_output, unit.shape)
    return (d_output - unit * (d_output * unit).sum(axis=-1, keepdims=True)) / length


def contrastive_forward(a, b, log_scale, positive):
    """How badly two kinds of embeddings find their partners, in both directions.

    With u_i = a_i / ‖a_i‖, v_j = b_j / ‖b_j‖ and scores s_ij = exp(λ) u_i · v_j, each a is asked which b belong to it,
    and each b which a: two cross-entropies, over the rows and over the columns of one matrix. With several right
    answers the wanted distribution is uniform over them:

        q_ij = [i and j belong together] / (how many j belong to i)        p_i = softmax over j of s_ij
        L_ab = -(1/n) Σ_i Σ_j q_ij log p_ij        L = ½ (L_ab + L_ba)

    where i runs over the n rows that have a partner, and L_ba is the same with a and b exchanged.

    Args:
        a: (N, D), such as embeddings of images.
        b: (M, D), such as embeddings of texts.
        log_scale: λ, one number; exp(-λ) is the temperature.
        positive: booleans (N, M), True where a_i and b_j belong together. For pairs by position this is
            `np.eye(N, dtype=bool)`, for classes `labels_a[:, None] == labels_b`.
    Returns:
        the loss in nats, a scalar, and the cache.
    Raises:
        ValueError: if nothing belongs together.
    Source: Radford et al. (2021), section 2.3 and figure 3; several partners: Khosla et al. (2020), equation 2, in both
        directions between two kinds as in Yang et al. (2022), section 3, where directions are summed, not averaged.
    """
    _require_float(a=a, b=b, log_scale=log_scale)
    _require_shape("a", a, (None, None))
    _require_shape("b", b, (None, a.shape[1]))
    _require_shape("log_scale", log_scale, ())
    _require_boolean("positive", positive)
    _require_shape("positive", positive, (len(a), len(b)))
    if not positive.any():
        raise ValueError(f"positive must be True somewhere, all {positive.size} entries are False")
    unit_a, a_cache = unit_length_forward(a)
    unit_b, b_cache = unit_length_forward(b)
    scale = np.exp(log_scale)
    scores = scale * (unit_a @ unit_b.T)  # (N, M)
    a_to_b, rows_cache = _partners_forward(scores, positive)
    b_to_a, columns_cache = _partners_forward(scores.T, positive.T)
    return (a_to_b + b_to_a) / 2, (a_cache, b_cache, scale, scores, rows_cache, columns_cache)


def contrastive_backward(d_loss, a_cache, b_cache, scale, scores, rows_cache, columns_cache):
    """The gradients of a, b and λ.

    Each direction is a cross-entropy: with r_i = Σ_j q_ij, which is 1, or 0 for a row without a partner, its gradient
    is d_s_ij = (r_i p_ij - q_ij) / n. Both directions read the same scores, so their gradients add up, the second
    transposed, each with its half. From there

        s_ij = exp(λ) Σ_k u_ik v_jk   →   d_u_ik = exp(λ) Σ_j d_s_ij v_jk,    d_v_jk = exp(λ) Σ_i d_s_ij u_ik
        ∂s_ij/∂λ = s_ij               →   d_λ = Σ_ij d_s_ij s_ij

    and through the lengths to a and b by `unit_length_backward`.

    Returns:
        d_a (N, D), d_b (M, D), d_log_scale ().
    """
    half = d_loss / 2
    d_scores = _partners_backward(half, *rows_cache) + _partners_backward(half, *columns_cache).T
    unit_a, unit_b = a_cache[0], b_cache[0]
    d_a = unit_length_backward(scale * (d_scores @ unit_b), *a_cache)
    d_b = unit_length_backward(scale * (d_scores.T @ unit_a), *b_cache)
    return d_a, d_b, (d_scores * scores).sum()


def _partners_forward(scores, positive):
    """Cross-entropy of each row's uniform choice among its partners; a row without one is not counted."""
    wanted = (positive / np.maximum(positive.sum(axis=-1, keepdims=True), 1)).astype(scores.dtype)  # rows sum to 1 or 0
    log_probabilities, _ = log_softmax_forward(scores)
    n_counted = int(positive.any(axis=-1).sum())
    return -(wanted * log_probabilities).sum() / n_counted, (log_probabilities, wanted, n_counted)


def _partners_backward(d_loss, log_probabilities, wanted, n_counted):
    return log_softmax_backward(-d_loss / n_counted * wanted, log_probabilities)


# ---------------------------------------------------------------------------------------------------------------
# Dictionaries of parameters
# ---------------------------------------------------------------------------------------------------------------

ATTENTION_PARTS = ("query", "key", "value", "output")
_NORM_NAMES = [f"{norm}.{kind}" for norm in ("attention_norm", "feed_forward_norm") for kind in ("weight", "bias")]


def under(parameters, prefix):
    """The parameters whose names start with the prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in parameters.items() if name.startswith(prefix)}


def prefixed(prefix, arrays):
    """The same arrays with a prefix before each name: the inverse of `under`."""
    return {prefix + name: array for name, array in arrays.items()}


def _norm_forward(x, parameters, name, epsilon):
    return layer_norm_forward(x, parameters[f"{name}.weight"], parameters[f"{name}.bias"], epsilon)


def _block_gradients(first_norm, attention, second_norm, feed_forward):
    return {
        **prefixed("attention_norm.", dict(zip(("weight", "bias"), first_norm))),
        **prefixed("attention.", attention),
        **prefixed("feed_forward_norm.", dict(zip(("weight", "bias"), second_norm))),
        **prefixed("feed_forward.", feed_forward),
    }


# ---------------------------------------------------------------------------------------------------------------
# Small helpers, and complaints about bad input
# ---------------------------------------------------------------------------------------------------------------


def _rows(x):
    """All leading axes in one: (…, D) -> (N, D)."""
    return x.reshape(-1, x.shape[-1])


def _safe_log(x):
    with np.errstate(divide="ignore"):
        logarithm = np.log(x)
    return np.where(logarithm.real < _LEAST_LOGARITHM, _LEAST_LOGARITHM, logarithm)


def _require_float(**arrays):
    for name, array in arrays.items():
        if not isinstance(array, (np.ndarray, np.generic)):  # a step along an array of shape () gives a NumPy number
            raise ValueError(f"{name} must be a NumPy array of floats, got {type(array).__name__}")
        if array.dtype.kind not in "fc":  # floats; complex numbers come from a complex step
            raise ValueError(f"{name} must hold floats, got {array.dtype}")


def _require_boolean(name, array):
    if not isinstance(array, np.ndarray) or array.dtype != bool:
        got = getattr(array, "dtype", type(array).__name__)
        raise ValueError(f"{name} must be a NumPy array of booleans, got {got}")


def _require_ids(name, ids, n_rows):
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu":
        got = getattr(ids, "dtype", type(ids).__name__)
        raise ValueError(f"{name} must be a NumPy array of integers, got {got}")
    if ids.size and (ids.min() < 0 or ids.max() >= n_rows):
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise ValueError(f"{name} must be from 0 to {n_rows - 1}, got {wrong}")


def _require_shape(name, array, shape):
    """The array has this shape; None stands for any length."""
    fits = len(array.shape) == len(shape) and all(want in (None, is_) for want, is_ in zip(shape, array.shape))
    if not fits:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")


def _require_broadcast(name, array, shape):
    """The array can be broadcast to this shape, without making it larger."""
    try:
        fits = np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast to {shape}, got {array.shape}")


def _require_probabilities(**arrays):
    for name, array in arrays.items():
        if array.size and not (array.real.min() >= 0 and array.real.max() <= 1):
            wrong = array.real.min() if not array.real.min() >= 0 else array.real.max()
            raise ValueError(f"{name} must be from 0 to 1, got {wrong}")


def _require_names(parameters, names):
    for name in names:
        if name not in parameters:
            raise ValueError(f"parameters must hold {name!r}, got {', '.join(sorted(parameters)) or 'nothing'}")
