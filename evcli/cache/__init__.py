"""The cache: what a fold of the log gives, kept in a file so that commands need not fold. It may always be deleted."""


class CacheFailed(Exception):
    """The cache cannot answer; whoever asked does without it. `is_faulty` when it must not be used again."""

    def __init__(self, why: str, *, is_faulty: bool) -> None:
        super().__init__(why)
        self.path = ""
        self.is_faulty = is_faulty
