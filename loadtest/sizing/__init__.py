"""How many hosts, nodes and bytes a number of users needs: `make sizing`; see docs/growing/sizing.md."""
