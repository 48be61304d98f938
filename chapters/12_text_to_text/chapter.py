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
from collections import Counter

import numpy as np
import sacrebleu
import torch
import torch.nn.functional as F
from rouge_score.rouge_scorer import RougeScorer

from minigpt import plotting
from minigpt.checkpoint import load_model
from minigpt.config import FinetuneConfig
from minigpt.datasets import as_text as text_tasks
from minigpt.datasets.as_text import as_text, mixture
from minigpt.datasets.task_sets import world
from minigpt.datasets.tasks import Encoder
from minigpt.datasets.text import IGNORED
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.finetuning import heads
from minigpt.finetuning.evaluation import baseline, exact_match, measure, predict, word_f1
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
questions = world("questions", n_train=300, n_held_out=60, seed=3)
sets = {
    "questions": as_text(questions),
    "translation": as_text(world("translation", n_train=600, n_held_out=40, seed=3), "In Chinese:"),
    "summary": as_text(world("summary", n_train=200, n_held_out=40, seed=3), "In short:"),
    "dialogue": as_text(world("dialogue", n_train=250, n_held_out=40, seed=3), "Next:"),
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
plotting.heat_map(table[1:, 1:].astype(float), a, b, ("predicted, read so far", "reference, read so far", "words"),
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
# tells the model what is wanted. It is small and so are the data: 1,350 examples, read three times.

# %%
plotting.show_source(text_tasks.mixture, docstring=False)
mixed = mixture(sets)
settings = FinetuneConfig(epochs=3, learning_rate=1e-3, dropout=0.0, device="cpu", precision="float32", seed=1)
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
# grow, training has not helped: 300 questions have few scored tokens, and the marks in the row were new to the model.
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
pointing = start(FinetuneConfig(epochs=2, learning_rate=1e-3, dropout=0.0, device="cpu", precision="float32", seed=1,
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
# Both models read the same 300 questions. Which is better may be seen above; what differs for certain is
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
# ## 8 · Where it fails
#
# **Small and short.** Three rounds through 1,350 examples are enough to see four tasks appear, not to finish them. On
# your own time, `minigpt finetune --task translation --epochs 10` and its like go on from here.
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
# ## 9 · Exercises
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
# ## 10 · What to read next
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
