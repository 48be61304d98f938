"""Known answers of chapter 11: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ----------------------------------------------------------------------------------------------------- align_tags

ALIGN = """
def align_tags(tag_ids, n_pieces, labelled):
    targets = []
    for tag, count in zip(tag_ids, n_pieces):
        targets += [tag if place == (0 if labelled == "first" else count - 1) else -100 for place in range(count)]
    return targets
"""
align = wrong("align_tags", ALIGN)
ALIGNS = [
    Answer(
        "align_tags",
        "zipped",
        hint="the tags are zipped onto the pieces: after the first split word each is shifted",
        source="""
def align_tags(tag_ids, n_pieces, labelled):
    total = sum(n_pieces)
    return (tag_ids + [-100] * total)[:total]
""",
    ),
    align(
        "every piece labelled",
        "one piece of each word carries the tag, its other pieces get -100",
        ('tag if place == (0 if labelled == "first" else count - 1) else -100', "tag"),
    ),
    align(
        "always the first",
        "labelled='last' wants the tag on the last piece",
        ('(0 if labelled == "first" else count - 1)', "0"),
    ),
    align(
        "always the last",
        "labelled='first' wants the tag on the first piece",
        ('(0 if labelled == "first" else count - 1)', "count - 1"),
    ),
    align("the two exchanged", "first and last are exchanged", ('labelled == "first"', 'labelled == "last"')),
    align("0 instead of -100", "0 is a tag's number: a token that is not scored has -100", ("-100", "0")),
    align(
        "a piece for the word without pieces",
        "a word without pieces has no target at all",
        ("range(count)", "range(max(count, 1))"),
    ),
    align("-1 instead of -100", "the mark of an unscored token is -100, which losses know", ("-100", "-1")),
]
RIGHT_ALIGNS = [
    Answer(
        "align_tags",
        "by position",
        source="""
def align_tags(tag_ids, n_pieces, labelled):
    targets, position = [-100] * sum(n_pieces), 0
    for tag, count in zip(tag_ids, n_pieces):
        if count > 0:
            targets[position if labelled == "first" else position + count - 1] = tag
        position += count
    return targets
""",
    ),
    Answer(
        "align_tags",
        "two branches",
        source="""
def align_tags(tag_ids, n_pieces, labelled):
    out = []
    for i in range(len(tag_ids)):
        n = n_pieces[i]
        if n == 0:
            continue
        rest = (n - 1) * [-100]
        out.extend([tag_ids[i]] + rest if labelled == "first" else rest + [tag_ids[i]])
    return out
""",
    ),
]

# --------------------------------------------------------------------------------------------------- iob1_to_iob2

IOB = """
def iob1_to_iob2(tags):
    result, previous = [], "O"
    for tag in tags:
        if tag[0] == "I" and (previous == "O" or previous[2:] != tag[2:]):
            result.append("B" + tag[1:])
        else:
            result.append(tag)
        previous = tag
    return result
"""
iob = wrong("iob1_to_iob2", IOB)
IOBS = [
    iob("types not compared", "an I behind another type begins an entity, too", (" or previous[2:] != tag[2:]", "")),
    iob(
        "after O only where types agree",
        "an I behind O begins an entity",
        ('previous == "O" or ', 'previous != "O" and '),
    ),
    iob(
        "every I becomes B",
        "an I that goes on with an entity stays I",
        (' and (previous == "O" or previous[2:] != tag[2:])', ""),
    ),
    iob("nothing changes", "in IOB1 an entity begins with I: it needs a B now", ('tag[0] == "I"', 'tag[0] == "X"')),
    iob(
        "previous never moves",
        "compare with the tag directly before, not with the sentence's start",
        ("        previous = tag\n", ""),
    ),
    iob(
        "B behind B's entity lost",
        "a B stays a B: it parts two entities of one type",
        ("            result.append(tag)", "            result.append(tag.replace('B-', 'I-'))"),
    ),
    iob(
        "I after B begins anew",
        "an I behind B of its own type goes on with the entity",
        ("previous[2:] != tag[2:]", "previous != tag"),
    ),
    iob(
        "first tag left out",
        "the first tag can be an I that begins an entity",
        ('[], "O"', "[], tags[0] if tags else ''"),
    ),
]
RIGHT_IOBS = [
    Answer(
        "iob1_to_iob2",
        "by neighbours",
        source="""
