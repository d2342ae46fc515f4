"""Any words for a REF, a name, an e-mail or a WHO: an answer or a refusal, never anything else."""

import unicodedata

import pytest
from cli.support import tell_the_story
from conftest import Cli
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from support.logs import reading
from support.users import clean_email, clean_name, clean_reason

from evcli.domain.text import text_fault
from evcli.errors import BadRef, BadText
from evcli.log import START
from evcli.log.line import decode, encode
from faults.casebook import members, no_traceback

quick = settings(
    deadline=None, max_examples=120, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

words = st.text(max_size=30)
DATE = r"[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}([ T][0-9]{1,3}(:[0-9]{1,3}){0,2}(\.[0-9]{0,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
refs = st.one_of(
    words,
    st.from_regex(r"@?-{0,3}[0-9]{0,25}", fullmatch=True),
    st.from_regex(DATE, fullmatch=True),
    st.from_regex(r"[0-9]{1,30} ?(s|m|h|d|w|second|minute|hour|day|week|month|year)s? ago", fullmatch=True),
    st.from_regex(r"(id:)?[0-9a-f-]{0,40}", fullmatch=True),
    st.sampled_from(["@", "@-", "today", "yesterday", "yesterday 17:00", "now", "", "id:", "٣", "1_000", "9" * 5000]),
)  # fmt: skip


@quick
@example(ref="9999999999 years ago")
@example(ref="0001-01-01T00:00:00+14:00")
@example(ref="9999-12-31T23:59:59.999999-14:00")
@example(ref="2026-03-01T12:00:60Z")
@given(ref=refs)
def test_any_ref_is_a_moment_of_this_log_or_refused(cli: Cli, ref: str) -> None:
    if not cli.log.exists():
        tell_the_story(cli)
    from evcli.register.refs import resolve

    with reading(cli.log) as reader:
        for beginning in (True, False):
            try:
                moment = resolve(ref, reader, cli.clock(), beginning=beginning)
            except BadRef:
                event("refused")
            else:
                assert 0 <= moment.number <= 8
                event("a moment")
                if ref.isascii() and ref.isdigit():
                    assert moment.number == int(ref)


@settings(quick, max_examples=25)
@given(word=refs)
def test_any_word_on_the_command_line_is_answered_or_refused_in_words(cli: Cli, word: str) -> None:
    if not cli.log.exists():
        tell_the_story(cli)
    before = cli.log.read_bytes()
    for command in (
        ("state", f"--at={word}"), ("show", "--", word), ("user", "show", "--", word), ("log", f"--since={word}"),
        ("log", f"--type={word}"), ("log", f"--user={word}"), ("diff", "--", word, word),
        ("verify", f"--expect={word}"),
        ("user", "destroy", "--dry-run", "--", word, word), ("user", "rename", "--dry-run", "--", "1", word),
    ):  # fmt: skip
        ran = cli(*command)
        no_traceback(ran)
        assert ran.code in (0, 1, 2, 12), (command, ran.err)
    assert cli.log.read_bytes() == before


@pytest.mark.case(64, 75)
@quick
@given(name=st.text(max_size=220))
def test_any_name_is_refused_or_stored_in_a_form_that_every_reader_takes(name: str) -> None:
    try:
        stored = clean_name(name)
    except BadText:
        return
    assert stored == clean_name(stored), "what is stored would be stored otherwise"
    assert stored == unicodedata.normalize("NFC", name.strip())
    assert 0 < len(stored) <= 200
    assert text_fault(stored, 200) == ""
    line = encode(members(1, data={"name": stored, "email": "a@b"}), START)
    assert decode(line, START)["data"]["name"] == stored
    assert line.count(b"\n") == 1


addresses = st.one_of(
    st.text(max_size=30), st.emails(), st.from_regex(r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{0,9}@[a-zA-Z0-9.-]{0,12}"),
    st.tuples(st.text(max_size=5), st.text(max_size=5)).map("@".join),
)  # fmt: skip


@quick
@given(email=addresses)
def test_any_e_mail_is_refused_or_stored_as_it_was_typed_in_ascii(email: str) -> None:
    try:
        stored = clean_email(email)
    except BadText:
        return
    assert stored == email.strip()
    assert stored.isascii()
    assert stored.count("@") == 1
    assert len(stored) <= 254
    assert not any(character.isspace() or not character.isprintable() for character in stored)
    local, _, domain = stored.partition("@")
    assert local
    assert all(label and label[0] != "-" and label[-1] != "-" and len(label) <= 63 for label in domain.split("."))
    line = encode(members(1, data={"name": "A", "email": stored}), START)
    assert decode(line, START)["data"]["email"] == stored


@quick
@given(reason=st.text(max_size=60))
def test_any_reason_is_refused_or_stored_whole(reason: str) -> None:
    try:
        stored = clean_reason(reason)
    except BadText:
        return
    assert stored == reason.strip()
    assert text_fault(stored, 2000) == ""
