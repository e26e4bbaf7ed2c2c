"""Carries out erasures as durable jobs: the scope, the steps that remove it, and the receipt."""