def iob1_to_iob2(tags):
    def kind(i):
        return tags[i].split("-")[1] if i >= 0 and tags[i] != "O" else None
    return [t if t == "O" else ("I-" if t.startswith("I") and kind(i - 1) == kind(i) else "B-") + kind(i)
            for i, t in enumerate(tags)]
""",
    ),
    Answer(
        "iob1_to_iob2",
        "with the entity's type in hand",
        source="""
def iob1_to_iob2(tags):
    out, running = [], None
    for tag in tags:
        if tag == "O":
            running = None
            out.append("O")
            continue
        letter, kind = tag.split("-")
        out.append(f"I-{kind}" if letter == "I" and running == kind else f"B-{kind}")
        running = kind
    return out
""",
    ),
]

# ---------------------------------------------------------------------------------------------------------- spans

SPANS = """
def spans(tags):
    found, opened = [], None
    for index, tag in enumerate(list(tags) + ["O"]):
        letter, kind = tag[0], tag[2:]
        goes_on = opened is not None and letter == "I" and kind == opened[1]
        if opened is not None and not goes_on:
            found.append((opened[0], index, opened[1]))
            opened = None
        if letter != "O" and not goes_on:
            opened = (index, kind)
    return found
"""
span = wrong("spans", SPANS)
SPANS_WRONG = [
    span(
        "last word inclusive",
        "the second number is the word after the last",
        ("index, opened[1]))", "index - 1, opened[1]))"),
    ),
    span("entity at the end lost", "an entity that ends with the sentence is missing", (' + ["O"]', "")),
    span("type ignored", "an I of another type does not go on with the entity", (" and kind == opened[1]", "")),
    span(
        "stray I dropped",
        "an I that goes on with nothing begins an entity",
        ('if letter != "O" and not goes_on', 'if letter == "B"'),
    ),
    span(
        "B goes on",
        "a B begins a new entity, also directly behind one of its type",
        ('letter == "I" and', 'letter != "O" and'),
    ),
    span(
        "type first",
        "first word, word after the last, type: in this order",
        ("(opened[0], index, opened[1])", "(opened[1], opened[0], index)"),
    ),
    span(
        "whole tag as type",
        "the type is PER, without B-",
        ("tag[0], tag[2:]", "tag[0], 'B-' + tag[2:] if tag != 'O' else ''"),
    ),
    span(
        "counted from 1",
        "words are counted from 0",
        ('enumerate(list(tags) + ["O"])', 'enumerate(list(tags) + ["O"], 1)'),
    ),
]
RIGHT_SPANS = [
    Answer(
        "spans",
        "looking ahead",
        source="""
def spans(tags):
    result, i = [], 0
    while i < len(tags):
        if tags[i] == "O":
            i += 1
            continue
        kind, j = tags[i].split("-")[1], i + 1
        while j < len(tags) and tags[j] == "I-" + kind:
            j += 1
        result.append((i, j, kind))
        i = j
    return result
""",
    ),
    Answer(
        "spans",
        "extending the last one",
        source="""
def spans(tags):
    result = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        letter, kind = tag.split("-")
        if letter == "I" and result and result[-1][1] == i and result[-1][2] == kind:
            result[-1] = (result[-1][0], i + 1, kind)
        else:
            result.append((i, i + 1, kind))
    return result
""",
    ),
]

# -------------------------------------------------------------------------------------------------- entity_scores

SCORES = """
def entity_scores(true, predicted):
    n_true = n_predicted = n_right = 0
    for t, p in zip(true, predicted):
        theirs, ours = set(spans(t)), set(spans(p))
        n_true, n_predicted, n_right = n_true + len(theirs), n_predicted + len(ours), n_right + len(theirs & ours)
    precision = n_right / n_predicted if n_predicted else 0.0
    recall = n_right / n_true if n_true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return precision, recall, f1
