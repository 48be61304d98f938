"""Known answers of chapter 08: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------- temperature_softmax

TEMPERATURE = """
def temperature_softmax(logits, temperature):
    if temperature == 0:
        return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]
    scaled = (logits - logits.max(axis=-1, keepdims=True)) / temperature
    weights = np.exp(scaled)
    return weights / weights.sum(axis=-1, keepdims=True)
"""
temperature = wrong("temperature_softmax", TEMPERATURE)
TEMPERATURES = [
    temperature(
        "multiplied", "the logits are divided by the temperature, not multiplied", (" / temperature", " * temperature")
    ),
    temperature("ignored", "the temperature changes nothing here: divide the logits by it", (" / temperature", "")),
    temperature(
        "after the softmax",
        "the temperature changes nothing here: divide the logits by it",
        (" / temperature\n", "\n"),
        (
            "weights = np.exp(scaled)",
            "weights = np.exp(scaled)\n    weights = weights / weights.sum(axis=-1, keepdims=True) / temperature",
        ),
    ),
    temperature(
        "probabilities to the power of τ",
        "the logits are divided by the temperature, not multiplied",
        (" / temperature\n", "\n"),
        ("np.exp(scaled)", "np.exp(scaled) ** temperature"),
    ),
    temperature(
        "no maximum subtracted",
        "large logits or tiny temperatures overflow: take the largest logit off first",
        ("(logits - logits.max(axis=-1, keepdims=True))", "logits"),
    ),
    temperature(
        "maximum of everything",
        "each row has a maximum of its own: with that of another row all weights may vanish",
        ("logits.max(axis=-1, keepdims=True)", "logits.max()"),
    ),
    temperature(
        "0 divides",
        "temperature 0 divides by zero: put all probability on the largest logit",
        ("if temperature == 0:", "if False:"),
    ),
    temperature(
        "0 shared among equals",
        "at temperature 0, of equal logits only that with the lowest id gets the probability",
        (
            "return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]",
            "best = (logits == logits.max(axis=-1, keepdims=True)).astype(float)\n"
            "        return best / best.sum(axis=-1, keepdims=True)",
        ),
    ),
    temperature(
        "0 gives the last of equals",
        "at temperature 0, of equal logits the lowest id wins, not the highest",
        ("[logits.argmax(axis=-1)]", "[logits.shape[-1] - 1 - logits[..., ::-1].argmax(axis=-1)]"),
    ),
    temperature(
        "0 as a small temperature",
        "at temperature 0, of equal logits only that with the lowest id gets the probability",
        ("        return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]", "        temperature = 1e-9"),
    ),
    temperature(
        "whole array",
        "normalise each row, not the whole array",
        ("weights.sum(axis=-1, keepdims=True)", "weights.sum()"),
    ),
    temperature(
        "in place",
        "",
        ("    scaled = (logits", "    logits -= logits.max(axis=-1, keepdims=True)\n    scaled = (logits"),
    ),
]
RIGHT_TEMPERATURES = [
    Answer(
        "temperature_softmax",
        "through the logarithm of the sum",
        source="""
def temperature_softmax(logits, temperature):
    if temperature == 0:
        best = logits.argmax(axis=-1)
        return (np.arange(logits.shape[-1]) == best[..., None]).astype(float)
    scaled = logits / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled, axis=-1, keepdims=True))
""",
    ),
    Answer(
        "temperature_softmax",
        "row by row",
        source="""
def temperature_softmax(logits, temperature):
    result = np.zeros_like(logits)
    for index in np.ndindex(logits.shape[:-1]):
        row = logits[index]
        if temperature == 0:
            result[index + (int(row.argmax()),)] = 1.0
        else:
            weights = np.exp((row - row.max()) / temperature)
            result[index] = weights / weights.sum()
    return result
""",
    ),
]

# -------------------------------------------------------------------------------------------------- top_k_filter

TOP_K = """
def top_k_filter(probabilities, k):
    if k == 0:
        return probabilities.copy()
    order = np.argsort(-probabilities, kind="stable")[:k]
    kept = np.zeros_like(probabilities)
    kept[order] = probabilities[order]
    return kept / kept.sum()
