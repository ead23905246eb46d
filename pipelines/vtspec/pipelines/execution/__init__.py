"""A plan carried out: the framework's environment, each step's process, runs on this machine."""