"""
score = wrong("entity_scores", SCORES)
SCORES_WRONG = [
    score(
        "precision and recall exchanged",
        "precision is divided by the predicted entities, recall by the true ones",
        ("return precision, recall, f1", "return recall, precision, f1"),
    ),
    score(
        "arithmetic mean",
        "F1 is the harmonic mean: 2PR / (P + R)",
        ("2 * precision * recall / (precision + recall) if precision + recall else 0.0", "(precision + recall) / 2"),
    ),
    score(
        "types ignored",
        "the type has to agree, too",
        ("set(spans(t)), set(spans(p))", "{s[:2] for s in spans(t)}, {s[:2] for s in spans(p)}"),
    ),
    score(
        "starts alone",
        "both ends have to agree",
        ("set(spans(t)), set(spans(p))", "{s[::2] for s in spans(t)}, {s[::2] for s in spans(p)}"),
    ),
    score(
        "tokens instead of entities",
        "count whole entities, not words",
        (
            "set(spans(t)), set(spans(p))",
            "{x for x in enumerate(t) if x[1] != 'O'}, {x for x in enumerate(p) if x[1] != 'O'}",
        ),
    ),
    score(
        "no entity is perfect",
        "a value whose denominator is 0 is 0",
        ("if n_predicted else 0.0", "if n_predicted else 1.0"),
        ("if n_true else 0.0", "if n_true else 1.0"),
    ),
    Answer(
        "entity_scores",
        "mean over sentences",
        hint="add up the counts of all sentences first; the mean of the sentences' scores is another number",
        source="""
def entity_scores(true, predicted):
    rows = []
    for t, p in zip(true, predicted):
        a, b = set(spans(t)), set(spans(p))
        pr, re = len(a & b) / max(len(b), 1), len(a & b) / max(len(a), 1)
        rows.append((pr, re, 2 * pr * re / (pr + re) if pr + re else 0.0))
    return tuple(sum(column) / len(rows) for column in zip(*rows))
""",
    ),
    Answer(
        "entity_scores",
        "sentences thrown together",
        hint="the same words in another sentence are another entity: keep the sentence's number",
        source="""
def entity_scores(true, predicted):
    a, b = {s for t in true for s in spans(t)}, {s for p in predicted for s in spans(p)}
    pr, re = len(a & b) / max(len(b), 1), len(a & b) / max(len(a), 1)
    return pr, re, 2 * pr * re / (pr + re) if pr + re else 0.0
""",
    ),
]
RIGHT_SCORES = [
    Answer(
        "entity_scores",
        "one long sentence",
        source="""
def entity_scores(true, predicted):
    ours = set(spans([tag for tags in predicted for tag in list(tags) + ["O"]]))
    theirs = set(spans([tag for tags in true for tag in list(tags) + ["O"]]))
    hits = sum(entity in theirs for entity in ours)
    if not hits:
        return 0.0, 0.0, 0.0
    return hits / len(ours), hits / len(theirs), 2 * hits / (len(ours) + len(theirs))
""",
    ),
    Answer(
        "entity_scores",
        "counting misses",
        source="""
def entity_scores(true, predicted):
    tp = fp = fn = 0
    for t, p in zip(true, predicted):
        a, b = spans(t), spans(p)
        tp += sum(s in a for s in b)
        fp += sum(s not in a for s in b)
        fn += sum(s not in b for s in a)
    ratio = lambda x, y: x / y if y else 0.0
    return ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn)
""",
    ),
]

# --------------------------------------------------------------------------------------------------- report_means

MEANS = """
def report_means(rows):
    right = {tag: r * n for tag, (p, r, n) in rows.items()}
    given = {tag: r * n / p for tag, (p, r, n) in rows.items()}
    total = sum(n for p, r, n in rows.values())
    names = [tag for tag in rows if tag != "O"]
    tp, predicted, true = sum(right[t] for t in names), sum(given[t] for t in names), sum(rows[t][2] for t in names)
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r, n in rows.values()]
    return {"accuracy": sum(right.values()) / total, "micro F1": 2 * tp / (predicted + true),
            "macro F1": sum(f1) / len(f1), "always O": rows["O"][2] / total}
