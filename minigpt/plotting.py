"""Figures, all in one style, and package source, for notebooks.

Each function returns what a notebook then shows, mostly a Figure; none shows or saves it itself.
"""

import ast
import inspect
import io
import math
import textwrap

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

# Okabe & Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7A7A7A"

_STYLE = {"grid": {"color": "#DDDDDD", "linewidth": 0.6}, "spines": ("top", "right")}


class NotebookFigure(Figure):
    """A Figure that a notebook shows without pyplot, as the same bytes each time."""

    def _repr_png_(self):
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        smaller = io.BytesIO()  # 256 colours are enough for curves and words, and take a third of the bytes
        Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(smaller, "png", optimize=True)
        return smaller.getvalue(), {"width": round(100 * self.get_figwidth())}


def new_axes(width=7.0, height=4.0):
    """A figure (sizes in inches) with one set of axes in the common style."""
    figure = NotebookFigure(figsize=(width, height), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    axes.grid(True, **_STYLE["grid"])
    axes.set_axisbelow(True)
    axes.spines[list(_STYLE["spines"])].set_visible(False)
    return figure, axes


def loss_curve(records, title=None):
    """Training and validation loss against the number of updates.

    Args:
        records: dictionaries with step, loss and validation_loss (None where it was not looked at), losses in nats.
        title: what the figure shows; by default, where the loss ended.
    """
    figure, axes = new_axes()
    axes.plot([r["step"] for r in records], [r["loss"] for r in records], color=BLUE, linewidth=1.2, label="training")
    looks = [(r["step"], r["validation_loss"]) for r in records if r.get("validation_loss") is not None]
    if looks:
        axes.plot(*zip(*looks), color=ORANGE, linewidth=1.8, marker="o", markersize=4, label="validation")
        axes.legend(frameon=False)
        best_step, best = min(looks, key=lambda look: look[1])
        title = title or f"Validation loss fell to {best:.2f} nats, at step {best_step:,}"
    axes.set_xlabel("update")
    axes.set_ylabel("cross-entropy of the next token (nats)")
    axes.set_title(title or "Training loss", loc="left")
    return figure


def surprise_curve(marked):
    """Surprise against probability.

    Args:
        marked: {label: probability} of points to mark.
    """
    figure, axes = new_axes()
    probabilities = np.linspace(0.01, 1, 400)
    axes.plot(probabilities, -np.log2(probabilities), color=BLUE, linewidth=1.8)
    for label, probability in marked.items():
        surprise = -math.log2(probability) + 0.0
        axes.plot(probability, surprise, "o", color=ORANGE, markersize=7, clip_on=False, zorder=3)
        axes.annotate(f"{label}: {surprise:g} bit{'s' * (surprise != 1)}", (probability, surprise), (4, 10),
                      textcoords="offset points", ha="right" if probability > 0.9 else "left")  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 7), xlabel="probability given to what came", ylabel="surprise (bits)")
    axes.set_title("Each halving of the probability adds one bit of surprise", loc="left")
    return figure


def two_outcome_cross_entropy(truth):
    """Cross-entropy of a belief about a yes-or-no event, above the entropy of the truth.

    Args:
        truth: the event's true probability, between 0 and 1.
    """
    figure, axes = new_axes()
    beliefs = np.linspace(0.005, 0.995, 400)
    costs = -(truth * np.log2(beliefs) + (1 - truth) * np.log2(1 - beliefs))
    entropy = -(truth * math.log2(truth) + (1 - truth) * math.log2(1 - truth))
    axes.plot(beliefs, costs, color=BLUE, linewidth=1.8, label="cross-entropy of the belief")
    axes.axhline(entropy, color=GREY, linestyle="--", label=f"entropy of the truth: {entropy:.3f} bits")
    axes.fill_between(beliefs, entropy, costs, color=BLUE, alpha=0.12, linewidth=0, label="price of a wrong belief")
    axes.plot(truth, entropy, "o", color=ORANGE, markersize=7, label=f"belief = truth = {truth:g}")
    axes.set(xlim=(0, 1), ylim=(0, 4), xlabel="believed probability of yes", ylabel="expected surprise (bits)")
    axes.legend(frameon=False, loc="upper center")
    axes.set_title("Cross-entropy is least where the belief equals the truth", loc="left")
    return figure


