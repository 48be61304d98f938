"""Every operation by hand against PyTorch's, at extreme values, and with bad input."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt import model as torch_model
from minigpt.by_hand import check_table
from minigpt.by_hand import operations as op
from minigpt.by_hand.check_table import D, H, K, S, T, V
from minigpt.by_hand.gradient_check import check_gradient
from minigpt.config import GPTConfig
from minigpt.multimodal.fusion import CrossAttention, MLPProjector

CASES = {case.operation: case for case in check_table.cases()}
IDS = torch.tensor([[3, 1, 3, 6, 0], [1, 3, 5, 5, 2]])
LEFT_PADDED = torch.tensor([[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]])
TARGETS = torch.tensor([[3, 1, -100, 6, 0], [-100, 3, 5, 5, 2]])
LABELS = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64)
AIM = torch.from_numpy(np.random.default_rng(5).standard_normal((2, 5)))
KEPT = torch.from_numpy(np.random.default_rng(15).random((2, 5, 4)) < 0.7)
IS_REAL = torch.tensor([[True, True, True, False, False], [False, True, True, True, True]])


def torch_attention(parameters, band_width=None, key_is_real=None):
    mask = torch_model.attention_mask(T, S, band_width, key_is_real)
    return torch_model.attention_by_formula(parameters["query"], parameters["key"], parameters["value"], mask)[0]


def torch_module(module, parameters, *arguments, **keywords):
    """Run a module of the torch model with these tensors in place of its own parameters."""
    own = {name: tensor for name, tensor in parameters.items() if name != "x"}
    return torch.func.functional_call(module.double(), own, (parameters["x"], *arguments), keywords)


def torch_block(parameters, norm_position):
    block = torch_model.Block(GPTConfig(d_model=D, n_heads=H, norm_position=norm_position, dropout=0.0))
    return torch_module(block, parameters)


def torch_adapter(parameters):
    frozen = check_table._normal(33, x=(2, 5, 4), weight=(3, 4), bias=(3,), down=(8, 4), up=(3, 8))
    weight, bias = torch.from_numpy(frozen["weight"]), torch.from_numpy(frozen["bias"])
    return F.linear(parameters["x"], weight + 3.0 / 8 * parameters["up"] @ parameters["down"], bias)


def one_more_key():
    longer = torch.ones(2, S, dtype=torch.bool)
    longer[:, :T] = IS_REAL
    return longer


def torch_cross_attention(parameters):
    own = {name: tensor for name, tensor in parameters.items() if "." in name}
    sees = torch.from_numpy(check_table._SEES)
    module = CrossAttention(SMALL).double()
    return torch.func.functional_call(module, own, (parameters["x"], parameters["media"], sees))


def torch_projector(parameters):
    own = {name: tensor for name, tensor in parameters.items() if "." in name}
    return torch.func.functional_call(MLPProjector(1, V, D).double(), own, (parameters["features"],))


def torch_contrastive(parameters):
    """Cross-entropy with probabilities for targets, of the rows and of the columns that have a partner."""
    a, b = F.normalize(parameters["a"], dim=-1), F.normalize(parameters["b"], dim=-1)
    scores = a @ b.T * parameters["log_scale"].exp()
    wanted = torch.from_numpy(check_table._LABELS_A)[:, None] == torch.from_numpy(check_table._LABELS_B)
    losses = []
    for rows, answers in ((scores, wanted.double()), (scores.T, wanted.T.double())):
        counted = answers.sum(1) > 0
        losses.append(F.cross_entropy(rows[counted], F.normalize(answers[counted], p=1, dim=1)))
    return sum(losses) / 2


SMALL = GPTConfig(d_model=D, n_heads=H, dropout=0.0)
IN_TORCH = {
    "linear": lambda p: F.linear(p["x"], p["weight"], p["bias"]),
    "embedding": lambda p: F.embedding(IDS, p["table"]),
    "positional embedding": lambda p: p["x"] + F.embedding(torch.arange(T), p["table"]),
    "positional embedding, left padding": lambda p: p["x"] + F.embedding(LEFT_PADDED, p["table"]),
    "softmax": lambda p: p["scores"].softmax(-1),
    "log-softmax": lambda p: p["scores"].log_softmax(-1),
    "cross-entropy, some ignored": lambda p: F.cross_entropy(p["logits"].flatten(0, 1), TARGETS.flatten()),
    "cross-entropy, label smoothing":
        lambda p: F.cross_entropy(p["logits"].flatten(0, 1), TARGETS.flatten(), label_smoothing=0.1),
    "binary cross-entropy": lambda p: F.binary_cross_entropy(p["probabilities"], LABELS),
    "binary cross-entropy, logits": lambda p: F.binary_cross_entropy_with_logits(p["logits"], LABELS),
    "sigmoid": lambda p: p["x"].sigmoid(),
    "logistic model": lambda p: (p["features"] @ p["theta"]).sigmoid(),
    "logistic regression to θ": lambda p: F.binary_cross_entropy((p["features"] @ p["theta"]).sigmoid(), LABELS),
    "mean squared error": lambda p: F.mse_loss(p["predictions"], AIM),
    "ReLU": lambda p: p["x"].relu(),
    "GELU, exact": lambda p: F.gelu(p["x"]),
    "GELU, tanh": lambda p: F.gelu(p["x"], approximate="tanh"),
    "layer norm": lambda p: F.layer_norm(p["x"], (K,), p["weight"], p["bias"], 0.1),
    "dropout, given mask": lambda p: p["x"] * KEPT / 0.7,
    "residual": lambda p: p["x"] + p["branch"],
    "attention, causal": torch_attention,
    "attention, banded": lambda p: torch_attention(p, band_width=2),
    "attention, padding": lambda p: torch_attention(p, key_is_real=one_more_key()),
    "multi-head attention": lambda p: torch_module(
        torch_model.SelfAttention(SMALL), p, torch_model.attention_mask(T, T, None, IS_REAL)),
    "feed-forward": lambda p: torch_module(torch_model.FeedForward(SMALL), p),
    "block, pre-norm": lambda p: torch_block(p, "pre"),
    "block, post-norm": lambda p: torch_block(p, "post"),
    "output head": lambda p: F.linear(p["hidden"], p["table"]),
    "tied embedding and head": lambda p: F.linear(F.embedding(IDS, p["table"]), p["table"]),
    "low-rank adapter": torch_adapter,
    "cross-attention": torch_cross_attention,
    "gated cross-attention": lambda p: p["x"] + p["gate"].tanh() * torch_cross_attention(p),
    "MLP projector": torch_projector,
    "pixel shuffle": lambda p: F.pixel_unshuffle(p["features"].unflatten(1, (4, 6)).movedim(-1, 1), 2).flatten(2).mT,
    "unit length": lambda p: F.normalize(p["x"], dim=-1),
    "contrastive loss, several partners": torch_contrastive,
}


def relative_error(ours, theirs):
    """Largest difference, as a share of the largest entry."""
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-3)


@pytest.mark.parametrize("operation", [name for name in CASES if not name.startswith("GPT")])
def test_outputs_and_gradients_equal_pytorchs(operation):
    case = CASES[operation]
    tensors = {name: torch.from_numpy(array).requires_grad_() for name, array in case.parameters.items()}
    output = IN_TORCH[operation](tensors)
    loss = 0.5 * ((output - torch.from_numpy(np.asarray(case.aim))) ** 2).sum()
    expected = torch.autograd.grad(loss, list(tensors.values()))

    assert relative_error(case.forward(case.parameters)[0], output.detach().numpy()) < 1e-13
    for (name, gradient), theirs in zip(case.gradients(case.parameters).items(), expected):
        assert relative_error(gradient, theirs.numpy()) < 1e-10, name


NOT_ANALYTIC = {"GELU, exact", "binary cross-entropy, logits"}  # math.erf and logaddexp take real numbers only


@pytest.mark.parametrize("operation", [name for name in CASES if not name.startswith(("GPT", "block"))])
def test_gradients_agree_with_the_complex_step_to_the_last_digits(operation):
    case = CASES[operation]
    report = check_gradient(case.loss, case.parameters, case.gradients(case.parameters), "complex", tolerance=1e-10)
    assert report.verdict == ("not analytic" if operation in NOT_ANALYTIC else "right"), str(report)


@pytest.mark.parametrize("operation", CASES)
def test_float32_stays_float32_and_gives_the_same_numbers(operation):
    case = CASES[operation]
    single = {name: array.astype(np.float32) for name, array in case.parameters.items()}
    output, cache = case.forward(single)
    upstream = np.asarray(output - case.aim, dtype=np.float32)[()]
    results = case.backward(upstream, *cache)
    for result in results if isinstance(results, tuple) else (results,):
        for array in result.values() if isinstance(result, dict) else [result]:
            # Frozen weights, labels and aims of these cases are float64, and rightly win
            assert array.dtype == np.float32 or operation in (
                "low-rank adapter", "binary cross-entropy", "binary cross-entropy, logits", "mean squared error",
                "logistic regression to θ")
    exact = case.gradients(case.parameters)
    largest = max(np.abs(gradient).max() for gradient in exact.values())  # a key bias has the gradient 0
    for name, gradient in case.gradients(single).items():
        assert np.abs(gradient - exact[name]).max() < 2e-5 * largest, name


@pytest.mark.parametrize("operation", CASES)
def test_neither_pass_changes_what_it_is_given(operation):
    case = CASES[operation]
    before = {name: array.copy() for name, array in case.parameters.items()}
    output, cache = case.forward(case.parameters)
    first = case.gradients(case.parameters)
    upstream = output - case.aim
    kept = np.array(upstream)
    case.backward(upstream, *cache)
    np.testing.assert_array_equal(upstream, kept)
    for name, array in case.parameters.items():
        np.testing.assert_array_equal(array, before[name])
    for name, gradient in case.gradients(case.parameters).items():  # a cache that was written to would show here
        np.testing.assert_array_equal(gradient, first[name])


# --- extreme values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logits_of_ten_thousand_give_exact_probabilities_and_losses(dtype):
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]], dtype=dtype)
    weights, cache = op.softmax_forward(logits)
    np.testing.assert_array_equal(weights, [[1, 0, 0], [0, 0, 1]])
    assert np.isfinite(op.softmax_backward(np.ones_like(logits), *cache)).all()
    np.testing.assert_array_equal(op.log_softmax_forward(logits)[0], [[0, -2e4, -1e4], [-2e4, -2e4, 0]])

    loss, cache = op.cross_entropy_forward(logits, np.array([1, 2]))
    assert loss == 1e4  # the first is wrong by 2e4 nats, the second right
    np.testing.assert_array_equal(op.cross_entropy_backward(1.0, *cache), [[0.5, -0.5, 0], [0, 0, 0]])


def test_smoothed_cross_entropy_is_finite_and_right_at_extreme_logits():
    logits = np.array([[1e4, -1e4]])
    loss, cache = op.cross_entropy_forward(logits, np.array([0]), label_smoothing=0.1)
    assert loss == pytest.approx(0.05 * 2e4)
    np.testing.assert_allclose(op.cross_entropy_backward(1.0, *cache), [[0.05, -0.05]])


def test_binary_cross_entropy_at_probabilities_zero_and_one():
    certain, labels = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    for i, expected in enumerate([0.0, 0.0, 100.0, 100.0]):
        assert op.binary_cross_entropy_forward(certain[i:i + 1], labels[i:i + 1])[0] == expected
    _, cache = op.binary_cross_entropy_forward(certain, labels)
    gradient = op.binary_cross_entropy_backward(1.0, *cache)
    # right answers: -1/ŷ = -1 and 1/(1-ŷ) = 1; wrong ones push as hard as the cut-off allows
    np.testing.assert_allclose(gradient * 4, [1, -1, -1e12, 1e12])


def test_binary_cross_entropy_from_logits_at_ten_thousand():
    logits, labels = np.array([1e4, -1e4, 1e4, -1e4]), np.array([1.0, 0.0, 0.0, 1.0])
    loss, cache = op.binary_cross_entropy_with_logits_forward(logits, labels)
    assert loss == 2e4 / 4
    np.testing.assert_array_equal(op.binary_cross_entropy_with_logits_backward(1.0, *cache) * 4, [0, 0, 1, -1])


def test_the_source_documents_gradient_is_features_times_error():
    case = CASES["logistic regression to θ"]
    features, theta = case.parameters["features"], case.parameters["theta"]
    predicted = 1 / (1 + np.exp(-features @ theta))
    loss, (model_cache, loss_cache) = case.forward(case.parameters)
    d_predicted = op.binary_cross_entropy_backward(1.0, *loss_cache)
    labels = LABELS.numpy()
    # -(1/N) Σ (y/ŷ - (1-y)/(1-ŷ)) ∂ŷ/∂θ_k, term by term as printed
    printed = [-np.mean((labels / predicted - (1 - labels) / (1 - predicted))
                        * predicted * (1 - predicted) * features[:, k]) for k in range(len(theta))]
    np.testing.assert_allclose(op.logistic_model_backward(d_predicted, *model_cache)[1], printed, rtol=1e-12)
    np.testing.assert_allclose(printed, features.T @ (predicted - labels) / len(labels), rtol=1e-12)
    assert loss == pytest.approx(-np.mean(labels * np.log(predicted) + (1 - labels) * np.log(1 - predicted)))


def test_sigmoid_and_both_gelus_are_right_far_out():
    x = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])
    np.testing.assert_allclose(op.sigmoid_forward(x)[0], [0, math.exp(-40), 0.5, 1, 1], rtol=1e-12)
    for forward, backward in ((op.gelu_exact_forward, op.gelu_exact_backward),
                              (op.gelu_tanh_forward, op.gelu_tanh_backward)):
        output, cache = forward(x)
        np.testing.assert_allclose(output, [0, 0, 0, 40, 1e4], atol=1e-300)
        np.testing.assert_allclose(backward(np.ones(5), *cache), [0, 0, 0.5, 1, 1], atol=1e-300)


def test_layer_norm_of_a_constant_token_is_its_bias():
    x, weight, bias = np.full((1, 4), 1e4), np.ones(4), np.arange(4.0)
    output, cache = op.layer_norm_forward(x, weight, bias)
    np.testing.assert_array_equal(output[0], bias)
    assert np.isfinite(op.layer_norm_backward(np.arange(4.0)[None], *cache)[0]).all()


def test_attention_survives_scores_of_ten_thousand():
    query, key = np.full((1, 2, 4), 1e4), np.ones((1, 2, 4))
    key[0, 1] = -1
    value = np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]])
    output, cache = op.attention_forward(query, key, value, np.ones((1, 2, 2), bool))
    np.testing.assert_array_equal(output[0, 0], value[0, 0])
    assert all(np.isfinite(gradient).all() for gradient in op.attention_backward(np.ones_like(output), *cache))


# --- what the parts are for -----------------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=60)
@given(n_keys=st.integers(1, 7), fewer=st.integers(0, 6), band=st.none() | st.integers(1, 8),
       padding=st.none() | st.lists(st.booleans(), min_size=14, max_size=14))
def test_masks_equal_the_torch_models(n_keys, fewer, band, padding):
    n_queries = max(1, n_keys - fewer)
    is_real = None if padding is None else np.array(padding).reshape(2, 7)[:, :n_keys]
    ours = op.attention_mask(n_queries, n_keys, band, is_real)
    theirs = torch_model.attention_mask(n_queries, n_keys, band, None if is_real is None else torch.tensor(is_real))
    np.testing.assert_array_equal(ours, theirs.numpy())


def test_masked_keys_and_values_have_no_gradient():
    case = CASES["attention, banded"]
    gradients = case.gradients(case.parameters)
    # 5 queries stand at positions 1 to 5; with a band of 2, position 0 is seen only by the first of them
    assert np.any(gradients["key"][:, :, 0])
    _, cache = op.attention_forward(*case.parameters.values(), op.attention_mask(T, S))
    d_output = np.zeros((2, 3, T, K))
    d_output[:, :, 0] = 1.0  # only the first query matters: it stands at position 1
    for gradient in op.attention_backward(d_output, *cache)[1:]:
        assert not gradient[:, :, 2:].any()


def test_repeated_ids_add_up_in_the_table():
    d_table = op.embedding_backward(np.array([[1.0], [10.0], [100.0]]), np.array([1, 1, 0]), np.zeros((3, 1)))
    np.testing.assert_array_equal(d_table, [[100], [11], [0]])


def test_splitting_and_merging_heads_undo_each_other():
    x = np.arange(2 * 5 * 12.0).reshape(2, 5, 12)
    heads = op.split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 4)
    np.testing.assert_array_equal(heads[1, 2, 3], x[1, 3, 8:12])
    np.testing.assert_array_equal(op.merge_heads(heads), x)


def test_an_adapter_can_be_merged_into_the_weight_and_starts_as_nothing():
    p = check_table._normal(1, x=(2, 5, 4), weight=(3, 4), bias=(3,), down=(8, 4), up=(3, 8))
    output, _ = op.low_rank_adapter_forward(*p.values(), alpha=16)
    merged = p["weight"] + 16 / 8 * p["up"] @ p["down"]
    np.testing.assert_allclose(output, op.linear_forward(p["x"], merged, p["bias"])[0], rtol=1e-12)
    p["up"] = np.zeros((3, 8))
    output, cache = op.low_rank_adapter_forward(*p.values(), alpha=16)
    np.testing.assert_array_equal(output, op.linear_forward(p["x"], p["weight"], p["bias"])[0])
    _, d_down, d_up = op.low_rank_adapter_backward(np.ones_like(output), *cache)
    assert not d_down.any() and d_up.any()


def test_dropout_keeps_the_expectation():
    kept = np.random.default_rng(0).random((1000, 100)) < 0.8
    output, _ = op.dropout_forward(np.ones((1000, 100)), kept, 0.2)
    assert output.mean() == pytest.approx(1, abs=0.01)
    assert set(np.unique(output)) == {0.0, 1.25}


def test_relu_takes_zero_at_its_kink():
    np.testing.assert_array_equal(op.relu_backward(np.ones(3), np.array([-1.0, 0.0, 1.0])), [0, 0, 1])


# --- two sequences --------------------------------------------------------------------------------------------


def test_a_query_that_sees_nothing_gets_exactly_nothing_and_sends_nothing_back():
    case = CASES["cross-attention"]
    output, cache = case.forward(case.parameters)
    blind = ~check_table._SEES.any(axis=-1)[:, 0]  # (B, T)
    assert blind.sum() == 3 and not output[blind].any() and output[~blind].all()
    d_output = np.where(blind[..., None], 1.0, 0.0) * np.ones_like(output)
    d_x, d_media, gradients = op.cross_attention_backward(d_output, *cache)
    assert not any(gradient.any() for gradient in (d_x, d_media, *gradients.values()))


def test_with_every_row_blind_there_is_no_nan_and_no_gradient():
    p = CASES["cross-attention"].parameters
    output, cache = op.cross_attention_forward(p["x"], p["media"], p, H, np.zeros((2, 1, T, S), bool))
    assert not output.any()
    d_x, d_media, gradients = op.cross_attention_backward(np.ones_like(output), *cache)
    assert not any(gradient.any() for gradient in (d_x, d_media, *gradients.values()))


def test_cross_attention_of_a_sequence_with_itself_is_self_attention():
    case = CASES["multi-head attention"]
    p, mask = case.parameters, op.attention_mask(T, T, key_is_real=IS_REAL.numpy())
    crossed, cache = op.cross_attention_forward(p["x"], p["x"], p, H, mask)
    alone, own_cache = case.forward(p)
    np.testing.assert_allclose(crossed, alone, rtol=1e-12)
    d_x, d_media, gradients = op.cross_attention_backward(np.cos(alone), *cache)
    d_alone, own_gradients = op.multi_head_attention_backward(np.cos(alone), *own_cache)
    np.testing.assert_allclose(d_x + d_media, d_alone, rtol=1e-10)
    for name in own_gradients:
        np.testing.assert_allclose(gradients[name], own_gradients[name], rtol=1e-10, atol=1e-12)


def test_a_closed_gate_changes_nothing_and_is_the_only_one_to_learn():
    p = {**CASES["gated cross-attention"].parameters, "gate": np.zeros(())}
    output, cache = op.gated_cross_attention_forward(p["x"], p["media"], p["gate"], p, H, check_table._SEES)
    np.testing.assert_array_equal(output, p["x"])
    upstream = np.cos(output)
    d_x, d_media, d_gate, gradients = op.gated_cross_attention_backward(upstream, *cache)
    np.testing.assert_array_equal(d_x, upstream)
    assert d_gate != 0 and not any(gradient.any() for gradient in (d_media, *gradients.values()))


def test_pixel_shuffle_of_a_small_grid_worked_out_on_paper():
    features = np.arange(8.0).reshape(1, 8, 1)  # rows 0 1 2 3 and 4 5 6 7
    output, cache = op.pixel_shuffle_forward(features, 2, 4, 2)
    np.testing.assert_array_equal(output[0], [[0, 1, 4, 5], [2, 3, 6, 7]])
    np.testing.assert_array_equal(op.pixel_shuffle_backward(output, *cache), features)


def test_equal_similarities_cost_the_logarithm_of_how_many_there_are():
    same, scale = np.ones((6, 4)), np.array(1.3)
    loss, cache = op.contrastive_forward(same, same, scale, np.eye(6, dtype=bool))
    assert loss == pytest.approx(math.log(6))
    loss, _ = op.contrastive_forward(same, same[:3], scale, np.ones((6, 3), bool))
    assert loss == pytest.approx((math.log(6) + math.log(3)) / 2)
    assert op.contrastive_backward(1.0, *cache)[2] == pytest.approx(0)  # a scale cannot tell equals apart


def test_two_pairs_worked_out_on_paper():
    a, b = np.array([[3.0, 0.0], [0.0, 0.5]]), np.array([[2.0, 0.0], [0.0, 7.0]])  # lengths do not count
    loss, cache = op.contrastive_forward(a, b, np.log(np.array(2.0)), np.eye(2, dtype=bool))
    assert loss == pytest.approx(math.log(1 + math.exp(-2)))  # scores 2 and 0
    wrong = 1 / (1 + math.exp(2))
    assert op.contrastive_backward(1.0, *cache)[2] == pytest.approx(-2 * wrong)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(n=st.integers(1, 5), m=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_the_contrastive_loss_is_symmetric_and_blind_to_length_and_order(n, m, seed):
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((n, 4)), generator.standard_normal((m, 4))
    positive, scale = generator.random((n, m)) < 0.5, np.array(1.0)
    positive[0, 0] = True
    loss = op.contrastive_forward(a, b, scale, positive)[0]
    order = generator.permutation(n)
    np.testing.assert_allclose(op.contrastive_forward(b, a, scale, positive.T)[0], loss, rtol=1e-12)
    np.testing.assert_allclose(op.contrastive_forward(a[order], b, scale, positive[order])[0], loss, rtol=1e-12)
    lengths = generator.random((n, 1)) + 0.5
    longer, cache = op.contrastive_forward(lengths * a, b, scale, positive)
    np.testing.assert_allclose(longer, loss, rtol=1e-12)
    d_a = op.contrastive_backward(1.0, *cache)[0]
    np.testing.assert_allclose((d_a * a).sum(axis=-1), 0, atol=1e-12)  # so no gradient points along the vector


def test_the_contrastive_loss_survives_a_scale_of_ten_thousand():
    p = CASES["contrastive loss, several partners"].parameters
    loss, cache = op.contrastive_forward(p["a"], p["b"], np.log(np.array(1e4)), np.ones((5, 7), bool))
    assert np.isfinite(loss) and all(np.isfinite(gradient).all() for gradient in op.contrastive_backward(1.0, *cache))


# --- bad input ------------------------------------------------------------------------------------------------

x23 = np.ones((2, 3))


def crossed(**changes):
    weights = {f"{part}.{kind}": np.ones(3) if kind == "bias" else np.ones((3, 5 if part in ("key", "value") else 3))
               for part in op.ATTENTION_PARTS for kind in ("weight", "bias")}
    arguments = {"x": np.ones((2, 3, 3)), "media": np.ones((2, 4, 5)), "parameters": weights, "n_heads": 1,
                 "mask": np.ones((2, 1, 3, 4), bool)}
    return op.cross_attention_forward(**arguments | changes)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: op.linear_forward(x23, np.ones((4, 2)), None), r"weight must have shape \(any, 3\), got \(4, 2\)"),
    (lambda: op.linear_forward(x23, np.ones((4, 3)), np.ones(3)), r"bias must have shape \(4\), got \(3,\)"),
    (lambda: op.linear_forward(np.ones((2, 3), int), np.ones((4, 3)), None), "x must hold floats, got int64"),
    (lambda: op.linear_forward([[1.0]], np.ones((4, 1)), None), "x must be a NumPy array of floats, got list"),
    (lambda: op.linear_backward(np.ones((2, 5)), x23, np.ones((4, 3))), r"d_output must have shape \(2, 4\)"),
    (lambda: op.embedding_forward(np.array([1.0]), np.ones((2, 3))), "ids must be a NumPy array of integers"),
    (lambda: op.embedding_forward(np.array([2]), np.ones((2, 3))), "ids must be from 0 to 1, got 2"),
    (lambda: op.embedding_forward(np.array([-1]), np.ones((2, 3))), "ids must be from 0 to 1, got -1"),
    (lambda: op.positional_embedding_forward(np.ones((2, 3, 4)), np.arange(2), np.ones((5, 4))), "positions"),
    (lambda: op.cross_entropy_forward(x23, np.array([0, 3])), "targets must be from 0 to 2, got 3"),
    (lambda: op.cross_entropy_forward(x23, np.array([-100, -100])), "all 2 are ignore_index=-100"),
    (lambda: op.cross_entropy_forward(x23, np.array([0, 1]), label_smoothing=1.5), "label_smoothing .* got 1.5"),
    (lambda: op.cross_entropy_forward(x23, np.array([0])), r"targets must have shape \(2\)"),
    (lambda: op.binary_cross_entropy_forward(np.array([1.5]), np.array([1.0])), "probabilities .* got 1.5"),
    (lambda: op.binary_cross_entropy_forward(np.array([math.nan]), np.array([1.0])), "probabilities .* got nan"),
    (lambda: op.binary_cross_entropy_forward(np.array([0.5]), np.array([1])), "labels must hold floats, got int64"),
    (lambda: op.binary_cross_entropy_with_logits_forward(np.array([9.0]), np.array([-1.0])), "labels .* got -1.0"),
    (lambda: op.mean_squared_error_forward(x23, np.ones((3, 2))), r"targets must have shape \(2, 3\)"),
    (lambda: op.layer_norm_forward(x23, np.ones(2), np.ones(3)), r"weight must have shape \(3\)"),
    (lambda: op.dropout_forward(x23, np.ones((2, 3)), 0.1), "kept must be a NumPy array of booleans, got float64"),
    (lambda: op.dropout_forward(x23, np.ones((2, 3), bool), 1.0), "probability must be at least 0 and below 1"),
    (lambda: op.residual_forward(x23, np.ones((3, 2))), r"branch must have shape \(2, 3\)"),
    (lambda: op.attention_mask(3, 2), "n_queries=3 must be at least 1 and at most n_keys=2"),
    (lambda: op.attention_mask(2, 3, band_width=0), "band_width=0 must be at least 1"),
    (lambda: op.attention_forward(x23, x23, x23, np.array([[True, False], [False, False]])), "1 queries have none"),
    (lambda: op.attention_forward(x23, x23, x23, np.ones((5, 2), bool)), r"mask must broadcast to \(2, 2\)"),
    (lambda: op.attention_forward(x23, x23, x23, np.ones((2, 2))), "mask must be a NumPy array of booleans"),
    (lambda: op.attention_forward(x23, np.ones((2, 4)), x23, np.ones((2, 2), bool)), r"key must have shape \(any, 3\)"),
    (lambda: op.multi_head_attention_forward(np.ones((1, 2, 4)), {}, 2, np.ones((2, 2), bool)), "'query.weight'"),
    (lambda: op.feed_forward_forward(x23, {"up.weight": np.ones((5, 3))}), "'up.bias', got up.weight"),
    (lambda: op.split_heads(np.ones((1, 2, 4)), 3), "n_heads=3 must divide the width 4"),
    (lambda: op.low_rank_adapter_forward(x23, np.ones((4, 3)), None, np.ones((2, 3)), np.ones((4, 3)), 1.0),
     r"up must have shape \(4, 2\)"),
    (lambda: crossed(x=np.ones((2, 3))), r"x must have shape \(any, any, any\), got \(2, 3\)"),
    (lambda: crossed(media=np.ones((3, 4, 5))), r"media must have shape \(2, any, any\), got \(3, 4, 5\)"),
    (lambda: crossed(mask=np.ones((2, 1, 3, 5), bool)), r"mask must have shape \(2, 1, 3, 4\), got \(2, 1, 3, 5\)"),
    (lambda: crossed(mask=np.ones((2, 1, 3, 4))), "mask must be a NumPy array of booleans"),
    (lambda: crossed(parameters={}), "parameters must hold 'query.weight'"),
    (lambda: op.gated_cross_attention_forward(x23, x23, np.zeros(2), {}, 1, None), r"gate must have shape \(\), got"),
    (lambda: op.gated_cross_attention_forward(x23, x23, 0.0, {}, 1, None), "gate must be a NumPy array of floats"),
    (lambda: op.pixel_shuffle_forward(np.ones((2, 12, 3)), 4, 3, 2), "side=2 must be a positive divisor of height=4"),
    (lambda: op.pixel_shuffle_forward(np.ones((2, 12, 3)), 4, 4, 2), r"features must have shape \(any, 16, any\)"),
    (lambda: op.unit_length_forward(np.array([[1.0, 0.0], [0.0, 0.0]])), "no vector of length 0, got 1"),
    (lambda: op.contrastive_forward(x23, np.ones((4, 2)), np.array(0.0), None), r"b must have shape \(any, 3\)"),
    (lambda: op.contrastive_forward(x23, x23, np.array(0.0), np.ones((2, 3), bool)), r"positive must have shape \(2"),
    (lambda: op.contrastive_forward(x23, x23, np.array(0.0), np.eye(2)), "positive must be a NumPy array of booleans"),
    (lambda: op.contrastive_forward(x23, x23, np.array(0.0), np.zeros((2, 2), bool)), "all 4 entries are False"),
    (lambda: op.contrastive_forward(x23, x23, np.zeros(1), np.eye(2, dtype=bool)), r"log_scale must have shape \(\)"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_by_hand_imports_torch():
    program = ("import sys; from minigpt.by_hand import check_table, gpt, gradient_check, operations, optimizers; "
               "rows = check_table.run_checks(check_table.cases()[:3]); assert all(row.passed for row in rows); "
               "sys.exit('torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
