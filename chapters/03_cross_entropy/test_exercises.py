"""Tests of chapter 03's exercises. Expected values come from PyTorch, from plain loops, or from paper."""

import math
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.grading import check_close, check_gradients, exercise

LIBRARY_LOSSES = (
    "torch.nn.functional.cross_entropy",
    "torch.nn.functional.nll_loss",
    "torch.nn.CrossEntropyLoss",
    "torch.nn.NLLLoss",
)


def gradient_of(loss, array):
    """What autograd says about a loss of one array."""
    tensor = torch.tensor(array, requires_grad=True)
    loss(tensor).backward()
    return tensor.grad.numpy()


# -------------------------------------------------------------------------------------------- bigram_probabilities


@exercise("bigram_probabilities", points=2, minutes=15, difficulty=2)
def test_bigram_probabilities_are_smoothed_shares(answers, rng):
    n_tokens, added = 6, float(rng.uniform(0.2, 0.8))
    ids = rng.integers(n_tokens - 1, size=50)  # the last token never occurs
    expected = np.empty((n_tokens, n_tokens))
    for a in range(n_tokens):
        row = [sum(x == a and y == b for x, y in pairwise(ids)) + added for b in range(n_tokens)]
        expected[a] = np.array(row) / sum(row)
    check_close(answers.bigram_probabilities(ids, n_tokens, added), expected)


@exercise("bigram_probabilities")
def test_bigram_probabilities_of_a_word(answers):
    ids = np.array(["abcdr".index(letter) for letter in "abracadabra"])
    got = answers.bigram_probabilities(ids, 5, 1.0)
    check_close(got[0], np.array([1, 3, 2, 2, 1]) / 9)  # what follows a
    check_close(got[2], np.array([2, 1, 1, 1, 1]) / 6)  # what follows c


# ---------------------------------------------------------------------------------------------------- entropy_bits


@exercise("entropy_bits", points=1, minutes=8, difficulty=1)
def test_entropy_of_each_row(answers, rng):
    rows = rng.dirichlet(np.ones(5), size=3)
    expected = np.array([-sum(p * math.log(p, 2) for p in row) for row in rows])
    check_close(answers.entropy_bits(rows), expected)


@exercise("entropy_bits")
def test_entropy_of_what_never_happens(answers):
    rows = np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 1.0, 0.0, 0.0]])
    hint = "0 · log 0 is NaN for NumPy: an outcome that never happens costs nothing"
    check_close(answers.entropy_bits(rows), np.array([1.5, 0.0]), hint=hint)


# --------------------------------------------------------------------------------------------------------- softmax

SOFTMAXES = ("torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax", "torch.log_softmax",
             "torch.nn.functional.log_softmax", "torch.nn.LogSoftmax", "scipy.special.softmax",
             "scipy.special.log_softmax")  # fmt: skip


@exercise("softmax", points=1, minutes=8, difficulty=1, forbids=SOFTMAXES)
def test_softmax_of_each_row(answers, rng):
    for shape in ((3, 5), (4,), (2, 3, 6)):
        scores = rng.normal(size=shape)
        expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        check_close(answers.softmax(scores), expected)


@exercise("softmax")
def test_softmax_survives_large_scores(answers, rng):
    scores = rng.normal(size=(3, 4)) + np.array([[1000.0], [0.0], [-1000.0]])
    check_close(answers.softmax(scores), torch.softmax(torch.tensor(scores), -1).numpy(),
                hint="large scores: exp overflows, or a whole row of it is 0")  # fmt: skip


# ----------------------------------------------------------------------------------------------------- log_softmax


@exercise("log_softmax", points=2, minutes=10, difficulty=2, forbids=SOFTMAXES)
def test_log_softmax_of_each_row(answers, rng):
    for shape in ((3, 5), (4,), (2, 3, 6)):
        scores = rng.normal(size=shape)
        expected = np.log(np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True))
        check_close(answers.log_softmax(scores), expected)


@exercise("log_softmax")
def test_log_softmax_survives_large_scores(answers, rng):
    scores = rng.normal(size=(3, 4)) + np.array([[1000.0], [0.0], [-1000.0]])
    scores[1, 2] -= 1000
    check_close(answers.log_softmax(scores), torch.log_softmax(torch.tensor(scores), -1).numpy(),
                hint="the probability of a score far below the others rounds to 0, and its logarithm is -inf: take "
                     "the logarithm on paper first")  # fmt: skip


