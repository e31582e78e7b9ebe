"""Reports that make themselves: frozen with the figures as they stood, sent to who subscribed, corrected in sight."""
