"""The studio in a real browser: from an empty folder to a finished music film, by clicks alone."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.media.decode.probe import decode, probe
from pipeline.media.sound.song_audio import first_track
from scripts.frame_cases import draw_song
from tests.browser import browser, console_messages, text, wait
from tests.studio.stage import studio

pytestmark = pytest.mark.slow
SMALL = {"network": "motifnet", "frame.width": "96", "frame.height": "64", "frame.fps": "4", "duration": "4s"}


class Page:
    """The page, as somebody with a mouse uses it."""

    def __init__(self, opened: Any) -> None:
        self.opened = opened

    def find(self, selector: str) -> Any:
        return wait(self.opened, lambda b: next(iter(b.find_elements("css selector", selector)), None))

    def click(self, selector: str) -> None:
        element = self.find(selector)
        self.opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def set(self, key: str, value: str) -> None:
        """Open a setting by the search, unless it stands there, and type a value."""
        if not self.opened.find_elements("css selector", f"#rows [data-key='{key}']"):
            self.find("#search").send_keys(key)
            self.click(f"#matches [data-key='{key}']")
        self.find(f"#rows [data-key='{key}'] :is(select, input[type=text])").send_keys(value)

    def ready(self, words: str) -> None:
        """Wait until the film can be rendered and its summary has these words."""
        wait(self.opened, lambda b: words in text(b, "summary") and not text(b, "problem"))

    def done(self, kind: str, count: int = 1) -> list[Any]:
        """Wait for so many finished entries of the queue."""

        def finished(b: Any) -> Any:
            assert not b.find_elements("css selector", ".job.failed"), text(b, "jobs")
            cards = b.find_elements("css selector", f".job.done[data-kind={kind}]")
            return len(cards) == count and cards

        return list(wait(self.opened, finished))


@contextmanager
def page(folder: Path, address: str, width: int) -> Iterator[Page]:
    with browser(folder, width, 900) as opened:
        opened.get(address)
        yield Page(opened)
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
        assert console_messages(opened) == []


def draw_inputs(folder: Path) -> None:
    draw_song(folder / "my song.wav")
    photograph = Image.new("RGB", (160, 120), (60, 90, 160))
    ImageDraw.Draw(photograph).ellipse((30, 20, 130, 110), (220, 170, 70))
    photograph.save(folder / "photo.jpg")


def frames_of(path: Path) -> Any:
    return np.stack(list(decode(path)))


def test_from_an_empty_folder_to_a_music_film(tmp_path: Path) -> None:
    draw_inputs(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with studio(empty) as running, page(tmp_path / "wide", running.address, 1440) as wide:
        wide.click("#presets [data-name=music_video]")
        wait(wide.opened, lambda b: "needs the song" in text(b, "problem") or "audio.path" in text(b, "problem"))
        assert not wide.find("#render").is_enabled()
        wide.find("#pick").send_keys(f"{tmp_path / 'photo.jpg'}\n{tmp_path / 'my song.wav'}")
        for key, value in SMALL.items():
            wide.set(key, value)
        wide.ready("64 · 4 fps · 16 frames")
        wide.set("seed", "x")
        wait(wide.opened, lambda b: "seed=x" in wide.find("#rows [data-key=seed] .wrong").text)
        wide.click("#rows [data-key=seed] .reset")
        wide.ready("64 · 4 fps")
        wide.click("#timeline-open")
        wide.click("[data-lane='camera.zoom'] h3 button")  # its expression becomes points
        before = wide.find("[data-lane='camera.zoom'] .point").get_attribute("cy")
        wide.find("[data-lane='camera.zoom'] .point").send_keys("\ue013\ue013\ue013")  # arrow up
        wait(wide.opened, lambda b: wide.find("[data-lane='camera.zoom'] .point").get_attribute("cy") != before)
        wide.ready("64 · 4 fps")
        wide.find("#preset-file").send_keys("mine")
        wide.click("#save-preset button")
        wait(wide.opened, lambda b: "preset=mine" in text(b, "command"))
        for button in ("#render", "#storyboard", "#vary"):
            wide.click(button)
        (card,) = wide.done("render")
        video = card.find_element("css selector", "video")
        wide.opened.execute_script("arguments[0].play()", video)
        wait(wide.opened, lambda b: b.execute_script("return arguments[0].currentTime > 0.2", video))
        command = shlex.split(card.find_element("css selector", "code").text)
        assert command[:3] == ["python", "-m", "pipeline.render"] and "preset=mine" in command
        assert len(wide.done("variations")[0].find_elements("css selector", ".alternatives button")) == 6
        for (sheet,) in (wide.done("storyboard"), wide.done("variations")):
            picture = sheet.find_element("css selector", "img.picture")
            wait(wide.opened, lambda b, img=picture: b.execute_script("return arguments[0].naturalWidth > 300", img))
        (film,) = empty.glob("outputs/*/*/mine.mp4")
        with page(tmp_path / "phone", running.address, 390) as phone:
            phone.click("#hold")
            phone.click(f".job[data-number='{card.get_attribute('data-number')}'] [data-do=larger]")
            larger = phone.find(".job[data-kind=render]:not(.done)")
            wait(phone.opened, lambda b: "405" in larger.text or "270" in larger.text)
            larger.find_element("xpath", ".//button[text()='Cancel' or text()='Remove']").click()
            phone.done("render")
            phone.click("#clear")
            phone.click("#timeline-open")
            phone.click("#split")
            phone.click("#add-shot")
            wait(phone.opened, lambda b: text(b, "command").count("preset:") == 3)
            phone.ready("384 frames · 16s")  # of three shots of 6 s, whose crossfades overlap
            assert len(phone.opened.find_elements("css selector", ".shot")) == 3
    again = subprocess.run(
        [sys.executable, *command[1:], "hydra.run.dir=again"], cwd=empty, capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0, again.stderr
    assert np.array_equal(frames_of(empty / "again" / "mine.mp4"), frames_of(film))
    assert probe(film).width == 96 and len(frames_of(film)) == 16 and first_track(film).codec == "aac"


def test_one_check_runs_at_a_time(tmp_path: Path) -> None:
    script = """
        const ask = window.fetch, pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        let now = 0, most = 0, last = "";
        window.fetch = async (name, options) => {
            if (name !== "check") return ask(name, options);
            most = Math.max(most, ++now);
            last = options.body;
            await pause(1000);
            now -= 1;
            return ask(name, options);
        };
        const core = await import(new URL("core.js", location));
        for (let seed = 1; seed <= 4; seed += 1) {
            core.form.settings.seed = String(seed);
            core.changed();
            await pause(350);
        }
        await pause(2500);
        return [most, last.includes("seed=4")];
    """
    with studio(tmp_path) as running, page(tmp_path / "browser", running.address, 1000) as opened:
        opened.find("#render")
        opened.opened.set_script_timeout(30)
        answer = opened.opened.execute_script(f"return (async () => {{{script}}})()")
        assert answer == [1, True]
