"""Traces as OpenTelemetry exports them, in protobuf and JSON."""
