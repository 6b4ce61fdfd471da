"""What the gatekeeper costs, as ratios against named baselines in the same run.

    .venv/bin/python -m bench.gatekeeper [--quick]

Baselines: the bare ES256 verification of `cryptography`; the same Flask page without the gatekeeper; the same
page that asks Auth (GET /user) on every request, with Auth 20 ms away.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from bench.measure import cpu_seconds, in_turn, line, microseconds, ratios, seconds_per_call
from flask_signet.gatekeeper.errors import KeysUnavailable, TokenError
from flask_signet.gatekeeper.jwks import Keys, parse_key_set
from flask_signet.gatekeeper.tokens import Expected, check_claims, verify_access_token
from flask_signet.gatekeeper.verification import VerifiedTokens
from tests.flask_signet.gatekeeper.faulty_auth import USER, FaultyAuth, Handler, reply
from tests.flask_signet.gatekeeper.gatekept import make_app, put_cookie, signed_in
from tests.support.token_mint import ISSUER, NOW, Mint, claims

ROOT = Path(__file__).parents[1]
AUTH_IS_AWAY = 0.020  # seconds


def verification(calls: int) -> None:
    """Compare the check of one token, every check included, with the bare signature."""
    mint = Mint()
    token = mint.token()
    keys = parse_key_set(json.dumps(mint.jwks).encode(), allow_development_key=False).keys
    public = mint.keys["ES256"].public_key()
    text, _, _ = token.rpartition(".")
    raw = mint.signature(text.encode())
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    scheme = ec.ECDSA(hashes.SHA256())
    expected = Expected((ISSUER,))
    late = int(time.time())
    theirs = mint.token(payload=claims(iat=late, exp=late + 3600))

    def decode() -> object:
        return jwt.decode(theirs, public, algorithms=["ES256"], audience="authenticated", issuer=ISSUER)

    figures = in_turn(
        {
            "bare": seconds_per_call(lambda: public.verify(der, text.encode(), scheme), calls),
            "ours": seconds_per_call(lambda: verify_access_token(token, keys, expected, NOW), calls),
            "pyjwt": seconds_per_call(decode, calls),
            "get_claims": seconds_per_call(get_claims(mint, theirs), calls),
        }
    )
    print(f"one access token of {len(token)} characters; bare ES256: {microseconds(figures['bare'])}")
    print(line("cold verification, every check / bare ES256", ratios(figures, "ours", "bare"), "<= 1.5"))
    print(line("PyJWT decode, key at hand / bare ES256", ratios(figures, "pyjwt", "bare")))
    print(line("supabase get_claims, keys at hand / bare ES256", ratios(figures, "get_claims", "bare")))


def get_claims(mint: Mint, token: str) -> Callable[[], object]:
    """Return a call of the official client's local verification, with the key set given."""
    from supabase import ClientOptions, create_client

    options = ClientOptions(auto_refresh_token=False, persist_session=False)
    client = create_client("http://127.0.0.1:1", "sb_publishable_bench", options)
    return lambda: client.auth.get_claims(token, jwks=cast(Any, mint.jwks))


@contextmanager
def served(auth: FaultyAuth, kind: str, threads: int = 4) -> Iterator[tuple[int, int]]:
    """Serve a page by gunicorn, one worker; yield port and process id."""
    listening = socket.create_server(("127.0.0.1", 0))
    argv = [
        sys.executable,
        "-m",
        "gunicorn",
        "--threads",
        str(threads),
        "--bind",
        f"fd://{listening.fileno()}",
    ]
    environ = {**os.environ, "SUPABASE_URL": auth.url, "BENCH_KIND": kind}
    server = subprocess.Popen(
        [*argv, "--keep-alive", "60", "bench.guarded_page:app"],
        cwd=ROOT,
        env=environ,
        pass_fds=[listening.fileno()],
        stderr=subprocess.DEVNULL,
    )
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


