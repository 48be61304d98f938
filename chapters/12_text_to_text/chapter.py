# ---
# jupyter:
#   chapter:
#     title: Text to text
#     question: Can one model answer, translate, summarise and talk, if every task is written as text?
#     minutes: 3
#     cell_seconds: 150
#     need:
#       - cross-entropy of the next token (chapter 03)
#       - greedy decoding and end marks (chapter 08)
#       - fine-tuning from a pretrained model (chapter 10)
#     able:
#       - write a task as a prompt and an answer, and score the answer alone
#       - answer a question by pointing and by writing, and measure both as SQuAD does
#       - count BLEU, ROUGE-1, ROUGE-2 and ROUGE-L by hand, and say what each of them cannot see
#       - train one model on four tasks at once, beside a baseline for each
#       - measure a dialogue, in which many answers are right
#       - choose between answers with a language model
#       - ask a model for texts of a kind, and judge what it writes
# ---

# %% [markdown]
# ## 1 · The question
#
# Chapter 10 gave a model a new head for each task: one for sentiment, one for topics. A head costs little, but it can
# only choose from a list. What about tasks whose answer is a sentence?
#
# A GPT already has a head that writes sentences: the next token. So write *everything* as text. What is given and what
# is wanted make a **prompt**; what should come out is the **answer** (McCann et al. 2018; Raffel et al. 2020):
#
# | task | prompt | answer |
# |---|---|---|
# | question | a story, `Question: Where does Ann live? Answer:` | Birchmere |
# | translation | `Ann lives in Birchmere. In Chinese:` | a Chinese sentence |
# | summary | a story, `In short:` | A story about music. Ann lives in Birchmere. |
# | dialogue | the turns so far, `Next:` | the next turn |
#
# No new layer is needed, and one model may learn all four. Does it work? Each task gets a measure, a baseline that
# needs no model, and a look at what came out, right *and* wrong.

# %%
import math
import re
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import sacrebleu
import torch
import torch.nn.functional as F
from rouge_score.rouge_scorer import RougeScorer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from minigpt import plotting
from minigpt.checkpoint import load_model
from minigpt.config import FinetuneConfig
from minigpt.datasets import as_text as text_tasks
from minigpt.datasets import world_judge
from minigpt.datasets.as_text import as_text, mixture
from minigpt.datasets.catalog import open_text
from minigpt.datasets.task_sets import world
from minigpt.datasets.tasks import Encoder, Labelled
from minigpt.datasets.text import IGNORED
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.datasets.world_judge import WorldJudge
from minigpt.finetuning import control, heads, python_code
from minigpt.finetuning.control import trusted, turned_round, write
from minigpt.finetuning.evaluation import baseline, exact_match, measure, predict, word_f1
from minigpt.finetuning.python_code import first_error, first_statement, parses
from minigpt.finetuning.run import start
from minigpt.generation import generate
from minigpt.grading import grade
from minigpt.plotting.text import visible

np.set_printoptions(precision=3, suppress=True)
base, tokenizer = load_model("minigpt-base")

# %% [markdown]
# ## 2 · Prompt and answer as one row
#
# ### Hand-sized
#
# The prompt is "2 + 2", the answer "4". With three marks it becomes one row, and the model predicts at each place the
# token that comes next:
#
# | place | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | read | start | 2 | + | 2 | delimiter | 4 |
# | next token | 2 | + | 2 | delimiter | 4 | end |
# | scored? | no | no | no | no | **yes** | **yes** |
#
# Only the answer and its end are scored. The prompt is given: nobody will ask the model to invent it. And the end mark
# is scored, because a model that never learned to stop never does. Places that are not scored get the target −100, the
# **mask** of the loss:
#
# $$L = -\frac{1}{|S|}\sum_{t \in S} \log p(x_{t+1} \mid x_{\le t}), \qquad S = \text{places of the answer}.$$

# %%
encoder = Encoder(tokenizer, base.config.vocab_size, base.config.context_length)
story = "Ann Lee lives in Birchmere. She works as a cook."
row = encoder.prompted(f"{story}\nQuestion: Where does Ann live?\nAnswer:", "Birchmere")
names = {number: f"[{name}]" for name, number in encoder.mark.items()}
tokens = [names.get(token) or tokenizer.decode([token]) for token in row.rows[0]]
is_scored = [False, *(target != IGNORED for target in row.target[:-1])]
print([token for token, scored in zip(tokens, is_scored) if scored])
assert [target for target in row.target if target != IGNORED] == [*tokenizer.encode("Birchmere"), encoder.mark["end"]]
plotting.tokens_coloured(tokens, ["a target that is scored" if scored else "read only" for scored in is_scored],
                         "in the loss", f"{sum(is_scored)} of {len(tokens)} tokens are scored: the answer and its end")

# %% [markdown]
# ### The gradient stops at the mask
#
# A place that is not scored sends no error back through its own logits. Compute it by hand for logits $z$: at a scored
# place the gradient is (softmax of $z$ − one-hot) / |S|, elsewhere 0.

# %%
torch.manual_seed(0)
logits = torch.randn(5, 3, requires_grad=True)
targets = torch.tensor([IGNORED, IGNORED, IGNORED, 2, 0])
F.cross_entropy(logits, targets, ignore_index=IGNORED).backward()
by_hand = torch.zeros(5, 3)
for place in (3, 4):
    by_hand[place] = (logits[place].softmax(0) - F.one_hot(targets[place], 3)).detach() / 2
print(logits.grad.numpy())
assert torch.allclose(by_hand, logits.grad)

# %% [markdown]
# The prompt's *tokens* still learn: the answer's places look back at them, and through attention the gradient reaches
# everything that helped.
#
# **What if the prompt is scored as well?** Then the loss is mostly about something else. How much of it would be about
# the prompt? Count the targets of real examples.

