"""Figures, all in one style, and package source, for notebooks.

Each function returns what a notebook then shows, mostly a Figure; none shows or saves it itself.
"""

import ast
import inspect
import io
import textwrap

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
