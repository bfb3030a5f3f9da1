"""What the status process serves, as Prometheus, a load balancer or a script asks for it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 30.0  # seconds for what is waited for
PATHS = ["/metrics", "/healthz", "/readyz", "/status", "/status.json"]


@dataclass
class Page:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Site:
    """A status process that listens on the port."""

    port: int

    def ask(self, path: str, method: str = "GET", **headers: str) -> Page:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return Page(answer.status, dict(answer.getheaders()), answer.read())

    def samples(self) -> dict[str, float]:
        """The metrics' values, by name and labels, as Prometheus writes them."""
        page = self.ask("/metrics")
        assert page.status == 200, page
        found = {}
        for family in text_string_to_metric_families(page.text):
            for one in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(one.labels.items()))
                found[one.name + (f"{{{labels}}}" if labels else "")] = one.value
        return found

    def total(self, name: str, *parts: str) -> float:
        """The sum of the metric's values with all of these in its labels."""
        return sum(
            value
            for key, value in self.samples().items()
            if key.partition("{")[0] == name and all(part in key for part in parts)
        )

    def summary(self) -> dict[str, Any]:
        """What the page shows; it may be a second old."""
        return dict(json.loads(self.ask("/status.json").body))

    def wait_for(self, path: str, expected: int) -> Page:
        """Wait until the page has that status."""
        deadline = time.monotonic() + PATIENCE
        while (page := self.ask(path)).status != expected:
            assert time.monotonic() < deadline, page
            time.sleep(0.05)
        return page


def wait_until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
