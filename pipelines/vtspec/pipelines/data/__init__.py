"""Data as files: what lies in a folder, whether it is sound, and how it becomes a dataset."""
