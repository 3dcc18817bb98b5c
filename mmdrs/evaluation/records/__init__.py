"""The record of an evaluation: scores, protocol, provenance."""
