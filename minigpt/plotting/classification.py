"""A classifier's learning, its mistakes, and what it looks at."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from minigpt.plotting.style import BLUE, GREEN, GREY, ORANGE, NotebookFigure, new_axes

_WHITE_TO_BLUE = LinearSegmentedColormap.from_list("", ["white", BLUE])


def epoch_curves(runs, title):
    """Training and validation loss after each epoch, a panel for each run; the lowest validation loss is marked.

    Args:
        runs: {name: (training losses, validation losses)}, one of each for an epoch.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(4.2 * len(runs), 3.6), layout="constrained", dpi=150)
    for axes, (name, (training, validation)) in zip(figure.subplots(1, len(runs), squeeze=False)[0], runs.items()):
        axes.grid(True, color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=BLUE, marker="o", markersize=4, label="training")
        axes.plot(epochs, validation, color=ORANGE, marker="s", markersize=4, linestyle="--", label="validation")
        best = int(np.argmin(validation))
        axes.plot(epochs[best], validation[best], "*", color="black", markersize=13, label="lowest validation loss")
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel="epoch", ylabel="mean loss (nats)")
        axes.set_title(name, fontsize=11)
    figure.axes[0].legend(frameon=False, fontsize=9)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def confusion_matrix(counts, labels, title):
    """Which class was taken for which: colours are shares of a row, numbers are examples.

    Args:
        counts: (C, C) integers; a row for each true class, a column for each predicted one.
        labels: names of the C classes.
        title: what the figure shows.
    """
    counts = np.asarray(counts)
    figure, axes = new_axes(2.6 + 0.38 * len(labels), 1.9 + 0.34 * len(labels))
    axes.grid(False)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap=_WHITE_TO_BLUE, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    figure.colorbar(image, label="share of the true class")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def class_bars(measures, title):
    """Precision, recall and F1 of each class, with the number of its test examples.

    Args:
        measures: {class: {"precision": …, "recall": …, "f1-score": …, "support": …}}, from 0 to 1.
        title: what the figure shows.
    """
    figure, axes = new_axes(7.5, 1.2 + 0.36 * len(measures))
    axes.grid(False, axis="y")
    places = np.arange(len(measures))[::-1]
    for offset, (key, name, colour) in enumerate(
        [("precision", "precision", BLUE), ("recall", "recall", ORANGE), ("f1-score", "F1", GREEN)]
    ):
        values = [row[key] for row in measures.values()]
        axes.barh(places + 0.26 * (1 - offset), values, 0.24, color=colour, label=name)
    axes.set_yticks(places, [f"{name} ({row['support']:.0f})" for name, row in measures.items()])
    axes.set_xlim(0, 1)
    axes.set(xlabel="share (0 to 1)", ylabel="class (test examples)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title(title, loc="left")
    return figure


def listening(weights, tokens, title):
    """How much the last token listens to each token, by layer, as colours.

    Args:
        weights: (L, T): a row for each layer, which sums to 1.
        tokens: names of the T tokens.
        title: what the figure shows.
    """
    weights = np.asarray(weights)
    figure, axes = new_axes(max(5.0, 1.6 + 0.42 * len(tokens)), 1.7 + 0.42 * len(weights))
    axes.grid(False)
    image = axes.imshow(weights, cmap=_WHITE_TO_BLUE, vmin=0, vmax=weights.max(), aspect="auto")
    axes.set_xticks(range(len(tokens)), [token.replace("$", r"\$") for token in tokens], rotation=60, ha="right")
    axes.set_yticks(range(len(weights)), range(1, len(weights) + 1))
    axes.spines[:].set_visible(False)
    axes.set(xlabel="token that is read", ylabel="layer")
    figure.colorbar(image, label="attention weight")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def accuracy_by_labels(n_labels, accuracies, intervals, title, baseline=None):
    """Accuracy against the number of labelled examples: a point for each seed, a line through their means.

    Args:
        n_labels: the N numbers of examples.
        accuracies: {name: for each number a list of percentages, one of each seed}; at most three names.
        intervals: {name: (low, high) of the first seed's run for each number}, drawn as bars.
        title: what the figure shows.
        baseline: percentage of the commonest class, or None.
    """
    figure, axes = new_axes(8.0, 3.8)
    styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"))
    for shift, ((name, values), (colour, marker, line)) in enumerate(zip(accuracies.items(), styles)):
        places = np.asarray(n_labels) * 1.06**shift  # bars side by side
        axes.plot(places, [np.mean(seeds) for seeds in values], color=colour, linestyle=line, linewidth=1.8,
                  label=f"{name}: mean of the seeds")  # fmt: skip
        axes.vlines(places, *np.transpose(intervals[name]), color=colour, linewidth=4, alpha=0.3,
                    label="95 % interval of one run")  # fmt: skip
        for place, seeds in zip(places, values):
            axes.plot([place] * len(seeds), seeds, marker, color=colour, markersize=5)
    if baseline is not None:
        axes.axhline(baseline, color=GREY, linestyle=":", label="always the commonest class")
    axes.set_xscale("log")
    axes.set_xticks(n_labels, [f"{n:,}" for n in n_labels])
    axes.minorticks_off()
    axes.set_ylim(0, 100)
    axes.set(xlabel="labelled training examples", ylabel="accuracy on the test part (%)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title(title, loc="left")
    return figure
