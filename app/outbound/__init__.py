"""The only package that sends HTTP requests to addresses that people have typed."""