"""
means = wrong("report_means", MEANS)
MEANS_WRONG = [
    means(
        "O counted in the micro mean",
        "leave O out of the micro F1: with it, it is the accuracy again",
        ('names = [tag for tag in rows if tag != "O"]', "names = list(rows)"),
    ),
    means(
        "O left out of the macro mean",
        "the macro F1 has a line for O, too",
        ("sum(f1) / len(f1)", "sum(f for f, t in zip(f1, rows) if t != 'O') / len(names)"),
    ),
    means(
        "macro weighted by support",
        "macro is the plain mean: each row counts alike",
        ("sum(f1) / len(f1)", "sum(f * rows[t][2] for f, t in zip(f1, rows)) / total"),
    ),
    means(
        "precision times support",
        "recall · support tokens are right; precision belongs to those that were labelled",
        ("right = {tag: r * n", "right = {tag: p * n"),
        ("given = {tag: r * n / p", "given = {tag: p * n / r"),
    ),
    means(
        "given is the support",
        "a tag may be given more or less often than it is true: divide by the precision",
        ("r * n / p for", "n for"),
    ),
    means(
        "accuracy as mean of recalls",
        "accuracy weighs each token alike, not each tag",
        ("sum(right.values()) / total", "sum(r for p, r, n in rows.values()) / len(rows)"),
    ),
    means(
        "accuracy without O", "the accuracy counts all tokens, O included", ("sum(right.values()) / total", "tp / true")
    ),
    means(
        "always O right by O's recall",
        "a program that always says O has every O right",
        ('rows["O"][2] / total', 'right["O"] / total'),
    ),
    means(
        "micro as the mean of rows",
        "add up the counts first: the weighted mean of F1s is another number",
        ("2 * tp / (predicted + true)", "sum(f * rows[t][2] for f, t in zip(f1, rows) if t != 'O') / true"),
    ),
]
RIGHT_MEANS = [
    Answer(
        "report_means",
        "with NumPy",
        source="""
def report_means(rows):
    tags = list(rows)
    p, r, n = np.array([rows[t] for t in tags], dtype=float).T
    tp = r * n
    entity = np.array([t != "O" for t in tags])
    micro_p, micro_r = tp[entity].sum() / (tp / p)[entity].sum(), tp[entity].sum() / n[entity].sum()
    f1 = np.where(tp > 0, 2 * p * r / np.maximum(p + r, 1e-300), 0.0)
    return {"accuracy": float(tp.sum() / n.sum()), "micro F1": float(2 * micro_p * micro_r / (micro_p + micro_r)),
            "macro F1": float(f1.mean()), "always O": float(n[~entity][0] / n.sum())}
""",
    ),
    Answer(
        "report_means",
        "with true and false positives",
        source="""
def report_means(rows):
    tp = fp = fn = hits = total = 0
    f1 = []
    for tag, (p, r, n) in rows.items():
        good = r * n
        hits, total = hits + good, total + n
        f1.append(2 / (1 / p + 1 / r) if p and r else 0.0)
        if tag != "O":
            tp, fp, fn = tp + good, fp + good / p - good, fn + n - good
    return {"accuracy": hits / total, "micro F1": 2 * tp / (2 * tp + fp + fn), "macro F1": sum(f1) / len(rows),
            "always O": rows["O"][2] / total}
""",
    ),
]

# ---------------------------------------------------------------------------------------------------- masked_loss

LOSS = """
def masked_loss(logits, targets):
    scored = targets != -100
    log_probabilities = torch.log_softmax(logits, dim=-1)
    losses = -log_probabilities.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return losses[scored].sum() / scored.sum()
