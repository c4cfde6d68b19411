"""A pair of pipes with a deadline: frames go one way, frames come the other."""

import os
import select
import time

from medmeta_ref.grading.sandbox.wire import Frame, read_frame


class Late(Exception):
    """Nothing, or not all of it, came or went before the deadline."""


class Closed(Exception):
    """The other side is gone."""


class Pipe:
    """One end of a pair of pipes, read and written with a deadline.

    Args:
        incoming: the file descriptor to read from.
        outgoing: the file descriptor to write to.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        for descriptor in (incoming, outgoing):
            os.set_blocking(descriptor, False)

    def send(self, frame: bytes, deadline: float) -> None:
        """Write a frame.

        Raises:
            Late: if it could not be written before `deadline`, a time of `time.monotonic`.
            Closed: if nobody reads any more.
        """
        view = memoryview(frame)
        while view:
            self._wait(self.outgoing, select.POLLOUT, deadline)
            try:
                view = view[os.write(self.outgoing, view[: 1 << 20]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed(str(error)) from None

    def receive(self, deadline: float) -> Frame:
        """Read a frame.

        Raises:
            Late, Closed: as `send` does; however slowly the bytes drip, the deadline holds.
            BadFrame: if it is none.
        """
        return read_frame(lambda length: self._read(length, deadline))

    def anything_waits(self) -> bool:
        """Return whether there is something to read that nobody asked for."""
        poll = select.poll()
        poll.register(self.incoming, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def close(self) -> None:
        """Close both ends."""
        os.close(self.incoming)
        os.close(self.outgoing)

    def _read(self, length: int, deadline: float) -> bytes:
        got = bytearray()
        while len(got) < length:
            self._wait(self.incoming, select.POLLIN, deadline)
            try:
                chunk = os.read(self.incoming, min(length - len(got), 1 << 20))
            except BlockingIOError:
                continue
            if not chunk:
                raise Closed("the other side closed its end")
            got += chunk
        return bytes(got)

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        poll = select.poll()
        poll.register(descriptor, event)
        if left <= 0 or not poll.poll(min(left, 1e6) * 1000):
            raise Late("the time is up")
