"""Known answers of chapter 10: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------------------ last_real

LAST = """
def last_real(hidden, is_real):
    places = torch.arange(is_real.shape[1])
    last = (is_real * places).argmax(dim=1)
    return hidden[torch.arange(len(hidden)), last]
"""
last = wrong("last_real", LAST)
LASTS = [
    last(
        "last column",
        "that is the last column: for a short text it is padding",
        ("hidden[torch.arange(len(hidden)), last]", "hidden[:, -1]"),
    ),
    last(
        "first column",
        "a causal model's first token has read nothing but itself",
        ("hidden[torch.arange(len(hidden)), last]", "hidden[:, 0]"),
    ),
    last(
        "by the length",
        "the number of real tokens is the place of the last one only where no padding stands before",
        ("(is_real * places).argmax(dim=1)", "is_real.sum(dim=1) - 1"),
    ),
    last(
        "first real token",
        "that is the first real token: the last one has read them all",
        ("(is_real * places).argmax(dim=1)", "is_real.int().argmax(dim=1)"),
    ),
    last(
        "one too early",
        "one place too early: the last real token, not the one before it",
        ("(is_real * places).argmax(dim=1)", "((is_real * places).argmax(dim=1) - 1).clamp(min=0)"),
    ),
    last(
        "mean of the real tokens",
        "take the last real token alone, not a mean over all",
        (
            "hidden[torch.arange(len(hidden)), last]",
            "(hidden * is_real[:, :, None]).sum(dim=1) / is_real.sum(dim=1, keepdim=True)",
        ),
    ),
    last(
        "detached", "", ("hidden[torch.arange(len(hidden)), last]", "hidden[torch.arange(len(hidden)), last].detach()")
    ),
    last(
        "first place that is not real",
        "the first padding may stand before the text",
        ("(is_real * places).argmax(dim=1)", "(~is_real).int().argmax(dim=1) - 1"),
    ),
]
RIGHT_LASTS = [
    Answer(
        "last_real",
        "from behind",
        source="""
def last_real(hidden, is_real):
    back = is_real.flip(1).int().argmax(dim=1)
    return torch.stack([row[is_real.shape[1] - 1 - int(step)] for row, step in zip(hidden, back)])
""",
    ),
    Answer(
        "last_real",
        "one by one",
        source="""
def last_real(hidden, is_real):
    return torch.stack([texts[real][-1] for texts, real in zip(hidden, is_real)])
""",
    ),
]

# -------------------------------------------------------------------------------------------- class_probabilities

HEAD = """
def class_probabilities(features, weight, bias):
    scores = features @ weight.T + bias
    powers = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return powers / powers.sum(dim=1, keepdim=True)
"""
head = wrong("class_probabilities", HEAD)
HEADS = [
    head(
        "no maximum subtracted",
        "large scores overflow: subtract each row's maximum before exp",
        ("(scores - scores.max(dim=1, keepdim=True).values).exp()", "scores.exp()"),
    ),
    head("no bias", "the bias is missing", (" + bias", "")),
    head(
        "over the texts",
        "normalise over the classes, each row for itself",
        ("powers.sum(dim=1, keepdim=True)", "powers.sum(dim=0, keepdim=True)"),
    ),
    head(
        "whole array",
        "normalise over the classes, each row for itself",
        ("powers.sum(dim=1, keepdim=True)", "powers.sum()"),
    ),
    head(
        "scores",
        "these are the scores: a softmax makes probabilities of them",
        ("return powers / powers.sum(dim=1, keepdim=True)", "return scores"),
    ),
    head(
        "logarithms",
        "these are logarithms of probabilities",
        ("return powers / powers.sum(dim=1, keepdim=True)", "return (powers / powers.sum(dim=1, keepdim=True)).log()"),
    ),
    head(
        "a sigmoid for each class",
        "the classes exclude each other: a softmax, not a sigmoid for each",
        ("return powers / powers.sum(dim=1, keepdim=True)", "return torch.sigmoid(scores)"),
    ),
    head(
        "detached",
        "",
        (
            "return powers / powers.sum(dim=1, keepdim=True)",
            "return (powers / powers.sum(dim=1, keepdim=True)).detach()",
        ),
    ),
    head("features detached", "", ("features @", "features.detach() @")),
    head("ready-made", "", ("return powers / powers.sum(dim=1, keepdim=True)", "return torch.softmax(scores, dim=1)")),
]
RIGHT_HEADS = [
    Answer(
        "class_probabilities",
        "through logsumexp",
        source="""
