"""The gradient check itself: right, wrong, and what only looks wrong."""

import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minigpt.by_hand.check_table import Case, cases, check, format_table, run_checks
from minigpt.by_hand.gradient_check import check_gradient, diagnose, numeric_gradient, taylor_slope
from minigpt.by_hand.operations import relu_backward, relu_forward

X = np.random.default_rng(0).standard_normal((2, 3))
WEIGHT = np.random.default_rng(1).standard_normal((2, 3))


def cubic(x):
    return (WEIGHT * x**3).sum()


CUBIC_GRADIENT = 3 * WEIGHT * X**2
METHODS = ["central", "complex", "taylor"]


@pytest.fixture(scope="module")
def table():
    return run_checks()


@pytest.mark.parametrize("number", range(len(cases())))
def test_every_operation_passes_the_bars(table, number):
    row = table[number]
    assert row.passed and row.worst_error < 1e-7 and abs(row.slope - 2) <= 0.02, row


def test_the_table_measures_every_entry_and_says_so(table):
    text = format_table(table)
    print(text)
    assert f"{len(table)} of {len(table)} operations right" in text
    assert [row.entries for row in table] == [sum(a.size for a in case.parameters.values()) for case in cases()]
    plain = json.loads(json.dumps([row.to_dict() for row in table]))
    assert plain[0]["operation"] == "linear" and plain[0]["passed"] is True


def test_the_table_fails_when_one_backward_is_wrong():
    case = next(case for case in cases() if case.operation == "GELU, tanh")
    wrong = Case(case.operation, case.parameters, case.forward, lambda *a: 1.001 * case.backward(*a))
    row = check(wrong)
    assert row.verdict == "wrong" and not row.passed and "0 of 1" in format_table([row])


def test_a_table_row_without_numbers_is_still_valid_json():
    kinks = Case("all kinks", {"x": np.zeros(2)}, lambda p: relu_forward(p["x"]), relu_backward)
    row = check(kinks)
    assert row.verdict == "kink" and not row.passed
    assert json.loads(json.dumps(row.to_dict(), allow_nan=False))["worst_error"] is None
    assert "nan" in format_table([row])


@pytest.mark.parametrize("method", METHODS)
def test_a_right_gradient_is_right(method):
    report = check_gradient(cubic, X, CUBIC_GRADIENT, method)
    assert report.passed and report.verdict == "right"
    if method == "taylor":
        assert report.slope == pytest.approx(2, abs=0.02)
    else:
        assert report.worst_error < {"central": 1e-9, "complex": 1e-14}[method]


@pytest.mark.parametrize(("method", "size"), [("central", 1e-3), ("central", 1e-5), ("complex", 1e-3),
                                              ("complex", 1e-12), ("taylor", 1e-3), ("taylor", 1e-4)])
def test_a_thousandth_in_one_entry_is_found_and_located(method, size):
    wrong = CUBIC_GRADIENT.copy()
    wrong[1, 2] *= 1 + size
    report = check_gradient(cubic, X, wrong, method, tolerance=1e-13 if method == "complex" else 1e-6)
    assert report.verdict == "wrong" and not report.passed
    if method != "taylor":
        assert report.rows[0].where == (1, 2)
        assert report.rows[0].worst_error == pytest.approx(size, rel=0.01)
    else:
        assert report.slope < 1.5


def test_the_slope_tells_right_from_wrong_over_all_parameters():
    def loss(p):
        return (np.sin(p["a"]) ** 2).sum() * p["b"]

    parameters = {"a": X, "b": np.array(1.5)}
    gradients = {"a": 2 * np.sin(X) * np.cos(X) * 1.5, "b": np.array((np.sin(X) ** 2).sum())}
    assert taylor_slope(loss, parameters, gradients) == pytest.approx(2, abs=0.02)
    assert taylor_slope(loss, parameters, {**gradients, "b": gradients["b"] * 1.001}) == pytest.approx(1, abs=0.1)


