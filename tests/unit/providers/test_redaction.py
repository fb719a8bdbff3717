import pytest

from reconciler.providers.redaction import excerpt, redact


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        ("GET https://h/x?sig=abc&e=1 failed", "GET https://h/x?*** failed", "queries hold signatures"),
        ("see /v2/x/?cursor=abc", "see /v2/x/?***", "relative addresses too"),
        ("https://me:pw@host/x", "https://***@host/x", "user names in addresses"),
        ("Token abcdef0123456789", "Token ***", "header values"),
        ("bad syn_0123456789abcdef", "bad ***", "token-like words"),
        ("the word hunter2 here", "the word *** here", "given secrets"),
        ("is it there? yes", "is it there? yes", "plain questions stay"),
    ],
)
def test_redact_hides_secrets(text, expected, reason):
    assert redact(text, ["hunter2", ""]) == expected, reason


def test_redact_of_overlapping_secrets_hides_the_longer_one():
    assert redact("abcdef", ["abc", "abcdef"]) == "***"


def test_excerpt_of_html_is_one_short_line():
    page = "<html><script>var x = 1</script><body>\n<h1>524</h1> A timeout\noccurred" + "x" * 999
    text = excerpt(page)
    assert text.startswith("524 A timeout occurred")
    assert len(text) == 300
