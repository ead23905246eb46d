"""A repository: its vtspec.yaml, its specs by kind and name, and new files in it."""