"""
loss = wrong("masked_loss", LOSS)
LOSSES = [
    loss(
        "divided by all tokens",
        "divide by the scored tokens: padding must not make the loss smaller",
        ("/ scored.sum()", "/ targets.numel()"),
    ),
    loss(
        "-100 scored as tag 0",
        "tokens with -100 are scored as if they were tag 0",
        ("losses[scored].sum() / scored.sum()", "losses.mean()"),
    ),
    loss("sum", "the mean over the scored tokens, not the sum", (" / scored.sum()", "")),
    loss("tag 0 not scored", "tag 0 is a tag: only -100 is left out", ("targets != -100", "targets > 0")),
    loss(
        "mean of sentences",
        "each token counts alike: not the mean of the sentences' means",
        (
            "losses[scored].sum() / scored.sum()",
            "((losses * scored).sum(1)[scored.any(1)] / scored.sum(1)[scored.any(1)]).mean()",
        ),
    ),
    loss("positive logarithm", "the loss is minus the logarithm", ("losses = -log", "losses = log")),
    loss(
        "base 2",
        "in nats: the natural logarithm",
        ("torch.log_softmax(logits, dim=-1)", "torch.log_softmax(logits, dim=-1) / math.log(2)"),
        ("def masked", "import math\n\ndef masked"),
    ),
    loss("softmax over tokens", "softmax runs over the tags, the last axis", ("dim=-1)\n", "dim=1)\n")),
    loss(
        "overflow",
        "large logits: exp overflows",
        ("torch.log_softmax(logits, dim=-1)", "torch.log(torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True))"),
    ),
    loss(
        "detached",
        "",
        ("scored.sum()\n", "scored.sum().detach()\n"),
        ("losses[scored].sum()", "losses[scored].sum().detach()"),
    ),
]
RIGHT_LOSSES = [
    Answer(
        "masked_loss",
        "one-hot",
        source="""
def masked_loss(logits, targets):
    scored = targets.ne(-100)
    flat, wanted = logits[scored], targets[scored]
    one_hot = torch.eye(logits.shape[-1], dtype=logits.dtype)[wanted]
    return (flat.logsumexp(1) - (flat * one_hot).sum(1)).mean()
""",
    ),
    Answer(
        "masked_loss",
        "by hand, token by token",
        source="""
def masked_loss(logits, targets):
    losses = []
    for sentence, tags in zip(logits, targets.tolist()):
        for scores, tag in zip(sentence, tags):
            if tag != -100:
                largest = scores.max()
                losses.append(largest + (scores - largest).exp().sum().log() - scores[tag])
    return torch.stack(losses).mean()
""",
    ),
]

# ------------------------------------------------------------------------------------------------- read_twice_row

TWICE = """
def read_twice_row(pieces, tag_ids, start, delimiter):
    tokens, second = [], []
    for piece, tag in zip(pieces, tag_ids):
        tokens.extend(piece)
        second.extend([-100] * (len(piece) - 1) + [tag])
    first = [-100] * (len(tokens) + 2)
    return [start] + tokens + [delimiter] + tokens, first + second
"""
twice = wrong("read_twice_row", TWICE)
TWICES = [
    twice(
        "first copy labelled",
        "the second copy carries the tags: in the first one nothing has been read yet",
        ("first + second", "[-100] + second + [-100] * (len(tokens) + 1)"),
    ),
    twice(
        "both copies labelled",
        "only the second copy carries tags",
        ("first + second", "[-100] + second + [-100] + second"),
    ),
    twice(
        "first piece",
        "the last piece of a word carries its tag: then the whole word has been read",
        ("[-100] * (len(piece) - 1) + [tag]", "[tag] + [-100] * (len(piece) - 1)"),
    ),
    twice(
        "every piece",
        "one piece of each word carries the tag",
        ("[-100] * (len(piece) - 1) + [tag]", "[tag] * len(piece)"),
    ),
    twice(
        "no delimiter",
        "the delimiter between the copies is missing",
        ("tokens + [delimiter] + tokens", "tokens + tokens"),
        ("len(tokens) + 2", "len(tokens) + 1"),
    ),
    twice(
        "no start",
        "the row begins with the start mark",
        ("[start] + tokens", "tokens"),
        ("len(tokens) + 2", "len(tokens) + 1"),
    ),
    twice(
        "targets one too early",
        "this is no next-token prediction: the target stands on the word's own piece",
        ("first + second", "(first + second)[1:] + [-100]"),
    ),
    twice(
        "start again before the second copy",
        "the second copy stands behind the delimiter alone",
        ("[delimiter] + tokens", "[start] + tokens"),
    ),
    twice("0 for unscored", "a token that is not scored has -100", ("-100", "0")),
]
RIGHT_TWICES = [
    Answer(
        "read_twice_row",
        "by position",
        source="""
