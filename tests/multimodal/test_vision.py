import numpy as np
import pytest
import torch
from PIL import Image

from minigpt.datasets.images import digit_images
from minigpt.multimodal.vision import (
    ConvStem,
    PatchEmbedding,
    VisionConfig,
    VisionEncoder,
    as_digit,
    as_other_writers,
    read_image,
    shift_and_turn,
)


def test_a_patch_embedding_is_one_linear_map_of_each_patch():
    stem, pixels = PatchEmbedding(3, 4, 10), torch.randn(2, 3, 8, 12)
    weight = stem.linear.weight.flatten(1)  # (10, 3 · 4 · 4)
    tokens = stem(pixels)
    assert tokens.shape == (2, 6, 10)
    for index in range(6):
        row, column = divmod(index, 3)
        patch = pixels[:, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].flatten(1)
        torch.testing.assert_close(tokens[:, index], patch @ weight.T + stem.linear.bias, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("patch_size", "n_tokens"), [(2, 16), (4, 4), (8, 1), (1, 64)])
def test_a_stem_of_convolutions_gives_as_many_tokens_as_patches(patch_size, n_tokens):
    assert ConvStem(3, patch_size, 10)(torch.randn(2, 3, 8, 8)).shape == (2, n_tokens, 10)
    config = VisionConfig(channels=3, patch_size=patch_size, d_model=12, n_heads=3)
    assert config.n_tokens == n_tokens
    for stem in ("conv", "patch"):
        encoder = VisionEncoder(VisionConfig(channels=3, patch_size=patch_size, d_model=12, n_heads=3, stem=stem))
        assert encoder(torch.randn(2, 3, 8, 8)).shape == (2, n_tokens, 12)


def test_every_token_sees_every_other():
    torch.manual_seed(0)
    encoder = VisionEncoder(VisionConfig(stem="patch", d_model=12, n_heads=3, n_layers=2)).eval()
    pixels = torch.randn(1, 1, 8, 8)
    before = encoder(pixels)
    for place in ((0, 0), (7, 7)):
        changed = pixels.clone()
        changed[0, 0, *place] += 3
        assert ((encoder(changed) - before).abs().amax(dim=-1) > 1e-7).all()


def test_without_positions_an_image_would_be_a_bag_of_patches():
    torch.manual_seed(0)
    encoder = VisionEncoder(VisionConfig(stem="patch", d_model=12, n_heads=3)).eval()
    pixels = torch.randn(1, 1, 8, 8)
    turned = pixels.roll(4, dims=2)  # its patches in another order
    pooled = [encoder(x).mean(dim=1) for x in (pixels, turned)]
    assert not torch.allclose(*pooled, atol=1e-4)
    torch.nn.init.zeros_(encoder.position_embedding)
    pooled = [encoder(x).mean(dim=1) for x in (pixels, turned)]
    torch.testing.assert_close(*pooled, atol=1e-5, rtol=1e-4)


def test_images_of_another_shape_are_refused():
    encoder = VisionEncoder(VisionConfig())
    for shape in ((2, 1, 8, 9), (2, 3, 8, 8), (1, 8, 8)):
        with pytest.raises(ValueError, match=r"must be \(B, 1, 8, 8\)"):
            encoder(torch.zeros(shape))
    with pytest.raises(ValueError, match="patch_size=3 must divide image_size=8"):
        VisionConfig(patch_size=3)
    with pytest.raises(ValueError, match="power of two"):
        VisionConfig(image_size=12, patch_size=6)


