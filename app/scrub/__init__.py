"""Removal of secrets and personal data before anything is stored.

walk              scrubs a decoded JSON value; quick scrubs one that is cut into its members
json_walker       visits every text and number of a value
text_scrubber     scrubs one text: hints say which rules could fit, finders look for the secrets
places            what each place in the payloads of SDKs holds, and so which rules it gets
sensitive_names   judges whether the value of a name is a secret
finders/          one module for each kind of secret in a text
matching/         patterns, folding of look-alike characters, redactions
"""
