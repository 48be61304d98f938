"""Wrong answers that people really write, each with the hint that it deserves; and right ones written differently."""

from minigpt.grading import Answer

WRONG = [
    # ---------------------------------------------------------------------------------------- bigram_probabilities
    Answer("bigram_probabilities", "repeated pairs counted once",
           hint="counts[a, b] += 1 with arrays counts a repeated pair only once", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.full((vocab_size, vocab_size), added)
    counts[ids[:-1], ids[1:]] += 1
    return counts / counts.sum(axis=1, keepdims=True)
'''),
    Answer("bigram_probabilities", "columns sum to 1", hint="each row is to sum to 1, not each column", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.full((vocab_size, vocab_size), added)
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return counts / counts.sum(axis=0, keepdims=True)
'''),
    Answer("bigram_probabilities", "joint probabilities",
           hint="divide by the total of the row, not of all pairs: it is p(b given a), not p(a and b)", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.full((vocab_size, vocab_size), added)
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return counts / counts.sum()
'''),
    Answer("bigram_probabilities", "roles swapped",
           hint="row and column are swapped: rows stand for the earlier token", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.full((vocab_size, vocab_size), added)
    np.add.at(counts, (ids[1:], ids[:-1]), 1)
    return counts / counts.sum(axis=1, keepdims=True)
'''),
    Answer("bigram_probabilities", "denominator adds only once",
           hint="the denominator lacks what was added: V times `added`, not once", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return (counts + added) / (counts.sum(axis=1, keepdims=True) + added)
'''),
    Answer("bigram_probabilities", "the last token counted as followed",
           hint="the last token of the text is followed by nothing: it must not be in the denominator", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    occurrences = np.bincount(ids, minlength=vocab_size)[:, None]
    return (counts + added) / (occurrences + added * vocab_size)
'''),
    Answer("bigram_probabilities", "the text closed to a ring",
           hint="one pair too many: the last token is not followed by the first", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.full((vocab_size, vocab_size), added)
    np.add.at(counts, (ids, np.roll(ids, -1)), 1)
    return counts / counts.sum(axis=1, keepdims=True)
'''),
    Answer("bigram_probabilities", "adds one, whatever it is told",
           hint="`added` is ignored: it is not always 1", source='''
def bigram_probabilities(ids, vocab_size, added):
    counts = np.ones((vocab_size, vocab_size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return counts / counts.sum(axis=1, keepdims=True)
'''),
    # ------------------------------------------------------------------------------------------------ entropy_bits
    Answer("entropy_bits", "nats", hint="that is in nats: use the logarithm of base 2", source='''
def entropy_bits(probabilities):
    happens = probabilities > 0
    return -(probabilities * np.log(np.where(happens, probabilities, 1.0))).sum(axis=-1)
'''),
    Answer("entropy_bits", "0 · log 0",
           hint="0 · log 0 is NaN for NumPy: an outcome that never happens costs nothing", source='''
def entropy_bits(probabilities):
    return -(probabilities * np.log2(probabilities)).sum(axis=-1)
'''),
    Answer("entropy_bits", "no minus sign", hint="the sign is wrong: an entropy is never negative", source='''
def entropy_bits(probabilities):
    happens = probabilities > 0
    return (probabilities * np.log2(np.where(happens, probabilities, 1.0))).sum(axis=-1)
'''),
    Answer("entropy_bits", "a plain mean of the surprises",
           hint="surprises are to be weighted by their probabilities, not averaged plainly", source='''
def entropy_bits(probabilities):
    happens = probabilities > 0
    return -np.log2(np.where(happens, probabilities, 1.0)).mean(axis=-1)
'''),
    Answer("entropy_bits", "mean for sum",
           hint="the weights already sum to 1: sum over the outcomes, do not divide by V again", source='''
def entropy_bits(probabilities):
    happens = probabilities > 0
    return -(probabilities * np.log2(np.where(happens, probabilities, 1.0))).mean(axis=-1)
'''),
    Answer("entropy_bits", "a coarse epsilon",
           hint="the small number inside the logarithm changes the result: leave out what has probability 0", source='''
def entropy_bits(probabilities):
    return -(probabilities * np.log2(probabilities + 1e-3)).sum(axis=-1)
'''),
    Answer("entropy_bits", "perplexity", hint="that is 2 to the power of the entropy: the perplexity", source='''
def entropy_bits(probabilities):
    happens = probabilities > 0
    return 2 ** -(probabilities * np.log2(np.where(happens, probabilities, 1.0))).sum(axis=-1)
'''),
    # ----------------------------------------------------------------------------------------------------- softmax
    Answer("softmax", "no maximum subtracted",
           hint="large scores overflow: subtract the row's maximum first", source='''
def softmax(scores):
    weights = np.exp(scores)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "whole array instead of rows", hint="normalise each row, not the whole array", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()
'''),
    Answer("softmax", "first axis", hint="the sum runs over the first axis; rows lie along the last", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max(axis=0, keepdims=True))
    return weights / weights.sum(axis=0, keepdims=True)
'''),
    Answer("softmax", "one maximum for all rows",
           hint="subtract the maximum of each row: a row far below the others becomes 0/0", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "maximum added",
           hint="the maximum is to be subtracted in the exponent, and in it only", source='''
def softmax(scores):
    weights = np.exp(scores) - scores.max(axis=-1, keepdims=True)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "not divided", hint="the weights do not sum to 1: divide by their sum", source='''
def softmax(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True))
'''),
    Answer("softmax", "powers of 2", hint="the base is e, not 2", source='''
def softmax(scores):
    weights = 2 ** (scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "clipped scores",
           hint="clipping makes different large scores equal: subtract the maximum instead", source='''
def softmax(scores):
    weights = np.exp(np.clip(scores, -500, 500))
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "argument changed", source='''
def softmax(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "the library's", source='''
def softmax(scores):
    return torch.softmax(torch.from_numpy(scores), dim=-1).numpy()
'''),
    # ------------------------------------------------------------------------------------------------- log_softmax
    Answer("log_softmax", "logarithm of softmax",
           hint="the probability of a score far below the others rounds to 0, and its logarithm is -inf: "
                "take the logarithm on paper first",
           source='''
def log_softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.log(weights / weights.sum(axis=-1, keepdims=True))
'''),
    Answer("log_softmax", "epsilon in the logarithm",
           hint="a small number added inside the logarithm changes every result: start from z - log Σ "
                "exp(z) instead",
           source='''
def log_softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.log(weights / weights.sum(axis=-1, keepdims=True) + 1e-5)
'''),
    Answer("log_softmax", "clipped probabilities",
           hint="clipping the probability cuts the answer off: it is to be about -1000, not the logarithm "
                "of the limit",
           source='''
def log_softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.log(np.clip(weights / weights.sum(axis=-1, keepdims=True), 1e-30, None))
'''),
    Answer("log_softmax", "log-sum-exp without the maximum",
           hint="exp overflows for large scores: subtract the row's maximum before, and in both terms", source='''
def log_softmax(scores):
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
'''),
    Answer("log_softmax", "maximum subtracted in one term",
           hint="the maximum is subtracted in one of the two terms only", source='''
def log_softmax(scores):
    largest = scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores - largest).sum(axis=-1, keepdims=True))
'''),
    Answer("log_softmax", "sum of all rows", hint="the sum runs over the whole array, not over each row", source='''
def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum())
'''),
    Answer("log_softmax", "mean for sum",
           hint="off by log V: the mean of the exponentials was taken, not their sum", source='''
def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).mean(axis=-1, keepdims=True))
'''),
    Answer("log_softmax", "bits", hint="that is in bits: use the natural logarithm throughout", source='''
def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))) / np.log(2)
'''),
    # ----------------------------------------------------------------------------------------------- cross_entropy
    Answer("cross_entropy", "sum for mean", hint="summed instead of averaged over the scored rows", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).sum()
'''),
    Answer("cross_entropy", "ignored rows in the denominator",
           hint="divide by the number of scored rows, not of all rows", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).sum() / len(targets)
'''),
    Answer("cross_entropy", "ignored rows scored as class 0",
           hint="ignored rows are scored as if their class were 0", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    targets = torch.where(targets == ignore_index, torch.zeros_like(targets), targets)
    log_probabilities = torch.log_softmax(logits, dim=-1)
    return -log_probabilities.gather(1, targets[:, None]).mean()
'''),
    Answer("cross_entropy", "-100 written in", hint="`ignore_index` is not always -100", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != -100
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).mean()
'''),
    Answer("cross_entropy", "negative targets ignored",
           hint="`ignore_index` may be any integer, not only a negative one", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets >= 0
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).mean()
'''),
    Answer("cross_entropy", "logarithm of softmax",
           hint="the right class has a probability that rounds to 0: start from log-softmax", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    probabilities = torch.softmax(logits[scored], dim=-1)
    return -probabilities.gather(1, targets[scored][:, None]).log().mean()
'''),
    Answer("cross_entropy", "classes along the wrong axis",
           hint="log-softmax runs over the rows instead of over the classes", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=0)
    return -log_probabilities.gather(1, targets[scored][:, None]).mean()
'''),
    Answer("cross_entropy", "no minus sign", hint="the sign is wrong: a surprise is never negative", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return log_probabilities.gather(1, targets[scored][:, None]).mean()
'''),
    Answer("cross_entropy", "cut from the graph", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    return -log_probabilities.gather(1, targets[scored][:, None]).mean().detach()
'''),
    Answer("cross_entropy", "rebuilt from a number", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    log_probabilities = torch.log_softmax(logits[scored], dim=-1)
    loss = -log_probabilities.gather(1, targets[scored][:, None]).mean()
    return torch.tensor(loss.item(), dtype=torch.float64)
'''),
    Answer("cross_entropy", "the library's", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    return torch.nn.functional.cross_entropy(logits, targets, ignore_index=ignore_index)
'''),
    # -------------------------------------------------------------------------------------- cross_entropy_gradient
    Answer("cross_entropy_gradient", "not divided",
           hint="the loss is a mean: divide by the number of scored rows", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient
'''),
    Answer("cross_entropy_gradient", "divided by all rows",
           hint="divide by the number of scored rows, not of all rows", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient / len(targets)
'''),
    Answer("cross_entropy_gradient", "divided by all entries",
           hint="the mean runs over the scored rows, not over all their logits: V times too small", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient / gradient[scored].size
'''),
    Answer("cross_entropy_gradient", "ignored rows not cleared",
           hint="an ignored row has no loss, so its gradient is 0", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    return gradient / scored.sum()
'''),
    Answer("cross_entropy_gradient", "wrong sign",
           hint="the sign is wrong: it is probability minus wanted probability", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = -softmax(logits)
    gradient[scored, targets[scored]] += 1
    gradient[~scored] = 0
    return gradient / scored.sum()
'''),
    Answer("cross_entropy_gradient", "the target's entry alone",
           hint="only the target's entry is there: every other score of the row matters too, through the "
                "denominator of softmax",
           source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = np.zeros_like(logits)
    gradient[scored, targets[scored]] = softmax(logits)[scored, targets[scored]] - 1
    return gradient / scored.sum()
'''),
    Answer("cross_entropy_gradient", "one subtracted everywhere",
           hint="1 is subtracted from every class of the row, not only from the target", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    gradient = softmax(logits) - 1
    gradient[~scored] = 0
    return gradient / scored.sum()
'''),
    Answer("cross_entropy_gradient", "softmax's slope once more",
           hint="p (1 - p) has already been cancelled: it must not be multiplied in again", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    probabilities = softmax(logits)
    gradient = probabilities.copy()
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient * probabilities * (1 - probabilities) / scored.sum()
'''),
    Answer("cross_entropy_gradient", "-100 written in", hint="`ignore_index` is not always -100", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != -100
    gradient = softmax(logits)
    gradient[scored, targets[scored]] -= 1
    gradient[~scored] = 0
    return gradient / scored.sum()
'''),
    # -------------------------------------------------------------------------------------- smoothed_cross_entropy
    Answer("smoothed_cross_entropy", "shared among the others only",
           hint="the smoothing is shared among all V classes, the target included, not among the V - 1 "
                "others",
           source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / (n_classes - 1))
    wanted[np.arange(n_rows), targets] = 1 - smoothing
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())
'''),
    Answer("smoothed_cross_entropy", "the target lacks its share",
           hint="the target lacks its share smoothing / V: the wanted probabilities do not sum to 1", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] = 1 - smoothing
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())
'''),
    Answer("smoothed_cross_entropy", "the target keeps everything",
           hint="the target keeps all of its probability: the wanted probabilities sum to more than 1", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] += 1
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())
'''),
    Answer("smoothed_cross_entropy", "smoothing not divided by V",
           hint="each class gets smoothing / V, not the whole smoothing", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing)
    wanted[np.arange(n_rows), targets] += 1 - smoothing
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())
'''),
    Answer("smoothed_cross_entropy", "sum over the rows", hint="summed instead of averaged over the rows", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] += 1 - smoothing
    return float(-(wanted * log_softmax(logits)).sum())
