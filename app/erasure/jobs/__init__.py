"""Erasures as durable jobs: what is to go, the steps that remove it, and the receipt."""