def descent_to_floor(losses, floor):
    """Loss of gradient descent against the number of updates, with the entropy that it cannot pass; in bits."""
    figure, axes = new_axes()
    axes.plot(range(len(losses)), losses, color=BLUE, linewidth=1.8, marker="o", markersize=3, label="loss")
    axes.axhline(floor, color=GREY, linestyle="--", label=f"entropy of the counts: {floor:g} bits")
    axes.set(xlabel="updates made", ylabel="cross-entropy (bits)")
    axes.legend(frameon=False)
    axes.set_title("Gradient descent on the scores arrives where counting does", loc="left")
    return figure


def spread_of_means(sizes, spreads, one):
    """How much a batch's mean loss scatters, against the batch size, both on logarithmic axes.

    Args:
        sizes: examples in a batch.
        spreads: standard deviation of the mean loss for each size, in bits.
        one: standard deviation of a single loss, in bits.
    """
    figure, axes = new_axes()
    axes.loglog(sizes, spreads, "o", color=BLUE, markersize=7, label="measured")
    axes.loglog(sizes, one / np.sqrt(sizes), color=ORANGE, linewidth=1.5, zorder=1, label=f"{one:g} / √N")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_yticks(one / np.sqrt(sizes), [f"{one / math.sqrt(size):.3g}" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="examples in a batch, N", ylabel="spread of the mean loss (bits)")
    axes.legend(frameon=False)
    axes.set_title("Four times the batch halves the noise of the mean loss", loc="left")
    return figure


def pushes(scores, curves):
    """Size of the gradient on the score of the right class, for several losses: {name: |∂ℓ/∂z| at each score}."""
    figure, axes = new_axes()
    styles = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))
    for (name, curve), (colour, style) in zip(curves.items(), styles):
        axes.plot(scores, curve, color=colour, linestyle=style, linewidth=1.8, label=name)
    axes.set(xlabel="score z of the right answer  (left: surely wrong, right: surely right)",
             ylabel="size of the gradient, |∂ℓ/∂z|", ylim=(0, 1.05))  # fmt: skip
    axes.legend(frameon=False)
    axes.set_title("Surely wrong: cross-entropy pushes, the squared error hardly does", loc="left")
    return figure


def bits_by_context(curves, title, floor=None):
    """Bits per byte of counting models against the length of their context.

    Args:
        curves: {name: bits per byte for a context of 0, 1, 2, … bytes}; at most four.
        title: what the figure shows.
        floor: entropy of the language in bits per byte, where it is known.
    """
    figure, axes = new_axes()
    styles = ((BLUE, "o", "-"), (GREEN, "^", "-"), (ORANGE, "s", "--"), (PURPLE, "D", "--"))
    for (name, curve), (colour, marker, line) in zip(curves.items(), styles):
        axes.plot(range(len(curve)), curve, color=colour, marker=marker, markersize=5, linestyle=line, label=name)
    if floor is not None:
        axes.axhline(floor, color="black", linewidth=1.5, label=f"entropy of the language: {floor:.3f}")
    axes.set(xlabel="bytes of context (0: unigram, 1: bigram, 2: trigram)", ylabel="cross-entropy (bits per byte)")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    axes.set_title(title, loc="left")
    return figure


# ---------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------