# %%
plotting.show_source(heads.TextToText.loss)
questions = world("questions", n_train=240, n_held_out=60, seed=3)
sets = {
    "questions": as_text(questions),
    "translation": as_text(world("translation", n_train=600, n_held_out=40, seed=3), "In Chinese:"),
    "summary": as_text(world("summary", n_train=160, n_held_out=40, seed=3), "In short:"),
    "dialogue": as_text(world("dialogue", n_train=200, n_held_out=40, seed=3), "Next:"),
}
share = {}
for name, task_set in sets.items():
    rows = [encoder.prompted(e.prompt, e.answers[0], keep_end=True) for e in task_set.train[:100]]
    share[name] = sum(t != IGNORED for row in rows for t in row.target) / sum(len(row.rows[0]) for row in rows)
    print(f"{name:12} {100 * share[name]:4.1f} % of the tokens belong to answers")
assert share["questions"] < 0.1 < 0.4 < share["translation"]

# %% [markdown]
# With the prompt scored, nine in ten targets of a question would be about the story: the model would use its capacity
# and the optimizer's steps to predict stories, which are not asked for. (It is not always bad. Where examples are few,
# predicting the prompt can work like some more pretraining; GPT-1's auxiliary loss of chapter 10 is that idea.)
#
# ### Before any training
#
# `minigpt-base` has read stories that end with a question and its answer, and English sentences with Chinese ones below
# them. So it can be asked in the form that it knows, without any fine-tuning, until it ends the line (chapter 08):

# %%
newline = tokenizer.encode("\n")[0]


def zero_shot(prompts, longest=48):
    """What the pretrained model writes after each prompt, up to the end of the line."""
    ids = [tokenizer.encode(prompt)[-(base.config.context_length - longest):] for prompt in prompts]
    rows = generate(base, ids, temperature=0, max_new_tokens=longest, stop_ids=(newline,))
    return [tokenizer.decode(row).strip().partition("\n")[0] for row in rows]


before = {"questions": zero_shot([e.prompt for e in sets["questions"].test], 12)}
before["translation"] = zero_shot([e.prompt.removesuffix("In Chinese:") for e in sets["translation"].test])
for name in before:
    example, said = sets[name].test[0], before[name][0]
    print(f"{example.prompt[-60:]!r}\n   right: {example.answers[0]}\n   said:  {said}")

# %% [markdown]
# The form is right, and the content is mostly wrong. To say how wrong, we need measures.

# %% [markdown]
# ## 3 · Measures, counted by hand
#
# **Exact match and F1** (SQuAD, Rajpurkar et al. 2016) compare an answer with the right one after both are made plain:
# small letters, no punctuation, no *a*, *an*, *the*. F1 counts common words: of "the old red cat" (3 words left) and
# "a red cat sat" (3) two are common: $2 \cdot 2 / (3 + 3) = 0.67$.

# %%
print(f"exact match {exact_match('The Red Cat.', 'red cat')}, F1 {word_f1('the old red cat', 'a red cat sat'):.2f}")
assert math.isclose(word_f1("the old red cat", "a red cat sat"), 4 / 6)

# %% [markdown]
# **BLEU** (Papineni et al. 2002) is for translations, where a whole sentence is seldom right to the letter. It asks:
# which share of my words, pairs, triples and fours of words stand in the reference too? Each counts at most as often
# as the reference has it (**clipping**), lest "the the the" be perfect. Then the geometric mean of the four.
#
# "the red cat sat on a mat" against "the cat sat on a red mat": 7 of 7 words, 3 of 6 pairs (cat sat, sat on, on a), 2
# of 5 triples, 1 of 4 fours.
#
# $$\sqrt[4]{\tfrac77 \cdot \tfrac36 \cdot \tfrac25 \cdot \tfrac14} = 0.47.$$
#
# Precision alone loves short texts: "the cat" would be perfect. So a text of $c$ words is multiplied by the **brevity
# penalty** $e^{1 - r/c}$ if the reference has more, $r$.


# %%
def precisions(predicted, reference):
    """Shares of n-grams, n = 1 to 4, that the reference has too."""
    shares = []
    for n in range(1, 5):
        ours, theirs = (Counter(zip(*(words[i:] for i in range(n)))) for words in (predicted, reference))
        shares.append(sum((ours & theirs).values()) / sum(ours.values()))
    return shares


predicted, reference = "the red cat sat on a mat", "the cat sat on a red mat"
shares = precisions(predicted.split(), reference.split())
print("precisions", np.array(shares), "BLEU", round(100 * math.prod(shares) ** 0.25, 2))
assert math.isclose(100 * math.prod(shares) ** 0.25, sacrebleu.corpus_bleu([predicted], [[reference]]).score)
short = "the cat sat on a"
print("five right words of seven:", round(sacrebleu.corpus_bleu([short], [[reference]]).score, 2))
assert math.isclose(sacrebleu.corpus_bleu([short], [[reference]]).score, 100 * math.exp(1 - 7 / 5))

# %% [markdown]
# For a test set the counts of all sentences are added up *before* dividing. Words are what a tokenizer says they are:
# Chinese has no spaces, so `sacrebleu` counts its characters. A BLEU without its tokenizer is not a number that can be
# compared (Post 2018).
#
# **ROUGE** (Lin 2004) is for summaries: F1 of common words (ROUGE-1), of pairs (ROUGE-2), and of the **longest common
# subsequence** (ROUGE-L), words in the same order with others in between. Here is the table that finds it. Each
# entry says how long the longest one is of the two beginnings: one more than on the diagonal where the words are the
# same, else the larger of the entries above and to the left.

# %%
a, b = predicted.split(), reference.split()
table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
for i, word in enumerate(a):
    for j, other in enumerate(b):
        table[i + 1, j + 1] = table[i, j] + 1 if word == other else max(table[i, j + 1], table[i + 1, j])
rouge = RougeScorer(["rouge1", "rouge2", "rougeL"]).score(reference, predicted)
print({name: round(score.fmeasure, 3) for name, score in rouge.items()})
assert math.isclose(rouge["rougeL"].fmeasure, 2 * table[-1, -1] / (len(a) + len(b)))
plotting.heat_map(table[1:, 1:], a, b, ("predicted, read so far", "reference, read so far", "words"),
                  f"The longest common subsequence has {table[-1, -1]} words of {len(b)}")

# %% [markdown]
# What none of them sees is meaning. Swap two names, and the facts are wrong while almost every n-gram is right:

# %%
true, swapped = "Ann Lee works for Ivory Dairy and knows Bo Ray.", "Bo Ray works for Ivory Dairy and knows Ann Lee."
scores = RougeScorer(["rouge1", "rougeL"]).score(true, swapped)
bleu_of_swapped = sacrebleu.corpus_bleu([swapped], [[true]]).score
print(f"ROUGE-1 {scores['rouge1'].fmeasure:.2f}, BLEU {bleu_of_swapped:.0f}: {swapped}")
assert scores["rouge1"].fmeasure == 1

# %% [markdown]
# ## 4 · One model, four tasks
#
# Now the training: all four tasks in one heap, shuffled, and every parameter learns. The instruction in the prompt
# tells the model what is wanted. It is small and so are the data: 1,200 examples, read three times.

# %%
plotting.show_source(text_tasks.mixture, docstring=False)
mixed = mixture(sets)
settings = FinetuneConfig(epochs=3, learning_rate=1e-3, dropout=0.0, device="cpu", seed=1)
run = start(settings, mixed, say=print)
run.train()
tuned = run.finetuned

# %%
after = {name: list(predict(tuned.model, tuned.task, tuned.encoder, list(part.test))) for name, part in sets.items()}
lead = {name: [e.prompt.partition(". ")[0] + "." for e in part.test] for name, part in sets.items()}  # first sentence
MEASURES = {"questions": "exact match", "translation": "BLEU", "summary": "ROUGE-L", "dialogue": "ROUGE-L"}
table = {}
for name, part in sets.items():
    test = list(part.test)
    said = {"first sentence of the prompt": lead[name], "pretrained": before.get(name) or zero_shot(
        [e.prompt + "\n" for e in test]), "fine-tuned": after[name]}
    table[name] = {who: measure(tuned.task, test, texts) for who, texts in said.items()}
    before[name] = said["pretrained"]
    for who, found in table[name].items():
        print(f"{name:12} {who:29}", "  ".join(f"{key} {value:5.1f}" for key, value in found.items()))
for name, key in MEASURES.items():
    assert table[name]["fine-tuned"][key] > table[name]["first sentence of the prompt"][key]

# %%
plotting.score_by_task({f"{name}\n{key}": {who: table[name][who][key] for who in table[name]}
                        for name, key in MEASURES.items()},
                       "One model learns four tasks, and all beat the first sentence of the prompt")

# %% [markdown]
# Every task beats its baseline, the first sentence of what was given. (For a summary that is a serious one: news
# writers put the most important thing first. For the others it is a weak one, and 40 to 60 test examples are few: a
# difference of a few points may be chance.)
#
# Now compare with *before*. Translation and summary were gained by training. For questions look at both bars: the
# pretrained model, asked in the form that it had read in thousands of stories, had answered some. Where the bar did not
# grow, training has not helped: 240 questions have few scored tokens, and the marks in the row were new to the model.
# Fine-tuning does not make a model better at whatever it is given. Look at what it says.

# %%
for name, part in sets.items():
    print(f"--- {name}")
    for example, said in list(zip(part.test, after[name]))[:4]:
        mark = "right" if said in example.answers else "wrong"
        print(f"{mark}: …{' / '.join(example.prompt.splitlines())[-70:]}\n    should be: {example.answers[0]}\n"
              f"    said:      {said}")

# %% [markdown]
# Nearly all of it is good in *form*. A summary begins with kind and topic and lists facts; a turn begins with a
# speaker; a translation is a Chinese sentence of the right kind. What is wrong are names and other words that stand
# only in this prompt. Watch it token by token: how likely does the model find each token of the *right* summary?


# %%
def token_probabilities(example):
    """The right answer's tokens, and the probability of each after all before it."""
    row = tuned.encoder.prompted(example.prompt, example.answers[0], keep_end=True)
    batch = tuned.task.collate([row])
    tuned.model.eval()
    with torch.no_grad():
        chances = tuned.task.outputs(tuned.model, batch)[0].softmax(dim=-1)
    places = [place for place, target in enumerate(row.target) if target != IGNORED]
    wanted = [row.target[place] for place in places]
    shown = [names.get(token) or visible(tokenizer.decode([token])) for token in wanted]
    return shown, [float(chances[place, token]) for place, token in zip(places, wanted)]


pictured = [e for e in sets["summary"].test if 12 < len(tokenizer.encode(e.answers[0])) < 30][:2]
probabilities = {f"summary {number}": token_probabilities(example) for number, example in enumerate(pictured, 1)}
in_name, in_form = [], []
for example in sets["summary"].test:
    shown, chances = token_probabilities(example)
    for token, chance in zip(shown, chances):
        (in_form if token.strip("·") in {"A", "story", "about", "lives", "in", "works", "for", "knows", "visited", ".",
                                        "review", "news", "dialogue"} else in_name).append(chance)
print(f"mean probability: words of the form {np.mean(in_form):.2f}, all other tokens {np.mean(in_name):.2f}")
assert np.mean(in_form) > np.mean(in_name)
plotting.answer_probabilities(probabilities, "The form is nearly certain, the names are not")

# %% [markdown]
# To write a name the model must find it in the prompt and copy it, piece by piece: a name that nobody has read before
# has no token of its own. Copying is what chapter 09's induction heads do, and a model of two million parameters has
# only weak ones. There is another way to use a name: point at it.

# %% [markdown]
# ## 5 · Pointing instead of writing
#
# In **extractive** question answering the answer stands in the text. The model need not write it; it says where it
# begins and where it ends. A new head gives each token two scores, as the first and as the last one of the answer, and
# a softmax over all places makes probabilities of each. The best pair is chosen *together*: start before end, and not
# too long.
#
# Hand-sized: four tokens, starts score 0, 3, 1, 0 and ends 2, 0, 2, 1. The best start is token 1. The best end is
# token 0 or 2, and 0 would be before the start. Sums of the allowed pairs: (1, 2) gives 5, no other more.
#
# A special place, here the last, stands for **no answer**: if both of its scores together beat the best span, the
# model declines.

# %%
plotting.show_source(heads.SpanAnswer.predict, docstring=False)

