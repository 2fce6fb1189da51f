"""Which file the views are in: a pointer, what it names, and what is being built beside it.

``<store>.views`` is a symbolic link to ``<store>.views.<n>``. New views are built in
``<store>.views.building``; when they have caught up, one rename makes the pointer name them.
Readers that have the old file open keep its last moment; their next one is of the new file.
"""

from pathlib import Path

from exchange.projections.schema import APPLICATION_ID


class Builds:
    """The files of the views that ``pointer`` leads to."""

    def __init__(self, pointer: Path) -> None:
        self.pointer = pointer
        self.building = _beside(pointer, ".building")

    def current(self) -> Path | None:
        """The file that is read, if there is one."""
        return self.pointer.resolve() if self.pointer.is_file() else None

    def publish(self) -> None:
        """Let the pointer name what was built; nobody may have that open.

        Killed in between, it leaves the pointer where it was and a file that ``tidy`` removes.
        """
        built = _beside(self.pointer, f".{self._number() + 1}")
        self.building.rename(built)
        link = _beside(self.pointer, ".pointer")
        link.unlink(missing_ok=True)
        link.symlink_to(built.name)
        link.replace(self.pointer)
        self.tidy()

    def discard(self) -> None:
        """Forget what is being built."""
        _remove(self.building)

    def drop(self) -> None:
        """Forget what is read: it is of another log."""
        self.pointer.unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Remove the files that the pointer does not name."""
        current = self.current()
        for path in self.pointer.parent.glob(f"{_escaped(self.pointer.name)}.*"):
            if path.suffix[1:].isdigit() and path.resolve() != current:
                _remove(path)

    def _number(self) -> int:
        current = self.current()
        suffix = current.suffix[1:] if current else ""
        return int(suffix) if suffix.isdigit() else 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    """Remove a file of views; whatever else goes by that name is not ours to remove."""
    if path.is_file() and not _holds_views(path):
        return
    for suffix in ("", "-wal", "-shm"):
        _beside(path, suffix).unlink(missing_ok=True)


def _holds_views(path: Path) -> bool:
    """Whether the file says so in its header (SQLite's file format, offset 68), or is empty."""
    with path.open("rb") as file:
        header = file.read(72)
    return not header or header[68:] == APPLICATION_ID.to_bytes(4)


def _escaped(name: str) -> str:
    """``name`` as a pattern that stands for itself."""
    return "".join(f"[{it}]" if it in "*?[" else it for it in name)
