"""Containers of Google Tag Manager, as a model is shown them and as it says what to change."""
