"""Is this gradient right? Numbers decide.

    report = check_gradient(loss, parameters, gradients)
    print(report)

Three ways to find a derivative without deriving it, because each fails somewhere:

central differences   D(h) = (L(x+h) - L(x-h)) / 2h, one entry at a time. Works for any loss. But it is never exact: a
                      large h misses how the slope bends (error ~ h²), a small h drowns in rounding (error ~ ε/h for a
                      machine precision ε). Taken twice, the bending cancels: D(2h) errs by four times as much as D(h),
                      so (4 D(h) - D(2h)) / 3 errs only by ~ h⁴. With h = ε^¼ about three quarters of the digits
                      survive: 12 in float64, 5 in float32. At a kink it gives a mixture of both sides' slopes.
complex step          Im L(x + ih) / h. No difference is taken, so nothing cancels: h can be 1e-20 and all 15 digits
                      survive. But every step of the loss must be analytic and accept complex numbers: no abs, no
                      comparison of complex values, no PyTorch modules here.
Taylor remainder      |L(x+hd) - L(x) - h⟨g,d⟩| along a random direction d. If g is right only the curvature is left,
                      and the remainder falls like h²; if not, like h. The exponent is measured: 2 or 1, and no step
                      size has to be chosen. A few evaluations check any number of parameters, but do not say which
                      entry is wrong, and a loss without curvature leaves nothing to measure.

What only looks like a wrong gradient is told apart from one: a kink, rounding noise, a loss that is random. What the
mistake may be, `diagnose` says.

Sources: step sizes, and combining two of them: Press et al. (2007), section 5.7; complex step: Squire & Trapp (1998);
Taylor test: Farrell et al. (2013); noise from a table of differences: Moré & Wild (2011).
"""

import html
import math
import sys
from dataclasses import dataclass, field

import numpy as np

from minigpt.by_hand.diagnosis import Finding, diagnose

__all__ = ["Finding", "GradientReport", "ParameterCheck", "check_gradient", "diagnose", "numeric_gradient",
           "taylor_slope"]

METHODS = ("central", "complex", "taylor")

_HEADER = ("parameter", "shape", "checked", "kinks", "worst relative error", "at", "analytic", "numeric", "slope",
           "verdict")

_NOTES = {
    "right": "",
    "wrong": "The gradient is wrong.",
    "kink": "The loss has a kink at some entries (ReLU at 0?), where no derivative exists; the others are right.",
    "noise": "Rounding hides too much to say that this is right: repeat it in float64.",
    "random": "The loss changes between two calls with the same parameters, so nothing can be compared: is dropout "
              "on, or the seed not fixed?",
    "not analytic": "The complex step does not fit this loss, which is not analytic or refuses complex numbers "
                    "(abs, max, norm?): use method='central'.",
}


@dataclass(frozen=True)
class ParameterCheck:
    """What the check found out about one parameter."""

    name: str
    shape: tuple
    n_checked: int = 0
    """entries compared"""
    n_kinks: int = 0
    """entries set aside because the loss has a kink there"""
    worst_error: float | None = None
    """largest relative error of an entry"""
    where: tuple | None = None
    """index of that entry"""
    analytic: float | None = None
    """its given gradient"""
    numeric: float | None = None
    """its measured gradient"""
    slope: float | None = None
    """exponent of the Taylor remainder; infinite where the remainder is nothing but rounding"""
    verdict: str = "right"

    def cells(self):
        """The values of `_HEADER`'s columns, as text."""
        where = "" if self.where is None else "[" + ", ".join(map(str, self.where)) + "]"
        numbers = ["" if number is None else f"{number:.6g}" for number in (self.analytic, self.numeric)]
        error = "" if self.worst_error is None else f"{self.worst_error:.1e}"
        slope = "" if self.slope is None else f"{self.slope:.3f}"
        shape = "×".join(map(str, self.shape)) or "scalar"
        return (self.name, shape, str(self.n_checked), str(self.n_kinks), error, where, *numbers, slope, self.verdict)


