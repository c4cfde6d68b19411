"""Run a learner's answers where they can hurt nobody, and judge them by values alone."""
