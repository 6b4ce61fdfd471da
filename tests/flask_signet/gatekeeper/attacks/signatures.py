"""Hostile access tokens: numbers and bytes that are no signature of the text."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.flask_signet.gatekeeper.attacks.cases import Case
from tests.support.token_mint import P256_BYTES, P256_ORDER, Mint, b64, es256_signature, rsa_signature


def attacks(mint: Mint) -> Iterator[Case]:
    """Yield the cases of this group."""
    yield from _ecdsa_signatures(mint)
    yield from _eddsa_signatures(mint)
    yield from _rsa_signatures(mint)


def _ecdsa_signatures(mint: Mint) -> Iterator[Case]:
    key = mint.keys["ES256"]
    text = mint.token().rpartition(".")[0]
    r, s = es256_signature(key, text.encode())
    n = P256_ORDER
    numbers = {
        "r_zero": (0, s),
        "s_zero": (r, 0),
        "both_zero": (0, 0),
        "r_is_n": (n, s),
        "s_is_n": (r, n),
        "both_n": (n, n),
        "one_one": (1, 1),
        "all_ones": (2**256 - 1, 2**256 - 1),
        "swapped": (s, r),
        "r_negated": (n - r, s),
        "both_negated": (n - r, n - s),
        "s_plus_one": (r, (s + 1) % n),
        "r_plus_one": ((r + 1) % n, s),
        "n_minus_1": (n - 1, n - 1),
        "s_of_another_text": (r, es256_signature(key, b"another text")[1]),
    }
    good = r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")
    signatures = {
        label: a.to_bytes(P256_BYTES, "big") + b.to_bytes(P256_BYTES, "big")
        for label, (a, b) in numbers.items()
    }
    signatures |= {
        "63_bytes": good[:63],
        "65_bytes": good + b"\x00",
        "96_bytes": good + good[:32],
        "1024_bytes": good * 16,
        "der": key.sign(text.encode(), ec.ECDSA(hashes.SHA256())),
        "1_byte": b"\x00",
        "leading_zeros": b"\x00" * 8 + good,
        "sha512": b"".join(
            x.to_bytes(P256_BYTES, "big") for x in es256_signature(key, text.encode(), hashes.SHA512())
        ),
        "other_key": Mint().signature(text.encode()),
        "secp256k1": b"".join(
            x.to_bytes(P256_BYTES, "big")
            for x in es256_signature(ec.generate_private_key(ec.SECP256K1()), text.encode())
        ),
        "p384": b"".join(
            x.to_bytes(48, "big")
            for x in es256_signature(ec.generate_private_key(ec.SECP384R1()), text.encode())
        ),
    }
    for position in (0, 31, 32, 63):
        flipped = bytearray(good)
        flipped[position] ^= 0x10
        signatures[f"bit_flip_{position}"] = bytes(flipped)
    for label, signature in signatures.items():
        yield f"es256_{label}", f"{text}.{b64(signature)}", "signature_invalid"


def _eddsa_signatures(mint: Mint) -> Iterator[Case]:
    ed_text = mint.token("EdDSA").rpartition(".")[0]
    ed = mint.signature(ed_text.encode(), "EdDSA")
    order = 2**252 + 27742317777372353535851937790883648493
    too_large = (int.from_bytes(ed[32:], "little") + order).to_bytes(32, "little")
    for label, signature in {
        "zero": b"\x00" * 64,
        "s_plus_l": ed[:32] + too_large,
        "63_bytes": ed[:63],
        "65_bytes": ed + b"\x00",
        "swapped": ed[32:] + ed[:32],
        "empty_byte": b"\x00",
    }.items():
        yield f"eddsa_{label}", f"{ed_text}.{b64(signature)}", "signature_invalid"


def _rsa_signatures(mint: Mint) -> Iterator[Case]:
    key: rsa.RSAPrivateKey = mint.keys["RS256"]
    text = mint.token("RS256").rpartition(".")[0]
    size = key.key_size // 8
    good = mint.signature(text.encode(), "RS256")
    for label, signature in {
        "pss": rsa_signature(key, text.encode(), "PSS"),
        "sha384": rsa_signature(key, text.encode(), "SHA384"),
        "sha512": rsa_signature(key, text.encode(), "SHA512"),
        "zero": b"\x00" * size,
        "one": (1).to_bytes(size, "big"),
        "modulus": key.public_key().public_numbers().n.to_bytes(size, "big"),
        "plus_modulus": b"\x01" + good,
        "short": good[1:],
        "doubled": good * 2,
    }.items():
        yield f"rs256_{label}", f"{text}.{b64(signature)}", "signature_invalid"