class Page:
    """A browser with one kept connection and some session cookies, which it uses in turn."""

    def __init__(self, port: int, pid: int, cookies: list[str]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._pid = pid
        head = f"GET /page HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: "
        self._requests = itertools.cycle([f"{head}{cookie}\r\n\r\n".encode() for cookie in cookies])

    def get(self) -> None:
        """Fetch the page once."""
        self._socket.sendall(next(self._requests))
        answer = b""
        while not answer.endswith(b"</html>"):
            answer += self._socket.recv(65536)
            # The server writes head and body apart; an acknowledgement that is held back costs 40 ms.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"the page answered {answer[:60]!r}")

    def cpu_per_request(self, requests: int) -> Callable[[], float]:
        """Return a variant: the server's CPU seconds for one request."""

        def variant() -> float:
            before = cpu_seconds(self._pid)
            for _ in range(requests):
                self.get()
            return (cpu_seconds(self._pid) - before) / requests

        return variant

    def median_seconds(self, requests: int) -> Callable[[], float]:
        """Return a variant: the median seconds that a request takes."""

        def variant() -> float:
            times = []
            for _ in range(requests):
                started = time.perf_counter()
                self.get()
                times.append(time.perf_counter() - started)
            return statistics.median(times)

        return variant


def cookies_of(auth: FaultyAuth, people: int, age: float = 0.0) -> list[str]:
    """Return session cookies of so many people, whose tokens are ``age`` seconds old."""
    app = make_app(auth)
    client = app.test_client()
    cookies = []
    for _ in range(people):
        put_cookie(client, app, auth.sign_in(age=age))
        cookie = client.get_cookie("sb-80")
        assert cookie is not None
        cookies.append(f"sb-80={cookie.value}")
    return cookies


def pages(requests: int) -> None:
    """Compare guarded pages with open ones and with pages that ask Auth."""
    with FaultyAuth().running() as auth:
        auth.faults["user"] = distant_user
        # One person's token is remembered; more people than the memory holds are verified every time.
        one, many = cookies_of(auth, 1), cookies_of(auth, 200)
        with (
            served(auth, "open") as opened,
            served(auth, "guarded") as guarded,
            served(auth, "forgetful") as forgetful,
            served(auth, "get_user") as asking,
        ):
            figures = in_turn(
                {
                    "open": Page(*opened, one).cpu_per_request(requests),
                    "remembered": Page(*guarded, one).cpu_per_request(requests),
                    "verified": Page(*forgetful, many).cpu_per_request(requests),
                }
            )
            print(
                line(
                    "CPU, guarded / open page, token remembered",
                    ratios(figures, "remembered", "open"),
                    "<= 1.20",
                )
            )
            print(
                line(
                    "CPU, guarded / open page, token verified", ratios(figures, "verified", "open"), "<= 1.40"
                )
            )
            before = dict(auth.calls)
            figures = in_turn(
                {
                    "asking": Page(*asking, one).median_seconds(40),
                    "guarded": Page(*guarded, one).median_seconds(400),
                }
            )
            print(
                line(
                    "p50, guarded / get_user, Auth 20 ms away",
                    ratios(figures, "guarded", "asking"),
                    "<= 0.04",
                )
            )
            page = Page(*guarded, one)
            for _ in range(10_000):
                page.get()
            upstream = auth.calls["jwks"] + auth.calls["refresh"] - before["jwks"] - before["refresh"]
            print(f"calls upstream over 10,000 signed-in requests: {upstream}   goal 0")


def distant_user(handler: Handler) -> None:
    """Answer GET /user as an Auth server does that is some way off."""
    time.sleep(AUTH_IS_AWAY)
    reply(handler, 200, USER)


def leftovers() -> None:
    """Count what a thousand sign-ins and a thousand made-up key ids leave behind."""
    with FaultyAuth().running() as auth:
        app = make_app(auth)
        signed_in(app, auth.sign_in()).get("/private")
        threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
        for _ in range(1000):
            client = app.test_client()
            pair = auth.sign_in()
            client.post("/session", data={name: pair[name] for name in ("access_token", "refresh_token")})
        print(
            f"left by 1,000 sign-ins: {threading.active_count() - threads} threads, "
            f"{len(os.listdir('/proc/self/fd')) - files} open files   goal 0, 0"
        )
        before = auth.calls["jwks"]
        for number in range(1000):
            token = auth.mint.token(header=auth.mint.header(kid=f"made-up-{number}"))
            client.get("/api", headers={"Authorization": f"Bearer {token}"})
        print(f"key fetches for 1,000 made-up kids: {auth.calls['jwks'] - before}   goal <= 2")


def memory() -> None:
    """Weigh a full memory of verified tokens."""
    keys: Keys = {}
    verified = VerifiedTokens()
    verified.get("", keys)
    tracemalloc.start()
    for number in range(5000):
        payload = claims(sub=str(UUID(int=number + 1)), session_id=str(UUID(int=number + 2)))
        read = json.loads(json.dumps(payload))  # as with a real token, no two share a text
        verified.put(f"token-{number}", keys, check_claims(read, Expected((ISSUER,)), NOW, f"key-{number}"))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory of {len(verified)} verified tokens, which is all it holds: {size / 1e6:.2f} MB")


def main() -> None:
    """Run every measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls: to see that it runs")
    calls = 100 if parser.parse_args().quick else 1000
    try:
        verification(calls)
        pages(calls)
        leftovers()
        memory()
    except (TokenError, KeysUnavailable) as error:
        raise SystemExit(f"a measurement failed: {error!r}") from error


if __name__ == "__main__":
    main()
