"""What passes in chapter 11. Expected values come from `minigpt`, seqeval, scikit-learn, autograd, or brute force."""

import itertools

import torch
import torch.nn.functional as F
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from sklearn.metrics import accuracy_score, classification_report, precision_recall_fscore_support

from minigpt.datasets.tag_schemes import convert, to_tags
from minigpt.datasets.tasks import Encoder
from minigpt.finetuning.tag_paths import best_path
from minigpt.grading import check_close, check_equal, check_gradients, check_that, exercise

TYPES = ("LOC", "ORG", "PER")
TAGS = ["O", *(f"{letter}-{kind}" for letter in "BI" for kind in TYPES)]


def random_spans(rng, n_words):
    """Entities that often touch each other."""
    found, start = [], 0
    while start < n_words:
        length = int(rng.integers(1, 4))
        if rng.random() < 0.7:
            found.append((start, min(start + length, n_words), str(rng.choice(TYPES))))
        start += length
    return found


def random_tags(rng, n_words=None, scheme="IOB2"):
    n_words = int(rng.integers(1, 14)) if n_words is None else n_words
    return list(to_tags(random_spans(rng, n_words), n_words, scheme))


def any_tags(rng, n_words):
    """Tags of a poor model: an I may stand anywhere."""
    return [str(tag) for tag in rng.choice(TAGS, size=n_words)]


@exercise("align_tags", points=1, minutes=10, difficulty=1)
def test_one_piece_of_each_word_carries_its_tag(answers, rng):
    for labelled in ("first", "last"):
        counts = [int(n) for n in rng.integers(0, 5, size=9)] + [3, 0, 2]
        tags = [int(n) for n in rng.integers(0, 9, size=len(counts))]
        expected = [
            tag if place == (0 if labelled == "first" else count - 1) else -100
            for tag, count in zip(tags, counts)
            for place in range(count)
        ]
        check_equal(answers.align_tags(tags, counts, labelled), expected)


@exercise("align_tags")
def test_no_words_give_no_targets(answers):
    check_equal(answers.align_tags([], [], "first"), [])
    check_equal(answers.align_tags([4], [0], "last"), [], hint="a word without pieces has no target")


@exercise("iob1_to_iob2", points=1, minutes=10, difficulty=1)
def test_every_entity_begins_with_b(answers, rng):
    for _ in range(20):
        tags = random_tags(rng, scheme="IOB1")
        check_equal(answers.iob1_to_iob2(tags), list(convert(tags, "IOB1")))


@exercise("iob1_to_iob2")
def test_a_change_of_type_begins_an_entity(answers):
    tags = ["I-PER", "I-LOC", "I-LOC", "B-LOC", "I-LOC", "O", "I-LOC", "B-ORG", "I-ORG"]
    check_equal(
        answers.iob1_to_iob2(tags), ["B-PER", "B-LOC", "I-LOC", "B-LOC", "I-LOC", "O", "B-LOC", "B-ORG", "I-ORG"]
    )
    check_equal(answers.iob1_to_iob2([]), [])


@exercise("spans", points=2, minutes=15, difficulty=1)
def test_valid_tags_give_their_entities(answers, rng):
    for _ in range(20):
        n_words = int(rng.integers(1, 14))
        true = random_spans(rng, n_words)
        check_equal(answers.spans(list(to_tags(true, n_words))), true)


@exercise("spans")
def test_an_i_that_goes_on_with_nothing_begins_an_entity(answers, rng):
    for _ in range(20):
        tags = any_tags(rng, int(rng.integers(1, 12)))
        check_equal(answers.spans(tags), [(start, end + 1, kind) for kind, start, end in get_entities(tags)])
    check_equal(answers.spans([]), [])


