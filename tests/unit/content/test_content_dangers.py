"""Programs and credentials, and what only looks like them."""

from __future__ import annotations

import base64

import pytest

from reconciler.content.credentials import CredentialScan
from reconciler.content.executables import executable

# Put together here, so that no scanner takes this file for a leak.
KEY_LINES = base64.b64encode(bytes(range(96))).decode()
PEM = "-----BEGIN {}PRIVATE KEY-----"
DOS = b"MZ" + bytes(58) + b"\x40\0\0\0"


@pytest.mark.parametrize(
    ("head", "kind", "reason"),
    [
        (b"\x7fELF\x02", "elf", "Linux"),
        (DOS + b"PE\0\0", "pe", "Windows, at the offset that the header names"),
        (b"MZ is how a sentence may begin" + b" " * 60, "", "two letters are not enough"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "mach-o", "macOS"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "mach-o", "a universal binary has few parts"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "java-class", "a class has a version"),
        (b"dex\n035\0", "dex", "Android"),
        (b"\0asm\1\0\0\0", "wasm", "WebAssembly"),
        (b"#!/usr/bin/env python3\n", "script", "an interpreter line"),
        (b"#! /bin/sh\n", "script", "with a blank"),
        (b"#!AMR\n", "", "sound"),
        (b"#![allow(unused)]\n", "", "an attribute of Rust"),
        (b"<annotation><object><script>x</script></object>", "", "markup is no program"),
        (b"", "", "nothing"),
    ],
)
def test_programs_are_told(head: bytes, kind: str, reason: str) -> None:
    assert executable(head) == kind, reason


def found(*pieces: bytes) -> list[tuple[str, int]]:
    scan = CredentialScan()
    for piece in pieces:
        scan.feed(piece)
    return [(credential.kind, credential.line) for credential in scan.found]


@pytest.mark.parametrize(
    ("text", "kinds", "reason"),
    [
        (f"a\n{PEM.format('RSA ')}\n{KEY_LINES}", [("private key", 2)], "a key in a file"),
        (f'{{"k": "{PEM.format("")}\\n{KEY_LINES}"}}', [("private key", 1)], "a key in JSON"),
        (f"{PEM.format('RSA ')}\nProc-Type: 4,ENCRYPTED\n\n{KEY_LINES}", [("private key", 1)], "an encrypted key"),
        (f"write {PEM.format('')} at the top", [], "documentation about keys"),
        ("id = AKIA" + "Q" * 16, [("AWS access key", 1)], "an access key"),
        ("id = AKIAIOSFODNN7" + "EXAMPLE", [], "the key of the documentation"),
        ("xAKIA" + "Q" * 16, [], "inside a longer word"),
        ("ghp_" + "a1" * 18, [("GitHub token", 1)], "a token"),
        ("high ghosts", [], "words with the same letters"),
        ("hf_" + "a" * 34, [("Hugging Face token", 1)], "a token"),
        (f"{'glpat-'}{'a1' * 10}\nglpat-{'b2' * 10}", [("GitLab token", 1)], "one of a kind is told"),
        ("<object><frame/><iframe src='x'></object>", [], "markup"),
    ],
)
def test_credentials_are_told_by_kind_and_line(text: str, kinds: list[tuple[str, int]], reason: str) -> None:
    assert found(text.encode()) == kinds, reason


@pytest.mark.parametrize("cut", range(1, 24))
def test_credential_across_pieces_is_found(cut: int) -> None:
    text = b"one\ntwo AKIA" + b"Q" * 16 + b"\n"
    assert found(text[: 4 + cut], text[4 + cut :]) == [("AWS access key", 2)]


def test_line_counts_over_many_pieces() -> None:
    assert found(*[b"x" * 99 + b"\n"] * 1000, b"AKIA" + b"Q" * 16) == [("AWS access key", 1001)]


def test_credential_in_utf_16_is_found() -> None:
    assert found(("id AKIA" + "Q" * 16).encode("utf-16")) == [("AWS access key", 1)]
