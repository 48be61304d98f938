"""How good predictions are: the usual measures, by the usual libraries, with a baseline and an interval.

| task | measures |
|---|---|
| classification | accuracy, macro-F1; precision, recall and F1 of each class (scikit-learn) |
| regression | mean squared error, Pearson's correlation |
| tagging | entity precision, recall and F1, in all and of each type (seqeval); the same of each tag; word accuracy |
| span | exact match and F1 of words (Rajpurkar et al. 2016, section 6.1) |
| choice | accuracy |
| text | BLEU and chrF (sacrebleu); exact match; except in Chinese ROUGE-1, -2 and -L (rouge-score) |
"""

import collections
import itertools
import re
import string

import numpy as np
import torch

from minigpt.finetuning.heads import (
    Classification,
    MultipleChoice,
    Regression,
    SpanAnswer,
    Tagging,
    TextToText,
)


@torch.no_grad()
def predict(model, task, encoder, examples, batch_size=32):
    """Yield a prediction for each example, of the kind that people read: a class, a number, tags, a text."""
    model.eval()
    device = next(model.parameters()).device
    for start in range(0, len(examples), batch_size):
        part = examples[start : start + batch_size]
        batch = task.collate([task.encode_input(encoder, example) for example in part]).to(device)
        for example, predicted in zip(part, task.predict(model, batch)):
            yield _readable(task, encoder, example, predicted)


def _readable(task, encoder, example, predicted):
    if isinstance(task, SpanAnswer):
        return "" if predicted is None else example.context[predicted[0] : predicted[1]].strip()
    if isinstance(task, TextToText):
        return encoder.tokenizer.decode(i for i in predicted if i < encoder.tokenizer.vocab_size).strip()
    return predicted


def baseline(task, train, test):
    """Predictions that need no model: the commonest class, the mean, no entity, no answer, a copy of the prompt."""
    if isinstance(task, Classification):
        return [_commonest(example.label for example in train)] * len(test)
    if isinstance(task, MultipleChoice):
        return [_commonest(example.answer for example in train)] * len(test)
    if isinstance(task, Regression):
        return [float(np.mean([example.value for example in train]))] * len(test)
    if isinstance(task, Tagging):
        tag = _commonest(tag for example in train for tag in example.tags)
        return [(tag,) * len(example.words) for example in test]
    if isinstance(task, SpanAnswer):
        return [""] * len(test)
    return [example.prompt for example in test]


def measure(task, examples, predictions):
    """{name: value} of a task's measures, percentages except for regression; the main one first."""
    true = truths(task, examples)
    functions = MEASURES[type(task)]
    if isinstance(task, TextToText) and not _in_chinese(true):  # of Chinese, ROUGE's library would see no character
        functions = functions | {f"ROUGE-{kind}": _rouge(f"rouge{kind}") for kind in "12L"}
    return {name: function(true, predictions) for name, function in functions.items()}