"""
top_k = wrong("top_k_filter", TOP_K)
TOP_KS = [
    top_k("not renormalised", "what is kept must sum to 1 again: divide by its sum", ("kept / kept.sum()", "kept")),
    top_k(
        "shared equally",
        "share in proportion: divide by the sum; do not give every kept token the same more",
        ("kept / kept.sum()", "np.where(kept > 0, kept + (1 - kept.sum()) / (kept > 0).sum(), 0.0)"),
    ),
    top_k(
        "all alike",
        "the kept tokens keep their proportions: they are not equally likely afterwards",
        ("kept[order] = probabilities[order]", "kept[order] = 1.0"),
    ),
    top_k(
        "softmax again",
        "divide by the sum of the kept ones; a second softmax changes their proportions",
        ("kept / kept.sum()", "np.where(kept > 0, np.exp(kept), 0.0) / np.where(kept > 0, np.exp(kept), 0.0).sum()"),
    ),
    top_k(
        "the unlikeliest",
        "it keeps the k unlikeliest tokens",
        ("np.argsort(-probabilities", "np.argsort(probabilities"),
    ),
    top_k("one fewer", "one token too few is kept", ("[:k]", "[:max(k - 1, 1)]")),
    top_k("one more", "one token too many is kept", ("[:k]", "[:k + 1]")),
    top_k(
        "ties all kept",
        "exactly k tokens stay: of equal ones, those with lower ids",
        (
            "    kept[order] = probabilities[order]",
            "    border = probabilities[order].min()\n"
            "    kept[probabilities >= border] = probabilities[probabilities >= border]",
        ),
    ),
    top_k(
        "ties all dropped",
        "exactly k tokens stay: of equal ones, those with lower ids",
        (
            "    kept[order] = probabilities[order]",
            "    border = np.append(np.sort(probabilities)[::-1], 0.0)[min(k, len(probabilities))]\n"
            "    kept[probabilities > border] = probabilities[probabilities > border]",
        ),
    ),
    top_k(
        "higher ids first",
        "of equal tokens, those with lower ids stay",
        ('np.argsort(-probabilities, kind="stable")[:k]', 'np.argsort(probabilities, kind="stable")[::-1][:k]'),
    ),
    top_k(
        "the first k ids",
        "keep the likeliest tokens, not those with the lowest ids",
        ('np.argsort(-probabilities, kind="stable")[:k]', "np.arange(len(probabilities))[:k]"),
    ),
    top_k("0 keeps nothing", "k = 0 means no limit: everything stays", ("if k == 0:", "if False:")),
    top_k(
        "sorted",
        "each token keeps its own place: do not return them sorted",
        ("kept[order] = probabilities[order]", "kept[:len(order)] = probabilities[order]"),
    ),
]
RIGHT_TOP_KS = [
    Answer(
        "top_k_filter",
        "by rank",
        source="""
def top_k_filter(probabilities, k):
    rank = np.argsort(np.argsort(-probabilities, kind="stable"), kind="stable")
    kept = probabilities * (rank < (k or len(probabilities)))
    return kept / kept.sum()
""",
    ),
    Answer(
        "top_k_filter",
        "Python's sort",
        source="""
def top_k_filter(probabilities, k):
    ids = sorted(range(len(probabilities)), key=lambda i: (-probabilities[i], i))
    kept = set(ids[:k] if k else ids)
    total = sum(probabilities[i] for i in kept)
    return np.array([p / total if i in kept else 0.0 for i, p in enumerate(probabilities)])
""",
    ),
]

# -------------------------------------------------------------------------------------------------- top_p_filter

TOP_P = """
def top_p_filter(probabilities, p):
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    before = np.concatenate([[0.0], ordered.cumsum()[:-1]])
    kept = np.zeros_like(probabilities)
    kept[order] = ordered * (before < p)
    return kept / kept.sum()
"""
top_p = wrong("top_p_filter", TOP_P)
TOP_PS = [
    top_p(
        "crossing token dropped",
        "the token with which the sum crosses p is kept, too: the nucleus must reach p",
        ("ordered * (before < p)", "ordered * ((ordered.cumsum() <= p) | (before == 0))"),
    ),
    top_p(
        "one too many at the border",
        "a sum of exactly p is enough: no further token is kept",
        ("before < p", "before <= p"),
    ),
    top_p(
        "nothing kept",
        "where the likeliest token alone exceeds p, it must still be kept",
        ("ordered * (before < p)", "ordered * (ordered.cumsum() <= p)"),
        ("kept / kept.sum()", "kept / max(kept.sum(), 1e-300)"),
    ),
    top_p("not renormalised", "what is kept must sum to 1 again: divide by its sum", ("kept / kept.sum()", "kept")),
    top_p(
        "divided by p",
        "divide by the sum of the kept ones: it is usually more than p",
        ("kept / kept.sum()", "kept / p"),
    ),
    top_p(
        "not sorted",
        "take the likeliest tokens first: sort before summing",
        ('np.argsort(-probabilities, kind="stable")', "np.arange(len(probabilities))"),
    ),
    top_p(
        "unlikeliest first",
        "it collects the unlikeliest tokens first",
        ("np.argsort(-probabilities", "np.argsort(probabilities"),
    ),
    top_p(
        "share of the tokens",
        "p is a share of the probability, not of the number of tokens",
        ("ordered * (before < p)", "ordered * (np.arange(len(ordered)) < max(1, round(p * len(ordered))))"),
    ),
    top_p(
        "relative to the largest",
        "that keeps all tokens close to the likeliest (min-p, another rule); sum them up here",
        ("ordered * (before < p)", "ordered * (ordered >= p * ordered[0])"),
    ),
    top_p(
        "ties all kept",
        "the fewest tokens stay: of equal ones, those with lower ids",
        (
            "    kept[order] = ordered * (before < p)",
            "    border = ordered[before < p].min()\n    kept = np.where(probabilities >= border, probabilities, 0.0)",
        ),
    ),
    top_p(
        "as a threshold",
        "p is not a threshold for single tokens: it is for the sum of the likeliest",
        ("ordered * (before < p)", "ordered * ((ordered >= 1 - p) | (before == 0))"),
    ),
    top_p("sorted", "each token keeps its own place: do not return them sorted", ("kept[order] = ", "kept[:] = ")),
]
RIGHT_TOP_PS = [
    Answer(
        "top_p_filter",
        "a loop",
        source="""
