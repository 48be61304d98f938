"""Two GPTs that draw handwritten digits, measured over seeds: one pixel by pixel, one from a text through a VQ-VAE.

    python benchmarks/drawing.py 1 2 3          # a table; about 6 minutes for each seed on one core

Needs the data set "optdigits" (the network, or a folder that MINIGPT_DATA names) and `pip install -e '.[multimodal]'`.
The pictures to learn and to choose settings on are by 30 writers, those of the test by others. What was drawn is judged
by a support vector machine that has learned from real digits alone. Samples of each seed go to runs/drawing/.
"""

import math
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from minigpt.config import SamplingConfig
from minigpt.datasets.images import DIGIT_NAMES, digit_images
from minigpt.multimodal.image_gpt import (
    IMAGE_TRAINING,
    ImageTokens,
    bits_per_dimension,
    class_log_likelihoods,
    draw,
    train_image_gpt,
)
from minigpt.multimodal.vq_vae import (
    PROMPTS,
    TEXT_TRAINING,
    VQ_TRAINING,
    code_perplexity,
    reconstruction_error,
    train_text_to_image,
    train_vq_vae,
)

OUT = Path("runs/drawing")
DATA = "optdigits"
TOKENS = ImageTokens()
EACH = 50  # drawings of each digit

# Measure, bar, number of cases of a share. The bars were set beforehand.
MEASURES = {
    "bits per pixel, class told (17 levels)": ("at most 1.65", None),
    "digits recognised by likelihood, %": ("at least 97", 1797),
    "pixel by pixel: drawn as asked, %": ("at least 95", 10 * EACH),
    "VQ-VAE: squared error, share of the variance": ("", None),
    "VQ-VAE: codes in use (perplexity, of 64)": ("", None),
    "from a text: drawn as asked, %": ("", 10 * EACH),
    "pixel by pixel: CPU seconds of training": ("", None),
    "from a text: CPU seconds of training, VQ-VAE included": ("", None),
}


def judge(images):
    """A support vector machine that has seen these real digits, as a function of pixels (B, 1, 8, 8)."""
    from sklearn.svm import SVC

    machine = SVC(C=10).fit(images.pixels.reshape(len(images), -1), images.labels)
    return lambda pixels: machine.predict(np.asarray(pixels).reshape(len(pixels), -1))


def percent_right(predicted, labels):
    """Share of labels that were met, in percent."""
    return 100 * float(np.mean(np.asarray(predicted) == np.asarray(labels)))


def interval(percent, n):
    """Wilson's interval of a share that was measured on n cases, in percent, at 95 %."""
    share, z = percent / 100, 1.96
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return tuple(100 * (middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))


def train(seed):
    """The GPT that draws pixel by pixel, the one that draws from texts, and the CPU seconds of each."""
    images, validation = digit_images("train", DATA), digit_images("validation", DATA)
    began = time.process_time()
    gpt = train_image_gpt(TOKENS, images, validation, training=replace(IMAGE_TRAINING, seed=seed))
    between = time.process_time()
    vq_vae = train_vq_vae(images, validation, training=replace(VQ_TRAINING, seed=seed))
    drawer = train_text_to_image(vq_vae, images, validation, training=replace(TEXT_TRAINING, seed=seed))
    return gpt, drawer, between - began, time.process_time() - between


def measure(seed, gpt, drawer, *seconds):
    """{measure: value} of what `train` made."""
    images, validation, test = (digit_images(part, DATA) for part in ("train", "validation", "test"))
    judged, labels = judge(images), np.repeat(np.arange(10), EACH)
    sampling = SamplingConfig(temperature=0.8, seed=seed)
    log_prior = torch.from_numpy(np.log(np.bincount(images.labels) / len(images)))
    recognised = (class_log_likelihoods(gpt, TOKENS, test.pixels) + log_prior).argmax(dim=1)
    texts = [PROMPTS[index % len(PROMPTS)].format(DIGIT_NAMES[label]) for index, label in enumerate(labels)]
    drawn, from_text = draw(gpt, TOKENS, labels, sampling), drawer.draw(texts, sampling)
    contact_sheet(drawn, OUT / f"pixel-by-pixel-{seed}.png", "Drawn pixel by pixel")
    contact_sheet(from_text, OUT / f"from-a-text-{seed}.png", "Drawn from texts")
    vq_vae, looked_at = drawer.vq_vae, torch.from_numpy(validation.pixels)
    values = (
        bits_per_dimension(gpt, TOKENS, test.pixels, test.labels),
        percent_right(recognised, test.labels),
        percent_right(judged(drawn), labels),
        reconstruction_error(vq_vae, looked_at) / float(looked_at.var()),
        code_perplexity(vq_vae.encode_codes(looked_at), vq_vae.config.n_codes),
        percent_right(judged(from_text), labels),
        *seconds,
    )
    return dict(zip(MEASURES, values))


def contact_sheet(pixels, path, title):
    """A picture file with the first eight drawings of each digit, a row for each."""
    figure, axes = plt.subplots(10, 8, figsize=(6, 8))
    for axis, image in zip(axes.flat, pixels.view(10, -1, *pixels.shape[2:])[:, :8].flatten(0, 1)):
        axis.imshow(image, cmap="gray_r", vmin=-1, vmax=1)
        axis.axis("off")
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def table(results):
    """The measures of all seeds as Markdown; behind a share, the interval for the cases of one seed."""
    print("| | bar | mean | seeds |\n|---|---|---|---|")
    for name, (bar, n) in MEASURES.items():
        values = [result[name] for result in results]
        mean = statistics.mean(values)
        low, high = interval(mean, n) if n else (0, 0)
        around = f" ({low:.1f} to {high:.1f})" if n else ""
        print(f"| {name} | {bar} | {mean:.4g}{around} | {', '.join(f'{value:.4g}' for value in values)} |")


if __name__ == "__main__":
    torch.set_num_threads(1)
    test = digit_images("test", DATA)
    real = percent_right(judge(digit_images("train", DATA))(test.pixels), test.labels)
    print(f"The judge recognises {real:.1f} % of the test's real digits.")
    table([measure(seed, *train(seed)) for seed in [int(seed) for seed in sys.argv[1:]] or [1, 2, 3]])
