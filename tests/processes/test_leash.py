"""How does a process behave that must not be in the way of the writer?"""

import os
import subprocess
import sys

import pytest

GIVES_WAY = """
import os
from exchange.processes.leash import give_way
give_way()
print(os.sched_getscheduler(0))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system has no idle scheduling")
def test_who_gives_way_works_in_idle_time_only() -> None:
    done = subprocess.run(  # noqa: S603 - our own code in this very interpreter
        [sys.executable, "-c", GIVES_WAY], capture_output=True, text=True, check=True
    )
    assert os.SCHED_IDLE == int(done.stdout)
