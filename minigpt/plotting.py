"""Figures, all in one style. Each function returns a Figure; none shows or saves it."""

from matplotlib.figure import Figure

# Okabe & Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7A7A7A"

_STYLE = {"grid": {"color": "#DDDDDD", "linewidth": 0.6}, "spines": ("top", "right")}


def new_axes(width=7.0, height=4.0):
    """A figure (sizes in inches) with one set of axes in the common style."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
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
