"""Catalogs of models, made from the frameworks themselves and never by hand.

`python -m vtspec.adapters.catalogs timm --into images/timm/catalog.json` writes one, inside the
framework's environment. There is a module for each framework (`form.Source` says what is in
it), `measure` for what torch can tell of any network, and `form` for the file, which
`vtspec.pipelines.catalog` describes and reads.
"""
