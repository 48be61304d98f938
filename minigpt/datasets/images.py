"""Pictures with labels: handwritten digits of 8 × 8 pixels, which come with scikit-learn, and public sets by name.

Pixels are numbers from -1 (paper) to 1 (ink), float32.
"""

import gzip
import io
import json
import zipfile
from dataclasses import dataclass

import numpy as np

from minigpt.config import unknown
from minigpt.datasets.catalog import locate

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class LabelledImages:
    """Pictures and what they show.

    Attributes:
        pixels: (N, C, height, width) float32 from -1 to 1; C is 1 for grey, 3 for colour.
        labels: (N,) int64, indices into `names`.
        names: what each label is called.
    """

    pixels: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, chosen):
        """The images at these indices."""
        return LabelledImages(self.pixels[chosen], self.labels[chosen], self.names)


DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digit_images(part, data="digits"):
    """Handwritten digits.

    Args:
        part: "train", "validation" or "test".
        data: "digits", embedded: the 1,797 of scikit-learn, 8 × 8, in the order of the file, where each writer's
            stand together; 1,100, 250 and 447 of them. Or, by name from the catalogue, "optdigits": 30 writers' digits
            to train and validate on (2,999 and 824), and all of scikit-learn's, which other people wrote, to test; or
            "mnist-t10k", 28 × 28: 7,000, 1,000 and 2,000 of the 10,000.
    Raises:
        ValueError: if the part or the name is unknown, or a file cannot be had.
    Source: Alpaydin & Kaynak (1998), UCI; LeCun et al. (1998).
    """
    if part not in PARTS:
        raise ValueError(unknown("part", part, PARTS))
    makers = {"digits": _embedded, "optdigits": _optdigits, "mnist-t10k": _mnist}
    if data not in makers:
        raise ValueError(unknown("set of digit images", data, makers))
    pixels, labels = makers[data](part)
    return LabelledImages(pixels[:, None].astype(np.float32), labels.astype(np.int64), DIGIT_NAMES)


def _embedded(part):
    pixels, labels = _scikit_learn_digits()
    chosen = {"train": slice(1100), "validation": slice(1100, 1350), "test": slice(1350, None)}[part]
    return pixels[chosen], labels[chosen]


def _scikit_learn_digits():
    from sklearn.datasets import load_digits  # an extra

    digits = load_digits()
    return digits.images / 8 - 1, digits.target


def _optdigits(part):
    if part == "test":
        return _scikit_learn_digits()
    train, holdout = locate("optdigits")
    lines = np.loadtxt(train if part == "train" else holdout, delimiter=",", dtype=np.int64)
    return lines[:, :64].reshape(-1, 8, 8) / 8 - 1, lines[:, 64]


def _mnist(part):
    images, labels = (gzip.decompress(path.read_bytes()) for path in locate("mnist-t10k"))
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28) / 127.5 - 1
    chosen = {"train": slice(7000), "validation": slice(7000, 8000), "test": slice(8000, None)}[part]
    return pixels[chosen], np.frombuffer(labels, np.uint8, offset=8)[chosen]


def emoji_images(part, size=32):
    """Emoji in colour, on white, and their categories, such as "Animals & Nature".

    Args:
        part: "train", "validation" or "test": 70, 10 and 20 of each hundred, drawn once and for all.
        size: pixels on each side; a divisor of 64.
    Raises:
        ValueError: if the part is unknown, or the data set cannot be had.
    Source: Twemoji, Twitter, Inc. and other contributors.
    """
    if part not in PARTS:
        raise ValueError(unknown("part", part, PARTS))
    from PIL import Image

    table, archive = locate("twemoji-captions")
    entries = {entry["image"]: entry for entry in json.loads(table.read_text(encoding="utf-8"))}
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.rpartition("/")[2] in entries)
        order = np.random.default_rng(0).permutation(len(names))
        low, high = {"train": (0, 0.7), "validation": (0.7, 0.8), "test": (0.8, 1)}[part]
        chosen = [names[index] for index in order[round(low * len(names)) : round(high * len(names))]]
        pixels = []
        for name in chosen:
            image = Image.open(io.BytesIO(opened.read(name))).convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
            pixels.append(np.asarray(image.reduce(64 // size)))
    categories = sorted({entry["category"] for entry in entries.values()} - {"Component"})
    labels = [categories.index(entries[name.rpartition("/")[2]]["category"]) for name in chosen]
    pixels = np.stack(pixels).transpose(0, 3, 1, 2) / np.float32(127.5) - 1
    return LabelledImages(pixels.astype(np.float32), np.array(labels, np.int64), tuple(categories))