def top_p_filter(probabilities, p):
    kept = np.zeros_like(probabilities)
    total = 0.0
    for i in sorted(range(len(probabilities)), key=lambda i: (-probabilities[i], i)):
        if total >= p:
            break
        kept[i] = probabilities[i]
        total += probabilities[i]
    return kept / kept.sum()
""",
    ),
    Answer(
        "top_p_filter",
        "binary search",
        source="""
def top_p_filter(probabilities, p):
    order = np.argsort(-probabilities, kind="stable")
    n_kept = min(int(np.searchsorted(probabilities[order].cumsum(), p)) + 1, len(order))
    mask = np.zeros(len(order), dtype=bool)
    mask[order[:n_kept]] = True
    return np.where(mask, probabilities, 0.0) / probabilities[mask].sum()
""",
    ),
]

# ---------------------------------------------------------------------------------------------------------- draw

DRAW = """
def draw(probabilities, uniforms):
    above = probabilities.cumsum(axis=1) > uniforms[:, None]
    return above.argmax(axis=1)
"""
drawn = wrong("draw", DRAW)
DRAWS = [
    drawn(
        "border included",
        "the running sum must be above the number, not equal to it: else tokens of probability 0 are drawn",
        (" > uniforms", " >= uniforms"),
    ),
    drawn(
        "one token too far",
        "it gives the token after the one on whose piece the number falls",
        ("above.argmax(axis=1)", "np.minimum(above.argmax(axis=1) + 1, probabilities.shape[1] - 1)"),
    ),
    drawn(
        "one token too early",
        "the running sum counts the token itself, too",
        ("probabilities.cumsum(axis=1)", "probabilities.cumsum(axis=1)"),
        ("above.argmax(axis=1)", "np.maximum(above.argmax(axis=1) - 1, 0)"),
    ),
    drawn(
        "likeliest",
        "that is greedy: the random number must choose",
        ("above.argmax(axis=1)", "probabilities.argmax(axis=1)"),
    ),
    drawn(
        "no running sum",
        "add the probabilities up from the left: compare running sums, not single probabilities",
        ("probabilities.cumsum(axis=1)", "probabilities"),
    ),
    drawn(
        "sum over the rows",
        "add up along each row, axis 1",
        ("probabilities.cumsum(axis=1)", "probabilities.cumsum(axis=0)"),
    ),
    drawn(
        "from the right",
        "lay the tokens from 0 on in the order of their ids: not from the end",
        ("    above", "    probabilities = probabilities[:, ::-1]\n    above"),
        ("return above.argmax(axis=1)", "return probabilities.shape[1] - 1 - above.argmax(axis=1)"),
    ),
    drawn(
        "sorted by likelihood",
        "lay the tokens in the order of their ids, not of their probabilities",
        (
            "    above = probabilities.cumsum(axis=1)",
            "    order = np.argsort(-probabilities, axis=1, kind='stable')\n"
            "    above = np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1)",
        ),
        (
            "return above.argmax(axis=1)",
            "return np.take_along_axis(order, above.argmax(axis=1)[:, None], axis=1)[:, 0]",
        ),
    ),
    drawn("one number for all", "each row has a random number of its own", ("uniforms[:, None]", "uniforms[0]")),
    drawn(
        "as a column",
        "the shape must be (N,): one token for each row",
        ("above.argmax(axis=1)", "above.argmax(axis=1, keepdims=True)"),
    ),
    drawn(
        "its own random numbers", "", ("    above", "    uniforms = np.random.random(len(probabilities))\n    above")
    ),
    drawn("as floats", "ids are integers", ("above.argmax(axis=1)", "above.argmax(axis=1).astype(float)")),
]
RIGHT_DRAWS = [
    Answer(
        "draw",
        "counting",
        source="""
def draw(probabilities, uniforms):
    return (np.cumsum(probabilities, axis=1) <= uniforms[:, None]).sum(axis=1)
""",
    ),
    Answer(
        "draw",
        "a loop",
        source="""
def draw(probabilities, uniforms):
    ids = []
    for row, uniform in zip(probabilities, uniforms):
        total = 0.0
        for token, p in enumerate(row):
            total += p
            if uniform < total:
                ids.append(token)
                break
    return np.array(ids, dtype=np.int64)
