"""HTTP/1 connections: limits, deadlines and the hot lane, in front of uvicorn's protocol."""
