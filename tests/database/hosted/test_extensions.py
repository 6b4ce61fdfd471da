"""Extensions written in SQL answer as the real ones: vectors of the standards and of PostgreSQL 15 and 18."""

from __future__ import annotations

import hashlib

import bcrypt
import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

UUIDS = {  # RFC 9562, appendix A; PostgreSQL 15.18
    "v3(uuid_ns_dns(), 'www.example.com')": "5df41881-3aed-3515-88a7-2f4a814cf09e",
    "v5(uuid_ns_dns(), 'www.example.com')": "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "v3(uuid_ns_url(), 'http://www.postgresql.org')": "cf16fe52-3365-3a1f-8572-288d8d2aaa46",
    "v5(uuid_ns_url(), 'http://www.postgresql.org')": "e1ee1ad4-cd4e-5889-962a-4f605a68d94e",
    "v5(uuid_ns_dns(), '')": "4ebd0208-8328-5d69-8c44-ec50939c0967",
    "v5(uuid_ns_dns(), 'é')": "ebfe0af8-3997-5ade-b634-ba92cf69f557",
}
LONG_KEY = "'abc'::bytea, decode(repeat('aa', 131), 'hex')"
HASHES = {
    "digest('abc', 'MD5')": "900150983cd24fb0d6963f7d28e17f72",
    "digest('abc', 'sha1')": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "digest('abc', 'sha224')": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    "digest('é', 'sha256')": "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c",
    r"digest('\xff00'::bytea, 'sha1')": "da33e41954997c24ad31f6c1845e18510b384f67",
    "hmac('what do ya want for nothing?', 'Jefe', 'md5')": "750c783e6ab0b503eaa86e310a5db738",
    "hmac('what do ya want for nothing?', 'Jefe', 'sha256')": (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    "hmac('abc', '', 'sha256')": "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351",
    f"hmac({LONG_KEY}, 'sha256')": "c21770e7a294fd85f9e8ad80b2d1e9cccb25d496015f8708e641358120f46976",
}
SALT = "$2a$06$RQiOJ.3ELirrXwxIZY8q0O"
PASSWORDS = {
    "foox": f"{SALT}R3CVJrAfda1z26CCHPnB6mmVZD8p0/C",
    "é": f"{SALT}WABLp6B0CaXNQK45fgFse8UwZCGiZpm",
}


@pytest.mark.parametrize(("call", "answer"), UUIDS.items(), ids=UUIDS)
def test_named_uuids(blank: Connection[TupleRow], call: str, answer: str) -> None:
    row = blank.execute(f"select uuid_generate_{call}::text".encode()).fetchone()
    assert row == (answer,)


def test_time_based_uuids_hold_the_time_and_a_multicast_node(blank: Connection[TupleRow]) -> None:
    query = """
        select uuid_extract_version(u), uuid_extract_timestamp(u) between now() and clock_timestamp(),
            get_byte(uuid_send(u), 10) & 1
        from (values (uuid_generate_v1()), (uuid_generate_v1mc())) as made (u)
    """
    assert blank.execute(query).fetchall() == [(1, True, 1)] * 2


@pytest.mark.parametrize(("call", "answer"), HASHES.items(), ids=HASHES)
def test_hashes(blank: Connection[TupleRow], call: str, answer: str) -> None:
    assert blank.execute(f"select encode({call}, 'hex')".encode()).fetchone() == (answer,)


def test_sha1_of_every_length_around_a_block(blank: Connection[TupleRow]) -> None:
    """SHA-1 pads to 64 bytes; compared with Python's, as an extension of its own."""
    rows = blank.execute(
        "select n, digest(repeat('x', n), 'sha1') from generate_series(0, 130) n order by n"
    ).fetchall()
    assert rows == [(n, hashlib.sha1(b"x" * n).digest()) for n in range(131)]


@pytest.mark.parametrize(("password", "stored"), PASSWORDS.items())
def test_bcrypt(blank: Connection[TupleRow], password: str, stored: str) -> None:
    assert blank.execute("select crypt(%s, %s)", (password, SALT)).fetchone() == (stored,)


def test_a_password_of_a_seed_is_one_that_bcrypt_accepts(blank: Connection[TupleRow]) -> None:
    row = blank.execute(
        "select crypt('correct horse', gen_salt('bf')), crypt(repeat('a', 90), gen_salt('bf', 4))"
    )
    short, long = row.fetchone() or ("", "")
    assert short.startswith("$2a$06$")
    assert bcrypt.checkpw(b"correct horse", short.encode())
    assert bcrypt.checkpw(b"a" * 72, long.encode())


REFUSED = {
    "gen_random_bytes(0)": ("39000", "Length not in range"),
    "gen_random_bytes(1025)": ("39000", "Length not in range"),
    "gen_salt('nosuch')": ("22023", "gen_salt: Unknown salt algorithm"),
    "gen_salt('bf', 3)": ("22023", "gen_salt: Incorrect number of rounds"),
    "crypt('x', '$2a$06$short')": ("22023", "invalid salt"),
    "digest('x', 'nosuch')": ("22023", 'Cannot use "nosuch": No such hash algorithm'),
    "gen_salt('md5')": ("0A000", "gen_salt('md5') is not available locally."),
    "crypt('x', 'ab')": (
        "0A000",
        "crypt() with a salt other than gen_salt('bf')'s is not available locally.",
    ),
    "pgp_sym_encrypt('x', 'y')": ("0A000", "pgp_sym_encrypt() is not available locally."),
    "armor('x')": ("0A000", "armor() is not available locally."),
}


@pytest.mark.parametrize(("call", "answer"), REFUSED.items(), ids=REFUSED)
def test_errors_are_the_real_ones_or_name_the_page(
    blank: Connection[TupleRow], call: str, answer: tuple[str, str]
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        blank.execute(f"select {call}".encode())
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == answer
    if answer[0] == "0A000":
        assert "docs/local-stack.md#extensions" in (caught.value.diag.message_hint or "")


def test_random_bytes_have_the_length_asked_for_and_no_fixed_bits(blank: Connection[TupleRow]) -> None:
    rows = blank.execute("select gen_random_bytes(n) from generate_series(1, 100) n").fetchall()
    assert [len(value) for (value,) in rows] == list(range(1, 101))
    joined = b"".join(value for (value,) in rows)
    ones = sum(bin(byte).count("1") for byte in joined) / (8 * len(joined))
    assert 0.47 < ones < 0.53
