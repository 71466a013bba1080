"""The site's form -> raw pages, politely: one connection, a pause, few retries, robots.txt obeyed.

Nothing of an answer is understood here but its status; parse.py reads the page, identity.py proves it.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self, cast
from urllib.robotparser import RobotFileParser

import httpx
import tenacity

from necc import __version__
from necc.addresses import is_loopback, sheet_url, site_url
from necc.config import Settings
from necc.errors import BlockedError, FetchError, UsageError
from necc.records import Page, Report, SheetKey

log = logging.getLogger("necc.fetch")

DEFAULT_USER_AGENT = f"necc/{__version__} (+contact: not given, NECC_USER_AGENT sets it)"
MIN_PAUSE_S = 2.0  # between two requests to a host that is not this machine, whatever the settings say
TIMEOUT_S = 30.0  # for each of: connecting, sending, the next bytes of the answer
ANSWER_LIMIT_S = 120.0  # for a whole answer: one that drips for ever must not hold an unattended run
PROBE_TIMEOUT_S = 5.0
TRIES = 4  # the first and three retries
MAX_WAIT_S = 120.0  # a source that asks for a longer wait is asked again by the next run, not by this one
MAX_BODY_BYTES = 5_000_000  # the real pages have about 30 kB
MAX_REDIRECTS = 3
REFUSALS = (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS)
REPORT_VALUES = {Report.DAILY: "DailyReport", Report.MONTHLY: "MonthlyReport"}
BUTTON = "Get Sheet"


class _NoAnswerError(Exception):
    """One try failed in a way that a later one may not: a time-out, a broken connection, a 5xx."""

    def __init__(self, reason: str, page: Page | None = None, retry_after_s: float = 0.0) -> None:
        self.page = page
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class SourceClient:
    """Asks the site for sheets, one at a time. A context manager: leaving it closes the connection.

    Args:
        settings: base_url, user_agent, pause_s and offline are used.
        clock: seconds that only grow; measures the pause.
        sleep: waits so many seconds.

    Attributes:
        url: the page that is asked.
        pause_s: the least seconds between two requests; robots.txt may raise it.

    Raises:
        UsageError: base_url or user_agent cannot be used, or would go unencrypted over the network.
        FetchError: settings.offline is set and base_url is not on this machine.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = site_url(settings.base_url)
        self.url = sheet_url(self._base)
        self._is_local = is_loopback(self._base.host)
        if settings.offline and not self._is_local:
            raise FetchError(f"{self._base.host} is not asked: NECC_OFFLINE is set; unset it to scrape")
        self.pause_s = settings.pause_s if self._is_local else max(settings.pause_s, MIN_PAUSE_S)
        self._user_agent = _user_agent(settings.user_agent)
        self._clock, self._sleep = clock, sleep
        self._free_at = clock()
        self._robots_read = False
        self._http = _http_client(self._base, self._user_agent, TIMEOUT_S)
        self._http.event_hooks = {"request": [self._before_request]}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def default_page(self) -> Page:
        """The page as it opens: the current month, by what is known of the site. Raises as `sheet` does."""
        return self._page("the default page", None)

    def sheet(self, key: SheetKey) -> Page:
        """The answer to the form filled in for one sheet. That it *is* this sheet is not proven here.

        Raises:
            FetchError: no answer after the retries, or an error; carries the error's page if there was one.
            BlockedError: 403, 429, or robots.txt disallows the page.
        """
        return self._page(f"sheet {key}", _form(key))

    def _page(self, what: str, form: dict[str, str] | None) -> Page:
        self._obey_robots()
        page = self._ask(what, self.url, form)
        if page.http_status != httpx.codes.OK:
            raise FetchError(f"{what}: {self._base.host} answered {page.http_status}, wanted 200", page)
        return page

    def _obey_robots(self) -> None:
        """Read robots.txt once. Missing means allowed; a refusal to show it means forbidden (RFC 9309)."""
        if self._robots_read:
            return
        robots_url = str(self._base.copy_with(raw_path=b"/robots.txt"))
        page = self._ask("robots.txt", robots_url, None)
        if page.http_status == httpx.codes.UNAUTHORIZED:
            raise BlockedError(f"{robots_url} answered {page.http_status}: the source refuses robots", page)
        if page.http_status == httpx.codes.OK:
            self._apply_rules(robots_url, page)
        self._robots_read = True

    def _apply_rules(self, robots_url: str, page: Page) -> None:
        rules = RobotFileParser()
        rules.parse(page.body.decode("utf-8-sig", errors="replace").splitlines())
        if not rules.can_fetch(self._user_agent, self.url):
            raise BlockedError(f"{robots_url} disallows {self.url} for {self._user_agent!r}: not read", page)
        self.pause_s = max(self.pause_s, float(rules.crawl_delay(self._user_agent) or 0))

    def _ask(self, what: str, url: str, form: dict[str, str] | None) -> Page:
        """The answer, whatever its status below 500, after at most TRIES tries."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_try_again),
            wait=self._wait,
            stop=tenacity.stop_after_attempt(TRIES),
            sleep=self._sleep,
            before_sleep=lambda state: log.warning("%s: %s; trying again", what, _failure(state)),
            reraise=True,
        )
        try:
            return retrying(self._try, what, url, form)
        except _NoAnswerError as failure:
            tries = retrying.statistics["attempt_number"]
            raise FetchError(_gave_up(what, failure, tries), failure.page) from failure

    def _try(self, what: str, url: str, form: dict[str, str] | None) -> Page:
        try:
            page, retry_after = self._send(what, url, form)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _NoAnswerError(_reason(error)) from error
        except httpx.TooManyRedirects as error:
            raise FetchError(f"{what}: more than {MAX_REDIRECTS} redirects from {url}") from error
        if page.http_status in REFUSALS:
            hint = f" (Retry-After: {retry_after})" if retry_after else ""
            raise BlockedError(f"{what}: {self._base.host} refuses with {page.http_status}{hint}", page)
        if httpx.codes.is_server_error(page.http_status):
            raise _NoAnswerError(f"status {page.http_status}", page, _seconds_asked(retry_after))
        return page

    def _send(self, what: str, url: str, form: dict[str, str] | None) -> tuple[Page, str]:
        started = self._clock()
        try:
            with self._http.stream("GET" if form is None else "POST", url, data=form) as response:
                body = b"".join(self._bounded(what, response))
        finally:
            self._free_at = self._clock() + self.pause_s
        kind, received_at = response.headers.get("Content-Type", ""), dt.datetime.now(dt.UTC)
        page = Page(str(response.url), received_at, response.status_code, kind, body)
        log.debug("%s: %d, %d bytes, %.2f s", what, page.http_status, len(body), self._clock() - started)
        return page, response.headers.get("Retry-After", "")

    def _bounded(self, what: str, response: httpx.Response) -> Iterator[bytes]:
        started, size = self._clock(), 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise FetchError(f"{what}: an answer of more than {MAX_BODY_BYTES} bytes is no sheet")
            if self._clock() - started > ANSWER_LIMIT_S:
                raise httpx.ReadTimeout(f"not complete after {ANSWER_LIMIT_S:.0f} s")
            yield chunk

    def _before_request(self, request: httpx.Request) -> None:
        """Runs before every request, redirected ones too: stay on the host, keep the pause."""
        if request.url.host != self._base.host or not (self._is_local or request.url.scheme == "https"):
            raise FetchError(f"{self._base.host} redirects to {request.url}: not followed")
        wait_s = self._free_at - self._clock()
        if wait_s > 0:
            self._sleep(wait_s)
        self._free_at = self._clock() + self.pause_s

    def _wait(self, state: tenacity.RetryCallState) -> float:
        backoff_s = tenacity.wait_exponential(multiplier=self.pause_s, max=MAX_WAIT_S)(state)
        return max(backoff_s, _failure(state).retry_after_s)


def probe(base_url: str, timeout: float = PROBE_TIMEOUT_S, *, user_agent: str = "") -> bool:
    """Whether the site answers one request (with less than a 5xx) within `timeout` seconds.

    Raises:
        UsageError: base_url or user_agent cannot be used.
    """
    base, agent = site_url(base_url), _user_agent(user_agent)
    http = _http_client(base, agent, timeout)
    answers: list[int] = []

    def ask() -> None:
        try:
            with http, http.stream("GET", sheet_url(base), follow_redirects=False) as response:
                answers.append(response.status_code)
        except httpx.HTTPError as error:
            log.info("%s does not answer: %s", base.host, _reason(error))

    # A thread, as the system's name look-up knows no time limit; as a daemon it holds no one up at exit.
    thread = threading.Thread(target=ask, name="necc-probe", daemon=True)
    thread.start()
    thread.join(timeout)
    return any(not httpx.codes.is_server_error(status) for status in answers)


def _http_client(base: httpx.URL, user_agent: str, timeout_s: float) -> httpx.Client:
    """One connection. A proxy of the environment is not used for this machine: it could not reach it."""
    try:
        return httpx.Client(
            headers={"User-Agent": user_agent},
            timeout=timeout_s,
            limits=_limits(is_local=is_loopback(base.host)),
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            trust_env=not is_loopback(base.host),
        )
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(f"the environment's TLS or proxy settings cannot be used: {error}") from error


def _limits(*, is_local: bool) -> httpx.Limits:
    """One connection at a time, kept for all requests; a new one for each on this machine, where it costs nothing.

    A server that sends head and body apart waits on a kept one for the acknowledgement that the kernel delays by 40 ms.
    """
    return httpx.Limits(max_connections=1, max_keepalive_connections=0 if is_local else 1)


def _form(key: SheetKey) -> dict[str, str]:
    """The fields a browser sends. An unpadded month gives a blank sheet; the yearly sheet has no month."""
    month = {} if key.month is None else {"ddlMonth": f"{key.month:02d}"}
    report = REPORT_VALUES[key.report]
    return {**month, "ddlYear": str(key.year), "rblReportType": report, "btnReport": BUTTON}


def _user_agent(text: str) -> str:
    agent = text.strip() or DEFAULT_USER_AGENT
    if not (agent.isascii() and agent.isprintable()):
        raise UsageError(f"NECC_USER_AGENT={text!r}: wanted printable ASCII characters")
    return agent


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _failure(state: tenacity.RetryCallState) -> _NoAnswerError:
    """The try that failed: nothing but this error is tried again."""
    return cast(_NoAnswerError, cast(tenacity.Future, state.outcome).exception())


def _may_try_again(error: BaseException) -> bool:
    return isinstance(error, _NoAnswerError) and error.retry_after_s <= MAX_WAIT_S


def _gave_up(what: str, failure: _NoAnswerError, tries: int) -> str:
    asked = f", asks to wait {failure.retry_after_s:.0f} s" if failure.retry_after_s else ""
    count = "1 try" if tries == 1 else f"{tries} tries"
    return f"{what} did not answer: {failure}{asked} after {count}; run again later, nothing stored is lost"


def _seconds_asked(retry_after: str) -> float:
    """Retry-After is seconds or an HTTP date; anything else asks for nothing."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())
