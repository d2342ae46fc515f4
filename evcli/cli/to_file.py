"""Files that people asked for by name: whole or not there; a pipe or a device is written into."""

from collections.abc import Callable, Iterable

from evcli.cli.environment import at_home
from evcli.cli.session import Session
from evcli.disk import held_signals

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")

Write = Callable[[Iterable[bytes]], None]


def to_file(session: Session, file: str, may_replace: bool, export: Callable[..., str]) -> None:
    """Write a new file whole, or leave nothing; say so once it is durable. A pipe or a device is written into."""
    from evcli.cli.done import answer_once_done
    from evcli.transfer.new_file import Stream, new_file, stream_at

    file = at_home(file)
    stream = stream_at(file, session.path)
    if stream is not None:
        session.output.note(export(Stream(file, stream).write, file, is_stream=True))
        return
    with new_file(file, session.path, may_replace=may_replace) as new:
        told = export(new.write, file, is_stream=False)
        new.sync()
        with held_signals():  # from here on it is too late to leave nothing
            new.keep()
            answer_once_done(lambda: session.output.note(told), f"{file} is written", "")
