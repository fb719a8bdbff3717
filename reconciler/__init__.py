"""Declarative config-as-code reconciler for data collections."""

__version__ = "0.1.0"
