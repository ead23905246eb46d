"""What words mean: tables of phrases in Korean and English, data only.

A table is text: a line holds a key, a colon, and phrases divided by commas. Spaces and hyphens in
a phrase may be left out or added where it is typed; case does not count.
"""
