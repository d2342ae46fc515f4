"""The ids of rows: the same whether their cells are written one by one or all at once."""

from hashlib import sha256
from uuid import UUID

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from evcli.transfer.identity import RowIds, uuids

CELLS = st.text(st.sampled_from('ab"\\\n\0\x7f\x85\u2028é李,[] '), max_size=4)
TABLES = st.integers(2, 5).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=5))


@given(TABLES, st.integers(0, 5))
@example([("a", '"'), ("b", "")], 0)
@example([("\n", "a")], 0)
def test_id_is_a_hash_of_all_rows_so_far_as_json(rows: list[tuple[str, ...]], cut: int) -> None:
    digest, digests = b"", []
    for row in rows:
        digest = sha256(digest + orjson.dumps(row)).digest()
        digests.append(digest)
    of = RowIds().of
    parts = [of(part) for part in (rows[:cut], rows[cut:]) if part]
    assert [id for ids, _ in parts for id in ids] == uuids(digests)
    assert [size for _, sizes in parts for size in sizes] == [len(orjson.dumps(row)) for row in rows]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4))
def test_uuid_is_of_version_8_and_keeps_the_other_bits_of_the_hash(digests: list[bytes]) -> None:
    for text, digest in zip(uuids(digests), digests, strict=True):
        id, bits = UUID(text), int.from_bytes(digest[:16])
        assert (str(id), id.version, id.variant) == (text, 8, "specified in RFC 4122")
        assert (id.int ^ bits) & ~(0xF << 76 | 0xF << 60) == 0
        assert text[19] == "89ab"[digest[8] & 3]
