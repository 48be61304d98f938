"""Texts of an asked kind: a language model that has learned to write after a code, and what such texts are good for.

A labelled example (text, label) is turned round: the label becomes the prompt and the text the answer. So a control
code (Keskar et al. 2019) is nothing but a prompt, and the text-to-text task learns it. What is written can serve as
labelled examples itself (Anaby-Tavor et al. 2020); `trusted` keeps those that a classifier agrees with.
"""

import torch

from minigpt.datasets.task_sets import TaskSet
from minigpt.datasets.tasks import Labelled, Prompted, mark_ids
from minigpt.finetuning.run import FinetunedModel
from minigpt.generation import generate


def turned_round(task_set: TaskSet) -> TaskSet:
    """A classification's examples as prompts and answers: the class is the code, and the text what to write after it.

    Raises:
        ValueError: if the examples are not single texts with a class.
    """
    parts = [tuple(map(_coded, part)) for part in (task_set.train, task_set.validation, task_set.test)]
    return TaskSet(f"{task_set.name}, turned round", "text", *parts)


def _coded(example):
    if not isinstance(example, Labelled) or example.label is None or example.second is not None:
        raise ValueError(f"only single texts with a class can be turned round, not {example!r:.80}")
    return Prompted(example.label, (example.text,))


def write(writer: FinetunedModel, codes, seed=0, temperature=0.8, top_p=1.0, longest=48, batch_size=64):
    """Write a text for each code.

    Args:
        writer: fine-tuned on prompts and answers.
        codes: what to write, one for each text; equal codes get different texts.
        seed: text number i is drawn with seed + i, whatever the batches are.
        temperature, top_p: see `generation.next_token_probabilities`.
        longest: most tokens of a text.
        batch_size: texts written side by side.
    Returns:
        a list of texts; None for one that did not come to its end, or drew a mark that is no text.
    """
    encoder, texts = writer.encoder, []
    end = mark_ids(writer.base_config.vocab_size)["end"]
    for start in range(0, len(codes), batch_size):
        prompts = [encoder.prompted(code).rows[0] for code in codes[start : start + batch_size]]
        rows = generate(writer.model.gpt, prompts, temperature=temperature, top_p=top_p, max_new_tokens=longest,
                        stop_ids=(end,), seeds=range(seed + start, seed + start + len(prompts)))  # fmt: skip
        for row in rows:
            is_text = len(row) < longest and all(token < encoder.tokenizer.vocab_size for token in row)
            texts.append(encoder.tokenizer.decode(row).strip() if is_text else None)
    return texts


@torch.no_grad()
def confidences(classifier: FinetunedModel, examples, batch_size=64):
    """The probability that a classifier gives to each example's own label: a list of floats."""
    task, encoder, found = classifier.task, classifier.encoder, []
    classifier.model.eval()
    device = next(classifier.model.parameters()).device
    for start in range(0, len(examples), batch_size):
        encoded = [task.encode(encoder, example) for example in examples[start : start + batch_size]]
        batch = task.collate(encoded).to(device)
        probabilities = task.probabilities(classifier.model, batch)
        found += probabilities.gather(1, batch.targets[:, None])[:, 0].tolist()
    return found


def trusted(examples, confidence, n_each, read=()):
    """Of each class, the texts that a classifier is surest of: written examples to learn from.

    Args:
        examples: written `Labelled` examples; a text of None is left out.
        confidence: of each, the probability that the classifier gives to its label.
        n_each: most examples of a class.
        read: texts that are known already; a text is taken once, and none of these.
    Returns:
        the examples kept, of each class the surest first; the classifier need not find its label the likeliest.
    Source: Anaby-Tavor et al. (2020), who also keep the most confident of each class.
    """
    if len(examples) != len(confidence):
        raise ValueError(f"{len(examples)} examples need as many confidences, not {len(confidence)}")
    order = sorted(range(len(examples)), key=lambda index: -confidence[index])
    seen, kept = set(read), {}
    for example in (examples[index] for index in order):
        of_class = kept.setdefault(example.label, [])
        if example.text and example.text not in seen and len(of_class) < n_each:
            seen.add(example.text)
            of_class.append(example)
    return [example for label in sorted(kept) for example in kept[label]]
