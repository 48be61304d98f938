"""Figures, all in one style, and package source, for notebooks.

Each function returns what a notebook then shows, mostly a Figure; none shows or saves it itself.
"""

import ast
import inspect
import io
import textwrap

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Okabe & Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7A7A7A"

_STYLE = {"grid": {"color": "#DDDDDD", "linewidth": 0.6}, "spines": ("top", "right")}


class NotebookFigure(Figure):
    """A Figure that a notebook shows without pyplot, as the same bytes each time."""

    def _repr_png_(self):
        picture = io.BytesIO()
        self.savefig(picture, format="png", metadata={"Software": None})
        return picture.getvalue(), {"width": round(100 * self.get_figwidth())}


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


# ---------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------


def heat_map(values, rows, columns, labels, title, diverging=False):
    """A table of numbers as colours, with the numbers written in.

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
        dark = value > 0.6 * largest
        axes.text(column, row, f"{value + 0.0:.2f}", ha="center", va="center", color="white" if dark else "black")
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
        axes.imshow(mask, cmap=LinearSegmentedColormap.from_list("", ["#EEEEEE", BLUE]), vmin=0, vmax=1)
        axes.set_xticks(range(len(tokens)), tokens, rotation=90)
        axes.set_yticks(range(len(tokens)), tokens)
        axes.set_xticks(np.arange(len(tokens) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(tokens) - 1) + 0.5, minor=True)
        axes.grid(True, which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="minor", length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{name}: {int(np.sum(mask))} pairs", fontsize=11)
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
