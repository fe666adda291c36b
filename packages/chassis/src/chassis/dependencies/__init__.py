"""Dependencies: declared once, guarded, watched, measured, and told about in the degrade table and the alert rules."""
