"""GitHub as the tests see it: a server that keeps state over real git, held against GitHub's description of its API."""
