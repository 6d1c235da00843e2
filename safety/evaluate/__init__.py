"""Figures about the prompt gate, from rows that somebody labelled. Writes nothing to the ledger.

rows (read and check the data) → judging (the gate's own measuring and judging, in parallel) → tally (counts and
rankings of a group of rows) → report (one JSON object) → pages (Markdown and charts). The words of the data are
translated in `labels` alone.
"""