@dataclass(frozen=True)
class GradientReport:
    """The result of `check_gradient`: prints as a table, and renders as one in a notebook."""

    method: str
    tolerance: float
    verdict: str
    """right · wrong · kink · noise · random · not analytic"""
    rows: list[ParameterCheck]
    resolution: float = 0.0
    """differences of gradients smaller than this cannot be seen for rounding"""
    analytic: dict = field(default_factory=dict, repr=False)
    numeric: dict = field(default_factory=dict, repr=False)
    """measured gradients, NaN where none was measured; empty for the Taylor test"""

    @property
    def passed(self):
        """Whether the gradient is right wherever it exists."""
        return self.verdict in ("right", "kink")

    @property
    def worst_error(self):
        """The largest relative error of all, or None for the Taylor test."""
        return max((row.worst_error for row in self.rows if row.worst_error is not None), default=None)

    @property
    def slope(self):
        """The smallest exponent of all, or None for the other methods."""
        return min((row.slope for row in self.rows if row.slope is not None), default=None)

    @property
    def note(self):
        """One or two sentences on the verdict; empty where there is nothing to add."""
        is_constant = bool(self.numeric) and not any(np.nan_to_num(array).any() for array in self.numeric.values())
        if self.verdict == "wrong" and is_constant:
            return _NOTES["wrong"] + " The loss does not change with any parameter: does it use its argument?"
        return _NOTES[self.verdict]

    def __str__(self):
        columns = _used_columns([row.cells() for row in self.rows])
        widths = [max(map(len, column)) for column in columns]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in zip(*columns)]
        notes = [self.note] if self.note else []
        return "\n".join([f"gradient check ({self.method}): {self.verdict}", *notes, *lines])

    def _repr_html_(self):
        columns = _used_columns([row.cells() for row in self.rows])
        header, *lines = ([html.escape(cell) for cell in line] for line in zip(*columns))
        head = "".join(f"<th>{cell}</th>" for cell in header)
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines)
        title = f"<p>gradient check ({self.method}): <b>{self.verdict}</b> {html.escape(self.note)}</p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_dict(self):
        """Plain values, ready for JSON, without the arrays."""
        return {"method": self.method, "verdict": self.verdict, "passed": self.passed, "note": self.note,
                "rows": [dict(zip(_HEADER, row.cells())) for row in self.rows]}


