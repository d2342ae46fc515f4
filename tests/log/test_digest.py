"""Which implementation hashes a line, and that every build of Python has one."""

import hashlib
import sys

import pytest

from evcli.log import digest

LINE = b'{"specversion":"1.0"}'


def test_first_lines_are_hashed_without_openssl_and_many_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert digest.sha256_for(1) is hashlib.sha256, "it is loaded already, and faster"
    monkeypatch.delitem(sys.modules, "hashlib")
    monkeypatch.setattr(digest, "_hashed", 0)
    assert digest.sha256_for(digest.MANY - 2) is digest.sha256
    assert digest.sha256_for(1) is digest.sha256
    assert digest.sha256 is not hashlib.sha256
    assert digest.sha256(LINE).hexdigest() == hashlib.sha256(LINE).hexdigest()
    many = digest.sha256_for(1)
    assert many.__module__ == "_hashlib"


def test_python_without_an_implementation_of_its_own_uses_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    assert digest._without_openssl() is hashlib.sha256
