"""The words of the inspector as frozen data: claims, evidence, verdicts, targets. No I/O."""
