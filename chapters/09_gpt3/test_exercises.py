"""What passes in chapter 09. Expected values come from `minigpt`, from a search, from autograd, or from counting."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from minigpt import metrics
from minigpt.config import GPTConfig
from minigpt.datasets.episodes import EpisodeTask, next_label_batch
from minigpt.datasets.repeats import induction_targets, repeated_pairs
from minigpt.grading import check_close, check_equal, check_gradients, check_that, exercise
from minigpt.model import GPT, attention_mask


@exercise("gpt3_row", points=2, minutes=15, difficulty=1)
def test_a_model_is_counted(answers, rng):
    n_layers, d_model, vocab_size, context_length = (int(n) for n in rng.integers((2, 6, 20, 9), (6, 19, 60, 18)))
    with torch.device("meta"):
        model = GPT(GPTConfig(vocab_size, context_length, n_layers, 1, d_model))
    got = answers.gpt3_row(n_layers, d_model, vocab_size, context_length, 1000.0)
    check_that(isinstance(got, dict) and set(got) == {"parameters", "flops", "petaflop_days"},
               "return a dictionary with the keys parameters, flops and petaflop_days")
    check_equal(int(got["parameters"]), model.n_parameters())
    check_close(float(got["flops"]), 6000.0 * model.n_parameters(), hint="6 operations for each parameter and token")


@exercise("gpt3_row")
def test_compute_has_its_units(answers, rng):
    tokens = float(rng.uniform(1e11, 5e11))
    got = answers.gpt3_row(96, 12288, 50257, 2048, tokens)
    check_close(float(got["petaflop_days"]), float(got["flops"]) / 8.64e19,
                hint="a petaflop/s-day is 1e15 operations in each of 86,400 seconds")
    check_close(float(got["flops"]), 6 * 174_604_259_328 * tokens)


@exercise("fit_power_law", points=2, minutes=15, difficulty=1)
def test_an_exact_law_is_found(answers, rng):
    x = np.sort(rng.uniform(10, 1e6, size=6))
    scale, exponent = rng.uniform(2, 50), rng.uniform(0.05, 0.6)
    check_close(tuple(map(float, answers.fit_power_law(x, scale * x**-exponent))), (scale, exponent), rtol=1e-6)


@exercise("fit_power_law")
def test_noise_is_averaged_in_logarithms(answers, rng):
    x = np.geomspace(100, 1e5, 7)
    y = 20 * x**-0.1 * np.exp(0.1 * rng.normal(size=7))
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    check_close(tuple(map(float, answers.fit_power_law(x, y))), (math.exp(intercept), -slope), rtol=1e-6)


def best_floor(x, y, floors):
    """The same by brute force, with NumPy's own line."""
    candidates = []
    for floor in floors:
        if floor < y.min():
            slope, intercept = np.polyfit(np.log(x), np.log(y - floor), 1)
            prediction = floor + np.exp(intercept) * x**slope
            error = ((np.log(prediction) - np.log(y)) ** 2).sum()
            candidates.append((error, floor, math.exp(intercept), -slope))
    return tuple(map(float, min(candidates)[1:]))


@exercise("fit_with_floor", points=3, minutes=20, difficulty=2)
def test_a_true_floor_is_found(answers, rng):
    x = np.geomspace(100, 1e6, 6)
    floors = np.append(np.linspace(0, 4, 21), 9.0)
    floor = float(rng.choice(floors[(floors > 0.5) & (floors < 3)]))
    scale, exponent = rng.uniform(10, 30), rng.uniform(0.3, 0.5)
    steps_away = np.round(np.abs(floors - floor) / 0.2)
    better_worse_best = floors[np.argsort(np.where(steps_away == 1, -2, np.where(steps_away == 2, -1, steps_away)))]
    for order in (rng.permutation(floors), better_worse_best):  # an early stop is never lucky in the second
        got = answers.fit_with_floor(x, floor + scale * x**-exponent, order)
        check_close(tuple(map(float, got)), (floor, scale, exponent), rtol=1e-5)


@exercise("fit_with_floor")
def test_predictions_decide_between_floors(answers, rng):
    x = np.geomspace(50, 1e5, 8)
    floors = np.linspace(0, 2.4, 49)
    for _ in range(4):
        y = 1.5 + 60 * x**-0.4 * np.exp(0.2 * rng.normal(size=8))
        check_close(tuple(map(float, answers.fit_with_floor(x, y, floors))), best_floor(x, y, floors), rtol=1e-6)


