"""Decides which dataset, model and classes are meant by what was found."""