def read_twice_row(pieces, tag_ids, start, delimiter):
    once = sum(pieces, [])
    row = [start, *once, delimiter, *once]
    targets = [-100 for _ in row]
    place = len(once) + 1
    for piece, tag in zip(pieces, tag_ids):
        place += len(piece)
        targets[place] = tag
    return row, targets
""",
    ),
    Answer(
        "read_twice_row",
        "from pairs",
        source="""
def read_twice_row(pieces, tag_ids, start, delimiter):
    pairs = [(token, tag if i == len(piece) - 1 else -100)
             for piece, tag in zip(pieces, tag_ids) for i, token in enumerate(piece)]
    tokens, marks = [a for a, b in pairs], [b for a, b in pairs]
    return [start] + tokens + [delimiter] + tokens, [-100] + [-100] * len(tokens) + [-100] + marks
""",
    ),
]

# ------------------------------------------------------------------------------------------------------ best_tags

BEST = """
def best_tags(scores, tags):
    def ok(before, tag):
        return tag[0] != "I" or (before != "O" and before[2:] == tag[2:])
    best = [(scores[0][j] if ok("O", tag) else -math.inf, [tag]) for j, tag in enumerate(tags)]
    for row in scores[1:]:
        best = [max(((total + row[j], path + [tag]) for total, path in best if ok(path[-1], tag)),
                    default=(-math.inf, [tag]), key=lambda pair: pair[0]) for j, tag in enumerate(tags)]
    return max(best, key=lambda pair: pair[0])[1]
""".replace("def best_tags", "import math\n\ndef best_tags")
best = wrong("best_tags", BEST)
BESTS = [
    Answer(
        "best_tags",
        "each word by itself",
        hint="each word's likeliest tag may give an I that goes on with nothing",
        source="""
def best_tags(scores, tags):
    return [tags[i] for i in np.asarray(scores).argmax(axis=1)]
""",
    ),
    Answer(
        "best_tags",
        "greedy",
        hint="the best next tag is not always on the best path: keep the best sum for each tag",
        source="""
def best_tags(scores, tags):
    path = []
    for row in scores:
        before = path[-1] if path else "O"
        allowed = [j for j, tag in enumerate(tags) if tag[0] != "I" or before[1:] == tag[1:]]
        path.append(tags[max(allowed, key=lambda j: row[j])])
    return path
""",
    ),
    Answer(
        "best_tags",
        "repaired afterwards",
        hint="changing an invalid I into B afterwards is not the best sequence",
        source="""
def best_tags(scores, tags):
    path = []
    for row in scores:
        tag, before = tags[int(row.argmax())], path[-1] if path else "O"
        path.append("B" + tag[1:] if tag[0] == "I" and before[1:] != tag[1:] else tag)
    return path
