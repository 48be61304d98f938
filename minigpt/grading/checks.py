"""Comparing an answer with what is right, on the trusted side, and saying what may be wrong with it.

A failed check raises `CheckFailed`, whose text is for the student: it names the kind of mistake and never holds the
expected numbers.
"""

import math
import sys
from numbers import Number

import numpy as np

from minigpt.by_hand.gradient_check import diagnose


class CheckFailed(AssertionError):
    """An answer is not right; the text is a hint for the student."""


class AnswerError(Exception):
    """The student's function raised an exception, or gave no value.

    Attributes:
        kind: name of the exception, such as "ValueError"; "Died" if the process is gone.
    """

    def __init__(self, kind, text="", line=None):
        self.kind = kind
        self.text = text
        self.line = line
        where = f" (line {line})" if line else ""
        super().__init__(f"{kind}{where}: {text}" if text else f"{kind}{where}")


def check_that(condition, hint):
    """Fail with this hint unless the condition holds."""
    if not condition:
        raise CheckFailed(hint)


def check_equal(got, expected, hint=""):
    """Integers, strings, truth values, and lists of them: equal, and of the same kind."""
    if _plain(got) != _plain(expected):
        raise CheckFailed(hint or _first(_kind_problem(got, expected), "the value is not right"))


def check_raises(kind, function, *arguments, **keywords):
    """The answer must raise this exception ("ValueError")."""
    try:
        function(*arguments, **keywords)
    except AnswerError as error:
        check_that(error.kind == kind, f"it must raise {kind} here, but raised {error.kind}")
    else:
        raise CheckFailed(f"it must raise {kind} here, but returned a value")


def check_close(got, expected, atol=1e-9, rtol=1e-7, hint=""):
    """Every entry within the tolerance, with the same type, shape and dtype.

    Args:
        got: the answer.
        expected: a number, an array, a tensor, or a list, tuple or dictionary of them. Where a number is expected, an
            array without dimensions will do, too.
        atol: greatest absolute difference.
        rtol: greatest difference in proportion to what is expected.
        hint: what to say if the numbers differ; None or "" looks for a common mistake.
    """
    if isinstance(expected, dict):
        check_that(type(got) is dict and got.keys() == expected.keys(),
              f"it must be a dictionary with the keys {', '.join(map(str, expected))}")  # fmt: skip
        for key in expected:
            check_close(got[key], expected[key], atol, rtol, hint)
        return
    if isinstance(expected, (list, tuple)):
        kind = "tuple" if isinstance(expected, tuple) else "list"
        check_that(isinstance(got, (list, tuple)) and len(got) == len(expected),
              f"it must be a {kind} of {len(expected)} values, not {_describe(got)}")  # fmt: skip
        for one, other in zip(got, expected):
            check_close(one, other, atol, rtol, hint)
        return
    problem = _kind_problem(got, expected)
    if problem:
        raise CheckFailed(problem)
    got, expected = _as_array(got), _as_array(expected)
    if np.isfinite(expected).all() and not np.isfinite(got).all():
        what = "NaN" if np.isnan(got).any() else "infinite numbers"
        raise CheckFailed(hint or f"the result holds {what}")
    with np.errstate(invalid="ignore", over="ignore"):
        same = (np.abs(got - expected) <= atol + rtol * np.abs(expected)) | (got == expected)
    same |= np.isnan(got) & np.isnan(expected)
    if not same.all():
        many = f"{np.count_nonzero(~same)} of {same.size} numbers differ"
        what = many if same.size > 1 else "the number is not right"
        raise CheckFailed(hint or what + _common_mistake(got, expected, atol, rtol))


def check_gradients(got, expected, atol=1e-9, rtol=1e-6, hint="", **hints):
    """Gradients: as `check_close`, and a failure names the mistake if `diagnose` can tell.

    Args:
        got: {name: array}, one array, or a list of them.
        expected: the same, from another source.
        atol: greatest absolute difference.
        rtol: greatest relative difference.
        hint: what to say if no mistake can be named.
        hints: what `minigpt.by_hand.gradient_check.diagnose` may use: sizes, ignored, ids, summed, terms, softmax,
            layer_norm, heads. For one array, without the name.
    """
    got, expected = _named(got), _named(expected)
    check_that(got.keys() == expected.keys(), f"it must give gradients for {', '.join(map(str, expected))}")
    for name in expected:
        check_that(got[name] is not None, f"no gradient arrives at {name}: the output is cut off from it")
    try:
        for name in expected:
            check_close(got[name], expected[name], atol, rtol)
    except CheckFailed as failure:
        raise CheckFailed(_diagnosis(got, expected, hints) or hint or f"the gradient: {failure}") from None


