"""What each page shows: one frozen dataclass a page, and pure functions that put facts into words.

The route modules fill these values, `app/web/render.py` hands them to the templates. Templates
decide nothing but layout; a template reads `page.…` and `chrome.…`, nothing else.

Units: `*_ms` on a replay page counts from the replay's start; `*_at` is an aware UTC datetime.
"""
