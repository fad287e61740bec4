"""GitHub Actions on this machine: `runner` runs a workflow as it is written, `wheel` makes the bot that it installs."""
