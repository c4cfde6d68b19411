"""What comes out of a graded batch: grade files, statistics, similar answers, feedback pages."""
