"""What passes in chapter 15. Expected values come from NumPy's and PyTorch's own transforms, `minigpt`, or counting."""

import math

import numpy as np
import torch

from minigpt.grading import check_close, check_equal, check_gradients, exercise
from minigpt.multimodal import audio, fusion


def draws(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


@exercise("aliased", points=1, minutes=10, difficulty=1)
def test_the_lowest_tone_with_the_same_samples(answers, rng):
    for rate in (8000.0, 48.0, float(rng.uniform(1, 50))):
        hz = rng.uniform(0, 6, size=7) * rate
        expected = [min(abs(f - m * rate) for m in range(-1, 9)) for f in hz]
        check_close(answers.aliased(hz, rate), np.array(expected), atol=1e-7 * rate)


@exercise("aliased")
def test_tones_below_and_above_each_border(answers):
    hz = np.array([0.0, 1.0, 4.0, 4.5, 5.0, 7.5, 8.0, 9.0, 12.0, 13.0, 15.0, 16.0, 25.0, 39.0])
    check_close(answers.aliased(hz, 8.0), np.array([0, 1, 4, 3.5, 3, 0.5, 0, 1, 4, 3, 1, 0, 1, 1.0]))


@exercise("cut_frames", points=2, minutes=15, difficulty=2)
def test_frames_are_those_of_a_loop(answers, rng):
    for n_samples, window, hop in ((13, 6, 4), (12, 6, 4), (5, 8, 3), (1, 2, 1), (20, 5, 7), (16, 4, 4)):
        samples = rng.normal(size=n_samples) + 2
        fade = torch.hann_window(window, dtype=torch.float64).numpy()
        expected = np.zeros((-(-n_samples // hop), window))
        for number in range(len(expected)):
            for place in range(window):
                if number * hop + place < n_samples:
                    expected[number, place] = samples[number * hop + place] * fade[place]
        check_close(answers.cut_frames(samples, window, hop), expected)


@exercise("power_spectrum", points=2, minutes=15, difficulty=2,
          forbids=("numpy.fft", "torch.fft", "scipy.fft", "numpy.fft.fft", "numpy.fft.rfft", "torch.fft.fft",
                   "torch.fft.rfft"))  # fmt: skip
def test_power_is_that_of_the_fast_transform(answers, rng):
    for n_frames, n_samples in ((3, 8), (1, 16), (4, 7), (2, 1), (2, 2), (5, 30)):
        frames = rng.normal(size=(n_frames, n_samples)) + 0.5
        check_close(answers.power_spectrum(frames), np.abs(np.fft.rfft(frames, axis=1)) ** 2, atol=1e-8)


@exercise("mel_bands", points=3, minutes=25, difficulty=3)
def test_each_band_is_a_triangle(answers, rng):
    for n_mels, n_fft, rate in ((1, 8, 8000.0), (5, 64, 16_000.0), (12, 256, 8000.0),
                                (3, 20, float(rng.uniform(4e3, 9e4)))):
        top = float(audio.hz_to_mel(rate / 2))
        corners = [float(audio.mel_to_hz(top * i / (n_mels + 1))) for i in range(n_mels + 2)]
        expected = np.zeros((n_mels, n_fft // 2 + 1))
        for band in range(n_mels):
            for k in range(n_fft // 2 + 1):
                expected[band, k] = np.interp(k * rate / n_fft, corners[band : band + 3], [0, 1, 0])
        check_close(answers.mel_bands(n_mels, n_fft, rate), expected, atol=1e-8)


@exercise("log_scaled", points=1, minutes=10, difficulty=1)
def test_the_loudest_is_one_and_the_rest_below(answers, rng):
    for shape, decades in (((3, 2, 5), 5.0), ((1, 4, 3), 8.0), ((2, 3, 1), 1.5)):
        power = 10 ** rng.uniform(-13, 6, size=shape) * 10.0 ** rng.integers(-2, 3, size=(shape[0], 1, 1))
        power[0, 0, 0] = 0.0
        expected = np.empty(shape)
        for recording, scaled in zip(power, expected):
            logs = [[math.log10(value) if value > 1e-10 else -10.0 for value in row] for row in recording]
            loudest = max(map(max, logs))
            scaled[...] = [[1 - 2 * min(loudest - value, decades) / decades for value in row] for row in logs]
        check_close(answers.log_scaled(power, decades), expected)


@exercise("log_scaled")
def test_a_loud_a_soft_and_a_silent_recording(answers):
    power = np.array([[[1e3, 1e2], [1e-1, 1e-6]], [[1e-8, 1e-9], [0.0, 1e-12]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = np.array([[[1, 0.5], [-1, -1]], [[1, 0.5], [0, 0]], [[1, 1], [1, 1.0]]])
    check_close(answers.log_scaled(power, 4.0), expected)


@exercise("add_noise", points=2, minutes=10, difficulty=1)
def test_the_ratio_is_the_one_wanted(answers, rng):
    for shape, decibels in (((3, 9), 0.0), ((2, 5), 20.0), ((4, 6), -7.0), ((1, 8), float(rng.uniform(3, 15)))):
        samples = (rng.normal(size=shape) + 0.5) * np.arange(1, shape[0] + 1)[:, None]
        noise = (2 * rng.normal(size=shape) - 0.7) * np.arange(shape[0] + 1, 1, -1)[:, None]
        expected = np.empty(shape)
        for clean, draw, row in zip(samples, noise, expected):
            ratio = math.sqrt(sum(clean**2) / sum(draw**2)) * 10 ** (-decibels / 20)
            row[:] = [one + ratio * other for one, other in zip(clean, draw)]
        check_close(answers.add_noise(samples, noise, decibels), expected)


@exercise("through_images", points=3, minutes=20, difficulty=2)
def test_sounds_reach_words_through_pictures(answers, seed):
    for n_sounds, n_images, n_words, width, scale in ((4, 6, 3, 5, 3.0), (2, 5, 4, 3, 9.0), (3, 3, 3, 2, 0.7)):
        sounds, images, words, upstream = draws(seed, (n_sounds, width), (n_images, width), (n_words, width),
                                                (n_sounds, n_words))  # fmt: skip
        tensors = [3 * sounds.clone(), 0.2 * images, words]
        tensors = [tensor.requires_grad_() for tensor in tensors]

        def choose(row, table, scale=scale):
            cosines = torch.nn.functional.cosine_similarity(row[None], table, dim=1)
            return torch.nn.functional.softmax(scale * cosines, dim=0)

        rows = []
        for sound in tensors[0]:
            shares = choose(sound, tensors[1])
            rows.append(sum(share * choose(image, tensors[2]) for share, image in zip(shares, tensors[1])))
        expected = torch.stack(rows)
        (expected * upstream).sum().backward()
        value, gradients = answers.call_with_gradients("through_images", *[tensor.detach() for tensor in tensors],
                                                       scale, upstream=upstream)  # fmt: skip
        check_close(value, expected.detach())
        names = ("sounds", "images", "words")
        check_gradients(dict(zip(names, gradients)), {name: t.grad for name, t in zip(names, tensors)})


@exercise("through_images")
def test_a_large_scale_does_not_overflow(answers):
    east, north = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 2.0], dtype=torch.float64)
    got = answers.through_images(torch.stack([east, north, 5 * east]), torch.stack([north, east]),
                                 torch.stack([east, north, -east]), 2000.0)  # fmt: skip
    check_close(got, torch.tensor([[1, 0, 0], [0, 1, 0], [1, 0, 0]]).double(), hint="large scores overflow")


@exercise("product_of_experts", points=3, minutes=20, difficulty=2)
def test_present_witnesses_are_multiplied(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n_modalities, batch, n_classes in ((2, 5, 3), (3, 4, 2), (1, 3, 4), (3, 6, 5)):
        experts, prior, upstream = draws(seed, (n_modalities, batch, n_classes), (n_classes,), (batch, n_classes))
        experts, prior = (2 * experts).log_softmax(dim=-1), (2 * prior).log_softmax(dim=0)
        present = torch.rand(n_modalities, batch, generator=generator) < 0.6
        present[:, 0], present[:, 1], present[0, 2] = True, False, True
        given = experts.masked_fill(~present[:, :, None], math.nan)
        leaf = experts.clone().requires_grad_()
        by_name = {str(m): leaf[m] for m in range(n_modalities)}
        expected = fusion.product_of_experts(by_name, prior, {str(m): present[m] for m in range(n_modalities)})
        (expected * upstream).sum().backward()
        value, (gradient,) = answers.call_with_gradients("product_of_experts", given, prior, present,
                                                         upstream=upstream, wrt=(0,))  # fmt: skip
        check_close(value, expected.detach())
        check_gradients(gradient, leaf.grad)


@exercise("product_of_experts")
def test_a_worked_case_on_paper(answers):
    experts = torch.tensor([[[0.6, 0.3, 0.1]] * 3, [[0.2, 0.7, 0.1]] * 3], dtype=torch.float64).log()
    prior = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64).log()
    present = torch.tensor([[True, True, False], [True, False, False]])
    expected = torch.tensor([[0.24 / 1.12, 0.84 / 1.12, 0.04 / 1.12], [0.6, 0.3, 0.1], [0.5, 0.25, 0.25]])
    check_close(answers.product_of_experts(experts, prior, present).exp(), expected.double(), atol=1e-6)


@exercise("fill_absent", points=2, minutes=15, difficulty=2)
def test_missing_items_are_filled(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for batch, n_tokens, width in ((5, 3, 2), (4, 1, 3), (3, 2, 4), (4, 4, 4)):
        features, absent, upstream = draws(seed, (batch, n_tokens, width), (n_tokens, width), (batch, n_tokens, width))
        present = torch.rand(batch, generator=generator) < 0.5
        present[0], present[1], present[2] = False, True, False
        given = features.clone()
        given[0], given[2, 0, 0] = math.nan, math.inf
        expected, for_features, for_absent = features.clone(), upstream.clone(), torch.zeros_like(absent)
        for index in range(batch):
            if not present[index]:
                expected[index], for_features[index] = absent, 0
                for_absent += upstream[index]
        value, gradients = answers.call_with_gradients("fill_absent", given, present, absent, upstream=upstream,
                                                       wrt=(0, 2))  # fmt: skip
        check_close(value, expected)
        check_gradients(dict(zip(("features", "absent"), gradients)), {"features": for_features, "absent": for_absent})


@exercise("fill_absent")
def test_nothing_or_everything_missing(answers, seed):
    features, absent = draws(seed, (3, 2, 4), (2, 4))
    check_close(answers.fill_absent(features, torch.ones(3, dtype=torch.bool), absent), features)
    check_close(answers.fill_absent(features, torch.zeros(3, dtype=torch.bool), absent), absent.repeat(3, 1, 1))


@exercise("drop_one", points=2, minutes=15, difficulty=2)
def test_some_lose_one_and_none_its_last(answers, rng):
    for batch, n_modalities, probability in ((40, 3, 0.5), (30, 2, 0.3), (25, 4, 1.0), (10, 2, 0.0), (20, 3, 0.8)):
        present = rng.random((batch, n_modalities)) < 0.7
        present[:, -1] |= ~present.any(axis=1)
        present[0] = True
        lot, which = rng.random(batch), rng.random(batch)
        expected = []
        for row, draw, place in zip(present.tolist(), lot, which):
            has = [index for index, there in enumerate(row) if there]
            lost = has[math.floor(place * len(has))] if draw < probability and len(has) >= 2 else None
            expected.append([there and index != lost for index, there in enumerate(row)])
        check_equal(np.asarray(answers.drop_one(present, lot, which, probability)), np.array(expected))


@exercise("drop_one")
def test_worked_rows(answers):
    present = np.array([[True, True, True], [True, True, True], [False, True, True], [True, False, True],
                        [False, False, True], [True, True, False], [True, True, True]])  # fmt: skip
    lot = np.array([0.0, 0.49, 0.1, 0.1, 0.0, 0.5, 0.2])
    which = np.array([0.0, 0.99, 0.49, 0.51, 0.3, 0.1, 0.34])
    expected = np.array([[False, True, True], [True, True, False], [False, False, True], [True, False, False],
                         [False, False, True], [True, True, False], [True, False, True]])  # fmt: skip
    check_equal(np.asarray(answers.drop_one(present, lot, which, 0.5)), expected)
