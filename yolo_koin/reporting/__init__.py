"""What is seen: captioned photos, charts and reports.

Values in, pictures and text out; nothing here runs a model.

Pictures of photos are drawn with Pillow, in one vocabulary: ``verdicts`` is what was said of a photo, ``marks`` are signs, numbers
and lines of text, ``frames`` the lines around faces, ``tags`` the places of names, ``captions`` what stands beneath a photo.
``annotate`` and ``boxed`` show one photo; ``grids`` sets many on a page, ``sheets`` for a screen and ``prints`` for a paper.

Charts are drawn with matplotlib: ``figures`` of models, with the ``panels`` of accuracy, and ``people`` of who is recognised.
``style`` holds their colours, sizes and the look of each split, ``fonts`` finds letters for both, ``saving`` writes PNG and PDF.
``document`` is a report in blocks, and how it is written.
"""
