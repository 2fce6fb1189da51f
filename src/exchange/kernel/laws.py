"""How a broken law is raised."""


class InvariantViolation(Exception):  # noqa: N818 - it is no error of a caller, but a law broken
    """The state contradicts itself; the venue must stop and keep the log.

    An exception rather than ``assert``, which ``python -O`` strips.
    """

    def __init__(self, law: str, detail: str) -> None:
        self.law, self.detail = law, detail
        super().__init__(f"{law}: {detail}")


def hold_law(law: str, fine: object, detail: str) -> None:
    """Nothing, when ``fine``; the hot path raises by itself, to spare the text.

    Raises:
        InvariantViolation: otherwise, naming the law (``docs/laws.md``) and what was seen.
    """
    if not fine:
        raise InvariantViolation(law, detail)