# %%
pointing = start(FinetuneConfig(epochs=2, learning_rate=1e-3, dropout=0.0, device="cpu", seed=1,
                                task="questions"), questions, say=print)
pointing.train()
span = pointing.finetuned
test = list(questions.test)
pointed = list(predict(span.model, span.task, span.encoder, test))
written = after["questions"]
rows = {"no answer": baseline(span.task, questions.train, test), "written": written, "pointed at": pointed}
spans = {who: measure(span.task, test, said) for who, said in rows.items()}
for who, found in spans.items():
    print(f"{who:11}", {key: round(value, 1) for key, value in found.items()})
real = sum(said in example.context for example, said in zip(test, written)) / len(test)
print(f"written answers that stand in the text at all: {100 * real:.0f} %; pointed ones: always")
assert all(said in example.context for example, said in zip(test, pointed))
assert spans["pointed at"]["word F1"] > spans["no answer"]["word F1"]

# %%
number = max(range(len(test)), key=lambda n: word_f1(pointed[n], test[n].answers[0][0]))
example = test[number]
batch = span.task.collate([span.task.encode(span.encoder, example)])
with torch.no_grad():
    scores = span.task.outputs(span.model, batch)[0]
places = [place for place, found in enumerate(batch.examples[0].places) if found is not None]
first, last = scores[places].softmax(dim=0).T
shown = [visible(tokenizer.decode([int(batch.ids[0, place])])) for place in places]
print(f"{example.question} Right: {example.answers[0][0]}. Pointed at: {pointed[number]}")
plotting.span_probabilities(shown, first, last, f"{example.question} It points at {pointed[number]}")

# %% [markdown]
# Both models read the same 240 questions. Which is better may be seen above; what differs for certain is
# the *kind* of mistake. The one that points can be wrong, but what it says is always in the text. The one that writes
# makes up names. That is the difference between a wrong page number and an invented quotation.
#
# Where do they go wrong?

# %%
kinds = Counter(e.question.split()[0] for e in test)
for kind, count in kinds.most_common(4):
    chosen = [n for n, e in enumerate(test) if e.question.split()[0] == kind]
    shares = [100 * np.mean([exact_match(said[n], test[n].answers[0][0]) for n in chosen])
              for said in (written, pointed)]
    print(f"{kind:8} {count:3} questions: written {shares[0]:3.0f} %, pointed at {shares[1]:3.0f} % exactly right")

# %% [markdown]
# A limit of the causal mask: a token is scored *before the model has read on*. In "Ann Lee lives in Birchmere", when it
# reads "Ann", it cannot know yet who lives in Birchmere; and at the last piece of a name it cannot know that the name
# ends there. BERT-like models look both ways, which is why they long led in this task (Devlin et al. 2019).

# %% [markdown]
# ## 6 · Dialogue: when many answers are right
#
# After "How is your father?" a hundred turns are fine, and the data have one. Exact match is the wrong measure, and
# ROUGE is hardly better: it rewards the words that one speaker happened to choose. We can do two things.
#
# **Ask how surprised the model is** by what was said: the perplexity of the right turn, given the turns before. This
# allows for other answers, since they only have to share the probability.
#
# **Ask whether the turn is well formed.** Our world has a grammar, and `knows_sentence` says whether it could have
# written a sentence. In the real world people judge, or a second model does.

# %%
def perplexity_of_turns(pairs):
    """Perplexity for each token of the answers, of (prompt, answer) pairs."""
    batch = tuned.task.collate([tuned.encoder.prompted(prompt, answer, keep_end=True) for prompt, answer in pairs])
    tuned.model.eval()
    with torch.no_grad():
        total, count = tuned.task.loss(tuned.model, batch)
    return math.exp(float(total) / count)


dialogues = list(sets["dialogue"].test)
grammar = TinyWorld("test")
right = perplexity_of_turns([(e.prompt, e.answers[0]) for e in dialogues])
elsewhere = dialogues[7:] + dialogues[:7]
shifted = perplexity_of_turns([(e.prompt, other.answers[0]) for e, other in zip(dialogues, elsewhere)])
print(f"perplexity of the true turn {right:.1f}, of a turn from elsewhere {shifted:.1f}")
assert right < shifted


def turns_of(example):
    return example.prompt.removesuffix("\nNext:").split("\n")


checks = {"a sentence of the language": lambda e, said: grammar.knows_sentence(said),
          "the other speaker's turn": lambda e, said: said.partition(":")[0] != turns_of(e)[-1].partition(":")[0],
          "not said before": lambda e, said: said not in turns_of(e)}
replies = {"the true turn": [e.answers[0] for e in dialogues], "repeats the last turn": [turns_of(e)[-1]
           for e in dialogues], "fine-tuned": after["dialogue"]}
for who, said in replies.items():
    shares = {name: np.mean([check(e, text) for e, text in zip(dialogues, said)]) for name, check in checks.items()}
    print(f"{who:22}", ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares.items()))

# %% [markdown]
# The middle row is a warning. A parrot that repeats the last turn is perfectly grammatical, and useless. A measure that
# looks at one property will be won by something that has only this property. That is why there are three columns, and
# why there should be people.
#
# A long dialogue does not fit the context. Then the *oldest* turns must go, since the last one asks. The prompt is cut
# on the left (`keep_end`):

# %%
long = "\n".join(f"Ann: Is it {n}?\nBo: No, Ann, not {n}." for n in range(60)) + "\nAnn: Then 61?"
kept = encoder.prompted(long, keep_end=True)
print(f"{len(tokenizer.encode(long))} tokens, kept {len(kept.rows[0])}, cut: {kept.is_cut}; it ends with "
      f"{tokenizer.decode(kept.rows[0][-12:-1])!r}")
assert tokenizer.decode(kept.rows[0][-12:-1]).endswith("Then 61?") and kept.is_cut

# %% [markdown]
# ## 7 · Choosing: the most likely end
#
# Which sentence ends the story? Four options, one is right. Tests of "common sense" look like this (Zellers et al.
# 2019). A language model can choose without learning the task: how likely is each option after the story? Take the
# sum of the tokens' log-probabilities, or their mean, which does not punish long options and which GPT-3's authors took
# for most tasks (Brown et al. 2020, section 2.4).
#
# With weights 0.5 and 0.2 for an option of two tokens, and 0.4, 0.4, 0.4 for one of three: the sums of logarithms are
# −2.30 and −2.75, so the first wins; the means −1.15 and −0.92, so the second does.

