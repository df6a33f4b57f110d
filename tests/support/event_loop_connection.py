"""The end of an event loop's connection to Redis, which the application keeps until its process ends."""

import asyncio

from caching.redis.event_loop import EventLoopClient


async def close_connection(client: EventLoopClient) -> None:
    """Close the connection, if there is one, before a test ends the loop."""
    if client._protocol:
        await client._protocol._connection.disconnect(nowait=True)
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn
