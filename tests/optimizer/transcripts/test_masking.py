"""Personal data and secrets do not get in; everything else stays as it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.transcripts.masking import Masker

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "EMAIL": ["jo.doe+x@mail.example.org"],
    "KEY": [
        "sk-" + "ant-api03-" + "Ab1" * 12,
        "ghp_" + "a1B2" * 9,
        "AKIA" + "ABCDEFGH12345678",
        "xoxb-" + "12345678-abcdef",
    ],
    "JWT": ["eyJ" + "hbGciOiJIUzI1" + ".eyJzdWIiOiIxMjM0NTY3" + ".SflKxwRJSMeKKF2QT4"],
    "PRIVATE-KEY": ["-----BEGIN RSA PRIVATE " + "KEY-----\nMIIabc\n-----END RSA PRIVATE " + "KEY-----"],
    "SSN": ["123-45-6789"],
    "CARD": ["4111 1111 1111 1111", "5500-0000-0000-0004"],
    "IBAN": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"],
    "PHONE": ["+49 170 1234567", "(415) 555-0132"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in SECRETS.items() for value in values])
def test_each_kind_is_masked_wherever_it_stands(kind, value):
    masker = Masker()
    assert masker.text(f"see {value} there") == f"see [{kind}-1] there"
    assert value not in json.dumps(masker.value({"a": [f"x {value}."], value: 1}))
    assert masker.counts[kind] == 3 and set(masker.counts) == {kind}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [SECRET-1]"),
        ("postgres://app:hunter22@db/x", "postgres://app:[SECRET-1]@db/x"),
        ('PASSWORD="hunter2hunter"', 'PASSWORD="[SECRET-1]"'),
        ('{\\"api_key\\": \\"q1w2e3r4t5\\"}', '{\\"api_key\\": \\"[SECRET-1]\\"}'),
        ("open /home/jodoe/shop/x.py", "open /home/[USER-1]/shop/x.py"),
    ],
)
def test_of_a_secret_only_the_value_goes(text, masked):
    assert Masker().text(text) == masked


def test_a_key_can_say_what_its_value_is():
    assert Masker().value({"password": "correct horse", "user": "jo"}) == {"password": "[SECRET-1]", "user": "jo"}


def test_the_same_value_has_the_same_mask_in_a_transcript():
    masker = Masker()
    assert masker.text("a@b.org c@d.org a@b.org") == "[EMAIL-1] [EMAIL-2] [EMAIL-1]"
    assert masker.text("c@d.org") == "[EMAIL-2]"


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-20 10:00:00 flight HAT136, reservation ZFA04Y, 1234567890",
        "src/a.py:120: def token(self): return self.key",
        "4111 1111 1111 1112 is no card, DE00 3704 0044 0532 0130 00 no IBAN",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8, sha256:" + "0123456789abcdef" * 4,
        "max_tokens = 4096; secret_santa: maybe",
    ],
)
def test_what_is_neither_stays(text):
    assert Masker().text(text) == text


@given(st.text())
def test_masking_again_changes_nothing(text):
    once = Masker().text(text)
    assert Masker().text(once) == once
