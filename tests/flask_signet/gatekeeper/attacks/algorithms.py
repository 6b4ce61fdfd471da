"""Hostile access tokens: which algorithm, which key, which headers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.flask_signet.gatekeeper.attacks.cases import Case
from tests.support.token_mint import ISSUER, NOW, SESSION, Mint, b64, claims


def attacks(mint: Mint) -> Iterator[Case]:
    """Yield the cases of this group."""
    yield from _algorithm_none(mint)
    yield from _hmac_with_public_text(mint)
    yield from _crossed_algorithms(mint)
    yield from _key_ids(mint)
    yield from _foreign_headers(mint)
    yield from _legacy_keys(mint)


def _body(payload: dict[str, Any] | None = None) -> str:
    return b64(json.dumps(claims() if payload is None else payload).encode())


def _algorithm_none(mint: Mint) -> Iterator[Case]:
    names: list[Any] = ["none", "None", "NONE", "nOnE", "noNE", "", None, [], ["none"], 0, 1, True, {}, ...]
    for number, name in enumerate(names):
        header = mint.header(alg=name)
        head = b64(json.dumps(header).encode())
        label = "missing" if name is ... else repr(name)
        yield f"alg_none_{number}_{label}_unsigned", f"{head}.{_body()}.", "token_malformed"
        yield f"alg_none_{number}_{label}_signed", mint.token(header=header), "algorithm_refused"


def _hmac_with_public_text(mint: Mint) -> Iterator[Case]:
    public = mint.keys["ES256"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = mint.jwk("ES256")
    secrets = {
        "pem": pem,
        "pem_without_newline": pem.rstrip(),
        "pem_crlf": pem.replace(b"\n", b"\r\n"),
        "der": der,
        "jwk": json.dumps(jwk).encode(),
        "jwk_compact": json.dumps(jwk, separators=(",", ":")).encode(),
        "jwks": json.dumps(mint.jwks).encode(),
        "x": jwk["x"].encode(),
        "kid": b"es-key",
        "empty": b"",
        "well_known_local_secret": b"super-secret-jwt-token-with-at-least-32-characters-long",
    }
    for label, secret in secrets.items():
        for kid in ("es-key", "rs-key", "unknown"):
            head = b64(json.dumps({"alg": "HS256", "kid": kid, "typ": "JWT"}).encode())
            text = f"{head}.{_body()}"
            mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
            yield f"hs256_{label}_{kid}", f"{text}.{b64(mac)}", "algorithm_refused"


def _crossed_algorithms(mint: Mint) -> Iterator[Case]:
    kids = {"ES256": "es-key", "RS256": "rs-key", "EdDSA": "ed-key"}
    for algorithm in kids:
        for other, kid in kids.items():
            if other != algorithm:
                token = mint.token(algorithm, header=mint.header(algorithm, kid=kid))
                yield f"{algorithm}_with_kid_of_{other}", token, "key_unfit"
                token = mint.token(other, header=mint.header(other, alg=algorithm))
                yield f"{other}_key_claims_{algorithm}", token, "key_unfit"
    for name in ("HS256", "HS384", "HS512", "ES384", "ES512", "ES256K", "RS384", "RS512", "PS256", "PS384"):
        yield f"alg_{name}", mint.token(header=mint.header(alg=name)), "algorithm_refused"
    for name in ("es256", "ES256 ", " ES256", "ES256\x00", "Es256", "ed25519", "Ed25519", "EDDSA"):
        yield f"alg_spelled_{name!r}", mint.token(header=mint.header(alg=name)), "algorithm_refused"


def _key_ids(mint: Mint) -> Iterator[Case]:
    refused: dict[str, Any] = {
        "path": "../../dev/null",
        "sql": "x' union select 'k",
        "newline": "es-key\n",
        "nul": "es-key\x00",
        "long": "k" * 129,
        "url": "https://evil.example/jwks.json",
        "list": ["es-key"],
        "dict": {"kid": "es-key"},
        "null": None,
        "missing": ...,
        "empty": "",
        "blank": " es-key",
        "number": 1,
        "bool": True,
        "non_ascii": "és-key",
    }
    for label, kid in refused.items():
        yield f"kid_{label}", mint.token(header=mint.header(kid=kid)), "token_header_refused"
    for label, kid in {"other_case": "ES-KEY", "unknown": "no-such-key", "wildcard": "~"}.items():
        yield f"kid_{label}", mint.token(header=mint.header(kid=kid)), "key_unknown"


def _foreign_headers(mint: Mint) -> Iterator[Case]:
    jwk = mint.jwk("ES256")
    extra: dict[str, Any] = {
        "jwk_ours": {"jwk": jwk},
        "jwk_evil": {"jwk": Mint().jwk("ES256")},
        "jku": {"jku": "https://evil.example/jwks.json"},
        "x5u": {"x5u": "https://evil.example/cert.pem"},
        "x5c": {"x5c": ["MIIB"]},
        "x5t": {"x5t": "abc"},
        "x5t_s256": {"x5t#S256": "abc"},
        "crit_empty": {"crit": []},
        "crit_exp": {"crit": ["exp"]},
        "crit_b64": {"crit": ["b64"], "b64": False},
        "crit_string": {"crit": "exp"},
        "crit_null": {"crit": None},
        "b64_false": {"b64": False},
        "b64_true": {"b64": True},
        "zip": {"zip": "DEF"},
        "enc": {"enc": "A128GCM"},
        "cty": {"cty": "JWT"},
        "p2c": {"p2c": 2**31},
        "iss": {"iss": ISSUER},
        "unknown": {"x": 1},
    }
    for label, members in extra.items():
        yield f"header_{label}", mint.token(header=mint.header(**members)), "token_header_refused"
    for typ in ("at+jwt", "dpop+jwt", "JOSE", "jwt", "JWT ", "", 1, None, ["JWT"], True):
        yield f"typ_{typ!r}", mint.token(header=mint.header(typ=typ)), "token_header_refused"
    evil = Mint()
    for algorithm in ("ES256", "RS256", "EdDSA"):
        yield f"evil_key_{algorithm}", evil.token(algorithm), "signature_invalid"


def _legacy_keys(mint: Mint) -> Iterator[Case]:
    for role in ("anon", "service_role"):
        payload = {"iss": "supabase", "ref": "abcdefgh", "role": role, "iat": NOW, "exp": NOW + 10**8}
        head = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        text = f"{head}.{_body(payload)}"
        mac = hmac.new(b"secret", text.encode(), hashlib.sha256).digest()
        yield f"legacy_{role}_key", f"{text}.{b64(mac)}", "token_header_refused"
        yield f"legacy_{role}_payload_signed", mint.token(payload=payload), "claim_refused"
    yield "session_of_nobody", mint.token(payload=claims(sub=SESSION, session_id=...)), "claim_refused"
