"""A learner's own copies of the exercises: start them, check them, begin anew, bring up to date.

They lie in `submitted/me/`, where no update of the course touches them, and where nbgrader and
`medmeta grade` look for what was handed in.
"""
