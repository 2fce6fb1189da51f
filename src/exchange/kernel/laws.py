"""How a broken law is raised."""


class InvariantViolation(Exception):  # noqa: N818 - it is no error of a caller, but a law broken
    """The state contradicts itself; the venue must stop and keep the log.

    An exception rather than ``assert``, which ``python -O`` strips.
    """


def hold_law(law: str, fine: object, detail: str) -> None:
    """Nothing, when ``fine``.

    Raises:
        InvariantViolation: otherwise, naming the law (``docs/laws.md``) and what was seen.
    """
    if not fine:
        raise InvariantViolation(f"{law}: {detail}")
