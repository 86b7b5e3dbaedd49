DROP TABLE salt_traces;
