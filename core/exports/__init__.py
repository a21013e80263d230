"""Exports: rows in, bytes out."""
