"""Metrics, readiness and the status page of an eppd that works."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.browser import Browser, needs_browser
from tests.end_to_end.client import LOGOUT, Client, check, command, frame, login
from tests.end_to_end.conftest import PASSWORDS
from tests.end_to_end.daemon import Daemon, children, comm, wait_until_gone
from tests.end_to_end.fault_proxy import WRITE, FaultProxy, closed, forwarded
from tests.end_to_end.process import TOP, Process, Sandbox
from tests.end_to_end.test_session import contact_create, domain_info
from tests.support.site import PATHS, Site, wait_until

METRICS = "127.0.0.1:0"
NOBODY = "\N{EN DASH}"  # in the page, for what is not known

Start = Callable[..., Sandbox]
Run = Callable[..., Daemon]


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Run]:
    """Start a daemon with a status page in front of the shared sandbox's registry."""
    started: list[Daemon] = []

    def run_one(**options: str) -> Daemon:
        given = {"metrics": METRICS, "log_level": "DEBUG"} | options
        started.append(Daemon(tmp_path / f"run-{len(started)}", sandbox, **given))
        return started[-1]

    yield run_one
    for one in started:
        one.kill_all()
        assert "Traceback" not in one.log, one.log


def site_of(process: Process) -> Site:
    return Site(int(process.wait_for_log(r"status at http://127\.0\.0\.1:(\d+)/status$")[1]))


def logged_in(stack: ExitStack, server: Daemon | Sandbox, registrar: int = 100) -> Client:
    client = stack.enter_context(Client(server))
    client.log_in(server.registrar(registrar))
    return client


def connections_by_worker(site: Site) -> Counter[int]:
    return Counter({one["pid"]: one["connections"] for one in site.summary()["workers"]})


# -- metrics


def test_counters_are_those_of_all_workers_and_of_one_that_was_killed(run: Run) -> None:
    daemon = run(workers="2")
    site = site_of(daemon)
    with ExitStack() as stack:
        clients: list[Client] = []
        while len(clients) < 6 or min(connections_by_worker(site).values()) < 2:
            clients.append(logged_in(stack, daemon))
            assert len(clients) < 60
            time.sleep(0.2)
        for client in clients:
            for _ in range(5):
                assert client.ask(check("no-such-name.nz")).code == 1000

        many = len(clients)
        logins = '{class="session",code="1000",command="login",registrar="100"}'
        checks = '{class="query",code="1000",command="check",registrar="100"}'
        before = site.samples()
        assert before[f"eppd_commands_total{logins}"] == many
        assert before[f"eppd_commands_total{checks}"] == 5 * many
        assert before['eppd_command_seconds_count{class="query",registrar="100"}'] == 5 * many
        assert before["eppd_connections_total"] == before["eppd_open_connections"] == many
        assert before['eppd_sessions_total{registrar="100"}'] == many
        assert before['eppd_open_sessions{registrar="100"}'] == many
        assert before['eppd_open_connections_by_state{state="Waiting for Command"}'] == many
        assert before['eppd_tls_connections_total{version="TLSv1.3"}'] == many
        assert before["eppd_workers"] == 2

        worker, lost = connections_by_worker(site).most_common()[0]
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: site.samples()["eppd_open_connections"] == many - lost)
        daemon.wait_for_log("worker . started again")
        after = site.samples()

        gone_back = [name for name in before if is_counter(name) and after.get(name, 0) < before[name]]
        assert gone_back == []
        assert after[f"eppd_commands_total{checks}"] == 5 * many
        assert after['eppd_open_sessions{registrar="100"}'] == many - lost
        assert after["eppd_workers"] == 2

        while connections_by_worker(site)[newest_worker(site)] == 0:
            clients.append(logged_in(stack, daemon))
            time.sleep(0.2)
        last = site.samples()
        assert last[f"eppd_commands_total{logins}"] == len(clients)


def is_counter(name: str) -> bool:
    return name.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))


def newest_worker(site: Site) -> int:
    return max(int(one["pid"]) for one in site.summary()["workers"])


def test_octets_are_counted(run: Run) -> None:
    daemon = run()
    site = site_of(daemon)
    units = [login(daemon.registrar(100)), check("no-such-name.nz"), LOGOUT]
    with Client(daemon) as client:
        answers = [client.read(), *map(client.ask, units)]
        assert client.at_end()

    wait_until(lambda: site.samples()["eppd_open_connections"] == 0)
    found = site.samples()
    assert found["eppd_received_bytes_total"] == sum(len(frame(unit)) for unit in units)
    assert found["eppd_sent_bytes_total"] == sum(len(frame(answer.xml)) for answer in answers)


