"""For tests of services: time that stands still, waits that take none, dependencies that do as told, and faults.

Nothing here needs a test framework.
"""

from chassis.testing.backoff import instant_backoff
from chassis.testing.faults import Fault, inject
from chassis.testing.held_clock import HeldClock
from chassis.testing.script import HANG, Hang, ScriptedDependency, Slow

__all__ = ["HANG", "Fault", "Hang", "HeldClock", "ScriptedDependency", "Slow", "inject", "instant_backoff"]
