"""Small grey pictures: what a model reads, draws and takes them for. Pixels are from -1 (paper) to 1 (ink)."""

import numpy as np

from minigpt.plotting.style import BLUE, GREEN, GREY, ORANGE, NotebookFigure, new_axes


def _show(axes, picture):
    """One picture, dark ink on light paper, with a thin frame."""
    axes.imshow(np.asarray(picture).squeeze(), cmap="Greys", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color="#BBBBBB", linewidth=0.8)


def picture_grid(pictures, words, title, columns=10):
    """Pictures in rows, each with words under it.

    Args:
        pictures: (N, 1, height, width).
        words: N texts, or None.
        title: what the figure shows.
        columns: pictures in a row.
    """
    rows = -(-len(pictures) // columns)
    line = 0.0 if words is None else 0.17 * (1 + max(word.count("\n") for word in words))
    figure = NotebookFigure(figsize=(0.86 * columns, (0.72 + line) * rows + 0.45), layout="constrained", dpi=150)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(pictures) :]:
        axes.set_axis_off()
    for index, (axes, picture) in enumerate(zip(grid, pictures)):
        _show(axes, picture)
        if words is not None:
            axes.set_xlabel(words[index].replace("$", r"\$"), fontsize=8, labelpad=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def picture_rows(rows, title, columns=None):
    """A row of pictures for each name.

    Args:
        rows: {name: (N, 1, height, width)}; all have as many.
        title: what the figure shows.
        columns: N words over the columns, or None.
    """
    n_columns = len(next(iter(rows.values())))
    figure = NotebookFigure(figsize=(1.5 + 0.66 * n_columns, 0.7 * len(rows) + 0.6), layout="constrained", dpi=150)
    grid = figure.subplots(len(rows), n_columns, squeeze=False)
    for line, (name, pictures) in zip(grid, rows.items()):
        for axes, picture in zip(line, pictures):
            _show(axes, picture)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    for axes, word in zip(grid[0], columns or ()):
        axes.set_title(word, fontsize=9)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def cut_picture(picture, patch_size, title):
    """A picture with the lines along which it is cut, and beside it the patches as a sentence.

    Args:
        picture: (height, width).
        patch_size: pixels on each side of a patch.
        title: what the figure shows.
    """
    picture = np.asarray(picture)
    height, width = picture.shape
    n_down, n_across = height // patch_size, width // patch_size
    n_patches = n_down * n_across
    figure = NotebookFigure(figsize=(2.7 + 1.05 * n_patches, 2.5), layout="constrained", dpi=150)
    grid = figure.subplots(1, n_patches + 1, width_ratios=[2.2] + [1] * n_patches)
    _show(grid[0], picture)
    for index in range(1, n_down):
        grid[0].axhline(index * patch_size - 0.5, color=ORANGE, linewidth=2.5)
    for index in range(1, n_across):
        grid[0].axvline(index * patch_size - 0.5, color=ORANGE, linewidth=2.5)
    grid[0].set_xlabel(f"{height} × {width} pixels", fontsize=9)
    for index, axes in enumerate(grid[1:]):
        top, left = (index // n_across) * patch_size, (index % n_across) * patch_size
        _show(axes, picture[top : top + patch_size, left : left + patch_size])
        axes.spines[:].set(color=ORANGE, linewidth=2)
        axes.set_xlabel(f"token {index + 1}:\n{patch_size**2} numbers", fontsize=9)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def learned_and_kept(runs, title):
    """Two measures of each model side by side: what it has learned to see, and what it still knows of text.

    Args:
        runs: {name: (share of right answers from 0 to 1, text loss in nats)}.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(8.6, 1.4 + 0.42 * len(runs)), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(runs))[::-1]
    panels = ((left, 0, BLUE, "right answers on unseen pictures (%)", 100, ".0f"),
              (right, 1, ORANGE, "loss on unseen text (nats per token)", 1, ".2f"))  # fmt: skip
    for axes, which, colour, label, unit, style in panels:
        values = [unit * measures[which] for measures in runs.values()]
        axes.barh(places, values, 0.6, color=colour)
        for place, value in zip(places, values):
            axes.text(value, place, f" {value:{style}}", va="center", fontsize=9)
        axes.set_xlim(0, 1.15 * max(values))
        axes.set_xlabel(label)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_yticks(places, runs)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def curves_by_step(runs, quantity, title):
    """A quantity against the number of updates, a line for each run.

    Args:
        runs: {name: values, one for each update}; at most four.
        quantity: its name and unit.
        title: what the figure shows.
    """
    figure, axes = new_axes(7.5, 3.6)
    styles = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GREY, ":"))
    for (name, values), (colour, line) in zip(runs.items(), styles):
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, linestyle=line, linewidth=1.6, label=name)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="update", ylabel=quantity)
    axes.legend(frameon=False)
    axes.set_title(title, loc="left")
    return figure


def pictures_and_beliefs(pictures, probabilities, names, title):
    """Pictures, each beside the probability of everything that it might show.

    Args:
        pictures: (N, 1, height, width), a few.
        probabilities: (N, C).
        names: of the C classes.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(1.75 * len(pictures) + 0.6, 3.9), layout="constrained", dpi=150)
    grid = figure.subplots(2, len(pictures), height_ratios=[1, 1.5], squeeze=False)
    for index, (picture, beliefs) in enumerate(zip(pictures, probabilities)):
        _show(grid[0, index], picture)
        axes = grid[1, index]
        axes.barh(np.arange(len(names))[::-1], beliefs, color=BLUE)
        axes.set_yticks(np.arange(len(names))[::-1], names if index == 0 else [""] * len(names), fontsize=8)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 1])
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("probability", fontsize=9)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
