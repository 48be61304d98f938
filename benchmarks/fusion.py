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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from minigpt import load_model
from minigpt.config import TrainingConfig
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import (
    addition_facts,
    captions,
    compared,
    held_out_pairs,
    seen_and_heard,
    some_missing,
    sums,
    transcripts,
    with_noise,
    without,
)
from minigpt.datasets.sounds import spoken_digits
from minigpt.multimodal.answering import PREPARE, prepare_images, prepare_sounds, share_right
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.contrastive import IMAGE_BINDS, mean_average_precision, recall_at_k
from minigpt.multimodal.fusion import product_of_experts
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


ALIGNMENT = {"image": (2500, 128), "audio": (1500, 64)}
"""steps, and items in a batch"""
BOTH = FusionConfig(audio=AudioConfig())


def aligned(seed, config, data, prepare=PREPARE, pairs=None):
    """A fused GPT whose encoders know the ten words already, and will not change; and how they were aligned."""
    torch.manual_seed(seed)
    gpt, tokenizer = load_model("minigpt-base")
    model = build(gpt, config)
    items = {name: (of.pixels if name == "image" else of.samples, of.labels) for name, of in data.items()}
    names = next(iter(data.values())).names
    if pairs is None:  # each modality by itself
        aligners = {}
        for name in items:
            alone = {name: model.encoders[name]}, gpt, tokenizer, {name: items[name]}, names
            aligners[name] = align(*alone, setting(seed, *ALIGNMENT[name], 3e-3), prepare)
    else:
        together = setting(seed, 1500, 128, 3e-3)
        aligners = align(dict(model.encoders), gpt, tokenizer, items, names, together, prepare, pairs)
    for encoder in model.encoders.values():
        encoder.requires_grad_(False)
    return model, tokenizer, aligners


def model_that_sees(seed, config):
    """A fused GPT for the training part of the handwritten digits."""
    return aligned(seed, config, {"image": digit_images("train", "optdigits")})[:2]


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


def transcripts_row(seed):
    """Spoken digits of known speakers, in takes that their authors set aside."""
    return {"right, %": percent(_transcribed(seed, spoken_digits("train", "fsdd"), spoken_digits("test", "fsdd")))}, 300


def speakers_row(seed):
    """Spoken digits of a speaker who was never heard, each of the six in turn: all takes that are not the test's."""
    heard = [spoken_digits(part, "fsdd") for part in ("train", "validation")]
    shares = {}
    for speaker in sorted(set(heard[0].speakers)):
        others = heard[0][~heard[0].by(speaker)]
        shares[speaker] = _transcribed(seed, others, *(part[part.by(speaker)] for part in heard))
    each = {f"{speaker}, %": percent(share) for speaker, share in shares.items()}
    return {"mean, %": percent(statistics.mean(shares.values())), **each}, 900


def _transcribed(seed, known, *tests):
    model, tokenizer, _ = aligned(seed, FusionConfig(image=None, audio=AudioConfig()), {"audio": known})
    train(model, tokenizer, lambda generator, n: transcripts(known[generator.integers(len(known), size=n)]),
          setting(seed, 150))  # fmt: skip
    return share_right(model, tokenizer, [example for test in tests for example in transcripts(test)])


IMAGE_NOISE, SPEECH_NOISE = 0.8, 0.0
"""σ on pixels from -1 to 1; decibels of speech over noise"""


def noisy_images(images, generator=None):
    """In training, noise of any strength up to a quarter above the test's."""
    pixels = prepare_images(images, generator)
    if generator is None:
        return pixels
    sigma = 1.25 * IMAGE_NOISE * torch.rand(len(pixels), 1, 1, 1, generator=generator)
    return pixels + sigma * torch.randn(pixels.shape, generator=generator)


def noisy_sounds(sounds, generator=None):
    """In training, noise from 3 decibels above the speech to 30 below it."""
    if generator is not None:
        random = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        sounds = [_with_white_noise(samples, random.uniform(-3, 30), random) for samples in sounds]
    return prepare_sounds(sounds, generator)


def _with_white_noise(samples, decibels, random):
    sigma = np.sqrt(np.mean(samples**2) / 10 ** (decibels / 10))
    return samples + np.float32(sigma) * random.standard_normal(len(samples), dtype=np.float32)


