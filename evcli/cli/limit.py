"""`--max-destroy`: how many records a command may end."""

import re

from evcli.errors import BadInput
from evcli.sync.limit import Limit

_LIMIT = re.compile(r"([0-9]{1,9})(%?)").fullmatch


def limit_of(typed: str) -> Limit:
    """The limit that was typed. Raises BadInput."""
    match = _LIMIT(typed.strip())
    if match is None:
        raise BadInput(f'--max-destroy "{typed}" is neither a number nor a percentage', "write 20, or 50%")
    return Limit(int(match[1]), is_percent=bool(match[2]))
