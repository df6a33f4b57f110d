"""The sections of the benchmark, one file each; hot_lane_connections is a part of hot_lane.

A section has two scales, FULL and QUICK (for `--quick`), and `measure(env, scale)`, which prints its tables and returns
its figures and targets. It may change the database of the environment, but has to keep the users.
"""
