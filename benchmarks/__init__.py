"""How fast and how good, against limits and peers: `python -m benchmarks [--only NAME]`."""
