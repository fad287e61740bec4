"""GitHub Actions on this machine: `runner.Actions` runs a workflow file as written, `wheel` makes the bot it installs."""
