"""What becomes of each try of a call: the SDKs try again by themselves, and tell only of the last."""

from __future__ import annotations

from typing import Any

from reranking.models import tries


class NoMoreTriesError(BaseException):
    """A call must not be tried again. Any other exception is one that an SDK may answer with another try."""


def noting(client: Any) -> Any:
    """`client`, an HTTP client for an SDK, which from now on notes what becomes of its requests.

    It raises NoMoreTriesError instead of sending what must not be sent once more.
    """
    import httpx2

    # With these nothing has left: nobody can charge for it.
    never_left = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
    send = client.send

    async def noted(request: Any, **options: Any) -> Any:
        now = tries.get()
        if now is None:
            return await send(request, **options)
        if not now.begin():
            raise NoMoreTriesError
        try:
            return await send(request, **options)
        except never_left:
            now.meet("no connection")
            raise
        except BaseException as error:  # called off, too
            now.is_open = True
            if isinstance(error, Exception):
                now.meet("no reply" if isinstance(error, httpx2.TimeoutException) else "connection lost")
            raise

    client.send = noted
    return client
