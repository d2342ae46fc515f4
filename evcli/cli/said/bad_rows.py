"""How the error of a row of a list says which row it is."""

from evcli.errors import EvcliError


def name_row(error: EvcliError, source: str, place: str, field: str, numbers: dict[str, int]) -> None:
    """Let the error of a row say which it is: of which input, where, and which field; programs are told `numbers`."""
    where = f"{source} {place}" if place else source
    error.message = f"{where}{f', {field}' if field else ''}: {error.message}"
    error.more = {**numbers, **({"field": field} if field else {})}
