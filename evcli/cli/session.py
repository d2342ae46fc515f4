"""One run of evcli: what the shared options say, and the log, register and output that follow from them."""

import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from evcli.cli.show.output import FORMS, Output
from evcli.cli.show.progress import Waiting
from evcli.errors import BadInput, LogCut
from evcli.log.file.engine import FileLog
from evcli.log.file.open import warnings_about
from evcli.log.reader import LogReader
from evcli.register.history import History
from evcli.register.register import Register, random_id, utc_now

if TYPE_CHECKING:
    from evcli.register.refs import Moment


AnyRegister = TypeVar("AnyRegister", bound=Register)


class Session:
    """What every command of one run shares. Options stand before or after the command's name; the last one counts."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, new_id: Callable[[], str] = random_id) -> None:
        self.clock = clock
        self.new_id = new_id
        self.output = Output(clock())
        self.history = History(
            uses_cache=os.environ.get("EVCLI_CACHE") != "off",
            other_folder=_cache_folder,
            progress=Waiting(self.output, "reading the log once", "events"),
            warn=self.output.warning,
        )
        self.waiting: Waiting | None = None
        self._log_option: str | None = None
        self.about: tuple[str, str] | None = None
        """Whose events are asked for: a kind, and a WHO."""

    def set(self, option: str, value: object) -> None:
        """Take one shared option, by its name without dashes. Raises BadInput."""
        if option == "log":
            self._log_option = os.fspath(str(value))
        elif option == "json":
            self._choose_form("json")
        elif option == "format":
            self._choose_form(str(value))
        elif option == "color":
            if value not in ("auto", "always", "never"):
                raise BadInput(f'--color "{value}" is none of auto, always, never')
            self.output.color = str(value)
        elif option == "quiet":
            self.output.quiet = True
        elif option == "no_pager":
            self.output.paged = False

    def _choose_form(self, form: str) -> None:
        if form not in FORMS:
            raise BadInput(f'--format "{form}" is none of {", ".join(FORMS)}')
        if self.output.form not in (None, form):
            raise BadInput(f"--format is both {self.output.form} and {form}", "--json is short for --format json")
        self.output.form = form

    @property
    def path(self) -> str:
        """The log's path: --log, else EVCLI_LOG, else events.jsonl in the user's data folder."""
        path = self._log_option if self._log_option is not None else os.environ.get("EVCLI_LOG") or _default_path()
        if not path or "\0" in path:
            raise BadInput("--log names no file", "give a path, or leave --log out")
        return path

    @property
    def log(self) -> FileLog:
        """The log, which need not exist."""
        return FileLog(self.path)

    def register(self) -> Register:
        """The register over the log, acting for EVCLI_ACTOR or the operating system's user."""
        return self.register_of(Register)

    def register_of(self, kind: type[AnyRegister]) -> AnyRegister:
        """The same, as that kind of register."""
        environ = os.environ
        actor = environ.get("EVCLI_ACTOR") or _user_name()
        actor_type, source = environ.get("EVCLI_ACTOR_TYPE") or "user", environ.get("EVCLI_SOURCE") or "evcli"
        who = {"actor": actor, "actor_type": actor_type, "source": source}
        return kind(self.log, **who, clock=self.clock, new_id=self.new_id, history=self.history)

    def reader(self, *, trusts_cache: bool = True) -> LogReader:
        """Open the log for reading, and say what is odd about it.

        Raises:
            NoLog, CannotOpen, NotALog.
            LogCut: its cache knows more than it has; not told to whoever does not trust caches.
        """
        reader = self.log.reader()
        try:
            if trusts_cache:
                self.history.check(reader)
        except LogCut:
            reader.close()
            raise
        for warning in warnings_about(reader.path, reader.descriptor):
            self.output.warning(warning)
        if reader.end.torn:
            self.output.warning(f"{reader.path} {unfinished(reader)}")
        return reader

    def moment(self, ref: str, reader: LogReader, *, beginning: bool = False) -> int:
        """The event number that `ref` means, told on stderr when it was not a number. Raises BadRef, Damaged."""
        from evcli.register.refs import resolve

        find_ids = partial(self.history.find_ids, reader)
        moment = resolve(ref, reader, self.output.now, beginning=beginning, find_ids=find_ids)
        if moment.is_future:
            self.output.note(f'"{ref}" is in the future; the answer is what is known now')
        if not moment.is_plain:
            self.output.note(self._told(moment, reader, "since" if beginning else "as of"))
        return moment.number

    def _told(self, moment: "Moment", reader: LogReader, words: str) -> str:
        from evcli.cli.show.times import local

        recorded = reader.position_of(moment.number).recorded
        return f"{words} event {moment.number} ({local(recorded) if recorded else 'the empty register'})"

    @property
    def log_words(self) -> str:
        """What a command that is printed must have after `evcli` to reach the same log: ` --log FILE`, or nothing."""
        if self._log_option is None:
            return ""
        import shlex

        return f" --log {shlex.quote(self._log_option)}"


def unfinished(reader: LogReader) -> str:
    """What is known of the bytes after the last event: where they are, and what becomes of them."""
    end = reader.end
    return (
        f"byte {end.size}: {end.torn} bytes of an unfinished append follow the last event; the next write moves them "
        "to a file of their own; if events are missed now, the file was cut since"
    )


def _default_path() -> str:
    import platformdirs

    return os.path.join(platformdirs.user_data_dir("evcli", appauthor=False), "events.jsonl")


def _cache_folder() -> str:
    """The folder that platformdirs names too; importing that takes longer than all else that a command does here."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/evcli")
    return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "evcli")


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        return str(os.geteuid())
