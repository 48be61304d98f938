"""Known answers of chapter 13: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

LORA = '''
def lora_forward(x, weight, bias, down, up, alpha):
    scale = alpha / down.shape[0]
    return x @ weight.T + bias + scale * (x @ down.T @ up.T)
'''
lora = wrong("lora_forward", LORA)
LORAS = [
    lora("scaled by alpha", "the scale is α / r, not α: with a larger rank the change would grow",
         ("alpha / down.shape[0]", "alpha")),
    lora("not scaled", "scale the product by α / r", ("alpha / down.shape[0]", "1.0")),
    lora("scaled by r / alpha", "the scale is α / r, not r / α", ("alpha / down.shape[0]", "down.shape[0] / alpha")),
    lora("divided by the input width", "r is the number of A's rows, not of its columns", ("shape[0]", "shape[1]")),
    lora("divided by the root of r", "divide α by r; its square root is another method, rank-stabilised LoRA",
         ("alpha / down.shape[0]", "alpha / down.shape[0] ** 0.5")),
    lora("bias scaled, too", "the bias stays outside: scale the product only",
         ("+ bias + scale * (x", "+ scale * (bias + x")),
    lora("no bias", "the layer's own bias is missing", (" + bias", "")),
    lora("instead of the layer", "the product is added to the layer's own output", ("x @ weight.T + ", "")),
    lora("product detached", "", ("(x @ down.T @ up.T)", "(x @ down.T @ up.T).detach()")),
    lora("whole output detached", "", ("return x @ weight.T + bias + scale * (x @ down.T @ up.T)",
                                       "return (x @ weight.T + bias + scale * (x @ down.T @ up.T)).detach()")),
]
RIGHT_LORAS = [
    Answer("lora_forward", "merged first", source='''
def lora_forward(x, weight, bias, down, up, alpha):
    rank = up.shape[1]
    return torch.nn.functional.linear(x, weight + (alpha / rank) * up @ down, bias)
'''),
    Answer("lora_forward", "by einsum", source='''
def lora_forward(x, weight, bias, down, up, alpha):
    low = torch.einsum("...i,ri->...r", x, down) * alpha
    return torch.einsum("...i,oi->...o", x, weight) + torch.einsum("...r,or->...o", low, up) / len(down) + bias
'''),
]

MERGE = '''
def lora_merge(weight, down, up, alpha):
    return weight + (alpha / down.shape[0]) * (up @ down)
'''
merge = wrong("lora_merge", MERGE)
MERGES = [
    merge("scaled by alpha", "the scale is α / r, not α", ("alpha / down.shape[0]", "alpha")),
    merge("not scaled", "scale the product by α / r", ("alpha / down.shape[0]", "1.0")),
    merge("divided by the input width", "r is the number of A's rows, not of its columns", ("shape[0]", "shape[1]")),
    merge("scaled by r / alpha", "the scale is α / r, not r / α", ("alpha / down.shape[0]", "down.shape[0] / alpha")),
    merge("subtracted", "merging adds the product; taking it away again is how to unmerge", ("weight + ", "weight - ")),
    merge("the product alone", "the old weight stays: add the product to it", ("weight + ", "")),
    merge("both scaled", "the old weight is not scaled", ("weight + (alpha / down.shape[0]) * (up @ down)",
                                                          "(alpha / down.shape[0]) * (weight + up @ down)")),
    merge("detached", "", ("(up @ down)", "(up @ down).detach()")),
    merge("in place", "", ("    return weight + (alpha / down.shape[0]) * (up @ down)",
                           "    weight += (alpha / down.shape[0]) * (up @ down)\n    return weight")),
]
RIGHT_MERGES = [
    Answer("lora_merge", "sum over the rank", source='''
def lora_merge(weight, down, up, alpha):
    rank = len(down)
    total = weight
    for k in range(rank):
        total = total + alpha / rank * torch.outer(up[:, k], down[k])
    return total
'''),
    Answer("lora_merge", "addmm", source='''
def lora_merge(weight, down, up, alpha):
    return torch.addmm(weight, up, down, alpha=alpha / up.shape[-1])
'''),
]

BACK = '''
def lora_backward(x, down, up, alpha, upstream):
    scale = alpha / down.shape[0]
    for_down = scale * (upstream @ up).T @ x
    for_up = scale * upstream.T @ (x @ down.T)
    return for_down, for_up
'''
back = wrong("lora_backward", BACK)
BACKS = [
    back("no scale", "the scale α / r stands in the forward pass, so it stands in both gradients",
         ("alpha / down.shape[0]", "1.0")),
    back("scaled by alpha", "the scale is α / r, not α", ("alpha / down.shape[0]", "alpha")),
    back("scale at A only", "B's gradient has the scale α / r, too", ("for_up = scale * ", "for_up = ")),
    back("scale at B only", "A's gradient has the scale α / r, too", ("for_down = scale * ", "for_down = ")),
    back("mean over rows", "sum over the rows: upstream already holds the mean, if the loss is one",
         ("scale = alpha / down.shape[0]", "scale = alpha / down.shape[0] / len(x)")),
    back("swapped", "return A's gradient first, then B's", ("return for_down, for_up", "return for_up, for_down")),
    back("scale twice", "each gradient has the scale once", ("for_up = scale * ", "for_up = scale * scale * ")),
    back("sign of descent", "return the gradient itself; the minus belongs to the update",
         ("return for_down, for_up", "return -for_down, -for_up")),
]
RIGHT_BACKS = [
    Answer("lora_backward", "row by row", source='''
def lora_backward(x, down, up, alpha, upstream):
    scale = alpha / len(down)
    for_down, for_up = np.zeros(down.shape), np.zeros(up.shape)
    for row, above in zip(x, upstream):
        for_down += scale * np.outer(up.T @ above, row)
        for_up += scale * np.outer(above, down @ row)
    return for_down, for_up
'''),
    Answer("lora_backward", "through the gradient of the whole product", source='''
def lora_backward(x, down, up, alpha, upstream):
    product = upstream.T @ x * (alpha / up.shape[1])
    return up.T @ product, product @ down.T
'''),
    Answer("lora_backward", "by autograd", source='''
def lora_backward(x, down, up, alpha, upstream):
    a, b = torch.tensor(down, requires_grad=True), torch.tensor(up, requires_grad=True)
    y = alpha / len(down) * torch.tensor(x) @ a.T @ b.T
    y.backward(torch.tensor(upstream))
    return a.grad.numpy(), b.grad.numpy()
'''),
]

COUNT = '''
def count_trained(method, n_layers, d_model, size):
    if method == "bitfit":
        return n_layers * (4 * d_model + 4 * d_model + d_model + 2 * d_model) + d_model
    if method == "lora":
        return n_layers * 2 * (size * d_model + d_model * size)
    if method == "adapter":
        return n_layers * 2 * (d_model * size + size + size * d_model + d_model)
    if method == "prefix":
        return n_layers * 2 * size * d_model
    return size * d_model
'''
count = wrong("count_trained", COUNT)
COUNTS = [
    count("no last norm", "the norm after the last block has a bias, too", (" + d_model\n    if", "\n    if")),
    count("up's bias is D long", "the layer up widens to 4D: its bias has 4D numbers",
          ("4 * d_model + 4 * d_model + d_model", "4 * d_model + d_model + d_model")),
    count("no biases of norms", "a block's two layer norms have biases, too", (" + 2 * d_model)", ")")),
    count("LoRA at one layer", "LoRA has two matrices at each of its two layers",
          ("n_layers * 2 * (size * d_model + d_model * size)", "n_layers * (size * d_model + d_model * size)")),
    count("A alone", "LoRA has two matrices at each of its two layers",
          ("(size * d_model + d_model * size)", "size * d_model")),
    count("adapter without biases", "the two layers of an adapter have biases: m and D numbers",
          ("d_model * size + size + size * d_model + d_model", "d_model * size + size * d_model")),
    count("one adapter in a block", "a block has two adapters, one behind each part",
          ("n_layers * 2 * (d_model * size + size", "n_layers * (d_model * size + size")),
    count("keys only", "a prefix has keys and values", ("n_layers * 2 * size * d_model", "n_layers * size * d_model")),
    count("prompt in each layer", "a soft prompt stands before the first block only",
          ("    return size * d_model\n", "    return n_layers * size * d_model\n")),
]
RIGHT_COUNTS = [
    Answer("count_trained", "a table", source='''
def count_trained(method, n_layers, d_model, size):
    d, n, m = d_model, n_layers, size
    return {"bitfit": 11 * n * d + d, "lora": 4 * n * m * d, "adapter": n * (4 * m * d + 2 * (m + d)),
            "prefix": 2 * n * m * d, "prompt": m * d}[method]
'''),
    Answer("count_trained", "shapes, multiplied out", source='''
def count_trained(method, n_layers, d_model, size):
    d, m = d_model, size
    block = {"bitfit": [(d,)] * 4 + [(4 * d,), (d,), (d,), (d,)], "lora": [(m, d), (d, m)] * 2,
             "adapter": [(m, d), (m,), (d, m), (d,)] * 2, "prefix": [(m, d)] * 2, "prompt": []}[method]
    once = {"bitfit": [(d,)], "prompt": [(m, d)]}.get(method, [])
    return sum(math.prod(shape) for shape in block) * n_layers + sum(math.prod(shape) for shape in once)
'''),
]

ADAPT = '''
def adapter_forward(hidden, down_weight, down_bias, up_weight, up_bias):
    narrow = hidden @ down_weight.T + down_bias
    narrow = torch.nn.functional.gelu(narrow, approximate="tanh")
    return hidden + narrow @ up_weight.T + up_bias
'''
adapt = wrong("adapter_forward", ADAPT)
ADAPTS = [
    adapt("nothing added", "an adapter adds to what came in", ("return hidden + ", "return ")),
    adapt("no bend", "between the two layers stands a GELU: without it both are one matrix",
          ('torch.nn.functional.gelu(narrow, approximate="tanh")', "narrow")),
    adapt("ReLU", "the bend is GELU, not ReLU", ('gelu(narrow, approximate="tanh")', "relu(narrow)")),
    adapt("exact GELU", "take GELU's tanh form, as GPT-2 does", (', approximate="tanh"', "")),
    adapt("bend at the end", "the bend stands between the two layers",
          ('    narrow = torch.nn.functional.gelu(narrow, approximate="tanh")\n', ""),
          ("narrow @ up_weight.T + up_bias",
           'torch.nn.functional.gelu(narrow @ up_weight.T + up_bias, approximate="tanh")')),
    adapt("first bias missing", "the narrow layer has a bias", (" + down_bias", "")),
    adapt("second bias missing", "the wide layer has a bias", (" + up_bias", "")),
    adapt("added twice", "add what came in once", ("return hidden + ", "return hidden + hidden + ")),
    adapt("detached", "", ("return hidden + narrow @ up_weight.T + up_bias",
                           "return (hidden + narrow @ up_weight.T + up_bias).detach()")),
    adapt("input detached within", "the gradient also flows through the adapter to what came in",
          ("hidden @ down_weight.T", "hidden.detach() @ down_weight.T")),
]
RIGHT_ADAPTS = [
    Answer("adapter_forward", "with linear layers", source='''
def adapter_forward(hidden, down_weight, down_bias, up_weight, up_bias):
    F = torch.nn.functional
    return hidden + F.linear(F.gelu(F.linear(hidden, down_weight, down_bias), approximate="tanh"), up_weight, up_bias)
'''),
    Answer("adapter_forward", "GELU written out", source='''
def adapter_forward(hidden, down_weight, down_bias, up_weight, up_bias):
    z = torch.einsum("btd,md->btm", hidden, down_weight) + down_bias
    bent = 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z ** 3)))
    return torch.einsum("btm,dm->btd", bent, up_weight) + up_bias + hidden
'''),
]

SOFT = '''
def add_soft_prompt(prompt, token_embeddings, position_table, padding_mask):
    batch, length, _ = token_embeddings.shape
    n_prompt = len(prompt)
    rows = prompt[None].repeat(batch, 1, 1) + position_table[:n_prompt]
    text = token_embeddings + position_table[n_prompt : n_prompt + length]
    mask = torch.cat([torch.ones(batch, n_prompt, dtype=torch.bool), padding_mask], dim=1)
    return torch.cat([rows, text], dim=1), mask
'''
soft = wrong("add_soft_prompt", SOFT)
SOFTS = [
    soft("text at position 0", "the text's positions go on where the prompt's end, at P",
         ("position_table[n_prompt : n_prompt + length]", "position_table[:length]")),
    soft("prompt without positions", "the prompt has positions, too", (" + position_table[:n_prompt]", "")),
    soft("text without positions", "the text needs its positions",
         (" + position_table[n_prompt : n_prompt + length]", "")),
    soft("prompt behind", "the prompt comes first: later tokens cannot be read by earlier ones",
         ("torch.cat([rows, text], dim=1)", "torch.cat([text, rows], dim=1)")),
    soft("mask of the prompt is False", "the prompt is real for everybody: its mask is True",
         ("torch.ones(batch, n_prompt", "torch.zeros(batch, n_prompt")),
    soft("old mask", "the mask grows with the text: P more columns", (", mask\n", ", padding_mask\n")),
    soft("mask of ones", "padding stays padding", ("mask = torch.cat([torch.ones(batch, n_prompt, dtype=torch.bool), "
         "padding_mask], dim=1)", "mask = torch.ones(batch, n_prompt + length, dtype=torch.bool)")),
    soft("mask of floats", "the mask holds booleans, as the one that came in", ("padding_mask], dim=1)",
                                                                              "padding_mask], dim=1).float()")),
    soft("one position too far", "the text's first token has the position P, not P + 1",
         ("position_table[n_prompt : n_prompt + length]", "position_table[n_prompt + 1 : n_prompt + 1 + length]")),
    soft("mask behind", "the prompt's part of the mask comes first",
         ("[torch.ones(batch, n_prompt, dtype=torch.bool), padding_mask]",
          "[padding_mask, torch.ones(batch, n_prompt, dtype=torch.bool)]")),
]
SOFTS.append(soft("prompt detached", "", ("prompt[None]", "prompt.detach()[None]")))
RIGHT_SOFTS = [
    Answer("add_soft_prompt", "expanded, one sum", source='''
def add_soft_prompt(prompt, token_embeddings, position_table, padding_mask):
    both = torch.cat([prompt.expand(len(token_embeddings), *prompt.shape), token_embeddings], dim=1)
    mask = torch.nn.functional.pad(padding_mask, (len(prompt), 0), value=True)
    return both + position_table[torch.arange(both.shape[1])], mask
'''),
    Answer("add_soft_prompt", "text by text", source='''
def add_soft_prompt(prompt, token_embeddings, position_table, padding_mask):
    rows, masks = [], []
    for text, mask in zip(token_embeddings, padding_mask):
        row = torch.cat((prompt, text))
        rows.append(row + position_table[: len(row)])
        masks.append([True] * len(prompt) + mask.tolist())
    return torch.stack(rows), torch.tensor(masks)
'''),
]

PREFIX = '''
def attend_with_prefix(query, key, value, prefix_key, prefix_value):
    batch, _, length, width = query.shape
    n_prefix = prefix_key.shape[1]
    keys = torch.cat([prefix_key[None].repeat(batch, 1, 1, 1), key], dim=2)
    values = torch.cat([prefix_value[None].repeat(batch, 1, 1, 1), value], dim=2)
    mask = torch.ones(length, n_prefix + length).tril(n_prefix).bool()
    scores = query @ keys.transpose(2, 3) / math.sqrt(width)
    weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
    return weights @ values
'''
prefix = wrong("attend_with_prefix", PREFIX)
PREFIXES = [
    prefix("mask not shifted", "the diagonal starts behind the prefix: shift the mask by P",
           ("tril(n_prefix)", "tril()")),
    prefix("one too far", "a token sees itself, and not the next one", ("tril(n_prefix)", "tril(n_prefix + 1)")),
    prefix("not itself", "a token sees itself, too", ("tril(n_prefix)", "tril(n_prefix - 1)")),
    prefix("no mask", "the text is read causally: hide later tokens",
           ("scores.masked_fill(~mask, float(\"-inf\"))", "scores")),
    prefix("not scaled", "divide the scores by √K", (" / math.sqrt(width)", "")),
    prefix("scaled by K", "divide by the root of K", ("math.sqrt(width)", "width")),
    prefix("zero instead of minus infinity", "a hidden score is minus infinity: exp(0) is 1",
           ('float("-inf")', "0.0")),
    prefix("softmax over queries", "softmax over the keys, the last dimension", ("softmax(dim=-1)", "softmax(dim=-2)")),
    prefix("no prefix values' gradient", "", ("prefix_value[None].repeat", "prefix_value.detach()[None].repeat")),
    prefix("no prefix keys' gradient", "", ("prefix_key[None].repeat", "prefix_key.detach()[None].repeat")),
]
RIGHT_PREFIXES = [
    Answer("attend_with_prefix", "two parts, one softmax", source='''
def attend_with_prefix(query, key, value, prefix_key, prefix_value):
    n, width = query.shape[2:]
    to_prefix = torch.einsum("bhtk,hpk->bhtp", query, prefix_key)
    to_text = torch.einsum("bhtk,bhsk->bhts", query, key)
    to_text = to_text + torch.full((n, n), -math.inf, dtype=query.dtype).triu(1)
    weights = (torch.cat([to_prefix, to_text], dim=3) / width ** 0.5).softmax(dim=3)
    p = prefix_key.shape[1]
    return torch.einsum("bhtp,hpk->bhtk", weights[..., :p], prefix_value) + weights[..., p:] @ value
'''),
    Answer("attend_with_prefix", "token by token", source='''
def attend_with_prefix(query, key, value, prefix_key, prefix_value):
    outputs = []
    for t in range(query.shape[2]):
        seen = len(query)
        keys = torch.cat([prefix_key.expand(seen, -1, -1, -1), key[:, :, : t + 1]], dim=2)
        values = torch.cat([prefix_value.expand(seen, -1, -1, -1), value[:, :, : t + 1]], dim=2)
        weights = (keys @ query[:, :, t, :, None] / math.sqrt(query.shape[3])).softmax(dim=2)
        outputs.append((weights * values).sum(dim=2))
    return torch.stack(outputs, dim=2)
'''),
]

CHOICE = '''
def choice_scores(log_probabilities, how):
    if how == "sum":
        return [float(sum(tokens)) for tokens in log_probabilities]
    if how == "mean":
        return [sum(tokens) / len(tokens) for tokens in log_probabilities]
    raise ValueError(how)
'''
choice = wrong("choice_scores", CHOICE)
CHOICES = [
    choice("sum and mean swapped", "the sum is not divided, and the mean is",
           ('how == "sum"', 'how == "x"'), ('how == "mean"', 'how == "sum"'), ('how == "x"', 'how == "mean"')),
    choice("always the sum", "the mean is divided by the number of tokens",
           ("sum(tokens) / len(tokens)", "sum(tokens)")),
    choice("always the mean", "the sum is not divided, and the mean is",
           ("float(sum(tokens))", "sum(tokens) / len(tokens)")),
    choice("no error", "", ("    raise ValueError(how)\n", "    return [0.0 for _ in log_probabilities]\n")),
    choice("divided by the number of answers", "divide by the tokens of this answer, not by the number of answers",
           ("sum(tokens) / len(tokens)", "sum(tokens) / len(log_probabilities)")),
    choice("probabilities", "log-probabilities are added as they are", ("float(sum(tokens))",
                                                                      "math.exp(sum(tokens))")),
    choice("mean of probabilities", "take the mean of the logarithms, not of the probabilities",
           ("sum(tokens) / len(tokens)", "math.log(sum(map(math.exp, tokens)) / len(tokens))")),
    choice("first token only", "all tokens of an answer count", ("float(sum(tokens))", "float(tokens[0])")),
    choice("divided by the longest", "each answer is divided by its own length",
           ("sum(tokens) / len(tokens)", "sum(tokens) / max(map(len, log_probabilities))")),
    choice("negative log-likelihood", "higher is better: do not turn the sign", ("float(sum(tokens))",
                                                                                 "-float(sum(tokens))")),
]
RIGHT_CHOICES = [
    Answer("choice_scores", "by NumPy", source='''
def choice_scores(log_probabilities, how):
    functions = {"sum": np.sum, "mean": np.mean}
    if how not in functions:
        raise ValueError("sum or mean")
    return [float(functions[how](tokens)) for tokens in log_probabilities]
'''),
    Answer("choice_scores", "by fsum", source='''
def choice_scores(log_probabilities, how):
    found = []
    for tokens in log_probabilities:
        score = math.fsum(tokens)
        if how == "mean":
            score /= len(tokens)
        elif how != "sum":
            raise ValueError(how)
        found.append(score)
    return found
'''),
]

CAL = '''
def calibrate(scores, content_free):
    def softmax(x):
        weights = np.exp(x - x.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)
    prior = softmax(content_free).mean(axis=0)
    weighted = softmax(scores) / prior
    return weighted / weighted.sum(axis=1, keepdims=True)
'''
cal = wrong("calibrate", CAL)
CALS = [
    cal("multiplied", "divide by what nothing gets", ("softmax(scores) / prior", "softmax(scores) * prior")),
    cal("not normalised", "normalise again: each row sums to 1", ("weighted / weighted.sum(axis=1, keepdims=True)",
                                                                "weighted")),
    cal("not calibrated", "these are the probabilities before calibration", ("softmax(scores) / prior",
                                                                           "softmax(scores)")),
    cal("mean of the scores", "average the probabilities, not the scores",
        ("softmax(content_free).mean(axis=0)", "softmax(content_free.mean(axis=0, keepdims=True))[0]")),
    cal("subtracted", "divide the probabilities; subtracting can make them negative", ("softmax(scores) / prior",
                                                                                   "softmax(scores) - prior")),
    cal("first text without content only", "average over all texts without content",
        (".mean(axis=0)", "[0]")),
    cal("no maximum subtracted", "subtract each row's maximum before exp", ("np.exp(x - x.max(axis=1, keepdims=True))",
                                                                          "np.exp(x)")),
    cal("columns", "normalise over the answers of each text, not over the texts",
        ("weighted / weighted.sum(axis=1, keepdims=True)", "weighted / weighted.sum(axis=0, keepdims=True)")),
    cal("softmax once more", "normalise by the sum; a second softmax flattens",
        ("return weighted / weighted.sum(axis=1, keepdims=True)", "return softmax(weighted)")),
]
RIGHT_CALS = [
    Answer("calibrate", "in logarithms", source='''
def calibrate(scores, content_free):
    def log_softmax(x):
        return x - np.logaddexp.reduce(x, axis=1, keepdims=True)
    prior = np.logaddexp.reduce(log_softmax(content_free), axis=0)
    return np.exp(log_softmax(scores - prior))
'''),
    Answer("calibrate", "row by row with a diagonal matrix", source='''
def calibrate(scores, content_free):
    def softmax(row):
        e = np.exp(row - max(row))
        return e / sum(e)
    prior = sum(softmax(row) for row in content_free) / len(content_free)
    rows = [np.diag(1 / prior) @ softmax(row) for row in scores]
    return np.array([row / sum(row) for row in rows])
'''),
]

BIT = '''
def bitfit_names(shapes):
    return [name for name in shapes if name.split(".")[-1] == "bias"]
'''
bit = wrong("bitfit_names", BIT)
BITS = [
    bit("anywhere in the name", "the last part of the name decides: bias.weight is a weight",
        ('name.split(".")[-1] == "bias"', '"bias" in name')),
    bit("by its ending", "“unbias” ends in bias, and is none: look at the whole last part",
        ('name.split(".")[-1] == "bias"', 'name.endswith("bias")')),
    bit("needs a dot", "a name may have one part only", ('name.split(".")[-1] == "bias"', 'name.endswith(".bias")')),
    bit("everything with one dimension", "the weights of layer norms have one dimension, too: go by the name",
        ('name.split(".")[-1] == "bias"', "len(shapes[name]) == 1")),
    bit("the others", "these are the ones that stay frozen", ("== \"bias\"", "!= \"bias\"")),
    bit("any part", "the last part of the name decides", ('name.split(".")[-1] == "bias"',
                                                        '"bias" in name.split(".")')),
    bit("sorted", "keep the order of the dictionary",
        ("return [", "return sorted(["), ('"bias"]', '"bias"])')),
    bit("first part", "the last part of the name decides, not the first", ("[-1]", "[0]")),
    bit("attention only", "biases of norms and feed-forward layers are trained as well",
        ('== "bias"]', '== "bias" and "attention" in name]')),
]
RIGHT_BITS = [
    Answer("bitfit_names", "rpartition", source='''
def bitfit_names(shapes):
    return list(filter(lambda name: name.rpartition(".")[2] == "bias", shapes))
'''),
    Answer("bitfit_names", "two cases", source='''
def bitfit_names(shapes):
    found = []
    for name in shapes.keys():
        if name == "bias" or name[-5:] == ".bias":
            found.append(name)
    return found
'''),
]

LOW = '''
def low_rank_error(change, rank):
    values = np.linalg.svd(change, compute_uv=False)
    return float(np.sqrt((values[rank:] ** 2).sum() / (values ** 2).sum()))
'''
low = wrong("low_rank_error", LOW)
LOWS = [
    low("kept instead of missed", "this is what is kept; asked is what is missed", ("values[rank:]", "values[:rank]")),
    low("squared", "take the root: norms, not their squares",
        ("np.sqrt((values[rank:] ** 2).sum() / (values ** 2).sum())",
         "(values[rank:] ** 2).sum() / (values ** 2).sum()")),
    low("not squared inside", "the Frobenius norm sums the squares of the singular values",
        ("np.sqrt((values[rank:] ** 2).sum() / (values ** 2).sum())", "values[rank:].sum() / values.sum()")),
    low("one too many", "rank r keeps the r largest values, and values[r:] are left", ("values[rank:]",
                                                                                  "values[rank + 1:]")),
    low("one too few", "rank r keeps the r largest values, and values[r:] are left", ("values[rank:]",
                                                                                 "values[max(rank - 1, 0):]")),
    low("not relative", "divide by the norm of the whole change", (" / (values ** 2).sum()", "")),
    low("one minus", "squares add up, norms do not: √(1 − kept), not 1 − √kept",
        ("np.sqrt((values[rank:] ** 2).sum() / (values ** 2).sum())",
         "1 - np.sqrt((values[:rank] ** 2).sum() / (values ** 2).sum())")),
    low("spectral norm", "the Frobenius norm uses all singular values, not the largest one alone",
        ("np.sqrt((values[rank:] ** 2).sum() / (values ** 2).sum())",
         "(values[rank] if rank < len(values) else 0.0) / values[0]")),
    low("first rows", "the best approximation keeps singular directions, not rows",
        ("values = np.linalg.svd(change, compute_uv=False)", "values = np.linalg.norm(change, axis=1)")),
]
RIGHT_LOWS = [
    Answer("low_rank_error", "the approximation itself", source='''
def low_rank_error(change, rank):
    u, s, vt = np.linalg.svd(change)
    best = u[:, :rank] @ np.diag(s[:rank]) @ vt[:rank]
    return float(np.linalg.norm(change - best) / np.linalg.norm(change))
'''),
    Answer("low_rank_error", "in PyTorch", source='''
def low_rank_error(change, rank):
    values = torch.linalg.svdvals(torch.tensor(change))
    return float(values[rank:].norm() / values.norm())
'''),
]

WRONG = [*LORAS, *MERGES, *BACKS, *COUNTS, *ADAPTS, *SOFTS, *PREFIXES, *CHOICES, *CALS, *BITS, *LOWS]
RIGHT = [*RIGHT_LORAS, *RIGHT_MERGES, *RIGHT_BACKS, *RIGHT_COUNTS, *RIGHT_ADAPTS, *RIGHT_SOFTS, *RIGHT_PREFIXES,
         *RIGHT_CHOICES, *RIGHT_CALS, *RIGHT_BITS, *RIGHT_LOWS]  # fmt: skip
