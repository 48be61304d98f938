"""The check rejects every planted mistake, `diagnose` names the cause or says that it cannot, and right code passes."""

import functools

import numpy as np
import pytest
from wrong_backwards import BANK, CASES, RIGHT, hints

from minigpt.by_hand.gradient_check import check_gradient, diagnose, numeric_gradient

LARGE = ("GPT", "block", "multi", "feed")


@functools.cache
def measured(operation):
    """The numeric gradient of a case, and what is known about it."""
    case = CASES[operation]
    if operation.startswith(LARGE):  # a quarter of the time
        report = check_gradient(case.loss, case.parameters, case.gradients, "complex", tolerance=1e-8)
        assert report.passed
        return report.numeric, hints(operation)
    return numeric_gradient(case.loss, case.parameters), hints(operation)


def rejected(case, gradients):
    """Whether the check refuses these gradients, by its verdict or because of a shape."""
    method = "complex" if case.operation.startswith(LARGE) else "central"
    try:
        return not check_gradient(case.loss, case.parameters, gradients, method).passed
    except ValueError as error:
        assert "shape" in str(error)
        return True


@functools.cache
def outcome(number):
    """What check and diagnose make of one mistake: rejected, {parameter: cause} named, {parameter: finding}."""
    mistake = BANK[number]
    case = CASES[mistake.operation]
    gradients = case.gradients(case.parameters, mistake.backward)
    numeric, known = measured(mistake.operation)
    findings = {finding.parameter: finding for finding in diagnose(gradients, numeric, **known)}
    return rejected(case, gradients), {name: finding.cause for name, finding in findings.items()}, findings


IDS = [f"{mistake.operation}: {mistake.what}" for mistake in BANK]


@pytest.mark.parametrize("number", range(len(BANK)), ids=IDS)
def test_a_planted_mistake_is_rejected(number):
    was_rejected, causes, _ = outcome(number)
    assert was_rejected
    assert causes, "diagnose found nothing wrong"


def test_the_figures_of_the_bank():
    listed = named_rightly = named_wrongly = 0
    for number, mistake in enumerate(BANK):
        _, causes, findings = outcome(number)
        right = all(causes.get(name) == cause for name, cause in mistake.causes.items())
        # Any name given to a parameter must be the planted one; "can't tell" is never a wrong name
        wrong_names = [str(findings[name]) for name, cause in causes.items()
                       if cause not in ("can't tell", mistake.causes.get(name))]
        listed += bool(mistake.causes)
        named_rightly += bool(mistake.causes) and right
        named_wrongly += bool(wrong_names)
        if wrong_names or not right:
            print(f"{mistake.operation}: {mistake.what}: wanted {mistake.causes}, got {causes} {wrong_names[:2]}")
    n_rejected = sum(outcome(number)[0] for number in range(len(BANK)))
    print(f"{n_rejected} of {len(BANK)} planted mistakes rejected; cause named rightly for {named_rightly} of {listed} "
          f"that diagnose knows; wrong names for {named_wrongly} of {len(BANK)}")
    assert len(BANK) >= 60 and n_rejected == len(BANK)
    assert named_rightly == listed
    assert named_wrongly == 0


def test_every_operation_has_a_mistake_and_every_cause_occurs():
    missing = set(CASES) - {mistake.operation for mistake in BANK}
    assert missing <= {"logistic model"}  # inside "logistic regression to θ"
    planted = {cause for mistake in BANK for cause in mistake.causes.values()}
    assert planted == {"zero", "constant factor", "transposed", "missing sum", "missing term", "ignored positions",
                       "repeated ids", "one head", "one row", "swapped", "softmax Jacobian"}


@pytest.mark.parametrize(("operation", "how", "backward"), RIGHT, ids=[f"{o}: {how}" for o, how, _ in RIGHT])
def test_a_right_backward_written_differently_passes(operation, how, backward):
    case = CASES[operation]
    gradients = case.gradients(case.parameters, backward)
    assert not rejected(case, gradients)
    assert diagnose(gradients, measured(operation)[0], **measured(operation)[1]) == []


