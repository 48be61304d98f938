"""Which mistake makes a gradient wrong? `diagnose` names it, or says that it cannot tell.

    report = check_gradient(loss, parameters, gradients)
    for finding in diagnose(report.analytic, report.numeric, sizes={"batch size": 4}):
        print(finding)

Each mistake below is a small function that tries to undo it, or to show that the gradient is right everywhere else.
Only what succeeds is named.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Finding:
    """The likely mistake in one parameter's gradient."""

    parameter: str
    cause: str
    """zero · constant factor · transposed · missing sum · missing term · ignored positions · repeated ids · one head ·
    one row · swapped · softmax Jacobian · can't tell"""
    explanation: str

    def __str__(self):
        return f"{self.parameter}: {self.explanation}"


def diagnose(analytic, numeric, *, sizes=None, ignored=None, ids=None, summed=None, terms=None, softmax=None,
             layer_norm=None, heads=None, tolerance=1e-6, resolution=None):
    """Name the likely mistake in a wrong gradient, or say that it cannot be told.

    Nothing is guessed: a cause is named only when undoing that mistake makes the gradient right, or when the gradient
    is right everywhere else. The two gradients are enough for some mistakes; each hint below makes one more visible.
    All hints but `sizes` are dictionaries by parameter name.

    Args:
        analytic: {name: array} or an array: the gradient that is wrong.
        numeric: the same by `numeric_gradient` or from a report.
        sizes: {description: number} of sizes that a forgotten factor could be, such as {"batch size": 4}.
        ignored: booleans, broadcast to the gradient's shape, True where entries are masked, padding or ignored.
        ids: the token ids that were looked up in this table.
        summed: an array whose sum over its leading axes the gradient is (for a bias, the upstream gradient).
        terms: {description: array}, the terms whose sum the gradient is.
        softmax: for the scores, the weights that softmax made of them.
        layer_norm: for the input of a layer norm, that input.
        heads: (axis, number of heads), the axis along which heads stand side by side.
        tolerance: greatest relative difference of entries that count as equal.
        resolution: differences below this are not seen; a report knows it; None takes 1e-9 of the largest entry.
    Returns:
        a list with one `Finding` for each wrong parameter; empty if none is wrong.
    """
    analytic, numeric = _as_dictionary(analytic), _as_dictionary(numeric)
    if not numeric:
        raise ValueError("numeric must hold at least one gradient, got none")
    if analytic.keys() != numeric.keys():
        unmatched = ", ".join(sorted(analytic.keys() ^ numeric.keys()))
        raise ValueError(f"analytic and numeric must have the same names, unmatched: {unmatched}")
    if resolution is None:  # a measured gradient is never exactly 0
        resolution = 1e-9 * max(np.nanmax(np.abs(array), initial=0.0) for array in numeric.values())
    equal = _Equality(tolerance, resolution)
    wrong = [name for name in analytic if not equal(analytic[name], numeric[name])]
    hints = {"ignored": ignored, "ids": ids, "summed": summed, "terms": terms, "softmax": softmax,
             "layer_norm": layer_norm, "heads": heads}

    findings = []
    for name in wrong:
        own_hints = {key: (hint or {}).get(name) for key, hint in hints.items()}
        others = {other: (analytic[other], numeric[other]) for other in wrong if other != name}
        cause, explanation = next(
            (found for test in _MISTAKES
             if (found := test(analytic[name], numeric[name], equal, {**own_hints, "sizes": sizes, "others": others}))),
            ("can't tell", "it is wrong, but I can't tell why"))
        findings.append(Finding(name, cause, explanation))
    return findings


class _Equality:
    """Whether two gradients are the same as far as can be measured. NaN in the second: not measured, not compared."""

    def __init__(self, tolerance, resolution):
        self.tolerance = tolerance
        self.resolution = resolution

    def __call__(self, first, second):
        return first.shape == second.shape and not self.differs(first, second).any()

    def differs(self, first, second):
        """Booleans: where the two differ."""
        with np.errstate(invalid="ignore"):
            return np.abs(first - second) > self.tolerance * np.maximum(np.abs(first), np.abs(second)) + self.resolution


def _swapped(analytic, numeric, equal, hints):
    for other, (other_analytic, other_numeric) in hints["others"].items():
        if equal(analytic, other_numeric) and equal(other_analytic, numeric):
            return "swapped", f"this is the gradient of {other!r}, and the other way round: the two are swapped"
    return None


def _zero(analytic, numeric, equal, hints):
    if not np.any(analytic):
        return "zero", "it is 0 everywhere, but the loss does change: cut off from the loss, or never filled in"
    return None