def test_a_loss_without_curvature_leaves_no_remainder():
    assert taylor_slope(lambda x: (WEIGHT * x).sum(), X, WEIGHT) == math.inf
    assert check_gradient(lambda x: (WEIGHT * x).sum(), X, WEIGHT, "taylor").passed
    assert taylor_slope(lambda x: (WEIGHT * x).sum(), X, WEIGHT * 1.001) == pytest.approx(1, abs=0.02)


def test_a_gradient_that_is_exactly_zero_is_right():
    report = check_gradient(lambda p: (p["a"] ** 2).sum() + 0 * p["b"].sum(), {"a": X, "b": X},
                            {"a": 2 * X, "b": 1e-17 * X})
    assert report.verdict == "right"


def test_a_sample_checks_that_many_entries_and_is_repeatable():
    reports = [check_gradient(cubic, X, CUBIC_GRADIENT, sample=4, seed=7) for _ in range(2)]
    assert reports[0].rows[0].n_checked == 4
    measured = ~np.isnan(reports[0].numeric["x"])
    assert measured.sum() == 4
    np.testing.assert_array_equal(measured, ~np.isnan(reports[1].numeric["x"]))
    other = check_gradient(cubic, X, CUBIC_GRADIENT, sample=4, seed=8)
    assert (measured != ~np.isnan(other.numeric["x"])).any()


# --- what only looks wrong ------------------------------------------------------------------------------------


def relu_loss(x):
    return (WEIGHT * np.maximum(x, 0)).sum() + (x**2).sum()


AT_KINKS = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]])


@pytest.mark.parametrize("choice", [0.0, 0.3, 1.0])
def test_a_kink_is_reported_as_a_kink_whatever_value_is_taken_there(choice):
    slope = np.where(AT_KINKS == 0, choice, AT_KINKS > 0)
    report = check_gradient(relu_loss, AT_KINKS, WEIGHT * slope + 2 * AT_KINKS)
    assert report.verdict == "kink" and report.passed
    assert (report.rows[0].n_kinks, report.rows[0].n_checked) == (2, 4)
    assert "kink" in report.note


def test_a_wrong_gradient_beside_a_kink_or_outside_its_range_is_still_wrong():
    right = WEIGHT * (AT_KINKS > 0) + 2 * AT_KINKS
    beside, outside = right.copy(), right.copy()
    beside[1, 2] *= 1.001
    outside[0, 1] = 1.2 * WEIGHT[0, 1]
    assert check_gradient(relu_loss, AT_KINKS, beside).verdict == "wrong"
    assert check_gradient(relu_loss, AT_KINKS, outside).verdict == "wrong"


def test_a_kink_near_by_does_not_disturb():
    near = np.where(AT_KINKS == 0, 1e-4, AT_KINKS)  # within the step
    report = check_gradient(relu_loss, near, WEIGHT * (near > 0) + 2 * near)
    assert report.verdict == "right", str(report)


def test_the_taylor_test_sees_a_kink():
    right = WEIGHT * (AT_KINKS > 0) + 2 * AT_KINKS
    assert check_gradient(relu_loss, AT_KINKS, right, "taylor").verdict == "kink"


def test_strong_curvature_is_not_called_wrong():
    def steep(x):
        return np.sin(200 * x).sum()

    assert check_gradient(steep, X, 200 * np.cos(200 * X)).verdict == "right"
    assert check_gradient(steep, X, 200.2 * np.cos(200 * X)).verdict == "wrong"


def test_a_jump_of_the_curvature_is_not_called_wrong():
    def squared_relu(x):
        return (WEIGHT * np.maximum(x, 0) ** 2).sum() + x.sum()

    right = 2 * WEIGHT * np.maximum(AT_KINKS, 0) + 1
    assert check_gradient(squared_relu, AT_KINKS, right).verdict == "right"
    for wrong in (right * 1.001, right + 1e-5 * (AT_KINKS == 0)):
        assert check_gradient(squared_relu, AT_KINKS, wrong).verdict == "wrong"


