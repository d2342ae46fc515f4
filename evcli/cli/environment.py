"""What the environment says: where the default folders are, who acts, and which settings are on."""

import os
import sys

from evcli.errors import BadInput

_OFF = {"0", "no", "off", "false"}
_NAME_IT = "--log FILE or EVCLI_LOG names the log"


def setting(name: str) -> bool | None:
    """Whether an on/off variable is on: 0, no, off and false, in any case, are off; None if it is unset or empty."""
    value = os.environ.get(name, "").strip().lower()
    return value not in _OFF if value else None


def default_log() -> str:
    """events.jsonl in the user's data folder. Raises BadInput if there is no such folder.

    This is the folder that platformdirs names, and so is the cache's: loading that takes an eighth of a command's time.
    """
    if sys.platform == "darwin":
        return os.path.join(_home(), "Library/Application Support/evcli/events.jsonl")
    return os.path.join(_folder("XDG_DATA_HOME", ".local/share"), "evcli/events.jsonl")


def is_default_log(path: str) -> bool:
    """Whether the log is in its default place."""
    try:
        return path == default_log()
    except BadInput:
        return False


def cache_folder() -> str | None:
    """The user's folder for caches; None if there is none."""
    try:
        if sys.platform == "darwin":
            return os.path.join(_home(), "Library/Caches/evcli")
        return os.path.join(_folder("XDG_CACHE_HOME", ".cache"), "evcli")
    except BadInput:
        return None


def at_home(path: str) -> str:
    """`path`, where a leading `~/` means the home folder, and `~user/` that user's: no shell expands `--log=~/x`.

    Where there is no such user, it is a name like others. Raises BadInput if there is no home folder.
    """
    first, slash, _ = path.partition("/")
    if first == "~":
        return _home() + path[1:]
    return os.path.expanduser(path) if first[:1] == "~" and slash else path


def _folder(variable: str, usual: str) -> str:
    named = os.environ.get(variable, "").strip()
    if named and not os.path.isabs(named):
        raise BadInput(f'{variable} is "{named}", which is not an absolute path', _NAME_IT)
    return named or os.path.join(_home(), usual)


def _home() -> str:
    home = os.path.expanduser("~") if os.environ.get("HOME", "~") else ""
    if not os.path.isabs(home):
        raise BadInput("there is no home folder: HOME is not an absolute path", _NAME_IT)
    return home


def actor_name() -> str:
    """EVCLI_ACTOR, else the system's user; under sudo, that is who called it as root."""
    return os.environ.get("EVCLI_ACTOR") or (os.geteuid() == 0 and os.environ.get("SUDO_USER")) or _user_name()


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        return str(os.geteuid())
