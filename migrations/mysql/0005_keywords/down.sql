-- Keywords stay as links whose destinations contain a literal {slug}.
DROP TABLE IF EXISTS keywords;