def test_float32_is_called_noise_when_it_hides_too_much():
    def offset(x):  # a large constant eats the digits
        return np.float32(1000) + (np.float32(0.01) * x.astype(np.float32) ** 2).sum(dtype=np.float32)

    single = X.astype(np.float32)
    report = check_gradient(offset, single, np.float32(0.02) * single)
    assert report.verdict == "noise" and not report.passed
    assert "float64" in report.note
    assert check_gradient(offset, single, np.float32(0.02) * single, "taylor").verdict == "noise"
    assert check_gradient(offset, single, single).verdict == "wrong"  # but this cannot be hidden


def test_right_gradients_in_float32_are_never_called_wrong():
    for case in cases():
        if case.operation.startswith(("GPT", "block", "multi")):
            continue
        single = {name: array.astype(np.float32) for name, array in case.parameters.items()}

        def loss(parameters, case=case):
            output, _ = case.forward(parameters)
            return np.float32(0.5) * ((output - case.aim.astype(np.float32)) ** 2).sum(dtype=np.float32)

        exact = {name: array.astype(np.float64) for name, array in single.items()}
        report = check_gradient(loss, single, case.gradients(exact))
        assert report.verdict != "wrong", f"{case.operation}\n{report}"


def test_a_random_loss_is_called_random():
    generator = np.random.default_rng(0)

    def loss(x):
        return (x**2 * (generator.random(x.shape) < 0.5)).sum()

    for method in METHODS:
        report = check_gradient(loss, X, 2 * X, method)
        assert report.verdict == "random" and not report.passed
    assert "dropout" in str(report)


def test_the_complex_step_refuses_what_is_not_analytic():
    def loses_the_imaginary_part(x):
        return (np.abs(x) ** 3).sum()

    right = 3 * X * np.abs(X)
    assert check_gradient(loses_the_imaginary_part, X, right).verdict == "right"
    report = check_gradient(loses_the_imaginary_part, X, right, "complex")
    assert report.verdict == "not analytic" and not report.passed
    refuses = check_gradient(lambda x: np.logaddexp(0, x).sum(), X, 1 / (1 + np.exp(-X)), "complex")
    assert refuses.verdict == "not analytic"


def test_a_loss_that_ignores_its_argument_is_noticed():
    report = check_gradient(lambda x: (X**2).sum(), X, 2 * X)
    assert report.verdict == "wrong" and "does it use its argument?" in report.note


# --- PyTorch --------------------------------------------------------------------------------------------------


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()


INPUT = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(2, 4)


def network_loss(network):
    return network(INPUT).square().sum()


@pytest.mark.parametrize("method", ["central", "taylor"])
def test_a_torch_module_is_checked_against_autograd(method):
    network = small_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    report = check_gradient(network_loss, network, method=method)
    assert report.verdict == "right"
    assert [row.name for row in report.rows] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_wrong_torch_backward_is_found():
    class Halved(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, d_output):
            return d_output * 0.5

    network = small_network()
    report = check_gradient(lambda n: Halved.apply(n[0](INPUT)).square().sum() + n[2].bias.sum() + n[2].weight.sum(),
                            network)
    assert [row.verdict for row in report.rows] == ["wrong", "wrong", "right", "right"]


def test_a_detached_branch_has_the_gradient_zero():
    network = small_network()
    report = check_gradient(lambda n: n[2](n[1](n[0](INPUT)).detach()).square().sum()
                            + 0 * sum(p.sum() for p in n.parameters()), network)
    assert report.verdict == "wrong"
    findings = diagnose(report.analytic, report.numeric)
    assert [(f.parameter, f.cause) for f in findings] == [("0.weight", "zero"), ("0.bias", "zero")]


def test_an_unused_torch_parameter_has_the_gradient_zero():
    report = check_gradient(lambda n: n[0](INPUT).square().sum(), small_network())
    assert report.verdict == "right"
    assert not report.analytic["2.weight"].any()


def test_dropout_left_on_is_called_random_and_a_dictionary_of_tensors_works():
    network = nn.Sequential(small_network(), nn.Dropout(0.5))
    assert check_gradient(network_loss, network).verdict == "random"
    assert check_gradient(network_loss, network.eval()).verdict == "right"
    tensors = {"logits": torch.randn(3, 4, dtype=torch.float64, requires_grad=True)}
    loss = lambda p: F.cross_entropy(p["logits"], torch.tensor([0, 1, 2]))  # noqa: E731
    assert check_gradient(loss, tensors).verdict == "right"


