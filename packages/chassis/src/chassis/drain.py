"""Time between "not ready" and the server's own stop.

Every server closes its port as soon as it gets SIGTERM, and tells the application last. A load balancer would send
requests to a port that is gone. So the signal is taken over: readiness turns false at once, while the port stays open;
some time later the signal is handed on to the server, which then stops in its own graceful way.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType

from chassis.state import Phase, ServiceState

logger = logging.getLogger("chassis.lifecycle")


class PreDrain:
    """Takes SIGTERM over from the server of this process.

    Args:
        state: its phase becomes ``draining`` with the signal.
        seconds: time until the signal is handed on. A service that has not started yet hands it on at once.
        begun: called in a thread of its own when the signal has come.
    """

    def __init__(self, state: ServiceState, seconds: float, begun: Callable[[], None]) -> None:
        """Prepare; nothing is taken over yet."""
        self._state = state
        self._seconds = seconds
        self._begun = begun
        self._previous: Callable[[int, FrameType | None], object] | None = None
        self._signals: SimpleQueue[float | None] = SimpleQueue()  # its put is safe inside a signal handler
        self._handing_on = False

    def take_over(self) -> bool:
        """Put ours in front of the server's handler; tell whether there was one, and this is the main thread."""
        previous = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(previous):
            logger.debug("SIGTERM is left to the server: it has no handler here, or this is not the main thread")
            return False
        self._previous = previous
        threading.Thread(target=self._wait, name="drain", daemon=True).start()
        signal.signal(signal.SIGTERM, self._on_signal)
        return True

    def give_back(self) -> None:
        """Put the server's handler back, if ours is still there."""
        if self._previous is None:
            return
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) == self._on_signal
        ):
            signal.signal(signal.SIGTERM, self._previous)
        self._signals.put(None)
        self._previous = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Note the signal. Nothing here may lock or log: it may have interrupted whoever holds that lock.

        A second signal before the first is handed on changes nothing: systemd sends one to each process of a service,
        and gunicorn's parent sends its workers another.
        """
        if self._handing_on and self._previous is not None:
            self._previous(number, frame)
        elif not self._state.draining:
            starting = self._state.phase is Phase.STARTING
            self._state.phase = Phase.DRAINING
            self._signals.put(0.0 if starting else self._seconds)

    def _wait(self) -> None:
        seconds = self._signals.get()
        if seconds is None:
            return
        in_flight = self._state.in_flight
        logger.info("draining", extra={"context": {"port_stays_open_s": seconds, "in_flight": in_flight}})
        self._begun()
        time.sleep(seconds)
        self._handing_on = True
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGTERM)  # so that it interrupts the main thread's wait as the first did
