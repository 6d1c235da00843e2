"""The steps of the database schema, forward only. Run by `safety.database.migrate`; the way back is a backup."""