# --------------------------------------------------------------------------------------------------- cross_entropy


@exercise("cross_entropy", points=3, minutes=15, difficulty=2, forbids=LIBRARY_LOSSES)
def test_cross_entropy_of_scored_rows(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(7, 5, generator=generator, dtype=torch.float64)
    targets = torch.randint(5, (7,), generator=generator)
    targets[[1, 4]] = -100
    loss, (gradient, *_) = answers.call_with_gradients("cross_entropy", logits, targets)
    check_close(loss, F.cross_entropy(logits, targets))
    expected = gradient_of(lambda z: F.cross_entropy(z, targets), logits.numpy())
    check_gradients(np.asarray(gradient), expected)


@exercise("cross_entropy")
def test_cross_entropy_with_another_ignore_index(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    for ignored in (-1, 2):
        targets = torch.tensor([0, ignored, 3, ignored, 1, ignored])
        expected = F.cross_entropy(logits, targets, ignore_index=ignored)
        check_close(answers.cross_entropy(logits, targets, ignored), expected)


@exercise("cross_entropy")
def test_cross_entropy_survives_large_logits(answers):
    logits = torch.tensor([[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    check_close(answers.cross_entropy(logits, torch.tensor([1, 0])),
                torch.tensor((1000 + math.log(3)) / 2, dtype=torch.float64),
                hint="the right class has a probability that rounds to 0: start from log-softmax")  # fmt: skip


# ------------------------------------------------------------------------------------------ cross_entropy_gradient


@exercise("cross_entropy_gradient", points=3, minutes=20, difficulty=3)
def test_cross_entropy_gradient_equals_autograd(answers, rng):
    logits = rng.normal(size=(7, 5))
    targets = rng.integers(5, size=7)
    targets[[1, 4]] = -100
    expected = gradient_of(lambda z: F.cross_entropy(z, torch.tensor(targets)), logits)
    got = answers.cross_entropy_gradient(logits, targets)
    check_gradients(got, expected, sizes={"rows": 7, "scored rows": 5}, ignored=targets == -100)


@exercise("cross_entropy_gradient")
def test_cross_entropy_gradient_with_another_ignore_index(answers, rng):
    logits = 100 * rng.normal(size=(6, 4))
    targets = np.array([0, 2, 3, 2, 1, 2])
    expected = gradient_of(lambda z: F.cross_entropy(z, torch.tensor(targets), ignore_index=2), logits)
    check_gradients(answers.cross_entropy_gradient(logits, targets, 2), expected, ignored=targets == 2)


# ------------------------------------------------------------------------------------------ smoothed_cross_entropy


@exercise("smoothed_cross_entropy", points=2, minutes=15, difficulty=2)
def test_smoothed_cross_entropy_equals_pytorch(answers, rng):
    logits = 2 * rng.normal(size=(6, 5))
    targets = rng.integers(5, size=6)
    for smoothing in (float(rng.uniform(0.1, 0.4)), 0.0, 1.0):
        expected = F.cross_entropy(torch.tensor(logits), torch.tensor(targets), label_smoothing=smoothing)
        check_close(answers.smoothed_cross_entropy(logits, targets, smoothing), float(expected))


@exercise("smoothed_cross_entropy")
def test_smoothed_cross_entropy_survives_large_logits(answers):
    logits = np.array([[1000.0, 0.0], [0.0, 0.0]])
    expected = (0.1 / 2 * 1000 + math.log(2)) / 2
    check_close(answers.smoothed_cross_entropy(logits, np.array([0, 1]), 0.1), expected,
                hint="a probability rounds to 0: start from log-softmax")  # fmt: skip


# ----------------------------------------------------------------------------------------------------- text_scores


@exercise("text_scores", points=2, minutes=10, difficulty=1)
def test_text_scores_of_random_tokens(answers, rng):
    losses = rng.uniform(0.1, 4.0, size=9)
    n_bytes = rng.integers(1, 8, size=9)
    n_bytes[0] = 9  # so that the mean of ratios is never the ratio of means
    expected = {
        "nats_per_token": sum(losses) / 9,
        "perplexity": math.exp(sum(losses) / 9),
        "bits_per_byte": sum(losses) / math.log(2) / sum(n_bytes),
    }
    check_close(answers.text_scores(losses, n_bytes), expected)


# --------------------------------------------------------------------------------------------- chain_rule_gradient


@exercise("chain_rule_gradient", points=2, minutes=15, difficulty=2)
def test_chain_rule_gradient_equals_autograd(answers, rng):
    predictions = rng.uniform(0.05, 0.95, size=7)
    labels = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    jacobian = rng.normal(size=(7, 3))
    d_predictions = gradient_of(lambda p: F.binary_cross_entropy(p, torch.tensor(labels)), predictions)
    expected = np.array([sum(d_predictions[i] * jacobian[i, k] for i in range(7)) for k in range(3)])
    got = answers.chain_rule_gradient(predictions, labels, jacobian)
    check_gradients(got, expected, sizes={"examples": 7, "parameters": 3})


# -------------------------------------------------------------------------------- binary_cross_entropy_from_logits


@exercise("binary_cross_entropy_from_logits", points=2, minutes=15, difficulty=2,
          forbids=("torch.nn.functional.binary_cross_entropy_with_logits", "torch.nn.BCEWithLogitsLoss"))  # fmt: skip
def test_binary_cross_entropy_equals_pytorch(answers, rng):
    logits = 2 * rng.normal(size=8)
    labels = np.concatenate([[0.0, 1.0, 1.0, 0.0, 1.0], rng.uniform(size=3)])
    expected = F.binary_cross_entropy_with_logits(torch.tensor(logits), torch.tensor(labels))
    check_close(answers.binary_cross_entropy_from_logits(logits, labels), float(expected))


@exercise("binary_cross_entropy_from_logits")
def test_binary_cross_entropy_survives_large_logits(answers):
    hint = "not finite or cut off for large logits: log sigmoid(z) is to be done on paper"
    cases = ((-1000.0, 1.0, 1000.0), (1000.0, 0.0, 1000.0), (40.0, 0.0, 40.0), (-800.0, 0.0, 0.0))
    for logit, label, expected in cases:
        got = answers.binary_cross_entropy_from_logits(np.array([logit]), np.array([label]))
        check_close(got, expected, hint=hint)


# ----------------------------------------------------------------------------------------------- logistic_gradient


@exercise("logistic_gradient", points=2, minutes=15, difficulty=2)
def test_logistic_gradient_equals_autograd(answers, rng):
    features, theta = rng.normal(size=(7, 3)), rng.normal(size=3)
    labels = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0])

    def loss(theta):
        return F.binary_cross_entropy(torch.sigmoid(torch.tensor(features) @ theta), torch.tensor(labels))

    got = answers.logistic_gradient(features, theta, labels)
    check_gradients(got, gradient_of(loss, theta), sizes={"examples": 7, "parameters": 3})


@exercise("logistic_gradient")
def test_logistic_gradient_stays_finite(answers):
    features, labels = np.array([[1.0, 2.0], [-1.0, 3.0]]), np.array([0.0, 1.0])
    got = answers.logistic_gradient(features, np.array([800.0, 0.0]), labels)
    check_close(got, np.array([1.0, -0.5]), hint="a prediction rounds to 0 or 1: cancel the denominators on paper")


# ------------------------------------------------------------------------------------------ squared_error_gradient


@exercise("squared_error_gradient", points=2, minutes=10, difficulty=2)
def test_squared_error_gradient_equals_autograd(answers, rng):
    logits = np.concatenate([2 * rng.normal(size=4), [-6.0, 7.0, 0.5]])
    labels = np.array([1.0, 0.0, 0.3, 1.0, 1.0, 0.0, 0.0])
    expected = gradient_of(lambda z: F.mse_loss(torch.sigmoid(z), torch.tensor(labels)), logits)
    got = answers.squared_error_gradient(logits, labels)
    check_gradients(got, expected, sizes={"examples": 7})


# ---------------------------------------------------------------------------------------------------------- update


@exercise("update", points=2, minutes=10, difficulty=1)
def test_update_goes_down_the_mean_and_decays(answers, rng):
    theta, gradients = rng.normal(size=4), rng.normal(size=(6, 4))
    rate, decay = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.3, 0.6))
    expected = np.array([theta[k] - rate * sum(gradients[:, k]) / 6 - rate * decay * theta[k] for k in range(4)])
    check_close(answers.update(theta, gradients, rate, decay), expected)


@exercise("update")
def test_update_without_decay(answers):
    got = answers.update(np.array([2.0, -1.0]), np.array([[0.2, 1.0], [0.8, 3.0]]), 0.1, 0.0)
    check_close(got, np.array([1.95, -1.2]))
