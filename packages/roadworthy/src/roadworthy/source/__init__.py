"""Static readers of a target's folder. They read files and change nothing; the target's code is never imported."""
