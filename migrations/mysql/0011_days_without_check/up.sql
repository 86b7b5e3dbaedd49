-- Nothing: only in PostgreSQL does the check of the link take long enough to be noticed.
DO 0;