""",
    ),
    Answer(
        "draw",
        "binary search",
        source="""
def draw(probabilities, uniforms):
    return np.array([np.searchsorted(row.cumsum(), u, side="right") for row, u in zip(probabilities, uniforms)])
""",
    ),
]

# --------------------------------------------------------------------------------------------------- greedy_text

GREEDY = """
def greedy_text(next_logits, prompt, n_new, context_length, stop_id=None):
    text = list(prompt)
    for _ in range(n_new):
        seen = text[-context_length:]
        token = int(np.argmax(next_logits(seen)))
        if token == stop_id:
            break
        text.append(token)
    return text[len(prompt):]
"""
greedy = wrong("greedy_text", GREEDY)
GREEDIES = [
    greedy(
        "prompt returned, too",
        "return the new ids alone, without the prompt",
        ("return text[len(prompt):]", "return text"),
    ),
    greedy(
        "stop token returned",
        "the stop token itself is not returned",
        (
            "        if token == stop_id:\n            break\n        text.append(token)",
            "        text.append(token)\n        if token == stop_id:\n            break",
        ),
    ),
    greedy(
        "stop token 0 forgotten",
        "0 is an id like any other: compare with None",
        ("if token == stop_id:", "if stop_id and token == stop_id:"),
    ),
    greedy("never stops", "it goes on after the stop token", ("        if token == stop_id:\n            break\n", "")),
    greedy(
        "skips the stop token",
        "at the stop token the text ends: do not leave it out and go on",
        ("        if token == stop_id:\n            break\n", ""),
        ("return text[len(prompt):]", "return [token for token in text[len(prompt):] if token != stop_id]"),
    ),
    greedy(
        "first tokens seen",
        "where the text is too long, the model sees its last tokens, not its first",
        ("text[-context_length:]", "text[:context_length]"),
    ),
    greedy(
        "context ignored",
        "the model reads at most context_length tokens: show it the last ones",
        ("text[-context_length:]", "text"),
    ),
    greedy(
        "one token too few",
        "the model may see context_length tokens: one more than here",
        ("text[-context_length:]", "text[-max(1, context_length - 1):]"),
    ),
    greedy(
        "last token only",
        "the model sees all tokens so far, up to the context length, not the last one alone",
        ("text[-context_length:]", "text[-1:]"),
    ),
    greedy(
        "prompt only",
        "each new token must be shown to the model, too",
        ("text[-context_length:]", "list(prompt)[-context_length:]"),
    ),
    greedy("one more", "n_new is how many tokens to write: it writes one more", ("range(n_new)", "range(n_new + 1)")),
    greedy(
        "length of everything",
        "n_new counts the new tokens, without the prompt",
        ("range(n_new)", "range(max(0, n_new - len(prompt)))"),
    ),
    greedy(
        "last of equals",
        "of equal logits, take the lowest id",
        (
            "int(np.argmax(next_logits(seen)))",
            "int(max(range(len(next_logits(seen))), key=lambda i: (next_logits(seen)[i], i)))",
        ),
    ),
    greedy(
        "prompt changed",
        "",
        ("text = list(prompt)", "start = len(prompt)\n    text = prompt"),
        ("text[len(prompt):]", "text[start:]"),
    ),
]
RIGHT_GREEDIES = [
    Answer(
        "greedy_text",
        "with a list of its own",
        source="""
def greedy_text(next_logits, prompt, n_new, context_length, stop_id=None):
    new = []
    while len(new) < n_new:
        everything = prompt + new
        logits = np.asarray(next_logits(everything[max(0, len(everything) - context_length):]))
        token = int(np.flatnonzero(logits == logits.max())[0])
        if stop_id is not None and token == stop_id:
            return new
        new.append(token)
    return new
""",
    ),
    Answer(
        "greedy_text",
        "a window that slides",
        source="""
def greedy_text(next_logits, prompt, n_new, context_length, stop_id=None):
    window, new = list(prompt)[-context_length:], []
    for _ in range(n_new):
        token = next_logits(window).argmax().item()
        if token == stop_id:
            break
        new.append(token)
        window = (window + [token])[-context_length:]
    return new