@exercise("entity_scores", points=2, minutes=15, difficulty=2)
def test_scores_are_those_of_seqeval(answers, rng):
    for _ in range(5):
        true = [random_tags(rng, n) for n in (3, 7, 12, 5)] + [["O", "O"]]
        predicted = [[tag if rng.random() < 0.7 else str(rng.choice(TAGS)) for tag in tags] for tags in true]
        expected = tuple(
            float(score(true, predicted, zero_division=0)) for score in (precision_score, recall_score, f1_score)
        )
        check_close(tuple(map(float, answers.entity_scores(true, predicted))), expected)


@exercise("entity_scores")
def test_where_there_is_nothing_a_score_is_0(answers):
    nothing, one = [["O", "O"]], [["B-PER", "O"]]
    for true, predicted in ((nothing, nothing), (nothing, one), (one, nothing)):
        check_close(tuple(map(float, answers.entity_scores(true, predicted))), (0.0, 0.0, 0.0))
    check_close(
        tuple(map(float, answers.entity_scores([["B-PER"], ["O"]], [["O"], ["B-PER"]]))),
        (0.0, 0.0, 0.0),
        hint="the same words in another sentence are another entity",
    )


@exercise("report_means", points=2, minutes=20, difficulty=2)
def test_means_follow_from_the_rows(answers, rng):
    tags = ["B-PER", "I-PER", "B-LOC", "O"]
    true = [str(t) for t in rng.choice(tags, size=400, p=[0.1, 0.05, 0.15, 0.7])]
    predicted = [t if rng.random() < 0.8 else str(rng.choice(tags)) for t in true]
    rows = {}
    for tag, row in classification_report(true, predicted, output_dict=True).items():
        if tag in tags:
            rows[tag] = (row["precision"], row["recall"], int(row["support"]))
    micro = precision_recall_fscore_support(true, predicted, labels=tags[:3], average="micro")[2]
    macro = precision_recall_fscore_support(true, predicted, labels=tags, average="macro")[2]
    expected = {
        "accuracy": accuracy_score(true, predicted),
        "micro F1": micro,
        "macro F1": macro,
        "always O": true.count("O") / len(true),
    }
    got = answers.report_means(rows)
    check_that(isinstance(got, dict) and set(got) == set(expected), f"return a dictionary with {', '.join(expected)}")
    check_close({name: float(got[name]) for name in expected}, {name: float(v) for name, v in expected.items()})


@exercise(
    "masked_loss",
    points=2,
    minutes=15,
    difficulty=2,
    forbids=("torch.nn.functional.cross_entropy", "torch.nn.functional.nll_loss"),
)
def test_only_scored_tokens_count(answers, rng, seed):
    torch.manual_seed(seed)
    for size in ((2, 5, 3), (4, 7, 9), (1, 2, 4)):
        logits = 3 * torch.randn(size, dtype=torch.float64)
        targets = torch.from_numpy(rng.integers(0, size[2], size=size[:2]))
        targets[torch.rand(size[:2]) < 0.5] = -100
        targets[0, 0], targets[0, 1] = size[2] - 1, -100
        scale = torch.tensor(1.7, dtype=torch.float64)
        loss, gradients = answers.call_with_gradients("masked_loss", logits, targets, upstream=scale)
        wanted = logits.clone().requires_grad_(True)
        expected = F.cross_entropy(wanted.flatten(0, 1), targets.flatten(), ignore_index=-100)
        (expected * scale).backward()
        check_close(loss, expected.detach())
        check_gradients(gradients[0], wanted.grad)


@exercise("masked_loss")
def test_large_logits_do_not_overflow(answers):
    logits = torch.tensor([[[1000.0, 0.0], [-1000.0, 1000.0], [0.0, 0.0]]], dtype=torch.float64)
    got = answers.masked_loss(logits, torch.tensor([[1, 0, -100]]))
    check_close(got, torch.tensor(1500.0, dtype=torch.float64), hint="large logits: exp overflows")


