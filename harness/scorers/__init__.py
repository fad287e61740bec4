"""Measurement libraries, one package per domain."""