""",
    ),
    best("type ignored", "B-PER I-LOC is not valid: the types have to agree", (" and before[2:] == tag[2:]", "")),
    best(
        "I after I forbidden",
        "an entity may have more than two words: I-X may stand behind I-X",
        ('before != "O" and', 'before[0] == "B" and'),
    ),
    best(
        "I may begin a sentence",
        "nothing stands before the first word: it cannot be an I",
        ('if ok("O", tag) else -math.inf', ""),
    ),
    best("a word's scores forgotten", "add the score of each word's tag to the sum", ("total + row[j]", "total")),
    best(
        "only the last word counts",
        "the score of a sequence is the sum over all its words",
        ("total + row[j]", "row[j]"),
    ),
    best(
        "O before I allowed",
        "an I cannot stand behind O",
        ('(before != "O" and before[2:] == tag[2:])', '(before == "O" or before[2:] == tag[2:])'),
    ),
]
RIGHT_BESTS = [
    Answer("best_tags", "paths kept", source=BEST),
    Answer(
        "best_tags",
        "from right to left",
        source="""
def best_tags(scores, tags):
    n, c = scores.shape
    allowed = np.array([[not b.startswith("I") or a[1:] == b[1:] for b in tags] for a in tags])
    rest, choice = scores[-1].copy(), np.zeros((n, c), dtype=int)
    for word in range(n - 2, -1, -1):
        following = np.where(allowed, rest[None, :], -np.inf)
        choice[word] = following.argmax(axis=1)
        rest = scores[word] + following.max(axis=1)
    start = np.array([not tag.startswith("I") for tag in tags])
    index = int(np.where(start, rest, -np.inf).argmax())
    path = [index]
    for word in range(n - 1):
        index = int(choice[word, index])
        path.append(index)
    return [tags[i] for i in path]
""",
    ),
]

# -------------------------------------------------------------------------------------------------- iob2_to_iobes

IOBES = """
def iob2_to_iobes(tags):
    out = []
    for i, tag in enumerate(tags):
        last = i + 1 == len(tags) or tags[i + 1][0] != "I"
        if tag == "O":
            out.append(tag)
        elif tag[0] == "B":
            out.append(("S" if last else "B") + tag[1:])
        else:
            out.append(("E" if last else "I") + tag[1:])
    return out
"""
iobes = wrong("iob2_to_iobes", IOBES)
IOBES_WRONG = [
    iobes("no S", "an entity of one word is S", ('"S" if last', '"B" if last')),
    iobes("no E", "the last word of an entity is E", ('"E" if last', '"I" if last')),
    iobes("single words are E", "an entity of one word is S, not E", ('"S" if last', '"E" if last')),
    iobes(
        "the end of the sentence ends nothing",
        "an entity also ends where the sentence ends",
        ("i + 1 == len(tags) or tags[i + 1][0]", "i + 1 < len(tags) and tags[i + 1][0]"),
    ),
    iobes(
        "only O ends an entity", "a B behind an entity ends it, too", ('tags[i + 1][0] != "I"', 'tags[i + 1] == "O"')
    ),
    iobes(
        "looks back",
        "whether an entity ends is told by the following tag",
        ("i + 1 == len(tags) or tags[i + 1][0]", "i == 0 or tags[i - 1][0]"),
    ),
    iobes("BILOU's letters", "that is BILOU: here a last word is E and a single one S", ('"S"', '"U"'), ('"E"', '"L"')),
    iobes("every I is E", "only the last I becomes E", ('("E" if last else "I")', '"E"')),
]
RIGHT_IOBES = [
    Answer(
        "iob2_to_iobes",
        "from right to left",
        source="""
def iob2_to_iobes(tags):
    out, inside = [], False
    for tag in reversed(tags):
        if tag == "O":
            out.append(tag)
        elif tag.startswith("I"):
            out.append(tag if inside else tag.replace("I-", "E-", 1))
        else:
            out.append(tag if inside else tag.replace("B-", "S-", 1))
        inside = tag.startswith("I")
    return out[::-1]
""",
    ),
    Answer(
        "iob2_to_iobes",
        "through spans",
        source="""
def iob2_to_iobes(tags):
    out = list(tags)
    starts = [i for i, tag in enumerate(tags) if tag.startswith("B")]
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end].startswith("I"):
            end += 1
        kind = tags[start][1:]
        length = end - start
        out[start:end] = ["S" + kind] if length == 1 else ["B" + kind] + ["I" + kind] * (length - 2) + ["E" + kind]
    return out
