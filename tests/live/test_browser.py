"""The live page in a real browser: frames, a slider, targets, keys, reload, phone width."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser, console_messages, text, wait
from tests.live.stage import program

pytestmark = pytest.mark.slow
FRAMES = "return Number(document.getElementById('picture').dataset.frames || 0)"
FULL = "return document.fullscreenElement?.id || ''"
WATCH = """
const done = arguments[0], canvas = document.getElementById("picture");
const mean = () => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
};
const slider = document.getElementById("slider dream.tone_mean"), before = mean();
slider.value = 0.95;
slider.dispatchEvent(new Event("input"));
const look = () => (mean() - before > 5 ? done() : requestAnimationFrame(look));
look();
"""


def frames(opened: Any, more: int = 1) -> int:
    """Wait for more frames; how many were shown."""
    first = int(opened.execute_script(FRAMES))
    return int(wait(opened, lambda b: (n := int(b.execute_script(FRAMES))) >= first + more and n))


def wall(opened: Any, target: str) -> Any:
    return opened.find_element("css selector", f"#wall [data-target='{target}']")


def action_chains(opened: Any) -> Any:
    from selenium.webdriver.common.action_chains import ActionChains

    return ActionChains(opened)


def test_page_plays_the_dream(tmp_path: Path) -> None:
    arguments = ("preset=spiral", "live.fps=8", "live.wall=3", "dream.tone_rate=60", "output=session.yaml")
    with program(tmp_path, *arguments) as running, browser(tmp_path / "wide") as opened:
        opened.get(running.address)
        frames(opened, 4)
        opened.execute_async_script(WATCH)  # how soon: scripts/measure_live.py slider
        wait(opened, lambda b: len(b.find_elements("css selector", "#wall [style*=url]")) == 3)  # all are drawn
        chosen = opened.find_elements("css selector", "#wall button")[1].get_attribute("data-target")
        wall(opened, chosen).click()
        wait(opened, lambda b: text(b, "label") == chosen)
        assert wall(opened, chosen).get_attribute("aria-pressed") == "true"
        body = opened.find_element("css selector", "body")
        body.send_keys("m")
        opened.find_elements("css selector", "#wall button")[0].click()
        wait(opened, lambda b: text(b, "label").count("0.5 class:") == 2)
        body.send_keys("u")
        wait(opened, lambda b: text(b, "label") == chosen)
        dragged, other = opened.find_elements("css selector", "#wall button")[1:3]
        action_chains(opened).drag_and_drop(dragged, other).perform()
        wait(opened, lambda b: text(b, "label").count("0.5 class:") == 2)
        body.send_keys("u")
        wait(opened, lambda b: text(b, "label") == chosen)
        body.send_keys("f")
        wait(opened, lambda b: b.execute_script(FULL) == "stage")
        opened.execute_script("document.exitFullscreen()")
        body.send_keys(" ")
        wait(opened, lambda b: b.find_element("css selector", "[data-do=freeze][aria-pressed=true]"))
        opened.refresh()
        frames(opened, 2)
        with browser(tmp_path / "phone", 390, 844) as second:
            second.get(running.address)
            frames(second, 2)
            wait(second, lambda b: text(b, "label") == chosen)
            assert second.execute_script("return document.documentElement.scrollWidth") <= 390
            second.find_element("css selector", "[data-do=freeze]").click()
            wait(opened, lambda b: b.find_element("css selector", "[data-do=freeze][aria-pressed=false]"))
            assert console_messages(second) == []
        frames(opened, 2)
        own = "willReadFrequently"  # what this test does to read pixels
        assert [line for line in console_messages(opened) if own not in line] == []
        running.started.process.terminate()
        assert running.started.ended() == 0
        wait(opened, lambda b: "does not answer" in text(b, "status"))
        assert (tmp_path / "session.yaml").is_file()
