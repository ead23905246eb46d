"""Sample data of every task but classification, made of real pixels that packages ship.

`python -m vtspec.pipelines.data.samples coins data/coins` writes one. All arithmetic on pixels is
in whole numbers, sources are PNG, and PNGs are stored rather than compressed, so the bytes, and
with them DVC's hash, are the same on every machine.
"""