def noise_row(seed):
    """A digit written and spoken, both under noise; and one of them missing, without noise."""
    noisy = {"image": noisy_images, "audio": noisy_sounds}
    data = {"image": digit_images("train", "optdigits"), "audio": spoken_digits("train", "fsdd")}
    model, tokenizer, aligners = aligned(seed, BOTH, data, noisy)

    def draw(generator, n):
        examples = seen_and_heard(data["image"], data["audio"], generator, n)
        halves = [with_noise(part, generator, sigma * IMAGE_NOISE, decibels) for part, sigma, decibels in zip(
            (examples[0::4], examples[1::4], examples[2::4], examples[3::4]), generator.uniform(0, 1.1, 4),
            generator.uniform(-2, 25, 4))]  # fmt: skip
        return some_missing([example for part in halves for example in part], 0.3, generator)

    train(model, tokenizer, draw, setting(seed, 1000))
    images, recordings = digit_images("test", "optdigits"), spoken_digits("test", "fsdd")
    generator = np.random.default_rng(99)
    clean = seen_and_heard(images, recordings, generator, 1500)
    test = with_noise(clean, generator, IMAGE_NOISE, SPEECH_NOISE)
    both = share_right(model, tokenizer, test)
    alone = {name: share_right(model, tokenizer, without(test, lost)) for name, lost in
             (("image alone", "sounds"), ("speech alone", "images"))}  # fmt: skip
    values = {"both, noisy, %": percent(both), **{f"{name}, noisy, %": percent(v) for name, v in alone.items()}}
    values["gain, points"] = percent(both - max(alone.values()))
    values["product of experts, noisy, %"] = percent(_late_fusion(aligners, test, images.names))
    for name, lost in (("image alone, clean, %", "sounds"), ("speech alone, clean, %", "images")):
        values[name] = percent(share_right(model, tokenizer, without(clean, lost)))
    return {**values, "both, clean, %": percent(share_right(model, tokenizer, clean))}, len(test)


@torch.inference_mode()
def _late_fusion(aligners, examples, names):
    """Each modality's own prediction, multiplied."""
    experts = {}
    for name, aligner in aligners.items():
        items = [(example.images if name == "image" else example.sounds)[0] for example in examples]
        scores = aligner.embed(name, PREPARE[name](items)) @ aligner.embed("text", torch.arange(len(names))).T
        experts[name] = (aligner.log_scale.exp() * scores).log_softmax(dim=-1)
    fused = product_of_experts(experts, torch.full((len(names),), -np.log(len(names)), dtype=torch.float32))
    predicted = fused.argmax(dim=-1).tolist()
    return float(np.mean([f" {names[p]}" == example.answer for p, example in zip(predicted, examples)]))


@torch.inference_mode()
def _retrieval(aligner, first, second):
    """Recall at 1 both ways and mean average precision of {modality: (items, labels)} pairs."""
    embedded = {name: aligner.embed(name, items) for name, (items, _) in (first, second)}
    (a, (_, labels_a)), (b, (_, labels_b)) = first, second
    similarity, positive = embedded[a] @ embedded[b].T, labels_a[:, None] == labels_b
    return {f"{a} to {b}, recall at 1, %": percent(recall_at_k(similarity, positive, 1)),
            f"{b} to {a}, recall at 1, %": percent(recall_at_k(similarity.T, positive.T, 1)),
            f"{a} to {b}, mAP, %": percent(mean_average_precision(similarity, positive))}  # fmt: skip


def emergent_row(seed):
    """Sounds and words that were never paired, bound through pictures."""
    data = {"image": digit_images("train", "optdigits"), "audio": spoken_digits("train", "fsdd")}
    _, _, aligner = aligned(seed, BOTH, data, pairs=IMAGE_BINDS)
    images, recordings = digit_images("test", "optdigits"), spoken_digits("test", "fsdd")
    sets = {"image": (prepare_images(images.pixels), torch.from_numpy(images.labels)),
            "audio": (prepare_sounds(recordings.samples), torch.from_numpy(recordings.labels)),
            "text": (torch.arange(10), torch.arange(10))}  # fmt: skip
    found = {}
    for first, second in (("audio", "text"), ("image", "text"), ("audio", "image")):
        found |= _retrieval(aligner, (first, sets[first]), (second, sets[second]))
    return found, len(recordings)


def compared_row(seed):
    """Is the written digit the spoken one? Neither alone says anything."""
    data = {"image": digit_images("train", "optdigits"), "audio": spoken_digits("train", "fsdd")}
    model, tokenizer, _ = aligned(seed, BOTH, data)
    train(model, tokenizer, lambda generator, n: compared(data["image"], data["audio"], generator, n),
          setting(seed, 400))  # fmt: skip
    generator = np.random.default_rng(99)
    test = compared(digit_images("test", "optdigits"), spoken_digits("test", "fsdd"), generator, 1500)
    order = generator.permutation(len(test))
    shuffled = [replace(example, images=test[other].images) for example, other in zip(test, order)]
    hidden = {"without the image, %": "images", "without the sound, %": "sounds"}
    return {"right, %": percent(share_right(model, tokenizer, test)),
            "images shuffled, %": percent(share_right(model, tokenizer, shuffled)),
            **{name: percent(share_right(model, tokenizer, without(test, lost))) for name, lost in hidden.items()},
            }, len(test)  # fmt: skip


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
    "transcripts": Row("spoken digits, known speakers", transcripts_row, "at least 98.5"),
    "speakers": Row("spoken digits, a speaker never heard", speakers_row, "at least 94"),
    "noise": Row(f"image under noise of σ {IMAGE_NOISE} and speech at {SPEECH_NOISE:g} dB", noise_row,
                 "at least 96, and 12 points above the better one alone"),
    "emergent": Row("audio to text, never paired", emergent_row, "at least 99, and 98 the other way"),
    "compared": Row("is the written digit the spoken one?", compared_row),
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