def heat_map(values, rows, columns, labels, title, diverging=False):
    """A table of numbers as colours, with the numbers written in; without signs, an exact 0 stays empty.

    Args:
        values: (R, C).
        rows, columns: names of the R rows and the C columns.
        labels: what the rows, the columns and the numbers are.
        title: what the figure shows.
        diverging: True for numbers of both signs: white is 0, and blue and orange are equally far from it.
    """
    figure, axes = new_axes(1.9 + 0.85 * len(columns), 1.5 + 0.5 * len(rows))
    axes.grid(False)
    largest = np.abs(values).max()
    colours = LinearSegmentedColormap.from_list("", [ORANGE, "white", BLUE] if diverging else ["white", BLUE])
    image = axes.imshow(values, cmap=colours, vmin=-largest if diverging else 0, vmax=largest, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 * largest else "black"
        words = f"{value + 0.0:.2f}" if value or diverging else ""
        axes.text(column, row, words, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    axes.set(ylabel=labels[0], xlabel=labels[1])
    figure.colorbar(image, label=labels[2])
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def attention_map(weights, tokens, title):
    """Who listens to whom: attention weights (T, T) of one head, tokens at both axes."""
    labels = ("query: the token that reads", "key: the token that is read", "attention weight")
    return heat_map(weights, tokens, tokens, labels, title)


def mask_panels(masks, tokens, title):
    """Masks side by side, blue where a query may look.

    Args:
        masks: {name: (T, T) booleans}.
        tokens: names of the T tokens.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(3.0 * len(masks), 3.4), layout="constrained", dpi=150)
    for axes, (name, mask) in zip(figure.subplots(1, len(masks), sharey=True, squeeze=False)[0], masks.items()):
        mask = np.asarray(mask)
        axes.imshow(mask, cmap=LinearSegmentedColormap.from_list("", ["#EEEEEE", BLUE]), vmin=0, vmax=1)
        axes.set_xticks(range(len(tokens)), tokens, rotation=90)
        axes.set_yticks(range(len(tokens)), tokens)
        axes.set_xticks(np.arange(len(tokens) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(tokens) - 1) + 0.5, minor=True)
        axes.grid(True, which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{name}: {mask.sum()} pairs", fontsize=11)
        axes.set_xlabel("key: read")
    figure.axes[0].set_ylabel("query: reads")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def scaling_curves(x, curves, labels, title, logarithmic=True, marked=None):
    """Quantities that grow with another one, on logarithmic axes.

    Args:
        x: the values at which they were computed.
        curves: {name: values}, at most four.
        labels: of the horizontal and the vertical axis, with units.
        title: what the figure shows.
        logarithmic: False leaves the vertical axis linear, from 0.
        marked: (x, words) of a place worth a vertical line, or None.
    """
    figure, axes = new_axes()
    styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"), (PURPLE, "D", "-."))
    for (name, values), (colour, marker, line) in zip(curves.items(), styles):
        axes.plot(x, values, color=colour, marker=marker, markersize=5, linestyle=line, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(x, [f"{value:,}" for value in x])
    if logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    if marked is not None:
        axes.axvline(marked[0], color=GREY, linestyle=":")
        axes.annotate(marked[1], (marked[0], 0.04), (4, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", color="#555555")  # fmt: skip
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.legend(frameon=False)
    axes.set_title(title, loc="left")
    return figure


# ---------------------------------------------------------------------------------------------------------------
# Gradients
# ---------------------------------------------------------------------------------------------------------------


def secants(function, x, steps, slope):
    """A curve, lines through two of its points that come closer to each other, and the tangent they turn into.

    Args:
        function: of an array.
        x: where all lines meet.
        steps: distances to the other point, at most three, the largest first.
        slope: the tangent's.
    """
    figure, axes = new_axes()
    around = np.linspace(x - 1.25 * steps[0], x + 1.25 * steps[0], 200)
    axes.plot(around, function(around), color="black", linewidth=2, label="L(z)")
    for step, colour, style in zip(steps, (ORANGE, GREEN, PURPLE), ("--", "-.", ":")):
        secant = (function(x + step) - function(x)) / step
        label = f"through z and z + {step:g}: slope {secant:.4f}"
        axes.plot(around, function(x) + secant * (around - x), color=colour, linestyle=style, label=label)
        axes.plot(x + step, function(x + step), "o", color=colour)
    axes.plot(around, function(x) + slope * (around - x), color=BLUE, label=f"tangent: slope {slope:.4f}")
    axes.plot(x, function(x), "o", color="black", zorder=3)
    axes.set(xlabel="score z of the right answer", ylabel="loss L (nats)")
    axes.legend(frameon=False)
    axes.set_title("The closer the two points, the nearer the line to the tangent", loc="left")
    return figure


def chain_of_operations(nodes, arrows, title):
    """A small computation: values above each name, gradients below, arrows for what is used where.

    Args:
        nodes: {name: ((x, y), value, gradient)}, places in units of one arrow.
        arrows: (from, to, derivative of `to` with respect to `from`).
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(8.2, 3.7), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    for start, end, derivative in arrows:
        (x0, y0), (x1, y1) = nodes[start][0], nodes[end][0]
        axes.annotate("", (x1, y1), (x0, y0), zorder=1,
                      arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 34,
                                  "shrinkB": max(34, 10 + 3 * len(end))})  # fmt: skip
        axes.text((x0 + x1) / 2, (y0 + y1) / 2, f"× {derivative:g}", color="#00734F", ha="center", va="center",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
    for name, ((x, y), value, gradient) in nodes.items():
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black"}
        axes.text(x, y, name, ha="center", va="center", bbox=box, zorder=2)
        axes.text(x, y + 0.25, f"{value:g}", ha="center", va="bottom", color=BLUE, weight="bold")
        axes.text(x, y - 0.25, f"{gradient:g}", ha="center", va="top", color="#B36B00", weight="bold")
    places = np.array([node[0] for node in nodes.values()], dtype=float)
    axes.set_xlim(places[:, 0].min() - 0.5, places[:, 0].max() + 0.5)
    axes.set_ylim(places[:, 1].min() - 0.75, places[:, 1].max() + 0.55)
    axes.set_axis_off()
    legend = (("value, computed from left to right", BLUE), ("gradient ∂L/∂(this), from right to left", "#B36B00"),
              ("derivative along an arrow", "#00734F"))  # fmt: skip
    for line, (words, colour) in enumerate(legend):
        axes.text(0.99, 0.93 - 0.085 * line, words, color=colour, ha="right", transform=axes.transAxes, fontsize=9)
    axes.set_title(title, loc="left")
    return figure


def errors_by_step(steps, errors, title, floor=1e-17):
    """Error of measured slopes against the step, both on logarithmic axes.

    Args:
        steps: the steps h.
        errors: {method: absolute error for each step}, at most four.
        title: what the figure shows.
        floor: where an error of exactly 0 is drawn.
    """
    figure, axes = new_axes(height=4.4)
    styles = ((ORANGE, "s", "--"), (BLUE, "o", "-"), (GREEN, "^", "-."), (PURPLE, "D", ":"))
    for (name, values), (colour, marker, style) in zip(errors.items(), styles):
        shown = np.maximum(values, floor)
        axes.loglog(steps, shown, color=colour, marker=marker, markersize=4, linestyle=style, label=name)
    axes.set_ylim(floor / 5, 10 * max(max(values) for values in errors.values()))
    axes.invert_xaxis()
    axes.set(xlabel="step h  (smaller to the right)", ylabel=f"absolute error of the slope  (0 drawn at {floor:g})")
    axes.legend(frameon=False, fontsize=9)
    axes.set_title(title, loc="left")
    return figure


def taylor_remainders(steps, curves, title):
    """What a tangent leaves unexplained, |L(x + hd) - L(x) - h⟨g, d⟩|, against h, on logarithmic axes.

    Args:
        steps: the steps h.
        curves: {name: remainders}, at most three.
        title: what the figure shows.
    """
    figure, axes = new_axes(height=4.4)
    styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (PURPLE, "D", ":"))
    for (name, values), (colour, marker, style) in zip(curves.items(), styles):
        shown = np.where(np.asarray(values) > 0, values, np.nan)
        axes.loglog(steps, shown, color=colour, marker=marker, markersize=4, linestyle=style, label=name)
    first = next(iter(curves.values()))[0]
    for power, style in ((2, (0, (1, 3))), (1, (0, (6, 4)))):
        axes.loglog(steps, first * (steps / steps[0]) ** power, color=GREY, linewidth=1, linestyle=style, zorder=0,
                    label=f"slope {power}, for comparison")  # fmt: skip
    axes.set_ylim(1e-18, None)
    axes.invert_xaxis()
    axes.set(xlabel="step h along a random direction  (smaller to the right)", ylabel="Taylor remainder (nats)")
    axes.legend(frameon=False, fontsize=9)
    axes.set_title(title, loc="left")
    return figure


def kink(x, measured, truth, step):
    """Slopes of a curve with a kink at 0: what a central difference measures, and what they are.

    Args:
        x: places.
        measured: central differences there.
        truth: the true slopes.
        step: h of the differences.
    """
    figure, axes = new_axes(height=3.4)
    axes.axvspan(-step, step, color=GREY, alpha=0.15, linewidth=0, label="closer to the kink than one step")
    axes.plot(x, np.where(np.abs(x) < 1e-12, np.nan, truth), color=ORANGE, linewidth=3, label="true slope of ReLU")
    axes.plot(x, measured, color=BLUE, linewidth=1.5, linestyle="--", label=f"central difference, h = {step:g}")
    axes.set(xlabel="x", ylabel="slope, ∂y/∂x", ylim=(-0.1, 1.1))
    axes.legend(frameon=False, loc="upper left")
    axes.set_title("Within one step of a kink, the difference mixes both sides' slopes", loc="left")
    return figure


def staircase(offsets, coarse, fine):
    """The same loss in float32 and in float64, from very near.

    Args:
        offsets: distances from the middle.
        coarse, fine: loss minus a constant, in nats.
    """
    figure, axes = new_axes(height=3.6)
    axes.plot(1e7 * offsets, 1e7 * coarse, color=ORANGE, linewidth=1.6, label="float32")
    axes.plot(1e7 * offsets, 1e7 * fine, color=BLUE, linewidth=1.8, linestyle="--", label="float64")
    axes.set(xlabel="distance moved, h (10⁻⁷)", ylabel="change of the loss (10⁻⁷ nats)")
    axes.legend(frameon=False)
    axes.set_title("From near, a float32 loss is a staircase: small steps see only stairs", loc="left")
    return figure


def two_curves(losses, difference):
    """Two loss curves that should lie on each other: the first wide, the second thin and dashed on top of it.

    Args:
        losses: {name: losses in nats, one an update}, two of them.
        difference: the largest distance between the two, in nats.
    """
    figure, axes = new_axes()
    styles = [{"color": ORANGE, "linewidth": 4}, {"color": BLUE, "linewidth": 1.2, "linestyle": "--"}]
    for (name, values), style in zip(losses.items(), styles):
        axes.plot(range(1, len(values) + 1), values, label=name, **style)
    axes.legend(frameon=False)
    axes.set_xlabel("update")
    axes.set_ylabel("cross-entropy of the next token (nats)")
    axes.set_title(f"The two curves differ by at most {difference:.0e} nats", loc="left")
    return figure


# ---------------------------------------------------------------------------------------------------------------
# Source, shown in notebooks instead of copied into them
# ---------------------------------------------------------------------------------------------------------------


class ShownSource:
    """Source code that a notebook renders in colour, under the name of its file."""

    def __init__(self, name, code):
        self.name = name
        self.code = code

    def __repr__(self):
        return f"source of {self.name}"

    def _repr_markdown_(self):
        return f"`{self.name}`:\n\n```python\n{self.code}\n```"


def show_source(shown, docstring=True):
    """The source of a function, class or module of this package, for the last line of a cell.

    Args:
        shown: what to show.
        docstring: False leaves the docstring of a function out, where the chapter has just said the same.
    """
    code = textwrap.dedent(inspect.getsource(shown)).rstrip()
    if not docstring and shown.__doc__:
        code = _without_docstring(code)
    module = shown.__name__ if inspect.ismodule(shown) else f"{shown.__module__}.{shown.__qualname__}"
    return ShownSource(module, code)


def _without_docstring(code):
    """The code of a function or class without the lines of its first docstring."""
    body = ast.parse(code).body[0].body
    lines = code.splitlines()
    return "\n".join(lines[: body[0].lineno - 1] + lines[body[0].end_lineno :])
