"""The atlas page in a real browser, from disk."""

from pathlib import Path

import pytest

from pipeline.atlas import page
from pipeline.atlas.selection import blend
from pipeline.atlas.store import Picture
from tests.browser import browser, console_messages, text, wait

pytestmark = pytest.mark.slow
COPIED = "return window.copied = window.copied || [], window.copied.at(-1)"
LISTEN = """
window.copied = [];
const write = navigator.clipboard.writeText.bind(navigator.clipboard);
navigator.clipboard.writeText = (text) => { window.copied.push(text); return write(text); };
"""
PIXEL = """
const [pic, done] = arguments;
const url = getComputedStyle(pic).backgroundImage.slice(5, -2);
const image = new Image();
image.onerror = () => done(null);
image.onload = () => done([image.naturalWidth, image.naturalHeight]);
image.src = url;
"""


@pytest.fixture
def file(tmp_path: Path, drawn: list[Picture]) -> Path:
    """An atlas of three pictures and a blend of two of them."""
    mixed = blend(drawn[0].target, drawn[1].target, 0.5)
    path = tmp_path / "atlas of mine.html"
    written = page.as_html(
        "motifnet", [("classes", 9, drawn)], [Picture(mixed, drawn[0].pixels, drawn[0].traces[:, :0])]
    )
    path.write_text(written, encoding="utf-8")
    return path


def test_browser_shows_copies_and_blends_pictures(file: Path, tmp_path: Path, drawn: list[Picture]) -> None:
    targets = [each.target.target for each in drawn]
    with browser(tmp_path) as opened:
        opened.get(file.as_uri())
        opened.execute_script(LISTEN)
        tiles = wait(opened, lambda b: b.find_elements("css selector", "main .tile"))
        assert [tile.get_attribute("data-target") for tile in tiles] == targets
        pics = opened.find_elements("css selector", "main .pic")
        wait(opened, lambda b: all(p.value_of_css_property("background-image") != "none" for p in pics))
        assert opened.execute_async_script(PIXEL, pics[1]) == [48, 16]
        tiles[0].click()
        wait(opened, lambda b: b.execute_script(COPIED) == "class:owl")
        assert text(opened, "target") == "class:owl" and "copied class:owl" in text(opened, "toast")
        assert 'score.targets=["class:owl"]\'' in text(opened, "film")
        assert len(opened.find_elements("css selector", "#large .pic")) == 2  # both copies
        kin = opened.find_elements("css selector", "#kin .tile")
        assert {tile.get_attribute("data-target") for tile in kin} == set(targets[1:])
        opened.find_element("id", "pick").click()
        tiles[1].click()
        assert text(opened, "sum") == " + ".join(targets[:2])
        assert len(opened.find_elements("css selector", "#mixed .pic")) == 1
        opened.execute_script("share.value = 75; share.dispatchEvent(new Event('input'))")
        assert text(opened, "sum") == f"0.33*{targets[0]} + {targets[1]}"
        assert console_messages(opened) == []


def test_browser_searches_and_moves_by_keyboard(file: Path, tmp_path: Path) -> None:
    with browser(tmp_path, 390, 800) as opened:
        opened.get(file.as_uri())
        opened.execute_script(LISTEN)
        wait(opened, lambda b: b.find_elements("css selector", "main .tile"))
        focused = "return document.activeElement.dataset.target || document.activeElement.id"
        body = opened.find_element("css selector", "body")
        body.send_keys("/")
        assert opened.execute_script(focused) == "search"
        opened.switch_to.active_element.send_keys("owl")
        shown = "main .tile:not([hidden])"
        wait(opened, lambda b: len(b.find_elements("css selector", shown)) == 1)
        assert text(opened, "count") == "1 of 3"
        opened.find_element("id", "search").clear()
        opened.execute_script(
            "document.getElementById('search').dispatchEvent(new Event('input'));"
            "document.querySelector('main .tile').focus()"
        )
        opened.switch_to.active_element.send_keys("\ue014")  # right
        opened.switch_to.active_element.send_keys("\ue014")
        assert opened.execute_script(focused).startswith("class:{{SCRIPT}}")
        opened.switch_to.active_element.send_keys("\ue007")  # enter
        wait(opened, lambda b: (b.execute_script(COPIED) or "").startswith("class:{{SCRIPT}}"))
        assert opened.find_element("id", "panel").is_displayed()
        opened.switch_to.active_element.send_keys("\ue00c")  # escape
        assert not opened.find_element("id", "panel").is_displayed()
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
        assert console_messages(opened) == []
