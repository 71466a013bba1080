"""The source's address: the site that NECC_BASE_URL names, and the page of its sheets."""

from __future__ import annotations

import ipaddress

import httpx

from necc.config import SHEET_PATH
from necc.errors import UsageError


def site_url(text: str) -> httpx.URL:
    """The site's address.

    Raises:
        UsageError: it is none, says more than where the site is, or would go unencrypted over the network.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise UsageError(f"NECC_BASE_URL={text!r}: wanted an address like https://www.example.com")
    if url.scheme == "http" and not is_loopback(url.host):
        raise UsageError(f"NECC_BASE_URL={text!r}: plain http is for this machine only; use https")
    return url


def sheet_url(site: httpx.URL) -> str:
    """The page with the form that is filled in for a sheet."""
    return str(site).rstrip("/") + SHEET_PATH


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
