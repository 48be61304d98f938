"""Known answers of chapter 01: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------ next_character_counts

COUNTS = '''
def next_character_counts(text):
    counts = {}
    for character, following in zip(text, text[1:]):
        row = counts.setdefault(character, {})
        row[following] = row.get(following, 0) + 1
    return counts
'''
count = wrong("next_character_counts", COUNTS)
COUNTINGS = [
    count("the character before", "it counts what came before each character; count what came next",
          ("zip(text, text[1:])", "zip(text[1:], text)")),
    count("every second pair", "it leaves out every second pair: each character but the last has a next one",
          ("zip(text, text[1:])", "zip(text[::2], text[1::2])")),
    count("two further on", "it counts the character after the next one",
          ("zip(text, text[1:])", "zip(text, text[2:])")),
    count("yes or no", "it says whether a pair occurred; count how often",
          ("row.get(following, 0) + 1", "1")),
    count("one too many", "each count is one too many: a pair that was never seen has the count 0, not 1",
          ("row.get(following, 0)", "row.get(following, 1)")),
    count("spaces skipped", "spaces and line ends are characters, too: they count",
          ("        row =",
           "        if following.isspace() or character.isspace():\n            continue\n        row =")),
    count("lower case", '"A" and "a" are two characters: do not change the text',
          ("zip(text, text[1:])", "zip(text.lower(), text[1:].lower())")),
    count("the end goes on at the beginning", "the last character has no next one: the text does not start anew",
          ("zip(text, text[1:])", "zip(text, text[1:] + text[:1])")),
    count("an empty row for the last", "a character that nothing follows has no entry",
          ("    return counts", "    if text:\n        counts.setdefault(text[-1], {})\n    return counts")),
    count("the last pair forgotten", "the last pair is missing",
          ("zip(text, text[1:])", "zip(text[:-2], text[1:-1])")),
    count("shares instead of counts", "these are shares; the exercise asks for counts, whole numbers",
          ("    return counts",
           "    return {a: {b: n / sum(row.values()) for b, n in row.items()} for a, row in counts.items()}")),
]
RIGHT_COUNTINGS = [
    Answer("next_character_counts", "by index", source='''
def next_character_counts(text):
    result = {}
    for position in range(len(text) - 1):
        first, second = text[position], text[position + 1]
        if first not in result:
            result[first] = {}
        if second not in result[first]:
            result[first][second] = 0
        result[first][second] += 1
    return result
'''),
    Answer("next_character_counts", "ask for each character", source='''
def next_character_counts(text):
    pairs = [text[i:i + 2] for i in range(len(text) - 1)]
    return {a: {p[1]: pairs.count(p) for p in pairs if p[0] == a} for a in {p[0] for p in pairs}}
'''),
]

# ------------------------------------------------------------------------------------------------------- smoothed

SMOOTHED = '''
def smoothed(counts, added):
    more = counts + added
    return more / more.sum(axis=1, keepdims=True)
'''
smooth = wrong("smoothed", SMOOTHED)
SMOOTHINGS = [
    smooth("columns", "divide by each row's sum: it divides by the sums of columns", ("axis=1", "axis=0")),
    smooth("whole table", "each row must sum to 1, not the whole table", ("axis=1, keepdims=True", "")),
    smooth("nothing added", "the counts are taken as they are: add `added` to each",
           ("counts + added", "np.where(counts.sum(axis=1, keepdims=True) > 0, counts, 1)")),
    smooth("added only above", "`added` stands in the numerator only: the rows then sum to more than 1",
           ("more / more.sum", "more / counts.sum")),
    smooth("added once below", "`added` goes to each of the V counts, so a row's sum grows by V times `added`",
           ("more.sum(axis=1, keepdims=True)", "(counts.sum(axis=1, keepdims=True) + added)")),
    smooth("only the zeros", "add to every count, not only to those that are 0",
           ("counts + added", "np.where(counts == 0, added, counts)")),
    smooth("added after dividing", "add to the counts before you divide, not to the probabilities",
           ("counts + added", "counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) + added")),
    smooth("added times V above", "the numerator gets `added` once, not V times",
           ("counts + added", "counts + added * counts.shape[1]")),
    smooth("always one", "it adds 1, whatever `added` is", ("counts + added", "counts + 1")),
    smooth("a softmax", "divide by the sum; no exponential is wanted here",
           ("counts + added", "np.exp(counts + added)")),
    smooth("in place", "", ("more = counts + added", "counts += added\n    more = counts")),
]
RIGHT_SMOOTHINGS = [
    Answer("smoothed", "a formula", source='''
def smoothed(counts, added):
    totals = counts.sum(axis=1) + added * counts.shape[1]
    return (counts + added) / totals[:, None]
'''),
    Answer("smoothed", "row by row", source='''
def smoothed(counts, added):
    rows = []
    for row in counts:
        total = sum(n + added for n in row)
        rows.append([(n + added) / total for n in row])
    return np.array(rows)
'''),
]

# ----------------------------------------------------------------------------------------------------------- draw

DRAW = '''
def draw(probabilities, u):
    ends = np.cumsum(probabilities)
    return int((ends <= u).sum())
'''
drawing = wrong("draw", DRAW)
DRAWINGS = [
    drawing("the likeliest", "it always takes the likeliest token: u must decide",
            ("int((ends <= u).sum())", "int(probabilities.argmax())")),
    drawing("compared with single probabilities", "compare u with where the tokens end: sums, not single probabilities",
            ("np.cumsum(probabilities)", "probabilities")),
    drawing("one too far", "one token too far: count only those that end at u or before it",
            ("(ends <= u).sum()", "(ends <= u).sum() + 1")),
    drawing("from the right", "it counts the tokens that end beyond u, instead of those before",
            ("ends <= u", "ends > u")),
    drawing("owns its end", "a token owns the point where it begins, not the point where it ends",
            ("ends <= u", "ends < u")),
    drawing("sorted by probability", "the tokens lie in the order of their ids, not of their probability",
            ("    ends = np.cumsum(probabilities)\n    return int((ends <= u).sum())",
             "    order = np.argsort(-probabilities)\n    ends = np.cumsum(probabilities[order])\n"
             "    return int(order[(ends <= u).sum()])")),
    drawing("equal shares", "every token gets the same share of the line: use the probabilities",
            ("int((ends <= u).sum())", "int(u * len(ends))")),
    drawing("nearest end", "it takes the token whose end is nearest to u",
            ("int((ends <= u).sum())", "int(np.abs(ends - u).argmin())")),
    drawing("a draw of its own", "it draws by itself and ignores u",
            ("int((ends <= u).sum())", "int((ends <= np.random.default_rng(0).random()).sum())")),
    drawing("a truth value", "give the token's id, an int", ("int((ends <= u).sum())", "ends <= u")),
]
RIGHT_DRAWINGS = [
    Answer("draw", "a search", source='''
def draw(probabilities, u):
    return int(np.searchsorted(np.cumsum(probabilities), u, side="right"))
'''),
    Answer("draw", "walking along the line", source='''
def draw(probabilities, u):
    end = 0.0
    for token, probability in enumerate(probabilities):
        end += probability
        if u < end:
            return token
    return len(probabilities) - 1
'''),
]

# ---------------------------------------------------------------------------------------------------------- write

WRITE = '''
def write(table, first, draws):
    new, last = [], first
    for u in draws:
        last = draw(table[last], u)
        new.append(last)
    return new
'''
writing = wrong("write", WRITE)
WRITINGS = [
    writing("always the first token's row", "every token is drawn from the row of the first one: use the newest",
            ("        last = draw(table[last], u)\n        new.append(last)",
             "        new.append(draw(table[last], u))")),
    writing("the first token included", "the first token is given: return the new ones only",
            ("new, last = [], first", "new, last = [first], first")),
    writing("columns", "the rows are what follows a token; it reads the columns",
            ("table[last]", "table[:, last] / table[:, last].sum()")),
    writing("the likeliest each time", "it takes the likeliest token each time: the draws must decide",
            ("draw(table[last], u)", "int(table[last].argmax())")),
    writing("one draw for all", "each new token needs its own draw: it uses the first one again and again",
            ("draw(table[last], u)", "draw(table[last], draws[0])")),
    writing("draws from the end", "it uses the draws from the last to the first",
            ("for u in draws:", "for u in draws[::-1]:")),
    writing("one too few", "there must be as many new tokens as draws: one is missing",
            ("for u in draws:", "for u in draws[1:]:")),
    writing("last one cut off", "the last new token is missing: as many tokens as draws",
            ("return new", "return new[:-1]")),
    writing("always from row 0", "every token is drawn from row 0: use the row of the token before",
            ("table[last]", "table[0]")),
    writing("one row late", "each token is drawn from the row of the token before the last one",
            ("new, last = [], first", "new, last, older = [], first, first"),
            ("last = draw(table[last], u)", "last, older = draw(table[older], u), last")),
]
RIGHT_WRITINGS = [
    Answer("write", "through an array", source='''
def write(table, first, draws):
    ends = np.cumsum(table, axis=1)
    text = [first]
    for u in draws:
        text.append(int(np.searchsorted(ends[text[-1]], u, side="right")))
    return text[1:]
'''),
    Answer("write", "calling itself", source='''
def write(table, first, draws):
    if len(draws) == 0:
        return []
    token = draw(table[first], draws[0])
    return [token] + write(table, token, draws[1:])
'''),
]

# --------------------------------------------------------------------------------------------- inputs_and_targets

WINDOWS = '''
def inputs_and_targets(ids, context_length):
    n_windows = (len(ids) - 1) // context_length
    if n_windows < 1:
        raise ValueError("too few tokens")
    used = n_windows * context_length
    shape = (n_windows, context_length)
    return ids[:used].reshape(shape), ids[1:used + 1].reshape(shape)
'''
window = wrong("inputs_and_targets", WINDOWS)
WINDOWINGS = [
    window("targets are inputs", "the targets are the inputs themselves: a target is the token after",
           ("ids[1:used + 1]", "ids[:used]")),
    window("shifted the wrong way", "the targets are the tokens before, not after",
           ("return ids[:used].reshape(shape), ids[1:used + 1].reshape(shape)",
            "return ids[1:used + 1].reshape(shape), ids[:used].reshape(shape)")),
    window("shifted by two", "a target is the next token, not the one after that",
           ("(len(ids) - 1)", "(len(ids) - 2)"), ("ids[1:used + 1]", "ids[2:used + 2]")),
    window("shifted by a window", "a target is the next token, not the one a whole window later",
           ("(len(ids) - 1)", "(len(ids) - context_length)"),
           ("ids[1:used + 1]", "ids[context_length:used + context_length]")),
    window("overlapping windows", "the windows stand side by side: the next begins where the last one ended",
           ("    return ids[:used].reshape(shape), ids[1:used + 1].reshape(shape)",
            "    starts = np.arange(len(ids) - context_length)[:, None] + np.arange(context_length)\n"
            "    return ids[starts], ids[starts + 1]")),
    window("wraps around", "the last target is the text's first token: leave out windows without a real next token",
           ("(len(ids) - 1) // context_length", "len(ids) // context_length"),
           ("ids[1:used + 1]", "np.roll(ids, -1)[:used]")),
    window("one window lost", "a whole window is missing at the end",
           ("(len(ids) - 1) // context_length", "(len(ids) - context_length) // context_length")),
    window("windows as columns", "a window is a row, not a column",
           ("ids[:used].reshape(shape), ids[1:used + 1].reshape(shape)",
            "ids[:used].reshape(shape).T, ids[1:used + 1].reshape(shape).T")),
    window("shifted inside the window", "a window's last target is the first token of the next window: it does not "
           "turn round within the window",
           ("ids[1:used + 1].reshape(shape)", "np.roll(ids[:used].reshape(shape), -1, axis=1)")),
    window("no exception", "it must raise ValueError here, but returned a value",
           ("    if n_windows < 1:\n        raise ValueError(\"too few tokens\")\n", "")),
    window("one long row", "the shape must be (W, T): one row for each window",
           ("ids[:used].reshape(shape), ids[1:used + 1].reshape(shape)", "ids[:used], ids[1:used + 1]")),
]
RIGHT_WINDOWINGS = [
    Answer("inputs_and_targets", "a loop", source='''
def inputs_and_targets(ids, context_length):
    inputs, targets = [], []
    start = 0
    while start + context_length + 1 <= len(ids):
        inputs.append(ids[start:start + context_length])
        targets.append(ids[start + 1:start + context_length + 1])
        start += context_length
    if not inputs:
        raise ValueError("not a single window")
    return np.array(inputs), np.array(targets)
'''),
    Answer("inputs_and_targets", "by positions", source='''
def inputs_and_targets(ids, context_length):
    starts = np.arange(0, len(ids) - context_length, context_length)
    if len(starts) == 0:
        raise ValueError("not a single window")
    places = starts[:, None] + np.arange(context_length)
    return ids[places], ids[places + 1]
'''),
]

# ------------------------------------------------------------------------------------------ text_log2_probability

CHAIN = '''
def text_log2_probability(ids, first, table):
    return float(np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum())
'''
chain = wrong("text_log2_probability", CHAIN)
CHAINS = [
    chain("natural logarithm", "the base is 2: use log2, not log", ("np.log2", "np.log")),
    chain("base ten", "the base is 2: use log2, not log10", ("np.log2", "np.log10")),
    chain("first token forgotten", "the first token has a probability, too", ("np.log2(first[ids[0]]) + ", "")),
    chain("product of probabilities", "this is the probability itself: take its logarithm",
          ("np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum()",
           "first[ids[0]] * table[ids[:-1], ids[1:]].prod()")),
    chain("logarithm of the product", "the product became 0: add logarithms instead",
          ("    return", "    np.seterr(divide=\"ignore\")\n    return"),
          ("np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum()",
           "np.log2(first[ids[0]] * table[ids[:-1], ids[1:]].prod())")),
    chain("a mean", "this is a mean for each token: the chain rule wants the sum",
          ("float(np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum())",
           "float((np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum()) / len(ids))")),
    chain("rows and columns", "rows are the token before, columns the token after", ("table[ids[:-1], ids[1:]]",
                                                                                   "table[ids[1:], ids[:-1]]")),
    chain("surprise", "the sign is wrong: the logarithm of a probability is never positive",
          ("float(", "-float(")),
    chain("no context", "each further token has its probability from the row of the token before",
          ("table[ids[:-1], ids[1:]]", "first[ids[1:]]")),
    chain("last token forgotten", "the last token is left out",
          ("table[ids[:-1], ids[1:]]", "table[ids[:-1], ids[1:]][:-1]")),
    chain("sum of probabilities", "probabilities multiply along a text; their logarithms add up",
          ("np.log2(first[ids[0]]) + np.log2(table[ids[:-1], ids[1:]]).sum()",
           "np.log2(first[ids[0]] + table[ids[:-1], ids[1:]].sum())")),
]
RIGHT_CHAINS = [
    Answer("text_log2_probability", "a loop", source='''
def text_log2_probability(ids, first, table):
    total = math.log2(first[ids[0]])
    for position in range(1, len(ids)):
        total += math.log2(table[ids[position - 1], ids[position]])
    return total
'''),
    Answer("text_log2_probability", "natural logarithms, converted", source='''
def text_log2_probability(ids, first, table):
    chances = np.append(first[ids[0]], [table[a, b] for a, b in zip(ids, ids[1:])])
    return float(np.log(chances).sum() / np.log(2))
'''),
]

# --------------------------------------------------------------------------------------------- bits_per_character

BITS = '''
def bits_per_character(probabilities, tokens):
    return float(-np.log2(probabilities).sum() / sum(map(len, tokens)))
'''
bit = wrong("bits_per_character", BITS)
BITS_WRONG = [
    bit("per token", "this is per token: divide by the characters of all tokens",
        ("sum(map(len, tokens))", "len(tokens)")),
    bit("natural logarithm", "bits are logarithms to base 2: use log2", ("np.log2", "np.log")),
    bit("negative", "surprise is positive: log2(1/p), not log2(p)", ("-np.log2", "np.log2")),
    bit("a sum", "divide by the number of characters", (" / sum(map(len, tokens))", "")),
    bit("mean of ratios", "divide all bits by all characters; a mean of ratios weighs short tokens too much",
        ("-np.log2(probabilities).sum() / sum(map(len, tokens))",
         "np.mean(-np.log2(probabilities) / np.array([len(token) for token in tokens]))")),
    bit("logarithm of the mean", "take the logarithm of each probability, then add",
        ("-np.log2(probabilities).sum()", "-np.log2(probabilities.mean()) * len(tokens)")),
    bit("mean by characters", "all bits, not their mean, by all characters", (".sum() /", ".mean() /")),
    bit("spaces left out", "spaces and line ends are characters, too",
        ("sum(map(len, tokens))", "max(1, len(\"\".join(\"\".join(tokens).split())))")),
    bit("probability per character", "the surprise is a logarithm, not the probability",
        ("-np.log2(probabilities).sum()", "probabilities.sum()")),
    bit("the inverse", "these are characters per bit: the other way round",
        ("-np.log2(probabilities).sum() / sum(map(len, tokens))",
         "sum(map(len, tokens)) / max(-np.log2(probabilities).sum(), 1e-300)")),
]
RIGHT_BITS = [
    Answer("bits_per_character", "a loop", source='''
def bits_per_character(probabilities, tokens):
    bits = sum(math.log2(1 / p) for p in probabilities)
    return bits / len("".join(tokens))
'''),
    Answer("bits_per_character", "nats first", source='''
def bits_per_character(probabilities, tokens):
    nats = -np.log(probabilities)
    return float(np.sum(nats) / np.log(2) / np.sum([len(t) for t in tokens]))
'''),
]

# ------------------------------------------------------------------------------------------------- gpt_parameters

PARAMETERS = '''
def gpt_parameters(vocab_size, context_length, n_layers, d_model):
    tables = vocab_size * d_model + context_length * d_model
    layer = 12 * d_model**2 + 13 * d_model
    return tables + n_layers * layer + 2 * d_model
'''
parameter = wrong("gpt_parameters", PARAMETERS)
PARAMETERS_WRONG = [
    parameter("positions forgotten", "the position table is missing", (" + context_length * d_model", "")),
    parameter("output counted again", "the output uses the token table again: count it once",
              ("tables = vocab_size", "tables = 2 * vocab_size")),
    parameter("one layer", "there are L layers: one is counted", ("n_layers * layer", "layer")),
    parameter("last norm forgotten", "the last norm, 2 D, is missing", (" + 2 * d_model\n", "\n")),
    parameter("a last norm in each layer", "the last norm, 2 D, stands once, not in each layer",
              ("n_layers * layer + 2 * d_model", "n_layers * (layer + 2 * d_model)")),
    parameter("biases forgotten", "each layer has 13 D in biases and norms, too", (" + 13 * d_model", "")),
    parameter("attention only", "each layer has the feed-forward part as well: 4 D² + 8 D²", ("12 * d_model**2",
                                                                                           "4 * d_model**2")),
    parameter("feed-forward only", "each layer has attention as well: 4 D² + 8 D²",
              ("12 * d_model**2", "8 * d_model**2")),
    parameter("not squared", "the matrices hold 12 D² numbers: the width is squared",
              ("12 * d_model**2", "12 * d_model")),
    parameter("tables in each layer", "the tables stand once, before the first layer",
              ("tables + n_layers * layer", "n_layers * (tables + layer)")),
    parameter("a float", "the number of parameters is a whole number: an int",
              ("return tables", "return 1.0 * tables")),
]
RIGHT_PARAMETERS = [
    Answer("gpt_parameters", "part by part", source='''
def gpt_parameters(vocab_size, context_length, n_layers, d_model):
    total = 0
    total += vocab_size * d_model
    total += context_length * d_model
    for _ in range(n_layers):
        total += 4 * d_model * d_model
        total += 8 * d_model * d_model
        total += 13 * d_model
    return total + 2 * d_model
'''),
    Answer("gpt_parameters", "the width taken out", source='''
def gpt_parameters(vocab_size, context_length, n_layers, d_model):
    return d_model * (vocab_size + context_length + n_layers * (12 * d_model + 13) + 2)
'''),
]

# ---------------------------------------------------------------------------------------------- largest_that_fits

FITS = '''
def largest_that_fits(n_parameters, memory, bytes_each):
    fitting = [name for name, count in n_parameters.items() if count * bytes_each <= memory]
    return max(fitting, key=n_parameters.get, default=None)
'''
fit = wrong("largest_that_fits", FITS)
FITS_WRONG = [
    fit("parameters as bytes", "a parameter takes `bytes_each` bytes: multiply", ("count * bytes_each", "count")),
    fit("divided", "multiply the parameters by the bytes of each: it divides",
        ("count * bytes_each", "count / bytes_each")),
    fit("always four bytes", "a parameter takes `bytes_each` bytes, not always 4", ("* bytes_each", "* 4")),
    fit("exactly full does not fit", "a model that fills the memory exactly fits", ("<= memory", "< memory")),
    fit("the smallest", "of the models that fit, it gives the smallest", ("max(", "min(")),
    fit("the first that fits", "it gives the first that fits, not the largest",
        ("max(fitting, key=n_parameters.get, default=None)", "fitting[0] if fitting else None")),
    fit("the last that fits", "it gives the last that fits, not the largest",
        ("max(fitting, key=n_parameters.get, default=None)", "fitting[-1] if fitting else None")),
    fit("the largest name", "it compares the names; compare the sizes", ("key=n_parameters.get, ", "")),
    fit("the largest of all", "it gives the largest of all, whether it fits or not",
        (" if count * bytes_each <= memory", "")),
    fit("its size", "give the model's name, not its size",
        ("max(fitting, key=n_parameters.get, default=None)", "max((n_parameters[n] for n in fitting), default=None)")),
    fit("an error for nothing", "if nothing fits, return None", (", default=None", "")),
]
RIGHT_FITS = [
    Answer("largest_that_fits", "a loop", source='''
def largest_that_fits(n_parameters, memory, bytes_each):
    best, most = None, -1
    for name in n_parameters:
        count = n_parameters[name]
        if count * bytes_each <= memory and count > most:
            best, most = name, count
    return best
'''),
    Answer("largest_that_fits", "sorted, the largest first", source='''
def largest_that_fits(n_parameters, memory, bytes_each):
    for name, count in sorted(n_parameters.items(), key=lambda item: -item[1]):
        if count * bytes_each <= memory:
            return name
    return None
'''),
]

# ------------------------------------------------------------------------------------------------- reading_budget

BUDGET = '''
def reading_budget(updates, batch_size, context_length, n_training_tokens, n_parameters):
    read = float(updates * batch_size * context_length)
    epochs = read / n_training_tokens
    each = read / n_parameters
    return {"tokens read": read, "epochs": epochs, "tokens per parameter": each}
'''
budget = wrong("reading_budget", BUDGET)
BUDGETS = [
    budget("one window an update", "each update reads `batch_size` windows, not one",
           ("updates * batch_size * context_length", "updates * context_length")),
    budget("one token a window", "each window has `context_length` tokens, not one",
           ("updates * batch_size * context_length", "updates * batch_size")),
    budget("one update", "count all updates, not one",
           ("updates * batch_size * context_length", "batch_size * context_length")),
    budget("epochs turned round", "epochs: tokens read by the text's length, not the other way round",
           ("read / n_training_tokens", "n_training_tokens / read")),
    budget("parameters per token", "tokens for each parameter, not parameters for each token",
           ("read / n_parameters", "n_parameters / read")),
    budget("text length per parameter", "divide the tokens that were read, repeats included, not the text's length",
           ("each = read", "each = n_training_tokens")),
    budget("whole epochs", "epochs need not be a whole number: do not round",
           ("read / n_training_tokens", "read // n_training_tokens")),
    budget("swapped", "epochs and tokens per parameter are swapped",
           ('"epochs": epochs, "tokens per parameter": each', '"epochs": each, "tokens per parameter": epochs')),
    budget("next tokens only", "a window of T tokens predicts T next tokens: do not subtract one",
           ("context_length)", "(context_length - 1))")),
    budget("in per cent", "epochs is a plain number, not a percentage",
           ("read / n_training_tokens", "100 * read / n_training_tokens")),
]
RIGHT_BUDGETS = [
    Answer("reading_budget", "one by one", source='''
def reading_budget(updates, batch_size, context_length, n_training_tokens, n_parameters):
    result = {}
    result["tokens per parameter"] = updates * batch_size * context_length / n_parameters
    result["epochs"] = updates * batch_size * context_length / n_training_tokens
    result["tokens read"] = updates * batch_size * context_length * 1.0
    return result
'''),
    Answer("reading_budget", "update after update", source='''
def reading_budget(updates, batch_size, context_length, n_training_tokens, n_parameters):
    read = 0.0
    for _ in range(updates):
        read += batch_size * context_length
    return dict(zip(("tokens read", "epochs", "tokens per parameter"),
                    (read, read / n_training_tokens, read / n_parameters)))
'''),
]

WRONG = [*COUNTINGS, *SMOOTHINGS, *DRAWINGS, *WRITINGS, *WINDOWINGS, *CHAINS, *BITS_WRONG, *PARAMETERS_WRONG,
         *FITS_WRONG, *BUDGETS]  # fmt: skip
RIGHT = [*RIGHT_COUNTINGS, *RIGHT_SMOOTHINGS, *RIGHT_DRAWINGS, *RIGHT_WRITINGS, *RIGHT_WINDOWINGS, *RIGHT_CHAINS,
         *RIGHT_BITS, *RIGHT_PARAMETERS, *RIGHT_FITS, *RIGHT_BUDGETS]  # fmt: skip
