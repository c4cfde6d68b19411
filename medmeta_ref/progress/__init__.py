"""What a learner has done so far: the course's units, a log of every check, and how things stand.

Nothing here needs torch: the map of the course has to be on the screen at once.
"""
