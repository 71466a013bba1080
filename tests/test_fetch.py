"""The client against a real server on loopback: what it asks, how often, how long it waits, when it stops."""

from __future__ import annotations

import datetime as dt
import email.utils
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from necc import __version__, fetch
from necc.config import SHEET_PATH, Settings
from necc.errors import BlockedError, FetchError, UsageError
from necc.fetch import SourceClient, probe
from necc.records import Month, SheetKey

FEBRUARY = SheetKey.daily(Month(2024, 2))
ROBOTS = "/robots.txt"
Act = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int = 200, body: bytes = b"a sheet", **headers: str) -> Act:
    """An answer that is complete: `Retry_After="7"` becomes a header."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Half of what Content-Length announces."""
    handler.send_response(200)
    handler.send_header("Content-Length", "20")
    handler.end_headers()
    handler.wfile.write(b"half of it")
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer at all."""
    handler.close_connection = True


def slow(seconds: float) -> Act:
    def act(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return act


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, two seconds long: no single wait is."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        pass  # the client gave up, as it must
    handler.close_connection = True


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]


@dataclass
class Site:
    """A site that answers each path from its script, in turn; the last entry of a script is repeated."""

    url: str = ""
    scripts: dict[str, list[Act]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        self.asked.append(Asked(handler.command, handler.path, dict(handler.headers), parse_qs(body)))
        script = self.scripts.get(handler.path, [answer(404)])
        (script.pop(0) if len(script) > 1 else script[0])(handler)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(scripts={SHEET_PATH: [answer()]})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            site.connections += 1

        def do_GET(self) -> None:  # noqa: N802 - the name that the library calls
            site.take(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@dataclass
class Watch:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def settings_for(url: str, *, pause_s: float = 0.0, user_agent: str = "", offline: bool = False) -> Settings:
    return Settings(home=Path("unused"), base_url=url, pause_s=pause_s, user_agent=user_agent, offline=offline)


def client_for(site: Site, watch: Watch | None = None, pause_s: float = 0.0) -> SourceClient:
    watch = watch or Watch()
    return SourceClient(settings_for(site.url, pause_s=pause_s), clock=watch.read, sleep=watch.sleep)


def fetch_one(site: Site, watch: Watch | None = None, pause_s: float = 0.0) -> bytes:
    with client_for(site, watch, pause_s) as client:
        return client.sheet(FEBRUARY).body


# --- what is asked ------------------------------------------------------------------------------------


def test_the_form_of_a_daily_sheet_is_what_a_browser_sends(site: Site) -> None:
    fetch_one(site)
    asked = site.asked[-1]
    assert (asked.method, asked.path) == ("POST", SHEET_PATH)
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.form == {
        "ddlMonth": ["02"],
        "ddlYear": ["2024"],
        "rblReportType": ["DailyReport"],
        "btnReport": ["Get Sheet"],
    }


def test_the_form_of_a_yearly_sheet_has_no_month(site: Site) -> None:
    with client_for(site) as client:
        client.sheet(SheetKey.averages(2023))
    assert site.asked[-1].form == {
        "ddlYear": ["2023"],
        "rblReportType": ["MonthlyReport"],
        "btnReport": ["Get Sheet"],
    }


def test_the_default_page_is_a_plain_get(site: Site) -> None:
    site.scripts[SHEET_PATH] = [answer(body=b"\xff now", Content_Type="text/html; charset=utf-8")]
    before = dt.datetime.now(dt.UTC)
    with client_for(site) as client:
        page = client.default_page()
    assert (site.asked[-1].method, site.asked[-1].form) == ("GET", {})
    assert page.url == site.url + SHEET_PATH == client.url
    assert (page.http_status, page.content_type, page.body) == (200, "text/html; charset=utf-8", b"\xff now")
    assert before <= page.fetched_at <= dt.datetime.now(dt.UTC)
    assert page.fetched_at.tzinfo is dt.UTC


def test_the_user_agent_is_honest_and_can_be_set(site: Site) -> None:
    fetch_one(site)
    assert {asked.headers["User-Agent"].split()[0] for asked in site.asked} == {f"necc/{__version__}"}
    assert "contact" in site.asked[0].headers["User-Agent"]
    with SourceClient(settings_for(site.url, user_agent="eggs (+mailto:me@example.com)")) as client:
        client.default_page()
    assert site.asked[-1].headers["User-Agent"] == "eggs (+mailto:me@example.com)"


@pytest.mark.parametrize(("is_local", "connections"), [(False, 1), (True, 4)])
def test_a_far_site_has_one_connection_for_all_requests_this_machine_one_for_each(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_local: bool, connections: int
) -> None:
    limits = fetch._limits(is_local=is_local)
    assert limits.max_connections == 1
    monkeypatch.setattr(fetch, "_limits", lambda is_local: limits)
    with client_for(site) as client:
        for _ in range(3):
            client.sheet(FEBRUARY)
    assert (len(site.asked), site.connections) == (4, connections)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch_one(site) == b"a sheet"


# --- robots.txt ---------------------------------------------------------------------------------------


def test_robots_txt_is_read_once_before_the_first_page(site: Site) -> None:
    site.scripts[ROBOTS] = [answer(body=b"User-agent: *\nDisallow: /private\n")]
    with client_for(site) as client:
        client.default_page()
        client.sheet(FEBRUARY)
    assert site.paths() == [ROBOTS, SHEET_PATH, SHEET_PATH]


@pytest.mark.parametrize(
    "rules",
    [
        b"User-agent: *\nDisallow: /\n",
        b"\xef\xbb\xbfUser-agent: necc\r\nDisallow: /home/\r\n\r\nUser-agent: *\r\nDisallow:\r\n",
    ],
)
def test_a_page_that_robots_txt_disallows_is_not_asked_for(site: Site, rules: bytes) -> None:
    site.scripts[ROBOTS] = [answer(body=rules)]
    with client_for(site) as client, pytest.raises(BlockedError, match=f"{site.url}/robots.txt disallows"):
        client.sheet(FEBRUARY)
    assert site.paths() == [ROBOTS]


@pytest.mark.parametrize(
    "rules", [b"", b"User-agent: other\nDisallow: /\n", b"<html>not found</html>", b"\x00\xff\xfe disallow"]
)
def test_other_rules_allow(site: Site, rules: bytes) -> None:
    site.scripts[ROBOTS] = [answer(body=rules)]
    assert fetch_one(site) == b"a sheet"


@pytest.mark.parametrize("status", [400, 404, 410])
def test_no_robots_txt_means_allowed(site: Site, status: int) -> None:
    site.scripts[ROBOTS] = [answer(status)]
    assert fetch_one(site) == b"a sheet"


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refused_robots_txt_means_forbidden(site: Site, status: int) -> None:
    site.scripts[ROBOTS] = [answer(status)]
    with pytest.raises(BlockedError, match=f"robots.txt.* {status}") as caught:
        fetch_one(site)
    assert caught.value.page and caught.value.page.http_status == status
    assert site.paths() == [ROBOTS]


def test_a_broken_robots_txt_is_no_permission(site: Site) -> None:
    site.scripts[ROBOTS] = [answer(500)]
    with pytest.raises(FetchError, match="robots.txt did not answer: status 500 after 4 tries"):
        fetch_one(site)
    assert site.paths() == [ROBOTS] * 4


def test_a_crawl_delay_lengthens_the_pause(site: Site) -> None:
    site.scripts[ROBOTS] = [answer(body=b"User-agent: *\nCrawl-delay: 9\n")]
    watch = Watch()
    with client_for(site, watch, pause_s=2.0) as client:
        client.sheet(FEBRUARY)
        client.sheet(FEBRUARY)
        assert client.pause_s == 9.0
    assert watch.slept == [2.0, 9.0]  # the first was asked before the rule was known


# --- the pause ----------------------------------------------------------------------------------------


def test_the_pause_is_kept_between_any_two_requests(site: Site) -> None:
    watch = Watch()
    with client_for(site, watch, pause_s=2.5) as client:
        client.default_page()
        watch.now += 1.0
        client.sheet(FEBRUARY)
        watch.now += 60.0
        client.sheet(FEBRUARY)
    assert watch.slept == [2.5, 1.5]  # after robots.txt; after the page, of which one second had passed


def test_the_pause_begins_when_the_answer_is_there(site: Site) -> None:
    watch = Watch()

    def long_answer(handler: BaseHTTPRequestHandler) -> None:
        watch.now += 10.0
        answer()(handler)

    site.scripts[ROBOTS] = [long_answer]
    fetch_one(site, watch, pause_s=2.0)
    assert watch.slept == [2.0]


def test_a_redirect_on_the_same_host_is_followed_with_the_pause(site: Site) -> None:
    site.scripts[SHEET_PATH] = [answer(302, Location="/moved")]
    site.scripts["/moved"] = [answer(body=b"moved")]
    watch = Watch()
    assert fetch_one(site, watch, pause_s=2.0) == b"moved"
    assert watch.slept == [2.0, 2.0]


@pytest.mark.parametrize(("wanted", "kept"), [(0.0, 2.0), (1.9, 2.0), (5.0, 5.0)])
def test_another_machine_is_never_asked_quicker_than_politely(wanted: float, kept: float) -> None:
    with SourceClient(settings_for("https://www.example.com", pause_s=wanted)) as client:
        assert client.pause_s == kept
    with SourceClient(settings_for("http://127.0.0.1:9", pause_s=wanted)) as client:
        assert client.pause_s == wanted


# --- retries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [answer(500), answer(503), cut, hang_up], ids=["500", "503", "cut", "hung up"])
def test_a_passing_failure_is_tried_again_with_growing_waits(site: Site, failure: Act) -> None:
    site.scripts[SHEET_PATH] = [failure, failure, failure, answer(body=b"at last")]
    watch = Watch()
    assert fetch_one(site, watch, pause_s=2.0) == b"at last"
    assert watch.slept == [2.0, 2.0, 4.0, 8.0]  # the pause after robots.txt, then the waits of the retries
    assert site.paths() == [ROBOTS] + [SHEET_PATH] * 4


def test_after_four_tries_the_failure_is_told_with_its_page(site: Site) -> None:
    site.scripts[SHEET_PATH] = [answer(500, b"first"), answer(502, b"out of order")]
    with pytest.raises(FetchError) as caught:
        fetch_one(site)
    assert str(caught.value) == (
        "sheet 2024-02 did not answer: status 502 after 4 tries; run again later, nothing stored is lost"
    )
    assert caught.value.page and (caught.value.page.http_status, caught.value.page.body) == (502, b"out of order")
    assert site.paths() == [ROBOTS] + [SHEET_PATH] * 4


def test_a_closed_port_is_told_without_a_page() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with (
        SourceClient(settings_for(url)) as client,
        pytest.raises(FetchError, match="did not answer: ConnectError: .* after 4 tries") as caught,
    ):
        client.default_page()
    assert caught.value.page is None


def test_a_slow_answer_is_given_up_and_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.2)
    site.scripts[SHEET_PATH] = [slow(0.6), answer(body=b"quick")]
    assert fetch_one(site) == b"quick"
    assert site.paths() == [ROBOTS, SHEET_PATH, SHEET_PATH]


def test_an_answer_that_drips_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ANSWER_LIMIT_S", 0.1)
    site.scripts[SHEET_PATH] = [drip, answer(body=b"whole")]
    with SourceClient(settings_for(site.url)) as client:  # the real clock
        assert client.sheet(FEBRUARY).body == b"whole"
    assert site.paths() == [ROBOTS, SHEET_PATH, SHEET_PATH]


@pytest.mark.parametrize(("asked", "slept"), [("7", 7.0), ("1", 2.0), ("soon", 2.0), ("-5", 2.0), ("120", 120.0)])
def test_retry_after_in_seconds_is_honoured(site: Site, asked: str, slept: float) -> None:
    site.scripts[SHEET_PATH] = [answer(503, Retry_After=asked), answer()]
    watch = Watch()
    fetch_one(site, watch, pause_s=2.0)
    assert watch.slept == [2.0, slept]


@pytest.mark.parametrize(("seconds", "least", "most"), [(30, 28, 30), (-30, 2, 2)])
def test_retry_after_as_a_date_is_honoured(site: Site, seconds: int, least: float, most: float) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    site.scripts[SHEET_PATH] = [answer(503, Retry_After=email.utils.format_datetime(moment, usegmt=True)), answer()]
    watch = Watch()
    fetch_one(site, watch, pause_s=2.0)
    assert least <= watch.slept[1] <= most


def test_a_source_that_asks_for_a_long_wait_is_left_alone(site: Site) -> None:
    site.scripts[SHEET_PATH] = [answer(503, Retry_After="3600"), answer()]
    with pytest.raises(FetchError, match="status 503, asks to wait 3600 s after 1 try; run again later"):
        fetch_one(site)
    assert site.paths() == [ROBOTS, SHEET_PATH]


# --- when it stops at once ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 429])
def test_a_refusal_stops_at_once(site: Site, status: int) -> None:
    site.scripts[SHEET_PATH] = [answer(status, b"go away", Retry_After="60"), answer()]
    with pytest.raises(BlockedError, match=f"refuses with {status} .Retry-After: 60") as caught:
        fetch_one(site)
    assert caught.value.page and caught.value.page.body == b"go away"
    assert site.paths() == [ROBOTS, SHEET_PATH]


@pytest.mark.parametrize("status", [204, 304, 404, 410])
def test_another_status_is_told_at_once_with_its_page(site: Site, status: int) -> None:
    site.scripts[SHEET_PATH] = [answer(status, b""), answer()]
    with pytest.raises(FetchError, match=f"sheet 2024-02: 127.0.0.1 answered {status}") as caught:
        fetch_one(site)
    assert caught.value.page and caught.value.page.http_status == status
    assert site.paths() == [ROBOTS, SHEET_PATH]


def test_a_redirect_to_another_host_is_not_followed(site: Site) -> None:
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.scripts[SHEET_PATH] = [answer(302, Location=elsewhere + "/moved")]
    site.scripts["/moved"] = [answer()]
    with pytest.raises(FetchError, match=f"redirects to {elsewhere}/moved: not followed"):
        fetch_one(site)
    assert "/moved" not in site.paths()


def test_a_circle_of_redirects_ends(site: Site) -> None:
    site.scripts[SHEET_PATH] = [answer(302, Location=SHEET_PATH)]
    with pytest.raises(FetchError, match="more than 3 redirects"):
        fetch_one(site)


def test_an_endless_answer_is_not_read_to_its_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BODY_BYTES", 1000)
    site.scripts[SHEET_PATH] = [answer(body=b"x" * 1000), answer(body=b"x" * 1001)]
    with client_for(site) as client:
        assert len(client.sheet(FEBRUARY).body) == 1000
        with pytest.raises(FetchError, match="more than 1000 bytes"):
            client.sheet(FEBRUARY)


# --- settings that cannot be used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://www.example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "www.example.com",
        "https://",
        "http://[",
        "",
    ]
    + ["https://user:secret@www.example.com", "https://www.example.com/?a=b"],
)
def test_an_address_that_cannot_be_used_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="NECC_BASE_URL"):
        SourceClient(settings_for(url))
    with pytest.raises(UsageError, match="NECC_BASE_URL"):
        probe(url)


@pytest.mark.parametrize("agent", ["two\nlines", "naïve"])
def test_a_user_agent_that_cannot_be_sent_is_a_usage_error(agent: str) -> None:
    with pytest.raises(UsageError, match="NECC_USER_AGENT"):
        SourceClient(settings_for("http://localhost", user_agent=agent))


def test_a_proxy_that_cannot_be_used_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "what://is.this")
    with pytest.raises(UsageError, match="proxy settings"):
        SourceClient(settings_for("https://www.example.com"))


def test_offline_means_this_machine_only(site: Site) -> None:
    with pytest.raises(FetchError, match="www.example.com is not asked: NECC_OFFLINE"):
        SourceClient(settings_for("https://www.example.com", offline=True))
    with SourceClient(replace(settings_for(site.url), offline=True)) as client:
        assert client.default_page().body == b"a sheet"


# --- the probe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "answers"), [(200, True), (302, True), (404, True), (500, False), (503, False)])
def test_the_probe_asks_once(site: Site, status: int, answers: bool) -> None:
    site.scripts[SHEET_PATH] = [answer(status, Location="/elsewhere")]
    assert probe(site.url, 5.0, user_agent="me") is answers
    assert [(asked.method, asked.path, asked.headers["User-Agent"]) for asked in site.asked] == [
        ("GET", SHEET_PATH, "me")
    ]


def test_the_probe_gives_up_in_time(site: Site) -> None:
    site.scripts[SHEET_PATH] = [slow(1.5)]
    started = time.monotonic()
    assert probe(site.url, timeout=0.2) is False
    assert time.monotonic() - started < 1.4
    assert probe("http://127.0.0.1:9", timeout=0.2) is False


def test_the_probe_does_not_wait_for_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging_look_up(*_: object, **__: object) -> object:
        time.sleep(1.5)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hanging_look_up)
    started = time.monotonic()
    assert probe("http://localhost:9", timeout=0.2) is False
    assert time.monotonic() - started < 1.4
