"""The use cases: each is one function that the command line, bots and services call alike."""