def test_moved_pictures_are_reproducible_near_and_different():
    pixels = torch.from_numpy(digit_images("train").pixels[:50])
    moved = [shift_and_turn(pixels, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(moved[0], moved[1]) and not torch.allclose(moved[0], moved[2])
    assert moved[0].abs().max() <= 1 + 1e-6
    still = shift_and_turn(pixels, torch.Generator().manual_seed(1), 0.0, 0.0, 0.0)
    torch.testing.assert_close(still, pixels, atol=1e-5, rtol=0)
    difference = (moved[0] - pixels).abs().mean(dim=(1, 2, 3))
    assert (difference > 0.01).all() and difference.mean() < 0.5
    right = shift_and_turn(pixels, torch.Generator().manual_seed(3), 0.0, 0.0, 0.0)
    assert right.shape == pixels.shape


def test_a_turn_keeps_the_centre_and_moves_the_rim_to_both_sides_equally():
    bar = torch.full((400, 1, 9, 9), -1.0)
    bar[:, :, :, 4] = 1  # upright, through the centre
    turned = shift_and_turn(bar, torch.Generator().manual_seed(0), 0.0, 40.0, 0.0)
    assert (turned[:, 0, 4, 4] > 0.6).all()
    mean = turned.mean(dim=0)[0]
    torch.testing.assert_close(mean, mean.flip(1), atol=0.1, rtol=0)
    assert mean[0, 1:4].max() > mean[4, 1:3].max() + 0.02  # the ends move, near the middle little


def test_a_turn_keeps_areas():
    block = torch.full((300, 1, 32, 32), -1.0)
    block[:, :, 12:20, 8:24] = 1
    area = (shift_and_turn(block, torch.Generator().manual_seed(0), 0.0, 40.0, 0.0) > 0).sum(dim=(1, 2, 3))
    assert (area - 128).abs().max() < 14


def test_other_writers_press_harder_or_less_and_leave_paper_and_ink_where_they_are():
    bar = torch.full((500, 1, 8, 8), -1.0)
    bar[:, :, :, 3:5], bar[:, :, :, 2] = 1, 0.0  # full ink, and a pale edge
    written = as_other_writers(bar, torch.Generator().manual_seed(0)).mean(dim=0)[0, 2:6]
    assert written[:, 7].mean() < -0.85 and written[:, 3].mean() > 0.6
    again = as_other_writers(bar, torch.Generator().manual_seed(0)).mean(dim=0)[0, 2:6]
    assert torch.equal(written, again)
    noise = as_other_writers(torch.full((200, 1, 8, 8), -1.0), torch.Generator().manual_seed(1))
    assert 0.13 < noise.std() < 0.17


# ------------------------------------------------------------------------------------------------ files


def write(tmp_path, image, name="x.png", **settings):
    path = tmp_path / name
    image.save(path, **settings)
    return path


def scaled_up(pixels, size=(60, 80), ink=0, paper=255):
    """A digit of 8 × 8 numbers as a photograph: ink on paper, with a margin, of another shape."""
    grey = Image.fromarray(np.uint8((pixels[0] + 1) * 127.5)).resize((40, 40), Image.Resampling.BILINEAR)
    values = paper + (np.asarray(grey, float) / 255) * (ink - paper)
    page = np.full(size[::-1], float(paper))
    page[25:65, 9:49] = values
    return Image.fromarray(page.astype(np.uint8))


def test_a_photograph_of_a_digit_becomes_the_digit(tmp_path):
    images = digit_images("train")
    for index in (1, 3, 8, 40):
        expected = images.pixels[index]
        for name, changes in (("black on white", {}), ("white on black", {"ink": 255, "paper": 0})):
            pixels, _ = read_image(write(tmp_path, scaled_up(expected, **changes)))
            found, notes = as_digit(pixels)
            assert found.shape == (8, 8) and found.dtype == np.float32 and np.abs(found).max() <= 1
            correlation = np.corrcoef(found.ravel(), expected.ravel())[0, 1]
            assert correlation > 0.75, (name, index, correlation)
            assert any("light ink" in note for note in notes) == (name == "white on black")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16"])
def test_any_colour_mode_is_read(tmp_path, mode):
    drawing = scaled_up(digit_images("train").pixels[3])
    if mode == "I;16":
        image = Image.fromarray(np.asarray(drawing).astype(np.uint16) * 250)
    else:
        image = drawing.convert(mode, dither=Image.Dither.NONE)
    name = "x.tif" if mode in ("CMYK", "F", "I") else "x.png"
    pixels, notes = read_image(write(tmp_path, image, name))
    assert pixels.dtype == np.uint8 and pixels.shape == (80, 60, 3)
    plain, _ = as_digit(np.repeat(np.asarray(drawing)[:, :, None], 3, axis=2))
    assert np.abs(as_digit(pixels)[0] - plain).mean() < 0.15
    assert bool(notes) == (mode not in ("1", "L", "RGB"))


def test_what_is_transparent_is_paper(tmp_path):
    image = Image.new("RGBA", (30, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (12, 5, 16, 35))
    pixels, _ = read_image(write(tmp_path, image))
    assert pixels[0, 0].tolist() == [255, 255, 255] and pixels[20, 14].tolist() == [0, 0, 0]


def test_files_that_are_no_pictures_get_one_clear_line(tmp_path):
    picture = write(tmp_path, scaled_up(digit_images("train").pixels[3])).read_bytes()
    cases = {
        "missing.png": (None, "is not a file"),
        "text.png": (b"no picture", "is not a picture"),
        "empty.png": (b"", "is not a picture"),
        "cut.png": (picture[: len(picture) // 2], "damaged picture"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as raised:
            read_image(path)
        assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="is not a file"):
        read_image(tmp_path)
    with pytest.raises(ValueError, match="nothing on the picture"):
        as_digit(np.full((20, 20, 3), 200, np.uint8))


def test_a_huge_picture_is_refused_before_it_is_unpacked(tmp_path):
    path = write(tmp_path, Image.new("1", (12_000, 9_000)))
    with pytest.raises(ValueError, match="pixels: at most 50,000,000"):
        read_image(path)


def test_one_pixel_and_one_stroke_do_not_break_the_cutting():
    page = np.full((9, 5, 3), 255, np.uint8)
    page[4, 2] = 0
    assert as_digit(page)[0].max() == 1
    page[:, 2] = 0
    found, _ = as_digit(page)
    assert found.shape == (8, 8) and (found[:, 0] == -1).all()
