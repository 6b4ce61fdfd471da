"""Make access tokens as Auth does, and as nobody should: any header, any payload, any key."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW = 1_700_000_000
ISSUER = "http://127.0.0.1:54321/auth/v1"
ALICE = "00112233-4455-4677-8899-aabbccddeeff"
SESSION = "11112222-3333-4444-8555-666677778888"
P256_BYTES = 32
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CURVE_OF_ALGORITHM = {"ES256": "es-key", "RS256": "rs-key", "EdDSA": "ed-key"}


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good access token; a change to ``...`` removes the claim."""
    good: dict[str, Any] = {
        "iss": ISSUER,
        "sub": ALICE,
        "aud": "authenticated",
        "exp": NOW + 3600,
        "iat": NOW,
        "email": "alice@example.com",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email": "alice@example.com", "email_verified": True, "sub": ALICE},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": NOW}],
        "session_id": SESSION,
        "is_anonymous": False,
    }
    good.update(changes)
    return {name: value for name, value in good.items() if value is not ...}


def new_keys(rsa_key: rsa.RSAPrivateKey | None = None) -> dict[str, Any]:
    """Return three private keys, one for each algorithm; an RSA key at hand saves 0.1 s."""
    return {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "RS256": rsa_key or rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


@dataclass
class Mint:
    """Three private keys, one for each algorithm, and the ways to sign with them."""

    keys: dict[str, Any] = field(default_factory=new_keys)

    @cached_property
    def jwks(self) -> dict[str, Any]:
        """The published key set."""
        return {"keys": [self.jwk(algorithm) for algorithm in self.keys]}

    def jwk(self, algorithm: str, **changes: Any) -> dict[str, Any]:
        """Return one public key as Auth publishes it."""
        public = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(self.keys[algorithm].public_key()))
        return {
            **public,
            "kid": _CURVE_OF_ALGORITHM[algorithm],
            "alg": algorithm,
            "use": "sig",
            "key_ops": ["verify"],
            **changes,
        }

    def header(self, algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
        """Return the header of a good token."""
        header = {"alg": algorithm, "kid": _CURVE_OF_ALGORITHM[algorithm], "typ": "JWT", **changes}
        return {name: value for name, value in header.items() if value is not ...}

    def token(self, algorithm: str = "ES256", *, header: Any = None, payload: Any = None) -> str:
        """Return a token signed with a key of the set, whatever its header and payload say."""
        return self.sign(
            _json(self.header(algorithm) if header is None else header),
            _json(claims() if payload is None else payload),
            algorithm,
        )

    def sign(self, header: bytes, payload: bytes, algorithm: str = "ES256") -> str:
        """Return a token of exactly these bytes with a good signature."""
        text = f"{b64(header)}.{b64(payload)}"
        return f"{text}.{b64(self.signature(text.encode(), algorithm))}"

    def signature(self, text: bytes, algorithm: str = "ES256") -> bytes:
        """Return the signature as it stands in a token."""
        return jwt.get_algorithm_by_name(algorithm).sign(text, self.keys[algorithm])


def ecdsa_twin(token: str) -> str:
    """Return an ES256 token with the other signature of the same text, (r, n-s)."""
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = P256_ORDER - int.from_bytes(raw[P256_BYTES:], "big")
    return f"{text}.{b64(raw[:P256_BYTES] + s.to_bytes(P256_BYTES, 'big'))}"


def es256_signature(
    key: ec.EllipticCurvePrivateKey, text: bytes, digest: hashes.HashAlgorithm | None = None
) -> tuple[int, int]:
    """Return the numbers r and s of an ECDSA signature."""
    return utils.decode_dss_signature(key.sign(text, ec.ECDSA(digest or hashes.SHA256())))


def rsa_signature(key: rsa.RSAPrivateKey, text: bytes, scheme: str) -> bytes:
    """Return an RSA signature by another scheme than RS256's."""
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    if scheme == "PSS":
        return key.sign(text, pss, hashes.SHA256())
    digest = {"SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}[scheme]
    return key.sign(text, padding.PKCS1v15(), digest)


def _json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
