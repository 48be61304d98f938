"""What passes in chapter 12. Expected values come from PyTorch, sacrebleu, rouge-score, `minigpt`, or brute force."""

import ast
import itertools
import math

import numpy as np
import sacrebleu
import torch
import torch.nn.functional as F
from rouge_score.rouge_scorer import RougeScorer

from minigpt.datasets.tasks import Labelled
from minigpt.finetuning.control import trusted
from minigpt.finetuning.evaluation import exact_match, word_f1
from minigpt.grading import Code, check_close, check_equal, check_gradients, check_that, exercise


def draw_ids(rng, n_least, n_most):
    """A list of token ids from 0 to 89, of a length in between."""
    return rng.integers(0, 90, size=int(rng.integers(n_least, n_most + 1))).tolist()


def draw_words(rng, n_words, vocabulary="the cat sat on a red mat"):
    """So many words of a few."""
    return rng.choice(vocabulary.split(), size=n_words).tolist()


@exercise("masked_batch", points=2, minutes=15, difficulty=1)
def test_the_answers_and_their_ends_alone_are_learned(answers, rng):
    prompts = [draw_ids(rng, 5, 9), draw_ids(rng, 1, 3), []]
    replies = [draw_ids(rng, 1, 2), draw_ids(rng, 3, 4), draw_ids(rng, 2, 2)]
    got = answers.masked_batch(prompts, replies, 91, 92, 93)
    check_that(isinstance(got, dict) and set(got) == {"ids", "targets"}, "return a dictionary: ids and targets")
    rows = [[91, *p, 92, *a, 93] for p, a in zip(prompts, replies)]
    width = max(map(len, rows))
    check_equal(np.asarray(got["ids"]).tolist(), [row + [0] * (width - len(row)) for row in rows],
                hint="a row: start, prompt, delimiter, answer, end; then zeros")
    expected = [[row[place + 1] if len(p) + 1 <= place < len(row) - 1 else -100 for place in range(width)]
                for p, row in zip(prompts, rows)]
    check_equal(np.asarray(got["targets"]).tolist(), expected,
                hint="a target is the next token; prompt and padding have -100")


@exercise("masked_batch")
def test_an_empty_answer_still_learns_to_end(answers, rng):
    prompts, replies = [draw_ids(rng, 2, 3), []], [[], []]
    got = answers.masked_batch(prompts, replies, 1, 2, 3)
    n = len(prompts[0])
    check_equal(np.asarray(got["targets"]).tolist(), [[-100] * (n + 1) + [3, -100], [-100, 3] + [-100] * (n + 1)],
                hint="an empty answer: the end mark is its only target")
    check_that(np.asarray(got["ids"]).dtype == np.int64, "both arrays are int64")


@exercise("masked_loss", points=2, minutes=15, difficulty=2,
          forbids=("torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss", "torch.nn.CrossEntropyLoss",
                   "torch.nn.NLLLoss"))  # fmt: skip
