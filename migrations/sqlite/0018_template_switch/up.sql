-- Whether each $name in the destination of a link is a placeholder. NULL: the link was written by a release
-- without this column, for which every $name was one. It is read like that until the link is changed, so that
-- links keep working, also those that such a release writes while it still runs beside this one.
ALTER TABLE links ADD COLUMN template BOOLEAN;
