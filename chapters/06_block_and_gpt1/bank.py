"""Known answers of chapter 06: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ----------------------------------------------------------------------------------------------------- layer_norm

NORM = '''
def layer_norm(x, weight, bias, epsilon):
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    return weight * (x - mean) / (variance + epsilon).sqrt() + bias
'''
norm = wrong("layer_norm", NORM)
NORMS = [
    norm("variance by D - 1", "the variance divides by D, not by D - 1: torch's var() needs unbiased=False",
         ("((x - mean) ** 2).mean(dim=-1, keepdim=True)", "x.var(dim=-1, keepdim=True)")),
    norm("epsilon outside the root", "ε is added to the variance, under the root",
         ("(variance + epsilon).sqrt()", "(variance.sqrt() + epsilon)")),
    norm("epsilon forgotten", "ε is missing", ("(variance + epsilon)", "variance")),
    norm("fixed epsilon", "use the epsilon that is given: it is not always 1e-5", ("+ epsilon", "+ 1e-5")),
    norm("divided by the variance", "divide by the deviation, the root of the variance", (".sqrt()", "")),
    norm("mean not subtracted", "only the variance is centred: subtract the mean from x itself, too",
         ("weight * (x - mean)", "weight * x")),
    norm("all tokens together", "mean and variance belong to each token: the last axis only",
         ("mean = x.mean(dim=-1, keepdim=True)", "mean = x.mean()"),
         (".mean(dim=-1, keepdim=True)\n    return", ".mean()\n    return")),
    norm("over the tokens", "mean and variance run over a token's own numbers, the last axis, not over the tokens",
         ("dim=-1", "dim=-2")),
    norm("no shift", "β is missing", (" + bias", " + 0 * bias")),
    norm("scale added after", "γ scales and β shifts: y = γ x̂ + β, not γ (x̂ + β)",
         ("weight * (x - mean) / (variance + epsilon).sqrt() + bias",
          "weight * ((x - mean) / (variance + epsilon).sqrt() + bias)")),
    norm("statistics detached", "no gradient flows through mean and variance, but both depend on x",
         ("mean = x.mean(dim=-1, keepdim=True)", "mean = x.mean(dim=-1, keepdim=True).detach()"),
         (".mean(dim=-1, keepdim=True)\n    return", ".mean(dim=-1, keepdim=True).detach()\n    return")),
    norm("PyTorch's own", "", ("weight * (x - mean) / (variance + epsilon).sqrt() + bias",
                               "torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, epsilon)")),
]
RIGHT_NORMS = [
    Answer("layer_norm", "var and rsqrt", source='''
def layer_norm(x, weight, bias, epsilon):
    variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + epsilon) * weight + bias
'''),
    Answer("layer_norm", "mean of the squares", source='''
def layer_norm(x, weight, bias, epsilon):
    width = x.shape[-1]
    x = x - x.sum(-1)[..., None] / width
    size = ((x * x).sum(-1) / width + epsilon) ** 0.5
    return torch.addcmul(bias, x / size[..., None], weight)
'''),
]

# -------------------------------------------------------------------------------------------------------- dropout

DROP = '''
def dropout(x, draws, probability):
    kept = draws >= probability
    return x * kept / (1 - probability)
'''
drop = wrong("dropout", DROP)
DROPS = [
    drop("not scaled", "divide what is kept by 1 - p, so that the expectation stays", (" / (1 - probability)", "")),
    drop("scaled by p", "divide by 1 - p, the share that is kept, not by p",
         ("/ (1 - probability)", "/ max(probability, 1e-9)")),
    drop("multiplied", "what is kept must grow: divide by 1 - p, do not multiply",
         ("/ (1 - probability)", "* (1 - probability)")),
    drop("dropped and kept swapped", "p is the share that is dropped: drop where the draw is smaller than p",
         ("draws >= probability", "draws < probability")),
    drop("keeps with p", "p is the share that is dropped, not the share that is kept",
         ("draws >= probability", "draws >= 1 - probability")),
    drop("border dropped", "an entry is dropped where its draw is smaller than p: equal stays",
         ("draws >= probability", "draws > probability")),
    drop("dropped entries scaled only", "a dropped entry becomes 0, and all others are scaled",
         ("x * kept / (1 - probability)", "torch.where(kept, x, x / (1 - probability))")),
    drop("own random numbers", "",
         ("draws >= probability", "torch.rand(x.shape, dtype=x.dtype) >= probability")),
    drop("mean restored", "scale by 1/(1 - p), not by how many happened to be kept",
         ("/ (1 - probability)", "/ kept.double().mean()")),
    drop("detached", "", ("return x * kept / (1 - probability)", "return x.detach() * kept / (1 - probability)")),
    drop("in place", "", ("return x * kept / (1 - probability)",
                          "x.data.mul_(kept)\n    return x / (1 - probability)")),
]
RIGHT_DROPS = [
    Answer("dropout", "where", source='''
def dropout(x, draws, probability):
    return torch.where(draws < probability, torch.zeros_like(x), x / (1 - probability))
'''),
    Answer("dropout", "masked fill", source='''
def dropout(x, draws, probability):
    scaled = x * (1 / (1 - probability))
    return scaled.masked_fill(draws < probability, 0.0)
'''),
]

# ----------------------------------------------------------------------------------------------------- exact_gelu

GELU = '''
def exact_gelu(x):
    below = 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return x * below, below + x * density
'''
gelu = wrong("exact_gelu", GELU)
GELUS = [
    gelu("tanh form", "this is the tanh form: the exact one uses erf",
         ("    return x * below, below + x * density",
          "    c = math.sqrt(2 / math.pi)\n    t = np.tanh(c * (x + 0.044715 * x**3))\n"
          "    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)\n"
          "    return 0.5 * x * (1 + t), slope")),
    gelu("root of two forgotten", "erf is taken of x/√2", ("x / math.sqrt(2)", "x")),
    gelu("no factor of a half", "Φ is a probability: ½ (1 + erf), not 1 + erf", ("0.5 * (1", "(1")),
    gelu("Φ alone", "the value is x Φ(x): x is missing", ("return x * below,", "return below,")),
    gelu("slope without the second term", "x stands in two places: the product rule gives Φ(x) + x φ(x)",
         ("below + x * density", "below")),
    gelu("slope without the first term", "x stands in two places: the product rule gives Φ(x) + x φ(x)",
         ("below + x * density", "x * density")),
    gelu("density without x", "the second term of the slope is x times the density", ("+ x * density", "+ density")),
    gelu("density not normalised", "the density is divided by √(2π)", (" / math.sqrt(2 * math.pi)", "")),
    gelu("density exp(-x²)", "the density's exponent is -x²/2", ("-x * x / 2", "-x * x")),
    gelu("sigmoid form", "this is the sigmoid approximation, x σ(1.702 x)",
         ("    return x * below, below + x * density",
          "    s = 1 / (1 + np.exp(-1.702 * x))\n    return x * s, s + 1.702 * x * s * (1 - s)")),
    gelu("ReLU", "this is ReLU, which has a kink",
         ("return x * below, below + x * density", "return np.maximum(x, 0), (x > 0).astype(float)")),
]
RIGHT_GELUS = [
    Answer("exact_gelu", "erfc and a list", source='''
def exact_gelu(x):
    below = np.array([math.erfc(-v / 2**0.5) / 2 for v in x.flat]).reshape(x.shape)
    return x * below, below + x * np.exp(-0.5 * x**2) * (2 * np.pi) ** -0.5
'''),
    Answer("exact_gelu", "loops over copies", source='''
def exact_gelu(x):
    values, slopes = np.empty_like(x), np.empty_like(x)
    for place in np.ndindex(*x.shape):
        one = float(x[place])
        below = (1 + math.erf(one / math.sqrt(2))) / 2
        values[place] = one * below
        slopes[place] = below + one * math.exp(-one * one / 2) / math.sqrt(2 * math.pi)
    return values, slopes
'''),
]

# ------------------------------------------------------------------------------------------ feed_forward_backward

FEED = '''
def feed_forward_backward(d_output, x, up_weight, up_bias, down_weight):
    rows = x.reshape(-1, x.shape[-1])
    d_rows = d_output.reshape(-1, d_output.shape[-1])
    bent, slope = exact_gelu(rows @ up_weight.T + up_bias)
    d_bent = d_rows @ down_weight
    d_wide = d_bent * slope
    return {
        "x": (d_wide @ up_weight).reshape(x.shape),
        "up_weight": d_wide.T @ rows,
        "up_bias": d_wide.sum(axis=0),
        "down_weight": d_rows.T @ bent,
        "down_bias": d_rows.sum(axis=0),
    }
'''
feed = wrong("feed_forward_backward", FEED)
FEEDS = [
    feed("bend skipped", "the gradient has to pass through GELU: times its slope at each place",
         ("d_bent * slope", "d_bent")),
    feed("slope replaced by the value", "times the slope of GELU, not times its value", ("d_bent * slope",
                                                                                         "d_bent * bent")),
    feed("bias forgotten in the forward pass", "the bend sees x Uᵀ + a: the bias a is missing", (" + up_bias", "")),
    feed("down weight sees the unbent", "W read the bent values: its gradient needs these, not those before the bend",
         ("d_rows.T @ bent", "d_rows.T @ (rows @ up_weight.T + up_bias)")),
    feed("residual added", "there is no residual in this layer: what goes around it is not its business",
         ("(d_wide @ up_weight).reshape(x.shape)", "(d_wide @ up_weight).reshape(x.shape) + d_output")),
    feed("up bias before the bend", "the gradient of a passes through the bend first",
         ("d_wide.sum(axis=0)", "d_bent.sum(axis=0)")),
    feed("up weight before the bend", "the gradient of U passes through the bend first",
         ("d_wide.T @ rows", "d_bent.T @ rows")),
    feed("mean over the tokens", "sum over all tokens, do not average",
         ("d_wide.T @ rows", "d_wide.T @ rows / len(rows)"), ("d_rows.T @ bent", "d_rows.T @ bent / len(rows)"),
         (".sum(axis=0)", ".mean(axis=0)")),
    feed("first text only", "weights and biases collect from all texts, not from the first alone",
         ("d_wide.T @ rows", "d_wide[:x.shape[1]].T @ x[0]"), ("d_wide.sum(axis=0)", "d_wide[:x.shape[1]].sum(axis=0)"),
         ("d_rows.T @ bent", "d_output[0].T @ bent[:x.shape[1]]"), ("d_rows.sum(axis=0)", "d_output[0].sum(axis=0)")),
    feed("weights transposed", "the weights' gradients are transposed: they have the shape of the weights",
         ("d_wide.T @ rows", "rows.T @ d_wide"), ("d_rows.T @ bent", "bent.T @ d_rows")),
    feed("down bias through the weights", "b is added at the very end: its gradient is the sum of d_output",
         ("d_rows.sum(axis=0)", "(d_rows @ down_weight @ down_weight.T).sum(axis=0)")),
    feed("tanh form's slope", "the bend here is the exact GELU, with erf", (
        "    d_bent = ", "    u = rows @ up_weight.T + up_bias\n    c = math.sqrt(2 / math.pi)\n"
        "    t = np.tanh(c * (u + 0.044715 * u**3))\n    bent = 0.5 * u * (1 + t)\n"
        "    slope = 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * c * (1 + 3 * 0.044715 * u * u)\n    d_bent = ")),
]
RIGHT_FEEDS = [
    Answer("feed_forward_backward", "text after text", source='''
def feed_forward_backward(d_output, x, up_weight, up_bias, down_weight):
    gradients = {"x": np.zeros_like(x), "up_weight": np.zeros_like(up_weight), "up_bias": np.zeros_like(up_bias),
                 "down_weight": np.zeros_like(down_weight), "down_bias": np.zeros(d_output.shape[-1])}
    for b in range(len(x)):
        bent, slope = exact_gelu(x[b] @ up_weight.T + up_bias)
        d_wide = (d_output[b] @ down_weight) * slope
        gradients["x"][b] = d_wide @ up_weight
        gradients["up_weight"] += d_wide.T @ x[b]
        gradients["up_bias"] += d_wide.sum(0)
        gradients["down_weight"] += d_output[b].T @ bent
        gradients["down_bias"] += d_output[b].sum(0)
    return gradients
'''),
    Answer("feed_forward_backward", "without exact_gelu", source='''
def feed_forward_backward(d_output, x, up_weight, up_bias, down_weight):
    wide = np.tensordot(x, up_weight, axes=([2], [1])) + up_bias
    phi = 0.5 * np.vectorize(math.erfc)(-wide / math.sqrt(2.0))
    d_wide = np.tensordot(d_output, down_weight, axes=([2], [0]))
    d_wide = d_wide * (phi + wide * np.exp(-wide**2 / 2) / np.sqrt(2 * np.pi))
    return dict(
        x=np.tensordot(d_wide, up_weight, axes=([2], [0])),
        up_weight=np.tensordot(d_wide, x, axes=([0, 1], [0, 1])),
        up_bias=d_wide.sum((0, 1)),
        down_weight=np.tensordot(d_output, wide * phi, axes=([0, 1], [0, 1])),
        down_bias=d_output.sum((0, 1)),
    )
'''),
]

# -------------------------------------------------------------------------------------- embedding_tables_backward

TABLES = '''
def embedding_tables_backward(d_hidden, ids, vocab_size, context_length):
    n_tokens, width = d_hidden.shape[1:]
    d_tokens = np.zeros((vocab_size, width))
    np.add.at(d_tokens, ids, d_hidden)
    d_positions = np.zeros((context_length, width))
    d_positions[:n_tokens] = d_hidden.sum(axis=0)
    return d_tokens, d_positions
'''
tables = wrong("embedding_tables_backward", TABLES)
TABLE_LIST = [
    tables("repeated ids lost", "where ids repeat, += keeps one of them: use np.add.at",
           ("np.add.at(d_tokens, ids, d_hidden)", "d_tokens[ids] += d_hidden")),
    tables("mean over the texts", "every text adds to a position: sum, do not average",
           ("d_hidden.sum(axis=0)", "d_hidden.mean(axis=0)")),
    tables("first text's positions", "a position is used in every text, not in the first alone",
           ("d_hidden.sum(axis=0)", "d_hidden[0]")),
    tables("last text's positions", "a position is used in every text: the last one overwrites the others",
           ("d_hidden.sum(axis=0)", "d_hidden[-1]")),
    tables("divided by how often", "a token that occurs twice collects twice: do not divide by its count",
           ("    return", "    d_tokens /= np.maximum(np.bincount(ids.ravel(), minlength=vocab_size), 1)[:, None]\n"
            "    return")),
    tables("first text's tokens", "tokens collect from all texts, not from the first alone",
           ("np.add.at(d_tokens, ids, d_hidden)", "np.add.at(d_tokens, ids[0], d_hidden[0])")),
    tables("positions by id", "a position is where a token stands, not which token it is",
           ("d_positions[:n_tokens] = d_hidden.sum(axis=0)",
            "np.add.at(d_positions, np.minimum(ids, context_length - 1), d_hidden)")),
    tables("tables swapped", "the two tables are swapped: tokens first", ("return d_tokens, d_positions",
                                                                          "return d_positions, d_tokens")),
    tables("only as many rows as tokens", "the position table has context_length rows, also those that are not used",
           ("np.zeros((context_length, width))", "np.zeros((n_tokens, width))")),
    tables("only used tokens", "the token table has a row for every token of the vocabulary",
           ("np.zeros((vocab_size, width))", "np.zeros((ids.max() + 1, width))")),
    tables("half to each", "a sum hands its whole gradient to both terms, not half of it to each",
           ("return d_tokens, d_positions", "return d_tokens / 2, d_positions / 2")),
]
RIGHT_TABLES = [
    Answer("embedding_tables_backward", "one-hot product", source='''
def embedding_tables_backward(d_hidden, ids, vocab_size, context_length):
    one_hot = np.eye(vocab_size)[ids]
    here = np.eye(context_length)[: ids.shape[1]]
    return np.einsum("btv,btd->vd", one_hot, d_hidden), np.einsum("tp,btd->pd", here, d_hidden)
'''),
    Answer("embedding_tables_backward", "loops", source='''
def embedding_tables_backward(d_hidden, ids, vocab_size, context_length):
    tokens = np.zeros((vocab_size, d_hidden.shape[2]))
    positions = np.zeros((context_length, d_hidden.shape[2]))
    for b in range(ids.shape[0]):
        for t in range(ids.shape[1]):
            tokens[ids[b, t]] += d_hidden[b, t]
            positions[t] += d_hidden[b, t]
    return tokens, positions
'''),
]

# ---------------------------------------------------------------------------------------------------------- block

BLOCK = '''
def block(hidden, first_weight, first_bias, second_weight, second_bias, attention, feed_forward, norm_position):
    def first(x):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], first_weight, first_bias, 1e-5)

    def second(x):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], second_weight, second_bias, 1e-5)

    if norm_position == "pre":
        middle = hidden + attention(first(hidden))
        return middle + feed_forward(second(middle))
    if norm_position != "post":
        raise ValueError(norm_position)
    middle = first(hidden + attention(hidden))
    return second(middle + feed_forward(middle))
'''
blocks = wrong("block", BLOCK)
PRE_SUM, POST_SUM = "hidden + attention(first(hidden))", "first(hidden + attention(hidden))"
BLOCKS = [
    blocks("pre and post swapped", "the two positions are swapped: post-norm normalises the sum",
           ('norm_position == "pre"', 'norm_position == "post"'),
           ('norm_position != "post"', 'norm_position != "pre"')),
    blocks("norm on the branch's output", "pre-norm normalises what a sub-layer reads, not what it gives",
           ("attention(first(hidden))", "first(attention(hidden))"),
           ("feed_forward(second(middle))", "second(feed_forward(middle))")),
    blocks("residual from the norm", "pre-norm adds to the stream itself, not to its normalised copy",
           (PRE_SUM, "first(hidden) + attention(first(hidden))"),
           ("middle + feed_forward(second(middle))", "second(middle) + feed_forward(second(middle))")),
    blocks("no residual", "the residual is missing: each sub-layer's result is added to the stream",
           (PRE_SUM, "attention(first(hidden))"), (POST_SUM, "first(attention(hidden))")),
    blocks("second residual from the start", "the second residual starts from the stream after attention, not from x",
           ("return middle + feed_forward", "return hidden + feed_forward"),
           ("second(middle + feed_forward", "second(hidden + feed_forward")),
    blocks("in parallel", "feed-forward reads the stream after attention was added to it",
           ("feed_forward(second(middle))", "feed_forward(second(hidden))"),
           ("feed_forward(middle)", "feed_forward(hidden)")),
    blocks("norms swapped", "the first norm goes with attention, the second with feed-forward",
           ("def first(x)", "def swapped(x)"), ("def second(x)", "def first(x)"), ("def swapped(x)", "def second(x)")),
    blocks("one norm for both", "each sub-layer has a norm of its own",
           ("x.shape[-1:], second_weight, second_bias, 1e-5)",
            "x.shape[-1:], first_weight + 0 * second_weight, first_bias + 0 * second_bias, 1e-5)")),
    blocks("post without the last norm", "post-norm normalises both sums, also the last",
           ("return second(middle + feed_forward(middle))",
            "return middle + feed_forward(middle) + 0 * second_weight * second_bias")),
    blocks("feed-forward first", "attention comes first, then feed-forward",
           ("attention(first(hidden))", "placeholder(first(hidden))"),
           ("feed_forward(second(middle))", "attention(second(middle))"),
           ("placeholder(", "feed_forward("),
           ("first(hidden + attention(hidden))", "first(hidden + feed_forward(hidden))"),
           ("second(middle + feed_forward(middle))", "second(middle + attention(middle))")),
    blocks("any name is post", "a norm_position that is neither pre nor post must raise ValueError",
           ('    if norm_position != "post":\n        raise ValueError(norm_position)\n', "")),
    blocks("γ and β left out", "γ and β of the norms are not used", (
        "x.shape[-1:], first_weight, first_bias, 1e-5)", "x.shape[-1:]) + 0 * first_weight * first_bias"),
        ("x.shape[-1:], second_weight, second_bias, 1e-5)", "x.shape[-1:]) + 0 * second_weight * second_bias")),
    blocks("detached branch", "no gradient flows through the branches: the one through the residual is only a part",
           ("attention(first(hidden))", "attention(first(hidden).detach())"),
           ("attention(hidden))", "attention(hidden.detach()))")),
    blocks("detached", "", ("return middle + feed_forward(second(middle))",
                            "return (middle + feed_forward(second(middle))).detach()")),
]
RIGHT_BLOCKS = [
    Answer("block", "a loop over the sub-layers", source='''
def block(hidden, first_weight, first_bias, second_weight, second_bias, attention, feed_forward, norm_position):
    if norm_position not in ("pre", "post"):
        raise ValueError("pre or post")
    for f, weight, bias in ((attention, first_weight, first_bias), (feed_forward, second_weight, second_bias)):
        def norm(x):
            variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
            return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias

        hidden = hidden + f(norm(hidden)) if norm_position == "pre" else norm(hidden + f(hidden))
    return hidden
'''),
    Answer("block", "a match and named steps", source='''
def block(hidden, first_weight, first_bias, second_weight, second_bias, attention, feed_forward, norm_position):
    width = (hidden.shape[-1],)
    norms = [lambda x: F.layer_norm(x, width, weight=first_weight, bias=first_bias),
             lambda x: F.layer_norm(x, width, weight=second_weight, bias=second_bias)]
    match norm_position:
        case "pre":
            branch = attention(norms[0](hidden))
            stream = torch.add(hidden, branch)
            return torch.add(stream, feed_forward(norms[1](stream)))
        case "post":
            stream = norms[0](torch.add(attention(hidden), hidden))
            return norms[1](torch.add(feed_forward(stream), stream))
    raise ValueError(f"{norm_position} is neither")
'''),
]

# --------------------------------------------------------------------------------------------- sub_layer_backward

SUB = '''
def sub_layer_backward(d_output, x, weight, norm_position, epsilon):
    def norm_backward(d, values):
        centred = values - values.mean(axis=1, keepdims=True)
        r = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
        hat = centred * r
        return r * (d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True)), hat

    if norm_position == "post":
        d_sum, _ = norm_backward(d_output, x + x @ weight.T)
        return {"x": d_sum + d_sum @ weight, "weight": d_sum.T @ x}
    d_x, hat = norm_backward(d_output @ weight, x)
    return {"x": d_output + d_x, "weight": d_output.T @ hat}
'''
sub = wrong("sub_layer_backward", SUB)
SUBS = [
    sub("straight road forgotten", "the residual's straight road is missing in the gradient of x",
        ("d_sum + d_sum @ weight", "d_sum @ weight"), ("d_output + d_x", "d_x")),
    sub("branch forgotten", "the road through the branch is missing in the gradient of x",
        ("d_sum + d_sum @ weight", "d_sum"), ("d_output + d_x", "d_output + 0 * d_x")),
    sub("post's residual around the norm", "in post-norm the straight road passes through the norm, too",
        ("d_sum + d_sum @ weight", "d_output + d_sum @ weight")),
    sub("norm skipped in pre", "in pre-norm the branch's gradient passes back through the norm",
        ("d_output + d_x", "d_output + d_output @ weight")),
    sub("pre's weight reads x", "in pre-norm the linear map read the normalised x: its gradient needs that",
        ("d_output.T @ hat", "d_output.T @ x")),
    sub("post's norm of x alone", "in post-norm the norm saw the sum x + f(x), not x alone",
        ("norm_backward(d_output, x + x @ weight.T)", "norm_backward(d_output, x)")),
    sub("post's weight before the norm", "in post-norm the gradient passes through the norm before it reaches W",
        ("d_sum.T @ x", "d_output.T @ x")),
    sub("weight not transposed on the way back", "y = x Wᵀ goes back by d @ W, not by d @ Wᵀ",
        ("d_sum @ weight,", "d_sum @ weight.T,"),
        ("norm_backward(d_output @ weight,", "norm_backward(d_output @ weight.T,")),
    sub("weight's gradient transposed", "W has one row for each output: its gradient is d.T @ x",
        ("d_sum.T @ x", "x.T @ d_sum"), ("d_output.T @ hat", "hat.T @ d_output")),
    sub("mean's road forgotten", "norm's backward lacks a term: every entry also moves the mean",
        ("d - d.mean(axis=1, keepdims=True) - hat", "d - hat")),
    sub("variance's road forgotten", "norm's backward lacks a term: every entry also moves the variance",
        (" - hat * (d * hat).mean(axis=1, keepdims=True)", "")),
    sub("fixed epsilon", "use the epsilon that is given", ("+ epsilon)", "+ 1e-5)")),
    sub("pre and post swapped", "the two positions are swapped", ('norm_position == "post"', 'norm_position == "pre"')),
]
RIGHT_SUBS = [
    Answer("sub_layer_backward", "the norm's Jacobian in full", source='''
def sub_layer_backward(d_output, x, weight, norm_position, epsilon):
    n, width = x.shape
    read = x + x @ weight.T if norm_position == "post" else x
    hats, jacobians = [], []
    for row in read:
        deviation = np.sqrt(row.var() + epsilon)
        hat = (row - row.mean()) / deviation
        hats.append(hat)
        jacobians.append((np.eye(width) - 1 / width - np.outer(hat, hat) / width) / deviation)
    hats, jacobians = np.array(hats), np.array(jacobians)
    if norm_position == "post":
        d = np.einsum("no,noi->ni", d_output, jacobians)
        return {"x": d @ (np.eye(width) + weight), "weight": np.einsum("no,ni->oi", d, x)}
    branch = np.einsum("no,noi->ni", d_output @ weight, jacobians)
    return {"x": branch + d_output, "weight": np.einsum("no,ni->oi", d_output, hats)}
'''),
    Answer("sub_layer_backward", "by projections", source='''
def sub_layer_backward(d_output, x, weight, norm_position, epsilon):
    is_post = norm_position == "post"
    before = x + x @ weight.T if is_post else x
    centred = before - before.mean(-1, keepdims=True)
    scale = np.sqrt(np.mean(centred**2, -1, keepdims=True) + epsilon)
    arriving = d_output if is_post else d_output @ weight
    arriving = arriving - arriving.mean(-1, keepdims=True)
    along = np.mean(arriving * centred, -1, keepdims=True) * centred / scale**2
    below = (arriving - along) / scale
    if is_post:
        return {"x": below + below @ weight, "weight": below.T @ x}
    return {"x": below + d_output, "weight": d_output.T @ (centred / scale)}
'''),
]

# ------------------------------------------------------------------------------------------------ embedding_share

SHARE = '''
def embedding_share(n_layers, branch_variance, norm_position):
    n_branches = 2 * n_layers
    if norm_position == "post":
        return 1 / (1 + branch_variance) ** n_branches
    return 1 / (1 + n_branches * branch_variance)
'''
share = wrong("embedding_share", SHARE)
SHARES = [
    share("one sub-layer in a block", "each block has two sub-layers", ("2 * n_layers", "n_layers")),
    share("pre and post swapped", "shares multiply in post-norm, where each sum is scaled, and not in pre-norm",
          ('norm_position == "post"', 'norm_position == "pre"')),
    share("pre for both", "in post-norm every sum is scaled back to variance 1, the embedding in it, too",
          ('norm_position == "post"', "False")),
    share("post for both", "in pre-norm the stream is not scaled: variances add up",
          ('norm_position == "post"', "True")),
    share("deviation instead of variance", "it asks for the share of the variance, not of the deviation",
          ("1 / (1 + branch_variance) ** n_branches", "1 / (1 + branch_variance) ** (n_branches / 2)"),
          ("1 / (1 + n_branches * branch_variance)", "1 / (1 + n_branches * branch_variance) ** 0.5")),
    share("what the branches have", "this is the share of the branches: the embedding's is what is left",
          ("return 1 / (1 + branch_variance) ** n_branches", "return 1 - 1 / (1 + branch_variance) ** n_branches"),
          ("return 1 / (1 + n_branches * branch_variance)", "return 1 - 1 / (1 + n_branches * branch_variance)")),
    share("v squared", "v is a variance already: do not square it", ("branch_variance)", "branch_variance**2)")),
    share("embedding outside of the sum", "the whole is 1 + n v: the embedding's own variance counts, too",
          ("1 / (1 + n_branches * branch_variance)", "1 / max(n_branches * branch_variance, 1)")),
    share("one sub-layer too many", "with no block at all the share is 1", ("2 * n_layers", "2 * n_layers + 1")),
    share("losing v each time", "scaling divides by 1 + v; it does not subtract v",
          ("1 / (1 + branch_variance) ** n_branches", "max(1 - branch_variance * n_branches, 0.0)")),
    share("fading by e", "(1 + v)^n is not e^(v n): that holds for very small v only",
          ("1 / (1 + branch_variance) ** n_branches", "math.exp(-branch_variance * n_branches)")),
]
RIGHT_SHARES = [
    Answer("embedding_share", "step by step", source='''
def embedding_share(n_layers, branch_variance, norm_position):
    embedding, total = 1.0, 1.0
    for _ in range(n_layers):
        for _ in ("attention", "feed-forward"):
            total += branch_variance
            if norm_position == "post":
                embedding /= total
                total = 1.0
    return embedding / total
'''),
    Answer("embedding_share", "by logarithms", source='''
def embedding_share(n_layers, branch_variance, norm_position):
    if norm_position == "post":
        return math.exp(-2 * n_layers * math.log1p(branch_variance))
    variances = np.array([1.0] + [branch_variance] * (2 * n_layers))
    return float(variances[0] / variances.sum())
'''),
]

# ----------------------------------------------------------------------------------------------- count_parameters

COUNT = '''
def count_parameters(config):
    V, P, L, D = (config[name] for name in ("vocab_size", "context_length", "n_layers", "d_model"))
    attention = 4 * D * D + 4 * D
    feed_forward = 2 * D * 4 * D + 4 * D + D
    norms = 2 * 2 * D
    total = V * D + P * D + L * (attention + feed_forward + norms)
    if config["norm_position"] == "pre":
        total += 2 * D
    if not config["tied_head"]:
        total += V * D
    return total
'''
count = wrong("count_parameters", COUNT)
COUNTS = [
    count("no biases in attention", "the four maps of attention have biases", ("4 * D * D + 4 * D\n", "4 * D * D\n")),
    count("three maps in attention", "attention has four maps: query, key, value and output",
          ("4 * D * D + 4 * D\n", "3 * D * D + 3 * D\n")),
    count("maps for each head", "heads share one D × D matrix between them: their number does not matter",
          ("attention = 4", "attention = config['n_heads'] * 4")),
    count("no biases in feed-forward", "both maps of feed-forward have a bias: 4D and D",
          (" + 4 * D + D\n", "\n")),
    count("biases of the same width", "the wide layer's bias has 4D numbers, the narrow one's D",
          (" + 4 * D + D\n", " + D + D\n")),
    count("one map in feed-forward", "feed-forward has two maps, up and down", ("2 * D * 4 * D", "D * 4 * D")),
    count("one norm in a block", "a block has two layer norms", ("2 * 2 * D", "2 * D")),
    count("norms without β", "a layer norm has γ and β, D numbers each", ("2 * 2 * D", "2 * D"),
          ("total += 2 * D", "total += D")),
    count("norms of one number", "γ and β have D numbers each, not one", ("2 * 2 * D", "4")),
    count("no last norm", "pre-norm has one more norm, after the blocks",
          ('config["norm_position"] == "pre"', "False")),
    count("always a last norm", "with post-norm the last block ends in a norm already: there is no further one",
          ('config["norm_position"] == "pre"', "True")),
    count("tied head counted", "a tied head is the token table itself: count it once",
          ('not config["tied_head"]', "True")),
    count("free head forgotten", "a head that is not tied has V·D numbers of its own",
          ('not config["tied_head"]', "False")),
    count("positions forgotten", "the position table is missing", (" + P * D", "")),
    count("head with bias", "the head has no bias", ("total += V * D", "total += V * D + V")),
    count("rule of thumb", "12 L D² is an estimate: biases, norms and tables count, too",
          ("    return total", "    return 12 * L * D * D")),
]
RIGHT_COUNTS = [
    Answer("count_parameters", "a list of shapes", source='''
def count_parameters(config):
    D, F = config["d_model"], 4 * config["d_model"]
    linear = lambda inputs, outputs: [(outputs, inputs), (outputs,)]
    norm = [(D,), (D,)]
    block = [*linear(D, D), *linear(D, D), *linear(D, D), *linear(D, D), *linear(D, F), *linear(F, D), *norm, *norm]
    shapes = [(config["vocab_size"], D), (config["context_length"], D)] + config["n_layers"] * block
    shapes += norm if config["norm_position"] == "pre" else []
    shapes += [] if config["tied_head"] else [(config["vocab_size"], D)]
    return sum(math.prod(shape) for shape in shapes)
'''),
    Answer("count_parameters", "the polynomial", source='''
def count_parameters(config):
    d = config["d_model"]
    tables = config["vocab_size"] * (1 if config["tied_head"] else 2) + config["context_length"]
    return d * (tables + config["n_layers"] * (12 * d + 13) + 2 * (config["norm_position"] == "pre"))
'''),
]

# --------------------------------------------------------------------------------------------------- import_block

IMPORT = '''
def import_block(published, layer):
    def get(name):
        return published[f"h.{layer}.{name}"]

    ours = {
        "attention.output.weight": get("attn.c_proj.weight").T,
        "attention.output.bias": get("attn.c_proj.bias"),
        "feed_forward.up.weight": get("mlp.c_fc.weight").T,
        "feed_forward.up.bias": get("mlp.c_fc.bias"),
        "feed_forward.down.weight": get("mlp.c_proj.weight").T,
        "feed_forward.down.bias": get("mlp.c_proj.bias"),
    }
    weight, bias = get("attn.c_attn.weight"), get("attn.c_attn.bias")
    width = len(weight)
    for number, name in enumerate(("query", "key", "value")):
        part = slice(number * width, (number + 1) * width)
        ours[f"attention.{name}.weight"] = weight[:, part].T
        ours[f"attention.{name}.bias"] = bias[part]
    return ours
'''
imports = wrong("import_block", IMPORT)
IMPORTS = [
    imports("nothing turned", "their matrices have one row for each input: transpose them",
            (".weight\").T", ".weight\")"), ("weight[:, part].T", "weight[:, part]")),
    imports("output not turned", "attention's c_proj is square, but it has to be turned like all others",
            ('get("attn.c_proj.weight").T', 'get("attn.c_proj.weight")')),
    imports("query, key, value not turned", "query, key and value have to be turned, too",
            ("weight[:, part].T", "weight[:, part]")),
    imports("feed-forward not turned", "the matrices of the feed-forward layer have to be turned, too",
            ('get("mlp.c_fc.weight").T', 'get("mlp.c_fc.weight")'),
            ('get("mlp.c_proj.weight").T', 'get("mlp.c_proj.weight")')),
    imports("reshaped instead of turned", "reshape does not transpose: the numbers keep their order in memory",
            ('get("mlp.c_fc.weight").T', 'get("mlp.c_fc.weight").reshape(get("mlp.c_fc.weight").shape[::-1])'),
            ('get("mlp.c_proj.weight").T', 'get("mlp.c_proj.weight").reshape(get("mlp.c_proj.weight").shape[::-1])')),
    imports("order of key and value", "the order in c_attn is query, key, value",
            ('("query", "key", "value")', '("query", "value", "key")')),
    imports("key first", "the order in c_attn is query, key, value", ('("query", "key", "value")',
                                                                     '("key", "query", "value")')),
    imports("interleaved", "query, key and value lie side by side: the first third is the query, not each third number",
            ("slice(number * width, (number + 1) * width)", "slice(number, None, 3)")),
    imports("biases not split", "the bias of c_attn is packed, too: split it like the matrix",
            ("bias[part]", "bias[:width]")),
    imports("always the first block", "it always reads block 0", ('f"h.{layer}.{name}"', 'f"h.0.{name}"')),
    imports("block counted from 1", "blocks are counted from 0",
            ('f"h.{layer}.{name}"', 'f"h.{max(layer - 1, 0)}.{name}"')),
    imports("up and down swapped", "c_fc is up, the c_proj of mlp is down",
            ('up.weight": get("mlp.c_fc', 'up.weight": get("mlp.placeholder'),
            ('down.weight": get("mlp.c_proj', 'down.weight": get("mlp.c_fc'),
            ('up.weight": get("mlp.placeholder', 'up.weight": get("mlp.c_proj')),
    imports("norms kept", "leave out what was not asked for: twelve arrays",
            ("    return ours", '    ours["attention_norm.weight"] = get("ln_1.weight")\n    return ours')),
    imports("float64", "the arrays are float32 and stay so", ("    return ours",
            "    return {name: array.astype(float) for name, array in ours.items()}")),
]
RIGHT_IMPORTS = [
    Answer("import_block", "a table of names", source='''
def import_block(published, layer):
    table = {"attn.c_attn": ["attention.query", "attention.key", "attention.value"],
             "attn.c_proj": ["attention.output"], "mlp.c_fc": ["feed_forward.up"], "mlp.c_proj": ["feed_forward.down"]}
    ours = {}
    for theirs, names in table.items():
        for kind in ("weight", "bias"):
            array = published[f"h.{layer}.{theirs}.{kind}"]
            for name, part in zip(names, np.array_split(array, len(names), axis=-1)):
                ours[f"{name}.{kind}"] = part.transpose().copy()
    return ours
'''),
    Answer("import_block", "turn all first", source='''
def import_block(published, layer):
    start = "h." + str(layer) + "."
    turned = {key[len(start):]: np.moveaxis(value, 0, -1) for key, value in published.items() if key.startswith(start)}
    query, key, value = turned["attn.c_attn.weight"].reshape(3, -1, turned["attn.c_attn.weight"].shape[1])
    query_bias, key_bias, value_bias = turned["attn.c_attn.bias"].reshape(3, -1)
    return {
        "attention.query.weight": query, "attention.query.bias": query_bias,
        "attention.key.weight": key, "attention.key.bias": key_bias,
        "attention.value.weight": value, "attention.value.bias": value_bias,
        "attention.output.weight": turned["attn.c_proj.weight"], "attention.output.bias": turned["attn.c_proj.bias"],
        "feed_forward.up.weight": turned["mlp.c_fc.weight"], "feed_forward.up.bias": turned["mlp.c_fc.bias"],
        "feed_forward.down.weight": turned["mlp.c_proj.weight"], "feed_forward.down.bias": turned["mlp.c_proj.bias"],
    }
'''),
]

WRONG = [*NORMS, *DROPS, *GELUS, *FEEDS, *TABLE_LIST, *BLOCKS, *SUBS, *SHARES, *COUNTS, *IMPORTS]
RIGHT = [*RIGHT_NORMS, *RIGHT_DROPS, *RIGHT_GELUS, *RIGHT_FEEDS, *RIGHT_TABLES, *RIGHT_BLOCKS, *RIGHT_SUBS,
         *RIGHT_SHARES, *RIGHT_COUNTS, *RIGHT_IMPORTS]  # fmt: skip
