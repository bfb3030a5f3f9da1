"""A headless Chromium, driven over the WebDriver protocol (W3C) by chromedriver."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

PATIENCE = 60.0  # seconds for the browser to start, or to do what it is told

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's packages chromium and chromium-driver"
)

# nothing but the pages of the test: no tour, no updates, no talk with its maker
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """One window. Its profile is kept in ``folder``, which is empty before."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        assert DRIVER is not None
        with (folder / "chromedriver.log").open("wb") as log:
            self._driver = subprocess.Popen(
                [DRIVER, "--port=0"], stdout=log, stderr=log, cwd=folder, start_new_session=True
            )
        self._session = ""
        try:
            self._url = f"http://127.0.0.1:{self._port(folder / 'chromedriver.log')}"
            options = {"args": [*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"], "binary": CHROMIUM}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            found = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{found['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self, log: Path) -> int:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := re.search(r"successfully on port ([0-9]+)", log.read_text("utf-8", "replace")):
                return int(found[1])
            time.sleep(0.05)
        raise AssertionError(f"chromedriver did not start: {log.read_text('utf-8', 'replace')}")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser, with all its processes."""
        if self._session:
            with suppress(OSError, AssertionError):
                self._ask("DELETE", self._session)
        with suppress(ProcessLookupError):
            os.killpg(self._driver.pid, signal.SIGKILL)
        self._driver.wait(PATIENCE)

    def open(self, url: str) -> None:
        self._do("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """What the script returns in the page."""
        return self._do("POST", "/execute/sync", {"script": script, "args": []})

    def wait_until(self, script: str, seconds: float = PATIENCE) -> Any:
        """Wait until the expression is true in the page, or what counts as true; its value."""
        deadline = time.monotonic() + seconds
        while not (found := self.run(f"return {script}")):
            assert time.monotonic() < deadline, f"{script} in vain:\n{self.text()}"
            time.sleep(0.1)
        return found

    def text(self) -> str:
        """What is to be read in the page."""
        return str(self.run("return document.body.innerText"))

    def rows(self, table: str) -> list[list[str]]:
        """The texts of the cells in the body of the table with that id."""
        found: list[list[str]] = self.run(
            f"return [...document.querySelectorAll('#{table} tbody tr')]"
            ".map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return found

    def complaints(self) -> list[str]:
        """What it has written on its console since it was last asked, violated policies included."""
        return [
            f"{one['level']}: {one['message']}" for one in self._do("POST", "/se/log", {"type": "browser"})
        ]

    def resize(self, width: int, height: int) -> None:
        """Make the page so large, in CSS pixels, as on a telephone where it is narrow."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._tell("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """What the user prefers, in CSS's words: ``color_scheme="dark"``."""
        known = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()
        ]
        self._tell("Emulation.setEmulatedMedia", {"features": known})

    def screenshot(self) -> bytes:
        """PNG."""
        return base64.b64decode(self._do("GET", "/screenshot"))

    def _tell(self, command: str, parameters: dict[str, Any]) -> None:
        self._do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        return self._ask(method, self._session + path, body)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.read().decode()[:2000]}") from None