def _wrong_shape(analytic, numeric, equal, hints):
    """A transposed gradient, or one whose broadcast axes were not summed."""
    if analytic.shape == numeric.shape:
        return None
    if analytic.shape == numeric.shape[::-1] and equal(analytic.T, numeric):
        return "transposed", "it is transposed"
    for axes in _subsets(range(analytic.ndim)):
        summed = analytic.sum(axis=axes)
        for candidate in (summed, summed.T):
            if candidate.size == numeric.size and equal(candidate.reshape(numeric.shape), numeric):
                where = "axis " + " and ".join(map(str, axes))
                return "missing sum", f"it has shape {analytic.shape}: sum over {where}, which was broadcast"
    return None


def _transposed(analytic, numeric, equal, hints):
    if analytic.shape != numeric.shape or analytic.ndim < 2:
        return None
    turned = [analytic.reshape(*analytic.shape[:-2], *analytic.shape[:-3:-1]).swapaxes(-2, -1)]
    if analytic.shape[-1] == analytic.shape[-2]:
        turned.append(analytic.swapaxes(-2, -1))
    if any(equal(candidate, numeric) for candidate in turned):
        return "transposed", "its last two axes are transposed"
    return None


def _constant_factor(analytic, numeric, equal, hints):
    if analytic.shape != numeric.shape:
        return None
    measured = np.isfinite(numeric)
    square = float((numeric[measured] ** 2).sum())
    factor = float((analytic[measured] * numeric[measured]).sum()) / square if square > 0 else 0.0
    if factor == 0 or not equal(analytic / factor, numeric):
        return None
    names = _factor_names(factor, hints["sizes"] or {})
    # One number is always a multiple of another: then only a factor with a name counts
    if not names and np.count_nonzero(measured & (np.abs(numeric) > equal.resolution)) < 2:
        return None
    meaning = " or ".join(names) if names else "which is none of the known sizes"
    return "constant factor", f"it is {factor:.6g} times what it should be everywhere: {meaning}"


def _factor_names(factor, sizes):
    """What a factor could be: a size, its inverse, its root, a product of two, each perhaps with a sign."""
    atoms = {"2": 2.0}
    for label, size in sizes.items():
        if size != 1:
            atoms.setdefault(label, float(size))
            atoms.setdefault(f"√({label})", math.sqrt(size))
    products = {" · ".join(labels): math.prod(sizes[label] for label in labels)
                for n in (2, 3) for labels in itertools.combinations([key for key in sizes if sizes[key] != 1], n)}
    quotients = {f"{a} / ({b})": sizes[a] / sizes[b] for a, b in itertools.permutations(sizes, 2)
                 if 1 not in (sizes[a], sizes[b])}
    for group in (atoms, products, quotients):  # the simplest that fits
        signed = {"1": 1.0, **group, **{f"1 / ({label})": 1 / value for label, value in group.items()}}
        candidates = {**signed, **{f"-{label}": -value for label, value in signed.items()}}
        names = [label for label, value in candidates.items() if math.isclose(factor, value, rel_tol=1e-4)]
        if names:
            return names
    return []


def _softmax_jacobian(analytic, numeric, equal, hints):
    """Undo three ways of getting softmax's Jacobian wrong."""
    weights = hints["softmax"]
    if weights is None or analytic.shape != numeric.shape or weights.shape[-1] < 3:  # 2 numbers prove little
        return None

    def through(d_weights):
        return weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))

    if equal(through(analytic), numeric):
        return "softmax Jacobian", "softmax's Jacobian is missing: the gradient of the weights was passed on as it is"
    if _is_multiple(analytic - numeric, weights, equal):
        return "softmax Jacobian", "softmax's Jacobian lacks the term - w_i Σ_j d_w_j w_j, or has it wrong"
    with np.errstate(divide="ignore", invalid="ignore"):
        only_diagonal = np.nan_to_num(analytic / (weights * (1 - weights)), posinf=0, neginf=0)
    if equal(through(only_diagonal), numeric):
        return "softmax Jacobian", "only softmax's Jacobian's diagonal was used: other scores' influence is missing"
    return None


def _layer_norm_term(analytic, numeric, equal, hints):
    """The difference of a missing path points along 1 (mean), along x̂ (variance), or along both."""
    x = hints["layer_norm"]
    if x is None or analytic.shape != numeric.shape or x.shape[-1] < 4:  # two paths explain any two numbers
        return None
    missing = analytic - numeric
    ones, centred = np.ones_like(x), x - x.mean(axis=-1, keepdims=True)
    along_mean = np.broadcast_to(missing.mean(axis=-1, keepdims=True), x.shape)
    for path, rest, direction in (("mean", missing, ones), ("variance", missing, centred),
                                  ("mean and the variance", missing - along_mean, centred)):
        if _is_multiple(rest, direction, equal):
            return "missing term", f"the path through the {path} is missing or has a wrong factor"
    return None


