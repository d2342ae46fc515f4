"""Kinds beside users, for a while: the program has not one line about them."""

from collections.abc import Iterator, Mapping

import pytest

from evcli import kinds


def beside_users(patch: pytest.MonkeyPatch, pages: Mapping[str, str]) -> Iterator[None]:
    """Let a log hold these kinds, too, each with the module that declares it, until this goes on."""
    for name, module in pages.items():
        patch.setitem(kinds.MODULES, name, module)
    yield
    for name in pages:
        kinds.KINDS.pop(name, None)
    for name in [name for name in kinds.TYPES if name.partition(".")[0] in pages]:
        del kinds.TYPES[name]
