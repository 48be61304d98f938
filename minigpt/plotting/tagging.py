"""Sentences with tags, and how well they were found."""

from matplotlib.patches import Rectangle

from minigpt.plotting.style import BLUE, GREEN, GREY, ORANGE, PURPLE, NotebookFigure, new_axes
from minigpt.plotting.text import visible

_TINTS = ("#CFE4F2", "#F6D9A0", "#BFE3D6", "#EBD0E0")  # blue, orange, green, purple, light enough to write on
_LINES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"))


def tagged_sentences(rows, title):
    """Words in the colours of their tags' types; a tag that differs from the first row's stands in a dark frame.

    Args:
        rows: (label, words, tags) of each line; the first line holds the true tags, all have the same words.
        title: what the figure shows.
    """
    words = rows[0][1]
    kinds = sorted({tag.partition("-")[2] for _, _, tags in rows for tag in tags} - {""})
    colours = dict(zip(kinds, _TINTS))
    widths = [max(len(visible(word)), *(len(tags[place]) for _, _, tags in rows)) + 1
              for place, word in enumerate(words)]  # fmt: skip
    size = (max(6.0, 1.8 + 0.125 * sum(widths)), 1.2 + 0.62 * len(rows))
    figure = NotebookFigure(figsize=size, layout="constrained", dpi=150)
    axes = figure.add_subplot()
    for line, (_, _, tags) in enumerate(rows):
        x = 0
        for word, tag, width, true in zip(words, tags, widths, rows[0][2]):
            colour = colours.get(tag.partition("-")[2], "#F2F2F2")
            edge, line_width = ("black", 1.6) if tag != true else ("white", 1.0)
            axes.add_patch(Rectangle((x + 0.1, line - 0.4), width - 0.2, 0.8, facecolor=colour, edgecolor=edge,
                                     linewidth=line_width))  # fmt: skip
            axes.text(x + width / 2, line - 0.13, visible(word), ha="center", va="center", fontsize=9, parse_math=False)
            axes.text(x + width / 2, line + 0.2, tag, ha="center", va="center", fontsize=7, color="#444444")
            x += width
    axes.set(xlim=(0, sum(widths)), ylim=(len(rows) - 0.5, -0.5), xlabel="words of the sentence, each above its tag")
    axes.set_xticks([])
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def score_bars(scores, label, title, highlighted=()):
    """Scores as bars, one below the other, with the numbers written beside them.

    Args:
        scores: {name: score}, from 0 to 100.
        label: what the scores are.
        title: what the figure shows.
        highlighted: names of the bars that stand out.
    """
    figure, axes = new_axes(7.6, 1.1 + 0.42 * len(scores))
    for row, (name, score) in enumerate(scores.items()):
        axes.barh(row, score, color=ORANGE if name in highlighted else BLUE, height=0.66)
        axes.text(score + 1, row, f"{score:.1f}", va="center", color="black")
    axes.set_yticks(range(len(scores)), list(scores))
    axes.set(xlim=(0, 112), ylim=(len(scores) - 0.4, -0.6), xlabel=label)
    axes.set_xticks(range(0, 101, 20))
    axes.tick_params(axis="y", length=0)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def scores_by_place(places, counts, curves, labels, title):
    """Scores of several models for names at different places, and how many names stand there.

    Args:
        places: names of the places, from left to right.
        counts: names at each place.
        curves: {model: scores at the places, from 0 to 100}.
        labels: what the places and the scores are.
        title: what the figure shows.
    """
    figure, axes = new_axes(7.0, 3.8)
    for (name, scores), (colour, marker) in zip(curves.items(), _LINES):
        axes.plot(range(len(places)), scores, color=colour, marker=marker, label=name)
    axes.set_xticks(range(len(places)), [f"{place}\n({count} names)" for place, count in zip(places, counts)])
    axes.set(xlabel=labels[0], ylabel=labels[1], ylim=(0, 104), xlim=(-0.3, len(places) - 0.7))
    axes.legend(frameon=False, loc="lower right")
    axes.axhline(100, color=GREY, linewidth=0.6)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