@exercise("best_allocation", points=3, minutes=25, difficulty=2)
def test_no_other_division_is_better(answers, rng):
    compute = 10 ** rng.uniform(20, 24)
    a, alpha = rng.uniform(200, 800), rng.uniform(0.25, 0.33)
    b, beta = rng.uniform(900, 2000), rng.uniform(0.35, 0.45)
    n_parameters, n_tokens = map(float, answers.best_allocation(compute, a, alpha, b, beta))
    check_close(6 * n_parameters * n_tokens, compute, rtol=1e-6, hint="the budget is 6 · N · D: spend it exactly")
    # Golden-section search over log N, without a formula.
    low, high = math.log(1e3), math.log(compute / 6e3)
    for _ in range(200):
        third = (high - low) / 3
        losses = [a / n**alpha + b / (compute / 6 / n) ** beta for n in (math.exp(low + third), math.exp(high - third))]
        low, high = (low, high - third) if losses[0] < losses[1] else (low + third, high)
    check_close(n_parameters, math.exp(low), rtol=1e-4)


@exercise("best_allocation")
def test_the_published_numbers(answers):
    got = tuple(map(float, answers.best_allocation(5.76e23, 406.4, 0.34, 410.7, 0.28)))
    n_parameters = (0.34 * 406.4 / (0.28 * 410.7)) ** (1 / 0.62) * (0.96e23) ** (0.28 / 0.62)
    check_close(got, (n_parameters, 0.96e23 / n_parameters), rtol=1e-6)


@exercise("count_pairs", points=2, minutes=10, difficulty=1)
def test_pairs_are_those_of_the_masks(answers, rng):
    n_tokens = int(rng.integers(8, 20))
    n_layers = int(rng.choice([5, 7]))  # odd: one dense layer more than banded ones
    for band_width in (1, 3, n_tokens, n_tokens + 5):
        dense = int(attention_mask(n_tokens, n_tokens).sum())
        banded = int(attention_mask(n_tokens, n_tokens, band_width).sum())
        n_dense = (n_layers + 1) // 2
        expected = {"dense": n_layers * dense, "banded": n_layers * banded,
                    "dense,banded": n_dense * dense + (n_layers - n_dense) * banded}
        for pattern, pairs in expected.items():
            check_equal(answers.count_pairs(n_tokens, n_layers, pattern, band_width), pairs)


def reachable(position, band_widths):
    """Tokens that can reach `position`, followed through the masks."""
    seen = {position}
    for width in reversed(band_widths):
        mask = attention_mask(position + 1, position + 1, width)[0, 0]
        seen = {key for query in seen for key in mask[query].nonzero().flatten().tolist()}
    return len(seen)


@exercise("receptive_field", points=2, minutes=10, difficulty=2)
def test_what_was_seen_has_seen_others(answers, rng):
    for band_widths in ([4, 4, 4], [int(w) for w in rng.integers(1, 7, size=4)], [1, 1], [5]):
        for position in (40, 6, 0):
            check_equal(answers.receptive_field(position, band_widths), reachable(position, band_widths))


@exercise("receptive_field")
def test_one_dense_layer_reaches_the_start(answers, rng):
    position = int(rng.integers(20, 40))
    for band_widths in ([None, 3, None], [3, None, 2], [3, 3, None], [None]):
        check_equal(answers.receptive_field(position, band_widths), position + 1)


@exercise("banded_attention", points=4, minutes=40, difficulty=3, forbids=(
    "torch.nn.functional.scaled_dot_product_attention", "torch.nn.MultiheadAttention",
    "torch.nn.functional.multi_head_attention_forward"))  # fmt: skip