def test_counters_go_on_over_a_hand_over_and_sessions_of_both_are_shown(run: Run) -> None:
    daemon = run()
    site = site_of(daemon)
    with ExitStack() as stack:
        busy = logged_in(stack, daemon)
        commands = site.total("eppd_commands_total")
        first = connections_by_worker(site)
        old = daemon.master
        # a session that is in the middle of its work keeps the old worker alive
        busy.send(check(*[f"name-{number}.nz" for number in range(60)]))
        daemon.hand_over()

        assert site.wait_for("/healthz", 200)
        assert site.total("eppd_commands_total") >= commands
        assert busy.read().code == 1000
        wait_until_gone(old)
        logged_in(stack, daemon, 101)
        wait_until(lambda: site.summary()["totals"]["open_sessions"] == 1)
        [worker] = site.summary()["workers"]
        assert worker["connections"] == 1
        assert worker["pid"] not in first
        assert [comm(pid) for pid in children(daemon.master)].count("eppd status") == 1
        assert site.total("eppd_commands_total") > commands


def test_no_request_for_a_page_is_lost_over_a_hand_over(run: Run) -> None:
    daemon = run()
    site = site_of(daemon)
    done = threading.Event()
    asked: list[int] = []
    lost: list[Exception] = []

    def ask() -> None:
        while not done.is_set():
            try:
                asked.append(site.ask("/healthz").status)
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        old = daemon.hand_over()
        wait_until_gone(old)
    done.set()
    for thread in threads:
        thread.join()
    assert len(asked) > 100
    assert set(asked) == {200}
    assert lost == []


def test_a_status_process_that_is_killed_has_a_successor(run: Run) -> None:
    daemon = run()
    site = site_of(daemon)
    with Client(daemon) as client:
        client.log_in(daemon.registrar(100))
        [status] = [pid for pid in children(daemon.master) if comm(pid) == "eppd status"]
        os.kill(status, signal.SIGKILL)
        daemon.wait_for_log("the status process started again")

        assert site.total("eppd_commands_total") == 1
        assert site.summary()["totals"]["open_sessions"] == 1
        assert client.ask(check("no-such-name.nz")).code == 1000


def test_refusals_are_counted_by_reason(run: Run) -> None:
    daemon = run(max_connections="2")
    site = site_of(daemon)
    with Client(daemon) as first, Client(daemon):
        assert first.read().is_greeting
        assert first.ask(login(daemon.registrar(100), "not-this-one")).code == 2200
        with pytest.raises(OSError):  # noqa: PT011 (reset, or an end within the handshake)
            Client(daemon)

    found = site.samples()
    assert found['eppd_refusals_total{reason="password"}'] == 1
    assert found['eppd_refusals_total{reason="max-connections"}'] == 1
    assert found['eppd_commands_total{class="session",code="2200",command="login",registrar=""}'] == 1


# -- readiness


def registry_of(sandbox: Sandbox) -> int:
    [found] = [pid for pid in children(sandbox.popen.pid) if comm(pid) != "eppd master"]
    return found


