-- Empty: only in PostgreSQL is the check of the link noticeably slow.
SELECT 1;
