"""Who listens to whom, and other tables of numbers as colours."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from minigpt.plotting.style import BLUE, ORANGE, NotebookFigure, new_axes


def heat_map(values, rows, columns, labels, title, diverging=False):
    """A table of numbers as colours, with the numbers written in; without signs, an exact 0 stays empty.

    Args:
        values: (R, C); whole numbers are written as such, others with two places.
        rows, columns: names of the R rows and the C columns.
        labels: what the rows, the columns and the numbers are.
        title: what the figure shows.
        diverging: True for numbers of both signs: white is 0, and blue and orange are equally far from it.
    """
    figure, axes = new_axes(1.9 + 0.85 * len(columns), 1.5 + 0.5 * len(rows))
    axes.grid(False)
    values = np.asarray(values)
    largest, places = np.abs(values).max(), 0 if np.issubdtype(values.dtype, np.integer) else 2
    colours = LinearSegmentedColormap.from_list("", [ORANGE, "white", BLUE] if diverging else ["white", BLUE])
    image = axes.imshow(values, cmap=colours, vmin=-largest if diverging else 0, vmax=largest, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 * largest else "black"
        words = f"{value + 0.0:.{places}f}" if value or diverging else ""
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
    figure = NotebookFigure(figsize=(3.0 * len(masks), 4.1), layout="constrained", dpi=150)
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
