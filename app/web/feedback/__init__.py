"""The page of feedback that users wrote to the app's makers."""
