"""The things that can be searched for, for the help beside the search field."""

from typing import Final

HELP: Final = (
    ("user.id, user.email, user.name, user.username, user.ip", "user.email:*@example.com"),
    ("device.model, device.brand, device.name, device.family", 'device.model:"Pixel 9"'),
    ("os.name, os.version, platform", "os.name:[iOS, Android]"),
    ("release, dist, environment", "!environment:staging"),
    ("app.version, app.build, app.id, app.name", "app.version:4.2.*"),
    ("sdk.name, sdk.version", "sdk.name:sentry.cocoa"),
    ("mask.text, mask.images", "mask.text:off"),
    ("screen, count_screens", "screen:Checkout*"),
    ("count_errors, count_errors.app, count_errors.backend", "count_errors:>0"),
    ("end", "end:[crashed, not_responding]"),
    ("duration, started", "duration:>5m started:>-24h"),
    ("count_taps, count_rage, count_requests", "count_rage:>0"),
    ("count_failed_requests, count_failures", "count_failed_requests:>0"),
    ("count_segments, count_frames, size, activity", "activity:>=5"),
    ("replay_type, has", "replay_type:buffer has:video"),
    ("seen", "seen:no"),
    ("id, trace", "trace:0af76519b9174b2d8c6e4f1029384756"),
    ("any tag of the app", "plan:pro, tags[end]:x"),
)
"""Keys and an example of each."""