def check_gradient(loss, parameters, gradients=None, method="central", tolerance=1e-6, sample=None, step=None, seed=0):
    """Compare a gradient with what the loss really does when a parameter moves a little.

    An entry is wrong when the difference |analytic - numeric| is more than `tolerance` of the larger of the two, and
    more than rounding explains. (A gradient that is exactly 0, such as that of the attention's key bias, is never
    measured as exactly 0.) The relative error shown is the difference divided by the larger of the two, or, for
    entries so small that rounding matters, by the size at which rounding alone would reach the tolerance.

    Args:
        loss: a function of the parameters that gives a scalar. It is called with what was passed as `parameters`, or
            with a copy of it in the case of arrays, so it must use its argument.
        parameters: {name: array}, a single array, a PyTorch module or {name: tensor}. All floats, preferably float64.
        gradients: the same names and shapes; or a function of the parameters that gives them; or None for a PyTorch
            module or tensors: what autograd says.
        method: "central", "complex" or "taylor".
        tolerance: greatest relative error of an entry.
        sample: number of entries checked in each parameter, drawn at random; None checks them all.
        step: h of central differences; None chooses it from the precision.
        seed: of the sample and of the directions.
    Returns:
        a `GradientReport`.
    Raises:
        ValueError: for names or shapes that do not match, parameters that are not floats, no parameters at all, a loss
            that is not a finite scalar, or a gradient with NaN.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if sample is not None and sample < 1:
        raise ValueError(f"sample must be at least 1 or None, got {sample}")
    for name, value in (("tolerance", tolerance), ("step", step)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")
    problem = _Problem(loss, parameters)
    gradients = problem.gradients(gradients)
    generator = np.random.default_rng(seed)
    if problem.is_random():
        rows = [ParameterCheck(name, array.shape, verdict="random") for name, array in problem.arrays.items()]
        return GradientReport(method, tolerance, "random", rows, analytic=gradients)
    if method == "taylor":
        return _check_by_taylor(problem, gradients, tolerance, generator)
    if method == "complex":
        return _check_by_complex_step(problem, gradients, tolerance, sample, generator)
    return _check_by_central_differences(problem, gradients, tolerance, sample, step, generator)


def numeric_gradient(loss, parameters, step=None):
    """The gradient by central differences, every entry: {name: array}."""
    problem = _Problem(loss, parameters)
    gradients = {}
    for name, array in problem.arrays.items():
        gradients[name] = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            gradients[name][index] = _central_difference(problem, array, index, problem.step_for(array[index], step))
    return gradients


def taylor_slope(loss, parameters, gradients=None, seed=0):
    """The exponent of the Taylor remainder along one random direction through all parameters: 2 if right, 1 if wrong.

    Infinite if the remainder is nothing but rounding: a right gradient of a loss without curvature.
    """
    problem = _Problem(loss, parameters)
    gradients = problem.gradients(gradients)
    generator = np.random.default_rng(seed)
    noise = problem.noise(generator)
    return _remainder_slopes(problem, gradients, list(problem.arrays), noise, generator)[0]


# ---------------------------------------------------------------------------------------------------------------
# The three methods
# ---------------------------------------------------------------------------------------------------------------


def _check_by_central_differences(problem, gradients, tolerance, sample, step, generator):
    noise = problem.noise(generator)
    wanted = tolerance
    tolerance = max(tolerance, 10 * problem.precision ** (3 / 4))  # no more digits survive: 6e-5 in float32
    # The rounding of two losses, divided by the distance between them. 4 standard deviations: there are many entries.
    resolution = 4 * noise / problem.step_for(0.0, step)
    rows, numeric = [], {}
    for name, array in problem.arrays.items():
        indices = _sampled(array.shape, sample, generator)
        measured = np.full(array.shape, math.nan)
        for index in indices:
            measured[index] = _central_difference(problem, array, index, problem.step_for(array[index], step))
        blur = np.full(array.shape, resolution)
        kinks = _second_look(problem, name, gradients[name], measured, blur, indices, tolerance, step)
        numeric[name] = measured
        rows.append(_compared(name, gradients[name], measured, blur, indices, kinks, tolerance))

    verdict = _overall(rows)
    if verdict == "right" and resolution > 100 * wanted * _largest(numeric) > 0:
        verdict = "noise"
    return GradientReport("central", tolerance, verdict, rows, resolution, gradients, numeric)


def _central_difference(problem, array, index, step):
    """D(h) and D(2h), so combined that their errors of order h² cancel."""
    near, far = (((plus - minus) / width) for plus, minus, width in
                 (_both_sides(problem, array, index, h) for h in (step, 2 * step)))
    return (4 * near - far) / 3


def _both_sides(problem, array, index, step):
    """The loss with one entry raised and lowered, and how far apart the two really are after rounding."""
    here = array[index]
    try:
        array[index] = here + step
        above, plus = float(array[index]), problem.value()
        array[index] = here - step
        below, minus = float(array[index]), problem.value()
    finally:
        array[index] = here
    return plus, minus, above - below


def _second_look(problem, name, analytic, measured, blur, indices, tolerance, step):
    """Look again at entries that seem wrong, worst first, until one is surely wrong; gives the entries with a kink.

    With a 16 times smaller step, a smooth curve's two one-sided slopes come 16 times closer to each other. At a kink
    they stay apart, and any gradient between them is as good as any other. Where the curve is smooth, but bends so
    strongly that the smaller step gives another result, the new result is taken, with its larger rounding.
    """
    array = problem.arrays[name]
    base = problem.value()
    kinks = set()
    suspects = [i for i in indices if _is_wrong(analytic[i], measured[i], tolerance, blur[i])]
    for index in sorted(suspects, key=lambda i: -abs(analytic[i] - measured[i])):
        wide = problem.step_for(array[index], step)
        slopes = []  # at the left and at the right, with the wide and with the narrow step
        for h in (wide, wide / 16):
            plus, minus, width = _both_sides(problem, array, index, h)
            slopes.append(np.array([base - minus, plus - base]) / (width / 2))
        far, near = slopes
        here = near + (near - far) / 15  # a one-sided slope errs in proportion to the step: what it is at step 0
        gap = abs(near[1] - near[0])
        narrow_blur = 16 * blur[index]
        if gap > abs(far[1] - far[0]) / 4 and gap > 8 * narrow_blur:
            slack = narrow_blur + 1e-4 * gap
            if here.min() - slack <= analytic[index] <= here.max() + slack:
                kinks.add(index)
                continue
        elif abs(near.mean() - measured[index]) > 2 * narrow_blur:
            # On a smooth curve the mean is already exact; where only the curvature jumps, its value at step 0 is
            estimates = (near.mean(), here.mean())
            measured[index] = min(estimates, key=lambda estimate: abs(estimate - analytic[index]))
            blur[index] = narrow_blur
        if _is_wrong(analytic[index], measured[index], tolerance, blur[index]):
            break
    return kinks


def _check_by_complex_step(problem, gradients, tolerance, sample, generator):
    if problem.is_torch:
        raise ValueError("method='complex' needs NumPy parameters, got PyTorch's: use 'central' or 'taylor'")
    indices = {name: _sampled(array.shape, sample, generator) for name, array in problem.arrays.items()}
    numeric = {}
    try:
        for name in problem.arrays:
            numeric[name] = problem.complex_step(name, indices[name])
        is_analytic = all(_agrees_along_a_line(problem, name, numeric[name], generator) for name in numeric)
    except TypeError:  # NumPy's answer to complex numbers where it wants real ones
        is_analytic = False
    if not is_analytic:
        rows = [ParameterCheck(name, array.shape, verdict="not analytic") for name, array in problem.arrays.items()]
        return GradientReport("complex", tolerance, "not analytic", rows, analytic=gradients)
    # Nothing cancels in the step itself, but the loss still rounds: a sum of terms that add up to 0 comes out as 1e-16
    resolution = 64 * problem.precision * _largest(numeric)
    rows = [_compared(name, gradients[name], numeric[name], np.full(array.shape, resolution), indices[name], set(),
                      tolerance) for name, array in problem.arrays.items()]
    return GradientReport("complex", tolerance, _overall(rows), rows, resolution, gradients, numeric)


def _agrees_along_a_line(problem, name, measured, generator):
    """Whether a complex step agrees roughly with a real one. An abs() inside the loss drops the imaginary part."""
    direction = np.where(np.isnan(measured), 0.0, generator.standard_normal(measured.shape))
    step = problem.step_for(0.0)
    real = (problem.value_at({name: direction}, step) - problem.value_at({name: direction}, -step)) / (2 * step)
    complex_ = float((np.nan_to_num(measured) * direction).sum())
    scale = max(abs(real), float(np.abs(np.nan_to_num(measured) * direction).sum()))
    return abs(real - complex_) <= 1e-3 * scale + 100 * np.finfo(float).eps / step * (1 + abs(problem.value()))


def _check_by_taylor(problem, gradients, tolerance, generator):
    noise = problem.noise(generator)
    rows = []
    for name, array in problem.arrays.items():
        slope, bend = _remainder_slopes(problem, gradients, [name], noise, generator)
        verdict = "right" if slope > 1.97 else "kink" if bend < 1.5 else "wrong"
        if slope == math.inf and problem.precision > 1e-10:  # float32: the remainder may have drowned in rounding
            verdict = "noise"
        rows.append(ParameterCheck(name, array.shape, array.size, slope=slope, verdict=verdict))
    return GradientReport("taylor", tolerance, _overall(rows), rows, noise, gradients)


def _remainder_slopes(problem, gradients, names, noise, generator):
    """How fast the Taylor remainder falls, and how fast |L(x+hd) + L(x-hd) - 2L(x)| does, which does not know g.

    The second is 2 on a smooth curve whatever the gradient, and 1 at a kink.
    """
    direction = {name: generator.standard_normal(problem.arrays[name].shape) for name in names}
    predicted = sum(float((gradients[name] * direction[name]).sum()) for name in names)
    base = problem.value()
    steps, remainders, bends = [], [], []
    for h in 10.0 ** np.arange(-2, -8.5, -0.5):
        plus, minus = problem.value_at(direction, h) - base, problem.value_at(direction, -h) - base
        # Both sides, because then the h³ of a right gradient cancels and the exponent is clean
        remainder = (abs(plus - h * predicted) + abs(minus + h * predicted)) / 2
        if remainder < 300 * noise:
            break
        steps.append(h)
        remainders.append(remainder)
        bends.append(abs(plus + minus))
    if len(steps) < 3:
        return math.inf, math.inf
    # The smallest steps that still stand clear of rounding: there, only the leading power is left
    return _slope(steps[-4:], remainders[-4:], noise), _slope(steps[-4:], bends[-4:], noise)


def _slope(steps, values, noise):
    """The exponent p of values ~ stepᵖ, by least squares on logarithms; infinite if the values are only rounding."""
    if min(values) <= 10 * noise:
        return math.inf
    return float(np.polyfit(np.log(steps), np.log(values), 1)[0])


def _sampled(shape, sample, generator):
    """All indices of an array, or some of them, in order."""
    size = math.prod(shape)
    chosen = range(size) if sample is None or sample >= size else sorted(generator.choice(size, sample, replace=False))
    return [tuple(int(i) for i in np.unravel_index(flat, shape)) for flat in chosen]


def _is_wrong(analytic, numeric, tolerance, resolution):
    return abs(analytic - numeric) > max(resolution, tolerance * max(abs(analytic), abs(numeric)))


def _compared(name, analytic, measured, blur, indices, kinks, tolerance):
    """One row of the report: the worst of the entries that have a derivative."""

    def error(index):
        smallest = max(blur[index] / tolerance, np.finfo(float).tiny)  # below it, rounding alone exceeds the tolerance
        size = max(abs(analytic[index]), abs(measured[index]), smallest)
        return abs(analytic[index] - measured[index]) / size

    smooth = [index for index in indices if index not in kinks]
    if not smooth:
        return ParameterCheck(name, analytic.shape, 0, len(kinks), verdict="kink" if kinks else "right")
    worst = max(smooth, key=error)
    is_wrong = _is_wrong(analytic[worst], measured[worst], tolerance, blur[worst])
    return ParameterCheck(name, analytic.shape, len(smooth), len(kinks), float(error(worst)), worst,
                          float(analytic[worst]), float(measured[worst]),
                          verdict="wrong" if is_wrong else "kink" if kinks else "right")


def _largest(arrays):
    """The largest absolute value in a dictionary of arrays; NaN does not count."""
    return max(float(np.nanmax(np.abs(array), initial=0.0)) for array in arrays.values())


def _overall(rows):
    verdicts = {row.verdict for row in rows}
    return next((verdict for verdict in ("wrong", "noise", "kink") if verdict in verdicts), "right")


def _used_columns(lines):
    """The columns of the report that say something, each with its heading."""
    columns = [(title, *cells) for title, cells in zip(_HEADER, zip(*lines))]
    always = ("parameter", "shape", "checked", "verdict")
    return [column for column in columns if column[0] in always or set(column[1:]) - {"", "0"}]


# ---------------------------------------------------------------------------------------------------------------
# One face for NumPy functions and PyTorch modules
# ---------------------------------------------------------------------------------------------------------------


class _Problem:
    """A loss whose parameters can be moved a little.

    `arrays` holds the parameters as NumPy arrays that may be changed in place: copies of NumPy parameters, views into
    the memory of PyTorch's.
    """

    def __init__(self, loss, parameters):
        self.loss = loss
        self.is_single = isinstance(parameters, np.ndarray)
        self.tensors = _tensors(parameters)
        self.is_torch = self.tensors is not None
        if self.is_torch:
            self.argument = parameters
            self.arrays = {name: _view(name, tensor) for name, tensor in self.tensors.items()}
        elif self.is_single:
            self.arrays = {"x": parameters.copy()}
            self.argument = self.arrays["x"]
        elif isinstance(parameters, dict):
            self.arrays = {name: np.array(array) for name, array in parameters.items()}
            self.argument = self.arrays
        else:
            raise ValueError("parameters must be an array, a dictionary of arrays or a PyTorch module, "
                             f"got {type(parameters).__name__}")
        if not self.arrays:
            raise ValueError("parameters must hold at least one array, got none")
        for name, array in self.arrays.items():
            if array.dtype.kind != "f":
                raise ValueError(f"parameter {name!r} must hold floats, got {array.dtype}")
            if not np.isfinite(array).all():
                raise ValueError(f"parameter {name!r} must be finite, got {array[~np.isfinite(array)][0]}")
        self.precision = max(float(np.finfo(array.dtype).eps) for array in self.arrays.values())

    def value(self):
        """The loss at the parameters as they are now."""
        return _scalar(self.loss(self.argument))

    def value_at(self, directions, distance):
        """The loss after a walk of this distance along the directions, {name: array}."""
        before = {name: self.arrays[name].copy() for name in directions}
        try:
            for name, direction in directions.items():
                self.arrays[name] += (distance * direction).astype(self.arrays[name].dtype)
            return self.value()
        finally:
            for name, array in before.items():
                self.arrays[name][...] = array

    def step_for(self, x, step=None):
        """A good step for central differences: the fourth root of the precision, longer for large x."""
        return step if step is not None else self.precision ** (1 / 4) * max(1.0, abs(float(x)))

    def is_random(self):
        """Whether the same parameters give different losses."""
        values = [self.value() for _ in range(3)]
        return max(values) - min(values) > 64 * self.precision * max(map(abs, values))

    def noise(self, generator):
        """The standard deviation of the loss's rounding error.

        The fourth differences of the loss at nine points close together: no smooth curve bends within so little, what
        is left is rounding. Four differences of independent numbers multiply their variance by 70.
        """
        direction = {name: generator.standard_normal(array.shape) for name, array in self.arrays.items()}
        values = [self.value_at(direction, k * 1e4 * self.precision) for k in range(9)]
        rounding = math.sqrt(float((np.diff(values, 4) ** 2).mean()) / 70)
        return max(rounding, self.precision * abs(values[0]), np.finfo(float).tiny)

    def complex_step(self, name, indices):
        """Im L(x + ih) / h for some entries; NaN for the others."""
        moved = {key: array.astype(complex) for key, array in self.arrays.items()}
        measured = np.full(self.arrays[name].shape, math.nan)
        for index in indices:
            here = moved[name][index]
            moved[name][index] = here + 1e-20j
            loss = np.asarray(self.loss(moved[name] if self.is_single else moved))
            if loss.ndim:
                raise ValueError(f"loss must be a scalar, got shape {loss.shape}")
            moved[name][index] = here
            measured[index] = float(loss.imag) / 1e-20
        return measured

    def gradients(self, given):
        """The gradient to check, as float64 arrays by name."""
        if given is None:
            given = self._by_autograd()
        elif callable(given):
            given = given(self.argument)
        if self.is_single and not isinstance(given, dict):
            given = {"x": given}
        if not isinstance(given, dict):
            raise ValueError(f"gradients must be a dictionary like the parameters, got {type(given).__name__}")
        if given.keys() != self.arrays.keys():
            unmatched = ", ".join(sorted(given.keys() ^ self.arrays.keys()))
            raise ValueError(f"parameters and gradients must have the same names, unmatched: {unmatched}")
        return {name: _checked_gradient(name, given[name], array.shape) for name, array in self.arrays.items()}

    def _by_autograd(self):
        if not self.is_torch:
            raise ValueError("gradients must be given for NumPy parameters, got None")
        torch = sys.modules["torch"]
        tensors = list(self.tensors.values())
        gradients = torch.autograd.grad(self.loss(self.argument), tensors, allow_unused=True)
        return {name: torch.zeros_like(tensor) if gradient is None else gradient
                for name, tensor, gradient in zip(self.tensors, tensors, gradients)}


def _tensors(parameters):
    """{name: tensor} of a PyTorch module or dictionary, or None. PyTorch is not imported: who has a module, has it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if isinstance(parameters, torch.nn.Module):
        return {name: tensor for name, tensor in parameters.named_parameters() if tensor.requires_grad}
    if isinstance(parameters, dict) and parameters and all(torch.is_tensor(t) for t in parameters.values()):
        return parameters
    return None


