"""How the auditor says that a command had to be refused."""

from exchange.kernel.rejects import RejectCode, Rejected


def demand(fine: bool, code: RejectCode) -> None:  # noqa: FBT001 - what is demanded
    """Nothing, when ``fine``.

    Raises:
        Rejected: otherwise, for that reason.
    """
    if not fine:
        raise Rejected(code)
