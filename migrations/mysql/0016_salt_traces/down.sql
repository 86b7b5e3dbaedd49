DROP TABLE IF EXISTS salt_traces;
