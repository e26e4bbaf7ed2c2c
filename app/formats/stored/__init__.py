"""The encodings in which rows keep recordings, spans and video layouts."""