def class_probabilities(features, weight, bias):
    scores = torch.nn.functional.linear(features, weight, bias)
    return torch.exp(scores - torch.logsumexp(scores, dim=1, keepdim=True))
""",
    ),
    Answer(
        "class_probabilities",
        "class by class",
        source="""
def class_probabilities(features, weight, bias):
    columns = [(features * row).sum(dim=1) + shift for row, shift in zip(weight, bias)]
    scores = torch.stack(columns, dim=1)
    powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1)[:, None]
""",
    ),
]

# ----------------------------------------------------------------------------------------- weighted_cross_entropy

LOSS = """
def weighted_cross_entropy(logits, targets, weights):
    n_texts = len(targets)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows, price = np.arange(n_texts), weights[targets]
    gradient = np.exp(log_probabilities)
    gradient[rows, targets] -= 1
    gradient *= price[:, None] / n_texts
    return {"loss": float((-price * log_probabilities[rows, targets]).sum() / n_texts), "gradient": gradient}
"""
loss = wrong("weighted_cross_entropy", LOSS)
LOSSES = [
    loss(
        "no weights",
        "each text's loss is multiplied by the weight of its class",
        ("weights[targets]", "np.ones(n_texts)"),
    ),
    loss(
        "weights in the loss only",
        "the gradient is weighted as the loss is",
        ("gradient *= price[:, None] / n_texts", "gradient /= n_texts"),
    ),
    loss(
        "divided by the weights",
        "divide by the number of texts, not by the sum of the weights",
        ("n_texts = len(targets)", "n_texts = weights[targets].sum()"),
        ("np.arange(n_texts)", "np.arange(len(targets))"),
    ),
    loss(
        "summed",
        "divide by the number of texts",
        ("price[:, None] / n_texts", "price[:, None]"),
        (".sum() / n_texts", ".sum()"),
    ),
    loss(
        "gradient summed",
        "the loss is divided by the number of texts, so its gradient is, too",
        ("price[:, None] / n_texts", "price[:, None]"),
    ),
    loss(
        "weight of each column",
        "the weight is that of the text's own class, for its whole row of the gradient",
        ("price[:, None] / n_texts", "weights[None, :] / n_texts"),
    ),
    loss(
        "overflow",
        "large logits overflow: subtract each row's maximum first",
        ("logits - logits.max(axis=1, keepdims=True)", "logits"),
    ),
    loss(
        "wrong sign",
        "the gradient is p - y: the right class's score has to rise when you go against it",
        ("gradient *= price[:, None] / n_texts", "gradient *= -price[:, None] / n_texts"),
    ),
    loss(
        "target not subtracted",
        "subtract 1 from each text's own class: the gradient is p - y",
        ("    gradient[rows, targets] -= 1\n", ""),
    ),
    loss("bits", "losses are in nats: the natural logarithm", (".sum() / n_texts)", ".sum() / n_texts / np.log(2))")),
]
RIGHT_LOSSES = [
    Answer(
        "weighted_cross_entropy",
        "through one-hot rows",
        source="""
def weighted_cross_entropy(logits, targets, weights):
    truth = np.eye(len(weights))[targets]
    normaliser = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    price = (truth * weights).sum(axis=1, keepdims=True)
    value = (price * truth * (normaliser - logits)).sum() / len(logits)
    return {"gradient": price * (np.exp(logits - normaliser) - truth) / len(logits), "loss": float(value)}
""",
    ),
    Answer(
        "weighted_cross_entropy",
        "text by text",
        source="""
def weighted_cross_entropy(logits, targets, weights):
    total, gradient = 0.0, np.zeros_like(logits)
    for i, (row, y) in enumerate(zip(logits, targets)):
        row = row - row.max()
        p = np.exp(row) / np.exp(row).sum()
        total += weights[y] * (np.log(np.exp(row).sum()) - row[y])
        p[y] -= 1
        gradient[i] = weights[y] * p / len(logits)
    return {"loss": float(total / len(logits)), "gradient": gradient}
""",
    ),
]

# ------------------------------------------------------------------------------------------------------ confusion

CONFUSION = """
def confusion(true, predicted, n_classes):
    counts = np.zeros((n_classes, n_classes), dtype=int)
    for row, column in zip(true, predicted):
        counts[row, column] += 1
    return counts
"""
mixed = wrong("confusion", CONFUSION)
CONFUSIONS = [
    mixed(
        "transposed", "rows are true classes, columns predicted ones", ("counts[row, column]", "counts[column, row]")
    ),
    mixed(
        "set, not counted",
        "a pair that comes again adds 1 (and one assignment adds only once, even if an index comes twice)",
        ("+= 1", "= 1"),
    ),
    mixed(
        "mistakes only",
        "the right ones are counted too, on the diagonal",
        ("counts[row, column] += 1", "counts[row, column] += row != column"),
    ),
    mixed(
        "right ones only",
        "the mistakes are what it is about: count every pair",
        ("counts[row, column] += 1", "counts[row, column] += row == column"),
    ),
    mixed("shares", "counts, not shares", ("return counts", "return counts / max(1, len(true))")),
    mixed(
        "all at once",
        "a pair that comes again adds 1 (and one assignment adds only once, even if an index comes twice)",
        (
            "    for row, column in zip(true, predicted):\n        counts[row, column] += 1\n",
            "    counts[np.array(true, dtype=int), np.array(predicted, dtype=int)] += 1\n",
        ),
    ),
    mixed(
        "classes that occur",
        "the shape is (n_classes, n_classes), whatever occurs",
        (
            "np.zeros((n_classes, n_classes), dtype=int)",
            "np.zeros((max([*true, *predicted], default=0) + 1,) * 2, dtype=int)",
        ),
    ),
]
RIGHT_CONFUSIONS = [
    Answer(
        "confusion",
        "one number for each pair",
        source="""
def confusion(true, predicted, n_classes):
    pairs = np.array(true, dtype=int) * n_classes + np.array(predicted, dtype=int)
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
""",
    ),
    Answer(
        "confusion",
        "each entry counted",
        source="""
def confusion(true, predicted, n_classes):
    pairs = list(zip(true, predicted))
    return np.array([[pairs.count((i, j)) for j in range(n_classes)] for i in range(n_classes)])
""",
    ),
]

# ------------------------------------------------------------------------------------------------------- macro_f1

F1 = """
def macro_f1(counts):
    scores = []
    for c in range(len(counts)):
        right, found, wanted = counts[c, c], counts[:, c].sum(), counts[c, :].sum()
        precision = right / found if found else 0.0
        recall = right / wanted if wanted else 0.0
        both = precision + recall
        scores.append(2 * precision * recall / both if both else 0.0)
    return float(np.mean(scores))
"""
f1 = wrong("macro_f1", F1)
F1S = [
    f1(
        "micro",
        "that is micro-F1, which is the accuracy: take each class's F1, then their mean",
        ("float(np.mean(scores))", "float(np.trace(counts) / counts.sum())"),
    ),
    f1(
        "weighted by support",
        "each class counts alike, however many texts it has",
        ("float(np.mean(scores))", "float(np.average(scores, weights=counts.sum(axis=1)))"),
    ),
    f1(
        "F1 of the means",
        "first each class's F1, then the mean: not the F1 of mean precision and mean recall",
        ("scores.append(2 * precision * recall / both if both else 0.0)", "scores.append((precision, recall))"),
        (
            "    return float(np.mean(scores))",
            "    p, r = np.mean(scores, axis=0)\n    return float(2 * p * r / (p + r))",
        ),
    ),
    f1(
        "arithmetic mean",
        "F1 is the harmonic mean of precision and recall, not their average",
        ("2 * precision * recall / both if both else 0.0", "both / 2"),
    ),
    f1("precision only", "that is the mean precision", ("2 * precision * recall / both if both else 0.0", "precision")),
    f1("recall only", "that is the mean recall", ("2 * precision * recall / both if both else 0.0", "recall")),
    f1(
        "empty classes left out",
        "0 / 0 is 0, and such a class still counts in the mean",
        ("float(np.mean(scores))", "float(np.mean([s for s in scores if s > 0]))"),
    ),
    f1(
        "classes without texts left out",
        "a class without texts counts too, with 0",
        ("float(np.mean(scores))", "float(np.mean([s for s, n in zip(scores, counts.sum(axis=1)) if n]))"),
    ),
    f1("no factor 2", "F1 = 2 P R / (P + R)", ("2 * precision * recall", "precision * recall")),
    f1("divided by 0", "0 / 0 is 0", ("right / found if found else 0.0", "np.divide(right, found)")),
]
RIGHT_F1S = [
    Answer(
        "macro_f1",
        "2 TP / (2 TP + FP + FN)",
        source="""
def macro_f1(counts):
    right = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * right / np.maximum(total, 1)).mean())
""",
    ),
    Answer(
        "macro_f1",
        "with NumPy's own division",
        source="""
def macro_f1(counts):
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.nan_to_num(np.diag(counts) / counts.sum(0))
        recall = np.nan_to_num(np.diag(counts) / counts.sum(1))
        return float(np.nan_to_num(2 * precision * recall / (precision + recall)).mean())
""",
    ),
]

# --------------------------------------------------------------------------------------------- bootstrap_interval

BOOTSTRAP = """
def bootstrap_interval(is_right, draws):
    accuracies = 100 * is_right[draws].mean(axis=1)
    low, high = np.quantile(accuracies, [0.025, 0.975])
    return float(low), float(high)
"""
boot = wrong("bootstrap_interval", BOOTSTRAP)
BOOTS = [
    boot("90 per cent", "2.5 % are left out at each end, so that 95 % remain", ("[0.025, 0.975]", "[0.05, 0.95]")),
    boot("fractions", "in per cent", ("100 * is_right", "is_right")),
    boot("over the samples", "one accuracy for each resampled test set: the mean of its row", ("axis=1", "axis=0")),
    boot(
        "two deviations",
        "the quantiles themselves, not the mean and two standard deviations",
        (
            "np.quantile(accuracies, [0.025, 0.975])",
            "accuracies.mean() - 1.96 * accuracies.std(), accuracies.mean() + 1.96 * accuracies.std()",
        ),
    ),
    boot(
        "least and largest",
        "the least and the largest depend on how often you draw: take the quantiles",
        ("np.quantile(accuracies, [0.025, 0.975])", "accuracies.min(), accuracies.max()"),
    ),
    boot("one side", "95 % in the middle: 2.5 % are left out at each end", ("[0.025, 0.975]", "[0.0, 0.95]")),
    boot(
        "repeated texts once",
        "a text that was drawn twice counts twice",
        ("100 * is_right[draws].mean(axis=1)", "np.array([100 * is_right[np.unique(d)].mean() for d in draws])"),
    ),
    boot(
        "divided by the deviation's root",
        "no division by √S: how often you draw does not make the test set larger",
        (
            "return float(low), float(high)",
            "m, s = accuracies.mean(), len(draws) ** 0.5\n"
            "    return float(m + (low - m) / s), float(m + (high - m) / s)",
        ),
    ),
]
RIGHT_BOOTS = [
    Answer(
        "bootstrap_interval",
        "one by one",
        source="""
def bootstrap_interval(is_right, draws):
    values = []
    for draw in draws:
        values.append(100 * sum(bool(is_right[i]) for i in draw) / len(draw))
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))
""",
    ),
    Answer(
        "bootstrap_interval",
        "scaled at the end",
        source="""
def bootstrap_interval(is_right, draws):
    shares = np.take(is_right.astype(float), draws).sum(1) / draws.shape[1]
    return tuple(float(100 * np.quantile(shares, q)) for q in (0.025, 0.975))
""",
    ),
]

# ------------------------------------------------------------------------------------------------ split_by_record

SPLIT = """
def split_by_record(records, order, n_test):
    chosen, n_taken = set(), 0
    for record in order:
        if n_taken >= n_test:
            break
        chosen.add(record)
        n_taken += records.count(record)
    training = [i for i, record in enumerate(records) if record not in chosen]
    return training, [i for i, record in enumerate(records) if record in chosen]
"""
split = wrong("split_by_record", SPLIT)
SPLITS = [
    split(
        "by text",
        "that divides texts: the parts share records",
        (
            "    training = [i for",
            "    return list(range(n_test, len(records))), list(range(n_test))\n    training = [i for",
        ),
    ),
    split(
        "parts exchanged",
        "training first, then test",
        (
            "return training, [i",
            "return [i for i, record in enumerate(records) if record in chosen], training\n    return training, [i",
        ),
    ),
    split("records counted", "n_test counts texts, not records", ("n_taken += records.count(record)", "n_taken += 1")),
    split(
        "one record too many",
        "stop as soon as there are at least n_test texts",
        ("n_taken >= n_test", "n_taken > n_test"),
    ),
    split(
        "cut at n_test",
        "a record stays whole, even if the test part becomes a little larger",
        (
            "return training, [i for i, record in enumerate(records) if record in chosen]",
            "return training, [i for i, record in enumerate(records) if record in chosen][:n_test]",
        ),
    ),
    split(
        "order ignored",
        "take the records in the given order, from its front",
        ("for record in order", "for record in sorted(order)"),
    ),
    split(
        "from behind",
        "take the records in the given order, from its front",
        ("for record in order", "for record in order[::-1]"),
    ),
    split(
        "stops before it is full",
        "go on until there are at least n_test texts",
        ("if n_taken >= n_test:", "if n_taken and n_taken + records.count(record) > n_test:"),
    ),
    split(
        "first record only",
        "go on until there are at least n_test texts",
        ("if n_taken >= n_test:", "if n_taken:"),
    ),
]
RIGHT_SPLITS = [
    Answer(
        "split_by_record",
        "from lists for each record",
        source="""
