"""Known answers of chapter 12: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# --------------------------------------------------------------------------------------------------- masked_batch

BATCH = '''
def masked_batch(prompts, answers, start, delimiter, end):
    rows = [[start, *prompt, delimiter, *answer, end] for prompt, answer in zip(prompts, answers)]
    width = max(len(row) for row in rows)
    ids, targets = [], []
    for row, prompt in zip(rows, prompts):
        scored = [-100] * (len(prompt) + 1) + row[len(prompt) + 2:] + [-100]
        ids.append(row + [0] * (width - len(row)))
        targets.append(scored + [-100] * (width - len(row)))
    return {"ids": np.array(ids), "targets": np.array(targets)}
'''
batch = wrong("masked_batch", BATCH)
BATCHES = [
    batch("the prompt is learned too", "the prompt is given: its places have the target -100",
          ("[-100] * (len(prompt) + 1) + row[len(prompt) + 2:]", "row[1:]")),
    batch("targets not shifted", "the target is the next token, not the one at the same place",
          ("[-100] * (len(prompt) + 1) + row[len(prompt) + 2:] + [-100]",
           "[-100] * (len(prompt) + 2) + row[len(prompt) + 2:]")),
    batch("first token of the answer not learned", "the delimiter's place predicts the answer's first token: score it",
          ("[-100] * (len(prompt) + 1) + row[len(prompt) + 2:]", "[-100] * (len(prompt) + 2) + row[len(prompt) + 3:]")),
    batch("delimiter learned", "the delimiter is given too: nobody has to predict it",
          ("[-100] * (len(prompt) + 1) + row[len(prompt) + 2:]", "[-100] * len(prompt) + row[len(prompt) + 1:]")),
    batch("end not learned", "a model that never learns the end mark never stops: it is a target",
          ("row[len(prompt) + 2:] + [-100]", "row[len(prompt) + 2:-1] + [-100, -100]")),
    batch("padding learned", "padding is no text: its targets are -100 too",
          ("scored + [-100] * (width - len(row))", "scored + [0] * (width - len(row))")),
    batch("ignored with 0", "0 is a token's id; what is not scored is marked -100", ("-100", "0")),
    batch("padded on the left", "pad behind the row, not before it",
          ("row + [0] * (width - len(row))", "[0] * (width - len(row)) + row"),
          ("scored + [-100] * (width - len(row))", "[-100] * (width - len(row)) + scored")),
]
RIGHT_BATCHES = [
    Answer("masked_batch", "all targets, then the mask", source='''
def masked_batch(prompts, answers, start, delimiter, end):
    rows = [np.array([start] + p + [delimiter] + a + [end]) for p, a in zip(prompts, answers)]
    width = max(map(len, rows))
    ids = np.stack([np.pad(row, (0, width - len(row))) for row in rows]).astype(np.int64)
    targets = np.concatenate([ids[:, 1:], np.zeros((len(rows), 1), np.int64)], axis=1)
    places = np.arange(width)
    before = np.array([len(p) + 1 for p in prompts])[:, None]
    after = np.array([len(row) - 1 for row in rows])[:, None]
    return {"targets": np.where((places >= before) & (places < after), targets, -100), "ids": ids}
'''),
    Answer("masked_batch", "place by place", source='''
def masked_batch(prompts, answers, start, delimiter, end):
    width = max(len(p) + len(a) + 3 for p, a in zip(prompts, answers))
    ids = np.zeros((len(prompts), width), dtype=np.int64)
    targets = np.zeros((len(prompts), width), dtype=np.int64) - 100
    for i, (p, a) in enumerate(zip(prompts, answers)):
        for j, token in enumerate([start] + p + [delimiter] + a + [end]):
            ids[i, j] = token
            if j > len(p) + 1:
                targets[i, j - 1] = token
    return {"ids": ids, "targets": targets}
'''),
]

# ---------------------------------------------------------------------------------------------------- masked_loss

LOSS = '''
def masked_loss(logits, targets):
    scored = (targets != -100).to(logits.dtype)
    known = targets.clamp(min=0)[..., None]
    losses = logits.logsumexp(dim=-1) - logits.gather(-1, known)[..., 0]
    return (losses * scored).sum() / scored.sum()
'''
loss = wrong("masked_loss", LOSS)
LOSSES = [
    loss("divided by all places", "divide by the number of scored places, not by all of them",
         ("/ scored.sum()", "/ scored.numel()")),
    loss("sum instead of mean", "divide the sum by the number of scored places", (" / scored.sum()", "")),
    loss("mean of each text's mean", "one mean over the whole batch: long answers count more than short ones",
         ("(losses * scored).sum() / scored.sum()",
          "((losses * scored).sum(1) / scored.sum(1).clamp(min=1)).mean()")),
    loss("everything scored", "places with the target -100 are not scored", ("(targets != -100)", "(targets > -200)")),
    loss("token 0 left out", "0 is a token like any other: only -100 is not scored",
         ("targets != -100", "targets > 0")),
    loss("sign forgotten", "the loss is minus the logarithm of the probability",
         ("logits.logsumexp(dim=-1) - logits.gather(-1, known)[..., 0]",
          "logits.gather(-1, known)[..., 0] - logits.logsumexp(dim=-1)")),
    loss("bits", "losses are in nats: the natural logarithm", ("/ scored.sum()", "/ scored.sum() / math.log(2)")),
    loss("overflow", "large scores: subtract the maximum before exp",
         ("logits.logsumexp(dim=-1)", "logits.exp().sum(dim=-1).log()")),
    loss("softmax over places", "the softmax goes over the vocabulary, the last dimension",
         ("logits.logsumexp(dim=-1)", "logits.logsumexp(dim=1).amax(dim=-1, keepdim=True)")),
    loss("cut off", "", ("return (losses", "return (losses.detach()")),
    loss("no softmax", "raw scores are no logarithms of probabilities", ("logits.logsumexp(dim=-1) - ", "-")),
]
RIGHT_LOSSES = [
    Answer("masked_loss", "log_softmax and a mask", source='''
def masked_loss(logits, targets):
    place = (targets != -100).nonzero(as_tuple=True)
    return -torch.log_softmax(logits, -1)[(*place, targets[place])].sum() / len(place[0])
'''),
    Answer("masked_loss", "one row after another", source='''
def masked_loss(logits, targets):
    total, count = 0, 0
    for row, wanted in zip(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()):
        if wanted != -100:
            row = row - row.max().detach()
            total, count = total + row.exp().sum().log() - row[wanted], count + 1
    return total / count
'''),
]

# -------------------------------------------------------------------------------------------------- answer_scores

SCORES = '''
def answer_scores(predicted, answers):
    def plain(text):
        kept = "".join(c for c in text.lower() if c not in string.punctuation)
        return [word for word in kept.split() if word not in ("a", "an", "the")]
    ours, exact, best = plain(predicted), [], []
    for theirs in map(plain, answers):
        exact.append(float(ours == theirs))
        common = sum(min(ours.count(word), theirs.count(word)) for word in set(ours))
        if ours and theirs:
            best.append(2 * common / (len(ours) + len(theirs)))
        else:
            best.append(float(ours == theirs))
    return max(exact), max(best)
'''
scores = wrong("answer_scores", SCORES)
SCORESES = [
    scores("capitals count", "make all letters small first", ("text.lower()", "text")),
    scores("articles stay", "leave out the words a, an and the", (' if word not in ("a", "an", "the")', "")),
    scores("punctuation stays", "leave out the characters of string.punctuation",
           (" if c not in string.punctuation", "")),
    scores("punctuation becomes a space", "punctuation is left out, nothing takes its place: U.S. is us",
           ('"".join(c for c in text.lower() if c not in string.punctuation)',
            '"".join(" " if c in string.punctuation else c for c in text.lower())')),
    scores("sets of words", "a word is common as often as both texts have it: count, do not use sets",
           ("sum(min(ours.count(word), theirs.count(word)) for word in set(ours))", "len(set(ours) & set(theirs))")),
    scores("clipped one side only", "a word is common only as often as *both* have it",
           ("min(ours.count(word), theirs.count(word))", "ours.count(word) * (word in theirs)")),
    scores("first answer only", "each measure is the best over all right answers", ("map(plain, answers)",
                                                                                "map(plain, answers[:1])")),
    scores("mean over answers", "the best right answer counts, not the mean",
           ("max(exact), max(best)", "sum(exact) / len(exact), sum(best) / len(best)")),
    scores("precision", "F1 uses both lengths: 2c / (m + n)", ("2 * common / (len(ours) + len(theirs))",
                                                           "common / len(ours)")),
    scores("recall", "F1 uses both lengths: 2c / (m + n)", ("2 * common / (len(ours) + len(theirs))",
                                                        "common / len(theirs)")),
    scores("articles inside words", "the is an article only where it is a whole word",
           ('kept.split() if word not in ("a", "an", "the")]',
            'kept.replace("the", "").split() if word not in ("a", "an")]')),
    scores("no answer is always wrong", "where neither has words, both measures are 1",
           ("best.append(float(ours == theirs))", "best.append(0.0)")),
    scores("order does not matter", "exact match compares the words in their order",
           ("float(ours == theirs))\n        common", "float(sorted(ours) == sorted(theirs)))\n        common")),
]
RIGHT_SCORESES = [
    Answer("answer_scores", "translate and Counter", source='''
def answer_scores(predicted, answers):
    table = str.maketrans("", "", string.punctuation)
    def plain(text):
        return re.sub(r"\\b(a|an|the)\\b", " ", text.lower().translate(table)).split()
    def f1(one, other):
        if not one or not other:
            return 1.0 * (one == other)
        common = sum((Counter(one) & Counter(other)).values())
        precision, recall = common / len(one), common / len(other)
        return 2 * precision * recall / (precision + recall) if common else 0.0
    ours = plain(predicted)
    return (max(1.0 if plain(a) == ours else 0.0 for a in answers), max(f1(ours, plain(a)) for a in answers))
'''),
    Answer("answer_scores", "removing common words one by one", source='''
def answer_scores(predicted, answers):
    def plain(text):
        letters = [c for c in text.lower() if c not in set(string.punctuation)]
        return [w for w in "".join(letters).split() if w not in {"a", "an", "the"}]
    pairs = []
    for answer in answers:
        left, right, common = plain(predicted), plain(answer), 0
        size, same = len(left) + len(right), left == right
        empty = not left or not right
        for word in left:
            if word in right:
                right.remove(word)
                common += 1
        pairs.append((float(same), float(same) if empty else 2 * common / size))
    return max(p[0] for p in pairs), max(p[1] for p in pairs)
'''),
]

# ------------------------------------------------------------------------------------------------------ best_span

SPAN = '''
def best_span(first, last, longest):
    n = len(first) - 1
    best, span = -math.inf, None
    for start in range(n):
        for end in range(start, n):
            if end - start < longest and first[start] + last[end] > best:
                best, span = first[start] + last[end], (start, end)
    return span if best >= first[n] + last[n] else None
'''
span = wrong("best_span", SPAN)
SPANS = [
    span("one token too many", "from start to end, both within, there are end - start + 1 tokens",
         ("end - start < longest", "end - start <= longest")),
    span("one token too few", "a span of exactly `longest` tokens is allowed", ("end - start < longest",
                                                                            "end - start < max(1, longest - 1)")),
    span("end before start", "the answer may not end before it starts", ("range(start, n)", "range(n)")),
    span("no answer left out", "compare with no answer: first[-1] + last[-1]",
         ("span if best >= first[n] + last[n] else None", "span")),
    span("half of no answer", "no answer scores first[-1] + last[-1], both of them",
         ("best >= first[n] + last[n]", "best >= first[n]")),
    span("last place is a token", "the last place stands for no answer: no span may end there",
         ("n = len(first) - 1\n", "n = len(first)\n"), ("first[n] + last[n]", "first[-1] + last[-1]")),
    span("the latest of equals", "of equal scores the earlier start wins, then the earlier end",
         ("> best:", ">= best:")),
    span("no answer wins ties", "of equal scores a span wins over no answer", ("if best >= first", "if best > first")),
    span("half-open", "both start and end lie within the span", ("(start, end)\n", "(start, end + 1)\n")),
    Answer("best_span", "start and end chosen alone", hint="the best start and the best end need not fit together",
           source='''
def best_span(first, last, longest):
    start, end = int(np.argmax(first)), int(np.argmax(last))
    if start == len(first) - 1 or end == len(first) - 1:
        return None
    return start, end
'''),
    Answer("best_span", "best start, then an end", hint="the best start may have no good end: compare the sums",
           source='''
def best_span(first, last, longest):
    n = len(first) - 1
    start = int(np.argmax(first[:n]))
    end = start + int(np.argmax(last[start:min(n, start + longest)]))
    return (start, end) if first[start] + last[end] >= first[n] + last[n] else None
'''),
]
RIGHT_SPANS = [
    Answer("best_span", "a table of sums", source='''
def best_span(first, last, longest):
    table = first[:-1, None] + last[None, :-1]
    allowed = np.triu(np.ones_like(table)) - np.triu(np.ones_like(table), longest)
    table = np.where(allowed > 0, table, -np.inf)
    start, end = np.unravel_index(int(table.argmax()), table.shape)
    return (int(start), int(end)) if table[start, end] >= first[-1] + last[-1] else None
'''),
    Answer("best_span", "sorted candidates", source='''
def best_span(first, last, longest):
    n = len(first) - 1
    candidates = [(-(first[s] + last[s + k]), s, s + k) for s in range(n) for k in range(longest) if s + k < n]
    score, start, end = min(candidates)
    return None if -score < first[n] + last[n] else (start, end)
'''),
]

# ---------------------------------------------------------------------------------------------- clipped_precision

CLIP = '''
def clipped_precision(predicted, references, n):
    def grams(words):
        return Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))
    ours, tables = grams(predicted), [grams(words) for words in references]
    matches = sum(min(count, max(table[gram] for table in tables)) for gram, count in ours.items())
    return matches, sum(ours.values())
'''
clip = wrong("clipped_precision", CLIP)
CLIPS = [
    clip("not clipped", "no n-gram counts more often than a reference has it: clip",
         ("min(count, max(table[gram] for table in tables))", "count * any(table[gram] for table in tables)")),
    clip("each n-gram once", "an n-gram counts as often as it stands there, up to the clip",
         ("min(count, max(table[gram] for table in tables))", "min(1, max(table[gram] for table in tables))")),
    clip("references added up", "clip at the reference that has it most often, not at all of them together",
         ("max(table[gram] for table in tables)", "sum(table[gram] for table in tables)")),
    clip("first reference only", "each n-gram is compared with all references",
         ("in references]", "in references[:1]]")),
    clip("least instead of most", "clip at the reference that has it *most* often", ("max(table", "min(table")),
    clip("different n-grams as total", "the total counts every n-gram, repeated ones too",
         ("sum(ours.values())", "len(ours)")),
    clip("words as total", "a text of m words has m - n + 1 n-grams", ("sum(ours.values())", "len(predicted)")),
    clip("last n-gram forgotten", "there are len - n + 1 n-grams: the last one is missing",
         ("range(len(words) - n + 1)", "range(len(words) - n)")),
    clip("divided by the reference", "precision counts the *predicted* n-grams; recall is ROUGE's",
         ("return matches, sum(ours.values())", "return matches, max(sum(t.values()) for t in tables)")),
    clip("order ignored", "an n-gram has an order: the cat is not cat the",
         ("tuple(words[i:i + n])", "tuple(sorted(words[i:i + n]))")),
]
RIGHT_CLIPS = [
    Answer("clipped_precision", "union of counters", source='''
def clipped_precision(predicted, references, n):
    def grams(words):
        return Counter(zip(*(words[i:] for i in range(n))))
    most = Counter()
    for words in references:
        most |= grams(words)
    return sum((grams(predicted) & most).values()), max(0, len(predicted) - n + 1)
'''),
    Answer("clipped_precision", "lists counted", source='''
def clipped_precision(predicted, references, n):
    def grams(words):
        return [words[i:i + n] for i in range(max(0, len(words) + 1 - n))]
    ours, seen, matches = grams(predicted), [], 0
    for gram in ours:
        if gram not in seen:
            seen.append(gram)
            matches += min(ours.count(gram), max(grams(words).count(gram) for words in references))
    return matches, len(ours)
'''),
]

# ----------------------------------------------------------------------------------------------------------- bleu

BLEU = '''
def bleu(predicted, references):
    precisions = []
    for n in (1, 2, 3, 4):
        matches = total = 0
        for words, right in zip(predicted, references):
            found = clipped_precision(words, [right], n)
            matches, total = matches + found[0], total + found[1]
        if not matches:
            return 0.0
        precisions.append(matches / total)
    c, r = sum(len(words) for words in predicted), sum(len(words) for words in references)
    penalty = 1.0 if c > r else math.exp(1 - r / c)
    return 100 * math.prod(precisions) ** (1 / 4) * penalty
'''
bleu = wrong("bleu", BLEU)
BLEUS = [
    bleu("no brevity penalty", "texts that are too short need the brevity penalty", (" * penalty\n", "\n")),
    bleu("penalty for long texts", "only too short texts are punished: longer ones already lose precision",
         ("1.0 if c > r else math.exp(1 - r / c)", "math.exp(-abs(1 - r / c))")),
    bleu("penalty upside down", "the penalty is exp(1 - r / c), with c the predicted words",
         ("math.exp(1 - r / c)", "math.exp(1 - c / r)")),
    bleu("penalty is the ratio", "the penalty is exp(1 - r / c), not c / r", ("math.exp(1 - r / c)", "c / r")),
    bleu("arithmetic mean", "take the geometric mean: the fourth root of the product",
         ("math.prod(precisions) ** (1 / 4)", "sum(precisions) / 4")),
    bleu("no root", "the geometric mean of four numbers is the fourth root of their product", (" ** (1 / 4)", "")),
    bleu("up to three", "n goes up to 4", ("(1, 2, 3, 4)", "(1, 2, 3)"), ("(1 / 4)", "(1 / 3)")),
    bleu("from 0 to 1", "BLEU is given from 0 to 100", ("100 * ", "")),
    bleu("zero left out", "without any match of some length BLEU is 0", ("return 0.0", "continue")),
    bleu("penalty text by text", "the lengths are added up over all texts before they are compared",
         ("penalty = 1.0 if c > r else math.exp(1 - r / c)",
          "penalty = math.prod(min(1.0, math.exp(1 - len(b) / len(a))) for a, b in zip(predicted, references))")),
    Answer("bleu",
    "mean of each text's BLEU", hint="add up the counts of all texts before dividing, then take one root",
           source='''
def bleu(predicted, references):
    total = 0.0
    for words, right in zip(predicted, references):
        counts = [clipped_precision(words, [right], n) for n in (1, 2, 3, 4)]
        if all(match for match, _ in counts):
            mean = math.prod(match / total for match, total in counts) ** 0.25
            total += 100 * mean * min(1.0, math.exp(1 - len(right) / len(words)))
    return total / len(predicted)
'''),
]
RIGHT_BLEUS = [
    Answer("bleu", "logarithms", source='''
def bleu(predicted, references):
    counts = np.array([[clipped_precision(p, [r], n) for n in range(1, 5)] for p, r in zip(predicted, references)])
    matches, totals = counts.sum(axis=0).T.astype(float)
    if (matches == 0).any():
        return 0.0
    ratio = sum(map(len, references)) / sum(map(len, predicted))
    return float(100 * np.exp(np.log(matches / totals).mean()) * np.exp(min(0.0, 1 - ratio)))
'''),
    Answer("bleu", "without the other function", source='''
def bleu(predicted, references):
    product, c, r = 1.0, 0, 0
    for p, q in zip(predicted, references):
        c, r = c + len(p), r + len(q)
    for n in range(1, 5):
        hit = total = 0
        for p, q in zip(predicted, references):
            mine = Counter(" ".join(p[i:i + n]) for i in range(len(p) - n + 1))
            theirs = Counter(" ".join(q[i:i + n]) for i in range(len(q) - n + 1))
            hit += sum((mine & theirs).values())
            total += sum(mine.values())
        product *= hit / total if total else 0.0
    return 100 * product ** 0.25 * (math.exp(1 - r / c) if c < r else 1)
'''),
]

# -------------------------------------------------------------------------------------------------------- rouge_l

ROUGE = '''
def rouge_l(predicted, reference):
    table = [[0] * (len(reference) + 1) for _ in range(len(predicted) + 1)]
    for i in range(len(predicted)):
        for j in range(len(reference)):
            if predicted[i] == reference[j]:
                table[i + 1][j + 1] = table[i][j] + 1
            else:
                table[i + 1][j + 1] = max(table[i][j + 1], table[i + 1][j])
    k = table[-1][-1]
    if k == 0:
        return 0.0
    precision, recall = k / len(predicted), k / len(reference)
    return 2 * precision * recall / (precision + recall)
'''
rouge = wrong("rouge_l", ROUGE)
ROUGES = [
    rouge("longest run", "other words may stand in between: a subsequence, not a run",
          ("max(table[i][j + 1], table[i + 1][j])", "0"),
          ("k = table[-1][-1]", "k = max(max(row) for row in table)")),
    rouge("recall", "F1, not recall alone", ("2 * precision * recall / (precision + recall)", "recall")),
    rouge("precision", "F1, not precision alone", ("2 * precision * recall / (precision + recall)", "precision")),
    rouge("arithmetic mean", "the harmonic mean: 2 P R / (P + R)", ("2 * precision * recall / (precision + recall)",
                                                                 "(precision + recall) / 2")),
    rouge("factor two forgotten", "the harmonic mean has a factor 2", ("2 * precision", "precision")),
    rouge("a word matched twice", "each word matches at most once: after a match, go on from the diagonal",
          ("table[i][j] + 1", "max(table[i][j + 1], table[i + 1][j]) + 1")),
    rouge("product", "the harmonic mean divides by the sum", (" / (precision + recall)", "")),
    rouge("rows not carried on", "what was found in earlier words stays found: take the maximum of both neighbours",
          ("max(table[i][j + 1], table[i + 1][j])", "table[i + 1][j]")),
    Answer("rouge_l", "bag of words", hint="order counts: words in another order are no subsequence", source='''
def rouge_l(predicted, reference):
    common = sum((Counter(predicted) & Counter(reference)).values())
    return 2 * common / (len(predicted) + len(reference)) if common else 0.0
'''),
    Answer("rouge_l", "greedy", hint="taking each word at its first place can block better ones: try all, with a table",
           source='''
def rouge_l(predicted, reference):
    place = k = 0
    for word in predicted:
        if word in reference[place:]:
            place += reference[place:].index(word) + 1
            k += 1
    return 2 * k / (len(predicted) + len(reference)) if k else 0.0
'''),
    rouge("division by zero", "an empty text has F1 0", ("    if k == 0:\n        return 0.0\n", "")),
]
RIGHT_ROUGES = [
    Answer("rouge_l", "a dictionary from the end", source='''
def rouge_l(predicted, reference):
    known = {}
    for i in range(len(predicted) - 1, -1, -1):
        for j in range(len(reference) - 1, -1, -1):
            if predicted[i] == reference[j]:
                known[i, j] = known.get((i + 1, j + 1), 0) + 1
            else:
                known[i, j] = max(known.get((i + 1, j), 0), known.get((i, j + 1), 0))
    k = known.get((0, 0), 0)
    return 2 * k / (len(predicted) + len(reference)) if k else 0.0
'''),
    Answer("rouge_l", "NumPy rows", source='''
def rouge_l(predicted, reference):
    row = np.zeros(len(reference) + 1, dtype=int)
    for word in predicted:
        same = np.array([False] + [word == other for other in reference])
        row = np.maximum.accumulate(np.where(same, np.concatenate([[0], row[:-1]]) + 1, row))
    return float(2 * row[-1] / (len(predicted) + len(reference))) if row[-1] else 0.0
'''),
]

# ------------------------------------------------------------------------------------------------ dialogue_prompt

TURNS = '''
def dialogue_prompt(turns, line, room):
    first = 0
    while True:
        prompt = list(turns[first])
        for turn in turns[first + 1:]:
            prompt = prompt + [line] + list(turn)
        if len(prompt) <= room or first == len(turns) - 1:
            return prompt[-room:]
        first += 1
'''
turn = wrong("dialogue_prompt", TURNS)
TURNS_WRONG = [
    turn("cut at the right", "the newest words matter most: cut at the beginning", ("prompt[-room:]", "prompt[:room]")),
    turn("newest leave first", "the oldest turns leave first", ("turns[first]", "turns[0]"),
         ("turns[first + 1:]", "turns[1:len(turns) - first]")),
    turn("one turn kept, whatever", "keep as many turns as fit, not the last alone",
         ("first = 0", "first = len(turns) - 1")),
    turn("no lines", "a line token stands between two turns", (" + [line]", "")),
    turn("line at the end", "the line stands between turns, not after the last one", ("return prompt[-room:]",
                                                                                   "return (prompt + [line])[-room:]")),
    turn("lines not counted", "the lines take room, too",
         ("len(prompt) <= room", "sum(map(len, turns[first:])) <= room")),
    turn("one token too strict", "a prompt of exactly `room` tokens fits",
         ("len(prompt) <= room", "len(prompt) < room")),
    turn("long last turn whole", "a last turn that does not fit alone keeps its last `room` tokens",
         ("prompt[-room:]", "prompt")),
    Answer("dialogue_prompt",
    "cut through turns", hint="leave out whole turns: half a sentence has no speaker", source='''
def dialogue_prompt(turns, line, room):
    prompt = list(turns[0])
    for turn in turns[1:]:
        prompt += [line, *turn]
    return prompt[-room:]
'''),
    Answer("dialogue_prompt",
    "skips a long turn", hint="a turn that does not fit takes all older ones with it", source='''
def dialogue_prompt(turns, line, room):
    prompt = list(turns[-1][-room:])
    for turn in reversed(turns[:-1]):
        if len(prompt) + 1 + len(turn) <= room:
            prompt = [*turn, line, *prompt]
    return prompt
'''),
]
RIGHT_TURNS = [
    Answer("dialogue_prompt", "from the end", source='''
def dialogue_prompt(turns, line, room):
    kept, used = [], -1
    for turn in turns[::-1]:
        if used + 1 + len(turn) > room and kept:
            break
        kept.insert(0, turn)
        used += 1 + len(turn)
    ids = []
    for turn in kept:
        ids += ([line] if ids else []) + list(turn)
    return ids[-room:]
'''),
    Answer("dialogue_prompt", "recursion", source='''
def dialogue_prompt(turns, line, room):
    whole = [token for turn in turns for token in (line, *turn)][1:]
    if len(whole) <= room:
        return whole
    return dialogue_prompt(turns[1:], line, room) if len(turns) > 1 else whole[len(whole) - room:]
'''),
]

# ---------------------------------------------------------------------------------------------------- choice_loss

CHOICE = '''
def choice_loss(scores, n_options, answers):
    total, first = 0.0, 0
    for n, answer in zip(n_options, answers):
        own = scores[first:first + n]
        total = total - own.log_softmax(dim=0)[answer]
        first += n
    return total / len(n_options)
'''
choice = wrong("choice_loss", CHOICE)
CHOICES = [
    choice("one softmax over all", "each question has a softmax of its own", ("own.log_softmax(dim=0)[answer]",

            "scores.log_softmax(dim=0)[first + answer]")),
    choice("sum", "the mean over the questions", ("total / len(n_options)", "total")),
    choice("divided by options", "divide by the number of questions, not of options",
           ("len(n_options)", "len(scores)")),
    choice("sign", "minus the logarithm of the right option's probability", ("total - own", "total + own")),
    choice("the wrong place", "answers count within each question's own options",
           ("first += n", "first += max(n_options)"),
           ("scores[first:first + n]", "scores[min(first, len(scores) - n):][:n]")),
    choice("overflow", "large scores: use logsumexp or log_softmax",
           ("own.log_softmax(dim=0)[answer]", "(own.exp() / own.exp().sum())[answer].log()")),
    choice("padded with zeros", "options that do not exist have no probability: pad with -inf, not with 0",
           ("own.log_softmax(dim=0)[answer]",
            "torch.cat([own, own.new_zeros(max(n_options) - n)]).log_softmax(dim=0)[answer]")),
    choice("a sigmoid each", "options compete: a softmax over them, not a yes or no for each",
           ("own.log_softmax(dim=0)[answer]", "own.sigmoid().log()[answer]")),
    choice("no softmax", "scores are no probabilities yet", ("own.log_softmax(dim=0)[answer]", "own[answer]")),
    choice("cut off", "", ("scores[first:first + n]", "scores.detach()[first:first + n]")),
    choice("bits", "losses are in nats", ("total / len(n_options)", "total / len(n_options) / math.log(2)")),
]
RIGHT_CHOICES = [
    Answer("choice_loss", "a padded table", source='''
def choice_loss(scores, n_options, answers):
    table = torch.nn.utils.rnn.pad_sequence(scores.split(n_options), batch_first=True, padding_value=-torch.inf)
    return torch.nn.functional.cross_entropy(table, torch.tensor(answers))
'''),
    Answer("choice_loss", "shifted by the maximum", source='''
def choice_loss(scores, n_options, answers):
    losses = []
    for own, answer in zip(torch.split(scores, list(n_options)), answers):
        own = own - own.max().detach()
        losses.append(torch.log(torch.exp(own).sum()) - own[answer])
    return sum(losses) / len(losses)
'''),
]

# --------------------------------------------------------------------------------------------------- write_answer

WRITE = '''
def write_answer(next_scores, prompt, end, longest):
    ids = list(prompt)
    for _ in range(longest):
        token = int(np.argmax(next_scores(ids)))
        if token == end:
            break
        ids = ids + [token]
    return ids[len(prompt):]
'''
write = wrong("write_answer", WRITE)
WRITES = [
    write("with the end mark", "the end mark is no part of the answer",
          ("        if token == end:\n            break\n        ids = ids + [token]",
           "        ids = ids + [token]\n        if token == end:\n            break")),
    write("with the prompt", "return the answer without the prompt", ("ids[len(prompt):]", "ids")),
    write("never stops", "stop at the end mark", ("            break", "            pass")),
    write("end marks filtered out", "the end mark ends the answer: what comes after it is not wanted",
          ("        if token == end:\n            break\n", ""),
          ("return ids[len(prompt):]", "return [token for token in ids[len(prompt):] if token != end]")),
    write("cut afterwards", "stop at the end mark",
          ("        if token == end:\n            break\n", ""),
          ("    return ids[len(prompt):]",
           "    said = ids[len(prompt):]\n    return said[:said.index(end)] if end in said else said")),
    write("an end mark in the prompt ends it", "an end mark in the prompt ends nothing",
          ("        token = int", "        if end in ids:\n            break\n        token = int")),
    write("does not read its own answer", "the scores must be asked for with all tokens so far, the answer's too",
          ("next_scores(ids)", "next_scores(list(prompt))")),
    write("one token too few", "up to `longest` tokens", ("range(longest)", "range(longest - 1)")),
    write("one token too many", "at most `longest` tokens", ("range(longest)", "range(longest + 1)")),
    write("least likely", "the *highest* score wins", ("np.argmax", "np.argmin")),
    write("last token only", "give the model all tokens, not the newest alone",
          ("next_scores(ids)", "next_scores(ids[-1:])")),
]
RIGHT_WRITES = [
    Answer("write_answer", "recursion", source='''
def write_answer(next_scores, prompt, end, longest):
    if longest == 0:
        return []
    token = int(np.asarray(next_scores(list(prompt))).argmax())
    return [] if token == end else [token] + write_answer(next_scores, [*prompt, token], end, longest - 1)
'''),
    Answer("write_answer", "while", source='''
def write_answer(next_scores, prompt, end, longest):
    answer = []
    while len(answer) != longest:
        scores = list(next_scores(list(prompt) + answer))
        answer.append(scores.index(max(scores)))
        if answer[-1] == end:
            return answer[:-1]
    return answer
'''),
]

# ------------------------------------------------------------------------------------ parse_shares, keep_surest

NEWER = [
    Answer("parse_shares", "only SyntaxError caught", source='''
def parse_shares(samples):
    def parses(text):
        if "\\0" in text:
            raise ValueError("source code string cannot contain null bytes")
        try:
            return bool(ast.parse(text).body)
        except SyntaxError:
            return False
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()]
        whole += parses(sample)
        finished += any(parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}
'''),
    Answer("parse_shares", "an empty program counts", hint="a text without any statement does not count", source='''
def parse_shares(samples):
    def parses(text):
        try:
            ast.parse(text)
            return True
        except (SyntaxError, ValueError):
            return False
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()]
        whole += parses(sample)
        finished += any(parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}
'''),
    Answer("parse_shares", "only the first cut", hint="a bracket or a string may go on at the margin: try later cuts",
           source='''
def parse_shares(samples):
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()][:1]
        whole += _parses(sample)
        finished += any(_parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}
'''),
    Answer("parse_shares", "any line is a cut",
           hint="an indented or a blank line may belong to the statement: cut at the left margin only", source='''
def parse_shares(samples):
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        whole += _parses(sample)
        finished += any(_parses("".join(lines[:cut])) for cut in range(1, len(lines) + 1))
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}
'''),
    Answer("parse_shares", "the whole sample as its first statement",
           hint="without a later line at the margin, nobody knows whether the statement had ended", source='''
def parse_shares(samples):
    whole = finished = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()] + [len(lines)]
        whole += _parses(sample)
        finished += any(_parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / len(samples)}
'''),
    Answer("parse_shares", "share of those that have a cut", hint="both are shares of all samples", source='''
def parse_shares(samples):
    whole = finished = n_cut = 0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()]
        whole += _parses(sample)
        n_cut += bool(cuts)
        finished += any(_parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole / len(samples), "first statement": finished / max(1, n_cut)}
'''),
    Answer("parse_shares", "counts instead of shares", hint="a share is a count divided by the number of samples",
           source='''
def parse_shares(samples):
    whole = finished = 0.0
    for sample in samples:
        lines = sample.splitlines(keepends=True)
        cuts = [n for n, line in enumerate(lines) if n and not line[0].isspace()]
        whole += _parses(sample)
        finished += any(_parses("".join(lines[:cut])) for cut in cuts)
    return {"as it is": whole, "first statement": finished}
'''),
    Answer("parse_shares", "compiled instead of parsed", source='''
def parse_shares(samples):
    def parses(text):
        try:
            compile(text, "sample", "exec")
            return True
        except (SyntaxError, ValueError):
            return False
    return {"as it is": sum(map(parses, samples)) / len(samples), "first statement": 0.0}
'''),
    Answer("keep_surest", "copies kept", hint="a text is taken once", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    n_taken, kept = {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text and text not in read and n_taken.get(label, 0) < n_each:
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "what was read is kept", hint="a text that the classifier has read teaches it nothing new",
           source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, n_taken, kept = {""}, {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text not in seen and n_taken.get(label, 0) < n_each:
            seen.add(text)
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "n_each in all", hint="n_each of each label, not in all: one class could take all the room",
           source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, kept = {"", *read}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        if texts[index] not in seen and len(kept) < n_each:
            seen.add(texts[index])
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "the least sure", hint="from the highest confidence to the lowest, not the other way round",
           source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, n_taken, kept = {"", *read}, {}, []
    for index in sorted(range(len(texts)), key=lambda index: confidence[index]):
        text, label = texts[index], labels[index]
        if text not in seen and n_taken.get(label, 0) < n_each:
            seen.add(text)
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "a threshold of one half", hint="the surest of each class are asked for, not a threshold",
           source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, n_taken, kept = {"", *read}, {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text not in seen and n_taken.get(label, 0) < n_each and confidence[index] >= 0.5:
            seen.add(text)
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "once per label", hint="the same text under two labels: take the surer one only", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, n_taken, kept = set(), {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text and text not in read and (text, label) not in seen and n_taken.get(label, 0) < n_each:
            seen.add((text, label))
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return sorted(kept)
'''),
    Answer("keep_surest", "in the order of confidence", hint="the indices in ascending order", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    seen, n_taken, kept = {"", *read}, {}, []
    for index in sorted(range(len(texts)), key=lambda index: -confidence[index]):
        text, label = texts[index], labels[index]
        if text not in seen and n_taken.get(label, 0) < n_each:
            seen.add(text)
            n_taken[label] = n_taken.get(label, 0) + 1
            kept.append(index)
    return kept
'''),
    Answer("keep_surest", "copies use up the room", hint="a copy must not use up its class's room", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    order = sorted(range(len(texts)), key=lambda index: -confidence[index])
    kept = []
    for label in set(labels):
        kept += [index for index in order if labels[index] == label][:n_each]
    seen, unique = {"", *read}, []
    for index in sorted(kept, key=lambda index: -confidence[index]):
        if texts[index] not in seen:
            seen.add(texts[index])
            unique.append(index)
    return sorted(unique)
'''),
]
RIGHT_NEWER = [
    Answer("parse_shares", "by offsets", source='''
def parse_shares(samples):
    whole, finished = [], []
    for sample in samples:
        cuts = [i for i in range(1, len(sample)) if sample[i - 1] == "\\n" and not sample[i].isspace()]
        whole.append(_parses(sample))
        finished.append(any(_parses(sample[:cut]) for cut in cuts))
    return {"as it is": sum(whole) / len(whole), "first statement": sum(finished) / len(finished)}
'''),
    Answer("parse_shares", "line after line", source='''
def parse_shares(samples):
    as_is, first = 0, 0
    for sample in samples:
        if _parses(sample):
            as_is += 1
        before = ""
        for line in sample.split("\\n"):
            if before and line and not line[0].isspace() and _parses(before):
                first += 1
                break
            before += line + "\\n"
    return {"as it is": as_is / len(samples), "first statement": first / len(samples)}
'''),
    Answer("keep_surest", "the best of each text first", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    kept, taken = [], []
    for _, index in sorted((-value, index) for index, value in enumerate(confidence)):
        if not texts[index] or texts[index] in read or texts[index] in [texts[other] for other in taken]:
            continue
        if [labels[other] for other in taken].count(labels[index]) >= n_each:
            continue
        taken.append(index)
    return sorted(taken)
'''),
    Answer("keep_surest", "by NumPy's stable order", source='''
def keep_surest(texts, labels, confidence, n_each, read):
    import numpy as np
    room = {label: n_each for label in labels}
    known, kept = set(read) | {""}, []
    for index in np.argsort(-np.array(confidence), kind="stable").tolist():
        if room[labels[index]] > 0 and texts[index] not in known:
            room[labels[index]] -= 1
            known.add(texts[index])
            kept.append(index)
    kept.sort()
    return kept
'''),
]

WRONG = [*BATCHES, *LOSSES, *SCORESES, *SPANS, *CLIPS, *BLEUS, *ROUGES, *TURNS_WRONG, *CHOICES, *WRITES, *NEWER]
RIGHT = [*RIGHT_BATCHES, *RIGHT_LOSSES, *RIGHT_SCORESES, *RIGHT_SPANS, *RIGHT_CLIPS, *RIGHT_BLEUS,
         *RIGHT_ROUGES, *RIGHT_TURNS, *RIGHT_CHOICES, *RIGHT_WRITES, *RIGHT_NEWER]
