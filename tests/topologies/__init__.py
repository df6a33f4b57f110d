"""What needs several servers or hosts; each test starts its own. `make test-topologies` is the long form, CI has a short one."""
