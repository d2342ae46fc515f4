"""One run of evcli: the shared options, and the log, register and output that follow from them."""

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from evcli.cli.environment import actor_name, at_home, cache_folder, default_log, setting
from evcli.cli.show.output import FORMS, JSON_PATCH, Answer, Output
from evcli.cli.show.progress import Waiting
from evcli.cli.show.times import local
from evcli.errors import BadInput, Damaged, Interrupted
from evcli.register.actor import random_id, utc_now
from evcli.register.history import History
from evcli.register.past import log_file
from evcli.register.register import Register

if TYPE_CHECKING:
    from evcli.domain.state import State
    from evcli.register.refs import Moment

_WITHOUT_A_LOG = {"help", "completion"}
"""The commands that read no log."""


class Session:
    """What every command of one run shares. Options may precede or follow the command's name; the last one counts."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, new_id: Callable[[], str] = random_id) -> None:
        self.clock = clock
        self.new_id = new_id
        self.commands: Collection[str] = ()
        """The names of all commands, once they are known."""
        self.output = Output(clock())
        self.history = History(
            uses_cache=setting("EVCLI_CACHE") is not False,
            other_folder=cache_folder,
            progress=Waiting(self.output, "reading the log once", "events"),
            warn=self.output.warning,
        )
        self.held = ExitStack()
        """Signals that are held until the answer is shown."""
        self.form: str | None = None
        """The form that was asked for; the output's is json where that is the form of a document in JSON."""
        self._log_option: str | None = None
        self._told = set[str]()
        """What was said about moments."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.held.__exit__(*error)  # type: ignore[arg-type]  # as a with statement gives them
        if "register" in self.__dict__:
            self.register.log.close()

    def set(self, option: str, value: object) -> None:
        """Set one shared option, by its name without dashes. Raises BadInput."""
        if option == "log":
            self._log_option = os.fspath(str(value))
        elif option == "json":
            self._choose_form("json")
        elif option == "format":
            self._choose_form(str(value))
        elif option == "color":
            if value not in ("auto", "always", "never"):
                raise BadInput(f'--color "{value}" is not one of auto, always, never')
            self.output.color = str(value)
        elif option == "quiet":
            self.output.quiet = True
        elif option == "no_pager":
            self.output.paged = False

    def _choose_form(self, form: str) -> None:
        if form not in (*FORMS, JSON_PATCH):
            from evcli.cli.line.other_forms import way_to

            hint = way_to(form)
            raise BadInput(f'--format "{form}" is not one of {", ".join(FORMS)}', hint)
        if self.form not in (None, form):
            raise BadInput(f"--format is both {self.form} and {form}", "--json is short for --format json")
        self.form = form
        self.output.form = "json" if form == JSON_PATCH else form

    def check_form(self, forms: Collection[str]) -> None:
        """Check that a command with these forms of its own has the chosen one. Raises BadInput."""
        if self.form == JSON_PATCH and self.form not in forms:
            raise BadInput(f"--format {self.form} is only for evcli diff", "--format json is for every command")

    @property
    def path(self) -> str:
        """The log's path: --log, else EVCLI_LOG, else events.jsonl in the user's data folder."""
        path = self._named_log
        if path is None:
            return default_log()
        if not path or "\0" in path:
            raise BadInput("--log is not a valid file name", "give a path, or leave --log out")
        return at_home(path)

    @property
    def _named_log(self) -> str | None:
        return self._log_option if self._log_option is not None else os.environ.get("EVCLI_LOG") or None

    @cached_property
    def register(self) -> Register:
        """The register over the log (which may not exist yet), and who acts on it."""
        environ = os.environ
        return Register(
            log_file(self.path, makes_folders=self._named_log is None),
            actor=actor_name(),
            actor_type=environ.get("EVCLI_ACTOR_TYPE") or "user",
            source=environ.get("EVCLI_SOURCE") or "evcli",
            clock=self.clock,
            new_id=self.new_id,
            history=self.history,
        )

    def turn_to(self, register: Register) -> None:
        """Answer from another register from here on, whose log closes that of the one before."""
        self.register = register

    def opened(self, *, trusts_cache: bool = True) -> Register:
        """The register, its log opened for reading; prints warnings about the log.

        Raises:
            NoLog, CannotOpen, NotALog.
            LogCut: its cache knows more than it has; not raised without `trusts_cache`.
        """
        for warning in (*self.register.open(trusts_cache=trusts_cache), *self._clock_warnings()):
            self.output.warning(warning)
        return self.register

    def _clock_warnings(self) -> Iterator[str]:
        """What is wrong with this machine's time, as far as it shows."""
        if os.environ.get("TZ", "UTC") not in ("", "UTC"):
            from evcli.register.zone import unknown_zone

            if (zone := unknown_zone()) is not None:
                yield f'the zone "{zone}" (TZ) is not known here: times are shown in UTC'
        if warning := self.ahead():
            yield warning

    def ahead(self) -> str:
        """A warning if the last event of the opened log was recorded later than this clock says."""
        try:
            head = self.register.head()
        except Damaged:
            return ""
        ahead = datetime.fromisoformat(head.recorded) - self.clock() if head.number else timedelta()
        if ahead < timedelta(seconds=1):
            return ""
        seconds = ahead - timedelta(microseconds=ahead.microseconds)
        return (
            f"event {head.number} was recorded at {local(head.recorded)}, {seconds} ahead of this clock; "
            f'"now" means that event'
        )

    def give(self, answer: Answer) -> None:
        """Show a command's answer. Raises AnswerLost, BrokenPipeError, and the answer's own error."""
        if answer.live is not None:
            with endless():
                self._show(answer)
        elif answer.done is None:
            self._show(answer)
        else:
            from evcli.cli.done import answer_once_done

            answer_once_done(lambda: self._show(answer), *answer.done)
        for level, text in answer.remarks:
            {"warning": self.output.warning, "note": self.output.note}[level](self.with_log(text))
        if answer.error is not None:
            raise answer.error

    def _show(self, answer: Answer) -> None:
        if not (answer.is_optional and self.output.quiet and self.output.chosen_form in ("table", "plain")):
            self.output.show(answer)

    def moment(
        self, ref: str, *, beginning: bool = False, since: "Moment | None" = None, by_time: str = ""
    ) -> "Moment":
        """The moment that `ref` names in the opened log, printed on stderr unless a number. Raises BadRef, Damaged.

        With `by_time`, words that ask by when things happened, it is also told how many events happened by a time, or
        `since` another moment, but were recorded later.
        """
        moment = self.register.moment(ref, self.output.now, beginning=beginning)
        if not moment.is_plain:
            from evcli.cli.show.moment import in_words

            at = self.register.position(moment)
            moment = moment._replace(at=at)
            self.tell(*in_words(ref.strip(), moment, at, beginning=beginning))
            if by_time and not beginning and moment.span is not None and moment.number < self.register.head().number:
                from evcli.cli.said.passed_over import passed_over

                if told := passed_over(self.register, moment, since, by_time):
                    self.tell(self.with_log(told))
        return moment

    def number(self, ref: str | None, *, by_time: str = "") -> int | None:
        """The number of the event that `ref` names; None if `ref` is None. See `moment`."""
        return None if ref is None else self.moment(ref, by_time=by_time).number

    def asked(self, at: str | None, as_of: str | None) -> "tuple[State, str | None]":
        """The state at the moment `at`, or at the time `as_of` as known at that moment; and that time, as stored.

        Raises BadInput, BadRef, Damaged, LogCut.
        """
        number, until = self.view(at, as_of)
        return self.state(number, until), until

    def view(self, at: str | None, as_of: str | None, *, by_time: str = "--as-of") -> tuple[int | None, str | None]:
        """The number of the event that `at` names, and the time `as_of`, as stored; None where it was not typed."""
        number = self.number(at, by_time=by_time if as_of is None else "")
        if as_of is None:
            return number, None
        from evcli.cli.as_of import time_asked

        return number, time_asked(self, as_of, number)

    def state(self, number: int | None, until: str | None) -> "State":
        """The state after event `number` (None: the last one), or at a time as known then. Raises Damaged, LogCut."""
        if until is None:
            return self.register.at(number)
        return self.register.as_of(until, self.register.head().number if number is None else number)

    def in_words(self, state: "State", until: str | None) -> str:
        """What was `asked`: an event, or a time as known at one."""
        if until is None:
            return f"event {state.number}"
        from evcli.cli.as_of import in_words

        return in_words(until, state.number)

    @property
    def now(self) -> datetime:
        """The time at which everything is asked."""
        return self.output.now

    def recorded(self, number: int | None) -> str:
        """When event `number` of the opened log was recorded, or the last one. Raises Damaged."""
        at = self.register.head() if number is None else self.register.position(number)
        return at.recorded

    def tell(self, *texts: str) -> None:
        """Print notes on what the answer will be about, each once."""
        for text in texts:
            if text not in self._told:
                self.output.preface(text)
                self._told.add(text)

    @property
    def began(self) -> tuple[str, str]:
        """The remark that a log was begun, and where: it may be the wrong place, or the old log was moved away."""
        return "note", f"began a new log at {os.path.abspath(self.path)}"

    def note_rehearsal(self, first: int) -> None:
        """Say that what follows was not written; `first` is the number that its first event would have."""
        where = f"begin a new log at {os.path.abspath(self.path)}" if first == 1 else "be"
        self.output.note(f"dry run: nothing was written; this would {where}")

    @property
    def log_words(self) -> str:
        """What a printed command needs after `evcli` to use the same log: ` --log FILE`, or nothing."""
        if self._log_option is None:
            return ""
        import shlex

        return f" --log {shlex.quote(self._log_option)}"

    def with_log(self, text: str) -> str:
        """The text, in which each command that is about a log uses the same log, unless it says which."""
        if not self.log_words or "--log" in text:
            return text
        import re

        names = "|".join(name for name in self.commands if name not in _WITHOUT_A_LOG)
        return re.sub(rf"\bevcli (?=(?:{names})\b)", lambda _: f"evcli{self.log_words} ", text)


@contextmanager
def endless() -> Iterator[None]:
    """What only a signal or the reader ends. Raises BrokenPipeError for Ctrl-C, which is how one leaves it."""
    try:
        yield
    except Interrupted as interrupted:
        if interrupted.exit == 128 + signal.SIGINT:
            raise BrokenPipeError from None
        interrupted.message = "ended by a signal"  # not that nothing was written, which nobody expects of it
        raise
