"""Tasks that arrive one after another: what each strategy keeps, over seeds.

    python benchmarks/continual.py                      # both sequences, every strategy, three seeds: about an hour
    python benchmarks/continual.py text:naive modalities:flamingo:2     # some rows; the last one for seed 2 alone
    python benchmarks/continual.py table                # what has been measured so far
    python benchmarks/continual.py figure FILE          # the first seed's accuracy matrices of the five text tasks

Everything comes with the package or with what it installs, pictures and sounds need `pip install -e '.[multimodal]'`.
Results go to runs/continual/results.jsonl. Every strategy has the same number of updates and of examples in each. The
strength of EWC was chosen by the average accuracy on the validation parts with seed 0, among 1e2, 1e3, 1e4, 1e5, 1e6.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from minigpt import load_model
from minigpt.config import TrainingConfig
from minigpt.continual import EWC, AccuracyMatrix, PartsPerTask, Replay, Strategy, learn_in_turn
from minigpt.datasets.arriving import modality_tasks, text_tasks
from minigpt.datasets.images import digit_images
from minigpt.datasets.sounds import spoken_digits
from minigpt.finetuning.lora import add_lora
from minigpt.multimodal.answering import fused_optimizer
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.fusion import ProjectedGPT
from minigpt.multimodal.run import FusionConfig, align, build

OUT = Path("runs/continual")
SEEDS = (1, 2, 3)
MEASURES = ("average_accuracy", "forgetting", "backward_transfer", "forward_transfer")


def setting(seed, steps, learning_rate, batch_size=16):
    """How one task is learned."""
    return TrainingConfig(steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.0,
                          final_learning_rate_share=0.0, warmup_steps=steps // 10, seed=seed,
                          precision="float32")  # fmt: skip


def of_lora(name):
    """Whether a parameter is one of LoRA's."""
    return name.endswith((".down", ".up"))


def with_lora(gpt, seed):
    """Put LoRA's matrices into a GPT; its own weights stay as they are."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        add_lora(gpt, 8, 16.0)
    for name, parameter in gpt.named_parameters():
        parameter.requires_grad_(of_lora(name))


def text_row(strategy):
    """Five tasks of text, 150 updates for each."""

    def run(seed, part="test"):
        gpt, tokenizer = load_model("minigpt-base")
        if strategy == "lora":
            with_lora(gpt, seed)
        ways = {"naive": Strategy, "replay": lambda: Replay(100, seed), "ewc": lambda: EWC(1e3),
                "lora": lambda: PartsPerTask(lambda index, name: of_lora(name))}  # fmt: skip
        rate = 5e-3 if strategy == "lora" else 5e-4
        return learn_in_turn(ProjectedGPT(gpt, {}), tokenizer, text_tasks(), ways[strategy](),
                             setting(seed, 150, rate), part=part)  # fmt: skip

    return run


def modalities_row(strategy):
    """A text, pictures, sounds, 300 updates for each; what encoders know was learned before, and stays."""

    def run(seed, part="test"):
        torch.manual_seed(seed)
        gpt, tokenizer = load_model("minigpt-base")
        if strategy == "lora":
            with_lora(gpt, seed)
        fusion = "cross-attention" if strategy == "flamingo" else "projected"
        trains_text = {parameter for parameter in gpt.parameters() if parameter.requires_grad}
        model = build(gpt, FusionConfig(fusion=fusion, audio=AudioConfig()))
        for name, of in (("image", digit_images("train")), ("audio", spoken_digits("train"))):
            items = of.pixels if name == "image" else of.samples
            align({name: model.encoders[name]}, gpt, tokenizer, {name: (items, of.labels)}, of.names,
                  setting(seed, 600, 3e-3, 64))  # fmt: skip
        model.encoders.requires_grad_(False)
        text = set(model.text_parameters())
        for parameter in text:
            parameter.requires_grad_(parameter in trains_text)
        of_text = {name for name, parameter in model.named_parameters() if parameter in text}
        parts = {"lora": lambda index, name: of_lora(name) or (index > 0 and name not in of_text),
                 "flamingo": lambda index, name: (name in of_text) == (index == 0)}  # fmt: skip
        ways = {"naive": Strategy, "replay": lambda: Replay(100, seed), "ewc": lambda: EWC(1e3)}
        way = PartsPerTask(parts[strategy]) if strategy in parts else ways[strategy]()
        share = 2.5 if strategy == "lora" else 0.3  # of the learning rate, for what learns in the text model
        return learn_in_turn(model, tokenizer, modality_tasks(), way, setting(seed, 300, 2e-3), part=part,
                             optimizer=lambda model, config: fused_optimizer(model, config, share))  # fmt: skip

    return run


ROWS = {
    **{f"text:{name}": text_row(name) for name in ("naive", "replay", "ewc", "lora")},
    **{f"modalities:{name}": modalities_row(name) for name in ("naive", "replay", "ewc", "lora", "flamingo")},
}


def measure(row, seed):
    """Run one row with one seed, and write it down."""
    started = time.perf_counter()
    matrix = ROWS[row](seed)
    seconds = round(time.perf_counter() - started)
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "results.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"row": row, "seed": seed, "seconds": seconds, "before": matrix.before.tolist(),
                               "after": matrix.after.tolist()}) + "\n")  # fmt: skip
    told = ", ".join(f"{name.replace('_', ' ')} {100 * getattr(matrix, name):.1f}" for name in MEASURES)
    print(f"{row}, seed {seed}: {told} ({seconds} s)", flush=True)


def results():
    """{row: {seed: AccuracyMatrix}}; the newest counts."""
    found = {}
    for line in (OUT / "results.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(line)
        matrix = AccuracyMatrix(np.array(line["before"]), np.array(line["after"]))
        found.setdefault(line["row"], {})[line["seed"]] = matrix
    return found


def table():
    """Means over seeds, and the smallest and the largest."""
    print(f"{'per cent':22}" + "".join(f"{name.replace('_', ' '):>26}" for name in MEASURES))
    for row, by_seed in results().items():
        cells = []
        for name in MEASURES:
            values = [100 * getattr(matrix, name) for matrix in by_seed.values()]
            cells.append(f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})")
        print(f"{row:22}" + "".join(f"{cell:>26}" for cell in cells) + f"   {len(by_seed)} seeds")


def figure(path):
    """The first seed's accuracy matrices of the five text tasks."""
    from minigpt.plotting import accuracy_matrices

    names = {"naive": "nothing done", "replay": "replay", "ewc": "EWC", "lora": "a LoRA each"}
    matrices = {shown: results()[f"text:{name}"][SEEDS[0]].after for name, shown in names.items()}
    tasks = ["sentiment", "package", "topic", "relations", "intent"]
    accuracy_matrices(matrices, tasks, "Accuracy (%) on five tasks that arrive in turn").savefig(path)


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        table()
    elif sys.argv[1:2] == ["figure"]:
        figure(sys.argv[2])
    else:
        for wanted in sys.argv[1:] or ROWS:
            row, seed = wanted.rsplit(":", 1) if wanted.count(":") == 2 else (wanted, None)
            if row not in ROWS:
                sys.exit(f"{row} is none of {', '.join(ROWS)}")
            for each in SEEDS if seed is None else [int(seed)]:
                measure(row, each)
