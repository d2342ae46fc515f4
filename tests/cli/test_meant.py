"""A wrong line is answered with the one that it may mean, the typed words filled in; never with the opposite."""

import pytest
from conftest import Cli


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("user remove 1", "evcli user destroy 1"),
        ("user delete 3", "evcli user destroy 3"),
        ("user rm 1 2", "evcli user destroy 1 2"),
        ("user delet 1", "evcli user destroy 1"),
        ("user restroy 1", "evcli user destroy 1"),
        ("user restor 1", "evcli user restore 1"),
        ("user undelete 1", "evcli user restore 1"),
        ("user add Ada", "evcli user create Ada --email EMAIL"),
        ("user new Ada ada@example.com", "evcli user create Ada --email ada@example.com"),
        ("user new", "evcli user create"),
        ("user update 1 Bo", "evcli user rename 1 Bo or evcli user change-email 1 Bo"),
        ("user edit 1", "evcli user rename 1 or evcli user change-email 1"),
        ("user email 3 x@example.com", "evcli user change-email 3 x@example.com"),
        ("user name 3 Ada", "evcli user rename 3 Ada"),
        ("user rname 1 Ada", "evcli user rename 1 Ada"),
        ("user ls", "evcli user list"),
        ("user get 3", "evcli user show 3"),
        ("stat --json", "evcli state --json or evcli status --json"),
        ("create bob", "evcli user create bob --email EMAIL"),
        ("list --all", "evcli user list --all"),
        ("users", "evcli user list"),
        ("users list -n 3", "evcli user list -n 3"),
        ("users show 1", "evcli user show 1"),
        ("users destroy 1", "evcli user destroy 1"),
        ("users -n 3", "evcli user list -n 3"),
        ("list users", "evcli user list"),
        ("create user", "evcli user create"),
        ("add user Ada --email a@example.com", "evcli user create Ada --email a@example.com"),
        ("lst -n 3", "evcli user list -n 3"),
        ("destory 1", "evcli user destroy 1"),
        ("email 1 x@example.com", "evcli user change-email 1 x@example.com"),
        ("history -n 3", "evcli log -n 3"),
        ("version", "evcli --version"),
        ("destroy 1", "evcli user destroy 1"),
        # the values of options, typed without them
        ("state 5", "evcli state --at 5"),
        ("user list 2026-03-01 --all", "evcli user list --at 2026-03-01 --all"),
        ("report 2026-Q1", "evcli report --from 2026-Q1"),
        ("report 2 5 --json", "evcli report --from 2 --to 5 --json"),
        ("report 5 --from 2", "evcli report --to 5 --from 2"),
        ("user create Ada ada@example.com", "evcli user create Ada --email ada@example.com"),
        ("user create Ada King ada@example.com -q", "evcli user create 'Ada King' --email ada@example.com -q"),
        ("--json user create Ada a@example.com --id=x", "evcli user create Ada --email a@example.com --json --id=x"),
    ],
)
def test_wrong_line_names_what_it_may_mean(cli: Cli, words: str, meant: str) -> None:
    ran = cli(*words.replace("--json", "--format table").split())
    assert ran.code == 2
    meant = meant.replace("--json", "--format table")
    assert ran.err.splitlines()[1].replace(f" --log {cli.log}", "") == f"hint: did you mean {meant}"


@pytest.mark.parametrize("words", ["user xyzzy", "xyzzy"])
def test_unknown_command_that_is_near_to_nothing_names_none(cli: Cli, words: str) -> None:
    ran = cli(*words.split())
    assert ran.code == 2
    assert ran.err == f"error: no such command 'xyzzy'\nhint: evcli {words[:-5]}-h shows how it is used\n"


@pytest.mark.parametrize(
    "words",
    [
        "report a b c",
        "state 1 2",
        "user create Ada King",
        "user create",
        "user create Ada b@x c@example.com d@x.example",
    ],
)
def test_words_that_do_not_fit_the_missing_options_are_not_taken_for_them(cli: Cli, words: str) -> None:
    assert "did you mean" not in cli(*words.split()).err or "d@x.example" in words


@pytest.mark.parametrize("words", ["log", "user create", "user", ""])
def test_help_of_a_command_is_what_h_shows(cli: Cli, words: str) -> None:
    assert cli.ok("help", *words.split()).out.split() == cli.ok(*words.split(), "-h").out.split()


def test_no_command_shows_help(cli: Cli) -> None:
    assert cli.ok() == cli.ok("-h")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("user create -- -dash --email x@example.com", "options come before --: evcli user create --email … -- …"),
        ("user create -dash --email x@example.com", "a dash last, after --: evcli user create … -- -dash"),
        ("user create X --email <x@example.com>", "did you mean x@example.com"),
        ("user create X --email mailto:x@example.com", "did you mean x@example.com"),
        ("user create X --email x@example,com", "an e-mail looks like ada@example.com"),
        ("user create X --email x@example.com,y@example.com", "keep one: x@example.com or y@example.com"),
        ("user show ada", 'did you mean "Ada Lovelace"?'),
        ("user create X --email 'x@example.com';", "did you mean x@example.com"),
        ("user destroy GRAC", 'did you mean "Grace Hopper"?'),
        (
            "user list --as-of 3 March",
            'hint: write a day like 2026-03-01, and quote a time that contains spaces: --as-of "',
        ),
        ("list --as-of 3 March", "hint: did you mean evcli user list; write a day like 2026-03-01"),
        ("state --at=March 3 2026", 'write a day like 2026-03-01, and quote a time that contains spaces: --at "'),
        ("log --since 3 days ago -n 3", "hint: quote a time that contains spaces: --since '3 days ago'"),
        ("user list --as-of now 3", "did you mean evcli user list --at 3 --as-of now"),
        (
            "user rename 2 Grace H --occurred yesterday",
            'quote a name that contains spaces: evcli user rename … "Grace H"',
        ),
        ("show --nope", "hint: evcli show -h shows how it is used"),
        ("show --as-of now", "hint: evcli user show WHO and evcli log take --as-of; evcli show shows one event"),
        ("show 3 --at 5", "hint: evcli user show WHO and evcli log take --at; evcli show shows one event"),
        ("bisect jq -e .live", "hint: a command and its options come after --: evcli bisect -- jq …"),
        ("bisect --user 1 jq -e", "hint: a command and its options come after --: evcli bisect -- CMD …"),
    ],
)
def test_hint_names_the_way_out_of_a_likely_slip(story: Cli, words: str, hint: str) -> None:
    ran = story(*words.split())
    assert ran.code in (1, 2)
    assert hint in ran.err.replace(f" --log {story.log}", "")
