"""A real browser for tests: headless Chromium with a temporary profile."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    "--autoplay-policy=no-user-gesture-required",
)
TIMEOUT_SECONDS = 60.0  # the machine may be busy


@contextmanager
def browser(folder: Path, width: int = 1280, height: int = 900) -> Iterator[Any]:
    """A browser window of this size in CSS pixels; its profile is in ``folder``. Skips if there is no browser."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    from selenium.webdriver.chrome.service import Service

    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        opened.set_script_timeout(TIMEOUT_SECONDS)
        yield opened
    finally:
        opened.quit()


def wait(opened: Any, until: Callable[[Any], object]) -> Any:
    """Wait until ``until`` returns something true; that result."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(opened, TIMEOUT_SECONDS, poll_frequency=0.1).until(until)


def text(opened: Any, id: str) -> str:
    """The text of the element with this id."""
    return str(opened.execute_script("return document.getElementById(arguments[0]).textContent", id))


def console_messages(opened: Any) -> list[str]:
    """The messages in the browser's console."""
    return [str(entry["message"]) for entry in opened.get_log("browser")]
