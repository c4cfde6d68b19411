"""Everything about notebooks and points: building, checking, grading."""
