"""The checks: one folder per unit, one pytest file per exercise."""
