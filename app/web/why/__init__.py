"""Why a replay or an error is missing."""
