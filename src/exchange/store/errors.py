"""What can go wrong with a store; each message is meant for the operator."""


class StoreError(Exception):
    """The store can't be used as asked; nothing was lost by asking."""


class StoreLocked(StoreError):  # noqa: N818 - the condition is the message
    """Another writer holds the store."""


class StoreFormat(StoreError):  # noqa: N818
    """This is no store of ours, or one of a newer version."""


class StoreDamaged(StoreError):  # noqa: N818
    """The log contradicts itself or its heads file."""


class UnreadableEvent(StoreDamaged):
    """A row's topic is unknown, or its bytes are no such event."""


class CommitFailed(StoreError):  # noqa: N818
    """A batch may or may not be stored: the process must end and open the store anew."""