def _view(name, tensor):
    try:
        return tensor.detach().numpy()
    except (TypeError, RuntimeError):
        raise ValueError(f"parameter {name!r} must be on the CPU and of a type that NumPy knows, "
                         f"got {tensor.dtype} on {tensor.device}") from None


def _scalar(loss):
    if hasattr(loss, "detach"):
        loss = loss.detach().numpy()
    array = np.asarray(loss)
    if array.ndim:
        raise ValueError(f"loss must be a scalar, got shape {array.shape}")
    if array.dtype.kind != "f":
        raise ValueError(f"loss must be a float, got {array.dtype}")
    if not np.isfinite(array):
        raise ValueError(f"loss must be finite, got {array}")
    return float(array)


def _checked_gradient(name, gradient, shape):
    gradient = np.asarray(gradient.detach().numpy() if hasattr(gradient, "detach") else gradient)
    if gradient.dtype.kind != "f":
        raise ValueError(f"gradient {name!r} must hold floats, got {gradient.dtype}")
    if gradient.shape != shape:
        raise ValueError(f"gradient {name!r} must have its parameter's shape {shape}, got {gradient.shape}")
    if not np.isfinite(gradient).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(gradient))[0])
        raise ValueError(f"gradient {name!r} must be finite, got {gradient[first]} at {first}")
    return gradient.astype(float)