def _diagnosis(got, expected, hints):
    """What `diagnose` says, or "" if it cannot tell."""
    only = next(iter(expected))
    hints = {key: value if key == "sizes" or isinstance(value, dict) or value is None else {only: value}
             for key, value in hints.items()}  # fmt: skip
    try:
        arrays = [{name: _as_array(value) for name, value in side.items()} for side in (got, expected)]
        if not all(np.isfinite(array).all() for side in arrays for array in side.values()):
            return ""
        findings = diagnose(*arrays, **hints)
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return ""
    told = [str(finding) for finding in findings if finding.cause != "can't tell"]
    return told[0] if told else ""


def _named(gradients):
    if isinstance(gradients, dict):
        return gradients
    if isinstance(gradients, (list, tuple)):
        return {f"argument {number}": gradient for number, gradient in enumerate(gradients, 1)}
    return {"the gradient": gradients}


# ------------------------------------------------------------------------------------------- kinds of values


def _is_tensor(value):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _as_array(value):
    if _is_tensor(value):
        torch = sys.modules["torch"]
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind in "biuf" else array


def _plain(value):
    """A value for `==`: arrays as nested lists with their kind, so that 1 is not True and not 1.0."""
    if isinstance(value, np.ndarray) or _is_tensor(value):
        return ("tensor" if _is_tensor(value) else "array", str(value.dtype), _plain(value.tolist()))
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(_plain, value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return (type(value).__name__, value)


def _kind_problem(got, expected):
    """Why this is the wrong kind of value, or ""."""
    if _is_number(expected):
        if _is_number(got) or (getattr(got, "shape", None) == () and not isinstance(got, np.generic)):
            return ""
        return f"it must be a number, not {_describe(got)}"
    if _is_tensor(expected) != _is_tensor(got) or isinstance(expected, np.ndarray) != isinstance(got, np.ndarray):
        if isinstance(expected, np.ndarray) and expected.shape == () and _is_number(got):
            return ""
        return f"it must be {_describe(expected)}, not {_describe(got)}"
    if not hasattr(expected, "shape"):
        return "" if type(got) is type(expected) else f"it must be {_describe(expected)}, not {_describe(got)}"
    if tuple(got.shape) != tuple(expected.shape):
        return f"the shape must be {tuple(expected.shape)}, not {tuple(got.shape)}"
    if got.dtype != expected.dtype:
        return f"the dtype must be {_dtype(expected)}, not {_dtype(got)}"
    return ""


def _is_number(value):
    return isinstance(value, (Number, np.generic)) and not isinstance(value, (bool, np.bool_))


def _dtype(value):
    return str(value.dtype).removeprefix("torch.")


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of {_dtype(value)} with shape {value.shape}"
    if _is_tensor(value):
        return f"a tensor of {_dtype(value)} with shape {tuple(value.shape)}"
    return "None (is a return missing?)" if value is None else f"a {type(value).__name__}"


def _first(*texts):
    return next(text for text in texts if text)


# ------------------------------------------------------------------------------------------- common mistakes


def _common_mistake(got, expected, atol, rtol):
    """": off by the factor 0.5 everywhere" and the like, or ""."""
    if got.dtype.kind not in "f" or expected.dtype.kind not in "f":
        return ""
    if not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return ""

    def close(other):
        return other.shape == expected.shape and np.allclose(other, expected, rtol=max(rtol, 1e-6), atol=atol)

    if not got.any() and expected.any():
        return ": it is 0 everywhere"
    if close(-got):
        return ": the sign is wrong"
    square = float((got * got).sum())
    factor = float((got * expected).sum()) / square if square else 0.0
    if got.size > 1 and factor and close(got * factor):
        return f": everything is {1 / factor:.6g} times what it should be"
    difference = got - expected
    if got.size > 1 and close(got - difference.mean()):
        return ": everything is off by the same amount"
    if got.size > 1 and close(got[..., ::-1]):
        return ": the order is reversed"
    if got.ndim >= 2 and got.shape[-1] == got.shape[-2] and close(got.swapaxes(-1, -2)):
        return ": the last two axes are transposed"
    if got.size == 1:
        ratio = float(got.reshape(-1)[0]) / float(expected.reshape(-1)[0]) if expected.all() else math.nan
        for name, value in (("bits instead of nats, or the other way round", math.log(2)), ("a factor 2", 2.0)):
            if math.isclose(ratio, value, rel_tol=1e-6) or math.isclose(ratio, 1 / value, rel_tol=1e-6):
                return f": {name}?"
    return ""
