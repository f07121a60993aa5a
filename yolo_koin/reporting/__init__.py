"""What is seen: captioned photos, charts and tables.

Values in, pictures and text out; nothing here runs a model.

``fonts`` finds a font that has Hangul, ``style`` holds what all figures share, ``annotate`` captions one photo, ``sheets``
sets many photos in a grid, ``figures`` draws the charts, and ``report`` writes tables as text.
"""
