"""The only package that speaks SMTP."""
