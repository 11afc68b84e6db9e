"""Telemetry: what is on record, told onwards from where the last export ended."""
