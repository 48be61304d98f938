"""Fine-tune one small GPT for public tasks, and put it beside the usual baselines: the table in the README.

    python benchmarks/real_tasks.py                      # everything: hours on two cores, at most 10 minutes for a run
    python benchmarks/real_tasks.py pretrain             # the text, and the model that has read it: 20 minutes
    python benchmarks/real_tasks.py intent slots         # some rows only, three seeds each; intent:1 is one seed
    python benchmarks/real_tasks.py baselines            # no GPT
    python benchmarks/real_tasks.py table                # what has been measured so far

Needs the data sets (the network, or a folder that MINIGPT_DATA names), `pip install -e '.[finetuning]'`, and for one
baseline `pip install python-crfsuite`. Results go to runs/real/. A task's settings were chosen on its validation part
with seed 1; of each run the final weights count; the test part is looked at once. Each row can be had by itself:

    minigpt pretrain --config benchmarks/real_tasks.toml --data runs/real/text.txt --out runs/real/base
    minigpt finetune --task intent --data snips-intent --from runs/real/base
"""

import json
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from minigpt.cli import main
from minigpt.config import FinetuneConfig
from minigpt.datasets.catalog import CATALOG, locate
from minigpt.datasets.task_catalog import open_task
from minigpt.datasets.tasks import Prompted, Tagged
from minigpt.finetuning import evaluation
from minigpt.finetuning.run import start

HERE = Path(__file__).parent
OUT = Path("runs/real")
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Row:
    """One line of the table: what is measured, and how it is trained."""

    task: str
    data: str
    measure: str
    settings: dict = field(default_factory=dict)
    from_scratch: bool = False


# Chosen on the validation parts.
ROWS = {
    "intent": Row("intent", "snips-intent", "accuracy"),
    "slots": Row("slots", "snips-slots", "entity F1", {"labelled_piece": "last", "epochs": 5}),
    "slots-twice": Row("slots", "snips-slots", "entity F1",
                       {"labelled_piece": "last", "epochs": 5, "remedy": "read-twice"}),
    "spam": Row("spam", "sms-spam", "F1 of spam", {"epochs": 4}),
    "polarity": Row("sentiment", "sentence-polarity", "accuracy", {"dropout": 0.2}),
    "relations": Row("relations", "semeval2010-task8", "official macro-F1", {"epochs": 6, "dropout": 0.2}),
    "relations-scratch": Row("relations", "semeval2010-task8", "official macro-F1", {"epochs": 6, "dropout": 0.2},
                             from_scratch=True),
    "entities": Row("entities", "wnut17", "entity F1", {"labelled_piece": "last", "epochs": 5}),
    "entities-zh": Row("entities", "uner-zh", "entity F1", {"labelled_piece": "last"}),
    # Settings of these were not chosen at all.
    "translation": Row("translation", "tatoeba-en-zh", "BLEU", {"learning_rate": 1e-3}),
    "summary": Row("summary", "scitldr-a", "ROUGE-L", {"learning_rate": 1e-3}),
    "dialogue": Row("dialogue", "sgd-dialogue", "ROUGE-L", {"learning_rate": 1e-3, "epochs": 6}),
    "instruction": Row("instruction", "instruction", "chrF", {"learning_rate": 1e-3, "epochs": 6}),
    "questions": Row("questions", "xquad-en", "word F1", {"epochs": 5}),
    "pairs": Row("pairs", "snli-small", "accuracy", {"epochs": 5}),
}  # fmt: skip

# What the model reads before: (task, data, how often). Only training parts; their labels are not in it.
READ = (("intent", "snips-intent", 1), ("spam", "sms-spam", 1), ("sentiment", "sentence-polarity", 2),
        ("relations", "semeval2010-task8", 2), ("entities", "wnut17", 2), ("entities", "uner-zh", 1),
        ("translation", "tatoeba-en-zh", 1))  # fmt: skip


def text():
    """The tasks' training texts without labels, Wikipedia articles and children's stories, shuffled."""
    pieces = []
    for task, data, times in READ:
        task_set = open_task(task, data)
        pieces += [_text_of(example, task_set.separator) for example in task_set.train] * times
    for name in ("wikitext2", "wikitext2-test"):
        pieces += [line for line in CATALOG[name].to_text(*locate(name)).split("\n") if line.strip()]
    pieces += CATALOG["tinystories"].to_text(*locate("tinystories"))[:1_000_000].split("\n\n")
    random.Random(0).shuffle(pieces)
    return "\n\n".join(pieces) + "\n"


def _text_of(example, separator):
    if isinstance(example, Tagged):
        return separator.join(example.words)
    return f"{example.prompt}\n{example.answers[0]}" if isinstance(example, Prompted) else example.text