@exercise("read_twice_row", points=1, minutes=10, difficulty=1)
def test_the_second_copy_carries_the_targets(answers, rng):
    table = {}

    class Words:
        """A tokenizer of made-up words."""

        def encode(self, word):
            return table[word.strip()]

    for n_words in (9, 1, 4):
        words = [f"w{number}" for number in range(n_words)]
        table.update({word: [int(n) for n in rng.integers(0, 50, size=rng.integers(1, 4))] for word in words})
        tags = [int(n) for n in rng.integers(0, 9, size=n_words)]
        encoder = Encoder(Words(), 50, 256)
        expected = encoder.tagged(words, tags, read_twice=True, labelled_piece="last")
        marks = encoder.mark["start"], encoder.mark["delimiter"]
        got = answers.read_twice_row([table[word] for word in words], tags, *marks)
        check_that(isinstance(got, tuple) and len(got) == 2, "return the row and the targets")
        check_equal(got, (expected.rows[0], expected.target))


@exercise("best_tags", points=3, minutes=30, difficulty=3, seconds=20)
def test_the_best_valid_sequence_wins(answers, rng):
    tags = ["B-LOC", "O", "I-PER", "B-PER", "I-LOC"]
    for n_words in (4, 4, 5, 4, 2, 1):
        scores = 3 * rng.normal(size=(n_words, len(tags)))
        best = max(
            (path for path in itertools.product(range(len(tags)), repeat=n_words) if valid(path, tags)),
            key=lambda path: sum(scores[word, tag] for word, tag in enumerate(path)),
        )
        check_equal(answers.best_tags(scores, tags), [tags[index] for index in best])


@exercise("best_tags")
def test_two_hundred_words_are_quick(answers, rng):
    tags = [*TAGS, "B-MISC", "I-MISC"]
    scores = rng.normal(size=(200, len(tags)))
    check_equal(answers.best_tags(scores, tags), [tags[index] for index in best_path(scores, tuple(tags))])


def valid(path, tags):
    previous = "O"
    for index in path:
        if tags[index][0] == "I" and previous[1:] != tags[index][1:]:
            return False
        previous = tags[index]
    return True


@exercise("iob2_to_iobes", points=1, minutes=10, difficulty=1)
def test_ends_are_marked(answers, rng):
    for _ in range(20):
        tags = random_tags(rng)
        check_equal(answers.iob2_to_iobes(tags), list(convert(tags, "IOB2", "IOBES")))
    tags = ["B-PER", "B-PER", "I-PER", "I-PER", "O", "B-LOC"]
    check_equal(answers.iob2_to_iobes(tags), ["S-PER", "B-PER", "I-PER", "E-PER", "O", "S-LOC"])


@exercise("tag_by_word", points=1, minutes=15, difficulty=1)
def test_each_word_gets_its_commonest_tag(answers, rng):
    vocabulary = ["Nova", "nova", "of", "Ann", "Rome", "May"]
    for _ in range(5):
        words = [[str(w) for w in rng.choice(vocabulary, size=n)] for n in (12, 1, 15, 9)]
        tags = [any_tags(rng, len(sentence)) for sentence in words]
        new = [[*vocabulary, "Oslo"], [], ["Oslo", "Ann"]]
        expected = []
        for sentence in new:
            expected.append([])
            for word in sentence:
                seen = [t for ws, ts in zip(words, tags) for w, t in zip(ws, ts) if w == word]
                expected[-1].append(min(sorted(set(seen)), key=lambda tag: -seen.count(tag)) if seen else "O")
        check_equal(answers.tag_by_word(words, tags, new), expected)


@exercise("tag_by_word")
def test_ties_follow_the_alphabet(answers):
    words, tags = [["May", "May", "Rome"], ["May", "May", "rome"]], [["O", "B-PER", "I-LOC"], ["B-PER", "O", "O"]]
    check_equal(answers.tag_by_word(words, tags, [["May", "Rome"]]), [["B-PER", "I-LOC"]])
