"""How to point each SDK at a project: short, complete texts to copy.

Source: the SDKs' own documentation of Session Replay.
"""

from urllib.parse import urlsplit

from app.web.words.snippets import Snippet

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
  <meta-data android:name="io.sentry.traces.trace-propagation-targets"
             android:value="api.example.com" />
</application>"""

_KOTLIN = """\
SentryAndroid.init(this) {{ options ->
    options.dsn = "{dsn}"
    options.tracesSampleRate = 1.0
    options.sessionReplay.sessionSampleRate = 1.0
    options.sessionReplay.onErrorSampleRate = 1.0
    options.setTracePropagationTargets(listOf("api.example.com"))
}}"""

_SWIFT = """\
import Sentry

SentrySDK.start {{ options in
    options.dsn = "{dsn}"
    options.tracesSampleRate = 1.0
    options.sessionReplay.sessionSampleRate = 1.0
    options.sessionReplay.onErrorSampleRate = 1.0
    options.tracePropagationTargets = ["api.example.com"]
}}"""

_REACT_NATIVE = """\
import * as Sentry from "@sentry/react-native";

Sentry.init({{
  dsn: "{dsn}",
  tracesSampleRate: 1.0,
  replaysSessionSampleRate: 1.0,
  replaysOnErrorSampleRate: 1.0,
  tracePropagationTargets: ["api.example.com"],
  integrations: [Sentry.mobileReplayIntegration()],
}});"""

_FLUTTER = """\
await SentryFlutter.init(
  (options) {{
    options.dsn = "{dsn}";
    options.tracesSampleRate = 1.0;
    options.replay.sessionSampleRate = 1.0;
    options.replay.onErrorSampleRate = 1.0;
    options.tracePropagationTargets
      ..clear()
      ..add("api.example.com");
  }},
  appRunner: () => runApp(SentryWidget(child: MyApp())),
);"""

_PYTHON = """\
import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    traces_sample_rate=1.0,
)"""

_NODE = """\
// instrument.mjs, loaded first: node --import ./instrument.mjs app.mjs
import * as Sentry from "@sentry/node";

Sentry.init({{
  dsn: "{dsn}",
  tracesSampleRate: 1.0,
}});

// app.mjs, after all routes:
Sentry.setupExpressErrorHandler(app);"""

_SPRING = """\
# with io.sentry:sentry-spring-boot-starter-jakarta
sentry.dsn={dsn}
sentry.traces-sample-rate=1.0"""

_GO = """\
err := sentry.Init(sentry.ClientOptions{{
    Dsn:              "{dsn}",
    EnableTracing:    true,
    TracesSampleRate: 1.0,
}})
// sentryhttp takes the app's trace over from each request:
http.Handle("/", sentryhttp.New(sentryhttp.Options{{Repanic: true}}).Handle(handler))"""

_PHP = """\
\\Sentry\\init([
    'dsn' => '{dsn}',
    'traces_sample_rate' => 1.0,
]);"""

_RUBY = """\
Sentry.init do |config|
  config.dsn = "{dsn}"
  config.traces_sample_rate = 1.0
end"""

_DOTNET = """\
builder.WebHost.UseSentry(options =>
{{
    options.Dsn = "{dsn}";
    options.TracesSampleRate = 1.0;
}});"""

_OTLP = """\
OTEL_SERVICE_NAME=shop-api
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={base_url}/api/{project}/otlp/v1/traces
OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
OTEL_EXPORTER_OTLP_TRACES_HEADERS=x-sentry-auth=sentry%20sentry_key={key}
OTEL_METRICS_EXPORTER=none
OTEL_LOGS_EXPORTER=none"""

_CLEAR_TEXT = (
    "A DSN that begins with http:// also needs android:usesCleartextTraffic or a network "
    "security configuration for this host. Without trace propagation targets the trace goes along "
    "to every host."
)
_SAMPLED = (
    "1.0 records every session; lower it for production. Without trace propagation targets the "
    "trace goes along to every host."
)
_DETECTED = "The SDK finds FastAPI, Django, Flask and others by itself."
_LARAVEL = "In Laravel, write it to .env with: php artisan sentry:publish --dsn=…"
_TRACEPARENT = (
    "The app must send the header traceparent: isPropagateTraceparent on Android, "
    "enablePropagateTraceparent on iOS, propagateTraceparent in React Native and Flutter."
)


def write_app_snippets(dsn: str) -> tuple[Snippet, ...]:
    """Return the set-up of every mobile SDK with this DSN filled in."""
    return (
        Snippet("android", "Android", "AndroidManifest.xml", _ANDROID.format(dsn=dsn), _CLEAR_TEXT),
        Snippet("kotlin", "Kotlin", "Application.kt", _KOTLIN.format(dsn=dsn), _CLEAR_TEXT),
        Snippet("ios", "iOS", "AppDelegate.swift", _SWIFT.format(dsn=dsn), _SAMPLED),
        Snippet("react-native", "React Native", "App.tsx", _REACT_NATIVE.format(dsn=dsn), _SAMPLED),
        Snippet("flutter", "Flutter", "main.dart", _FLUTTER.format(dsn=dsn), _SAMPLED),
    )


def write_service_snippets(dsn: str) -> tuple[Snippet, ...]:
    """Return the set-up of the common backends with this DSN filled in."""
    return (
        Snippet("python", "Python", "main.py", _PYTHON.format(dsn=dsn), _DETECTED),
        Snippet("node", "Node, Express", "instrument.mjs", _NODE.format(dsn=dsn)),
        Snippet("spring", "Java, Spring", "application.properties", _SPRING.format(dsn=dsn)),
        Snippet("go", "Go", "main.go", _GO.format(dsn=dsn)),
        Snippet("php", "PHP", "index.php", _PHP.format(dsn=dsn), _LARAVEL),
        Snippet("ruby", "Ruby", "config/initializers/sentry.rb", _RUBY.format(dsn=dsn)),
        Snippet("dotnet", ".NET", "Program.cs", _DOTNET.format(dsn=dsn)),
        Snippet("otlp", "OpenTelemetry", "environment", _otlp(dsn), _TRACEPARENT),
    )


def _otlp(dsn: str) -> str:
    """Take a DSN apart for exporters, which know no DSN."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    prefix, _, project = parts.path.rpartition("/")
    base_url = f"{parts.scheme}://{host}{prefix}"
    return _OTLP.format(base_url=base_url, project=project, key=parts.username)