def _is_multiple(array, direction, equal):
    """Whether each row of the array is some multiple of the same row of the direction."""
    share = (array * direction).sum(axis=-1, keepdims=True) / (direction * direction).sum(axis=-1, keepdims=True)
    return _Equality(equal.tolerance, equal.tolerance * np.nanmax(np.abs(array)) + equal.resolution)(
        share * direction, array)


def _term(analytic, numeric, equal, hints):
    """A term of the sum was left out, counted twice, or has the wrong sign."""
    if analytic.shape != numeric.shape:
        return None
    for label, term in (hints["terms"] or {}).items():
        for missed, what in ((1, "is missing"), (-1, "counts twice"), (2, "has the wrong sign")):
            if equal(analytic + missed * term, numeric):
                return "missing term", f"the term {label!r} {what}"
    return None


def _repeated_ids(analytic, numeric, equal, hints):
    ids = hints["ids"]
    if ids is None or analytic.shape != numeric.shape:
        return None
    seen, counts = np.unique(ids, return_counts=True)
    repeated = np.zeros(len(numeric), dtype=bool)
    repeated[seen[counts > 1]] = True
    differs = equal.differs(analytic, numeric).reshape(len(numeric), -1).any(axis=1)
    if differs.any() and not differs[~repeated].any() and differs.sum() == repeated.sum() and not repeated.all():
        return "repeated ids", "only rows of ids that occur more than once are wrong: their gradients must add up"
    return None


def _ignored_positions(analytic, numeric, equal, hints):
    if hints["ignored"] is None or analytic.shape != numeric.shape:
        return None
    ignored = np.broadcast_to(hints["ignored"], numeric.shape)
    differs = equal.differs(analytic, numeric)
    if differs[ignored].any() and not differs[~ignored].any():
        return "ignored positions", "it is wrong only at masked or ignored positions"
    return None


def _partial_sum(analytic, numeric, equal, hints):
    """A sum over leading axes of which only one slice was taken, or that became a mean."""
    array = hints["summed"]
    if array is None or analytic.shape != numeric.shape:
        return None
    n_leading = array.ndim - numeric.ndim
    for axes in _subsets(range(n_leading)):
        rest = tuple(axis for axis in range(n_leading) if axis not in axes)
        for which, word in ((0, "first"), (-1, "last")):
            slice_ = tuple(which if axis in axes else slice(None) for axis in range(n_leading))
            kept = array[slice_]
            partial = kept.sum(axis=tuple(range(len(rest))))
            if partial.shape == numeric.shape and equal(analytic, partial) and array.size > kept.size:
                where = " and ".join(map(str, axes))
                return "missing sum", f"only the {word} slice of axis {where} is in it: sum over that axis"
    return None


def _one_head(analytic, numeric, equal, hints):
    if hints["heads"] is None or analytic.shape != numeric.shape:
        return None
    axis, n_heads = hints["heads"]
    rows = np.moveaxis(equal.differs(analytic, numeric), axis, 0).reshape(n_heads, analytic.shape[axis] // n_heads, -1)
    rows = rows.any(axis=2)  # (heads, rows of each)
    is_more_than_a_row = rows.sum() > 1 or rows.shape[1] == 1
    if n_heads > 1 and rows.any(axis=1).sum() == 1 and is_more_than_a_row:
        return "one head", f"only head {int(rows.any(axis=1).argmax())} of {n_heads} is wrong"
    return None


def _one_row(analytic, numeric, equal, hints):
    if analytic.shape != numeric.shape:
        return None
    differs = equal.differs(analytic, numeric)
    for axis, length in enumerate(differs.shape):
        along = np.moveaxis(differs, axis, 0).reshape(length, -1).any(axis=1)
        if length > 1 and along.sum() == 1:
            return "one row", f"it is wrong only at index {int(along.argmax())} of axis {axis}"
    return None


# In this order: a precise cause before a vague one
_MISTAKES = (_swapped, _zero, _wrong_shape, _constant_factor, _transposed, _softmax_jacobian, _layer_norm_term, _term,
             _partial_sum, _repeated_ids, _ignored_positions, _one_head, _one_row)


def _subsets(items):
    """All choices of at least one item, small ones first."""
    items = list(items)
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(1, len(items) + 1))


def _as_dictionary(gradients):
    items = gradients if isinstance(gradients, dict) else {"x": gradients}
    return {name: np.asarray(array.detach().numpy() if hasattr(array, "detach") else array, dtype=float)
            for name, array in items.items()}
