"""A file's bytes into plain data under the YAML rules, with a position for every value."""
