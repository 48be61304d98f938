"""Methods of fine-tuning: what they are worth against what they train, and what a weight's change looks like."""

import numpy as np
from matplotlib.patches import Rectangle

from minigpt.plotting.style import BLUE, GREEN, GREY, ORANGE, NotebookFigure, new_axes


def methods_chart(outcomes, measure, title, baseline=None):
    """The measure with its interval against trained parameters, on a logarithmic axis; at the left, those without.

    Args:
        outcomes: with the attributes method, trained, value, low and high.
        measure: name of the vertical axis, with unit.
        title: what the figure shows.
        baseline: value of a prediction without a model, or None.
    """
    figure, axes = new_axes(8.0, 4.6)
    smallest = min(o.trained for o in outcomes if o.trained)
    untrained = [o for o in outcomes if not o.trained]
    zero = smallest / 4
    for number, o in enumerate(untrained):
        _point(axes, o, zero * 0.4 ** (len(untrained) - 1 - number), ORANGE, "s")
    for o in outcomes:
        if o.trained:
            _point(axes, o, o.trained, BLUE, "o")
    if baseline is not None:
        axes.axhline(baseline, color=GREY, linestyle=":", label=f"commonest class: {baseline:.0f}")
        axes.legend(frameon=False, loc="upper left")
    axes.set_xscale("log")
    axes.set_xlim(right=3 * max(o.trained for o in outcomes))
    if untrained:
        axes.axvline(zero * 1.6, color=GREY, linewidth=0.8)
        axes.set_xlim(left=zero * 0.15)
    axes.set(xlabel="parameters trained" + (" (left of the line: none)" if untrained else ""), ylabel=measure)
    low, high = min(o.low for o in outcomes), max(o.high for o in outcomes)
    axes.set_ylim(low - 0.12 * (high - low), high + 0.2 * (high - low))
    axes.set_title(title, loc="left")
    return figure


def _point(axes, outcome, x, colour, marker):
    axes.errorbar(x, outcome.value, [[outcome.value - outcome.low], [outcome.high - outcome.value]], color=colour,
                  marker=marker, capsize=3, linewidth=1.3)  # fmt: skip
    axes.annotate(outcome.method, (x, outcome.high), (0, 4), textcoords="offset points", ha="center", fontsize=8)


def update_spectra(spectra, title, ranks=(8,)):
    """Singular values of several matrices, each divided by its largest: how fast they fall says how low the rank is.

    Args:
        spectra: {name: singular values, largest first}, at most three.
        title: what the figure shows.
        ranks: marked by a vertical line.
    """
    figure, axes = new_axes()
    for (name, values), (colour, line) in zip(spectra.items(), ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))):
        shares = np.asarray(values) / values[0]
        axes.plot(np.arange(1, len(values) + 1), shares, color=colour, linestyle=line, label=name)
    for rank in ranks:
        axes.axvline(rank, color=GREY, linestyle=":", linewidth=1)
        axes.text(rank * 1.04, 0.95, f"rank {rank}", color="#444444", fontsize=9)
    axes.set(xlabel="number of the singular value", ylabel="size, the largest = 1", ylim=(0, 1.05))
    axes.set_xscale("log")
    axes.legend(frameon=False, loc="lower left")
    axes.set_title(title, loc="left")
    return figure


def lora_shapes(d_out, d_in, rank):
    """W, and beside it B times A, drawn to scale, with the numbers in each."""
    figure = NotebookFigure(figsize=(7.6, 3.1), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    thin, gap = max(rank / max(d_in, d_out), 0.03), 0.3
    width, height = d_in / max(d_in, d_out), d_out / max(d_in, d_out)
    left = width + 2.2 * gap
    for x, y, w, h, colour, name in (
        (0, 0, width, height, GREY, f"W: frozen\n{d_out} × {d_in}\n{d_out * d_in:,} numbers"),
        (left, 0, thin, height, ORANGE, ""),
        (left + thin + gap, (height - thin) / 2, width, thin, BLUE, ""),
    ):
        axes.add_patch(Rectangle((x, y), w, h, facecolor=colour, alpha=0.55, edgecolor="black"))
        axes.text(x + w / 2, y + h / 2, name, ha="center", va="center", fontsize=9)
    axes.text(left + thin / 2, -0.05, f"B: {d_out} × {rank}\n{d_out * rank:,} numbers\nstarts at zero",
              ha="center", va="top", fontsize=9)  # fmt: skip
    axes.text(left + thin + gap + width / 2, height / 2 - 0.12,
              f"A: {rank} × {d_in}\n{rank * d_in:,} numbers, starts random",
              ha="center", va="top", fontsize=9)  # fmt: skip
    axes.text(width + gap, height / 2, r"$+\;\frac{\alpha}{r}$", ha="center", va="center", fontsize=15)
    axes.text(left + thin + gap / 2, height / 2, "·", ha="center", va="center", fontsize=18)
    axes.set(xlim=(-0.05, left + thin + gap + width + 0.1), ylim=(-0.35, height + 0.05), aspect="equal",
             xticks=[], yticks=[], xlabel="all inputs pass through both; only the coloured numbers learn")  # fmt: skip
    axes.spines[:].set_visible(False)
    axes.set_title(f"A product of rank {rank} has {100 * rank * (d_in + d_out) / (d_in * d_out):.0f} % of W's numbers",
                   loc="left")  # fmt: skip
    return figure


def calibration_panels(before, after, names, title):
    """How sure a prompted model is of the first of two classes, for each true class, before and after calibration.

    Args:
        before, after: {true class: probabilities of the first class}.
        names: the name of the first class.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(8.0, 3.2), layout="constrained", dpi=150)
    bins = np.linspace(0, 1, 21)
    for axes, (when, found) in zip(figure.subplots(1, 2, sharey=True), (("before", before), ("after", after))):
        for (label, values), (colour, hatch) in zip(found.items(), ((BLUE, ""), (ORANGE, "//"))):
            axes.hist(values, bins, color=colour, alpha=0.6, hatch=hatch, edgecolor="white", label=f"truly {label}")
        axes.axvline(0.5, color="black", linestyle=":", linewidth=1)
        axes.set(xlabel=f"probability of “{names}”, {when} calibration", xlim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("texts")
    figure.axes[1].legend(frameon=False, fontsize=9)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