""",
    ),
]

# ----------------------------------------------------------------------------------------- cached_attention_step

STEP = """
def cached_attention_step(query, key, value, keys, values):
    keys = np.concatenate([keys, key[:, None]], axis=1)
    values = np.concatenate([values, value[:, None]], axis=1)
    scores = np.einsum("hk,hsk->hs", query, keys) / math.sqrt(query.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return np.einsum("hs,hsk->hk", weights, values), keys, values
"""
step = wrong("cached_attention_step", STEP)
STEPS = [
    step(
        "itself left out",
        "the new token sees itself, too: append before you attend",
        ("query, keys) /", "query, keys[:, :-1] if keys.shape[1] > 1 else keys) /"),
        ("weights, values)", "weights, values[:, :weights.shape[1]])"),
    ),
    step(
        "in front",
        "append at the end: the new token is the last one",
        ("[keys, key[:, None]]", "[key[:, None], keys]"),
        ("[values, value[:, None]]", "[value[:, None], values]"),
    ),
    step("no scale", "divide the scores by √K", (" / math.sqrt(query.shape[1])", "")),
    step("scale by √H", "divide by √K, the width of a head, not by √H", ("query.shape[1])", "query.shape[0])")),
    step(
        "scale by √S",
        "divide by √K, the width of a head, not by the root of the number of tokens",
        ("query.shape[1])", "keys.shape[1])"),
    ),
    step("scale by K", "divide by √K, not by K", ("math.sqrt(query.shape[1])", "query.shape[1]")),
    step(
        "no maximum subtracted",
        "large scores overflow in exp: subtract each head's largest first",
        (" - scores.max(axis=1, keepdims=True)", ""),
    ),
    step(
        "softmax over the heads",
        "softmax goes over the tokens, separately in each head",
        ("weights.sum(axis=1, keepdims=True)", "weights.sum(axis=0, keepdims=True)"),
    ),
    step(
        "softmax over everything",
        "each head has a softmax of its own",
        ("weights.sum(axis=1, keepdims=True)", "weights.sum()"),
    ),
    step("keys for values", "mix the values, not the keys", ("weights, values)", "weights, keys)")),
    step(
        "heads share weights",
        "each head has weights of its own",
        ("    return", "    weights = weights.mean(axis=0, keepdims=True).repeat(len(weights), axis=0)\n    return"),
    ),
    step(
        "cache not extended",
        "give back the longer keys and values, with the new token",
        (", keys, values\n", ", keys[:, :-1], values[:, :-1]\n"),
    ),
    step(
        "last token replaced",
        "append the new token: do not replace the newest one of the cache",
        ("np.concatenate([keys, key[:, None]]", "np.concatenate([keys[:, :-1], key[:, None]]"),
        ("np.concatenate([values, value[:, None]]", "np.concatenate([values[:, :-1], value[:, None]]"),
    ),
    step(
        "value not appended",
        "append the value as well as the key: here the new one is missing",
        (
            "values = np.concatenate([values, value[:, None]], axis=1)",
            "values = np.concatenate([values, 0 * value[:, None]], axis=1)",
        ),
    ),
]
RIGHT_STEPS = [
    Answer(
        "cached_attention_step",
        "head by head",
        source="""
def cached_attention_step(query, key, value, keys, values):
    n_heads, width = query.shape
    longer_keys = np.stack([np.vstack([keys[h], key[h]]) for h in range(n_heads)])
    longer_values = np.stack([np.vstack([values[h], value[h]]) for h in range(n_heads)])
    mixed = np.zeros_like(query)
    for h in range(n_heads):
        scores = longer_keys[h] @ query[h] / width**0.5
        weights = np.exp(scores - scores.max())
        mixed[h] = weights @ longer_values[h] / weights.sum()
    return mixed, longer_keys, longer_values
""",
    ),
    Answer(
        "cached_attention_step",
        "by matrix products, the query scaled",
        source="""
def cached_attention_step(query, key, value, keys, values):
    keys = np.append(keys, key[:, np.newaxis, :], axis=1)
    values = np.append(values, value[:, np.newaxis, :], axis=1)
    scores = (query / np.sqrt(query.shape[-1]))[:, None] @ keys.swapaxes(1, 2)
    weights = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
    return (weights @ values)[:, 0], keys, values
""",
    ),
]

# --------------------------------------------------------------------------------------------------- cache_bytes

BYTES = """
def cache_bytes(n_layers, n_heads, head_dim, n_tokens, n_texts=1, bytes_per_number=2):
    return 2 * n_layers * n_heads * head_dim * n_tokens * n_texts * bytes_per_number
"""
size = wrong("cache_bytes", BYTES)
SIZES = [
    size("keys only", "keys and values: twice as much", ("return 2 * ", "return ")),
    size("queries, too", "queries are not kept: nobody asks for old ones again", ("return 2 * ", "return 3 * ")),
    size("one layer", "every layer keeps keys and values of its own", (" * n_layers", "")),
    size("one head", "every head keeps keys and values of its own", (" * n_heads", "")),
    size("one text", "every text has a cache of its own", (" * n_texts", "")),
    size("numbers, not bytes", "these are numbers: each takes bytes_per_number bytes", (" * bytes_per_number", "")),
    size(
        "pairs of tokens",
        "the cache holds keys and values, not scores: it grows with n_tokens, not with its square",
        (" * n_tokens", " * n_tokens ** 2"),
    ),
    size("bits", "bytes are asked for, not bits", ("return 2 * ", "return 16 * ")),
    size("kilobytes", "bytes are asked for, not kilobytes", ("* bytes_per_number", "* bytes_per_number / 1024")),
    size("a float", "it must be an int", ("return 2 * ", "return 2.0 * ")),
]
RIGHT_SIZES = [
    Answer(
        "cache_bytes",
        "by the shape",
        source="""
def cache_bytes(n_layers, n_heads, head_dim, n_tokens, n_texts=1, bytes_per_number=2):
    one_side = math.prod((n_layers, n_texts, n_heads, n_tokens, head_dim))
    return (one_side + one_side) * bytes_per_number
""",
    ),
    Answer(
        "cache_bytes",
        "by the token",
        source="""
def cache_bytes(n_layers, n_heads, head_dim, n_tokens, n_texts=1, bytes_per_number=2):
    d_model = n_heads * head_dim
    per_token = n_layers * (d_model + d_model) * bytes_per_number
    return per_token * n_tokens * n_texts
""",
    ),
]

# --------------------------------------------------------------------------------------------------- initial_std

STD = """
def initial_std(name, n_layers, base=0.02):
    if name.endswith(".bias") or name.endswith("norm.weight"):
        return 0.0
    writes = name.endswith("attention.output.weight") or name.endswith("feed_forward.down.weight")
    return base / math.sqrt(2 * n_layers) if writes else base
"""
std = wrong("initial_std", STD)
STDS = [
    std(
        "√L", "each block writes twice to the stream: √(2L), not √L", ("math.sqrt(2 * n_layers)", "math.sqrt(n_layers)")
    ),
    std("without the root", "divide by the square root of 2L", ("math.sqrt(2 * n_layers)", "(2 * n_layers)")),
    std("multiplied", "divide by √(2L): the weights become smaller", ("base / math.sqrt", "base * math.sqrt")),
    std(
        "attention only",
        "the feed-forward layer writes to the stream, too: its way down",
        (' or name.endswith("feed_forward.down.weight")', ""),
    ),
    std(
        "feed-forward only",
        "attention writes to the stream, too: its output",
        ('name.endswith("attention.output.weight") or ', ""),
    ),
    std(
        "the way up scaled",
        "the way up writes inside the feed-forward layer, not to the stream: scale the way down",
        ("feed_forward.down.weight", "feed_forward.up.weight"),
    ),
    std(
        "every matrix scaled",
        "only those matrices are scaled that write to the stream",
        ("if writes else base", "if name.startswith('blocks') else base"),
    ),
    std(
        "nothing scaled",
        "two matrices of each block write to the stream: these are scaled",
        ("if writes else", "if False else"),
    ),
    std("biases drawn", "biases start at exactly 0: their standard deviation is 0", ('name.endswith(".bias") or ', "")),
    std(
        "norms drawn",
        "the weights of norms start at exactly 1: their standard deviation is 0",
        (' or name.endswith("norm.weight")', ""),
    ),
    std(
        "norms' value instead of spread",
        "norms start at exactly 1: that is their value; the standard deviation is 0",
        ("        return 0.0", '        return 1.0 if name.endswith("norm.weight") else 0.0'),
    ),
    std("base ignored", "base is not always 0.02", ("base / math", "0.02 / math"), ("else base", "else 0.02")),
    std(
        "by the block's number",
        "L is the number of all blocks, not the number of this one",
        ("math.sqrt(2 * n_layers)", "math.sqrt(2 * (int(name.split('.')[1]) + 1))"),
    ),
]
RIGHT_STDS = [
    Answer(
        "initial_std",
        "by parts of the name",
        source="""
def initial_std(name, n_layers, base=0.02):
    *path, kind = name.split(".")
    if kind == "bias" or path[-1].endswith("norm"):
        return 0.0
    if path[-1] in ("output", "down"):
        return base * (2 * n_layers) ** -0.5
    return base
""",
    ),
    Answer(
        "initial_std",
        "one thing after the other",
        source="""
def initial_std(name, n_layers, base=0.02):
    result = float(base)
    if "bias" in name:
        result = 0.0
    elif "norm" in name:
        result = 0.0
    elif "attention.output" in name or "feed_forward.down" in name:
        result = base / n_layers**0.5 / 2**0.5
    return result
""",
    ),
]

# ------------------------------------------------------------------------------------------------- tied_gradient

TIED = """
def tied_gradient(ids, d_embedded, hidden, d_logits):
    entrance = np.zeros((d_logits.shape[1], hidden.shape[1]))
    np.add.at(entrance, ids, d_embedded)
    exit_ = d_logits.T @ hidden
    return entrance + exit_
"""
tied = wrong("tied_gradient", TIED)
TIEDS = [
    tied(
        "exit only", "the entrance's gradient is missing: E is used twice", ("return entrance + exit_", "return exit_")
    ),
    tied(
        "entrance only",
        "the exit's gradient is missing: E is used twice",
        ("return entrance + exit_", "return entrance"),
    ),
    tied(
        "mean of the two",
        "the two gradients add up: do not average them",
        ("entrance + exit_", "(entrance + exit_) / 2"),
    ),
    tied(
        "repeats overwritten",
        "a token that occurs twice collects twice: += with repeated ids adds only once",
        ("np.add.at(entrance, ids, d_embedded)", "entrance[ids] += d_embedded"),
    ),
    tied(
        "mean over repeats",
        "add up where a token occurs again: do not average",
        (
            "    exit_ =",
            "    entrance /= np.maximum(np.bincount(ids, minlength=len(entrance)), 1)[:, None]\n    exit_ =",
        ),
    ),
    tied(
        "mean over the tokens",
        "sum over the tokens, do not average: what divides by T is the loss",
        ("entrance + exit_", "(entrance + exit_) / len(ids)"),
    ),
    tied(
        "exit at the read tokens only",
        "at the exit every token of the vocabulary gets a gradient, not only those read",
        ("entrance + exit_", "entrance + exit_ * np.isin(np.arange(len(exit_)), ids)[:, None]"),
    ),
    tied("difference", "the two gradients add up", ("entrance + exit_", "exit_ - entrance")),
    tied(
        "hidden states at the entrance",
        "at the entrance comes d_embedded, not the hidden state",
        ("np.add.at(entrance, ids, d_embedded)", "np.add.at(entrance, ids, hidden)"),
    ),
    tied("transposed", "the shape must be (V, D)", ("return entrance + exit_", "return (entrance + exit_).T")),
]
RIGHT_TIEDS = [
    Answer(
        "tied_gradient",
        "one-hot rows",
        source="""
def tied_gradient(ids, d_embedded, hidden, d_logits):
    one_hot = np.eye(d_logits.shape[1])[ids]
    return one_hot.T @ d_embedded + np.einsum("tv,td->vd", d_logits, hidden)
""",
    ),
    Answer(
        "tied_gradient",
        "token after token",
        source="""
def tied_gradient(ids, d_embedded, hidden, d_logits):
    gradient = np.zeros((d_logits.shape[1], hidden.shape[1]))
    for t, token in enumerate(ids):
        gradient[token] += d_embedded[t]
        gradient += np.outer(d_logits[t], hidden[t])
    return gradient
""",
    ),
]

# ---------------------------------------------------------------------------------------------------- distinct_n

DISTINCT = """
def distinct_n(ids, n):
    runs = [tuple(ids[start:start + n]) for start in range(len(ids) - n + 1)]
    if not runs:
        return 0.0
    return len(set(runs)) / len(runs)
"""
distinct = wrong("distinct_n", DISTINCT)
DISTINCTS = [
    distinct(
        "share of repeats",
        "that is the share of repeats: 1 minus what is asked for",
        ("len(set(runs)) / len(runs)", "1 - len(set(runs)) / len(runs)"),
    ),
    distinct(
        "single tokens",
        "count runs of n neighbours, not single tokens",
        ("len(set(runs)) / len(runs)", "len(set(ids)) / len(ids)"),
    ),
    distinct(
        "runs side by side",
        "runs overlap: one starts at every token",
        ("range(len(ids) - n + 1)", "range(0, len(ids) - n + 1, n)"),
    ),
    distinct(
        "last run forgotten",
        "the last run is missing: there are len(ids) - n + 1 of them",
        ("len(ids) - n + 1", "len(ids) - n"),
    ),
    distinct(
        "short runs at the end",
        "a run has exactly n tokens: leave out the shorter ones at the end",
        ("range(len(ids) - n + 1)", "range(len(ids))"),
    ),
    distinct("divided by the tokens", "divide by the number of runs, not of tokens", ("/ len(runs)", "/ len(ids)")),
    distinct(
        "runs that occur once",
        "count every different run once, also one that comes again",
        ("len(set(runs)) / len(runs)", "sum(runs.count(run) == 1 for run in runs) / len(runs)"),
    ),
    distinct(
        "digits joined",
        "joined digits are ambiguous: 1 and 12 look like 11 and 2; use tuples",
        ("tuple(ids[start:start + n])", "''.join(map(str, ids[start:start + n]))"),
    ),
    distinct(
        "order ignored",
        "the order within a run counts",
        ("tuple(ids[start:start + n])", "frozenset(ids[start:start + n])"),
    ),
    distinct("empty text", "a text without any run gives 0.0", ("    if not runs:\n        return 0.0\n", "")),
    distinct("empty text is 1", "a text without any run gives 0.0", ("return 0.0", "return 1.0")),
    distinct("a count", "a share is asked for, not a count", (" / len(runs)", "")),
]
RIGHT_DISTINCTS = [
    Answer(
        "distinct_n",
        "zip",
        source="""
def distinct_n(ids, n):
    runs = list(zip(*[ids[shift:] for shift in range(n)]))
    return len(set(runs)) / max(1, len(runs))
""",
    ),
    Answer(
        "distinct_n",
        "a dictionary",
        source="""
def distinct_n(ids, n):
    counts, total = {}, 0
    for end in range(n, len(ids) + 1):
        run = str(ids[end - n:end])
        counts[run] = counts.get(run, 0) + 1
        total += 1
    return float(len(counts) / total) if total else 0.0
""",
    ),
]

# -------------------------------------------------------------------------------------------------------- choose

CHOOSE = """
def choose(logits, answers, per_token=False):
    scores = []
    for rows, answer in zip(logits, answers):
        rows = rows - rows.max(axis=1, keepdims=True)
        log_p = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
        each = log_p[np.arange(len(answer)), answer]
        scores.append(each.mean() if per_token else each.sum())
    return int(np.argmax(scores))
"""
chosen = wrong("choose", CHOOSE)
CHOICES = [
    chosen(
        "bare logits",
        "logits are not log-probabilities: each row must be normalised first",
        ("        rows = rows - rows.max(axis=1, keepdims=True)\n", ""),
        ("log_p = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))", "log_p = rows"),
    ),
    chosen(
        "relative to the best token",
        "each row must be normalised: subtract the logarithm of its sum of exponentials",
        ("log_p = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))", "log_p = rows"),
    ),
    chosen(
        "always the mean",
        "without per_token, add the log-probabilities up",
        ("each.mean() if per_token else each.sum()", "each.mean()"),
    ),
    chosen(
        "always the sum",
        "with per_token, take the mean of the log-probabilities",
        ("each.mean() if per_token else each.sum()", "each.sum()"),
    ),
    chosen(
        "sum and mean swapped",
        "without per_token, add the log-probabilities up",
        ("if per_token", "if not per_token"),
    ),
    chosen(
        "unlikeliest",
        "the highest score wins: log-probabilities are negative, and nearer to 0 is likelier",
        ("np.argmax(scores)", "np.argmin(scores)"),
    ),
    chosen(
        "probabilities added",
        "multiply probabilities, or add their logarithms: do not add probabilities",
        ("each = log_p[np.arange(len(answer)), answer]", "each = np.exp(log_p[np.arange(len(answer)), answer])"),
    ),
    chosen(
        "first token only",
        "all tokens of an answer count, not the first alone",
        ("each.mean() if per_token else each.sum()", "each[0]"),
    ),
    chosen(
        "last token only",
        "all tokens of an answer count, not the last alone",
        ("each.mean() if per_token else each.sum()", "each[-1]"),
    ),
    chosen(
        "likeliest tokens",
        "take the probability of the answer's own tokens, not of the likeliest ones",
        ("log_p[np.arange(len(answer)), answer]", "log_p.max(axis=1)"),
    ),
    chosen(
        "every row at every token",
        "row i belongs to the answer's token i: pick one number from each row",
        ("log_p[np.arange(len(answer)), answer]", "log_p[:, answer].ravel()"),
    ),
    chosen(
        "no maximum subtracted",
        "large logits overflow in exp: subtract each row's largest first",
        ("        rows = rows - rows.max(axis=1, keepdims=True)\n", ""),
    ),
    chosen(
        "last of equals",
        "of equal scores, the first answer wins",
        ("int(np.argmax(scores))", "len(scores) - 1 - int(np.argmax(scores[::-1]))"),
    ),
    chosen(
        "normalised over the answer",
        "normalise each row over the vocabulary, not over the answer's tokens",
        ("np.log(np.exp(rows).sum(axis=1, keepdims=True))", "np.log(np.exp(rows).sum(axis=0, keepdims=True))"),
    ),
    chosen(
        "the score",
        "the index of the best answer is asked for, not its score",
        ("int(np.argmax(scores))", "float(max(scores))"),
    ),
]
RIGHT_CHOICES = [
    Answer(
        "choose",
        "through logaddexp",
        source="""
def choose(logits, answers, per_token=False):
    def score(rows, answer):
        total = sum(row[token] - np.logaddexp.reduce(row) for row, token in zip(rows, answer))
        return total / len(answer) if per_token else total

    scores = [score(rows, answer) for rows, answer in zip(logits, answers)]
    return scores.index(max(scores))
""",
    ),
    Answer(
        "choose",
        "the best so far",
        source="""
def choose(logits, answers, per_token=False):
    best, best_score = 0, -math.inf
    for index in range(len(answers)):
        score = 0.0
        for row, token in zip(logits[index], answers[index]):
            largest = row.max()
            score += row[token] - largest - math.log(np.exp(row - largest).sum())
        if per_token:
            score /= len(answers[index])
        if score > best_score:
            best, best_score = index, score
    return best
""",
    ),
]

WRONG = [*TEMPERATURES, *TOP_KS, *TOP_PS, *DRAWS, *GREEDIES, *STEPS, *SIZES, *STDS, *TIEDS, *DISTINCTS, *CHOICES]
RIGHT = [*RIGHT_TEMPERATURES, *RIGHT_TOP_KS, *RIGHT_TOP_PS, *RIGHT_DRAWS, *RIGHT_GREEDIES, *RIGHT_STEPS, *RIGHT_SIZES,
         *RIGHT_STDS, *RIGHT_TIEDS, *RIGHT_DISTINCTS, *RIGHT_CHOICES]  # fmt: skip
