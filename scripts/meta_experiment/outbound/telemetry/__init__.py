"""Telemetry: events in the standard's names, sent over OTLP, or as lines of JSON."""
