"""The layouts of datasets, one module a format, and which of them a folder has."""
