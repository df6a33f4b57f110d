"""What Prometheus is told at /metrics: the numbers of all processes of a host, and of what they share."""