'''),
    Answer("smoothed_cross_entropy", "mean over the classes",
           hint="sum over the classes, and average over the rows only", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] += 1 - smoothing
    return float(-(wanted * log_softmax(logits)).mean())
'''),
    Answer("smoothed_cross_entropy", "smoothing the wrong way round",
           hint="smoothing and 1 - smoothing are swapped", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, (1 - smoothing) / n_classes)
    wanted[np.arange(n_rows), targets] += smoothing
    return float(-(wanted * log_softmax(logits)).sum(axis=-1).mean())
'''),
    Answer("smoothed_cross_entropy", "the model smoothed instead",
           hint="the wanted probabilities are to be smoothed, not the model's", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    probabilities = (1 - smoothing) * softmax(logits) + smoothing / n_classes
    return float(-np.log(probabilities[np.arange(n_rows), targets]).mean())
'''),
    Answer("smoothed_cross_entropy", "roles swapped",
           hint="what is wanted goes in front of the logarithm, the model's probability into it", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_rows, n_classes = logits.shape
    wanted = np.full(logits.shape, smoothing / n_classes)
    wanted[np.arange(n_rows), targets] += 1 - smoothing
    return float(-(softmax(logits) * np.log(wanted)).sum(axis=-1).mean())
'''),
    # ------------------------------------------------------------------------------------------------- text_scores
    Answer("text_scores", "bits per token", hint="bits_per_byte: divided by the tokens, not by the bytes", source='''
def text_scores(token_losses, token_bytes):
    mean = float(token_losses.mean())
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": mean / math.log(2)}
'''),
    Answer("text_scores", "nats per byte", hint="bits_per_byte: that is in nats; one nat is 1/ln 2 bits", source='''
def text_scores(token_losses, token_bytes):
    mean = float(token_losses.mean())
    per_byte = float(token_losses.sum()) / float(token_bytes.sum())
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": per_byte}
'''),
    Answer("text_scores", "ln 2 multiplied",
           hint="bits_per_byte: from nats to bits divide by ln 2, do not multiply", source='''
def text_scores(token_losses, token_bytes):
    mean = float(token_losses.mean())
    per_byte = float(token_losses.sum()) * math.log(2) / float(token_bytes.sum())
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": per_byte}
'''),
    Answer("text_scores", "mean of the ratios",
           hint="bits_per_byte: all bits over all bytes, not the mean of each token's ratio", source='''
def text_scores(token_losses, token_bytes):
    mean = float(token_losses.mean())
    per_byte = float((token_losses / token_bytes).mean()) / math.log(2)
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": per_byte}
'''),
    Answer("text_scores", "mean of the exponentials",
           hint="perplexity: the exponential of the mean loss, not the mean of the exponentials", source='''
def text_scores(token_losses, token_bytes):
    bits = float(token_losses.sum()) / math.log(2)
    return {"nats_per_token": float(token_losses.mean()), "perplexity": float(np.exp(token_losses).mean()),
            "bits_per_byte": bits / float(token_bytes.sum())}
'''),
    Answer("text_scores", "2 to the power of nats",
           hint="perplexity: a loss in nats belongs to the base e, not 2", source='''
def text_scores(token_losses, token_bytes):
    mean = float(token_losses.mean())
    bits = float(token_losses.sum()) / math.log(2)
    return {"nats_per_token": mean, "perplexity": 2**mean, "bits_per_byte": bits / float(token_bytes.sum())}
'''),
    Answer("text_scores", "perplexity of the total",
           hint="perplexity: the exponential of the mean, not of the total, which is the inverse "
                "probability of the whole text",
           source='''
def text_scores(token_losses, token_bytes):
    total = float(token_losses.sum())
    return {"nats_per_token": float(token_losses.mean()), "perplexity": math.exp(total),
            "bits_per_byte": total / math.log(2) / float(token_bytes.sum())}
'''),
    Answer("text_scores", "total for mean",
           hint="nats_per_token: that is the total of all tokens, not their mean", source='''
def text_scores(token_losses, token_bytes):
    total = float(token_losses.sum())
    return {"nats_per_token": total, "perplexity": math.exp(total / len(token_losses)),
            "bits_per_byte": total / math.log(2) / float(token_bytes.sum())}
'''),
    # ----------------------------------------------------------------------------------------- chain_rule_gradient
    Answer("chain_rule_gradient", "plus for minus",
           hint="the second term has the wrong sign: the derivative of log(1 - ŷ) is -1/(1 - ŷ)", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions + (1 - labels) / (1 - predictions)) / len(labels)
    return jacobian.T @ d_predictions
'''),
    Answer("chain_rule_gradient", "no minus in front",
           hint="the sign is wrong: the loss has a minus in front", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = (labels / predictions - (1 - labels) / (1 - predictions)) / len(labels)
    return jacobian.T @ d_predictions
'''),
    Answer("chain_rule_gradient", "not divided by N", hint="off by a factor of N: the loss is a mean", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions))
    return jacobian.T @ d_predictions
'''),
    Answer("chain_rule_gradient", "only the right answers",
           hint="examples with label 0 are missing: they have the second term", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions) / len(labels)
    return jacobian.T @ d_predictions
'''),
    Answer("chain_rule_gradient", "ŷ - y for any model",
           hint="ŷ - y is the derivative with respect to a logit; these derivatives are of ŷ itself, so "
                "the denominators stay",
           source='''
def chain_rule_gradient(predictions, labels, jacobian):
    return jacobian.T @ (predictions - labels) / len(labels)
'''),
    Answer("chain_rule_gradient", "a sigmoid assumed",
           hint="ŷ (1 - ŷ) belongs to a sigmoid; the derivatives of ŷ are given already", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions)) / len(labels)
    return jacobian.T @ (d_predictions * predictions * (1 - predictions) ** 2)
'''),
    Answer("chain_rule_gradient", "links averaged apart",
           hint="the product is to be formed for each example first, then averaged: a product of two "
                "means is not the mean of the products",
           source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions))
    return d_predictions.mean() * jacobian.mean(axis=0)
'''),
    Answer("chain_rule_gradient", "averaged over parameters too",
           hint="divided by N·P: the mean runs over the examples only", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions))
    return jacobian.T @ d_predictions / jacobian.size
'''),
    # ---------------------------------------------------------------------------- binary_cross_entropy_from_logits
    Answer("binary_cross_entropy_from_logits", "sigmoid first",
           hint="sigmoid(z) rounds to 0 or 1, and its logarithm is not finite: use log(1 + exp(z)) - y z", source='''
def binary_cross_entropy_from_logits(logits, labels):
    predictions = 1 / (1 + np.exp(-logits))
    return float(-(labels * np.log(predictions) + (1 - labels) * np.log(1 - predictions)).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "clipped probabilities",
           hint="clipping the probability cuts large losses off: a logit of 1000 with label 0 costs 1000 "
                "nats",
           source='''
def binary_cross_entropy_from_logits(logits, labels):
    predictions = np.clip(1 / (1 + np.exp(-logits)), 1e-12, 1 - 1e-12)
    return float(-(labels * np.log(predictions) + (1 - labels) * np.log(1 - predictions)).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "exp overflows",
           hint="exp(z) overflows for a large z: np.logaddexp(0, z) computes log(1 + exp(z)) without that", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((np.log1p(np.exp(logits)) - labels * logits).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "sum for mean", hint="summed instead of averaged", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((np.logaddexp(0, logits) - labels * logits).sum())
'''),
    Answer("binary_cross_entropy_from_logits", "labels swapped",
           hint="the labels are swapped: a large z means yes, which is label 1", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((np.logaddexp(0, logits) - (1 - labels) * logits).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "plus for minus",
           hint="the sign of y z is wrong: where the label is 1, a larger z costs less", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((np.logaddexp(0, logits) + labels * logits).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "bits", hint="that is in bits: use natural logarithms", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((np.logaddexp(0, logits) - labels * logits).mean() / np.log(2))
'''),
    Answer("binary_cross_entropy_from_logits", "only label 1 counted",
           hint="examples with label 0 cost something too: -log(1 - ŷ)", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((labels * np.logaddexp(0, -logits)).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "labels rounded",
           hint="labels may lie between 0 and 1: both terms count then", source='''
def binary_cross_entropy_from_logits(logits, labels):
    signs = np.where(labels > 0.5, 1.0, -1.0)
    return float(np.logaddexp(0, -signs * logits).mean())
'''),
    # ------------------------------------------------------------------------------------------- logistic_gradient
    Answer("logistic_gradient", "not divided by N", hint="off by a factor of N: the loss is a mean", source='''
def logistic_gradient(features, theta, labels):
    return features.T @ (_sigmoid(features @ theta) - labels)
'''),
    Answer("logistic_gradient", "wrong sign", hint="the sign is wrong: it is ŷ - y, not y - ŷ", source='''
def logistic_gradient(features, theta, labels):
    return features.T @ (labels - _sigmoid(features @ theta)) / len(labels)
'''),
    Answer("logistic_gradient", "sigmoid's slope kept",
           hint="ŷ (1 - ŷ) has been cancelled by the loss's denominators: it must not be multiplied in "
                "again",
           source='''
def logistic_gradient(features, theta, labels):
    predictions = _sigmoid(features @ theta)
    return features.T @ ((predictions - labels) * predictions * (1 - predictions)) / len(labels)
'''),
    Answer("logistic_gradient", "no sigmoid", hint="the prediction is sigmoid(z), not z", source='''
def logistic_gradient(features, theta, labels):
    return features.T @ (features @ theta - labels) / len(labels)
'''),
    Answer("logistic_gradient", "predictions rounded",
           hint="the predictions are rounded to 0 and 1: the loss sees the probability", source='''
def logistic_gradient(features, theta, labels):
    predictions = (features @ theta > 0).astype(np.float64)
    return features.T @ (predictions - labels) / len(labels)
'''),
    Answer("logistic_gradient", "links averaged apart",
           hint="multiply by the features of each example first, then average: a product of two means is "
                "not the mean of the products",
           source='''
def logistic_gradient(features, theta, labels):
    return (_sigmoid(features @ theta) - labels).mean() * features.mean(axis=0)
'''),
    Answer("logistic_gradient", "averaged over parameters too",
           hint="divided by N·P: the mean runs over the examples only", source='''
def logistic_gradient(features, theta, labels):
    return features.T @ (_sigmoid(features @ theta) - labels) / features.size
'''),
    Answer("logistic_gradient", "denominators left in",
           hint="a prediction rounds to 0 or 1, and 0/0 is NaN: cancel the denominators on paper", source='''
def logistic_gradient(features, theta, labels):
    predictions = 1 / (1 + np.exp(-(features @ theta)))
    d_predictions = -(labels / predictions - (1 - labels) / (1 - predictions)) / len(labels)
    return features.T @ (d_predictions * predictions * (1 - predictions))
'''),
    # -------------------------------------------------------------------------------------- squared_error_gradient
    Answer("squared_error_gradient", "no sigmoid's slope",
           hint="a link is missing: the sigmoid's slope ŷ (1 - ŷ)", source='''
def squared_error_gradient(logits, labels):
    return 2 * (_sigmoid(logits) - labels) / len(labels)
'''),
    Answer("squared_error_gradient", "no factor 2", hint="off by a factor of 2: the derivative of a square", source='''
def squared_error_gradient(logits, labels):
    predictions = _sigmoid(logits)
    return (predictions - labels) * predictions * (1 - predictions) / len(labels)
'''),
    Answer("squared_error_gradient", "not divided by N", hint="off by a factor of N: the loss is a mean", source='''
def squared_error_gradient(logits, labels):
    predictions = _sigmoid(logits)
    return 2 * (predictions - labels) * predictions * (1 - predictions)
'''),
    Answer("squared_error_gradient", "wrong sign", hint="the sign is wrong: it is ŷ - y, not y - ŷ", source='''
def squared_error_gradient(logits, labels):
    predictions = _sigmoid(logits)
    return 2 * (labels - predictions) * predictions * (1 - predictions) / len(labels)
'''),
    Answer("squared_error_gradient", "cross-entropy's gradient",
           hint="that is cross-entropy's gradient: for the squared error nothing cancels", source='''
def squared_error_gradient(logits, labels):
    return (_sigmoid(logits) - labels) / len(labels)
'''),
    Answer("squared_error_gradient", "slope of the wrong variable",
           hint="the sigmoid's slope is ŷ (1 - ŷ), with ŷ = sigmoid(z) and not z itself", source='''
def squared_error_gradient(logits, labels):
    return 2 * (_sigmoid(logits) - labels) * logits * (1 - logits) / len(labels)
'''),
    Answer("squared_error_gradient", "sigmoid of a sigmoid",
           hint="the sigmoid is applied twice in its slope", source='''
def squared_error_gradient(logits, labels):
    predictions = _sigmoid(logits)
    twice = _sigmoid(predictions)
    return 2 * (predictions - labels) * twice * (1 - twice) / len(labels)
'''),
    Answer("squared_error_gradient", "half of the slope",
           hint="the sigmoid's slope has two factors, ŷ and 1 - ŷ", source='''
def squared_error_gradient(logits, labels):
    predictions = _sigmoid(logits)
    return 2 * (predictions - labels) * predictions / len(labels)
'''),
    # ------------------------------------------------------------------------------------------------------ update
    Answer("update", "sum for mean",
           hint="the gradients are summed: the empirical risk is the mean over the examples", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * example_gradients.sum(axis=0) - learning_rate * weight_decay * theta
'''),
    Answer("update", "uphill", hint="that goes up the slope: the gradient is to be subtracted", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta + learning_rate * example_gradients.mean(axis=0) - learning_rate * weight_decay * theta
'''),
    Answer("update", "decay not multiplied by the rate",
           hint="the decay is η λ θ: the learning rate is missing in it", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * example_gradients.mean(axis=0) - weight_decay * theta
'''),
    Answer("update", "decay after the step",
           hint="the decay is taken of the new θ: both terms use the old one", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    stepped = theta - learning_rate * example_gradients.mean(axis=0)
    return stepped - learning_rate * weight_decay * stepped
'''),
    Answer("update", "growth for decay",
           hint="the weights grow instead of decaying: the sign of η λ θ is wrong", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * (example_gradients.mean(axis=0) - weight_decay * theta)
'''),
    Answer("update", "no decay", hint="the weight decay is missing", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * example_gradients.mean(axis=0)
'''),
    Answer("update", "decay doubled",
           hint="the decay is twice too large: λ θ is already the derivative of ½ λ θ²", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * (example_gradients.mean(axis=0) + 2 * weight_decay * theta)
'''),
    Answer("update", "mean over everything",
           hint="one number for all parameters: average over the examples only (axis 0)", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return theta - learning_rate * example_gradients.mean() - learning_rate * weight_decay * theta
'''),
    Answer("update", "argument changed", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    theta -= learning_rate * (example_gradients.mean(axis=0) + weight_decay * theta)
    return theta
'''),
]  # fmt: skip

RIGHT = [
    Answer("bigram_probabilities", "by numbering the pairs", source='''
def bigram_probabilities(ids, vocab_size, added):
    pairs = np.bincount(ids[:-1] * vocab_size + ids[1:], minlength=vocab_size**2).reshape(vocab_size, vocab_size)
    return (pairs + added) / (pairs.sum(axis=1, keepdims=True) + added * vocab_size)
'''),
    Answer("bigram_probabilities", "a loop", source='''
def bigram_probabilities(ids, vocab_size, added):
    table = [[added] * vocab_size for _ in range(vocab_size)]
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist()):
        table[a][b] += 1
    return np.array([[count / sum(row) for count in row] for row in table])
'''),
    Answer("bigram_probabilities", "one-hot rows multiplied", source='''
def bigram_probabilities(ids, vocab_size, added):
    one_hot = np.eye(vocab_size)[ids]
    counts = one_hot[:-1].T @ one_hot[1:] + added
    return counts / counts.sum(axis=1)[:, None]
'''),
    Answer("entropy_bits", "logarithm where it is allowed", source='''
def entropy_bits(probabilities):
    logarithms = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return -np.einsum("nv,nv->n", probabilities, logarithms)
'''),
    Answer("entropy_bits", "a loop", source='''
def entropy_bits(probabilities):
    return np.array([sum(p * math.log2(1 / p) for p in row if p > 0) for row in probabilities.tolist()])
'''),
    Answer("entropy_bits", "a tiny epsilon", source='''
def entropy_bits(probabilities):
    return -(probabilities * np.log(probabilities + 1e-300)).sum(axis=1) / np.log(2)
'''),
    Answer("softmax", "through the logarithm", source='''
def softmax(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
'''),
    Answer("softmax", "from the smallest ratio up", source='''
def softmax(scores):
    differences = np.minimum(scores[..., None, :] - scores[..., :, None], 700.0)
    return 1 / np.exp(differences).sum(axis=-1)
'''),
    Answer("log_softmax", "logaddexp", source='''
def log_softmax(scores):
    return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
'''),
    Answer("log_softmax", "by torch.logsumexp", source='''
def log_softmax(scores):
    tensor = torch.tensor(scores)
    return (tensor - torch.logsumexp(tensor, dim=-1, keepdim=True)).numpy()
'''),
    Answer("cross_entropy", "log-sum-exp minus the target's score", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    logits, targets = logits[scored], targets[scored]
    return (torch.logsumexp(logits, dim=1) - logits[torch.arange(len(targets)), targets]).mean()
'''),
    Answer("cross_entropy", "masked sum over all rows", source='''
def cross_entropy(logits, targets, ignore_index=-100):
    scored = (targets != ignore_index).to(logits.dtype)
    safe = torch.where(targets == ignore_index, torch.zeros_like(targets), targets)
    one_hot = torch.eye(logits.shape[1], dtype=logits.dtype)[safe]
    losses = -(one_hot * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
    return (losses * scored).sum() / scored.sum()
'''),
    Answer("cross_entropy_gradient", "wanted probabilities as an array", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    scored = targets != ignore_index
    wanted = np.eye(logits.shape[1])[np.where(scored, targets, 0)]
    return np.where(scored[:, None], softmax(logits) - wanted, 0.0) / np.count_nonzero(scored)
'''),
    Answer("cross_entropy_gradient", "row by row", source='''
def cross_entropy_gradient(logits, targets, ignore_index=-100):
    gradient = np.zeros(logits.shape)
    rows = [i for i, target in enumerate(targets) if target != ignore_index]
    for i in rows:
        weights = np.exp(logits[i] - logits[i].max())
        gradient[i] = weights / weights.sum() / len(rows)
        gradient[i, targets[i]] -= 1 / len(rows)
    return gradient
'''),
    Answer("smoothed_cross_entropy", "two losses mixed", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    log_probabilities = log_softmax(logits)
    hard = -log_probabilities[np.arange(len(targets)), targets].mean()
    return (1 - smoothing) * hard - smoothing * log_probabilities.mean()
'''),
    Answer("smoothed_cross_entropy", "one-hot targets", source='''
def smoothed_cross_entropy(logits, targets, smoothing):
    n_classes = logits.shape[1]
    wanted = (1 - smoothing) * np.eye(n_classes)[targets] + smoothing / n_classes
    normaliser = np.logaddexp.reduce(logits, axis=1)
    return float(np.mean(normaliser - np.einsum("nv,nv->n", wanted, logits)))
'''),
    Answer("text_scores", "in bits throughout", source='''
def text_scores(token_losses, token_bytes):
    bits = token_losses / np.log(2)
    return {"bits_per_byte": bits.sum() / token_bytes.sum(), "perplexity": 2 ** bits.mean(),
            "nats_per_token": token_losses.sum() / token_losses.size}
'''),
    Answer("text_scores", "a geometric mean", source='''
def text_scores(token_losses, token_bytes):
    n = len(token_losses)
    perplexity = float(np.prod(np.exp(token_losses) ** (1 / n)))
    return {"nats_per_token": math.log(perplexity), "perplexity": perplexity,
            "bits_per_byte": n * math.log2(perplexity) / int(token_bytes.sum())}
'''),
    Answer("chain_rule_gradient", "one fraction", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    pull = (predictions - labels) / (predictions * (1 - predictions))
    return (pull[:, None] * jacobian).mean(axis=0)
'''),
    Answer("chain_rule_gradient", "a loop over examples", source='''
def chain_rule_gradient(predictions, labels, jacobian):
    total = np.zeros(jacobian.shape[1])
    for y_hat, y, row in zip(predictions, labels, jacobian):
        total += (-1 / y_hat if y == 1 else 1 / (1 - y_hat)) * row
    return total / len(labels)
'''),
    Answer("binary_cross_entropy_from_logits", "two softplus terms", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return float((labels * np.logaddexp(0, -logits) + (1 - labels) * np.logaddexp(0, logits)).mean())
'''),
    Answer("binary_cross_entropy_from_logits", "with the absolute value", source='''
def binary_cross_entropy_from_logits(logits, labels):
    return np.mean(np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits))))
'''),
    Answer("logistic_gradient", "by tanh", source='''
def logistic_gradient(features, theta, labels):
    predictions = (1 + np.tanh(features @ theta / 2)) / 2
    return ((predictions - labels)[:, None] * features).mean(axis=0)
'''),
    Answer("logistic_gradient", "einsum", source='''
def logistic_gradient(features, theta, labels):
    with np.errstate(over="ignore"):
        residuals = 1 / (1 + np.exp(-np.einsum("np,p->n", features, theta))) - labels
    return np.einsum("n,np->p", residuals, features) / features.shape[0]
'''),
    Answer("squared_error_gradient", "the slope by exponentials", source='''
def squared_error_gradient(logits, labels):
    tail = np.exp(-logits)
    return 2 / len(labels) * (1 / (1 + tail) - labels) * tail / (1 + tail) ** 2
'''),
    Answer("squared_error_gradient", "by hyperbolic functions", source='''
def squared_error_gradient(logits, labels):
    predictions = (1 + np.tanh(logits / 2)) / 2
    slope = 1 / (4 * np.cosh(logits / 2) ** 2)
    return (2 * (predictions - labels) * slope) / labels.size
'''),
    Answer("update", "shrink, then step", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    return (1 - learning_rate * weight_decay) * theta - learning_rate * np.mean(example_gradients, axis=0)
'''),
    Answer("update", "decay inside the gradient", source='''
def update(theta, example_gradients, learning_rate, weight_decay):
    gradient = sum(example_gradients) / len(example_gradients) + weight_decay * theta
    return theta - learning_rate * gradient
'''),
]  # fmt: skip
