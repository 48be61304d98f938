"""What passes in chapter 10. Expected values come from PyTorch, scikit-learn, `minigpt`, or from counting."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix, f1_score

from minigpt.grading import check_close, check_equal, check_gradients, check_that, exercise


@exercise("last_real", points=2, minutes=10, difficulty=1, seconds=30)
def test_padding_on_any_side_is_passed_over(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n_texts, n_tokens, width in ((6, 7, 3), (1, 1, 2), (4, 9, 1)):
        hidden = torch.randn(n_texts, n_tokens, width, generator=generator, dtype=torch.float64)
        upstream = torch.randn(n_texts, width, generator=generator, dtype=torch.float64)
        is_real = torch.zeros(n_texts, n_tokens, dtype=torch.bool)
        ends = []
        for row in range(n_texts):  # some padded before, some behind, some on both sides, some not at all
            before, behind = row % 3 > 0 and n_tokens > 2, row % 2 > 0 and n_tokens > 2
            first = int(torch.randint(1, n_tokens - 1, (), generator=generator)) if before else 0
            end = int(torch.randint(first + 1, n_tokens, (), generator=generator)) if behind else n_tokens
            is_real[row, first:end] = True
            ends.append(end)
        value, (gradient, *_) = answers.call_with_gradients("last_real", hidden, is_real, upstream=upstream)
        expected, expected_gradient = torch.zeros(n_texts, width).double(), torch.zeros_like(hidden)
        for row, end in enumerate(ends):
            expected[row] = hidden[row, end - 1]
            expected_gradient[row, end - 1] = upstream[row]
        check_close(value, expected)
        check_gradients(gradient, expected_gradient)


@exercise("class_probabilities", points=2, minutes=10, difficulty=1, forbids=("torch.softmax", "torch.log_softmax"))
def test_the_head_gives_probabilities_and_gradients(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for shape in ((5, 3, 4), (1, 4, 2), (3, 3, 3)):
        n_texts, width, n_classes = shape
        tensors = [torch.randn(*size, generator=generator, dtype=torch.float64)
                   for size in ((n_texts, width), (n_classes, width), (n_classes,))]  # fmt: skip
        upstream = torch.randn(n_texts, n_classes, generator=generator, dtype=torch.float64)
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        expected = F.linear(*leaves).softmax(dim=1)
        value, gradients = answers.call_with_gradients("class_probabilities", *tensors, upstream=upstream)
        check_close(value, expected.detach())
        names = ("features", "weight", "bias")
        check_gradients(dict(zip(names, gradients)),
                        dict(zip(names, torch.autograd.grad(expected, leaves, upstream))))  # fmt: skip


@exercise("class_probabilities")
def test_large_scores_do_not_overflow(answers):
    features = torch.tensor([[1000.0], [-1000.0]], dtype=torch.float64)
    weight, bias = torch.tensor([[1.0], [-1.0], [1.0]]).double(), torch.zeros(3).double()
    expected = torch.tensor([[0.5, 0, 0.5], [0, 1.0, 0]]).double()
    check_close(answers.class_probabilities(features, weight, bias), expected,
                hint="large scores overflow: subtract each row's maximum before exp")


@exercise("weighted_cross_entropy", points=3, minutes=20, difficulty=2)
def test_the_loss_and_its_gradient_are_autograds(answers, rng):
    for n_texts, n_classes, size in ((6, 4, 1.0), (1, 2, 3.0), (3, 5, 5000.0)):
        logits = size * rng.normal(size=(n_texts, n_classes))
        targets, weights = rng.integers(n_classes, size=n_texts), rng.uniform(0.2, 5, size=n_classes)
        got = answers.weighted_cross_entropy(logits, targets, weights)
        check_that(isinstance(got, dict) and set(got) == {"loss", "gradient"}, "return the keys loss and gradient")
        leaf = torch.tensor(logits, requires_grad=True)
        loss = F.cross_entropy(leaf, torch.tensor(targets), torch.tensor(weights), reduction="sum") / n_texts
        loss.backward()
        check_close(float(got["loss"]), float(loss.detach()))
        check_close(got["gradient"], leaf.grad.numpy())


@exercise("confusion", points=1, minutes=5, difficulty=1)
def test_mistakes_are_counted(answers, rng):
    for n_classes, n_texts in ((4, 60), (3, 5), (6, 9)):
        true, predicted = (rng.integers(n_classes, size=n_texts) for _ in range(2))
        expected = confusion_matrix(true, predicted, labels=range(n_classes))
        check_equal(np.asarray(answers.confusion(true.tolist(), predicted.tolist(), n_classes)), expected)
    check_equal(np.asarray(answers.confusion([], [], 2)), np.zeros((2, 2), dtype=int))


def from_counts(counts):
    """The true and the predicted classes that such counts come from."""
    pairs = [pair for pair, n in np.ndenumerate(counts) for _ in range(n)]
    return [row for row, _ in pairs], [column for _, column in pairs]


@exercise("macro_f1", points=2, minutes=15, difficulty=2)
def test_each_class_counts_alike(answers, rng):
    for n_classes in (2, 4, 5):
        counts = rng.integers(0, 9, size=(n_classes, n_classes)) + np.diag(rng.integers(1, 30, size=n_classes))
        expected = f1_score(*from_counts(counts), average="macro")
        check_close(float(answers.macro_f1(counts)), float(expected))


@exercise("macro_f1")
def test_a_class_without_texts_or_predictions_has_0(answers, rng):
    counts = np.zeros((4, 4), dtype=int)  # class 1: never predicted; class 2: no texts; class 3: neither
    counts[0, 0], counts[1, 0], counts[0, 2] = rng.integers(2, 9, size=3)
    expected = f1_score(*from_counts(counts), average="macro", labels=range(4), zero_division=0)
    check_close(float(answers.macro_f1(counts)), float(expected), hint="0 / 0 is 0, and such a class still counts")


@exercise("bootstrap_interval", points=2, minutes=10, difficulty=1)
def test_the_middle_95_per_cent(answers, rng):
    for n_texts, n_samples in ((40, 300), (7, 61)):
        is_right = rng.random(n_texts) < 0.7
        draws = rng.integers(n_texts, size=(n_samples, n_texts))
        values = [100 * sum(bool(is_right[i]) for i in draw) / n_texts for draw in draws]
        expected = tuple(float(value) for value in np.quantile(values, (0.025, 0.975)))
        check_close(tuple(map(float, answers.bootstrap_interval(is_right, draws))), expected)


@exercise("split_by_record", points=2, minutes=15, difficulty=2)
def test_no_record_is_in_two_parts(answers, rng):
    for n_records, n_texts in ((6, 25), (4, 9), (3, 3)):
        names = [f"r{number}" for number in range(n_records)]
        copies = 2 if n_texts > n_records else 1
        records = [*names * copies, *rng.choice(names, size=n_texts - copies * n_records).tolist()]
        records = rng.permutation(records).tolist()
        order = rng.permutation(names).tolist()
        # The last but one takes all of the first record and a part of the second, which must come whole.
        for n_test in (1, int(rng.integers(2, n_texts)), records.count(order[0]) + 1, n_texts):
            training, test = answers.split_by_record(records, order, n_test)
            taken, n_taken = set(), 0
            while n_taken < n_test:
                record = order[len(taken)]
                taken.add(record)
                n_taken += records.count(record)
            expected = [[i for i, record in enumerate(records) if (record in taken) == part] for part in (False, True)]
            check_that(not {records[i] for i in training} & {records[i] for i in test}, "a record is in both parts")
            check_equal([list(training), list(test)], expected)


@exercise("layer_rates", points=1, minutes=5, difficulty=1)
def test_lower_layers_learn_slower(answers, rng):
    for n_blocks in (1, 2, int(rng.integers(3, 9))):
        rate, decay = float(rng.uniform(1e-4, 1e-2)), float(rng.uniform(0.3, 0.9))
        expected = [rate]
        for _ in range(n_blocks + 1):
            expected.insert(0, expected[0] * decay)
        check_close(list(map(float, answers.layer_rates(n_blocks, rate, decay))), expected)
    check_close(list(map(float, answers.layer_rates(3, 0.5, 1.0))), [0.5] * 5)


@exercise("early_stopping", points=2, minutes=15, difficulty=2)
def test_patience_ends_where_it_should(answers, rng):
    cases = [([1.0, 3.0, 2.0, 4.0, 5.0], 2, (3, 1)), ([3.0, 2.0, 2.5, 2.1, 1.0], 2, (4, 2)),
             ([3.0, 2.0, 2.5, 2.1, 1.0], 3, (5, 5)), ([1.0], 1, (1, 1)),
             ([1.0, 1.0, 0.5], 1, (2, 1)), ([4.0, 3.0, 2.0, 1.0], 1, (4, 4)),
             ([2.0, 3.0, 1.0, 3.0, 3.0, 0.1], 2, (5, 3)), ([2.0, 4.0, 3.0, 2.5], 2, (3, 1)),
             ([5.0, 6.0, 4.0, 6.0, 3.0, 6.0], 2, (6, 5))]  # fmt: skip
    for losses, patience, expected in cases:
        got = answers.early_stopping(losses, patience)
        check_equal([int(got[0]), int(got[1])], list(expected))
    for _ in range(20):
        losses, patience = rng.integers(1, 9, size=10).astype(float).tolist(), int(rng.integers(1, 4))
        successes = [e for e in range(1, 11) if all(losses[e - 1] < before for before in losses[: e - 1])]
        ends = [s + patience for s, following in zip(successes, [*successes[1:], 99]) if following > s + patience]
        last = min(ends[0], 10)
        got = answers.early_stopping(losses, patience)
        check_equal([int(got[0]), int(got[1])], [last, max(s for s in successes if s <= last)])


@exercise("unfrozen", points=1, minutes=10, difficulty=1)
def test_blocks_open_from_the_top(answers, rng):
    for n_blocks in (1, 3, int(rng.integers(4, 8))):
        everything = ["head", *(f"block {b}" for b in reversed(range(n_blocks))), "embeddings"]
        for epoch in range(n_blocks + 4):
            check_equal(list(answers.unfrozen(epoch, n_blocks)), everything[: epoch + 1])
