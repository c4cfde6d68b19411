"""An honest few-shot benchmark on MedMNIST: one protocol, every method, the same episodes.

Read `protocol.py` first: what is asked, of which images, under which rules; the rules themselves
are the JSON files in `rules/`. `methods.py` lists who answers, `cells.py` lets one of them answer,
`runs.py` does so for all and keeps the records, and `statistics.py` says what they show.
"""
