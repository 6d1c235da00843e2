"""What leaves the record for people outside: decisions as files, statements of reasons, the yearly report.

    decision_files   decisions as JSON lines, CSV or Parquet, without a cap, resumable
    decision_rows    one decision as a row of a table
    statements       why something was restricted, for the person and for the DSA Transparency Database
    transparency     what a period's report counts; `transparency_page` writes it
    statement_batches   a period of them, in batches without personal data

Everything here reads the ledger in pages, so memory does not grow with it, and writes nothing into it. The export that
an auditor verifies is `safety.ledger_export`.
"""
