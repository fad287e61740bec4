"""Speed and error rates, measured by command: `make bench` and `make study`. Bars stand here, not in timed tests."""
