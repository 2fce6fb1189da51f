"""How much the state machines do, and whether that was enough to mean something.

Where CI is set they do all of it, elsewhere a tenth. Each machine runs in one test that also
judges its effort, so it does not matter which worker of a parallel run gets it.
"""

import os
from dataclasses import dataclass

from hypothesis import HealthCheck, settings

FULL = bool(os.environ.get("CI"))


@dataclass
class Effort:
    """What the runs of one machine came to."""

    steps: int = 0
    changed: int = 0  # steps that were not refused
    trades: int = 0
    self_trades: int = 0  # orders that ended at one of their own account

    def assert_enough(self, *, steps: int, trades: int = 0, self_trades: int = 0) -> None:
        """These full numbers, or a twentieth of each; a third of the steps changed the state."""
        part = 1 if FULL else 20  # chance weighs more on few runs
        print(self)  # noqa: T201 - pytest shows it on demand
        assert self.steps >= steps // part, self
        assert self.changed >= self.steps // 3, self
        assert self.trades >= trades // part, self
        assert self.self_trades >= self_trades // part, self


def runs(examples: int, steps: int) -> settings:
    """``examples`` runs of up to ``steps`` steps; a tenth of the runs where CI is not set."""
    return settings(
        max_examples=examples if FULL else max(1, examples // 10),
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
