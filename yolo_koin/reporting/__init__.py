"""What is seen: captioned photos, charts and tables.

Values in, pictures and text out; nothing here runs a model.

Of one photo: ``annotate`` captions it, ``boxed`` boxes and names its faces, with the lines of ``frames`` and the places of ``tags``.
Of many: ``sheets`` sets them in a grid, as a picture or, with ``page``, ``captions`` and ``results``, as a figure for print.
``figures`` draws the charts, those of accuracy from ``panels``; ``report`` writes tables as text. ``fonts`` finds a font that has
Hangul, ``style`` holds what all figures share.
"""
