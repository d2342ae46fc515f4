"""The cache: the result of folding the log, stored in a file so that commands need not fold. Always safe to delete."""


class CacheFailed(Exception):
    """The cache cannot answer; the caller does without it. `is_faulty` if it must not be used again."""

    def __init__(self, why: str, *, is_faulty: bool) -> None:
        super().__init__(why)
        self.path = ""
        self.is_faulty = is_faulty
