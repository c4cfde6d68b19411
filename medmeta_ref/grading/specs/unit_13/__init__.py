"""Checks of unit 13, medical cases: metrics, intervals by patient, episodes of a finding."""