def test_the_band_attends_and_gradients_flow(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n_tokens, band_width in ((12, 4), (11, 4), (7, 1), (5, 9), (13, 12)):
        tensors = [torch.randn(2, n_tokens, 3, generator=generator, dtype=torch.float64) for _ in range(3)]
        upstream = torch.randn(2, n_tokens, 3, generator=generator, dtype=torch.float64)
        value, gradients = answers.call_with_gradients("banded_attention", *tensors, band_width, upstream=upstream)
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        mask = attention_mask(n_tokens, n_tokens, band_width)[0, 0]
        expected = F.scaled_dot_product_attention(*leaves, attn_mask=mask)
        check_close(value, expected.detach())
        names = ("query", "key", "value")
        expected_gradients = torch.autograd.grad(expected, leaves, upstream)
        check_gradients(dict(zip(names, gradients)), dict(zip(names, expected_gradients)), sizes={"√K": 3**0.5})


@exercise("banded_attention")
def test_a_long_text_fits(answers, seed):
    n_tokens, band_width = 32_768, 64
    tensors = torch.randn(3, 1, n_tokens, 2, generator=torch.Generator().manual_seed(seed))
    got = answers.banded_attention(*tensors, band_width)
    check_that(tuple(got.shape) == (1, n_tokens, 2), "the shape must be (B, T, K)")
    for end in (band_width // 2, 5000, n_tokens):  # the last token of each is compared with its own small attention
        query, key, value = (x[:, max(0, end - band_width) : end] for x in tensors)
        expected = F.scaled_dot_product_attention(query[:, -1:], key, value)
        check_close(got[:, end - 1 : end], expected, atol=1e-5, rtol=1e-4)


@exercise("episode_tokens", points=1, minutes=10, difficulty=1)
def test_episodes_as_the_package_lays_them_out(answers, rng):
    for n_turns in (9, 2, 1):
        task = EpisodeTask(n_turns=n_turns)
        episodes = task.sample(1, rng)
        inputs, targets = next_label_batch(episodes)
        got = answers.episode_tokens(episodes.objects[0].tolist(), episodes.labels[0].tolist())
        check_equal(got, (inputs[0].tolist(), targets[0].tolist(), list(range(0, 2 * n_turns - 1, 2))))


@exercise("family_posterior", points=3, minutes=25, difficulty=3)
def test_the_posterior_by_adding_up_all_pairs_of_prototypes(answers, rng):
    got, expected = [], []
    for n_objects, n_examples in ((5, 4), (4, 7), (6, 1)):
        table = rng.dirichlet(np.ones(n_objects), size=n_objects)
        objects, families = rng.integers(n_objects, size=n_examples), rng.integers(2, size=n_examples)
        query = int(rng.integers(n_objects))
        totals = np.zeros(2)
        for first in range(n_objects):
            for second in range(n_objects):
                rows = table[[first, second]]
                weight = np.prod([rows[family, x] for x, family in zip(objects, families)])
                totals += weight * rows[:, query]
        expected.append(float(totals[0] / totals.sum()))
        got.append(answers.family_posterior(table, objects.tolist(), families.tolist(), query))
    check_close(got, expected)


@exercise("family_posterior")
def test_examples_of_one_family_leave_the_other_open(answers, rng):
    table = rng.dirichlet(np.ones(4), size=4)
    prior = table.mean(axis=0)
    seen = (table[:, 2] / table[:, 2].sum()) @ table
    for family, expected in ((0, seen[1] / (seen[1] + prior[1])), (1, prior[1] / (seen[1] + prior[1]))):
        check_close(answers.family_posterior(table, [2], [family], 1), float(expected))


@exercise("family_posterior")
def test_without_examples_both_families_are_alike(answers, rng):
    table = rng.dirichlet(np.ones(3), size=3)
    check_close(answers.family_posterior(table, [], [], 1), 0.5)


@exercise("induction_target", points=2, minutes=15, difficulty=2)
def test_targets_stand_after_the_latest_earlier_occurrence(answers, rng):
    for vocab_size in (3, 6, 50):
        ids = rng.integers(vocab_size, size=14).tolist()
        expected = []
        for place, token in enumerate(ids):
            earlier = [j for j in range(place) if ids[j] == token]
            expected.append(earlier[-1] + 1 if earlier else -1)
        check_equal(answers.induction_target(ids), expected)


@exercise("induction_target")
def test_in_repeated_pairs_the_target_of_a_first_token_is_its_second(answers, rng):
    ids = repeated_pairs(1, rng, n_pairs=3, n_turns=8)[0]
    got = answers.induction_target(ids.tolist())
    for place, target in enumerate(got):
        allowed = induction_targets(ids[None])[0, place].nonzero()[:, 0].tolist()
        check_equal(target, max(allowed, default=-1))


@exercise("calibration_error", points=2, minutes=20, difficulty=2)
def test_calibration_as_the_package_measures_it(answers, rng):
    for n_questions, n_classes, n_bins in ((60, 4, 10), (40, 3, 5), (7, 2, 20), (9, 3, 1)):
        probabilities = rng.dirichlet(np.ones(n_classes) / 2, size=n_questions)
        labels = rng.integers(n_classes, size=n_questions)
        right = probabilities.argmax(axis=1) == labels
        expected = metrics.expected_calibration_error(probabilities.max(axis=1), right, n_bins)
        check_close(answers.calibration_error(probabilities, labels, n_bins), expected)


@exercise("calibration_error")
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(answers):
    probabilities = np.array([[0.5, 0.25, 0.25], [0.75, 0.125, 0.125], [0.125, 0.625, 0.25], [0.0, 0.0, 1.0]])
    labels = np.array([0, 1, 0, 1])
    right = np.array([True, False, False, False])
    for n_bins in (2, 4):
        expected = metrics.expected_calibration_error(probabilities.max(axis=1), right, n_bins)
        check_close(answers.calibration_error(probabilities, labels, n_bins), expected)
