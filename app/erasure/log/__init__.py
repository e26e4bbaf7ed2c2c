"""The log of erasures, which lies outside the database and is applied to a restored one."""
