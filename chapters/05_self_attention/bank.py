"""Known answers of chapter 05: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------------- causal_average

AVERAGE = '''
def causal_average(x):
    counts = np.arange(1, len(x) + 1)[:, None]
    return x.cumsum(axis=0) / counts
'''
average = wrong("causal_average", AVERAGE)
AVERAGES = [
    average("future included", "every row is the mean of the whole text: later tokens must not count",
            ("x.cumsum(axis=0) / counts", "np.tile(x.mean(axis=0), (len(x), 1))")),
    average("sum instead of mean", "these are sums: divide each by how many tokens it holds", (" / counts", "")),
    average("divided by T", "divide row t by t + 1, the tokens so far, not by the length of the text",
            ("/ counts", "/ len(x)")),
    average("divided by t", "divide row t by t + 1: counting from 0, row t holds t + 1 tokens",
            ("np.arange(1, len(x) + 1)[:, None]", "np.maximum(np.arange(len(x)), 1)[:, None]")),
    average("itself left out", "the token itself counts, too",
            ("x.cumsum(axis=0) / counts",
             "np.vstack([x[:1], (x.cumsum(axis=0) / counts)[:-1]])")),
    average("along the numbers", "it averages each token's own numbers; average along the tokens, axis 0",
            ("x.cumsum(axis=0) / counts", "x.cumsum(axis=1) / np.arange(1, x.shape[1] + 1)")),
    average("backwards", "row t averages the tokens from t on; it is to be those up to t",
            ("x.cumsum(axis=0) / counts", "x[::-1].cumsum(axis=0)[::-1] / counts[::-1]")),
    average("halving", "each step averages the new token with the old average: old tokens then count less and less",
            ("    return x.cumsum(axis=0) / counts",
             "    result = x.copy()\n    for t in range(1, len(x)):\n        result[t] = (result[t - 1] + x[t]) / 2\n"
             "    return result")),
    average("in place", "", ("    return x.cumsum(axis=0) / counts",
                             "    np.cumsum(x, axis=0, out=x)\n    x /= counts\n    return x")),
]
RIGHT_AVERAGES = [
    Answer("causal_average", "a matrix product", source='''
def causal_average(x):
    weights = np.tril(np.ones((len(x), len(x))))
    return (weights / weights.sum(axis=1, keepdims=True)) @ x
'''),
    Answer("causal_average", "a loop", source='''
def causal_average(x):
    result = np.empty_like(x)
    for t in range(len(x)):
        result[t] = x[: t + 1].mean(axis=0)
    return result
'''),
]

# ---------------------------------------------------------------------------------------------------- causal_mask

MASK = '''
def causal_mask(n_queries, n_keys, band_width=None):
    key = np.arange(n_keys)
    query = np.arange(n_keys - n_queries, n_keys)[:, None]
    allowed = key <= query
    if band_width is not None:
        allowed &= key > query - band_width
    return allowed
'''
mask = wrong("causal_mask", MASK)
MASKS = [
    mask("queries first", "the queries are the last T of the S tokens, not the first",
         ("np.arange(n_keys - n_queries, n_keys)", "np.arange(n_queries)")),
    mask("not itself", "a token sees itself, too: <=, not <", ("key <= query", "key < query")),
    mask("future instead of past", "it shows the future and hides the past", ("key <= query", "key >= query")),
    mask("True means forbidden", "True and False are the wrong way round: True means allowed",
         ("return allowed", "return ~allowed")),
    mask("band ignored", "the band is ignored: tokens further back must be hidden",
         ("key > query - band_width", "True")),
    mask("band one too wide", "the band is one token too wide: the token itself is one of the band_width",
         ("key > query - band_width", "key >= query - band_width")),
    mask("band one too narrow", "the band is one token too narrow: the token itself is one of the band_width",
         ("key > query - band_width", "key > query - band_width + 1")),
    mask("band turned round", "with a band it shows the distant tokens and hides the near ones",
         ("key > query - band_width", "key <= query - band_width")),
    mask("band without causality", "with a band, the future is visible",
         ("    if band_width is not None:\n        allowed &= key > query - band_width",
          "    if band_width is not None:\n        allowed = abs(query - key) < band_width")),
    mask("zeros and ones", "a mask holds booleans, True and False: not 1.0 and 0.0",
         ("return allowed", "return allowed.astype(float)")),
]
RIGHT_MASKS = [
    Answer("causal_mask", "triangles", source='''
def causal_mask(n_queries, n_keys, band_width=None):
    everything = np.ones((n_queries, n_keys), dtype=bool)
    allowed = np.tril(everything, k=n_keys - n_queries)
    if band_width is None:
        return allowed
    return np.triu(allowed, k=n_keys - n_queries - band_width + 1)
'''),
    Answer("causal_mask", "loops", source='''
def causal_mask(n_queries, n_keys, band_width=None):
    allowed = np.zeros((n_queries, n_keys), dtype=bool)
    for row in range(n_queries):
        position = n_keys - n_queries + row
        first = 0 if band_width is None else max(0, position - band_width + 1)
        allowed[row, first:position + 1] = True
    return allowed
'''),
]

# --------------------------------------------------------------------------------------------------- hide_padding

PADDING = '''
def hide_padding(mask, key_is_real):
    n_queries, n_keys = mask.shape
    itself = np.eye(n_keys, dtype=bool)[n_keys - n_queries:]
    return (mask & key_is_real[:, None, :]) | itself
'''
padding = wrong("hide_padding", PADDING)
PADDINGS = [
    padding("not itself", "a padding token must still see itself: a softmax over nothing is NaN", (" | itself", "")),
    padding("queries hidden", "it silences padding queries; hide padding keys: columns, not rows",
            ("key_is_real[:, None, :]", "key_is_real[:, n_keys - n_queries:, None]")),
    padding("queries and keys hidden", "hide padding keys only: a padding query may still look at real keys",
            ("key_is_real[:, None, :]", "key_is_real[:, None, :] & key_is_real[:, n_keys - n_queries:, None]")),
    padding("or instead of and", "a key must be allowed by the mask and be real: both, not one of them",
            ("mask & key_is_real", "mask | key_is_real")),
    padding("mask forgotten", "the given mask is lost: the future becomes visible",
            ("(mask & key_is_real[:, None, :])", "key_is_real[:, None, :]")),
    padding("padding ignored", "padding is still visible",
            ("(mask & key_is_real[:, None, :])", "np.broadcast_to(mask, (len(key_is_real), n_queries, n_keys))")),
    padding("real and padding swapped", "key_is_real is True for real tokens: it hides these, and shows the padding",
            ("key_is_real[:, None, :]", "~key_is_real[:, None, :]")),
    padding("diagonal from the first key", "the queries are the last T tokens: query 0's own key is S - T, not 0",
            ("np.eye(n_keys, dtype=bool)[n_keys - n_queries:]", "np.eye(n_queries, n_keys, dtype=bool)")),
    padding("empty rows opened", "a row with nothing to see must see itself only, not everything",
            ("    return (mask & key_is_real[:, None, :]) | itself",
             "    allowed = mask & key_is_real[:, None, :]\n"
             "    return allowed | ~allowed.any(axis=-1, keepdims=True)")),
    padding("only empty rows see themselves", "every token may look at itself, also padding that sees something else",
            ("    return (mask & key_is_real[:, None, :]) | itself",
             "    allowed = mask & key_is_real[:, None, :]\n"
             "    return allowed | (itself & ~allowed.any(axis=-1, keepdims=True))")),
]
RIGHT_PADDINGS = [
    Answer("hide_padding", "broadcast positions", source='''
def hide_padding(mask, key_is_real):
    query = np.arange(mask.shape[1] - mask.shape[0], mask.shape[1])[:, None]
    key = np.arange(mask.shape[1])
    return np.where(key == query, True, mask[None] * key_is_real[:, None])
'''),
    Answer("hide_padding", "loops", source='''
def hide_padding(mask, key_is_real):
    n_queries, n_keys = mask.shape
    result = np.stack([mask & real for real in key_is_real])
    for row in range(n_queries):
        result[:, row, n_keys - n_queries + row] = True
    return result
'''),
]

# ------------------------------------------------------------------------------------------------------ attention

ATTENTION = '''
def attention(query, key, value, mask):
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ value
'''
attention = wrong("attention", ATTENTION)
ATTENTIONS = [
    attention("no scale", "the scores are not divided by √K", (" / math.sqrt(query.shape[-1])", "")),
    attention("divided by K", "divide the scores by √K, not by K", ("math.sqrt(query.shape[-1])", "query.shape[-1]")),
    attention("divided by the root of S", "divide by the root of the width K, not of the number of keys",
              ("math.sqrt(query.shape[-1])", "math.sqrt(key.shape[-2])")),
    attention("multiplied by the root of K", "divide the scores by √K; they are multiplied",
              ("/ math.sqrt(query.shape[-1])", "* math.sqrt(query.shape[-1])")),
    attention("mask ignored", "the mask has no effect", ("np.where(mask, scores, -np.inf)", "scores + 0 * mask")),
    attention("mask turned round", "True in the mask means allowed: here it is forbidden",
              ("np.where(mask, scores, -np.inf)", "np.where(mask, -np.inf, scores)")),
    attention("scores set to 0", "a forbidden score of 0 still gets the weight e⁰ = 1: it must be -∞",
              ("np.where(mask, scores, -np.inf)", "np.where(mask, scores, 0.0)")),
    attention("mask after the softmax", "forbidden keys are still in the denominator: mask before the softmax",
              ("    scores = np.where(mask, scores, -np.inf)\n", ""),
              ("weights / weights.sum(axis=-1, keepdims=True) @ value",
               "(weights / weights.sum(axis=-1, keepdims=True) * mask) @ value")),
    attention("no maximum subtracted", "large scores overflow in exp: subtract each row's largest first",
              (" - scores.max(axis=-1, keepdims=True)", "")),
    attention("largest of the whole array", "subtract each row's own largest score: with the array's, a row of much "
              "smaller scores becomes 0/0", ("scores.max(axis=-1, keepdims=True)", "scores.max()")),
    attention("normalised over the queries", "each query's weights are to sum to 1: normalise along the last axis",
              ("weights.sum(axis=-1, keepdims=True)", "weights.sum(axis=-2, keepdims=True)")),
]
RIGHT_ATTENTIONS = [
    Answer("attention", "logarithms and a large negative number", source='''
def attention(query, key, value, mask):
    scores = np.einsum("...tk,...sk->...ts", query, key) * query.shape[-1] ** -0.5
    scores = np.where(mask, scores, -1e30)
    log_weights = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return np.einsum("...ts,...sm->...tm", np.exp(log_weights), value)
'''),
    Answer("attention", "scaled query, weights set to 0", source='''
def attention(query, key, value, mask):
    scores = (query / np.sqrt(query.shape[-1])) @ np.moveaxis(key, -1, -2)
    mask = np.broadcast_to(mask, scores.shape)
    largest = np.max(scores, axis=-1, keepdims=True, where=mask, initial=-1e300)
    weights = np.exp(np.minimum(scores - largest, 0)) * mask
    return (weights @ value) / weights.sum(axis=-1)[..., None]
'''),
]

# ---------------------------------------------------------------------------------------------------- split_heads

SPLIT = '''
def split_heads(x, n_heads):
    batch, n_tokens, width = x.shape
    if width % n_heads:
        raise ValueError("n_heads must divide the width")
    head_dim = width // n_heads
    return x.reshape(batch, n_tokens, n_heads, head_dim).transpose(0, 2, 1, 3)
'''
split = wrong("split_heads", SPLIT)
SPLITS = [
    split("reshaped at once", "reshape to (B, T, H, K) first, then swap T and H: reshaping alone mixes the tokens",
          ("x.reshape(batch, n_tokens, n_heads, head_dim).transpose(0, 2, 1, 3)",
           "x.reshape(batch, n_heads, n_tokens, head_dim)")),
    split("not transposed", "the heads must stand before the tokens: (B, H, T, K)", (".transpose(0, 2, 1, 3)", "")),
    split("interleaved", "a head takes neighbouring numbers, not every H-th",
          ("x.reshape(batch, n_tokens, n_heads, head_dim).transpose(0, 2, 1, 3)",
           "x.reshape(batch, n_tokens, head_dim, n_heads).transpose(0, 3, 1, 2)")),
    split("heads outside", "the texts come first: (B, H, T, K), not (H, B, T, K)", ("(0, 2, 1, 3)", "(2, 0, 1, 3)")),
    split("numbers before tokens", "it must be (B, H, T, K): tokens and numbers are swapped",
          ("(0, 2, 1, 3)", "(0, 2, 3, 1)")),
    split("H and K swapped", "n_heads is the number of heads, not their width",
          ("head_dim = width // n_heads", "n_heads, head_dim = width // n_heads, n_heads")),
    split("remainder dropped", "if H does not divide D, it must raise ValueError",
          ('    if width % n_heads:\n        raise ValueError("n_heads must divide the width")\n', ""),
          ("x.reshape", "x[..., :n_heads * head_dim].reshape")),
    split("assert", "if H does not divide D, it must raise ValueError, not AssertionError",
          ('    if width % n_heads:\n        raise ValueError("n_heads must divide the width")\n',
           "    assert width % n_heads == 0\n")),
]
RIGHT_SPLITS = [
    Answer("split_heads", "np.split complains itself", source='''
def split_heads(x, n_heads):
    return np.stack(np.split(x, n_heads, axis=-1), axis=1)
'''),
    Answer("split_heads", "slices", source='''
def split_heads(x, n_heads):
    head_dim, rest = divmod(x.shape[2], n_heads)
    if rest != 0:
        raise ValueError(f"{x.shape[2]} numbers cannot be shared by {n_heads} heads")
    result = np.empty((x.shape[0], n_heads, x.shape[1], head_dim))
    for h in range(n_heads):
        result[:, h] = x[:, :, h * head_dim:(h + 1) * head_dim]
    return result
'''),
]

# ------------------------------------------------------------------------------------------- multi_head_attention

LAYER = '''
def multi_head_attention(hidden, query_weight, key_weight, value_weight, output_weight, n_heads):
    n_texts, n_tokens, width = hidden.shape
    head_dim = width // n_heads

    def heads(weight):
        return (hidden @ weight.T).view(n_texts, n_tokens, n_heads, head_dim).transpose(1, 2)

    query, key, value = heads(query_weight), heads(key_weight), heads(value_weight)
    scores = query @ key.transpose(-2, -1) / math.sqrt(head_dim)
    allowed = torch.ones(n_tokens, n_tokens, dtype=torch.bool).tril()
    weights = scores.masked_fill(~allowed, -math.inf).softmax(dim=-1)
    mixed = (weights @ value).transpose(1, 2).reshape(n_texts, n_tokens, width)
    return mixed @ output_weight.T
'''
layer = wrong("multi_head_attention", LAYER)
LAYERS = [
    layer("not causal", "tokens see the future: mask the scores above the diagonal",
          (".masked_fill(~allowed, -math.inf)", "")),
    layer("mask turned round", "it hides the past and shows the future", ("bool).tril()", "bool).triu()")),
    layer("no scale", "the scores are not divided by √K", (" / math.sqrt(head_dim)", "")),
    layer("scaled by the whole width", "divide by √K, the width of a head, not by √D",
          ("math.sqrt(head_dim)", "math.sqrt(width)")),
    layer("softmax over the queries", "the weights of each query are to sum to 1: softmax along the last axis",
          ("softmax(dim=-1)", "softmax(dim=-2).nan_to_num()")),
    layer("heads cut by reshaping alone", "cut the width into heads first, then swap tokens and heads: reshaping alone "
          "mixes the tokens", (".view(n_texts, n_tokens, n_heads, head_dim).transpose(1, 2)",
                               ".reshape(n_texts, n_heads, n_tokens, head_dim)")),
    layer("heads joined without the way back", "swap heads and tokens back before the heads are put side by side",
          (".transpose(1, 2).reshape(n_texts, n_tokens, width)", ".reshape(n_texts, n_tokens, width)")),
    layer("weights not transposed", "a layer is y = x Wᵀ: the weights have one row for each output",
          ("hidden @ weight.T", "hidden @ weight"), ("mixed @ output_weight.T", "mixed @ output_weight")),
    layer("output projection forgotten", "the last projection is missing",
          ("return mixed @ output_weight.T", "return mixed + 0 * (mixed @ output_weight.T)")),
    layer("one head only", "it attends with one wide head, whatever n_heads is",
          ("    head_dim = width // n_heads", "    n_heads, head_dim = 1, width")),
    layer("query and key swapped", "queries and keys have changed roles: row t of the scores belongs to query t",
          ("query @ key.transpose(-2, -1)", "key @ query.transpose(-2, -1)")),
    layer("value from the tokens themselves", "the values are to be projected, too",
          ("heads(query_weight), heads(key_weight), heads(value_weight)",
           "heads(query_weight), heads(key_weight), heads(torch.eye(width).to(hidden) + 0 * value_weight)")),
    layer("output detached", "", ("return mixed @ output_weight.T", "return (mixed @ output_weight.T).detach()")),
    layer("weights detached", "no gradient flows through the attention weights: the query and key weights get none",
          ("softmax(dim=-1)", "softmax(dim=-1).detach()")),
    layer("PyTorch's own", "", ("    scores = query @ key.transpose(-2, -1) / math.sqrt(head_dim)\n", ""),
          ("    weights = scores.masked_fill(~allowed, -math.inf).softmax(dim=-1)\n", ""),
          ("weights @ value", "torch.nn.functional.scaled_dot_product_attention(query, key, value, allowed)")),
]
RIGHT_LAYERS = [
    Answer("multi_head_attention", "head after head", source='''
def multi_head_attention(hidden, query_weight, key_weight, value_weight, output_weight, n_heads):
    n_tokens, width = hidden.shape[1:]
    head_dim = width // n_heads
    hidden_future = torch.full((n_tokens, n_tokens), -math.inf, dtype=hidden.dtype).triu(1)
    results = []
    for h in range(n_heads):
        rows = slice(h * head_dim, (h + 1) * head_dim)
        query, key, value = (hidden @ weight[rows].T for weight in (query_weight, key_weight, value_weight))
        scores = torch.bmm(query, key.mT) / head_dim ** 0.5
        results.append(torch.softmax(scores + hidden_future, -1) @ value)
    return torch.cat(results, dim=-1) @ output_weight.T
'''),
    Answer("multi_head_attention", "einsum", source='''
def multi_head_attention(hidden, query_weight, key_weight, value_weight, output_weight, n_heads):
    width = hidden.shape[-1]

    def heads(weight):
        return torch.einsum("bti,hki->bhtk", hidden, weight.view(n_heads, -1, width))

    scores = torch.einsum("bhtk,bhsk->bhts", heads(query_weight), heads(key_weight)) * (width // n_heads) ** -0.5
    position = torch.arange(hidden.shape[1])
    scores = torch.where(position[None, :] <= position[:, None], scores, torch.full_like(scores, -1e30))
    weights = torch.exp(scores - scores.logsumexp(dim=-1, keepdim=True))
    mixed = torch.einsum("bhts,bhsk->bthk", weights, heads(value_weight))
    return torch.einsum("bthk,ohk->bto", mixed, output_weight.view(width, n_heads, -1))
'''),
]

# --------------------------------------------------------------------------------------------- attention_backward

BACKWARD = '''
def attention_backward(d_output, query, key, value, weights):
    scale = math.sqrt(query.shape[-1])
    d_value = np.einsum("...ts,...tm->...sm", weights, d_output)
    d_weights = np.einsum("...tm,...sm->...ts", d_output, value)
    average = (weights * d_weights).sum(axis=-1, keepdims=True)
    d_scores = weights * (d_weights - average)
    d_query = np.einsum("...ts,...sk->...tk", d_scores, key) / scale
    d_key = np.einsum("...ts,...tk->...sk", d_scores, query) / scale
    return {"query": d_query, "key": d_key, "value": d_value}
'''
backward = wrong("attention_backward", BACKWARD)
BACKWARDS = [
    backward("scale forgotten", "the scale 1/√K is missing on the way back: query and key are √K times too large",
             ("scale = math.sqrt(query.shape[-1])", "scale = 1.0")),
    backward("scale forgotten for the query", "the query's gradient lacks the scale 1/√K",
             ("d_scores, key) / scale", "d_scores, key)")),
    backward("scale forgotten for the key", "the key's gradient lacks the scale 1/√K",
             ("d_scores, query) / scale", "d_scores, query)")),
    backward("scaled by K", "the scale is 1/√K, not 1/K", ("math.sqrt(query.shape[-1])", "query.shape[-1]")),
    backward("diagonal of the softmax only", "softmax's backward lacks a term: each weight also depends on the other "
             "scores of its row", ("(d_weights - average)", "d_weights * (1 - weights)")),
    backward("softmax's backward without the average", "softmax's backward lacks a term: subtract the row's weighted "
             "average of d_weights", ("(d_weights - average)", "d_weights")),
    backward("plain average", "the average in softmax's backward is weighted by the attention weights",
             ("(weights * d_weights).sum(axis=-1, keepdims=True)", "d_weights.mean(axis=-1, keepdims=True)")),
    backward("average over the queries", "the average in softmax's backward runs along each row, the last axis",
             ("sum(axis=-1, keepdims=True)", "sum(axis=-2, keepdims=True)")),
    backward("softmax skipped", "the gradient has to pass through the softmax",
             ("weights * (d_weights - average)", "d_weights")),
    backward("value scaled", "the value's gradient has no scale: the values are used after it",
             ("weights, d_output)", "weights, d_output) / scale")),
    backward("query and key swapped", "the gradients of query and key are swapped",
             ('"query": d_query, "key": d_key', '"query": d_key, "key": d_query')),
    backward("sign", "", ("(d_weights - average)", "(average - d_weights)")),
    backward("value by autograd's shadow", "the value's gradient collects from all queries: weights transposed times "
             "d_output", ('np.einsum("...ts,...tm->...sm", weights, d_output)',
                          "np.broadcast_to(d_output.sum(axis=-2, keepdims=True), value.shape).copy()")),
]
RIGHT_BACKWARDS = [
    Answer("attention_backward", "the softmax's Jacobian in full", source='''
def attention_backward(d_output, query, key, value, weights):
    d_weights = d_output @ np.swapaxes(value, -1, -2)
    identity = np.eye(weights.shape[-1])
    jacobian = weights[..., :, None] * (identity - weights[..., None, :])
    d_scores = (jacobian @ d_weights[..., None])[..., 0] * query.shape[-1] ** -0.5
    return {
        "query": d_scores @ key,
        "key": np.swapaxes(d_scores, -1, -2) @ query,
        "value": np.swapaxes(weights, -1, -2) @ d_output,
    }
'''),
    Answer("attention_backward", "the average from the output", source='''
def attention_backward(d_output, query, key, value, weights):
    output = weights @ value
    average = (output * d_output).sum(-1)[..., None]
    d_scores = weights * (d_output @ np.moveaxis(value, -1, -2) - average)
    d_scores = d_scores / np.sqrt(key.shape[-1])
    d_key = np.moveaxis(d_scores, -1, -2) @ query
    d_value = np.moveaxis(weights, -1, -2) @ d_output
    return dict(query=d_scores @ key, key=d_key, value=d_value)
'''),
]

# ------------------------------------------------------------------------------------------- projections_backward

PROJECTIONS = '''
def projections_backward(d_query, d_key, d_value, hidden, query_weight, key_weight, value_weight):
    def rows(x):
        return x.reshape(-1, x.shape[-1])

    return {
        "hidden": d_query @ query_weight + d_key @ key_weight + d_value @ value_weight,
        "query_weight": rows(d_query).T @ rows(hidden),
        "key_weight": rows(d_key).T @ rows(hidden),
        "value_weight": rows(d_value).T @ rows(hidden),
    }
'''
projections = wrong("projections_backward", PROJECTIONS)
PROJECTION_LIST = [
    projections("only the query's term", "the tokens are used three times, so their gradient has three terms",
                (" + d_key @ key_weight + d_value @ value_weight", "")),
    projections("value's term missing", "the term of the values is missing in the gradient of the tokens",
                (" + d_value @ value_weight", "")),
    projections("mean of the three", "add the three terms: do not average them",
                ("d_query @ query_weight + d_key @ key_weight + d_value @ value_weight",
                 "(d_query @ query_weight + d_key @ key_weight + d_value @ value_weight) / 3")),
    projections("mean over the tokens", "a weight is used at every token: sum over them, do not average",
                ("rows(hidden)", "rows(hidden) / len(rows(hidden))")),
    projections("mean over the texts", "sum over the texts, do not average: what divides by B is the loss",
                ("rows(hidden)", "rows(hidden) / len(hidden)")),
    projections("first text only", "the weights' gradients collect from all texts, not from the first alone",
                ("rows(d_query)", "d_query[0]"), ("rows(d_key)", "d_key[0]"), ("rows(d_value)", "d_value[0]"),
                ("rows(hidden)", "hidden[0]")),
    projections("last token only", "the weights' gradients collect from all tokens, not from the last alone",
                ("rows(d_query)", "d_query[:, -1]"), ("rows(d_key)", "d_key[:, -1]"),
                ("rows(d_value)", "d_value[:, -1]"), ("rows(hidden)", "hidden[:, -1]")),
    projections("weights transposed", "",
                ("rows(d_query).T @ rows(hidden)", "rows(hidden).T @ rows(d_query)"),
                ("rows(d_key).T @ rows(hidden)", "rows(hidden).T @ rows(d_key)"),
                ("rows(d_value).T @ rows(hidden)", "rows(hidden).T @ rows(d_value)")),
    projections("query and key swapped", "the gradients of the query's and the key's weights are swapped",
                ("rows(d_query).T", "rows(placeholder).T"), ("rows(d_key).T", "rows(d_query).T"),
                ("rows(placeholder).T", "rows(d_key).T")),
    projections("products with the wrong weights", "each gradient goes back through its own weights",
                ("d_query @ query_weight + d_key @ key_weight", "d_query @ key_weight + d_key @ query_weight")),
    projections("not summed over the texts", "a weight has one gradient, shared by all texts: sum over B",
                ("rows(d_query).T @ rows(hidden)", "d_query.swapaxes(1, 2) @ hidden"),
                ("rows(d_key).T @ rows(hidden)", "d_key.swapaxes(1, 2) @ hidden"),
                ("rows(d_value).T @ rows(hidden)", "d_value.swapaxes(1, 2) @ hidden")),
]
RIGHT_PROJECTIONS = [
    Answer("projections_backward", "text after text", source='''
def projections_backward(d_query, d_key, d_value, hidden, query_weight, key_weight, value_weight):
    gradients = {"hidden": np.zeros_like(hidden)}
    for name, d, weight in (
        ("query_weight", d_query, query_weight),
        ("key_weight", d_key, key_weight),
        ("value_weight", d_value, value_weight),
    ):
        gradients["hidden"] = gradients["hidden"] + d @ weight
        gradients[name] = sum(d[b].T @ hidden[b] for b in range(len(hidden)))
    return gradients
'''),
    Answer("projections_backward", "one long projection", source='''
def projections_backward(d_query, d_key, d_value, hidden, query_weight, key_weight, value_weight):
    d_all = np.concatenate([d_query, d_key, d_value], axis=-1)
    d_weight = np.tensordot(d_all, hidden, axes=([0, 1], [0, 1]))
    first, second = len(query_weight), len(query_weight) + len(key_weight)
    return {
        "hidden": d_all @ np.concatenate([query_weight, key_weight, value_weight]),
        "query_weight": d_weight[:first],
        "key_weight": d_weight[first:second],
        "value_weight": d_weight[second:],
    }
'''),
]

# ---------------------------------------------------------------------------------------- attention_multiplications

COUNT = '''
def attention_multiplications(n_tokens, d_model, band_width=None):
    n_pairs = n_tokens * n_tokens
    if band_width is not None:
        band = min(band_width, n_tokens)
        n_pairs = n_tokens * band - band * (band - 1) // 2
    return 4 * n_tokens * d_model ** 2 + 2 * n_pairs * d_model
'''
count = wrong("attention_multiplications", COUNT)
COUNTS = [
    count("three linear maps", "there are four linear maps: query, key, value and output", ("4 * n", "3 * n")),
    count("one linear map", "there are four linear maps: query, key, value and output", ("4 * n", "n")),
    count("scores only", "the pairs are used twice: for the scores, and for the weighted sum of values",
          ("2 * n_pairs", "n_pairs")),
    count("linear maps left out", "the four linear maps are missing", ("4 * n_tokens * d_model ** 2 + ", "")),
    count("additions counted", "only multiplications count; with the additions it is twice as much",
          ("return 4 * n_tokens * d_model ** 2 + 2 * n_pairs * d_model",
           "return 8 * n_tokens * d_model ** 2 + 4 * n_pairs * d_model")),
    count("half the pairs", "without a band, all T · T pairs are computed, also those that the mask hides",
          ("n_pairs = n_tokens * n_tokens\n", "n_pairs = n_tokens * (n_tokens + 1) // 2\n")),
    count("corner forgotten", "the first tokens of a text see fewer tokens than the band is wide",
          (" - band * (band - 1) // 2", "")),
    count("band on both sides", "a band reaches back only: the causal mask hides the future",
          ("n_tokens * band - band * (band - 1) // 2",
           "sum(abs(t - u) < band_width for t in range(n_tokens) for u in range(n_tokens))")),
    count("band ignored", "the band leaves pairs out", ("    if band_width is not None:", "    if False:")),
    count("band wider than the text", "a band wider than the text adds no pairs: there are none",
          ("min(band_width, n_tokens)", "band_width")),
    count("a float", "it must be an int: use // or no division at all", ("* (band - 1) // 2", "* (band - 1) / 2"),
          ("return 4", "return 4.0")),
]
RIGHT_COUNTS = [
    Answer("attention_multiplications", "pairs one by one", source='''
def attention_multiplications(n_tokens, d_model, band_width=None):
    multiplications = 4 * n_tokens * d_model * d_model
    for t in range(n_tokens):
        for u in range(n_tokens):
            if band_width is None or (u <= t and t - u < band_width):
                multiplications += 2 * d_model
    return multiplications
'''),
    Answer("attention_multiplications", "with the mask", source='''
def attention_multiplications(n_tokens, d_model, band_width=None):
    if band_width is None:
        return 4 * n_tokens * d_model**2 + 2 * n_tokens**2 * d_model
    return int(4 * n_tokens * d_model**2 + 2 * causal_mask(n_tokens, n_tokens, band_width).sum() * d_model)
'''),
]

WRONG = [*AVERAGES, *MASKS, *PADDINGS, *ATTENTIONS, *SPLITS, *LAYERS, *BACKWARDS, *PROJECTION_LIST, *COUNTS]
RIGHT = [*RIGHT_AVERAGES, *RIGHT_MASKS, *RIGHT_PADDINGS, *RIGHT_ATTENTIONS, *RIGHT_SPLITS, *RIGHT_LAYERS,
         *RIGHT_BACKWARDS, *RIGHT_PROJECTIONS, *RIGHT_COUNTS]  # fmt: skip
