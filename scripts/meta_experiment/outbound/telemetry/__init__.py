"""Telemetry: events in the standard's names (`attribute_names`), sent over OTLP, or as lines of JSON."""
