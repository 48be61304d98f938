"""What a language model is good for: texts to order, and texts to learn from."""

import numpy as np

from minigpt.plotting.style import BLUE, GREY, ORANGE, PURPLE, new_axes


def stacked_shares(rows, xlabel, title):
    """Bars of equal length, each cut into parts.

    Args:
        rows: {name of a bar: {name of a part: its share}}, the same parts in each, at most four; the shares of a bar
            add up to 1.
        xlabel: what they are shares of.
        title: what the figure shows.
    """
    figure, axes = new_axes(height=1.4 + 0.55 * len(rows))
    places, left = np.arange(len(rows)), np.zeros(len(rows))
    parts = list(next(iter(rows.values())))
    for part, colour, hatch in zip(parts, (BLUE, ORANGE, "#C8C8C8", PURPLE), ("", "//", "", "..")):
        shares = np.array([row[part] for row in rows.values()])
        axes.barh(places, shares, left=left, height=0.6, color=colour, hatch=hatch, edgecolor="white", label=part)
        for place, share, start in zip(places, shares, left):
            if share >= 0.06:  # else the number has no room
                axes.text(start + share / 2, place, f"{100 * share:.0f} %", ha="center", va="center",
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85})  # fmt: skip
        left = left + shares
    axes.set_yticks(places, list(rows))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel=xlabel)
    axes.grid(False, axis="y")
    figure.legend(frameon=False, loc="outside lower center", ncols=4)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def runs_side_by_side(results, ylabel, title):
    """The same measure under several conditions; the runs of one seed are joined by a line.

    Args:
        results: {condition: [value of each seed]}, equally many, seeds in the same order.
        ylabel: of the measure, with its unit.
        title: what the figure shows.
    """
    figure, axes = new_axes(width=1.5 + 1.7 * len(results))
    values = np.array(list(results.values()), dtype=float)  # (conditions, seeds)
    places = np.arange(len(results))
    for number, seed in enumerate(values.T):
        axes.plot(places, seed, color=GREY, linewidth=0.8, zorder=1)
        axes.plot(places, seed, color=BLUE, marker="osD^v"[number % 5], linestyle="none", label=f"seed {number + 1}")
    axes.hlines(values.mean(axis=1), places - 0.22, places + 0.22, color=ORANGE, linewidth=3, label="mean")
    axes.set_xticks(places, list(results))
    axes.set_xlim(-0.5, len(results) - 0.5)
    axes.set(ylabel=ylabel, xlabel="what the classifier learned from")
    figure.legend(frameon=False, loc="outside lower center", ncols=6)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
