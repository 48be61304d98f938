"""Known answers of chapter 09: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------------------- gpt3_row

ROW = '''
def gpt3_row(n_layers, d_model, vocab_size, context_length, n_tokens):
    matrices = 4 * d_model * d_model + 2 * d_model * 4 * d_model
    biases = 4 * d_model + 4 * d_model + d_model
    norms = 2 * 2 * d_model
    embeddings = (vocab_size + context_length) * d_model
    parameters = n_layers * (matrices + biases + norms) + embeddings + 2 * d_model
    flops = 6 * parameters * n_tokens
    return {"parameters": parameters, "flops": flops, "petaflop_days": flops / (1e15 * 86_400)}
'''
row = wrong("gpt3_row", ROW)
ROWS = [
    row("output layer counted twice", "the output layer shares the token embedding: count it once",
        ("(vocab_size + context_length) * d_model", "(2 * vocab_size + context_length) * d_model")),
    row("no biases", "the six matrices have biases: 4D in attention, 4D and D in the feed-forward part",
        ("(matrices + biases + norms)", "(matrices + norms)")),
    row("no positions", "the position embedding is learned, too: context_length rows of D numbers",
        ("(vocab_size + context_length)", "vocab_size")),
    row("no final norm", "the final layer norm is missing", (" + 2 * d_model\n", "\n")),
    row("norms without bias", "a layer norm has a weight and a bias, 2D numbers", ("2 * 2 * d_model", "2 * d_model")),
    row("three attention matrices", "attention has four matrices: query, key, value and output",
        ("4 * d_model * d_model +", "3 * d_model * d_model +")),
    row("feed-forward not widened", "the feed-forward part widens to 4D: its two matrices hold 8D² numbers",
        ("2 * d_model * 4 * d_model", "2 * d_model * d_model")),
    row("forward only", "2 operations for each parameter and token are the forward pass; the backward pass costs twice "
        "as much again", ("6 * parameters", "2 * parameters")),
    row("hours instead of days", "a day has 86,400 seconds", ("86_400", "3_600")),
    row("tera instead of peta", "peta is 10^15", ("1e15", "1e12")),
    row("multiplied", "divide the operations by those of one petaflop/s-day", ("flops / (1e15 * 86_400)",
                                                                              "flops * 86_400 / 1e15")),
]
RIGHT_ROWS = [
    Answer("gpt3_row", "twelve squares, thirteen rows", source='''
def gpt3_row(n_layers, d_model, vocab_size, context_length, n_tokens):
    n = n_layers * (12 * d_model ** 2 + 13 * d_model) + (vocab_size + context_length + 2) * d_model
    return dict(parameters=n, flops=6.0 * n * n_tokens, petaflop_days=6.0 * n * n_tokens / 8.64e19)
'''),
    Answer("gpt3_row", "shapes in a list", source='''
def gpt3_row(n_layers, d_model, vocab_size, context_length, n_tokens):
    d = d_model
    block = 4 * [(d, d), (d,)] + [(d, 4 * d), (4 * d,), (4 * d, d), (d,)] + 4 * [(d,)]
    shapes = [(vocab_size, d), (context_length, d)] + n_layers * block + [(d,), (d,)]
    total = sum(math.prod(shape) for shape in shapes)
    flops = total * n_tokens * (2 + 4)
    return {"petaflop_days": flops / 1e15 / 24 / 60 / 60, "flops": flops, "parameters": total}
'''),
]

# -------------------------------------------------------------------------------------------------- fit_power_law

FIT = '''
def fit_power_law(x, y):
    log_x, log_y = np.log(x), np.log(y)
    centred = log_x - log_x.mean()
    slope = (centred @ log_y) / (centred @ centred)
    return float(np.exp(log_y.mean() - slope * log_x.mean())), float(-slope)
'''
fit = wrong("fit_power_law", FIT)
FITS = [
    fit("slope instead of exponent", "the exponent is minus the slope: positive where y falls",
        ("float(-slope)", "float(slope)")),
    fit("logarithm of the scale", "that is the logarithm of the scale: take exp of the intercept",
        ("np.exp(log_y.mean() - slope * log_x.mean())", "(log_y.mean() - slope * log_x.mean())")),
    fit("line through the origin", "the line has an intercept, too: subtract the means first",
        ("(centred @ log_y) / (centred @ centred)", "(log_x @ log_y) / (log_x @ log_x)")),
    fit("x not in logarithms", "take the logarithm of x as well: y = A e^(-kx) is another law",
        ("np.log(x), np.log(y)", "x / x.max(), np.log(y)")),
    fit("y not in logarithms", "take the logarithm of y as well: the errors to be squared are those of log y",
        ("np.log(x), np.log(y)", "np.log(x), y")),
    fit("first and last point", "this is the line through the first and the last point; least squares uses all of them",
        ("(centred @ log_y) / (centred @ centred)", "(log_y[-1] - log_y[0]) / (log_x[-1] - log_x[0])")),
    fit("swapped", "return the scale first, then the exponent",
        ("return float(np.exp(log_y.mean() - slope * log_x.mean())), float(-slope)",
         "return float(-slope), float(np.exp(log_y.mean() - slope * log_x.mean()))")),
    fit("logarithms mixed", "one logarithm for both: log10 in, but exp out",
        ("np.log(x), np.log(y)", "np.log10(x), np.log10(y)")),
    fit("x explained by y", "this fits log x by log y; with noise that is another line",
        ("(centred @ log_y) / (centred @ centred)",
         "((log_y - log_y.mean()) ** 2).sum() / (centred @ log_y)")),
]
RIGHT_FITS = [
    Answer("fit_power_law", "polyfit with log10", source='''
def fit_power_law(x, y):
    slope, intercept = np.polyfit(np.log10(x), np.log10(y), 1)
    return 10 ** intercept, -slope
'''),
    Answer("fit_power_law", "lstsq", source='''
def fit_power_law(x, y):
    columns = np.stack([np.ones(len(x)), -np.log(x)], axis=1)
    solution = np.linalg.lstsq(columns, np.log(y), rcond=None)[0]
    return float(np.exp(solution[0])), float(solution[1])
'''),
]

# ------------------------------------------------------------------------------------------------- fit_with_floor

FLOOR = '''
def fit_with_floor(x, y, floors):
    best, least = None, math.inf
    for floor in floors[floors < y.min()]:
        scale, exponent = fit_power_law(x, y - floor)
        prediction = floor + scale * x**-exponent
        error = ((np.log(prediction) - np.log(y)) ** 2).sum()
        if error < least:
            best, least = (float(floor), scale, exponent), error
    return best
'''
floor = wrong("fit_with_floor", FLOOR)
NO_FLOOR = "this is the fit without a floor: subtract each candidate before the fit, add it to the prediction"
FLOORS = [
    floor("errors of y - floor", "compare predictions of y, floor included: log(y - floor) has another scale for each "
          "floor", ("((np.log(prediction) - np.log(y)) ** 2)",
                    "((np.log(prediction - floor) - np.log(y - floor)) ** 2)")),
    floor("errors without logarithms", "compare the logarithms of the predictions, not the predictions",
          ("((np.log(prediction) - np.log(y)) ** 2)", "((prediction - y) ** 2)")),
    floor("floor not subtracted", NO_FLOOR, ("fit_power_law(x, y - floor)", "fit_power_law(x, y)")),
    floor("floor not added again", NO_FLOOR,
          ("prediction = floor + scale", "prediction = scale")),
    floor("last floor below y", "try every floor; this takes the largest that is allowed",
          ("if error < least:", "if best is None or floor > best[0]:")),
    floor("stopped too early", "the floors come in any order: try all of them before you decide",
          ("            best, least = (float(floor), scale, exponent), error",
           "            best, least = (float(floor), scale, exponent), error\n        else:\n            break")),
    floor("no floor", NO_FLOOR,
          ("floors[floors < y.min()]", "[0.0]")),
    floor("order", "return floor, scale, exponent in this order",
          ("(float(floor), scale, exponent), error", "(scale, exponent, float(floor)), error")),
]
RIGHT_FLOORS = [
    Answer("fit_with_floor", "min of a list", source='''
def fit_with_floor(x, y, floors):
    def error(law):
        return np.mean(np.log((law[0] + law[1] * np.power(x, -law[2])) / y) ** 2)

    laws = [(float(f), *fit_power_law(x, y - f)) for f in np.sort(floors) if (y > f).all()]
    return min(laws, key=error)
'''),
    Answer("fit_with_floor", "all floors at once", source='''
def fit_with_floor(x, y, floors):
    floors = floors[floors < y.min()]
    log_x, z = np.log(x), np.log(y[None] - floors[:, None])
    centred = log_x - log_x.mean()
    slopes = z @ centred / (centred ** 2).sum()
    intercepts = z.mean(axis=1) - slopes * log_x.mean()
    predictions = floors[:, None] + np.exp(intercepts[:, None] + slopes[:, None] * log_x)
    i = ((np.log(predictions) - np.log(y)) ** 2).sum(axis=1).argmin()
    return float(floors[i]), float(np.exp(intercepts[i])), float(-slopes[i])
'''),
]

# ------------------------------------------------------------------------------------------------ best_allocation

BEST = '''
def best_allocation(compute, a, alpha, b, beta):
    balance = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    n_parameters = balance * (compute / 6) ** (beta / (alpha + beta))
    return n_parameters, compute / 6 / n_parameters
'''
best = wrong("best_allocation", BEST)
BESTS = [
    best("exponents swapped", "N grows with the power beta / (alpha + beta): the *other* term's exponent",
         ("(beta / (alpha + beta))", "(alpha / (alpha + beta))")),
    best("without the exponents", "set the derivative to zero: alpha · a / N^alpha = beta · b / D^beta; the alpha and "
         "the beta in front are missing", ("(alpha * a / (beta * b))", "(a / b)")),
    best("balance upside down", "N is larger where parameters help more: alpha · a stands above",
         ("(alpha * a / (beta * b))", "(beta * b / (alpha * a))")),
    best("no root", "the balance has the power 1 / (alpha + beta)", (" ** (1 / (alpha + beta))", "")),
    best("budget N times D", "the budget is 6 · N · D, not N · D", ("compute / 6", "compute")),
    best("half each", "N and D grow alike only where alpha and beta are the same",
         ("(beta / (alpha + beta))", "0.5"), ("balance = (alpha * a / (beta * b)) ** (1 / (alpha + beta))",
                                             "balance = 1.0")),
    best("tokens forgotten to divide", "D is what the budget leaves: compute / (6 · N)",
         ("compute / 6 / n_parameters", "compute / n_parameters")),
    best("D and N swapped", "return N first, then D", ("return n_parameters, compute / 6 / n_parameters",
                                                      "return compute / 6 / n_parameters, n_parameters")),
    best("twenty tokens", "20 tokens for each parameter is a rule of thumb; here the loss's numbers are given",
         ("n_parameters = balance * (compute / 6) ** (beta / (alpha + beta))",
          "n_parameters = (compute / 120) ** 0.5")),
]
RIGHT_BESTS = [
    Answer("best_allocation", "bisection on the derivative", source='''
def best_allocation(compute, a, alpha, b, beta):
    low, high = -10.0, math.log(compute) + 10
    for _ in range(200):
        middle = (low + high) / 2
        n = math.exp(middle)
        gain = alpha * a / n ** alpha - beta * b / (compute / 6 / n) ** beta
        low, high = (middle, high) if gain > 0 else (low, middle)
    return math.exp(low), compute / 6 / math.exp(low)
'''),
    Answer("best_allocation", "tokens first, in logarithms", source='''
def best_allocation(compute, a, alpha, b, beta):
    product = math.log(compute) - math.log(6)
    log_tokens = (alpha * product + math.log(beta * b) - math.log(alpha * a)) / (alpha + beta)
    return math.exp(product - log_tokens), math.exp(log_tokens)
'''),
]

# ---------------------------------------------------------------------------------------------------- count_pairs

PAIRS = '''
def count_pairs(n_tokens, n_layers, pattern, band_width):
    dense = n_tokens * (n_tokens + 1) // 2
    banded = sum(min(token + 1, band_width) for token in range(n_tokens))
    kinds = pattern.split(",")
    return sum(dense if kinds[layer % len(kinds)] == "dense" else banded for layer in range(n_layers))
'''
pairs = wrong("count_pairs", PAIRS)
PAIRS_WRONG = [
    pairs("not causal", "every layer is causal: T · T counts the future, too",
          ("n_tokens * (n_tokens + 1) // 2", "n_tokens * n_tokens")),
    pairs("not itself", "a token also sees itself: T (T + 1) / 2", ("(n_tokens + 1) // 2", "(n_tokens - 1) // 2")),
    pairs("band everywhere full", "the first tokens have fewer than band_width tokens to see",
          ("sum(min(token + 1, band_width) for token in range(n_tokens))", "n_tokens * band_width")),
    pairs("itself beside the band", "the token itself is one of the band_width",
          ("min(token + 1, band_width)", "min(token + 1, band_width + 1)")),
    pairs("one layer", "count all layers together, not one",
          ("for layer in range(n_layers))", "for layer in range(1))")),
    pairs("banded first", 'the pattern "dense,banded" starts with dense', ("kinds[layer % len(kinds)]",
                                                                         "kinds[(layer + 1) % len(kinds)]")),
    pairs("halves", "with an odd number of layers there is one dense layer more than banded ones",
          ("sum(dense if kinds[layer % len(kinds)] == \"dense\" else banded for layer in range(n_layers))",
           "(n_layers // len(kinds)) * sum(dense if kind == \"dense\" else banded for kind in kinds)")),
    pairs("pattern ignored", "a banded layer sees only the nearest band_width tokens", ("else banded", "else dense")),
    pairs("one banded layer at the end", "the pattern alternates from layer to layer",
          ("kinds[layer % len(kinds)]", "kinds[min(layer // max(1, n_layers - 1), len(kinds) - 1)]")),
]
RIGHT_PAIRS = [
    Answer("count_pairs", "masks", source='''
def count_pairs(n_tokens, n_layers, pattern, band_width):
    dense = np.tril(np.ones((n_tokens, n_tokens), dtype=int))
    banded = np.triu(dense, k=1 - band_width)
    total = 0
    for layer in range(n_layers):
        is_banded = pattern == "banded" or (pattern == "dense,banded" and layer % 2 == 1)
        total += int((banded if is_banded else dense).sum())
    return total
'''),
    Answer("count_pairs", "a formula", source='''
def count_pairs(n_tokens, n_layers, pattern, band_width):
    w = min(band_width, n_tokens)
    one = {"dense": n_tokens * (n_tokens + 1) // 2, "banded": w * (w + 1) // 2 + (n_tokens - w) * w}
    if pattern in one:
        return n_layers * one[pattern]
    return -(-n_layers // 2) * one["dense"] + n_layers // 2 * one["banded"]
'''),
]

# ------------------------------------------------------------------------------------------------ receptive_field

REACH = '''
def receptive_field(position, band_widths):
    reach = sum(math.inf if width is None else width - 1 for width in band_widths)
    return int(min(position, reach)) + 1
'''
reach = wrong("receptive_field", REACH)
REACHES = [
    reach("widths added up", "each layer reaches w - 1 tokens further back: the token itself is one of its w",
          ("width - 1 for", "width for")),
    reach("widths multiplied", "reaches add up from layer to layer; they do not multiply",
          ("sum(math.inf if width is None else width - 1 for width in band_widths)",
           "math.prod(math.inf if width is None else width for width in band_widths) - 1")),
    reach("widest layer", "what a token sees has itself seen others: layers add to the reach",
          ("sum(math.inf if width is None else width - 1 for width in band_widths)",
           "max(math.inf if width is None else width - 1 for width in band_widths)")),
    reach("last layer", "the layers below count, too",
          ("for width in band_widths)", "for width in band_widths[-1:])")),
    reach("beyond the start", "before the first token there is nothing: at most position + 1 tokens",
          ("int(min(position, reach)) + 1", "int(min(position if reach == math.inf else reach, reach)) + 1")),
    reach("itself not counted", "the token itself is counted, too", ("int(min(position, reach)) + 1",
                                                                    "int(min(position, reach))")),
    reach("dense layer ignored", "a dense layer (None) reaches to the start of the text",
          ("math.inf if width is None else width - 1", "0 if width is None else width - 1")),
    reach("position for length", "position counts from 0: position + 1 tokens are there",
          ("int(min(position, reach)) + 1", "int(min(position, reach + 1))")),
]
RIGHT_REACHES = [
    Answer("receptive_field", "layer by layer", source='''
def receptive_field(position, band_widths):
    first = position
    for width in reversed(band_widths):
        first = 0 if width is None else max(0, first - width + 1)
    return position - first + 1
'''),
    Answer("receptive_field", "products of masks", source='''
def receptive_field(position, band_widths):
    n = position + 1
    distance = np.arange(n)[:, None] - np.arange(n)
    seen = np.eye(n)
    for width in band_widths:
        mask = (distance >= 0) & (distance < (n if width is None else width))
        seen = ((mask @ seen) > 0).astype(float)
    return int(seen[position].sum())
'''),
]

# ----------------------------------------------------------------------------------------------- banded_attention

BANDED = '''
def banded_attention(query, key, value, band_width):
    n_tokens, width = query.shape[1], min(band_width, query.shape[1])
    filling = -n_tokens % width
    query, key, value = (torch.nn.functional.pad(x, (0, 0, 0, filling)) for x in (query, key, value))
    queries = query.unflatten(1, (-1, width))

    def with_the_block_before(x):
        blocks = torch.nn.functional.pad(x, (0, 0, width, 0)).unflatten(1, (-1, width))
        return torch.cat([blocks[:, :-1], blocks[:, 1:]], dim=2)

    scores = queries @ with_the_block_before(key).transpose(-2, -1) / math.sqrt(query.shape[-1])
    asks = torch.arange(width)[:, None] + width
    read = torch.arange(2 * width)
    allowed = (read <= asks) & (read > asks - band_width)
    exists = torch.ones(queries.shape[1], 1, 2 * width, dtype=torch.bool)
    exists[0, :, :width] = False
    weights = scores.masked_fill(~(allowed & exists), -math.inf).softmax(dim=-1)
    return (weights @ with_the_block_before(value)).flatten(1, 2)[:, :n_tokens]
'''
banded = wrong("banded_attention", BANDED)
FILLING = "give back T tokens: fill the text up to a multiple of the band, and cut the filling off again"
BANDEDS = [
    banded("first block sees filling", "before the first block there is nothing: its zeros must be masked",
           ("    exists[0, :, :width] = False\n", "")),
    banded("own block only", "the first tokens of a block also see the end of the block before",
           ("exists[0, :, :width] = False", "exists[:, :, :width] = False")),
    banded("whole block before", "the block before is only partly in the band: mask what is too far back",
           ("(read <= asks) & (read > asks - band_width)", "(read <= asks)")),
    banded("no causality", "within its block a token must not see what comes later",
           ("(read <= asks) & (read > asks - band_width)", "(read > asks - band_width)")),
    banded("one too wide", "the token itself is one of the band_width: >, not >=",
           ("(read > asks - band_width)", "(read >= asks - band_width)")),
    banded("one too narrow", "the band is one token too narrow",
           ("(read > asks - band_width)", "(read > asks - band_width + 1) | (read == asks)")),
    banded("no scale", "the scores are not divided by √K", (" / math.sqrt(query.shape[-1])", "")),
    banded("filling not cut off", FILLING,
           (".flatten(1, 2)[:, :n_tokens]", ".flatten(1, 2)")),
    banded("remainder dropped", FILLING,
           ("    query, key, value = (torch.nn.functional.pad(x, (0, 0, 0, filling)) for x in (query, key, value))",
            "    query, key, value = (x[:, : n_tokens - n_tokens % width] for x in (query, key, value))")),
    banded("detached", "", ("[:, :n_tokens]\n", "[:, :n_tokens].detach()\n")),
    banded("gradient of the keys cut", "no gradient reaches the keys: something detaches them",
           ("with_the_block_before(key)", "with_the_block_before(key.detach())")),
    banded("mask after the softmax", "mask before the softmax: forbidden keys are still in the denominator",
           ("scores.masked_fill(~(allowed & exists), -math.inf).softmax(dim=-1)",
            "scores.softmax(dim=-1) * (allowed & exists)")),
]
RIGHT_BANDEDS = [
    Answer("banded_attention", "one diagonal of scores at a time", source='''
def banded_attention(query, key, value, band_width):
    n_tokens, width = query.shape[1], min(band_width, query.shape[1])

    def shifted(x, back):
        return torch.nn.functional.pad(x, (0, 0, back, 0))[:, :n_tokens]

    scores = torch.stack([(query * shifted(key, back)).sum(dim=-1) for back in range(width)], dim=-1)
    scores = scores / math.sqrt(query.shape[-1])
    exists = torch.arange(n_tokens)[:, None] >= torch.arange(width)
    weights = scores.masked_fill(~exists, -math.inf).softmax(dim=-1)
    return sum(weights[..., back, None] * shifted(value, back) for back in range(width))
'''),
    Answer("banded_attention", "a loop over blocks", source='''
def banded_attention(query, key, value, band_width):
    n_tokens, outputs = query.shape[1], []
    for start in range(0, n_tokens, band_width):
        stop, first = min(start + band_width, n_tokens), max(0, start - band_width + 1)
        scores = query[:, start:stop] @ key[:, first:stop].mT * query.shape[-1] ** -0.5
        distance = torch.arange(start, stop)[:, None] - torch.arange(first, stop)
        scores = torch.where((distance >= 0) & (distance < band_width), scores, float("-inf"))
        outputs.append(torch.softmax(scores, dim=-1) @ value[:, first:stop])
    return torch.cat(outputs, dim=1)
'''),
    Answer("banded_attention", "gathered keys", source='''
def banded_attention(query, key, value, band_width):
    n_tokens, width = query.shape[1], min(band_width, query.shape[1])
    places = torch.arange(n_tokens)[:, None] - torch.arange(width)
    near_keys, near_values = key[:, places.clamp(min=0)], value[:, places.clamp(min=0)]
    scores = torch.einsum("btk,btwk->btw", query, near_keys) / math.sqrt(query.shape[-1])
    weights = torch.softmax(torch.where(places >= 0, scores, -torch.inf), dim=-1)
    return torch.einsum("btw,btwk->btk", weights, near_values)
'''),
]

# ------------------------------------------------------------------------------------------------- episode_tokens

EPISODE = '''
def episode_tokens(objects, names):
    tokens = []
    for x, name in zip(objects, names):
        tokens += [x, name]
    inputs = tokens[:-1]
    targets = tokens[1:]
    for place in range(1, len(targets), 2):
        targets[place] = -100
    return inputs, targets, list(range(0, len(inputs), 2))
'''
episode = wrong("episode_tokens", EPISODE)
EPISODES = [
    episode("question's label shown", "the last label must not stand in the inputs: the model could copy it",
            ("inputs = tokens[:-1]", "inputs = tokens")),
    episode("objects scored", "targets that are objects must be -100: which object comes next is chance",
            ("        targets[place] = -100", "        pass")),
    episode("labels not scored", "you score the objects and hide the labels: it is to be the other way round",
            ("range(1, len(targets), 2)", "range(0, len(targets), 2)")),
    episode("targets not shifted", "a GPT predicts the next token: the label is the target at its object's position",
            ("targets = tokens[1:]", "targets = tokens[:-1]"),
            ("range(1, len(targets), 2)", "range(0, len(targets), 2)")),
    episode("only the question scored", "every label is a target, not only the last one",
            ("range(1, len(targets), 2)", "range(len(targets) - 1)")),
    episode("positions of the labels", "the label is predicted at its object: positions 0, 2, 4, …",
            ("list(range(0, len(inputs), 2))", "list(range(1, len(inputs) + 1, 2))")),
    episode("ignored by 0", "a target that is not scored is -100: 0 is a token", ("= -100", "= 0")),
    episode("label before object", "the object comes first, its label after it", ("[x, name]", "[name, x]")),
    episode("all objects, then all labels", "objects and labels take turns",
            ("    tokens = []\n    for x, name in zip(objects, names):\n        tokens += [x, name]",
             "    tokens = objects + names")),
]
RIGHT_EPISODES = [
    Answer("episode_tokens", "slices", source='''
def episode_tokens(objects, names):
    length = 2 * len(objects) - 1
    inputs, targets = [None] * length, [-100] * length
    inputs[::2] = objects
    inputs[1::2] = names[:-1]
    targets[::2] = names
    return inputs, targets, [2 * turn for turn in range(len(objects))]
'''),
    Answer("episode_tokens", "numpy", source='''
def episode_tokens(objects, names):
    tokens = np.stack([objects, names], axis=1).ravel()
    targets = np.where(np.arange(1, len(tokens)) % 2 == 1, tokens[1:], -100)
    return tokens[:-1].tolist(), targets.tolist(), np.arange(0, len(targets), 2).tolist()
'''),
]

# ----------------------------------------------------------------------------------------------- family_posterior

POSTERIOR = '''
def family_posterior(copy_probability, objects, families, query):
    weights = np.ones((2, len(copy_probability)))
    for x, family in zip(objects, families):
        weights[family] = weights[family] * copy_probability[:, x]
    weights = weights / weights.sum(axis=1, keepdims=True)
    predictive = weights @ copy_probability[:, query]
    return float(predictive[0] / predictive.sum())
'''
posterior = wrong("family_posterior", POSTERIOR)
POSTERIORS = [
    posterior("rows for columns", "copy_probability[p, x]: the prototype is the row, the object the column",
              ("copy_probability[:, x]", "copy_probability[x, :]"),
              ("copy_probability[:, query]", "copy_probability[query, :]")),
    posterior("not normalised", "normalise each family's weights: their product shrinks with the number of examples",
              ("    weights = weights / weights.sum(axis=1, keepdims=True)\n", "")),
    posterior("sum of likelihoods", "independent examples: multiply their probabilities, do not add them",
              ("weights[family] * copy", "weights[family] + copy")),
    posterior("best prototype only", "weigh all prototypes, do not take the most probable one alone",
              ("weights @ copy_probability[:, query]", "copy_probability[weights.argmax(axis=1), query]")),
    posterior("family 1", "this is the probability of family 1", ("predictive[0] /", "predictive[1] /")),
    posterior("odds", "divide by the sum of both families: these are odds, not a probability",
              ("predictive.sum()", "predictive[1]")),
    posterior("families ignored", "an example counts only for the prototype of its own family",
              ("weights[family] = weights[family] *", "weights = weights *")),
    posterior("families counted as prior", "before it is seen, the query is of either family with probability 1/2, "
              "however many examples each has",
              ("    return", "    counts = np.bincount(families, minlength=2) if len(families) else np.ones(2)\n"
               "    predictive = predictive * (counts + 1)\n    return")),
    posterior("query not used", "the query itself is evidence: how probable is it under each family?",
              ("weights @ copy_probability[:, query]", "weights.max(axis=1)")),
]
RIGHT_POSTERIORS = [
    Answer("family_posterior", "all pairs", source='''
def family_posterior(copy_probability, objects, families, query):
    n = len(copy_probability)
    pairs = np.ones((n, n))
    for x, family in zip(objects, families):
        factor = copy_probability[:, x]
        pairs = pairs * (factor[:, None] if family == 0 else factor[None, :])
    first = (pairs * copy_probability[:, query][:, None]).sum()
    second = (pairs * copy_probability[:, query][None, :]).sum()
    return float(first / (first + second))
'''),
    Answer("family_posterior", "logarithms", source='''
def family_posterior(copy_probability, objects, families, query):
    logs = np.log(copy_probability)
    predictive = []
    for wanted in (0, 1):
        score = sum((logs[:, x] for x, family in zip(objects, families) if family == wanted), np.zeros(len(logs)))
        weights = np.exp(score - score.max())
        predictive.append(np.average(copy_probability[:, query], weights=weights))
    return float(1 / (1 + predictive[1] / predictive[0]))
'''),
]

# ----------------------------------------------------------------------------------------------- induction_target

TARGET = '''
def induction_target(ids):
    targets = []
    for t in range(len(ids)):
        found = -1
        for j in range(t):
            if ids[j] == ids[t]:
                found = j + 1
        targets.append(found)
    return targets
'''
target = wrong("induction_target", TARGET)
TARGETS = [
    target("the occurrence itself", "the target is the place after the earlier occurrence: that is what comes next",
           ("found = j + 1", "found = j")),
    target("the place before", "after the earlier occurrence, not before it", ("found = j + 1", "found = j - 1")),
    target("first occurrence", "the latest earlier occurrence, not the first",
           ("                found = j + 1", "                found = j + 1\n                break")),
    target("itself counts", "an earlier occurrence: the token itself does not count", ("range(t)", "range(t + 1)")),
    target("future counts", "only places before t: the future is hidden", ("range(t)", "range(len(ids) - 1)")),
    target("0 for none", "-1 where there is none: 0 is a place", ("found = -1", "found = 0")),
    target("None for none", "-1 where there is none, not None", ("found = -1", "found = None")),
    target("token instead of place", "give the place, not the token that stands there",
           ("found = j + 1", "found = ids[j + 1]")),
    target("distance", "give the place itself, not how far back it is", ("found = j + 1", "found = t - j - 1")),
]
RIGHT_TARGETS = [
    Answer("induction_target", "searching backwards", source='''
def induction_target(ids):
    def find(t):
        for j in reversed(range(t)):
            if ids[j] == ids[t]:
                return j + 1
        return -1
    return [find(t) for t in range(len(ids))]
'''),
    Answer("induction_target", "a table of pairs", source='''
def induction_target(ids):
    ids = np.array(ids)
    places = np.arange(1, len(ids) + 1)
    same = np.tril(ids[:, None] == ids, -1)
    best = (same * places).max(axis=1)
    return np.where(best > 0, best, -1).tolist()
'''),
]

# ---------------------------------------------------------------------------------------------- calibration_error

CALIBRATION = '''
def calibration_error(probabilities, labels, n_bins):
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(float)
    edges = np.arange(n_bins + 1) / n_bins
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.sum() > 0:
            gap = abs(confidence[inside].mean() - right[inside].mean())
            error += gap * inside.sum() / len(labels)
    return float(error)
'''
calibration = wrong("calibration_error", CALIBRATION)
CALIBRATIONS = [
    calibration("bins not weighted", "each bin counts with its share of the questions",
                ("inside.sum() / len(labels)", "1 / n_bins")),
    calibration("signed gaps", "take the size of each bin's gap: too sure in one bin does not make up for another",
                ("abs(confidence[inside].mean() - right[inside].mean())",
                 "(confidence[inside].mean() - right[inside].mean())")),
    calibration("squared gaps", "the size of the gap, not its square",
                ("gap = abs(confidence[inside].mean() - right[inside].mean())",
                 "gap = (confidence[inside].mean() - right[inside].mean()) ** 2")),
    calibration("one gap for all", "take the size of each bin's gap: too sure in one bin does not make up for another",
                ("edges = np.arange(n_bins + 1) / n_bins", "edges = np.array([0.0, 1.0])")),
    calibration("each question its own gap", "a bin's mean confidence and share right come first, then their gap",
                ("abs(confidence[inside].mean() - right[inside].mean())",
                 "abs(confidence[inside] - right[inside]).mean()")),
    calibration("probability of the right class", "the confidence is that of the model's own answer, its largest "
                "probability, whether it is right or not",
                ("probabilities.max(axis=1)", "probabilities[np.arange(len(labels)), labels]")),
    calibration("middle of the bin", "the bin's mean confidence, not its middle",
                ("confidence[inside].mean() -", "(low + high) / 2 -")),
    calibration("edges in the bin above", "a confidence on an edge belongs to the bin below: greater than the lower "
                "edge, at most the upper one",
                ("(confidence > low) & (confidence <= high)", "(confidence >= low) & (confidence < high)")),
    calibration("divided by the bins", "a weighted mean already: do not divide by the number of bins once more",
                ("return float(error)", "return float(error / n_bins)")),
]
RIGHT_CALIBRATIONS = [
    Answer("calibration_error", "sums by bincount", source='''
def calibration_error(probabilities, labels, n_bins):
    answer = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(answer)), answer]
    number = np.ceil(confidence * n_bins).astype(int) - 1
    sums = np.bincount(number, weights=confidence - (answer == labels), minlength=n_bins)
    return float(np.abs(sums).sum() / len(labels))
'''),
    Answer("calibration_error", "a dictionary of bins", source='''
def calibration_error(probabilities, labels, n_bins):
    bins = {}
    for row, label in zip(probabilities, labels):
        confidence = float(row.max())
        bins.setdefault(math.ceil(confidence * n_bins), []).append((confidence, int(row.argmax() == label)))
    total = 0.0
    for members in bins.values():
        total += abs(sum(c for c, _ in members) - sum(r for _, r in members))
    return total / len(labels)
'''),
]

WRONG = [*ROWS, *FITS, *FLOORS, *BESTS, *PAIRS_WRONG, *REACHES, *BANDEDS, *EPISODES, *POSTERIORS, *TARGETS,
         *CALIBRATIONS]
RIGHT = [*RIGHT_ROWS, *RIGHT_FITS, *RIGHT_FLOORS, *RIGHT_BESTS, *RIGHT_PAIRS, *RIGHT_REACHES, *RIGHT_BANDEDS,
         *RIGHT_EPISODES, *RIGHT_POSTERIORS, *RIGHT_TARGETS, *RIGHT_CALIBRATIONS]