def test_there_are_enough_right_versions():
    print(f"{len(RIGHT)} right backward passes written differently")
    assert len(RIGHT) >= 20


# --- which factor, which path ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "what", "parameter", "words"), [
    ("linear", "bias averaged over all rows", "bias", "1 / (batch size B · tokens T)"),
    ("linear", "weight averaged over the batch", "weight", "1 / (batch size B)"),
    ("linear", "input with the wrong sign", "x", "everywhere: -1"),
    ("linear", "weight 0.1 % too large", "weight", "1.001 times what it should be"),
    ("linear", "weight 0.1 % too large", "weight", "none of the known sizes"),
    ("linear", "bias not summed over the batch", "bias", "sum over axis 0"),
    ("linear", "one row of the weight 0.1 % too large", "weight", "index 1 of axis 0"),
    ("cross-entropy, some ignored", "summed instead of averaged", "logits", "counted targets"),
    ("cross-entropy, some ignored", "divided by all tokens, not by the counted ones", "logits",
     "counted targets / (all targets)"),
    ("mean squared error", "the 2 forgotten", "predictions", "1 / (2)"),
    ("mean squared error", "divided by the batch only", "predictions", "everywhere: tokens T"),
    ("attention, causal", "√K forgotten", "query", "√(head width K)"),
    ("multi-head attention", "√D instead of √K", "query.weight", "1 / (√(heads H))"),
    ("low-rank adapter", "scaled by α instead of α/r", "up", "everywhere: rank r"),
    ("layer norm", "mean's path forgotten", "x", "through the mean is"),
    ("layer norm", "variance's path forgotten", "x", "through the variance is"),
    ("layer norm", "mean and variance taken as constants", "x", "mean and the variance"),
    ("attention, causal", "one head's query 0.1 % too large", "query", "only head 2 of 3"),
    ("tied embedding and head", "only the use as an embedding", "table", "'as a head' is missing"),
    ("tied embedding and head", "the head counted twice", "table", "'as a head' counts twice"),
    ("GPT-3, untied head", "head and embedding swapped", "head.weight", "'token_embedding.weight'"),
    ("binary cross-entropy", "plus between the terms", "probabilities", "'(1 - y) / (1 - ŷ)' has the wrong sign"),
])
def test_the_explanation_says_which(operation, what, parameter, words):
    number = next(n for n, mistake in enumerate(BANK) if (mistake.operation, mistake.what) == (operation, what))
    assert words in str(outcome(number)[2][parameter])


# --- it does not guess ----------------------------------------------------------------------------------------


def test_random_gradients_are_never_explained():
    generator = np.random.default_rng(0)
    n_named = 0
    for case in CASES.values():
        numeric, known = measured(case.operation)
        noise = {name: generator.standard_normal(array.shape) for name, array in numeric.items()}
        n_named += sum(finding.cause != "can't tell" for finding in diagnose(noise, numeric, **known))
    assert n_named == 0


def test_a_gradient_wrong_everywhere_is_not_blamed_on_ignored_positions():
    numeric = np.arange(1.0, 9.0)
    ignored = {"x": np.arange(8) < 3}
    assert diagnose(np.where(ignored["x"], numeric**2 + 1, numeric), numeric, ignored=ignored)[0].cause == (
        "ignored positions")
    assert diagnose(numeric**2 + 1, numeric, ignored=ignored)[0].cause == "can't tell"


def test_one_number_is_no_evidence_for_a_factor():
    findings = diagnose(np.array([3.7]), np.array([1.0]))
    assert [finding.cause for finding in findings] == ["can't tell"]
    assert diagnose(np.array([2.0]), np.array([1.0]))[0].cause == "constant factor"  # unless it is a known one


def test_nothing_wrong_gives_no_findings():
    assert diagnose(np.ones(3), np.ones(3)) == []


def test_entries_that_were_not_measured_are_left_out():
    numeric = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]])
    findings = diagnose(np.array([[2.0, 9.0, 6.0], [8.0, 10.0, 9.0]]), numeric)
    assert findings[0].cause == "constant factor" and "2 times" in str(findings[0])