def pretrain():
    """Write the text, and train the model that all rows begin with."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "text.txt").write_text(text(), encoding="utf-8")
    return main(["pretrain", "--config", str(HERE / "real_tasks.toml"), "--data", str(OUT / "text.txt"),
                 "--out", str(OUT / "base")])  # fmt: skip


def finetune(name, seed):
    """One run of one row; its measure on the test part goes to the results."""
    row = ROWS[name]
    task_set = open_task(row.task, row.data)
    base = str(OUT / ("untrained" if row.from_scratch else "base"))
    config = FinetuneConfig(task=row.task, data=row.data, base=base, seed=seed, **row.settings)
    began, cpu = time.time(), time.process_time()
    run = start(config, task_set)
    run.train()
    took, cpu = time.time() - began, time.process_time() - cpu
    tuned, test = run.finetuned, list(task_set.test)
    value, validation = (
        _value(row, tuned.task, part, list(evaluation.predict(tuned.model, tuned.task, tuned.encoder, part)))
        for part in (test, list(task_set.validation))
    )
    simple = _value(row, tuned.task, test, evaluation.baseline(tuned.task, list(task_set.train), test))
    _save(name, seed, value, validation=round(validation, 2), simple_baseline=round(simple, 2), seconds=round(took),
          cpu_seconds=round(cpu))  # fmt: skip


def _value(row, task, examples, predictions):
    if row.measure == "F1 of spam":
        return 100 * evaluation.class_measures(task, examples, predictions)["texts"]["spam"]["f1-score"]
    if row.measure == "official macro-F1":
        return evaluation.relation_f1(evaluation.truths(task, examples), predictions)
    return evaluation.measure(task, examples, predictions)[row.measure]


def untrained():
    """The same model before it has read anything."""
    import torch

    from minigpt.checkpoint import load_model, replacing_folder, save_model
    from minigpt.model import GPT

    trained, tokenizer = load_model(str(OUT / "base"))
    torch.manual_seed(0)
    with replacing_folder(OUT / "untrained") as folder:
        save_model(folder, GPT(trained.config), tokenizer)


def baselines():
    """Words and pairs of words, weighted by TF-IDF, with logistic regression; a conditional random field for tags."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    for name in ("intent", "spam", "polarity", "relations"):
        row = ROWS[name]
        task_set = open_task(row.task, row.data)
        model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True),
                              LogisticRegression(C=10, max_iter=2000))  # fmt: skip
        model.fit([_marked(e) for e in task_set.train], [e.label for e in task_set.train])
        predictions = list(model.predict([_marked(e) for e in task_set.test]))
        _save(f"{name} TF-IDF", 0, _of_labels(row, [e.label for e in task_set.test], predictions))
    for name in ("slots", "entities", "entities-zh"):
        row = ROWS[name]
        task_set = open_task(row.task, row.data)
        true, predictions = [list(e.tags) for e in task_set.test], conditional_random_field(task_set)
        from seqeval.metrics import f1_score

        _save(f"{name} CRF", 0, 100 * float(f1_score(true, predictions)))


def _of_labels(row, true, predictions):
    from sklearn.metrics import accuracy_score, f1_score

    if row.measure == "F1 of spam":
        return 100 * f1_score(true, predictions, pos_label="spam")
    if row.measure == "official macro-F1":
        return evaluation.relation_f1(true, predictions)
    return 100 * accuracy_score(true, predictions)


def _marked(example):
    """The text as the model reads it: of a relation, with its entities marked and what is between them once more."""
    if not hasattr(example, "first"):
        return example.text
    (a, b), (c, d) = sorted((example.first, example.second))
    between = " ".join(f"between_{word}" for word in example.text[b:c].split())
    entities = f"first_{example.text[a:b]} second_{example.text[c:d]}"
    return f"{example.text} {between} {entities}"


def conditional_random_field(task_set):
    """Tags by a linear-chain CRF on the usual features of a word and its neighbours, untuned."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 100, "feature.possible_transitions": True})
    for example in task_set.train:
        trainer.append(_features(example.words), example.tags)
    path = OUT / "crf.model"
    trainer.train(str(path))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return [tagger.tag(_features(example.words)) for example in task_set.test]


def _features(words):
    def of(word, where):
        shape = "".join("X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else c for c in word)
        return [f"{where}{name}={value}" for name, value in {
            "word": word.lower(), "shape": shape[:6], "suffix": word[-3:], "prefix": word[:3],
            "short suffix": word[-2:]}.items()]  # fmt: skip

    features = []
    for place, word in enumerate(words):
        found = ["bias", *of(word, "")]
        for shift in (-2, -1, 1, 2):
            near = words[place + shift] if 0 <= place + shift < len(words) else "<none>"
            found += of(near, f"{shift}:")[: 2 if abs(shift) == 2 else 5]
        features.append(found)
    return features


def _save(name, seed, value, **about):
    line = {"row": name, "seed": seed, "value": round(value, 2), **about}
    print(json.dumps(line), flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "results.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def table():
    """What has been measured, as Markdown; of several measurements of one run the last."""
    found = {}
    for line in (OUT / "results.jsonl").read_text(encoding="utf-8").splitlines():
        result = json.loads(line)
        found.setdefault(result["row"], {})[result["seed"]] = result
    print("| | measure | mean of the seeds | seeds | most seconds of one run |\n|---|---|---|---|---|")
    for name, runs in found.items():
        values = [run["value"] for run in runs.values()]
        row = ROWS[name.split()[0]]
        print(f"| {name} | {row.measure} | {statistics.mean(values):.1f} | {', '.join(f'{v:.1f}' for v in values)} "
              f"| {max(run.get('seconds', 0) for run in runs.values())} |")  # fmt: skip


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["pretrain", *ROWS, "baselines", "table"]
    for what in wanted:
        name, _, chosen = what.partition(":")
        if name in ROWS:
            if ROWS[name].from_scratch:
                untrained()
            for seed in [int(chosen)] if chosen else SEEDS:
                finetune(name, seed)
        else:
            {"pretrain": pretrain, "baselines": baselines, "table": table}[what]()