def split_by_record(records, order, n_test):
    members = {}
    for index, record in enumerate(records):
        members.setdefault(record, []).append(index)
    queue, test = list(order), []
    while len(test) < n_test:
        test.extend(members[queue.pop(0)])
    rest = [index for record in queue for index in members[record]]
    return sorted(rest), sorted(test)
""",
    ),
    Answer(
        "split_by_record",
        "by running sums",
        source="""
def split_by_record(records, order, n_test):
    sums = np.cumsum([records.count(record) for record in order])
    n_records = int(np.argmax(sums >= n_test)) + 1
    held = order[:n_records]
    places = range(len(records))
    return [i for i in places if records[i] not in held], [i for i in places if records[i] in held]
""",
    ),
]

# ---------------------------------------------------------------------------------------------------- layer_rates

RATES = """
def layer_rates(n_blocks, rate, decay):
    return [rate * decay ** (n_blocks + 1 - level) for level in range(n_blocks + 2)]
"""
rates = wrong("layer_rates", RATES)
RATE = [
    rates(
        "upside down",
        "from the bottom to the top: the embeddings come first and learn slowest",
        ("(n_blocks + 1 - level)", "level"),
    ),
    rates(
        "one factor too many", "the head learns at the full rate", ("(n_blocks + 1 - level)", "(n_blocks + 2 - level)")
    ),
    rates("no embeddings", "the embeddings stand below block 0", ("range(n_blocks + 2)", "range(1, n_blocks + 2)")),
    rates("no head", "the head stands above the blocks", ("range(n_blocks + 2)", "range(n_blocks + 1)")),
    rates("divided", "decay is below 1: multiply by it, or lower layers learn faster", ("* decay **", "/ decay **")),
    rates(
        "linear",
        "each layer has decay times the rate of the one above: powers, not multiples",
        ("decay ** (n_blocks + 1 - level)", "(1 - (1 - decay) * (n_blocks + 1 - level) / (n_blocks + 1))"),
    ),
    rates(
        "top block at the full rate",
        "the top block is one layer below the head",
        ("decay ** (n_blocks + 1 - level)", "decay ** max(0, n_blocks - level)"),
    ),
    rates(
        "all alike",
        "each layer has decay times the rate of the one above",
        ("decay ** (n_blocks + 1 - level)", "decay"),
    ),
]
RIGHT_RATES = [
    Answer(
        "layer_rates",
        "from the top, then turned",
        source="""
def layer_rates(n_blocks, rate, decay):
    rates = [rate]
    while len(rates) < n_blocks + 2:
        rates.append(rates[-1] * decay)
    return rates[::-1]
""",
    ),
    Answer(
        "layer_rates",
        "with NumPy",
        source="""
def layer_rates(n_blocks, rate, decay):
    return (rate * np.power(float(decay), np.arange(n_blocks + 1, -1, -1))).tolist()
""",
    ),
]

# ------------------------------------------------------------------------------------------------- early_stopping

STOP = """
def early_stopping(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, 1):
        if loss < best:
            best, best_epoch = loss, epoch
        if epoch - best_epoch == patience:
            break
    return epoch, best_epoch