def interval(task, examples, predictions, n_samples=1000, seed=0):
    """The 95 % bootstrap interval of the main measure: the middle of what resampled test sets give.

    Source: Efron & Tibshirani (1993), section 13.3.
    """
    random = np.random.default_rng(seed)
    function = MEASURES[type(task)][MAIN[type(task)]]
    n_samples = min(n_samples, 200) if isinstance(task, (TextToText, Tagging)) else n_samples
    true, values = truths(task, examples), []
    for _ in range(n_samples):
        chosen = random.integers(len(examples), size=len(examples))
        values.append(function([true[i] for i in chosen], [predictions[i] for i in chosen]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def class_measures(task, examples, predictions):
    """What is behind the mean: precision, recall, F1 (from 0 to 1) and support of each class.

    Returns:
        {what is counted: {class: {"precision": …, "recall": …, "f1-score": …, "support": …}}} with lines for means:
        "texts" for a classification; "entities" and "words" for tagging, which are different measures; else empty.
    """
    return _reports(task, examples, predictions, output_dict=True)


def class_tables(task, examples, predictions):
    """The same as text: {what is counted: a table}."""
    return _reports(task, examples, predictions, output_dict=False)


def _reports(task, examples, predictions, output_dict):
    if not isinstance(task, (Classification, Tagging)):
        return {}
    import seqeval.metrics
    import sklearn.metrics

    settings = {"output_dict": output_dict, "zero_division": 0, "digits": 3}
    true = truths(task, examples)
    if isinstance(task, Classification):
        return {"texts": sklearn.metrics.classification_report(true, predictions, labels=task.labels, **settings)}
    true, predictions = _lists(true, predictions)
    words = [[tag for tags in part for tag in tags] for part in (true, predictions)]
    entities = seqeval.metrics.classification_report(true, predictions, **settings)
    if output_dict:  # which seqeval fills with NumPy's numbers
        entities = {name: {key: value.item() if hasattr(value, "item") else value for key, value in row.items()}
                    for name, row in entities.items()}  # fmt: skip
    return {"entities": entities, "words": sklearn.metrics.classification_report(*words, **settings)}


def _accuracy(true, predictions):
    return 100 * float(np.mean([t == p for t, p in zip(true, predictions)]))


def _macro_f1(true, predictions):
    from sklearn.metrics import f1_score

    return 100 * f1_score(true, predictions, average="macro", zero_division=0)


def _mean_squared_error(true, predictions):
    return float(np.mean(np.subtract(true, predictions) ** 2))


def _correlation(true, predictions):
    spread = np.std(true) * np.std(predictions)
    return float(np.mean((true - np.mean(true)) * (predictions - np.mean(predictions))) / spread) if spread else 0.0


def _entities(name):
    """A function of seqeval's on lists of tags, as percentage; it counts whole entities."""

    def function(true, predictions):
        import seqeval.metrics

        return 100 * float(getattr(seqeval.metrics, name)(*_lists(true, predictions), zero_division=0))

    return function


def _word_accuracy(true, predictions):
    return 100 * float(np.mean([t == p for ts, ps in zip(true, predictions) for t, p in zip(ts, ps)]))


def _best_answer(compare):
    """The mean over questions, each compared with that of its right answers that it comes nearest to."""
    return lambda true, predictions: 100 * float(
        np.mean([max(compare(p, t) for t in ts) for ts, p in zip(true, predictions)])
    )


def _bleu(true, predictions):
    import sacrebleu

    tokenize = "zh" if _in_chinese(true) else "13a"  # written without spaces: sacrebleu cuts it at characters
    return sacrebleu.corpus_bleu(predictions, _references(true), tokenize=tokenize).score


def _chrf(true, predictions):
    import sacrebleu

    return sacrebleu.corpus_chrf(predictions, _references(true)).score


def _rouge(name):
    """A function of the mean F1 of shared n-grams, or of the longest common subsequence; the best reference counts.

    Source: Lin (2004), sections 2 and 3.1. The library counts words of a to z and 0 to 9, in small letters, unstemmed.
    """

    def function(true, predictions):
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([name])
        scores = [scorer.score_multi(texts, predicted)[name] for texts, predicted in zip(true, predictions)]
        return 100 * float(np.mean([score.fmeasure for score in scores]))

    return function


def _in_chinese(true):
    """Whether any reference has a Chinese character."""
    return any(re.search("[一-鿿]", text) for texts in true for text in texts)


def _one_of_them(true, predictions):
    return 100 * float(np.mean([p in t for p, t in zip(predictions, true)]))


def _references(true):
    """The first answers, the second ones, and so on, with None where a text has fewer."""
    return [list(column) for column in itertools.zip_longest(*true)]


def _lists(*parts):
    """Tags as lists, which seqeval demands."""
    return [[list(tags) for tags in part] for part in parts]


def relation_f1(true, predictions, other="Other"):
    """Mean F1 of relations such as "Cause-Effect(e1,e2)", in percent; a relation found in the wrong direction is wrong.

    Both directions of a relation are counted together, and `other` is no relation. So does the official scorer of
    SemEval-2010 task 8 (Hendrickx et al. 2010, section 4).
    """
    names, wanted = ([label.partition("(")[0] for label in labels] for labels in (predictions, true))
    scores = []
    for relation in sorted(set(wanted) - {other}):
        right = sum(t == p for t, p, name in zip(true, predictions, wanted) if name == relation)
        scores.append(2 * right / (names.count(relation) + wanted.count(relation)))
    return 100 * float(np.mean(scores))


def exact_match(predicted, true):
    """Whether two answers agree but for case, articles, punctuation and spaces."""
    return normalised(predicted) == normalised(true)


def word_f1(predicted, true):
    """Harmonic mean of how many of the predicted words are right, and how many of the right ones were predicted."""
    ours, theirs = normalised(predicted).split(), normalised(true).split()
    common = sum((collections.Counter(ours) & collections.Counter(theirs)).values())
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * common / (len(ours) + len(theirs))


def normalised(answer):
    """An answer without case, punctuation, English articles and superfluous spaces."""
    answer = "".join(character for character in answer.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", answer).split())


def truths(task, examples):
    """What the examples' labels say: for each a class, a number, tags, or a list of texts that are right."""
    if isinstance(task, Classification):
        return [example.label for example in examples]
    if isinstance(task, Regression):
        return [example.value for example in examples]
    if isinstance(task, Tagging):
        return [example.tags for example in examples]
    if isinstance(task, SpanAnswer):
        return [[text for text, _ in example.answers] or [""] for example in examples]
    return [example.answer if isinstance(task, MultipleChoice) else example.answers for example in examples]


def _commonest(values):
    return collections.Counter(values).most_common(1)[0][0]


# {task: {measure: function(true, predictions)}}; a task is known by its first measure.
MEASURES = {
    Classification: {"accuracy": _accuracy, "macro-F1": _macro_f1},
    MultipleChoice: {"accuracy": _accuracy, "macro-F1": _macro_f1},
    Regression: {"mean squared error": _mean_squared_error, "correlation": _correlation},
    Tagging: {"entity F1": _entities("f1_score"), "entity precision": _entities("precision_score"),
              "entity recall": _entities("recall_score"), "word accuracy": _word_accuracy},
    SpanAnswer: {"exact match": _best_answer(exact_match), "word F1": _best_answer(word_f1)},
    TextToText: {"BLEU": _bleu, "chrF": _chrf, "exact match": _one_of_them},
}  # fmt: skip
MAIN = {task: next(iter(functions)) for task, functions in MEASURES.items()}