def test_an_idle_eppd_is_ready_and_one_without_a_registry_is_not(start: Start) -> None:
    sandbox = start("--metrics", METRICS, "--readiness-window", "3", "--backend-timeout", "2")
    site = site_of(sandbox)
    end = time.monotonic() + 5
    while time.monotonic() < end:  # nobody has ever logged in
        assert site.ask("/readyz").status == 200
        time.sleep(0.1)

    registry = registry_of(sandbox)
    os.kill(registry, signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        page = site.wait_for("/readyz", 503)
        assert time.monotonic() - stopped > 1
        assert re.fullmatch(r"the registry has not answered for [34] s\n", page.text)
        assert site.ask("/healthz").status == 200
        assert site.samples()["eppd_ready"] == 0
        assert site.samples()["eppd_registry_silence_seconds"] >= 3
        assert site.summary()["reason"].startswith("the registry has not answered")
    finally:
        os.kill(registry, signal.SIGCONT)
    assert site.wait_for("/readyz", 200).text == "ok\n"
    sandbox.wait_for_log("WARNING .*the registry can't be asked whether it is there")
    sandbox.wait_for_log("the registry answers again")


def test_a_draining_eppd_is_not_ready_and_lives(start: Start) -> None:
    sandbox = start("--metrics", METRICS)
    site = site_of(sandbox)
    registry = registry_of(sandbox)
    with Client(sandbox) as busy:
        busy.log_in(sandbox.registrar(100))
        os.kill(registry, signal.SIGSTOP)
        try:
            busy.send(check("no-such-name.nz"))
            wait_until(lambda: site.summary()["states"] == {"Processing Command": 1})
            sandbox.popen.send_signal(signal.SIGTERM)

            assert site.wait_for("/readyz", 503).text == "draining\n"
            assert site.ask("/healthz").status == 200
            assert site.samples()["eppd_ready"] == 0
        finally:
            os.kill(registry, signal.SIGCONT)
        assert busy.read().code == 1000
        assert busy.at_end()
    assert sandbox.wait() == 0
    with pytest.raises(ConnectionRefusedError):
        site.ask("/healthz")


# -- secrets


def test_no_secret_is_on_any_page(run: Run, unused: Callable[[str], str]) -> None:
    daemon = run()
    site = site_of(daemon)
    name, handle = unused("co.nz"), unused("")
    secrets = {*PASSWORDS.values(), "unused-1", "domain-pw-77", "new-pw-88", "wrong-pw-99"}
    with Client(daemon) as guesser, Client(daemon) as client:
        assert guesser.read().is_greeting
        assert guesser.ask(login(daemon.registrar(101), "wrong-pw-99")).code == 2200
        client.log_in(daemon.registrar(100))
        assert client.ask(contact_create(handle)).code == 1000
        created = client.ask(
            command(
                f"<create><d:create><d:name>{name}</d:name><d:registrant>{handle}</d:registrant>"
                "<d:authInfo><d:pw>domain-pw-77</d:pw></d:authInfo></d:create></create>"
            )
        )
        assert created.code == 1000
        client.ask(
            command(
                f"<update><d:update><d:name>{name}</d:name><d:chg><d:authInfo><d:pw>new-pw-88</d:pw>"
                "</d:authInfo></d:chg></d:update></update>"
            )
        )
        secrets |= set(client.ask(domain_info(name)).texts("pw"))
        secrets |= set(client.ask(command('<poll op="req"/>')).texts("pw"))
        time.sleep(1.2)  # the summary is of now

        text = "".join(site.ask(path).text for path in PATHS)

    assert '"registrar":"100"' in text
    assert [secret for secret in secrets if secret and secret in text] == []


# -- the page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser") / "chromium") as started:
        yield started


def show(browser: Browser, site: Site) -> None:
    browser.complaints()
    browser.open(f"http://127.0.0.1:{site.port}/status")
    browser.wait_until("document.querySelector('#ready').textContent == 'ready'")


@needs_browser
def test_the_page_shows_sessions_as_they_come_and_go(browser: Browser, run: Run) -> None:
    daemon = run(server_name="<b id='made'>epp & co</b>")
    site = site_of(daemon)
    with ExitStack() as stack:
        logged_in(stack, daemon)
        waiting = stack.enter_context(Client(daemon))
        assert waiting.read().is_greeting
        show(browser, site)

        rows = browser.rows("sessions")
        assert [row[:3] for row in rows] == [
            [NOBODY, "Waiting for Client Authentication", "127.0.0.1"],
            ["100", "Waiting for Command", "127.0.0.1"],
        ]
        assert [row[5:7] for row in rows] == [["0", "TLSv1.3"], ["1", "TLSv1.3"]]

        newcomer = logged_in(stack, daemon, 101)
        browser.wait_until("document.querySelector('#sessions tbody').textContent.includes('101')", 10)
        assert [row[0] for row in browser.rows("sessions")] == ["101", NOBODY, "100"]
        assert [row[:3] for row in browser.rows("registrars")] == [["100", "1", "1"], ["101", "1", "1"]]
        assert newcomer.ask(LOGOUT).code == 1500
        browser.wait_until("document.querySelectorAll('#sessions tbody tr').length == 2", 10)
        assert ["1500", "1"] in browser.rows("results")

        # what comes from elsewhere is text
        assert browser.run("return document.querySelector('#server').textContent").startswith("<b id=")
        assert browser.run("return document.getElementById('made')") is None
    browser.wait_until("document.querySelector('#sessions').hidden", 10)
    assert "Nobody is connected." in browser.text()
    assert browser.complaints() == []


@needs_browser
def test_the_page_says_when_eppd_is_not_ready_and_when_it_does_not_answer(
    browser: Browser, start: Start
) -> None:
    sandbox = start("--metrics", METRICS, "--readiness-window", "2")
    show(browser, site_of(sandbox))
    registry = registry_of(sandbox)
    os.kill(registry, signal.SIGSTOP)
    try:
        browser.wait_until("document.querySelector('#ready').textContent.startsWith('not ready: the reg')")
    finally:
        os.kill(registry, signal.SIGCONT)
    browser.wait_until("document.querySelector('#ready').textContent == 'ready'")
    assert browser.complaints() == []

    assert sandbox.stop() == 0
    browser.wait_until("document.querySelector('#ready').textContent == 'no answer'")
    assert "eppd does not answer. What you see is as of" in browser.text()
    assert all("ERR_CONNECTION_REFUSED" in one for one in browser.complaints())


@needs_browser
def test_the_page_fits_a_telephone_and_can_be_read_in_both_schemes(browser: Browser, run: Run) -> None:
    daemon = run()
    site = site_of(daemon)
    with ExitStack() as stack:
        logged_in(stack, daemon)
        guesser = stack.enter_context(Client(daemon))
        assert guesser.read().is_greeting
        assert guesser.ask(login(daemon.registrar(101), "not-this-one")).code == 2200
        for width in (320, 390, 800, 1600):
            for scheme in ("light", "dark"):
                browser.resize(width, 800)
                browser.prefer(color_scheme=scheme, reduced_motion="reduce")
                show(browser, site)

                assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), width
                assert min(browser.run(CONTRASTS)) >= 4.5, (width, scheme)
    assert browser.complaints() == []


