"""Commands in any order, with crashes in between, against a register of a few lines that forgets nothing."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from conftest import Cli, Clock, Ran
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from faults import fuzzing
from faults.casebook import no_traceback

NAMES = st.sampled_from(["Ada", "Bob", "ada", "Cyd D", "[/]", "李"])
EMAILS = st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "c@example.com"])
IDS = st.integers(1, 6)


class Commands(RuleBasedStateMachine):
    """Each rule does a thing with evcli and with the model, and holds the two against each other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.cli = Cli(self.folder / "events.jsonl", Clock())
        self.users: dict[int, list[Any]] = {}  # id: name, e-mail, whether it is live
        self.states: list[str] = ["{}"]
        self.acknowledged = b""

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # --- what the model says ------------------------------------------------------------------------------------------

    def is_free(self, email: str, id: int = 0) -> bool:
        return not any(
            live and mail.casefold() == email.casefold() and each != id for each, (_, mail, live) in self.users.items()
        )

    def is_live(self, id: int) -> bool:
        return id in self.users and bool(self.users[id][2])

    def run(self, *words: str) -> Ran:
        self.cli.clock.advance(minutes=1)
        ran = self.cli(*words, "--log", str(self.cli.log))
        no_traceback(ran)
        return ran

    def stored(self, ran: Ran, is_accepted: bool, events: int = 1) -> bool:
        """Hold the command's end against what the model expects; afterwards, what is acknowledged is in the log."""
        fuzzing.count()
        if not is_accepted:
            assert ran.code in (1, 10), ran.err
            return False
        assert ran.code == 0, ran.err
        now = self.cli.log.read_bytes()
        assert now.startswith(self.acknowledged)
        assert now.count(b"\n") == len(self.states) - 1 + events
        self.acknowledged = now
        return True

    def remember(self) -> None:
        self.states.append(json.dumps(self.users))

    # --- what can be done ---------------------------------------------------------------------------------------------

    @rule(name=NAMES, email=EMAILS)
    def create(self, name: str, email: str) -> None:
        if self.stored(self.run("user", "create", name, "--email", email), self.is_free(email)):
            self.users[len(self.users) + 1] = [name, email, True]
            self.remember()

    @rule(id=IDS, name=NAMES)
    def rename(self, id: int, name: str) -> None:
        accepted = self.is_live(id) and self.users[id][0] != name
        if self.stored(self.run("user", "rename", str(id), name), accepted):
            self.users[id][0] = name
            self.remember()

    @rule(id=IDS, email=EMAILS)
    def change_email(self, id: int, email: str) -> None:
        accepted = self.is_live(id) and self.users[id][1] != email and self.is_free(email, id)
        if self.stored(self.run("user", "change-email", str(id), email), accepted):
            self.users[id][1] = email
            self.remember()

    @rule(ids=st.lists(IDS, min_size=1, max_size=3))
    def destroy(self, ids: list[int]) -> None:
        accepted = all(map(self.is_live, ids)) and len(set(ids)) == len(ids)
        if self.stored(self.run("user", "destroy", *map(str, ids)), accepted, len(ids)):
            for id in ids:
                self.users[id][2] = False
                self.remember()

    @rule(id=IDS)
    def restore(self, id: int) -> None:
        accepted = id in self.users and not self.is_live(id) and self.is_free(self.users[id][1])
        if self.stored(self.run("user", "restore", str(id)), accepted):
            self.users[id][2] = True
            self.remember()

    # --- what can happen to it ----------------------------------------------------------------------------------------

    def unfinished(self, ids: list[int]) -> bytes:
        """The lines that a command would have written, had it not been killed."""
        copy = self.folder / "copy" / "events.jsonl"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(self.acknowledged)
        copy.chmod(0o600)
        before = self.cli.ids
        ran = self.cli("user", "destroy", *map(str, ids), "--log", str(copy))
        self.cli.ids = before
        assert ran.code == 0, ran.err
        lines = copy.read_bytes()[len(self.acknowledged) :]
        shutil.rmtree(copy.parent)
        return lines

    @precondition(lambda self: any(user[2] for user in self.users.values()))
    @rule(share=st.floats(0, 0.999), zeros=st.booleans())
    def be_killed_in_an_append(self, share: float, zeros: bool) -> None:
        fuzzing.count()
        line = self.unfinished([next(id for id, user in self.users.items() if user[2])])
        piece = line[: int(len(line) * share)]
        self.cli.log.write_bytes(self.acknowledged + (bytes(len(piece)) if zeros else piece))

    @precondition(lambda self: sum(user[2] for user in self.users.values()) > 1)
    @rule(share=st.floats(0, 0.999))
    def be_killed_in_a_batch(self, share: float) -> None:
        fuzzing.count()
        lines = self.unfinished([id for id, user in self.users.items() if user[2]][:3])
        self.cli.log.write_bytes(self.acknowledged + lines[: int((len(lines) - 1) * share)])

    # --- what must always hold ----------------------------------------------------------------------------------------

    def seen(self, *words: str) -> str:
        users = json.loads(self.run("user", "list", "--all", "--json", *words).out)
        return json.dumps({user["id"]: [user["name"], user["email"], user["destroyed"] is None] for user in users})

    @invariant()
    def the_register_is_the_models_now_and_at_a_moment_before(self) -> None:
        if not self.cli.log.exists():
            assert len(self.states) == 1
            return
        assert self.cli.log.read_bytes().startswith(self.acknowledged)
        assert self.seen() == self.states[-1]
        moment = len(self.states) // 2
        assert self.seen("--at", str(moment)) == self.states[moment]
        found = json.loads(self.run("verify", "--json").out)
        assert found["status"] in ("good", "torn")
        assert found["events"] == len(self.states) - 1


TestCommands = Commands.TestCase
TestCommands.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