"""
stop = wrong("early_stopping", STOP)
STOPS = [
    stop(
        "last weights kept",
        "the weights of the best epoch are kept, not the last ones",
        ("return epoch, best_epoch", "return epoch, epoch"),
    ),
    stop(
        "compared with the epoch before",
        "compare with the best epoch so far, not with the one before",
        (
            "if loss < best:\n            best, best_epoch = loss, epoch",
            "if loss < best:\n            best_epoch = epoch\n        best = loss",
        ),
    ),
    stop(
        "counted from 0", "epochs are counted from 1", ("return epoch, best_epoch", "return epoch - 1, best_epoch - 1")
    ),
    stop(
        "one epoch too late",
        "the run ends with the epoch in which patience runs out",
        ("epoch - best_epoch == patience", "epoch - best_epoch > patience"),
    ),
    stop(
        "equal counts as better",
        "lower, not equal: a loss that only comes again is no success",
        ("loss < best", "loss <= best"),
    ),
    stop(
        "never stops",
        "after `patience` epochs without a success the run ends",
        ("            break\n", "            pass\n"),
    ),
    stop(
        "sees the future",
        "nobody knows the epochs after the end: keep the best one before it",
        ("return epoch, best_epoch", "return epoch, int(np.argmin(losses)) + 1"),
    ),
    stop(
        "failures not in a row",
        "a success starts the count anew",
        ('best, best_epoch = float("inf"), 0', 'best, best_epoch, failures = float("inf"), 0, 0'),
        (
            "        if epoch - best_epoch == patience:",
            "        else:\n            failures += 1\n        if failures == patience:",
        ),
    ),
]
RIGHT_STOPS = [
    Answer(
        "early_stopping",
        "by counting failures",
        source="""
def early_stopping(losses, patience):
    kept, failures = 0, 0
    for index in range(len(losses)):
        failures = 0 if index == 0 or losses[index] < losses[kept] else failures + 1
        if failures == 0:
            kept = index
        if failures == patience:
            return index + 1, kept + 1
    return len(losses), kept + 1
""",
    ),
    Answer(
        "early_stopping",
        "by the least so far",
        source="""
def early_stopping(losses, patience):
    for end in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:end])) + 1
        if end - best >= patience or end == len(losses):
            return end, best
""",
    ),
]

# ------------------------------------------------------------------------------------------------------- unfrozen

OPEN = """
def unfrozen(epoch, n_blocks):
    n_open = min(epoch, n_blocks)
    names = ["head", *(f"block {n_blocks - 1 - depth}" for depth in range(n_open))]
    return [*names, "embeddings"] if epoch > n_blocks else names
"""
opened = wrong("unfrozen", OPEN)
OPENS = [
    opened("from the bottom", "the top block opens first", ("block {n_blocks - 1 - depth}", "block {depth}")),
    opened(
        "a block in epoch 0", "in epoch 0 the head learns alone", ("min(epoch, n_blocks)", "min(epoch + 1, n_blocks)")
    ),
    opened(
        "embeddings too early",
        "the embeddings open one epoch after the last block",
        ("epoch > n_blocks", "epoch >= n_blocks"),
    ),
    opened("no embeddings", "at last the embeddings open too", ("epoch > n_blocks", "False")),
    opened(
        "blocks counted from 1",
        "blocks are counted from 0: the top one is block L - 1",
        ("block {n_blocks - 1 - depth}", "block {n_blocks - depth}"),
    ),
    opened(
        "one block at a time",
        "what was opened stays open",
        ("for depth in range(n_open)", "for depth in range(max(0, n_open - 1), n_open)"),
    ),
    opened("no head", "the head always learns", ('["head", *(', "[*(")),
    opened("negative blocks", "there are only L blocks", ("min(epoch, n_blocks)", "epoch")),
    opened(
        "from below in the list",
        "names go from the top to the bottom",
        ("return [*names", "names = names[:1] + names[:0:-1]\n    return [*names"),
    ),
]
RIGHT_OPENS = [
    Answer(
        "unfrozen",
        "a part of everything",
        source="""
def unfrozen(epoch, n_blocks):
    everything = ["head"] + [f"block {b}" for b in range(n_blocks - 1, -1, -1)] + ["embeddings"]
    return everything[: epoch + 1]
""",
    ),
    Answer(
        "unfrozen",
        "epoch by epoch",
        source="""
def unfrozen(epoch, n_blocks):
    names, block = ["head"], n_blocks - 1
    for _ in range(epoch):
        if block >= 0:
            names.append("block " + str(block))
        elif block == -1:
            names.append("embeddings")
        block -= 1
    return names
""",
    ),
]

WRONG = [*LASTS, *HEADS, *LOSSES, *CONFUSIONS, *F1S, *BOOTS, *SPLITS, *RATE, *STOPS, *OPENS]
RIGHT = [*RIGHT_LASTS, *RIGHT_HEADS, *RIGHT_LOSSES, *RIGHT_CONFUSIONS, *RIGHT_F1S, *RIGHT_BOOTS, *RIGHT_SPLITS,
         *RIGHT_RATES, *RIGHT_STOPS, *RIGHT_OPENS]  # fmt: skip
