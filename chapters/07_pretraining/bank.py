"""Known answers of chapter 07: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# --------------------------------------------------------------------------------------------- next_token_windows

WINDOWS = '''
def next_token_windows(ids, context_length, offset):
    n_windows = (len(ids) - 1 - offset) // context_length
    starts = offset + np.arange(n_windows) * context_length
    places = starts[:, None] + np.arange(context_length)
    return ids[places], ids[places + 1]
'''
window = wrong("next_token_windows", WINDOWS)
WINDOW_LIST = [
    window("targets are the inputs", "the targets are the inputs one token later, not the inputs themselves",
           ("ids[places + 1]", "ids[places]")),
    window("targets two later", "the target is the very next token, one later and not two",
           ("(len(ids) - 1 - offset)", "(len(ids) - 2 - offset)"), ("places + 1", "places + 2")),
    window("targets shifted back", "the targets lie one token later, not one earlier", ("places + 1", "places - 1")),
    window("one window fewer", "one more window fits: its last target is the last token of the text",
           ("(len(ids) - 1 - offset) // context_length", "(len(ids) - 1 - offset) // context_length - 1")),
    window("no room for the targets counted", "one token is needed after the last window: that window's last target",
           ("(len(ids) - 1 - offset)", "(len(ids) - 2 - offset)")),
    window("overlapping windows", "each window begins where the one before ended, not one token after its begin",
           ("np.arange(n_windows) * context_length", "np.arange(n_windows)")),
    window("a gap for the target", "there is no gap between windows: the last target is the first input of the next",
           ("// context_length\n", "// (context_length + 1)\n"), ("* context_length", "* (context_length + 1)")),
    window("offset ignored", "the first window begins at the offset", ("offset + np", "np")),
    window("rolled within the window", "a window's last target is the next token of the text, not the window's first",
           ("ids[places + 1]", "np.roll(ids[places], -1, axis=1)")),
    window("order swapped", "inputs first, then targets",
           ("ids[places], ids[places + 1]", "ids[places + 1], ids[places]")),
]
RIGHT_WINDOWS = [
    Answer("next_token_windows", "a loop", source='''
def next_token_windows(ids, context_length, offset):
    inputs, targets = [], []
    start = offset
    while start + context_length < len(ids):
        inputs.append(ids[start : start + context_length])
        targets.append(ids[start + 1 : start + context_length + 1])
        start += context_length
    return np.stack(inputs), np.stack(targets)
'''),
    Answer("next_token_windows", "all in one reshape", source='''
def next_token_windows(ids, context_length, offset):
    usable = (len(ids) - offset - 1) // context_length * context_length
    both = np.stack([ids[offset:-1][:usable], ids[offset + 1:][:usable]])
    inputs, targets = both.reshape(2, -1, context_length)
    return inputs.copy(), targets.copy()
'''),
]

# ---------------------------------------------------------------------------------------------- windows_of_update

UPDATE = '''
def windows_of_update(step, batch_size, n_windows, seed):
    first = step * batch_size
    result = np.empty(batch_size, dtype=np.int64)
    for row in range(batch_size):
        epoch = (first + row) // n_windows
        order = np.random.default_rng([seed, epoch]).permutation(n_windows)
        result[row] = order[(first + row) % n_windows]
    return result
'''
update = wrong("windows_of_update", UPDATE)
UPDATES = [
    update("same order in each epoch", "each epoch has an order of its own: its number belongs to the generator",
           ("[seed, epoch]", "[seed, 0]")),
    update("drawn with replacement", "an epoch reads each window once: a permutation, not independent draws",
           ("permutation(n_windows)", "integers(0, n_windows, n_windows)")),
    update("not shuffled", "the windows of an epoch come in the generator's order, not in the text's",
           ("np.random.default_rng([seed, epoch]).permutation(n_windows)", "np.arange(n_windows)")),
    update("step for epoch", "the generator takes the number of the epoch, not of the update",
           ("[seed, epoch]", "[seed, step]")),
    update("batch of one epoch only", "an update that reaches the end of an epoch goes on in the next epoch's order",
           ("(first + row) // n_windows", "first // n_windows")),
    update("rest of the epoch dropped", "no window is dropped at the end of an epoch: the update goes on in the next",
           ("    first = step * batch_size\n", "    per_epoch = max(1, n_windows // batch_size)\n"
            "    first = step // per_epoch * n_windows + step % per_epoch * batch_size\n")),
    update("batch size forgotten", "update s begins at window s · batch_size of the row",
           ("step * batch_size", "step")),
    update("seed and epoch added", "the generator's seed is the pair [seed, epoch], not their sum",
           ("[seed, epoch]", "seed + epoch")),
    update("pair the other way round", "the generator's seed is [seed, epoch], in this order",
           ("[seed, epoch]", "[epoch, seed]")),
    update("inverse permutation", "the row holds the permutation itself: at place i stands permutation[i]",
           (".permutation(n_windows)", ".permutation(n_windows).argsort()")),
]
RIGHT_UPDATES = [
    Answer("windows_of_update", "the row up to here", source='''
def windows_of_update(step, batch_size, n_windows, seed):
    end = (step + 1) * batch_size
    row = []
    epoch = 0
    while len(row) < end:
        row.extend(np.random.default_rng([seed, epoch]).permutation(n_windows))
        epoch += 1
    return np.array(row[end - batch_size:end], dtype=np.int64)
'''),
    Answer("windows_of_update", "epochs that are touched", source='''
def windows_of_update(step, batch_size, n_windows, seed):
    first = step * batch_size
    first_epoch, last_epoch = first // n_windows, (first + batch_size - 1) // n_windows
    epochs = range(first_epoch, last_epoch + 1)
    orders = [np.random.default_rng([seed, epoch]).permutation(n_windows) for epoch in epochs]
    skipped = first - first_epoch * n_windows
    return np.concatenate(orders)[skipped:skipped + batch_size].astype(np.int64)
'''),
]

# -------------------------------------------------------------------------------------------------- momentum_step

MOMENTUM = '''
def momentum_step(parameters, gradients, velocities, learning_rate, momentum):
    new_parameters, new_velocities = {}, {}
    for name in parameters:
        old = velocities.get(name, np.zeros_like(parameters[name]))
        velocity = momentum * old + gradients[name]
        new_velocities[name] = np.asarray(velocity)
        new_parameters[name] = np.asarray(parameters[name] - learning_rate * velocity)
    return new_parameters, new_velocities
'''
momentum = wrong("momentum_step", MOMENTUM)
MOMENTA = [
    momentum("a moving mean", "the gradient enters whole, not times 1 - μ: that is Adam's mean",
             ("+ gradients[name]", "+ (1 - momentum) * gradients[name]")),
    momentum("the old velocity used", "the step uses the new velocity",
             ("learning_rate * velocity)", "learning_rate * old)")),
    momentum("plain gradient descent", "the step goes along the velocity, not along the gradient",
             ("learning_rate * velocity)", "learning_rate * gradients[name])")),
    momentum("uphill", "the step goes against the velocity: minus", ("parameters[name] - l", "parameters[name] + l")),
    momentum("learning rate within the velocity", "the learning rate stands outside of the velocity",
             ("+ gradients[name]", "+ learning_rate * gradients[name]"), ("learning_rate * velocity)", "velocity)")),
    momentum("rate twice", "the learning rate is applied twice: in the velocity and in the step",
             ("+ gradients[name]", "+ learning_rate * gradients[name]")),
    momentum("Nesterov", "this is Nesterov's variant, which looks ahead; plain momentum is asked for",
             ("learning_rate * velocity)", "learning_rate * (gradients[name] + momentum * velocity))")),
    momentum("velocity forgotten", "the old velocity counts, too: v ← μ v + g", ("momentum * old + ", "")),
    momentum("velocity never fades", "the old velocity is multiplied by μ", ("momentum * old", "old")),
    momentum("gradient times momentum", "μ multiplies the old velocity alone, not the gradient",
             ("momentum * old + gradients[name]", "momentum * (old + gradients[name])")),
    momentum("in place", "", ("        new_p", "        parameters[name] -= learning_rate * velocity\n        new_p"),
             ("parameters[name] - learning_rate * velocity)\n    return", "parameters[name])\n    return")),
]
RIGHT_MOMENTA = [
    Answer("momentum_step", "comprehensions", source='''
def momentum_step(parameters, gradients, velocities, learning_rate, momentum):
    speed = {n: np.asarray(g + momentum * velocities[n] if n in velocities else g + 0.0) for n, g in gradients.items()}
    return {n: np.asarray(p - learning_rate * speed[n]) for n, p in parameters.items()}, speed
'''),
    Answer("momentum_step", "copies changed in place", source='''
def momentum_step(parameters, gradients, velocities, learning_rate, momentum):
    thetas = {name: np.array(theta) for name, theta in parameters.items()}
    speeds = {}
    for name, theta in thetas.items():
        speed = np.array(velocities[name]) if name in velocities else np.zeros(theta.shape)
        speed *= momentum
        speed += gradients[name]
        theta -= learning_rate * speed
        speeds[name] = speed
    return thetas, speeds
'''),
]

# --------------------------------------------------------------------------------------------------- decay_groups

GROUPS = '''
def decay_groups(shapes, frozen):
    def is_frozen(name):
        return any(name == entry or name.startswith(entry + ".") for entry in frozen)

    decayed = [name for name, shape in shapes.items() if len(shape) >= 2 and not is_frozen(name)]
    others = [name for name, shape in shapes.items() if len(shape) < 2 and not is_frozen(name)]
    return {"decayed": sorted(decayed), "not decayed": sorted(others)}
'''
group = wrong("decay_groups", GROUPS)
GROUP_LIST = [
    group("everything decays", "biases and norms, with one dimension, do not decay",
          ("len(shape) >= 2 and", "True and"), ("len(shape) < 2 and", "False and")),
    group("by the name", "the number of dimensions decides, not the word in the name: a norm's weight has one",
          ("len(shape) >= 2", '"bias" not in name'), ("len(shape) < 2", '"bias" in name')),
    group("exactly two dimensions", "two or more dimensions decay, so three as well",
          ("len(shape) >= 2", "len(shape) == 2"), ("len(shape) < 2", "len(shape) != 2")),
    group("single numbers lost", "a single number, with no dimension, is trained without decay",
          ("len(shape) < 2", "len(shape) == 1")),
    group("prefix without the dot", "blocks.1 must not freeze blocks.10: after the name comes a dot, or nothing",
          ('entry + "."', "entry")),
    group("modules only", "an entry may also name one parameter exactly", ("name == entry or ", "")),
    group("parameters only", "an entry may name a module: it freezes all that lies below it",
          (' or name.startswith(entry + ".")', "")),
    group("anywhere in the name", "a frozen name stands at the beginning of the parameter's name, not anywhere in it",
          ('name == entry or name.startswith(entry + ".")', "entry in name")),
    group("frozen ones without decay", "what is frozen stands in neither group",
          ("len(shape) < 2 and not is_frozen(name)", "(len(shape) < 2 or is_frozen(name))")),
    group("frozen ignored", "what is frozen is left out", ("return any(", "return False and any(")),
    group("not sorted", "the names are to be in alphabetical order", ("sorted(decayed)", "decayed"),
          ("sorted(others)", "others")),
    group("swapped", "the two groups are swapped", ('"decayed": sorted(decayed), "not decayed": sorted(others)',
                                                    '"decayed": sorted(others), "not decayed": sorted(decayed)')),
]
RIGHT_GROUPS = [
    Answer("decay_groups", "with a dot at the end", source='''
def decay_groups(shapes, frozen):
    beginnings = tuple(entry + "." for entry in frozen)
    groups = {"decayed": [], "not decayed": []}
    for name in sorted(shapes):
        if not (name + ".").startswith(beginnings):
            groups["decayed" if len(shapes[name]) > 1 else "not decayed"].append(name)
    return groups
'''),
    Answer("decay_groups", "by parts of the name", source='''
def decay_groups(shapes, frozen):
    asleep = {tuple(entry.split(".")) for entry in frozen}

    def is_awake(name):
        parts = tuple(name.split("."))
        return not any(parts[:n] in asleep for n in range(1, len(parts) + 1))

    awake = sorted(filter(is_awake, shapes))
    matrices = [name for name in awake if len(shapes[name]) not in (0, 1)]
    return {"decayed": matrices, "not decayed": [name for name in awake if name not in matrices]}
'''),
]

# -------------------------------------------------------------------------------------------------- learning_rate

RATE = '''
def learning_rate(step, steps, peak, final, warmup_steps):
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if step >= steps:
        return final
    progress = (step - warmup_steps) / (steps - 1 - warmup_steps)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))
'''
rate = wrong("learning_rate", RATE)
RATES = [
    rate("first update gets 0", "update 0 gets peak / warmup_steps, not 0: otherwise it is wasted",
         ("(step + 1) / warmup_steps", "step / warmup_steps")),
    rate("no warm-up", "the warm-up is missing", ("step < warmup_steps", "False")),
    rate("final forgotten", "the cosine ends at `final`, not at 0", ("final + (peak - final)", "peak")),
    rate("final added on top", "the cosine goes from the peak to `final`: its height is peak - final",
         ("(peak - final) *", "peak *")),
    rate("cosine over the whole run", "the cosine begins after the warm-up: p is 0 there",
         ("(step - warmup_steps) / (steps - 1 - warmup_steps)", "step / (steps - 1)")),
    rate("last update one late", "update steps - 1, the last, gets `final`",
         ("(steps - 1 - warmup_steps)", "(steps - warmup_steps)")),
    rate("a whole cosine", "half a cosine: with 2π it comes up again", ("math.pi *", "2 * math.pi *")),
    rate("quarter of a cosine", "1 + cos πp, halved, falls from 1 to 0: this is another curve",
         ("0.5 * (1 + math.cos(math.pi * progress))", "math.cos(math.pi / 2 * progress)")),
    rate("straight line", "after the warm-up the rate falls along a cosine, not in a straight line",
         ("0.5 * (1 + math.cos(math.pi * progress))", "(1 - progress)")),
    rate("rises after the end", "updates after the last one get `final`: the cosine would come up again",
         ("    if step >= steps:\n        return final\n", "")),
    rate("degrees", "math.cos takes radians: the half cosine ends at π",
         ("math.pi * progress", "180 * progress")),
    rate("warm-up to the peak one late", "the last update of the warm-up gets the peak itself",
         ("(step + 1) / warmup_steps", "(step + 1) / (warmup_steps + 1)")),
]
RIGHT_RATES = [
    Answer("learning_rate", "a sine", source='''
def learning_rate(step, steps, peak, final, warmup_steps):
    if warmup_steps > step:
        return peak / warmup_steps * (1 + step)
    left = max(0.0, (steps - 1 - step) / (steps - 1 - warmup_steps))
    return final + (peak - final) * math.sin(math.pi / 2 * left) ** 2
'''),
    Answer("learning_rate", "a weighted mean of both ends", source='''
def learning_rate(step, steps, peak, final, warmup_steps):
    if step in range(warmup_steps):
        return float(np.linspace(0, peak, warmup_steps + 1)[step + 1])
    step = min(step, steps - 1)
    share = (1 + np.cos(np.pi * (step - warmup_steps) / (steps - 1 - warmup_steps))) / 2
    return float(share * peak + (1 - share) * final)
'''),
]

# ----------------------------------------------------------------------------------------------------- accumulate

ACCUMULATE = '''
def accumulate(mean_gradients, counts):
    total = {}
    n_tokens = sum(counts)
    for gradients, count in zip(mean_gradients, counts):
        if count > 0:
            for name, gradient in gradients.items():
                total[name] = total.get(name, 0.0) + gradient * count
    return {name: np.asarray(gradient / n_tokens) for name, gradient in total.items()}
'''
parts = wrong("accumulate", ACCUMULATE)
ACCUMULATES = [
    parts("mean of the means", "an average of averages: a micro-batch with more tokens has to weigh more",
          ("gradient * count", "gradient"), ("gradient / n_tokens", "gradient / sum(c > 0 for c in counts)")),
    parts("mean of the means, empty ones counted", "each mean weighs as many tokens as it holds; divide by all tokens",
          ("gradient * count", "gradient"), ("gradient / n_tokens", "gradient / len(counts)")),
    parts("sum of the means", "these are means: turn each into a sum, and divide once at the end",
          ("gradient * count", "gradient"), ("gradient / n_tokens", "gradient")),
    parts("sum, not divided", "divide the sum by the number of all tokens", ("gradient / n_tokens", "gradient")),
    parts("divided by the micro-batches", "divide by the number of tokens, not of micro-batches",
          ("gradient / n_tokens", "gradient / len(counts)")),
    parts("not a number times 0", "NaN times 0 is NaN: leave a micro-batch without tokens out",
          ("if count > 0:", "if True:")),
    parts("multiplied by all tokens", "each mean is multiplied by its own count, not divided by it",
          ("gradient * count", "gradient / count")),
    parts("last one wins", "add up: each micro-batch must not overwrite the one before",
          ("total.get(name, 0.0) + gradient * count", "gradient * count")),
    parts("first micro-batch only", "all micro-batches count, not the first alone",
          ("total.get(name, 0.0) + gradient * count", "total.get(name, gradient * n_tokens)")),
    parts("in place", "", ("total.get(name, 0.0) + gradient * count",
                           "total.get(name, 0.0) + np.multiply(gradient, count, out=gradient)")),
]
RIGHT_ACCUMULATES = [
    Answer("accumulate", "weights", source='''
def accumulate(mean_gradients, counts):
    weights = np.array(counts) / sum(counts)
    used = [i for i in range(len(counts)) if counts[i]]
    return {name: np.asarray(sum(weights[i] * mean_gradients[i][name] for i in used)) for name in mean_gradients[0]}
'''),
    Answer("accumulate", "a running mean", source='''
def accumulate(mean_gradients, counts):
    mean = {name: np.zeros(np.shape(gradient)) for name, gradient in mean_gradients[0].items()}
    seen = 0
    for gradients, count in zip(mean_gradients, counts):
        if count == 0:
            continue
        seen += count
        mean = {name: np.asarray(mean[name] + (gradients[name] - mean[name]) * count / seen) for name in mean}
    return mean
'''),
]

# ---------------------------------------------------------------------------------------------- round_to_bfloat16

ROUND = '''
def round_to_bfloat16(x):
    bits = x.view(np.uint32)
    rest = bits & np.uint32(0xFFFF)
    down = bits - rest
    is_odd = (bits >> np.uint32(16)) % np.uint32(2) == 1
    up = (rest > 0x8000) | ((rest == 0x8000) & is_odd)
    return (down + np.where(up, np.uint32(0x10000), np.uint32(0))).astype(np.uint32).view(np.float32)
'''
rounding = wrong("round_to_bfloat16", ROUND)
ROUNDS = [
    rounding("ties away from zero", "a tie goes to the number whose last kept bit is 0, not always away from 0",
             ("((rest == 0x8000) & is_odd)", "(rest == 0x8000)")),
    rounding("ties towards zero", "a tie goes to the number whose last kept bit is 0, not always towards 0",
             (" | ((rest == 0x8000) & is_odd)", "")),
    rounding("cut off", "it cuts the lower bits off: round to the nearer of the two numbers",
             ("up = (rest > 0x8000) | ((rest == 0x8000) & is_odd)", "up = np.zeros(x.shape, dtype=bool)")),
    rounding("ties to odd", "a tie goes to the even one: the last kept bit ends as 0", ("== 1\n", "== 0\n")),
    rounding("always up", "it rounds away from 0 always: take the nearer of the two",
             ("up = (rest > 0x8000) | ((rest == 0x8000) & is_odd)", "up = rest > 0")),
    rounding("float16", "this is float16, with 10 bits of digits and a small range",
             ("    bits = x.view(np.uint32)\n",
              "    with np.errstate(over='ignore'):\n        return x.astype(np.float16).astype(np.float32)\n"
              "    bits = x.view(np.uint32)\n")),
    rounding("8 bits of digits kept", "bfloat16 keeps 7 bits of digits: the lower 16 bits become 0, not the lower 15",
             ("0xFFFF)", "0x7FFF)"), ("0x8000", "0x4000"), ("np.uint32(16)", "np.uint32(15)"), ("0x10000", "0x8000")),
    rounding("float64 returned", "the answer must be float32",
             (".view(np.float32)", ".view(np.float32).astype(np.float64)")),
    rounding("decimal digits", "bfloat16 rounds binary digits, not decimal ones",
             ("    bits = x.view(np.uint32)\n",
              "    return np.array([float(f'{v:.2e}') for v in x.ravel()], dtype=np.float32).reshape(x.shape)\n"
              "    bits = x.view(np.uint32)\n")),
    rounding("bits as numbers", "`view` keeps the bits; `astype` converts the number",
             ("bits = x.view(", "bits = abs(x).astype(")),
    rounding("in place", "", ("    bits = x.view(np.uint32)\n", "    bits = x.view(np.uint32)\n"
                              "    x *= np.float32(0.5)\n    x *= np.float32(2)\n    x += np.float32(1e-3)\n")),
]
RIGHT_ROUNDS = [
    Answer("round_to_bfloat16", "adding a half, with a correction", source='''
def round_to_bfloat16(x):
    bits = x.view(np.uint32).astype(np.uint64)
    bits = bits + 0x7FFF + (bits // 65536) % 2
    return (bits // 65536 * 65536).astype(np.uint32).view(np.float32)
'''),
    Answer("round_to_bfloat16", "both neighbours", source='''
def round_to_bfloat16(x):
    lower = x.view(np.uint32) & np.uint32(0xFFFF0000)
    upper = lower + np.uint32(0x10000)
    to_lower = np.abs(x.astype(np.float64) - lower.view(np.float32))
    to_upper = np.abs(upper.view(np.float32).astype(np.float64) - x)
    lower_is_even = (lower & np.uint32(0x10000)) == 0
    take_lower = (to_lower < to_upper) | ((to_lower == to_upper) & lower_is_even)
    return np.where(take_lower, lower, upper).astype(np.uint32).view(np.float32)
'''),
]

# ------------------------------------------------------------------------------------------------- early_stopping

STOP = '''
def early_stopping(losses, patience):
    best, waited = 0, 0
    for look in range(1, len(losses)):
        if losses[look] < losses[best]:
            best, waited = look, 0
        else:
            waited += 1
        if waited == patience:
            return best, look
    return best, len(losses) - 1
'''
stop = wrong("early_stopping", STOP)
STOPS = [
    stop("best of all", "what comes after the stop was never seen: the best of the looks that were made",
         ("return best, look\n", "return losses.index(min(losses)), look\n")),
    stop("never stops", "it must stop when patience has run out", ("waited == patience", "False")),
    stop("an equal loss counts", "a loss equal to the best is no improvement", ("losses[look] < ", "losses[look] <= ")),
    stop("one look too patient", "it stops after `patience` looks without improvement, not one more",
         ("waited == patience", "waited > patience")),
    stop("not in a row", "an improvement sets the count back to 0: the looks must fail in a row",
         ("best, waited = look, 0", "best = look")),
    stop("one look too impatient", "patience is the number of looks in a row that failed, the current one included",
         ("waited == patience", "waited >= patience - 1 and waited")),
    stop("against the look before", "compare with the best so far, not with the look before",
         ("losses[look] < losses[best]", "losses[look] < losses[look - 1]")),
    stop("the losses returned", "it is asked for the numbers of the looks, not for their losses",
         ("return best, look\n", "return losses[best], losses[look]\n"),
         ("return best, len(losses) - 1", "return losses[best], losses[-1]")),
    stop("counted from 1", "looks are counted from 0", ("return best, look\n", "return best + 1, look + 1\n"),
         ("return best, len(losses) - 1", "return best + 1, len(losses)")),
    stop("higher is better", "these are losses: lower is better", ("losses[look] < ", "losses[look] > ")),
    stop("number of looks at the end", "without a stop, the second number is the last look, counted from 0",
         ("return best, len(losses) - 1", "return best, len(losses)")),
]
RIGHT_STOPS = [
    Answer("early_stopping", "running minimum", source='''
def early_stopping(losses, patience):
    for look in range(len(losses)):
        best = min(range(look + 1), key=lambda k: losses[k])
        if look - best == patience:
            break
    return best, look
'''),
    Answer("early_stopping", "by slices", source='''
def early_stopping(losses, patience):
    stopped = len(losses) - 1
    for look in range(patience, len(losses)):
        recent, before = losses[look - patience + 1:look + 1], losses[:look - patience + 1]
        if min(recent) >= min(before):
            stopped = look
            break
    seen = losses[:stopped + 1]
    return seen.index(min(seen)), stopped
'''),
]

# -------------------------------------------------------------------------------------------- training_operations

COUNT = '''
def training_operations(n_layers, d_model, vocab_size, length, n_tokens):
    attention_maps = 4 * d_model * d_model
    feed_forward = 2 * d_model * (4 * d_model)
    pairs = 2 * length * d_model
    output = vocab_size * d_model
    forward = 2 * (n_layers * (attention_maps + feed_forward + pairs) + output)
    return (1 + 2) * forward * n_tokens
'''
count = wrong("training_operations", COUNT)
COUNTS = [
    count("pairs left out", "attention's pairs are missing: scores, and weights times values", (" + pairs", "")),
    count("scores only", "the pairs are used twice: for the scores, and for the sum of the values",
          ("pairs = 2 * length", "pairs = length")),
    count("output layer left out", "the output layer, V × D, is missing", (" + output)", ")")),
    count("output layer in every layer", "the output layer is there once, not in every layer",
          ("+ pairs) + output)", "+ pairs + output))")),
    count("forward pass only", "the backward pass costs twice as much as the forward pass, so all is three times it",
          ("(1 + 2) * ", "")),
    count("backward like forward", "the backward pass does twice the work of the forward pass: three times in all",
          ("(1 + 2)", "2")),
    count("multiplications only", "a multiplication and an addition count one each",
          ("forward = 2 * (", "forward = (")),
    count("three maps in attention", "attention has four maps: query, key, value and output",
          ("attention_maps = 4", "attention_maps = 3")),
    count("feed-forward not widened", "the feed-forward part is 4D wide", ("(4 * d_model)", "d_model")),
    count("one map in the feed-forward part", "the feed-forward part has two maps, there and back",
          ("feed_forward = 2 *", "feed_forward =")),
    count("half the pairs", "all pairs are computed, also those that the mask hides",
          ("2 * length *", "(length + 1) *")),
    count("pairs of the window for each token", "for one token there are T pairs, not T²",
          ("2 * length *", "2 * length**2 *")),
    count("embedding counted", "embeddings are looked up: no product", ("output = vocab", "output = 2 * vocab")),
    count("a float", "the answer must be an int", ("(1 + 2) *", "3.0 *")),
]
RIGHT_COUNTS = [
    Answer("training_operations", "six times", source='''
def training_operations(n_layers, d_model, vocab_size, length, n_tokens):
    weights = 12 * n_layers * d_model**2 + vocab_size * d_model
    return 6 * weights * n_tokens + 12 * n_layers * length * d_model * n_tokens
'''),
    Answer("training_operations", "product by product", source='''
def training_operations(n_layers, d_model, vocab_size, length, n_tokens):
    def product(rows, inner, columns):
        return 2 * rows * inner * columns

    total = product(n_tokens, d_model, vocab_size)
    for _ in range(n_layers):
        for outputs in (d_model, d_model, d_model, d_model, 4 * d_model, 4 * d_model):
            total += product(n_tokens, d_model, outputs)
        total += product(n_tokens, d_model, length) + product(n_tokens, length, d_model)
    return 3 * total
'''),
]

# ------------------------------------------------------------------------------------------------ ring_all_reduce

RING = '''
def ring_all_reduce(pieces):
    n = len(pieces)
    states = np.empty((2 * n - 1, *pieces.shape))
    states[0] = pieces
    for s in range(2 * n - 2):
        now = states[s].copy()
        for r in range(n):
            right = (r + 1) % n
            if s < n - 1:
                p = (r - s) % n
                now[right, p] = now[right, p] + states[s, r, p]
            else:
                p = (r + 1 - (s - (n - 1))) % n
                now[right, p] = states[s, r, p]
        states[s + 1] = now
    return states
'''
ring = wrong("ring_all_reduce", RING)
RINGS = [
    ring("all at once", "it must show every exchange: pieces travel one neighbour at a time",
         ("        now = states[s].copy()\n", "        now = np.broadcast_to(pieces.sum(axis=0), pieces.shape).copy()\n"
          "        states[s + 1] = now\n        continue\n")),
    ring("sent away", "to send is to copy: the sender keeps its piece",
         ("now[right, p] + states[s, r, p]\n", "now[right, p] + states[s, r, p]\n                now[r, p] = 0.0\n")),
    ring("to the left", "pieces go to the right neighbour, (r + 1) mod P",
         ("right = (r + 1) % n", "right = (r - 1) % n")),
    ring("always its own piece", "in exchange s, process r sends piece (r - s) mod P, not always piece r",
         ("p = (r - s) % n", "p = r")),
    ring("added in the second half", "in the second half the finished piece replaces the receiver's",
         ("                now[right, p] = states[s, r, p]",
          "                now[right, p] = now[right, p] + states[s, r, p]")),
    ring("replaced in the first half", "in the first half the piece is added to the receiver's",
         ("now[right, p] + states[s, r, p]", "states[s, r, p]")),
    ring("second half not shifted", "in the second half process r sends piece (r + 1 - (s - (P - 1))) mod P",
         ("(r + 1 - (s - (n - 1)))", "(r - (s - (n - 1)))")),
    ring("plus instead of minus", "the piece's number falls from exchange to exchange: r - s, not r + s",
         ("(r - s)", "(r + s)")),
    ring("first half only", "after P - 1 exchanges each process has one finished piece: P - 1 more hand them on",
         ("range(2 * n - 2)", "range(n - 1)"), ("(2 * n - 1,", "(n,")),
    ring("the start left out", "the first state is what the processes have before any exchange",
         ("return states", "return states[1:]")),
    ring("mean", "the sum is asked for, not the mean", ("return states", "return states / n")),
    ring("in place", "", ("    states[0] = pieces\n", "    states[0] = pieces\n    pieces += 1.0\n")),
]
RIGHT_RINGS = [
    Answer("ring_all_reduce", "messages first", source='''
def ring_all_reduce(pieces):
    n = len(pieces)
    here = [[piece.copy() for piece in process] for process in pieces]
    history = [np.array(here).reshape(pieces.shape)]
    for s in range(n - 1):
        messages = {r: ((r - s) % n, here[r][(r - s) % n].copy()) for r in range(n)}
        for r, (number, message) in messages.items():
            here[(r + 1) % n][number] = here[(r + 1) % n][number] + message
        history.append(np.array(here))
    for s in range(n - 1):
        messages = {r: ((r + 1 - s) % n, here[r][(r + 1 - s) % n].copy()) for r in range(n)}
        for r, (number, message) in messages.items():
            here[(r + 1) % n][number] = message
        history.append(np.array(here))
    return np.array(history)
'''),
    Answer("ring_all_reduce", "index arrays", source='''
def ring_all_reduce(pieces):
    n = len(pieces)
    sender = np.arange(n)
    receiver = np.roll(sender, -1)
    states = [pieces + 0.0]
    for s in range(2 * n - 2):
        adds = s < n - 1
        number = (sender - s) % n if adds else (sender - s + n) % n
        state = states[-1].copy()
        state[receiver, number] = states[-1][sender, number] + (states[-1][receiver, number] if adds else 0.0)
        states.append(state)
    return np.array(states)
'''),
]

WRONG = [*WINDOW_LIST, *UPDATES, *MOMENTA, *GROUP_LIST, *RATES, *ACCUMULATES, *ROUNDS, *STOPS, *COUNTS, *RINGS]
RIGHT = [*RIGHT_WINDOWS, *RIGHT_UPDATES, *RIGHT_MOMENTA, *RIGHT_GROUPS, *RIGHT_RATES, *RIGHT_ACCUMULATES,
         *RIGHT_ROUNDS, *RIGHT_STOPS, *RIGHT_COUNTS, *RIGHT_RINGS]  # fmt: skip