def test_the_loss_is_the_mean_over_scored_places(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for shape in ((3, 5, 7), (1, 4, 2), (4, 1, 6)):
        logits = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
        targets = torch.randint(shape[-1], shape[:2], generator=generator)
        targets[torch.rand(shape[:2], generator=generator) < 0.5] = -100
        targets[0, 0] = 0  # a token like any other
        if shape[0] > 1:
            targets[1] = -100  # a text with nothing to learn
        value, (gradient,) = answers.call_with_gradients("masked_loss", logits, targets, wrt=(0,))
        leaf = logits.clone().requires_grad_()
        expected = F.cross_entropy(leaf.flatten(0, 1), targets.flatten(), ignore_index=-100)
        expected.backward()
        check_close(value, expected.detach(), hint="divide by the number of scored places in the whole batch")
        check_gradients(gradient, leaf.grad, sizes={"batch size": shape[0], "T": shape[1]})


@exercise("masked_loss")
def test_large_logits_stay_finite(answers):
    logits = torch.tensor([[[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    for target, loss in ((0, 0.0), (2, 2000.0)):
        expected = torch.tensor(loss, dtype=torch.float64)
        check_close(answers.masked_loss(logits, torch.tensor([[target, -100]])), expected,
                    hint="large scores: subtract the maximum before exp")


@exercise("answer_scores", points=3, minutes=20, difficulty=2)
def test_cases_that_a_hand_counts(answers):
    for predicted, right, expected in (
        ("Red cat", ["red cat"], (1, 1)),
        ("red. cat", ["red cat"], (1, 1)),
        ("U.S.", ["us"], (1, 1)),
        ("red", ["dog", "red"], (1, 1)),
        ("the red cat", ["red cat"], (1, 1)),
        ("red red", ["red red cat"], (0, 0.8)),
        ("red cat cat", ["red red cat"], (0, 2 / 3)),
        ("theory", ["ory"], (0, 0)),
        ("dog", ["cat"], (0, 0)),
        ("", [""], (1, 1)),
        ("The", [""], (1, 1)),
        ("", ["cat"], (0, 0)),
        ("in  theory", ["theory", "in theory then"], (0, 0.8)),
        ("an\tapple", ["apple"], (1, 1)),
        ("co-op", ["coop"], (1, 1)),
        ("big cat red", ["red big cat"], (0, 1)),
    ):
        check_close(tuple(map(float, answers.answer_scores(predicted, right))), tuple(map(float, expected)),
                    hint=f"try {predicted!r} against {right!r}")


@exercise("answer_scores")
def test_words_are_compared_as_squad_does(answers, rng):
    pieces = ["the", "The", "an", "a", "cat", "Cat,", "cats", "red", "red.", "(old)", "theory", "another", "12", "U.S."]
    for _ in range(8):
        predicted = " ".join(rng.choice(pieces, size=int(rng.integers(0, 6))))
        right = [" ".join(rng.choice(pieces, size=int(rng.integers(1, 6)))) for _ in range(int(rng.integers(1, 4)))]
        got = tuple(map(float, answers.answer_scores(predicted, right)))
        check_close(got, (max(float(exact_match(predicted, r)) for r in right),
                          max(float(word_f1(predicted, r)) for r in right)))


def spans_by_force(first, last, longest):
    """Every allowed span and its score, and no answer."""
    n = len(first) - 1
    found = {(a, b): first[a] + last[b] for a, b in itertools.product(range(n), repeat=2) if 0 <= b - a < longest}
    best = max(found, key=lambda span: (found[span], -span[0], -span[1]))
    return best if found[best] >= first[-1] + last[-1] else None


@exercise("best_span", points=3, minutes=20, difficulty=2)
def test_the_best_allowed_span_is_found(answers, rng):
    for longest in (1, 2, 3, 50):
        for _ in range(6):
            first, last = rng.normal(size=(2, int(rng.integers(2, 9))))
            first[-1] -= 1
            expected = spans_by_force(first, last, longest)
            got = answers.best_span(first, last, longest)
            check_equal(None if got is None else tuple(map(int, got)), expected)


@exercise("best_span")
def test_no_answer_ties_and_traps(answers, rng):
    shift = float(rng.integers(-5, 5))
    for first, last, longest, expected in (
        ([0, 9, 0, 0], [9, 0, 0, 0], 3, (0, 0)),  # the best start stands behind the best end
        ([0, 0, 9, -30], [9, 0, 0, -30], 3, (0, 0)),  # nine either way: the earlier start
        ([-4, -3, -5], [-3, -4, -5], 1, (0, 0)),
        ([1, 1, 9], [1, 1, 9], 2, None),
        ([2, 0, 1], [3, 0, 4], 2, (0, 0)),  # as good as no answer
        ([5, 0, 0, 9], [0, 0, 5, 0], 2, None),  # the span would be too long
        ([5, 0, 0, 1], [0, 0, 5, 0], 3, (0, 2)),
    ):
        got = answers.best_span(np.array(first, float) + shift, np.array(last, float), longest)
        check_equal(None if got is None else tuple(map(int, got)), expected,
                    hint="start ≤ end, at most `longest` tokens, and the last place is no token")


@exercise("clipped_precision", points=2, minutes=15, difficulty=2)
def test_clipped_counts(answers, rng):
    for n in (1, 2, 3):
        predicted, references = draw_words(rng, 8), [draw_words(rng, 7), draw_words(rng, 5), draw_words(rng, 9)]

        def count(words, gram, n=n):
            return sum(words[place : place + n] == list(gram) for place in range(len(words)))

        grams = {tuple(predicted[i : i + n]) for i in range(len(predicted) - n + 1)}
        matches = sum(min(count(predicted, g), max(count(r, g) for r in references)) for g in grams)
        check_equal(tuple(map(int, answers.clipped_precision(predicted, references, n))), (matches, 9 - n))


@exercise("clipped_precision")
def test_papinenis_example_and_short_texts(answers):
    references = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]]
    for predicted, n, expected in (("the the the the the the the", 1, (2, 7)), ("the the the", 2, (0, 2)),
                                   ("the cat the cat on the mat", 2, (4, 6)), ("cat", 2, (0, 0)), ("", 1, (0, 0)),
                                   ("is a cat is on", 1, (4, 5)), ("thecat on", 2, (0, 1)), ("mat", 1, (1, 1)),
                                   ("cat the on", 2, (0, 2))):
        check_equal(tuple(map(int, answers.clipped_precision(predicted.split(), references, n))), expected,
                    hint=f"try {predicted!r} with n = {n}")  # fmt: skip


def library_bleu(predicted, references):
    lines, right = ([" ".join(words) for words in part] for part in (predicted, references))
    return sacrebleu.corpus_bleu(lines, [right], smooth_method="none", tokenize="none", force=True).score


@exercise("bleu", points=3, minutes=20, difficulty=2)
def test_bleu_is_the_librarys(answers, rng):
    for n_less in (0, 2, -2):
        references = [draw_words(rng, n) for n in (9, 12, 7)]
        predicted = [words[: len(words) - n_less] if n_less >= 0 else [*words, "so", "so"] for words in references]
        predicted[0] = ["so", *predicted[0][1:4], "so", *predicted[0][5:]]
        check_close(float(answers.bleu(predicted, references)), library_bleu(predicted, references), rtol=1e-6)


@exercise("bleu")
def test_counts_are_added_before_dividing(answers):
    long, short = ["the", "cat", "sat", "on", "a", "red", "mat"], ["a", "dog"]
    check_close(float(answers.bleu([long, short], [long, short])), 100.0)  # two words have no fours, nor need them
    broken = [["the", "cat", "sat", "so", "on"]], [long]  # three words in a row are right, and no four
    check_equal(float(answers.bleu(*broken)), 0.0, hint="without any match of four words BLEU is 0")
    worse = [["the", "cat", "sat", "on", "a", "red", "dog"], ["a"]]
    counts = (7 / 8, 5 / 6, 4 / 5, 3 / 4)
    check_close(float(answers.bleu(worse, [long, short])), 100 * math.prod(counts) ** 0.25 * math.exp(1 - 9 / 8))
    mixed = [long[:4], [*short, "dog", "cat", "so"]]  # one too short, one too long: 9 words for 9
    check_close(float(answers.bleu(mixed, [long, short])), library_bleu(mixed, [long, short]), rtol=1e-6,
                hint="the lengths are added up over all texts before they are compared")


@exercise("rouge_l", points=3, minutes=25, difficulty=3, seconds=20)
def test_rouge_is_the_librarys(answers, rng):
    scorer = RougeScorer(["rougeL"])
    for n_predicted, n_reference in ((6, 9), (9, 4), (12, 12), (1, 5)):
        one, other = draw_words(rng, n_predicted), draw_words(rng, n_reference)
        expected = scorer.score(" ".join(other), " ".join(one))["rougeL"].fmeasure
        check_close(float(answers.rouge_l(one, other)), float(expected))


@exercise("rouge_l")
def test_order_counts_and_long_texts_end(answers, rng):
    for one, other, expected in (("", "a b", 0), ("a b", "", 0), ("", "", 0), ("b a", "a b", 0.5), ("x", "y", 0),
                                 ("a x b y c", "a b c", 0.75), ("b c a", "a b c", 2 / 3), ("a a a", "a", 0.5),
                                 ("c a b", "a b c", 2 / 3)):
        check_close(float(answers.rouge_l(one.split(), other.split())), float(expected),
                    hint=f"try {one!r} against {other!r}")  # fmt: skip
    words = [str(n) for n in rng.permutation(200)]
    shuffled = [words[n + 1 - 2 * (n % 2)] for n in range(200)]  # neighbours changed places
    check_close(float(answers.rouge_l(words, shuffled)), 0.5, hint="a table of prefixes takes 200 · 200 steps")


@exercise("dialogue_prompt", points=2, minutes=15, difficulty=1)
def test_the_newest_turns_stay(answers, rng):
    turns = [draw_ids(rng, 2, 5) for _ in range(4)]
    suffixes = [list(itertools.chain(*([*turn, 95] for turn in turns[first:])))[:-1] for first in range(4)]
    for room in range(len(suffixes[0]) + 2, 0, -1):
        fitting = [suffix for suffix in suffixes if len(suffix) <= room]
        expected = fitting[0] if fitting else turns[-1][-room:]
        check_equal(list(answers.dialogue_prompt(turns, 95, room)), expected,
                    hint="whole turns, the oldest leave first; only a last turn that is too long is cut")


@exercise("dialogue_prompt")
def test_a_long_turn_in_between_ends_the_prompt(answers):
    check_equal(list(answers.dialogue_prompt([[1], [2, 3, 4, 5, 6], [7]], 9, 4)), [7],
                hint="a turn that does not fit takes all older ones with it")
    check_equal(list(answers.dialogue_prompt([[1, 2, 3]], 9, 3)), [1, 2, 3])


@exercise("choice_loss", points=2, minutes=15, difficulty=2)
def test_each_question_has_its_own_softmax(answers, seed, rng):
    generator = torch.Generator().manual_seed(seed)
    for n_options in ([2, 3, 4], [4], [1, 5]):
        scores = 2 * torch.randn(sum(n_options), generator=generator, dtype=torch.float64)
        right = [int(rng.integers(n)) for n in n_options]
        value, (gradient,) = answers.call_with_gradients("choice_loss", scores, n_options, right, wrt=(0,))
        leaf = scores.clone().requires_grad_()
        table = torch.nn.utils.rnn.pad_sequence(leaf.split(n_options), batch_first=True, padding_value=-torch.inf)
        expected = F.cross_entropy(table, torch.tensor(right))
        expected.backward()
        check_close(value, expected.detach(), hint="a softmax for each question, the mean over questions")
        check_gradients(gradient, leaf.grad, sizes={"questions": len(n_options)})


@exercise("choice_loss")
def test_options_of_thousand_points(answers):
    scores = torch.tensor([1000.0, 0.0, -1000.0, -1000.0], dtype=torch.float64)
    check_close(answers.choice_loss(scores, [2, 2], [1, 0]), torch.tensor((1000 + math.log(2)) / 2).double(),
                hint="large scores: use logsumexp or log_softmax")  # fmt: skip


@exercise("write_answer", points=2, minutes=15, difficulty=1)
def test_the_answer_ends_at_the_mark(answers, rng):
    table = rng.normal(size=(12, 12))  # scores depend on the last token and on how many there are
    code = Code("lambda ids: np.roll(table[ids[-1]], len(ids))", table=table)
    prompt = rng.integers(0, 12, size=3).tolist()
    ids = list(prompt)
    for _ in range(8):
        ids.append(int(np.argmax(np.roll(table[ids[-1]], len(ids)))))
    said = ids[3:]
    for end, longest in ((99, 8), (99, 3), (99, 0), (said[0], 8), (said[4], 8), (said[2], 2)):
        expected = said[: said.index(end)] if end in said else said
        check_equal([int(token) for token in answers.write_answer(code, prompt, end, longest)], expected[:longest],
                    hint="neither prompt nor end mark belong to the answer, and nothing that comes after the mark")


@exercise("write_answer")
def test_no_more_scores_are_asked_for_than_needed(answers):
    code = "def next_scores(ids):\n    assert len(ids) < limit, 'asked too often'\n    return np.eye(9)[len(ids)]\n"
    check_equal(list(answers.write_answer(Code(code, limit=5), [7, 0], 4, 6)), [2, 3],
                hint="after the end mark nobody needs further scores")
    check_equal(list(answers.write_answer(Code(code, limit=4), [7, 0], 8, 2)), [2, 3],
                hint="after `longest` tokens nobody needs further scores")
    check_equal(list(answers.write_answer(Code(code, limit=9), [7, 4], 4, 6)), [2, 3],
                hint="an end mark in the prompt ends nothing")


# ------------------------------------------------------------------------------------------------ parse_shares

WHOLE = ["x{0} = {0}\n", "def f{0}(a):\n    return a * {0}\n", "for i in range({0}):\n    print(i)\n"]
BROKEN = ["def f{0}(:\n    pass\n", "x{0} = = {0}\n", "if {0}:\nprint(1)\n"]


def _expected(samples):
    def parses(text):
        try:
            return len(ast.parse(text).body) > 0
        except (SyntaxError, ValueError):
            return False

    as_is = finished = 0
    for sample in samples:
        cuts = [place + 1 for place, sign in enumerate(sample[:-1]) if sign == "\n" and not sample[place + 1].isspace()]
        as_is += parses(sample)
        finished += any(parses(sample[:cut]) for cut in cuts)
    return {"as it is": as_is / len(samples), "first statement": finished / len(samples)}


@exercise("parse_shares", points=3, minutes=20, difficulty=2, forbids=("exec", "eval", "compile"))
def test_whole_and_broken_samples_are_counted(answers, rng):
    for _ in range(3):
        samples = ["x = 1\n", f"def f():\n    a = {int(rng.integers(9))}\n    b = ("]  # no cut in either
        for _ in range(int(rng.integers(5, 12))):
            number, kind = int(rng.integers(1, 90)), int(rng.integers(3))
            first = (WHOLE if rng.random() < 0.6 else BROKEN)[kind].format(number)
            rest = ["", "y = (", "z = 2\n", "# and\n"][int(rng.integers(4))]
            samples.append(first + rest)
        check_close(answers.parse_shares(samples), _expected(samples))


@exercise("parse_shares")
def test_a_sample_that_stops_in_the_middle_has_its_first_statement(answers, rng):
    number = int(rng.integers(1, 90))
    cut = [f"x = {number}\ny = ({number},\n", f"x = {number}\n", f"x = {number}", "y = ("]
    check_close(answers.parse_shares(cut), {"as it is": 0.5, "first statement": 0.25},
                hint="without a later line at the left margin, no statement is known to have ended")
    check_close(answers.parse_shares([f"x = (\n{number},\n)\ny = (", "s = '''\na\n'''\nt = ("]),
                {"as it is": 0.0, "first statement": 1.0},
                hint="a bracket or a string may go on at the left margin: try the later cuts too")


@exercise("parse_shares")
def test_comments_blank_lines_and_zero_bytes_are_no_statements(answers, rng):
    number = int(rng.integers(1, 90))
    check_close(answers.parse_shares([f"# {number}\n", "\n\n", "", f"# {number}\n# more"]),
                {"as it is": 0.0, "first statement": 0.0}, hint="a text without any statement does not count")
    check_close(answers.parse_shares([f"x = {number}\0", f"x = {number}\n\0", "y = 1\nz"]),
                {"as it is": 1 / 3, "first statement": 2 / 3},
                hint="ast.parse refuses a zero byte with ValueError or SyntaxError")
    check_close(answers.parse_shares([f"def f():\n\n    a = {number}\n\n    return a\n\ng("]),
                {"as it is": 0.0, "first statement": 1.0}, hint="a blank line or an indented one is no cut")


# ------------------------------------------------------------------------------------------------ keep_surest


@exercise("keep_surest", points=3, minutes=15, difficulty=2)
def test_the_surest_of_each_class_are_kept(answers, rng):
    for n, n_each in ((12, 2), (30, 4), (20, 3)):
        texts = ["twice"] * 3 + [f"text {int(number)}" for number in rng.integers(0, n, n - 3)]
        labels = ["x", "x", "y"] + [("x", "y", "z")[int(number)] for number in rng.integers(0, 3, n - 3)]
        confidence = np.append([0.99, 0.98, 0.97], rng.permutation(n - 3) / n)
        read = [texts[3], "another"]
        got = answers.keep_surest(texts, labels, confidence.tolist(), n_each, read)
        kept = trusted([Labelled(t, c) for t, c in zip(texts, labels)], confidence.tolist(), n_each, read)
        check_equal(sorted((texts[index], labels[index]) for index in got), sorted((e.text, e.label) for e in kept))
        check_equal(got, sorted(got), hint="the indices in ascending order")
        by_text = {(texts[i], labels[i]): max((confidence[j], -j) for j in range(n) if texts[j] == texts[i]
                                              and labels[j] == labels[i]) for i in got}  # fmt: skip
        check_equal([-by_text[texts[i], labels[i]][1] for i in got], list(got), hint="of equal texts the surest")


@exercise("keep_surest")
def test_a_text_is_taken_once_whatever_its_label(answers, rng):
    high, low = sorted(rng.uniform(0.1, 0.9, 2).tolist(), reverse=True)
    check_equal(answers.keep_surest(["a", "a"], ["x", "y"], [low, high], 3, []), [1],
                hint="the same text under two labels: one of them is wrong, take the surer one only")
    check_equal(answers.keep_surest(["a", "a", "b"], ["x", "x", "x"], [high, high, low], 2, []), [0, 2],
                hint="a copy must not use up the class's room")
    check_equal(answers.keep_surest(["", "b", "r"], ["x", "x", "x"], [high, low, high], 3, ["r"]), [1],
                hint="no empty text, and none that was read")


@exercise("keep_surest")
def test_equal_confidences_and_doubtful_examples(answers, rng):
    value = float(rng.uniform(0.1, 0.9))
    check_equal(answers.keep_surest(list("abcd"), ["x"] * 4, [value] * 4, 2, []), [0, 1],
                hint="of equally sure ones the earlier")
    check_equal(answers.keep_surest(list("ab"), ["x", "y"], [0.01, 0.02], 2, []), [0, 1],
                hint="there is no least confidence: a rank is asked for, not a threshold")
    check_equal(answers.keep_surest(list("ab"), ["x", "y"], [0.5, 0.6], 0, []), [], hint="n_each = 0 keeps none")
