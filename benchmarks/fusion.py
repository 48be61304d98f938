"""Images and sounds in a small GPT, measured over seeds on writers, speakers and pairs of digits it has not met.

    python benchmarks/fusion.py                       # every row, three seeds each: about an hour on one core
    python benchmarks/fusion.py captions sums:1       # some rows; sums:1 is one seed
    python benchmarks/fusion.py table                 # what has been measured so far

Needs the data sets "optdigits" and "fsdd" (the network, or a folder that MINIGPT_DATA names), and
`pip install -e '.[multimodal]'`. Results go to runs/fusion/results.jsonl. The pictures to test on are by other writers
than those to learn from; the recordings are those that the data set's authors set aside. Settings were chosen on
validation parts; of each training the final weights count.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from minigpt import load_model
from minigpt.config import TrainingConfig
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import (
    addition_facts,
    captions,
    held_out_pairs,
    sums,
)
from minigpt.multimodal.answering import share_right
from minigpt.multimodal.run import FusionConfig, align, build, train

OUT = Path("runs/fusion")
SEEDS = (1, 2, 3)


def setting(seed, steps, batch_size=64, learning_rate=2e-3):
    """How one stage is trained."""
    return TrainingConfig(steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.05,
                          warmup_steps=30, seed=seed, precision="float32")  # fmt: skip


def percent(share):
    """A share as a percentage with two places."""
    return round(100 * share, 2)


def model_that_sees(seed, config):
    """A fused GPT whose image encoder knows the ten words already, and will not change."""
    torch.manual_seed(seed)
    gpt, tokenizer = load_model("minigpt-base")
    model = build(gpt, config)
    images = digit_images("train", "optdigits")
    align({"image": model.encoders["image"]}, gpt, tokenizer, {"image": (images.pixels, images.labels)}, images.names,
          setting(seed, 2500, 128, 3e-3))  # fmt: skip
    model.encoders["image"].requires_grad_(False)
    return model, tokenizer


def pick(items, n, generator):
    """So many items, drawn one by one."""
    return [items[index] for index in generator.integers(len(items), size=n)]


# ------------------------------------------------------------------------------------------------ rows


def captions_row(fusion, steps):
    """Captions of unseen writers' digits."""

    def run(seed):
        model, tokenizer = model_that_sees(seed, FusionConfig(fusion=fusion, train_text=fusion == "projected"))
        images = digit_images("train", "optdigits")
        train(model, tokenizer, lambda generator, n: captions(images[generator.integers(len(images), size=n)]),
              setting(seed, steps))  # fmt: skip
        test = captions(digit_images("test", "optdigits"))
        return {"right, %": percent(share_right(model, tokenizer, test))}, len(test)

    return run


def sums_row(way):
    """The sum of two pictures, whose pair of digits was never shown together with a sum.

    Args:
        way: "direct": the sum alone is asked for; "written": the digits first, as in 3+6=9, with all sums known from
            text; "beside": the text's sums stand beside pictures that have nothing to do with them.
    """

    def run(seed):
        model, tokenizer = model_that_sees(seed, FusionConfig())
        images, unseen = digit_images("train", "optdigits"), digit_images("test", "optdigits")
        held_out, rest = held_out_pairs(np.random.default_rng(seed))
        direct = way == "direct"

        def draw(generator, n):
            shown = sums(images, pick(rest, n // 2, generator), generator, direct)
            seen = captions(images[generator.integers(len(images), size=n // 8)])
            beside = images if way == "beside" else None
            known = pick(held_out + rest, n - n // 2 - n // 8, generator)
            return shown + seen + addition_facts(known, beside, generator)

        train(model, tokenizer, draw, setting(seed, 500))
        generator = np.random.default_rng(99)
        parts = {"held out": held_out, "shown": rest}
        tests = {name: sums(unseen, pick(pairs, 600, generator), generator, direct) for name, pairs in parts.items()}
        values = {f"{name}, %": percent(share_right(model, tokenizer, test)) for name, test in tests.items()}
        facts = addition_facts(held_out)
        return {**values, "from text, %": percent(share_right(model, tokenizer, facts))}, 600

    return run


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    run: Callable
    """run(seed) -> measures by name, and the number of cases of the first"""
    bar: str = ""
    """what the first measure should reach, set beforehand"""


ROWS = {
    "captions": Row("captions, projected tokens (LLaVA)", captions_row("projected", 150), "at least 98"),
    "captions-gated": Row("captions, gated cross-attention (Flamingo)", captions_row("cross-attention", 200),
                          "at least 98"),
    "sums": Row("sums, written out, facts beside other pictures", sums_row("beside"), "at least 90"),
    "sums-written": Row("sums, written out, facts from text alone", sums_row("written")),
    "sums-direct": Row("sums, asked for directly", sums_row("direct")),
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ the table


def interval(percentage, n):
    """Wilson's interval of a share that was measured on n cases, in percent, at 95 %."""
    p, z2 = percentage / 100, 1.96**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5 / (1 + z2 / n)
    return 100 * (middle - reach), 100 * (middle + reach)


def measure(name, seed):
    """Train and measure one row with one seed, and note it."""
    started = time.process_time()
    values, n = ROWS[name].run(seed)
    note = {"row": name, "seed": seed, "values": values, "n": n, "seconds": round(time.process_time() - started)}
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "results.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(note) + "\n")
    print(note, flush=True)


def table():
    """Print the means over seeds, with the interval of each seed's first measure."""
    notes = [json.loads(line) for line in (OUT / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    for name, row in ROWS.items():
        mine = {note["seed"]: note for note in notes if note["row"] == name}  # the last of each seed
        if not mine:
            continue
        print(f"\n{name}: {row.what}" + (f" (bar: {row.bar})" if row.bar else ""))
        for measure_name in next(iter(mine.values()))["values"]:
            each = [mine[seed]["values"][measure_name] for seed in sorted(mine)]
            print(f"  {measure_name:24} {statistics.mean(each):6.2f}   seeds " + ", ".join(f"{v:g}" for v in each))
        first, n = next(iter(next(iter(mine.values()))["values"])), next(iter(mine.values()))["n"]
        low, high = interval(statistics.mean(mine[seed]["values"][first] for seed in mine), n)
        seconds = statistics.mean(note["seconds"] for note in mine.values())
        print(f"  {'of ' + format(n, ',') + ' cases':24} {low:.1f} to {high:.1f}; {seconds:.0f} seconds of one core")


def main(arguments):
    """Measure the rows that are named, or all."""
    if arguments == ["table"]:
        return table()
    for argument in arguments or ROWS:
        name, _, seed = argument.partition(":")
        if name not in ROWS:
            sys.exit(f"unknown row {name!r}: choose from {', '.join(ROWS)}")
        for each in [int(seed)] if seed else SEEDS:
            measure(name, each)
    return table()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
