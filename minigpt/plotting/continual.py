"""Tasks that arrive one after another: what is still known of each."""

from minigpt.plotting.style import NotebookFigure


def accuracy_matrices(matrices, tasks, title):
    """Heat maps side by side: the accuracy in per cent on each task, after each task was learned.

    Args:
        matrices: {name: (T, T) accuracies from 0 to 1, a row for each task that was learned}, at most six.
        tasks: names of the T tasks.
        title: what the figure shows.
    """
    n = len(tasks)
    columns = min(3, len(matrices))
    rows = -(-len(matrices) // columns)
    size = 0.46 * n + 0.5
    figure = NotebookFigure(figsize=(size * columns + 1.2, (size + 0.75) * rows + 0.5), layout="constrained", dpi=150)
    axes = figure.subplots(rows, columns, squeeze=False)
    for place, (name, values) in zip(axes.flat, matrices.items()):
        place.imshow(values, cmap="Blues", vmin=0, vmax=1)
        for learned in range(n):
            for measured in range(n):
                value = values[learned][measured]
                place.text(measured, learned, f"{100 * value:.0f}", ha="center", va="center", fontsize=8,
                           color="white" if value > 0.55 else "black")  # fmt: skip
        place.set_title(name, loc="left", fontsize=10)
        place.set_xlabel("measured on", fontsize=9)
        place.set_xticks(range(n), tasks, rotation=45, ha="right", fontsize=8)
        place.set_yticks(range(n), tasks, fontsize=8)
        place.tick_params(length=0)
        place.spines[:].set_visible(False)
    for place in axes.flat[len(matrices) :]:
        place.remove()
    for place in axes[:, 0]:
        place.set_ylabel("just learned")
    figure.suptitle(title, x=0.01, ha="left")
    return figure
