"""Pull requests on GitHub. Only this folder speaks to its API; git itself goes through `bot/forge/remote.py`."""