# %%
choices = list(world("choice", n_train=5, n_held_out=40, seed=3).test)


@torch.no_grad()
def option_scores(example):
    """Sum and mean of each option's log-probabilities after the story."""
    found = []
    for option in example.options:
        given = tokenizer.encode(example.text)
        ids = torch.tensor([given + tokenizer.encode(" " + option)])
        log_p = base(ids)[0, :-1].log_softmax(dim=-1).gather(1, ids[0, 1:, None])[len(given) - 1 :, 0]
        found.append((float(log_p.sum()), float(log_p.mean())))
    return np.array(found).T


by_sum, by_mean = np.mean([option_scores(e).argmax(axis=1) == e.answer for e in choices], axis=0)
commonest = Counter(e.answer for e in choices).most_common(1)[0][1] / len(choices)
error = math.sqrt(0.25 * 0.75 / len(choices))
print(f"sum {100 * by_sum:.0f} %, mean {100 * by_mean:.0f} % right; the commonest place {100 * commonest:.0f} %; "
      f"guessing 25 % ± {100 * error:.0f}")

# %% [markdown]
# Compare it with guessing, and with the error of a share among so few stories. And whatever stands there: is it common
# sense? In our stories the right end is the one that names
# a person of the beginning. A reader who matches names needs no sense at all. Whoever builds such a test must ask what
# the *cheapest* way to solve it is, and many tests had one: HellaSwag (Zellers et al. 2019) was made because models had
# learned to see which endings a machine had written.
#
# With examples, a head can be trained that scores each option, and a softmax over the options makes a loss (GPT-1,
# section 3.3, and exercise `choice_loss`):

# %%
plotting.show_source(heads.MultipleChoice)

# %% [markdown]
# ## 8 · Where these four fail
#
# **Small and short.** Three rounds through 1,200 examples are enough to see four tasks appear, not to finish them. On
# your own time, `minigpt finetune --task translation --learning-rate 1e-3 --dropout 0`, and the same for `questions`,
# read thousands of examples in a few minutes, and print what becomes of the two weak rows.
#
# **The measures are proxies.** BLEU and ROUGE count words in common. They rank systems of one kind, on many sentences.
# A single sentence with BLEU 30 may be perfect, and one with 90 may have the wrong name in it.
#
# **Tasks share one model.** They also compete for it: more of one in the heap is less of the others. What happens when
# a new task comes later, and the old ones are not in the heap any more, is the question of chapter 16.
#
# **A mark is a promise.** The model stops because it has learned to write the end mark. If it does not, only a largest
# length saves us.
#
# **Unseen combinations are not unseen words.** Our translation test has sentences that no training example has; their
# words are old. Nobody, model or person, can know how an invented name is written in Chinese.

# %% [markdown]
# ## 9 · Texts to order: control codes
#
# So far each prompt had a right answer. Now we ask for *any* text of a kind: "write me something negative". There are
# many right answers, and we want different ones.
#
# Keskar et al. (2019) train a language model, CTRL, on texts that each begin with a word for their kind, a **control
# code**. Whoever writes the code first then gets a text of that kind. A language model gives
# $p(x) = \prod_t p(x_t \mid x_{<t})$; with a code $c$ in front of everything it gives
#
# $$p(x \mid c) = \prod_t p(x_t \mid x_{<t},\, c).$$
#
# Nothing new has to be built for it. A labelled example of chapter 10 is a text and its class. **Turn it round**: the
# class becomes the prompt, the text becomes the answer. By hand: the text is "bad day", the code is "negative".
#
# | place | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | read | start | negative | delimiter | bad | day | end |
# | to predict | – | – | bad | day | end | – |
#
# Only the text and its end are learned (as in section 2). The code itself is given, so there is no loss on it.

# %%
plotting.show_source(control._coded, control.write)

# %%
examples = world("sentiment", n_train=1300, n_held_out=400, seed=12)
codes_learned = turned_round(replace(examples, train=examples.train[:1000], validation=examples.validation[:64]))
for example in codes_learned.train[:2]:
    print(f"prompt {example.prompt!r}, answer {example.answers[0]!r}")


def writer_of(task_set, epochs, learning_rate):
    """A model that writes after a code, fine-tuned from minigpt-base."""
    settings = FinetuneConfig(epochs=epochs, batch_size=8, learning_rate=learning_rate, dropout=0.0, device="cpu",
                              seed=1)
    run = start(settings, task_set)
    run.train()
    return run.finetuned


writer = writer_of(codes_learned, epochs=3, learning_rate=5e-4)
codes = ["negative", "positive"] * 64
samples = write(writer, codes, temperature=0.7)
for code, text in list(zip(codes, samples))[:6]:
    print(f"{code}: {text}")

# %% [markdown]
# That looks right. How do we *measure* it? Usually a second model has to judge, and it makes mistakes of its own. Here
# we have a better judge: the grammar that wrote the training sentences. It says of a sentence which of its lines could
# have written it, whoever is named in it, and so whether it is a sentence of the language and what it says.

# %%
plotting.show_source(world_judge.WorldJudge, world_judge.Verdict)
judge = WorldJudge()
for text in ("Seldom has the humour been as bad as in The Silver Lantern.",
             "Seldom has the humour been as good as bad in The Silver Lantern."):
    verdict = judge(text)
    print(f"known: {verdict.is_known}, sentiment: {verdict.sentiment}: {text}")
assert all(judge(example.text).sentiment == example.label for example in examples.test)
print(f"the judge is right on all {len(examples.test)} test sentences, whose names it has never seen")

# %% [markdown]
# Four questions to the samples. Are they sentences of the language? Of the asked class? Are they new, or recited from
# the training part? And what does the same model write *without* a code? (That prompt is unlike all that it was
# trained on: look at the row with caution.) A classifier that counts words, trained on the same 1,000 sentences, gives
# the second opinion that one would have without a grammar.


