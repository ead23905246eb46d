"""The command `vtspec`: parse, call, print, exit."""
