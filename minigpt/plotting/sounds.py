"""Sounds: samples, spectra, spectrograms; and what a model does with a picture and a sound."""

import numpy as np

from minigpt.plotting.style import BLUE, GREEN, GREY, ORANGE, PURPLE, NotebookFigure, new_axes

_STYLES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


def tones_through_samples(frequencies, rate, n_samples, title):
    """Cosine tones of different frequencies, and the samples in which they agree.

    Args:
        frequencies: a few, in Hz; the samples shown are the first one's.
        rate: samples a second.
        n_samples: how many samples to show.
        title: what the figure shows.
    """
    figure, axes = new_axes(8.0, 3.2)
    fine, taken = np.linspace(0, (n_samples - 1) / rate, 2000), np.arange(n_samples) / rate
    for hz, (colour, line, _) in zip(frequencies, _STYLES):
        axes.plot(1000 * fine, np.cos(2 * np.pi * hz * fine), line, color=colour, linewidth=1.4, label=f"{hz:,} Hz")
    axes.plot(1000 * taken, np.cos(2 * np.pi * frequencies[0] * taken), "o", color="black", markersize=6,
              label=f"samples, {rate:,} a second")  # fmt: skip
    axes.set(xlabel="time (milliseconds)", ylabel="air pressure (1 = largest)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title(title, loc="left")
    return figure


def power_spectra(frequencies, spectra, title, lowest=-90):
    """How strong each frequency is, in decibels below the strongest, a line for each spectrum.

    Args:
        frequencies: (F,) in Hz.
        spectra: {name: (F,) power}; at most four.
        title: what the figure shows.
        lowest: decibels at the lower edge.
    """
    figure, axes = new_axes(8.0, 3.6)
    for (name, power), (colour, line, marker) in zip(spectra.items(), _STYLES):
        power = np.asarray(power)
        decibels = 10 * np.log10(np.maximum(power / power.max(), 1e-30))
        axes.plot(frequencies, decibels, line, color=colour, marker=marker, markersize=2.5, linewidth=1.4, label=name)
    axes.set_ylim(lowest, 4)
    axes.set(xlabel="frequency (Hz)", ylabel="power (dB below the strongest)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title(title, loc="left")
    return figure


def mel_triangles(filters, rate, title):
    """The weights with which bands collect frequencies, each band a triangle.

    Args:
        filters: (n_mels, F) weights, for F frequencies from 0 to half the rate.
        rate: samples a second.
        title: what the figure shows.
    """
    figure, axes = new_axes(8.0, 2.8)
    frequencies = np.linspace(0, rate / 2, np.shape(filters)[1])
    for index, weights in enumerate(filters):
        colour, line, _ = _STYLES[index % 2]
        axes.plot(frequencies, weights, line, color=colour, linewidth=1.2)
    axes.set_ylim(0, 1.05)
    axes.set(xlabel="frequency (Hz)", ylabel="weight")
    axes.set_title(title, loc="left")
    return figure


def spectrograms(sounds, rate, centres, title):
    """Sounds side by side: the samples above, the log-mel spectrogram below, on one axis of time.

    Args:
        sounds: {name: (samples (n,), spectrogram (n_mels, frames))}; the frames span the samples' time, or more.
        rate: samples a second.
        centres: (n_mels,) middle of each band, in Hz.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(4.3 * len(sounds), 4.6), layout="constrained", dpi=150)
    grid = figure.subplots(2, len(sounds), sharex="col", squeeze=False, height_ratios=[1, 2.2])
    for index, ((name, (samples, mel)), above, below) in enumerate(zip(sounds.items(), grid[0], grid[1])):
        seconds = len(samples) / rate
        above.plot(np.arange(len(samples)) / rate, samples, color=BLUE, linewidth=0.5)
        above.set_ylim(-1.05, 1.05)
        above.set_title(name, fontsize=11)
        above.spines[["top", "right"]].set_visible(False)
        image = below.imshow(mel, origin="lower", aspect="auto", cmap="magma", vmin=-1, vmax=1, interpolation="nearest",
                             extent=(0, seconds, 0, len(mel)))  # fmt: skip
        wanted = (250, 500, 1000, 2000, 3500)
        below.set_yticks(np.interp(wanted, centres, np.arange(len(centres)) + 0.5), [f"{hz:,}" for hz in wanted])
        below.set_xlabel("time (seconds)")
        if not index:
            above.set_ylabel("sample")
            below.set_ylabel("frequency (Hz, mel scale)")
    figure.colorbar(image, ax=grid[1], label="loudness (1 loudest, −1 cut off)")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def shares_side_by_side(groups, title, label="right answers (%)", chance=None):
    """Groups of bars: a group for each situation, a bar in it for each model.

    Args:
        groups: {situation: {model: share from 0 to 1}}; the same models in each, at most four.
        title: what the figure shows.
        label: what the shares are.
        chance: the share that guessing gives, or None.
    """
    models = list(next(iter(groups.values())))
    figure, axes = new_axes(8.4, 1.1 + (0.12 + 0.24 * len(models)) * len(groups))
    axes.grid(False, axis="y")
    places = np.arange(len(groups))[::-1]
    height = 0.8 / len(models)
    for index, (model, (colour, _, _)) in enumerate(zip(models, _STYLES)):
        values = [100 * group[model] for group in groups.values()]
        middle = places + height * ((len(models) - 1) / 2 - index)
        axes.barh(middle, values, 0.92 * height, color=colour, label=model)
        for place, value in zip(middle, values):
            axes.text(value + 0.8, place, f"{value:.0f}", va="center", fontsize=8)
    if chance is not None:
        axes.axvline(100 * chance, color=GREY, linestyle=":", label="guessing")
    axes.set_yticks(places, groups)
    axes.set_xlim(0, 106)
    axes.set_xlabel(label)
    if len(models) > 1 or chance is not None:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title(title, loc="left")
    return figure


def by_noise(panels, label, title):
    """Shares against the strength of noise: a panel for each kind of noise, a line for each share.

    Args:
        panels: {name of the axis: (names of the levels, {name: shares from 0 to 1, one for each level})}.
        label: what the shares are.
        title: what the figure shows.
    """
    figure = NotebookFigure(figsize=(4.3 * len(panels), 3.6), layout="constrained", dpi=150)
    for axes, (axis, (levels, lines)) in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0],
                                             panels.items()):  # fmt: skip
        axes.grid(True, color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        for (name, shares), (colour, line, marker) in zip(lines.items(), _STYLES):
            axes.plot(range(len(levels)), 100 * np.asarray(shares), line, color=colour, marker=marker, markersize=5,
                      label=name)  # fmt: skip
        axes.set_xticks(range(len(levels)), levels)
        axes.set_ylim(-3, 103)
        axes.set_xlabel(axis)
    figure.axes[0].set_ylabel(label)
    figure.axes[-1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.suptitle(title, x=0.01, ha="left")
    return figure