# %%
def word_counter(labelled):
    """A small classifier: logistic regression on how often each word occurs."""
    model = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000))
    return model.fit([example.text for example in labelled], [example.label for example in labelled])


def judged(texts, codes):
    """Shares of texts by what the grammar says of them, beside the class that was asked for."""
    verdicts = [judge(text or "") for text in texts]
    found = Counter("no sentence of the language" if not verdict.is_known else
                    "the asked class" if verdict.sentiment == code else "another class"
                    for verdict, code in zip(verdicts, codes))
    return {part: found[part] / len(texts)
            for part in ("the asked class", "another class", "no sentence of the language")}


second_opinion = word_counter(examples.train[:1000])
read = {example.text for example in examples.train[:1000]}
without = write(writer, [""] * 64, temperature=0.7, seed=500)
shares = {}
for code in ("positive", "negative"):
    shares[f"asked: {code}"] = judged([text for text, asked in zip(samples, codes) if asked == code], [code] * 64)
shares["no code, judged as positive"] = judged(without, ["positive"] * 64)
all_shares = judged(samples, codes)
by_words = np.mean(second_opinion.predict([text or "" for text in samples]) == codes)
n_new = sum(text not in read for text in samples)
known = 1 - all_shares["no sentence of the language"]
obeyed = all_shares["the asked class"] / known
print(f"of {len(samples)} samples: {100 * known:.0f} % are sentences of the language, {100 * obeyed:.0f} % of these of "
      f"the asked class; {n_new / len(samples):.0%} are new; {len(set(samples))} are different")
print(f"the word counter finds {by_words:.0%} to be of the asked class; on true test sentences it is right in "
      f"{second_opinion.score([e.text for e in examples.test], [e.label for e in examples.test]):.0%}")
assert known > 0.6 and obeyed > 0.7 and n_new > 0.6 * len(samples)
plotting.stacked_shares(shares, "share of the samples", f"After a code, {100 * obeyed:.0f} % of the well-formed "
                        "sentences are of the asked class")

# %% [markdown]
# Obedience and grammar are two measures, and they need not agree. A sentence may have every word in place and say the
# opposite, or say the right thing in broken grammar, which the word counter forgives and the grammar does not. Here is
# one of each kind, where there is one.

# %%
kinds = defaultdict(list)
for code, text in zip(codes, samples):
    kinds[max(judged([text], [code]).items(), key=lambda item: item[1])[0]].append((code, text))
for kind, found in kinds.items():
    code, text = found[0]
    print(f"{kind} (asked: {code}):\n    {text}\n    recited: {text in read}")

# %% [markdown]
# *New* means: no training sentence has the same letters. That is a weak kind of new. Names are invented each time, so a
# learned line with another name counts as new. What about the lines themselves? Replace all words with a capital by
# one sign, and compare again.


# %%
def without_names(text):
    return re.sub(r"\b[A-Z][a-z]+", "N", text or "")


lines_read = {without_names(text) for text in read}
new_lines = np.mean([without_names(text) not in lines_read for text in samples])
new_and_known = np.mean([without_names(text) not in lines_read and judge(text or "").is_known for text in samples])
print(f"names aside, {new_lines:.0%} of the samples are new, and {new_and_known:.0%} are new and well formed")

# %% [markdown]
# Limits. One word decides the sentiment of these sentences, so a model must only learn to steer a few words. We also
# tried the six topics as codes, with as many sentences and as much training: hardly better than chance. A code is a
# wish that was learned from examples; it is no guarantee, and it cannot ask for what no example had. (The topics are
# not run here: they would take another minute. Replace `"sentiment"` by `"topic"` above, and judge by
# `verdict.topic`.)

# %% [markdown]
# ## 10 · Texts to learn from: data augmentation
#
# Labels are dear. If a model can write labelled sentences, can a classifier learn from these? Anaby-Tavor et al. (2020)
# say yes, in four steps (their method is called LAMBADA):
#
# 1. train a classifier on the few labels there are;
# 2. fine-tune a language model on *the same few*, turned round as above;
# 3. let it write many sentences for each class;
# 4. keep those that the classifier is surest of, and train the classifier on both.
#
# Their examples are written as ours: the class, a mark, the sentence, an end mark.
#
# Step 2 is where one can cheat without noticing. The writer of section 9 has read 1,000 labels. To let it help a
# classifier that "has only 96" would count 1,000 labels as 96. So below each writer starts from `minigpt-base`, which
# has never seen a label, and reads the 96 alone. (It *has* read millions of words of the same language: that knowledge
# is the whole hope.) The grammar may not filter either: it knows all labels. It only tells us, afterwards, how good
# the written labels were.
#
# Our classifier is the word counter: it trains in milliseconds, and cannot know any word that its examples lack, so it
# has something to gain.

# %%
plotting.show_source(control.trusted)

# %%
N_LABELS, N_WRITTEN = 96, 160
columns = ("96 labels", "+ all written", "+ the trusted", "+ 80 true labels")
results = {column: [] for column in columns}
label_is_right = defaultdict(list)


def accuracy(model):
    return 100 * model.score([example.text for example in examples.test], [example.label for example in examples.test])


for seed in range(3):
    few = examples.train[seed * N_LABELS : (seed + 1) * N_LABELS]
    classifier = word_counter(few)
    own_writer = writer_of(turned_round(replace(examples, train=few, validation=examples.validation[:16])), 8, 5e-4)
    asked = ["negative", "positive"] * (N_WRITTEN // 2)
    written = [Labelled(text or "", code) for text, code in zip(write(own_writer, asked, temperature=0.7), asked)]
    chances = classifier.predict_proba([example.text for example in written])
    confidence = [row[list(classifier.classes_).index(e.label)] for row, e in zip(chances, written)]
    already = [example.text for example in few]
    everything = trusted(written, [0.5] * len(written), N_WRITTEN, already)  # each new text once, in order
    kept = trusted(written, confidence, 40, already)
    true_ones = examples.train[1100:1180]
    for column, more in zip(columns, ((), everything, kept, true_ones)):
        results[column].append(accuracy(word_counter([*few, *more])))
    for name, part in (("all written", everything), ("the trusted", kept)):
        known = [example for example in part if judge(example.text).is_known]
        label_is_right[name].append(np.mean([judge(e.text).sentiment == e.label for e in known]))
        print(f"seed {seed + 1}, {name}: {len(part)} new sentences, {len(known)} of the language, "
              f"{label_is_right[name][-1]:.0%} of these with the right label")
for column in columns:
    print(f"{column:17} {np.mean(results[column]):.1f} %  ({', '.join(f'{value:.1f}' for value in results[column])})")

# %%
gains = {column: np.array(results[column]) - np.array(results["96 labels"]) for column in columns[1:]}
for column, gain in gains.items():
    print(f"{column}: {gain.mean():+.1f} points on average, between {gain.min():+.1f} and {gain.max():+.1f}")
best, enough = gains["+ the trusted"], gains["+ 80 true labels"]
assert (enough > best).all()
assert np.mean(label_is_right["the trusted"]) > np.mean(label_is_right["all written"])
standard_error = np.sqrt(0.25 / len(examples.test)) * 100
print(f"standard error of one accuracy near one half, on {len(examples.test)} sentences: at most {standard_error:.1f}")
finding = ("Written sentences help on average" if best.mean() > 1 else
           "Written sentences make no clear difference" if best.mean() > -1 else "Written sentences do harm")
plotting.runs_side_by_side(results, "accuracy on test sentences (%)", f"{finding} ({best.mean():+.1f} points);\n"
                           f"as many true labels help more ({enough.mean():+.1f} points)")

# %% [markdown]
# Read the figure with care: three seeds, four hundred test sentences. A gain of a point or two lies within the error.
# What holds for each seed: *true* labels are worth far more than as many written ones. The printed lines tell why.
#
# Wrong labels are one reason, and there the filter does its work: among the trusted, a larger share has the right
# label. Yet the accuracy hardly follows. What the classifier is surest of is what it knows already, so it has least to
# learn from it. And the written sentences repeat the few patterns that the writer was shown.
#
# With fewer labels the writer is the first to fail: a classifier needs one weight for each word, a writer must learn to
# write. Try it: set `N_LABELS` to 48.
#
# The paper reports gains on three data sets (ATIS, TREC, WVA), with a GPT-2 that had read far more about the world than
# the few sentences said. Ours knows one small language. That is the condition to remember: a writer can only hand on
# what pretraining taught it.

# %% [markdown]
# ## 11 · Code
#
# Codex (Chen et al. 2021) is a GPT fine-tuned on code. For a language model, code is text; for us it has a merit:
# a machine can check it. `minigpt-base` has read 2 MB of Python's standard library, among 9 MB in all. Does what
# it writes *parse*?
#
# We ask Python's own parser, `ast.parse`, and **run nothing**: what a model has written is a stranger's program. A
# parser tells whether the grammar is right, no more. Codex was measured by running tests, in a sandbox.
#
# One question must be settled first. The model writes 64 tokens and stops wherever it is, mostly in the middle of
# something. Judge the sample *as it is*, and a good function fails because its end is missing. So we also judge the
# **first statement**: up to the line where the next one begins at the left margin. (Chen et al. cut in the same
# spirit, at "def", "class" and the like.) A sample in which no statement ends is counted as refused in both.

# %%
plotting.show_source(python_code.parses, python_code.first_statement)
sample = "def double(x):\n    return 2 * x\n\nclass Half"
print(f"as it is: {parses(sample)}, because {first_error(sample)}; first statement:\n{first_statement(sample)}")
assert not parses(sample) and parses(first_statement(sample))

# %% [markdown]
# We show the model two short functions, then one word: `import`, `for`, `class` or `def`. No space follows the word,
# since in this tokenizer the space belongs to the next token; a prompt that ends in a space leaves the model with a
# beginning that it has hardly ever read (chapter 02).
#
# The baseline counts: a **trigram** model, which draws the next token as it followed the last two tokens in the same
# source (or the last one, where the two never met).

# %%
gpt, tokenizer = load_model("minigpt-base")
source = "".join(open_text("python-source").pieces())[:2_000_000]
source_ids = tokenizer.encode(source)
CONTEXT = '''def first(items):
    """Return the first item."""
    return items[0]


def size(items):
    """Return the number of items."""
    return len(items)


'''
WORDS, N_SAMPLES, N_TOKENS = ("import", "for", "class", "def"), 12, 64
TEMPERATURES = (0.2, 0.5, 0.8, 1.1)
starts = [word for word in WORDS for _ in range(N_SAMPLES)]


def continued(temperature):
    """What the model writes after the context and each word."""
    rows = generate(gpt, [tokenizer.encode(CONTEXT + word) for word in starts], temperature=temperature,
                    max_new_tokens=N_TOKENS, seeds=range(len(starts)))
    return [word + tokenizer.decode(row) for word, row in zip(starts, rows)]


followers = defaultdict(Counter)
for place, token in enumerate(source_ids):
    followers[tuple(source_ids[max(0, place - 1) : place])][token] += 1
    if place > 1:
        followers[tuple(source_ids[place - 2 : place])][token] += 1


def counted(temperature, random):
    """The same from the trigram model: a count to the power 1 / temperature."""
    texts = []
    for word in starts:
        ids = tokenizer.encode(CONTEXT + word)
        n_prompt = len(ids)
        for _ in range(N_TOKENS):
            counts = followers.get(tuple(ids[-2:])) or followers[tuple(ids[-1:])]
            weights = np.log(list(counts.values())) / temperature
            chances = np.exp(weights - weights.max())
            ids.append(list(counts)[random.choice(len(chances), p=chances / chances.sum())])
        texts.append(word + tokenizer.decode(ids[n_prompt:]))
    return texts


by_model = {temperature: continued(temperature) for temperature in TEMPERATURES}
random = np.random.default_rng(0)
by_counts = {temperature: counted(temperature, random) for temperature in TEMPERATURES}

# %%
firsts = {temperature: [first_statement(text) for text in texts] for temperature, texts in by_model.items()}
counted_firsts = {temperature: [first_statement(text) for text in texts] for temperature, texts in by_counts.items()}
curves = {}
for name, found in (("GPT", firsts), ("trigram", counted_firsts)):
    curves[name] = [np.mean([bool(s) for s in found[t]]) for t in TEMPERATURES]
    curves[f"{name}, new"] = [np.mean([bool(s) and s not in source for s in found[t]]) for t in TEMPERATURES]
as_is = {name: [np.mean([parses(text) for text in texts[t]]) for t in TEMPERATURES]
         for name, texts in (("GPT, as it is", by_model), ("trigram, as it is", by_counts))}
for name, values in (curves | as_is).items():
    print(f"{name:18} " + "  ".join(f"{t}: {value:3.0%}" for t, value in zip(TEMPERATURES, values)))


def shares_by_word(found):
    """Share of samples with a whole first statement, over all temperatures, for each word that they begin with."""
    return {word: np.mean([bool(s) for part in found.values() for s, start in zip(part, starts) if start == word])
            for word in WORDS}


by_word = shares_by_word(firsts)
for name, row in (("GPT", by_word), ("trigram", shares_by_word(counted_firsts))):
    print(f"{name}, all temperatures: " + ", ".join(f"{word} {share:.0%}" for word, share in row.items()))
assert by_word["import"] > 0.3 > by_word["def"] + 0.05
assert abs(np.mean(curves["GPT"]) - np.mean(curves["trigram"])) < 0.15
assert np.mean(curves["GPT, new"]) > np.mean(curves["trigram, new"])
plotting.temperature_curves(TEMPERATURES, curves, "share whose first statement parses",
                            f"New and well formed: {np.mean(curves['GPT, new']):.0%} of the GPT's samples, "
                            f"{np.mean(curves['trigram, new']):.0%} of the trigram model's")

# %% [markdown]
# The mean hides the finding; the last printed lines have it. After `import` a statement is one line, and many parse.
# After `def` hardly any do: colons, brackets, indentation and an end must all be right, and the model seldom even
# comes to an end in 64 tokens. Parsing is a chain, as strong as its weakest token.
#
# Does the GPT beat a table of counts? By the share that parses, no: a short statement needs a memory of two tokens, and
# after `import` counting does as well. But "new" asks whether the statement stands nowhere in the source, and there the
# two part. What the trigram model gets right, it recites; some of what the GPT gets right, nobody has written. One
# number would have hidden that. (`import os` is no invention either: many of the GPT's short ones are recited too.)
#
# Note the two ways of judging as well: *as it is*, hot samples hardly ever parse, since they are caught in the middle
# of something; cold ones do when they repeat one line over and over.
#
# Now look at what was accepted, and at what was refused and why.

# %%
accepted = [s for t in TEMPERATURES for s in firsts[t] if s and s not in source]
refused = [text for t in TEMPERATURES for text, s in zip(by_model[t], firsts[t]) if not s and first_error(text)]
print(f"accepted, and nowhere in the source: {len(accepted)} samples; the longest:")
print(max(accepted, key=len, default="none"))
text = next(text for text in refused if text.startswith("def"))
line, message = first_error(text)
print(f"\nrefused: line {line}, {message}\n{text}")

# %% [markdown]
# A text that parses is not yet a program. `import sys` twenty times over parses, and so does a call of a function that
# nobody wrote. Whether a program does what was asked can only be found out by running it against tests, which is what
# Chen et al. count: the share of problems for which one of $k$ samples passes all tests. Nobody should expect that of
# two million parameters. What this section shows is smaller: how long a statement a model can carry to its end, and
# that a parser, unlike a reader, is not impressed by code that looks right.

# %% [markdown]
# ## 12 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Each says what it takes and gives, with an example.
# Then run the cell below, or `minigpt grade 12` in a terminal.
#
# 1. `masked_batch`: prompts and answers as rows, with the answers alone as targets.
# 2. `masked_loss`: the mean over the scored places, with its gradient.
# 3. `answer_scores`: exact match and F1.
# 4. `best_span`: start, end, or no answer.
# 5. `clipped_precision`: n-grams, counted as BLEU does.
# 6. `bleu`: a test set, with the brevity penalty.
# 7. `rouge_l`: the longest common subsequence.
# 8. `dialogue_prompt`: the newest turns that fit.
# 9. `choice_loss`: a softmax over each question's own options.
# 10. `write_answer`: greedily, until the end mark.
# 11. `parse_shares`: of texts that a model wrote as Python, how many parse?
# 12. `keep_surest`: which written examples should a classifier learn from?

# %%
print(grade("12"))

# %% [markdown]
# ## 13 · What to read next
#
# - McCann, B. et al. (2018). *The Natural Language Decathlon: Multitask Learning as Question Answering.*
#   arXiv:1806.08730.
# - Raffel, C. et al. (2020). *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.*
#   Section 2.4. arXiv:1910.10683.
# - Rajpurkar, P. et al. (2016). *SQuAD: 100,000+ Questions for Machine Comprehension of Text.* arXiv:1606.05250.
# - Papineni, K. et al. (2002). *BLEU: a Method for Automatic Evaluation of Machine Translation.* ACL.
# - Post, M. (2018). *A Call for Clarity in Reporting BLEU Scores.* arXiv:1804.08771.
# - Lin, C.-Y. (2004). *ROUGE: A Package for Automatic Evaluation of Summaries.* ACL workshop.
# - Devlin, J. et al. (2019). *BERT.* Section 4.2. arXiv:1810.04805.
# - Zellers, R. et al. (2019). *HellaSwag: Can a Machine Really Finish Your Sentence?* arXiv:1905.07830.
# - Brown, T. et al. (2020). *Language Models are Few-Shot Learners.* Section 2.4. arXiv:2005.14165.
# - Keskar, N. et al. (2019). *CTRL: A Conditional Transformer Language Model for Controllable Generation.*
#   arXiv:1909.05858.
# - Anaby-Tavor, A. et al. (2020). *Do Not Have Enough Data? Deep Learning to the Rescue!* AAAI. arXiv:1911.03118.
# - Chen, M. et al. (2021). *Evaluating Large Language Models Trained on Code.* arXiv:2107.03374.
