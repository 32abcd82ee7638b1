"""What lasts: the database, its models and migrations, the files, the audit log, the archive."""
