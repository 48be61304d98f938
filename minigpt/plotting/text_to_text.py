"""Answers: where a span begins and ends, how sure each token is, how good each task is."""

import numpy as np

from minigpt.plotting.style import BLUE, GREY, ORANGE, NotebookFigure, new_axes


def span_probabilities(tokens, first, last, title, n_most=60):
    """How likely each token of a context is to begin and to end the answer.

    Args:
        tokens: of the context, as text; one more for no answer may stand at the end.
        first, last: probabilities of the same number of tokens.
        title: what the figure shows.
        n_most: so many tokens at most, around the likeliest start.
    """
    first, last = np.asarray(first), np.asarray(last)
    centre = int(first.argmax())
    begin = max(0, min(centre - n_most // 2, len(tokens) - n_most))
    shown = slice(begin, begin + n_most)
    figure, axes = new_axes(9.0, 4.2)
    places = np.arange(len(tokens[shown]))
    axes.bar(places - 0.2, first[shown], 0.4, color=BLUE, label="first token of the answer")
    axes.bar(places + 0.2, last[shown], 0.4, color=ORANGE, hatch="//", edgecolor="white", label="last token")
    axes.set_xticks(places, tokens[shown], rotation=90, fontsize=8)
    axes.set(ylabel="probability", xlabel="tokens of the context", ylim=(0, 1))
    axes.legend(frameon=False)
    axes.set_title(title, loc="left")
    return figure


def answer_probabilities(answers, title):
    """How likely a model finds each token of right answers, given the tokens before it.

    Args:
        answers: {name of the row: (tokens, probabilities)}, at most four.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(9.0, 1.0 + 1.75 * len(answers)), layout="constrained", dpi=150)
    rows = figure.subplots(len(answers), 1, squeeze=False)[:, 0]
    for axes, (name, (tokens, probabilities)) in zip(rows, answers.items()):
        probabilities = np.asarray(probabilities)
        axes.bar(range(len(tokens)), probabilities, color=[BLUE if p >= 0.5 else ORANGE for p in probabilities])
        axes.axhline(0.5, color=GREY, linestyle=":", linewidth=1)
        axes.set_xticks(range(len(tokens)), tokens, rotation=60, fontsize=8, ha="right", rotation_mode="anchor")
        axes.set(ylim=(0, 1), ylabel="probability")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(name, loc="left", fontsize=10)
    rows[-1].set_xlabel("tokens of the right answer; orange: below one half")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def score_by_task(scores, title):
    """Before, after and a baseline, a group of bars for each task.

    Args:
        scores: {task and measure: {row: value from 0 to 100}}; the same rows, at most three, for each task.
        title: what the figure shows.
    """
    rows = list(next(iter(scores.values())))
    figure, axes = new_axes(9.0, 4.0)
    places = np.arange(len(scores))
    width = 0.8 / len(rows)
    for index, (name, colour, hatch) in enumerate(zip(rows, (GREY, ORANGE, BLUE), ("", "//", ""))):
        values = [task[name] for task in scores.values()]
        x = places + (index - (len(rows) - 1) / 2) * width
        axes.bar(x, values, width, color=colour, hatch=hatch, edgecolor="white", label=name)
        for place, value in zip(x, values):
            axes.text(place, value + 1, f"{value:.0f}", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(places, scores)
    axes.set(ylabel="measure (0 to 100)", ylim=(0, 108), xlabel="task and measure")
    axes.legend(frameon=False, ncols=len(rows), loc="upper right")
    axes.set_title(title, loc="left")
    return figure
