"""Scores as plain functions of arrays."""
