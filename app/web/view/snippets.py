"""How to point each SDK at a project: short, complete texts to copy.

Source: the SDKs' own documentation of Session Replay.
"""

from app.web.view.project import Snippet

_ANDROID = """\
<application>
  <meta-data android:name="io.sentry.dsn"
             android:value="{dsn}" />
  <meta-data android:name="io.sentry.session-replay.session-sample-rate"
             android:value="1.0" />
  <meta-data android:name="io.sentry.session-replay.on-error-sample-rate"
             android:value="1.0" />
  <meta-data android:name="io.sentry.traces.sample-rate"
             android:value="1.0" />
</application>"""

_KOTLIN = """\
SentryAndroid.init(this) {{ options ->
    options.dsn = "{dsn}"
    options.tracesSampleRate = 1.0
    options.sessionReplay.sessionSampleRate = 1.0
    options.sessionReplay.onErrorSampleRate = 1.0
}}"""

_SWIFT = """\
import Sentry

SentrySDK.start {{ options in
    options.dsn = "{dsn}"
    options.tracesSampleRate = 1.0
    options.sessionReplay.sessionSampleRate = 1.0
    options.sessionReplay.onErrorSampleRate = 1.0
}}"""

_REACT_NATIVE = """\
import * as Sentry from "@sentry/react-native";

Sentry.init({{
  dsn: "{dsn}",
  tracesSampleRate: 1.0,
  replaysSessionSampleRate: 1.0,
  replaysOnErrorSampleRate: 1.0,
  integrations: [Sentry.mobileReplayIntegration()],
}});"""

_FLUTTER = """\
await SentryFlutter.init(
  (options) {{
    options.dsn = "{dsn}";
    options.tracesSampleRate = 1.0;
    options.replay.sessionSampleRate = 1.0;
    options.replay.onErrorSampleRate = 1.0;
  }},
  appRunner: () => runApp(SentryWidget(child: MyApp())),
);"""

_PYTHON = """\
import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    traces_sample_rate=1.0,
)"""

_CLEAR_TEXT = (
    "A DSN that begins with http:// also needs android:usesCleartextTraffic or a network "
    "security configuration for this host."
)
_BACKEND = (
    "A service has its own project. Its errors appear in the replay when the app passes its trace "
    "on: list the service's host in the app's tracePropagationTargets."
)
_SAMPLED = "1.0 records every session; lower it for production."


def snippets(dsn: str) -> tuple[Snippet, ...]:
    """Return the set-up of every SDK with this DSN filled in, mobile ones first."""
    return (
        Snippet("android", "Android", "AndroidManifest.xml", _ANDROID.format(dsn=dsn), _CLEAR_TEXT),
        Snippet("kotlin", "Kotlin", "Application.kt", _KOTLIN.format(dsn=dsn), _CLEAR_TEXT),
        Snippet("ios", "iOS", "AppDelegate.swift", _SWIFT.format(dsn=dsn), _SAMPLED),
        Snippet("react-native", "React Native", "App.tsx", _REACT_NATIVE.format(dsn=dsn), _SAMPLED),
        Snippet("flutter", "Flutter", "main.dart", _FLUTTER.format(dsn=dsn), _SAMPLED),
        Snippet("python", "Python backend", "main.py", _PYTHON.format(dsn=dsn), _BACKEND),
    )
