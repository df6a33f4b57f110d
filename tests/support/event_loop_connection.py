"""The end of an event loop's connection to Redis, where a test ends the loop otherwise than by asyncio.run()."""

import asyncio

from caching.redis.event_loop import EventLoopClient


async def close_connection(client: EventLoopClient) -> None:
    """Close the connection, if there is one, before a test ends the loop."""
    client.close()
    await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn
