"""The page to look inside, in headless Chromium: what it shows is the model's, and it asks nobody else."""

import re
from contextlib import contextmanager

import pytest
import torch
from http_server import serving

from chapters._book import browser

pytest.importorskip("playwright")


@contextmanager
def opened(url):
    """Yield the page, and a list of what went wrong in it: errors, and requests to other machines."""
    from playwright.sync_api import sync_playwright

    try:
        chromium = browser.find_chromium()
    except browser.BookError as error:
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False, args=browser.FLAGS)
        try:
            page, wrong = program.new_page(viewport={"width": 1100, "height": 900}), []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
            page.on("request", lambda r: r.url.startswith((str(url), "data:")) or wrong.append(f"asks {r.url}"))
            page.goto(str(url))
            yield page, wrong
        finally:
            program.close()


def probabilities(model, tokenizer, text):
    """(T, V): what the model expects after each token."""
    with torch.no_grad():
        return model(torch.tensor([tokenizer.encode(text)]))[0].softmax(-1)


def test_the_page_shows_tokens_next_tokens_and_attention(served, tiny, tokenizer):
    with opened(served[0].base_url) as (page, wrong):
        page.fill("#text", "abcab")
        page.wait_for_selector("#tokens .token:nth-child(5):last-child")
        expected = probabilities(tiny, tokenizer, "abcab")
        titles = [token.get_attribute("title") for token in page.query_selector_all("#tokens .token")]
        assert "first token" in titles[0]
        for place, title in enumerate(titles[1:], 1):
            true = 100 * expected[place - 1, tokenizer.encode("abcab")[place]].item()
            shown = float(re.search(r"[\d.]+", title)[0])
            assert shown == pytest.approx(true, abs=0.6) if "<" not in title else true < 0.1
        bars = page.query_selector_all("#next .bar")
        assert len(bars) == 10
        likeliest = tokenizer.decode([expected[-1].argmax().item()])
        assert bars[0].query_selector("code").inner_text().replace("␣", " ").replace("⏎", "\n") == likeliest
        page.click("#tokens .token >> nth=1")  # stand at the second token
        earlier = tokenizer.decode([expected[1].argmax().item()])
        shown = page.inner_text("#next .bar >> nth=0 >> code").replace("␣", " ").replace("⏎", "\n")
        assert shown == earlier
        assert len(page.query_selector_all("#heads canvas")) == tiny.config.n_layers * tiny.config.n_heads
        page.click("#heads canvas >> nth=3")
        assert page.inner_text("#head") == "Layer 2, head 2:"
        weights = tiny.attention_weights(torch.tensor([tokenizer.encode("abcab")]))[1][0, 1, 1]
        heard = [token.get_attribute("title") for token in page.query_selector_all("#heard .token")]
        assert len(heard) == 2  # the token itself and the one before it
        assert float(heard[0].split()[0]) == pytest.approx(100 * weights[0].item(), abs=0.6)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not wrong


def test_the_page_writes_on_and_says_what_goes_wrong(served):
    with opened(served[0].base_url) as (page, wrong):
        page.fill("#text", "ab")
        page.fill("#most", "7")
        page.click("#go")
        page.wait_for_selector("#tokens .token:nth-child(9):last-child")
        assert len(page.input_value("#text")) == 9
        page.fill("#text", "漢")
        page.wait_for_selector("#message:has-text('alphabet')")
        assert wrong == ["Failed to load resource: the server responded with a status of 400 (Bad Request)"]


def test_a_script_in_a_text_or_smuggled_into_the_page_does_not_run(served, tiny, tokenizer):
    with opened(served[0].base_url) as (page, wrong):
        rules = served[0].get("/").headers["Content-Security-Policy"]
        assert rules.startswith("default-src 'none'")
        assert "unsafe" not in rules
        page.evaluate("""document.body.append(Object.assign(document.createElement("script"),
                         {textContent: "window.smuggled = 1"}))""")
        page.evaluate("fetch('https://example.com/x').catch(() => {})")
        assert page.evaluate("window.smuggled") is None
        assert any("Content Security Policy" in line for line in wrong)
        assert not any(line.startswith("asks ") for line in wrong)


def test_a_server_with_a_key_has_its_page_ask_for_it(tiny, tokenizer):
    with serving(tiny, tokenizer, key="sesam") as (http, _), opened(http.base_url) as (page, _):
        page.wait_for_selector("#key")
        page.fill("#key", "sesam")
        page.press("#key", "Tab")
        page.fill("#text", "abcde")
        page.wait_for_selector("#tokens .token:nth-child(5):last-child")
