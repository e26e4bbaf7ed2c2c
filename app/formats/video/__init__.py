"""H.264 videos in MP4 files: boxes, samples, parameter sets."""
