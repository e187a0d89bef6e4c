"""Clients of model providers: one file per protocol, one shape, one error type."""