""",
    ),
]

# ---------------------------------------------------------------------------------------------------- tag_by_word

BY_WORD = """
def tag_by_word(words, tags, new):
    counts = {}
    for sentence, its_tags in zip(words, tags):
        for word, tag in zip(sentence, its_tags):
            row = counts.setdefault(word, {})
            row[tag] = row.get(tag, 0) + 1
    table = {word: max(sorted(row), key=row.get) for word, row in counts.items()}
    return [[table.get(word, "O") for word in sentence] for sentence in new]
"""
by_word = wrong("tag_by_word", BY_WORD)
BY_WORDS = [
    by_word(
        "lower case",
        "Nova and nova are different words: keep the capitals",
        ("counts.setdefault(word, {})", "counts.setdefault(word.lower(), {})"),
        ("table.get(word,", "table.get(word.lower(),"),
    ),
    by_word("last tag seen", "the commonest tag, not the last one", ("row.get(tag, 0) + 1", "sum(row.values()) + 1")),
    by_word(
        "first tag seen", "the commonest tag, not the first one", ("max(sorted(row), key=row.get)", "next(iter(row))")
    ),
    by_word("ties by first sight", "of equally frequent tags take the first in the alphabet", ("sorted(row)", "row")),
    by_word(
        "ties from the end of the alphabet",
        "of equally frequent tags take the first in the alphabet, not the last",
        ("sorted(row)", "sorted(row, reverse=True)"),
    ),
    by_word("rarest tag", "the commonest tag, not the rarest", ("max(sorted", "min(sorted")),
    by_word(
        "unseen words get the commonest tag of all",
        "a word that did not occur in training gets O",
        ('table.get(word, "O")', "table.get(word, max(sorted(table.values()), key=list(table.values()).count))"),
    ),
    by_word(
        "unseen words vanish",
        "each word of a new sentence needs a tag, unseen ones too",
        ("for word in sentence] for sentence in new]", "for word in sentence if word in table] for sentence in new]"),
    ),
    by_word(
        "one flat list",
        "a list for each sentence",
        (
            '[[table.get(word, "O") for word in sentence] for sentence in new]',
            '[table.get(word, "O") for sentence in new for word in sentence]',
        ),
    ),
]
RIGHT_BY_WORDS = [
    Answer(
        "tag_by_word",
        "counted in one table",
        source="""
def tag_by_word(words, tags, new):
    pairs = Counter((w, t) for ws, ts in zip(words, tags) for w, t in zip(ws, ts))
    best = {}
    for (w, t), n in sorted(pairs.items(), key=lambda item: (item[1], [-ord(c) for c in item[0][1]])):
        best[w] = t
    return [[best.get(w, "O") for w in ws] for ws in new]
""",
    ),
    Answer(
        "tag_by_word",
        "a list for each word",
        source="""
def tag_by_word(words, tags, new):
    seen = defaultdict(list)
    for ws, ts in zip(words, tags):
        for i in range(len(ws)):
            seen[ws[i]].append(ts[i])
    result = []
    for ws in new:
        row = []
        for w in ws:
            candidates = sorted(set(seen[w])) if w in seen else ["O"]
            top = max(seen[w].count(t) for t in candidates) if w in seen else 0
            row.append(next(t for t in candidates if w not in seen or seen[w].count(t) == top))
        result.append(row)
    return result
""",
    ),
]

WRONG = [*ALIGNS, *IOBS, *SPANS_WRONG, *SCORES_WRONG, *MEANS_WRONG, *LOSSES, *TWICES, *BESTS, *IOBES_WRONG, *BY_WORDS]
RIGHT = [
    *RIGHT_ALIGNS,
    *RIGHT_IOBS,
    *RIGHT_SPANS,
    *RIGHT_SCORES,
    *RIGHT_MEANS,
    *RIGHT_LOSSES,
    *RIGHT_TWICES,
    *RIGHT_BESTS,
    *RIGHT_IOBES,
    *RIGHT_BY_WORDS,
]
