"""The book: the course as a static site, made from the sources that the course itself uses.

    lessons/NN_x.ipynb      ->  lessons/NN_x        with outputs, if they were run
    exercises/NN_x/...      ->  exercises/NN_x      as released: without answers
    medmeta_ref/questions/  ->  questions/NN, questions/NN_zh
    docstrings              ->  reference/...
    lessons/*.md, README    ->  instructors/..., about/...

1. `notebook_pages`, `question_pages`, `reference_pages` and `text_pages` write pages into a
   temporary folder. Nothing in the course folder changes.
2. `settings` tells Sphinx how to print them; `mathml` sets the formulas.
3. `site` puts the two together. A warning of Sphinx is an error.

The pages ask no other host for anything: formulas are MathML, scripts and fonts are files of the
site, sliders are left out (the figure at their first choice stands there).
"""
