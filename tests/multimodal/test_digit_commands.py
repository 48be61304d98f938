"""The commands on files of a user's, with the models that ship: they know digits."""

import numpy as np
import pytest
from PIL import Image

from minigpt.cli import main
from minigpt.datasets.images import DIGIT_NAMES, digit_images
from minigpt.datasets.shown import captions
from minigpt.multimodal.answering import share_right
from minigpt.multimodal.folders import load_painter, load_reader


def photograph(pixels):
    """A digit of 8 × 8 numbers as dark ink on a larger, lighter page."""
    ink = np.asarray(Image.fromarray(np.uint8((pixels + 1) * 127.5)).resize((48, 64), Image.Resampling.BILINEAR))
    page = np.full((100, 90), 230.0)
    page[20:84, 20:68] -= ink * 0.8
    return Image.fromarray(page.astype(np.uint8))


def lines(capsys):
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def test_the_shipped_reader_reads_digits_that_it_has_not_met():
    model, tokenizer, _ = load_reader("minigpt-digits")
    test = digit_images("test")[np.arange(0, 400, 4)]
    assert share_right(model, tokenizer, captions(test)) >= 0.95


def test_the_shipped_painter_draws_ink_on_paper():
    model, about = load_painter("minigpt-painter")
    drawn = model.draw(["a seven", "nine"])
    assert drawn.shape == (2, 1, 8, 8) and drawn.min() < -0.8 and drawn.max() > 0.5
    assert set(DIGIT_NAMES) == set(about["names"].split()) <= set(about["words"].split())


def test_caption_says_what_a_photograph_shows_and_answers_questions(tmp_path, capsys):
    images = digit_images("test")
    right = 0
    for index in range(8):
        photograph(images.pixels[index, 0]).save(tmp_path / "digit.png")
        assert main(["caption", str(tmp_path / "digit.png")]) == 0
        out, _ = lines(capsys)
        assert "90 × 100 pixels, cut to the ink and made 8 × 8" in out[0]
        right += out[1] == f"a handwritten {DIGIT_NAMES[images.labels[index]]}"
    assert right >= 7
    assert main(["caption", str(tmp_path / "digit.png"), "--question", "even or odd?"]) == 0
    out, _ = lines(capsys)
    assert out[-2] in ("even", "odd") and out[-1].startswith("(the model gives this answer a probability of ")


def test_transcribe_takes_any_rate_and_says_what_it_changed(tmp_path, capsys):
    soundfile = pytest.importorskip("soundfile")
    seconds = np.arange(22_050) / 44_100
    word = np.sin(2 * np.pi * 300 * seconds) * np.hanning(len(seconds))
    soundfile.write(tmp_path / "word.wav", np.stack([word, 0.5 * word], axis=1), 44_100)
    assert main(["transcribe", str(tmp_path / "word.wav")]) == 0
    out, _ = lines(capsys)
    assert "2 channels" in out[0] and "44100 samples a second, now 8000" in out[1]
    assert out[2].removeprefix("a voice says ") in DIGIT_NAMES


def test_draw_writes_one_picture(tmp_path, capsys):
    path = tmp_path / "drawn.png"
    assert main(["draw", "a seven", "--n", "3", "--out", str(path)]) == 0
    with Image.open(path) as picture:
        assert picture.size == (3 * 10 * 16, 10 * 16) and picture.mode == "L"
        first = np.asarray(picture)
    assert main(["draw", "a seven", "--n", "3", "--out", str(path)]) == 0
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), first)
    assert main(["draw", "a seven", "--n", "3", "--seed", "5", "--out", str(path)]) == 0
    with Image.open(path) as picture:
        assert not np.array_equal(np.asarray(picture), first)


@pytest.mark.parametrize(("arguments", "message"), [
    (["caption", "nowhere.png"], "nowhere.png is not a file"),
    (["caption", "text.txt"], "not a picture that can be read"),
    (["caption", "blank.png"], "blank.png: there is nothing on the picture"),
    (["caption", "digit.png", "--run", "nowhere"], "nowhere does not exist"),
    (["caption", "digit.png", "--run", "minigpt-painter"], "does not hold a model that sees or hears"),
    (["caption", "digit.png", "--run", "minigpt-base"], "does not hold a model that sees or hears"),
    (["caption", "digit.png", "--question", "<|audio|>"], "<|audio|>"),
    (["caption", "digit.png", "--question", "why " * 400], "context_length=256"),
    (["transcribe", "nowhere.wav"], "nowhere.wav does not exist"),
    (["transcribe", "text.txt"], "cannot be read as sound"),
    (["draw", "an elephant"], "has never read 'an'"),
    (["draw", "draw a"], "must name one digit"),
    (["draw", "seven nine"], "must name one digit"),
    (["draw", ""], "must name one digit"),
    (["draw", "seven", "--n", "0"], "n=0 must be from 1 to 100"),
    (["draw", "seven", "--out", "x.jpg"], "a file that ends in .png"),
    (["draw", "seven", "--out", "no/x.png"], "a folder that exists"),
    (["draw", "seven", "--run", "minigpt-digits"], "does not hold a model that draws"),
    (["generate", "minigpt-digits", "--prompt", "a"], "minigpt-digits"),
])  # fmt: skip
def test_a_mistake_gets_one_line_and_writes_nothing(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("no picture, no sound")
    Image.new("L", (30, 30), 200).save("blank.png")
    photograph(digit_images("test").pixels[0, 0]).save("digit.png")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(arguments) == 2
    _, err = lines(capsys)
    assert len(err) == 1 and message in err[0], err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_shipped_models_load_in_evaluation_mode():
    assert not load_reader("minigpt-digits")[0].training
    painter, _ = load_painter("minigpt-painter")
    assert not painter.gpt.training and not painter.vq_vae.training
