"""Hostile access tokens: JSON, base64url and the shape of the whole."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.flask_signet.gatekeeper.attacks.cases import Case
from tests.support.token_mint import ALICE, Mint, b64, claims


def attacks(mint: Mint) -> Iterator[Case]:
    """Yield the cases of this group."""
    yield from _duplicate_members(mint)
    yield from _payload_shapes(mint)
    yield from _token_shapes(mint)
    yield from _encodings(mint)


def _duplicate_members(mint: Mint) -> Iterator[Case]:
    good = json.dumps(claims()).encode()
    head = json.dumps(mint.header()).encode()
    payloads = {
        "sub": good[:-1] + b',"sub":"' + ALICE.encode() + b'"}',
        "sub_escaped": good[:-1] + b',"\\u0073ub":"' + ALICE.encode() + b'"}',
        "role": good[:-1] + b',"role":"service_role"}',
        "exp": good[:-1] + b',"exp":9999999999}',
        "nested": good[:-1] + b',"x":{"a":1,"a":2}}',
    }
    for label, payload in payloads.items():
        yield f"duplicate_{label}", mint.sign(head, payload), "payload_malformed"
    for label, member in {"alg": b',"alg":"none"}', "kid": b',"k\\u0069d":"rs-key"}'}.items():
        yield (
            f"duplicate_header_{label}",
            mint.sign(head[:-1] + member, good),
            "token_header_refused",
        )


def _payload_shapes(mint: Mint) -> Iterator[Case]:
    good = json.dumps(claims())
    head = json.dumps(mint.header()).encode()
    payloads = {
        "array": b"[]",
        "string": b'"x"',
        "null": b"null",
        "number": b"1",
        "empty_object_inside_array": b"[{}]",
        "blank": b" ",
        "bom": b"\xef\xbb\xbf" + good.encode(),
        "utf16": good.encode("utf-16"),
        "utf16le": good.encode("utf-16-le"),
        "utf32": good.encode("utf-32"),
        "bad_utf8": good.encode()[:-1] + b',"x":"\xff\xfe"}',
        "trailing": good.encode() + b"x",
        "two_objects": good.encode() + good.encode(),
        "trailing_nul": good.encode() + b"\x00",
        "nan": good.encode()[:-1] + b',"x":NaN}',
        "infinity": good.encode()[:-1] + b',"x":-Infinity}',
        "single_quotes": good.replace('"', "'").encode(),
        "comment": b"/**/" + good.encode(),
        "deep_arrays": b"[" * 2500 + b"]" * 2500,
        "nested_token": mint.token().encode(),
    }
    for label, payload in payloads.items():
        yield f"payload_{label}", mint.sign(head, payload), "payload_malformed"


def _token_shapes(mint: Mint) -> Iterator[Case]:
    good = mint.token()
    head, body, signature = good.split(".")
    shapes = {
        "empty": "",
        "blank": " ",
        "one_part": "abc",
        "two_parts": f"{head}.{body}",
        "four_parts": f"{good}.x",
        "encrypted_five_parts": f"{head}.{body}.{signature}.{body}.{signature}",
        "json_serialization": json.dumps({"payload": body, "signature": signature, "protected": head}),
        "bearer_prefix": f"Bearer {good}",
        "no_signature": f"{head}.{body}.",
        "no_header": f".{body}.{signature}",
        "no_payload": f"{head}..{signature}",
        "only_dots": "..",
        "publishable_key": "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH",
        "null_word": "null",
        "quoted": f'"{good}"',
    }
    for label, token in shapes.items():
        yield f"shape_{label}", token, "token_malformed"
    for label, size in {"20kB": 20_000, "1MB": 1_000_000, "10MB": 10_000_000}.items():
        yield f"size_{label}", f"{head}.{'A' * size}.{signature}", "token_too_long"
    yield "size_one_over", "A" * 8193, "token_too_long"
    yield "dots_10000", "." * 10_000, "token_too_long"
    yield "header_not_json", f"{b64(b'{not json}')}.{body}.{signature}", "token_header_refused"
    yield "header_array", f"{b64(b'[]')}.{body}.{signature}", "token_header_refused"
    yield "header_deep", f"{b64(b'[' * 3000)}.{body}.{signature}", "token_header_refused"


def _encodings(mint: Mint) -> Iterator[Case]:
    good = mint.token()
    head, body, signature = good.split(".")
    padded = {
        "padding_1": f"{head}.{body}=.{signature}",
        "padding_2": f"{head}.{body}==.{signature}",
        "padding_4": f"{head}.{body}====.{signature}",
        "padded_signature": f"{good}==",
        "padded_header": f"{head}=.{body}.{signature}",
        "standard_alphabet": f"{head}.{body}.{'+/' + signature[2:]}",
        "blank_inside": f"{head}.{body[:9]} {body[9:]}.{signature}",
        "tab": f"{head}\t.{body}.{signature}",
        "crlf": f"{head}.{body}.{signature}\r\n",
        "newline_at_end": f"{good}\n",
        "nul": f"{good}\x00",
        "non_ascii": f"{good}é",
        "full_width": good.replace("e", "\uff45", 1),
        "lone_surrogate": f"{good}\ud800",
        "percent": good.replace(".", "%2E"),
        "colon": good.replace(".", ":"),
    }
    for label, token in padded.items():
        yield f"encoding_{label}", token, "token_malformed"
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = other[(other.index(signature[-1]) & ~0xF) | ((other.index(signature[-1]) + 1) & 0xF)]
    yield "encoding_last_character_not_canonical", f"{good[:-1]}{last}", "token_malformed"
    yield "encoding_length_1_mod_4", f"{head}.{body}.{signature}AAA", "token_malformed"
