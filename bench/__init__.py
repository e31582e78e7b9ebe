"""Measured figures, as ratios to a bare application under the same server in the same run."""
