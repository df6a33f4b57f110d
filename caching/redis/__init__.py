"""Access to Redis: client, scripts, cluster, circuit breaker, event loop."""
