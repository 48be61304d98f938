"""Train the two models of digits that ship with the package: python data/pretrained/build_digits.py.

minigpt-digits reads handwritten and spoken digits: new gated layers and encoders on minigpt-base, whose own weights
stay as they are and are not stored again. minigpt-painter draws digits from a text. Some minutes on one core. Needs the
data sets "optdigits" and "fsdd".
"""

import sys
from pathlib import Path

import torch

from minigpt import load_model
from minigpt.config import SamplingConfig, TrainingConfig
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import captions, questions, transcripts
from minigpt.datasets.sounds import spoken_digits
from minigpt.multimodal.answering import share_right
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.folders import load_painter, load_reader, save_painter, save_reader
from minigpt.multimodal.run import FusionConfig, align, build, train
from minigpt.multimodal.vq_vae import PROMPTS, train_text_to_image, train_vq_vae

HERE = Path(__file__).parent
SOURCES = """| handwritten digits | Optical Recognition of Handwritten Digits, Alpaydin & Kaynak, UCI; CC BY 4.0 |
| spoken digits | Free Spoken Digit Dataset, Z. Jackson and others; CC BY-SA 4.0 |"""
READER_CARD = """# minigpt-digits

Reads pictures of handwritten digits and recordings of spoken ones: encoders and gated cross-attention on
`minigpt-base`, whose weights stay as they are. {n_new:,} parameters of its own. It knows ten words and three
questions, and takes anything else for one of them.

| | |
|---|---|
{sources}
| recipe | `python data/pretrained/build_digits.py`, seed 1 |
| handwritten, 13 unseen writers | {captions:.1f} % of 1,797 right; questions {questions:.1f} % |
| spoken, the set-aside takes of 6 known speakers | {transcripts:.1f} % of 300 right |
| licence | MIT for the code; the weights were made from the data above, CC BY-SA 4.0 |
"""
PAINTER_CARD = """# minigpt-painter

Draws digits of 8 × 8 pixels from a text, such as "a seven": a GPT over letters and the codes of a VQ-VAE.
{n_parameters:,} parameters. It has read ten words in {n_prompts} phrases.

| | |
|---|---|
| handwritten digits | Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI; CC BY 4.0 |
| recipe | `python data/pretrained/build_digits.py`, seed 1 |
| drawn as asked, judged by a support vector machine trained on real digits | {drawn:.1f} % of 500 |
| licence | MIT for the code; the weights were made from the data above, CC BY 4.0 |
"""


def setting(steps, batch_size, learning_rate):
    """How one stage is trained."""
    return TrainingConfig(steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.05,
                          warmup_steps=30, seed=1, precision="float32")  # fmt: skip


def build_reader(out=HERE / "minigpt-digits"):
    """Train, measure, and write the model that sees and hears."""
    config = FusionConfig(fusion="cross-attention", train_text=False, audio=AudioConfig())
    torch.manual_seed(1)
    gpt, tokenizer = load_model("minigpt-base")
    model = build(gpt, config)
    images, recordings = digit_images("train", "optdigits"), spoken_digits("train", "fsdd")
    for name, items, labels, size in (("image", images.pixels, images.labels, (2500, 128)),
                                      ("audio", recordings.samples, recordings.labels, (2500, 64))):  # fmt: skip
        align({name: model.encoders[name]}, gpt, tokenizer, {name: (items, labels)}, images.names, setting(*size, 3e-3))
        model.encoders[name].requires_grad_(False)

    def draw(generator, n):
        seen = images[generator.integers(len(images), size=n // 4)]
        asked = questions(images[generator.integers(len(images), size=n // 4)])
        heard = recordings[generator.integers(len(recordings), size=n // 4)]
        chosen = generator.permutation(len(asked))[: n // 2]
        return captions(seen) + [asked[index] for index in chosen] + transcripts(heard)

    train(model, tokenizer, draw, setting(500, 64, 2e-3))
    save_reader(out, model, tokenizer, config, "minigpt-base")
    model, tokenizer, _ = load_reader(out)  # as it will be read: rounded to bfloat16
    test_images, test_recordings = digit_images("test", "optdigits"), spoken_digits("test", "fsdd")
    text = set(model.text_parameters())
    shares = {"captions": captions(test_images), "questions": questions(test_images),
              "transcripts": transcripts(test_recordings)}  # fmt: skip
    measured = {name: 100 * share_right(model, tokenizer, examples) for name, examples in shares.items()}
    print(measured)
    n_new = sum(p.numel() for p in model.parameters() if p not in text)
    (HERE / "minigpt-digits.md").write_text(READER_CARD.format(n_new=n_new, sources=SOURCES, **measured), "utf-8")


def build_painter(out=HERE / "minigpt-painter"):
    """Train, measure, and write the model that draws."""
    from sklearn.svm import SVC

    images = digit_images("train", "optdigits")
    vq_vae = train_vq_vae(images)
    model = train_text_to_image(vq_vae, images)
    words = sorted({word for prompt in PROMPTS for word in prompt.replace("{}", "").split()} | set(images.names))
    save_painter(out, model, words=" ".join(words), names=" ".join(images.names))
    model, _ = load_painter(out)
    asked = [name for name in images.names for _ in range(50)]
    drawn = model.draw([f"a {name}" for name in asked], SamplingConfig(seed=1))
    judge = SVC(C=10).fit(images.pixels.reshape(len(images), -1), images.labels)
    right = judge.predict(drawn.reshape(len(drawn), -1).numpy()) == [images.names.index(name) for name in asked]
    n_parameters = sum(p.numel() for part in (model.gpt, model.vq_vae) for p in part.parameters())
    print({"drawn": 100 * right.mean()})
    card = PAINTER_CARD.format(n_parameters=n_parameters, n_prompts=len(PROMPTS), drawn=100 * right.mean())
    (HERE / "minigpt-painter.md").write_text(card, "utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or ("reader", "painter"):
        {"reader": build_reader, "painter": build_painter}[name]()
