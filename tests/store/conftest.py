"""Disks that are small or can't be written, where the machine lets us have them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

NOT_PERMITTED = ("permission denied", "operation not permitted", "must be superuser")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a disk of so many KiB."""
    with ExitStack() as mounts:

        def make(kib: int) -> Path:
            disk = tmp_path / f"disk-{kib}"
            disk.mkdir()
            mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(disk))
            mounts.callback(unmount, disk)
            return disk

        yield make


@pytest.fixture
def forbid_writing(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder, with what is in it, read-only; root is stopped by a mount only."""
    with ExitStack() as undo:

        def forbid(folder: Path) -> None:
            assert folder.is_relative_to(tmp_path)
            if os.geteuid():
                folder.chmod(0o555)
                undo.callback(folder.chmod, 0o755)
                return
            mount("--bind", str(folder), str(folder))
            undo.callback(unmount, folder)
            mount("-o", "remount,bind,ro", str(folder))

        yield forbid


def mount(*arguments: str) -> None:
    """Mount, or end the test: skipped where it is not ours to mount, failed where CI is set."""
    command = shutil.which("mount")
    said = "there is no mount command"
    if command is not None:
        done = subprocess.run(  # noqa: S603 - the system's own command
            [command, *arguments], capture_output=True, text=True, check=False
        )
        if not done.returncode:
            return
        said = (done.stderr.strip() or "it failed").splitlines()[0]
    permitted = os.geteuid() == 0 and not any(words in said.lower() for words in NOT_PERMITTED)
    if permitted and os.environ.get("CI"):
        pytest.fail(f"no disk to fill: {said}")
    pytest.skip(f"no disk to fill: {said}")


def unmount(folder: Path) -> None:
    command = shutil.which("umount")
    assert command is not None
    subprocess.run([command, "-l", str(folder)], check=True)  # noqa: S603 - as above