def test_a_float32_module_is_not_called_wrong():
    network = small_network().float()
    report = check_gradient(lambda n: n(INPUT.float()).square().sum(), network)
    assert report.verdict in ("right", "noise"), str(report)


# --- reports --------------------------------------------------------------------------------------------------


def test_the_report_is_a_table_with_the_worst_entry():
    wrong = CUBIC_GRADIENT.copy()
    wrong[1, 0] += 1
    report = check_gradient(cubic, X, wrong)
    text = str(report)
    assert text.startswith("gradient check (central): wrong\nThe gradient is wrong.\n")
    assert re.search(r"x +2×3 +6 +\S+ +\[1, 0\] .* wrong", text)
    page = report._repr_html_()
    assert page.count("<tr>") == 2 and "<td>[1, 0]</td>" in page and "<b>wrong</b>" in page
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["passed"] is False and plain["rows"][0]["at"] == "[1, 0]"


def test_names_are_escaped_in_the_notebook_table():
    report = check_gradient(lambda p: (p["<b>"] ** 2).sum(), {"<b>": X}, {"<b>": 2 * X})
    assert "<td>&lt;b&gt;</td>" in report._repr_html_()


# --- bad input ------------------------------------------------------------------------------------------------


def square(x):
    return (x**2).sum()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: check_gradient(square, X, 2 * X.T), r"'x' must have its parameter's shape \(2, 3\), got \(3, 2\)"),
    (lambda: check_gradient(square, X.astype(int), X), "parameter 'x' must hold floats, got int64"),
    (lambda: check_gradient(square, X, X.astype(int)), "gradient 'x' must hold floats, got int64"),
    (lambda: check_gradient(square, {}, {}), "parameters must hold at least one array, got none"),
    (lambda: check_gradient(square, nn.ReLU()), "parameters must hold at least one array, got none"),
    (lambda: check_gradient(lambda x: x**2, X, X), r"loss must be a scalar, got shape \(2, 3\)"),
    (lambda: check_gradient(lambda x: x.sum(keepdims=True), X, X), r"loss must be a scalar, got shape \(1, 1\)"),
    (lambda: check_gradient(lambda x: 3, X, X), "loss must be a float, got int64"),
    (lambda: check_gradient(lambda x: math.nan, X, X), "loss must be finite, got nan"),
    (lambda: check_gradient(square, X, np.where(X > 0.5, math.nan, X)), r"gradient 'x' must be finite, got nan at"),
    (lambda: check_gradient(square, np.array([math.inf]), np.ones(1)), "parameter 'x' must be finite, got inf"),
    (lambda: check_gradient(lambda p: square(p["a"]), {"a": X}, {"b": X}), "same names, unmatched: a, b"),
    (lambda: check_gradient(square, X, X, "exact"), "method must be one of .* got 'exact'"),
    (lambda: check_gradient(square, X, X, sample=0), "sample must be at least 1 or None, got 0"),
    (lambda: check_gradient(square, X, X, tolerance=0), "tolerance must be positive and finite, got 0"),
    (lambda: check_gradient(square, X, X, step=-1.0), "step must be positive and finite, got -1.0"),
    (lambda: check_gradient(square, X), "gradients must be given for NumPy parameters, got None"),
    (lambda: check_gradient(square, [1.0], X), "parameters must be an array, .* got list"),
    (lambda: check_gradient(network_loss, small_network(), method="complex"), "'complex' needs NumPy parameters"),
    (lambda: check_gradient(lambda n: n(INPUT.bfloat16()).sum(), small_network().bfloat16()), "got torch.bfloat16"),
    (lambda: diagnose({"a": X}, {"b": X}), "same names, unmatched: a, b"),
    (lambda: diagnose({}, {}), "numeric must hold at least one gradient, got none"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numeric_gradient_measures_all_entries():
    np.testing.assert_allclose(numeric_gradient(cubic, X)["x"], CUBIC_GRADIENT, rtol=1e-9)
