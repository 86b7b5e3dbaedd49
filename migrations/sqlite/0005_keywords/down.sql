-- Keywords stay as links, whose targets then have a literal {slug}.
DROP TABLE keywords;
