"""What users wrote to the app's makers."""
