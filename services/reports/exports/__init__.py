"""Handing figures and lists over as files: small ones at once, large ones made in the background."""
