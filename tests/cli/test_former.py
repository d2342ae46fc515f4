"""Former names and e-mails: who had them until when, in the commands that only read."""

import json

import pytest
from conftest import Cli, Ran
from support.caches import cache_every_log

from cli.support import in_json, refuses, spoil

GRACE_WAS = "user 2 Grace Hopper <grace@navy.example> had the {} from event 2 until event {}\n"
NAME, EMAIL = GRACE_WAS.format('name "{}"', 3), GRACE_WAS.format('e-mail "{}"', 4)


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("Grace", NAME), ("GRACE", NAME), ("name=grace", NAME.replace("{}", "grace")), ("grace@example.com", EMAIL),
        ("email=grace@example.com", EMAIL.replace("{}", "grace@example.com")), ("Grace@Example.com", EMAIL),
    ],
)  # fmt: skip
def test_user_by_a_former_name_or_email_is_shown_with_until_when_it_was_theirs(story: Cli, who: str, said: str) -> None:
    said = said.replace("{}", who)
    assert story("user", "show", who) == Ran(0, story("user", "show", "2").out, said)
    assert story("log", "--user", who) == Ran(0, story("log", "--user", "2").out, said)
    shown = story("user", "show", who, "--json")
    assert json.loads(shown.out) == in_json(story, "user", "show", "2")
    assert json.loads(shown.err) == {"note": {"message": said[:-1]}}


def test_former_name_is_that_of_the_moment(story: Cli) -> None:
    story.ok("user", "rename", "2", "Amazing Grace")
    at = story("user", "show", "Grace", "--at", "4")
    assert at.err == NAME.replace("{}", "Grace")
    assert story("user", "show", "Grace Hopper", "--at", "4").err == ""
    refuses(story, ("user", "show", "Amazing Grace", "--at", "4"), 1, "had another name at that point")


def test_former_name_of_several_is_ambiguous_and_says_who_had_it_when(story: Cli) -> None:
    story.ok("user", "restore", "3")
    story.ok("user", "rename", "3", "Grace")
    story.ok("user", "rename", "3", "Alan")
    for words in (("user", "show", "Grace"), ("log", "--user", "Grace")):
        refuses(
            story, words, 1, '"Grace" could be any of 2 users', "use the id",
            "2 Grace Hopper <grace@navy.example> had it from event 2 until event 3",
            "3 Alan <alan@example.com> had it from event 10 until event 11",
        )  # fmt: skip


def test_email_that_several_had_is_told_with_who_had_it_when(story: Cli) -> None:
    story.ok("user", "create", "Kurt", "--email", "alan@example.com")
    story.ok("user", "create", "Eve", "--email", "grace@example.com")
    alan = 'user 3 Alan <alan@example.com> (destroyed: event 8) had the e-mail "alan@example.com"'
    others = {
        "alan@example.com": f"{alan} from event 7 until event 8\n",
        "grace@example.com": EMAIL.replace("{}", "grace@example.com"),
        "ada@example.com": "",
    }
    for email, said in others.items():
        for words in (("user", "show", email), ("log", "--user", email), ("user", "show", f"email={email}")):
            assert story(*words).err == said
    assert in_json(story, "user", "show", "grace@example.com")["id"] == 5
    assert story("user", "show", "Kurt").err == ""


def test_what_nobody_ever_had_is_refused_as_before(story: Cli) -> None:
    refuses(story, ("user", "show", "Nobody At All"), 1, 'no user "Nobody At All" at event 8')
    refuses(story, ("log", "--user", "left the company"), 1, 'no user "left the company"')


@pytest.mark.parametrize(("who", "said"), [("Grace", NAME), ("grace@example.com", EMAIL), ("GRACE", NAME)])
@pytest.mark.parametrize("words", [("rename", "%", "X"), ("destroy", "1", "%"), ("restore", "%", "--dry-run")])
def test_command_that_writes_never_acts_on_a_former_name_and_says_whose_it_was(
    story: Cli, words: tuple[str, ...], who: str, said: str
) -> None:
    words = ("user", *(word.replace("%", who) for word in words))
    refuses(story, words, 1, f'no user "{who}" at event 8\n', f"hint: {said.replace('{}', who)[:-1]}; use the id\n")
    error = json.loads(story(*words, "--json").err)["error"]
    assert (error["code"], error["hint"][:19]) == ("no-such-user", "user 2 Grace Hopper")


def test_command_that_writes_names_all_that_had_a_former_name(story: Cli) -> None:
    for number in range(3, 8):
        story.ok("user", "create", "Grace", "--email", f"g{number}@example.com")
        story.ok("user", "rename", str(number + 1), f"Former {number}")
    hint = story("user", "destroy", "Grace").err.splitlines()[1]
    assert hint.startswith('hint: user 2 Grace Hopper <grace@navy.example> had the name "Grace" from event 2 until')
    assert '; user 4 Former 3 <g3@example.com> had the name "Grace" from event 9 until event 10; ' in hint
    assert (hint.count("had the name"), hint[-32:]) == (5, "; 1 more had it, too; use the id")


def test_damage_in_a_former_name_does_not_hide_the_refusal(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    refuses(story, ("user", "destroy", "Grace"), 1, "user 2 Grace Hopper")
    spoil(story.log, 2, b'"authid":"ann"', b'"authid":"eve"')
    refuses(story, ("user", "destroy", "Grace"), 1, 'no user "Grace"', 'hint: did you mean "Grace Hopper"?')
