"""Tests of jobs: workers, heartbeats, and what they survive."""
