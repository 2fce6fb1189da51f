"""How tests run the installed command: in a process of its own, or quicker, inside this one."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from exchange.cli import main

EXCHANGE = str(Path(sys.executable).with_name("exchange"))
SECONDS_MAX = 300
"""A command that takes longer hangs."""


def exchange(
    *arguments: object, code: int = 0, cwd: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """What the command said; it must end with ``code``, and never with a traceback."""
    done = subprocess.run(  # noqa: S603 - our own command
        [EXCHANGE, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert code == done.returncode, done.stdout + done.stderr
    return done


def answer(*arguments: object, code: int = 0, cwd: Path | None = None, **environment: str) -> Any:  # noqa: ANN401 - any JSON
    """The one JSON document that the command prints with ``--json``."""
    return json.loads(exchange(*arguments, "--json", code=code, cwd=cwd, **environment).stdout)


def inside(*arguments: object, code: int = 0) -> tuple[str, str]:
    """The same in this process: what the command said on stdout and stderr; it ends with ``code``.

    For the many variations of one thing that is shown once by a real process.
    """
    out, err = io.StringIO(), io.StringIO()
    ended: object = 0
    with (
        patch.object(sys, "argv", ["exchange", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            ended = end.code or 0
    assert code == ended, out.getvalue() + err.getvalue()
    return out.getvalue(), err.getvalue()


def start(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
    """The running command; Ctrl-C reaches it even where it would not reach this process."""
    unshielded = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from exchange.cli import main; main()"
    )
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", unshielded, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def url(path: Path) -> str:
    """The store at ``path``."""
    return f"sqlite:///{path}"
