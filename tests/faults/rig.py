"""The servers of the matrix, in a thread and on a loop of their own, which no client can block."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.certificates import self_signed
from tests.faults.proxy import Proxy
from tests.faults.service import Service, listen, url
from tests.guards.script import reply

if TYPE_CHECKING:
    from tests.faults.service import Hosted

START_SECONDS = 30.0
NOWHERE = "nowhere.invalid"


class Rig:
    """All servers; `addresses` has their URLs by name."""

    def __init__(self) -> None:
        self.service = Service()
        self.stranger = Service()
        self.proxy: Proxy | None = None
        self.addresses: dict[str, str] = {"nowhere": f"http://{NOWHERE}"}
        self._sockets: list[socket.socket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="rig", daemon=True)

    def __enter__(self) -> Self:
        self._no_name_service = _without_name_service()
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            msg = "the servers did not start"
            raise RuntimeError(msg)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop
        assert self._stop
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_SECONDS)
        socket.getaddrinfo = self._no_name_service
        for sock in self._sockets:
            sock.close()

    def release(self, cell: Hosted) -> None:
        """End what the cell's faults still hold up."""
        assert self._loop
        self._loop.call_soon_threadsafe(cell.released.set)

    def visits(self, bucket: str) -> int:
        """Return how many requests for the bucket a stranger has got."""
        return sum(bucket in request.target for request in self.stranger.requests)

    def mistakes(self) -> list[Exception]:
        """Return what has gone wrong in the servers themselves."""
        return self.service.mistakes + (self.proxy.mistakes if self.proxy else [])

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with tempfile.TemporaryDirectory() as directory:
            context = self_signed(Path(directory) / "server.pem")
        self.stranger.to_strangers = reply(200, b"the stranger's", ETag='"evil"', x_amz_request_id="evil")
        servers = {
            "service": await listen(self.service.connected),
            "stranger": await listen(self.stranger.connected),
            "tls": await listen(self.service.connected, context=context),
        }
        self.proxy = Proxy(self.service.cells, *servers["service"].sockets[0].getsockname()[:2])
        servers["proxy"] = await listen(self.proxy.connected)
        if socket.has_ipv6:
            servers["ipv6"] = await listen(self.service.connected, "::1")
        self.addresses |= {name: url(server, "https" if name == "tls" else "http") for name, server in servers.items()}
        self.addresses |= {"refused": self._refusing(), "full": self._full()}
        self._ready.set()
        await self._stop.wait()
        for server in servers.values():
            server.close()
        await asyncio.gather(self.service.stop(), self.stranger.stop(), self.proxy.stop())

    def _bound(self) -> socket.socket:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self._sockets.append(sock)
        return sock

    def _refusing(self) -> str:
        """Return the address of a port that is nobody else's, and where nobody listens."""
        return f"http://127.0.0.1:{self._bound().getsockname()[1]}"

    def _full(self) -> str:
        """Return the address of a server whose queue of connections is full: it doesn't answer to more."""
        sock = self._bound()
        sock.listen(0)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)  # noqa: FBT003  # the method has no keyword
            waiting.connect_ex(sock.getsockname())
            self._sockets.append(waiting)
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def _without_name_service() -> Any:
    """Have no host of the domain "invalid", without asking a name server; return what was there before."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **keywords: Any) -> Any:
        if str(host).endswith("invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **keywords)

    socket.getaddrinfo = getaddrinfo
    return real