# the contrast of each element that has text of its own, against what is behind it (WCAG 2, 1.4.3)
CONTRASTS = """
  const parse = (color) => color.match(/[0-9.]+/g).map(Number);
  const light = (color) => parse(color).slice(0, 3)
    .map((one) => (one /= 255, one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (parse(color)[3] !== 0) return color;
    }
  };
  return [...document.body.querySelectorAll('*:not(script)')]
    .filter((one) => one.getClientRects().length)
    .filter((one) => [...one.childNodes].some((node) => node.nodeType == 3 && node.data.trim()))
    .map((one) => [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a))
    .map(([more, less]) => (more + 0.05) / (less + 0.05));
"""


# -- the dashboard


def expressions() -> list[str]:
    dashboard = json.loads((TOP / "etc" / "grafana-dashboard.json").read_text("utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_the_dashboard_asks_for_metrics_and_labels_that_there_are(
    run: Run, sandbox: Sandbox, unused: Callable[[str], str]
) -> None:
    key = SigningKey.from_file(sandbox.data / "registry.key")
    with FaultProxy(str(sandbox.facts["registry"]), key) as proxy:
        daemon = run(backend=proxy.url, backend_timeout="1")
        with Client(daemon) as client:
            assert client.read().is_greeting
            assert client.ask(login(daemon.registrar(100), "not-this-one")).code == 2200
            assert client.ask(login(daemon.registrar(100))).code == 1000
            proxy.on(WRITE, forwarded(closed))
            assert client.ask(contact_create(unused(""))).code == 1000
            names = site_of(daemon).samples()
            daemon.stop()
    there: dict[str, set[str]] = {}
    for name in names:
        bare, _, labels = name.partition("{")
        there.setdefault(bare, set()).update(re.findall(r'([a-z_]+)="', labels), {"instance"})

    assert expressions()
    for expression in expressions():
        for name, selectors in re.findall(r"\b(eppd_\w+)(?:\{([^}]*)\})?", expression):
            assert name in there, expression
            assert set(re.findall(r"([a-z_]+)=", selectors)) <= there[name], expression
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            known = set().union(*(there[name] for name in re.findall(r"\beppd_\w+", expression)))
            assert set(labels.split(", ")) <= known, expression


def test_the_dashboard_shows_every_metric_once_at_least() -> None:
    shown = {name for expression in expressions() for name in re.findall(r"\beppd_\w+", expression)}
    source = (TOP / "srs_epp" / "daemon" / "metrics.py").read_text("utf-8")
    declared = re.findall(r'(?:counter|histogram)\(\s*"([a-z_]+)"', source)

    assert declared
    assert [name for name in declared if not any(one.startswith(f"eppd_{name}") for one in shown)] == []


def test_the_dashboards_panels_have_places_of_their_own() -> None:
    dashboard = json.loads((TOP / "etc" / "grafana-dashboard.json").read_text("utf-8"))
    panels = dashboard["panels"]
    places = [panel["gridPos"] for panel in panels]

    assert dashboard["templating"]["list"][0]["type"] == "datasource"
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in pairwise(sorted(places, key=lambda place: (place["y"], place["x"]))):
        apart = other["y"] >= one["y"] + one["h"] or other["x"] >= one["x"] + one["w"]
        assert apart, (one, other)
    for panel in panels:
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
