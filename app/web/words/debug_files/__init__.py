"""Words for debug files: what an event lacks, how to upload it, what is here."""
