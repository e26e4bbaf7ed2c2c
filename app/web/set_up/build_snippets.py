"""How builds upload debug files and source maps: short, complete texts to copy.

The token is in none of them: it belongs into the environment of the build server.

Source: the documentation of the build plugins (Gradle 6, fastlane 1, React Native 7, Dart 3).
"""

from typing import Final

from app.api_tokens.secret import ORGANISATION
from app.web.words import build_tools
from app.web.words.snippets import Snippet

_TOKEN: Final = "sntrys_…"  # noqa: S105 - stands for one

_GRADLE: Final = """\
plugins {{
    id("io.sentry.android.gradle") version "6.19.0"
}}

sentry {{
    url.set("{url}")
    org.set("{org}")
    projectName.set("{project}")
    authToken.set(System.getenv("SENTRY_AUTH_TOKEN"))
    includeProguardMapping.set(true)
    autoUploadProguardMapping.set(true)
    includeSourceContext.set(true)
    // only for an app with C++ or Rust:
    uploadNativeSymbols.set(true)
    includeNativeSources.set(true)
}}"""

_XCODE: Final = """\
# Build Phases > New Run Script Phase, after all others
if [ "$CONFIGURATION" = "Release" ]; then
  export SENTRY_URL={url}
  export SENTRY_ORG={org}
  export SENTRY_PROJECT={project}
  sentry-cli debug-files upload --include-sources "$DWARF_DSYM_FOLDER_PATH"
fi"""

_FASTLANE: Final = """\
# once: bundle exec fastlane add_plugin sentry
lane :release do
  build_app(scheme: "Shop")
  sentry_debug_files_upload(
    url: "{url}",
    org_slug: "{org}",
    project_slug: "{project}",
    auth_token: ENV["SENTRY_AUTH_TOKEN"],
    path: [lane_context[SharedValues::DSYM_OUTPUT_PATH]],
    include_sources: true
  )
end"""

_REACT_NATIVE: Final = """\
# android/sentry.properties and ios/sentry.properties
defaults.url={url}
defaults.org={org}
defaults.project={project}

// android/app/build.gradle
apply from: "../../node_modules/@sentry/react-native/sentry.gradle"

// metro.config.js
const {{ getDefaultConfig }} = require("@react-native/metro-config");
const {{ withSentryConfig }} = require("@sentry/react-native/metro");
module.exports = withSentryConfig(getDefaultConfig(__dirname));"""

_EXPO: Final = """\
// app.json
{{
  "expo": {{
    "plugins": [
      ["@sentry/react-native/expo", {{
        "url": "{url}/",
        "organization": "{org}",
        "project": "{project}"
      }}]
    ]
  }}
}}

// metro.config.js
const {{ getSentryExpoConfig }} = require("@sentry/react-native/metro");
module.exports = getSentryExpoConfig(__dirname);"""

_FLUTTER: Final = """\
# pubspec.yaml
dev_dependencies:
  sentry_dart_plugin: ^3.4.0

sentry:
  url: {url}
  org: {org}
  project: {project}
  upload_debug_symbols: true
  upload_sources: true
  symbols_path: build/symbols
  dart_symbol_map_path: build/obfuscation.map.json

# then, for each release:
flutter build appbundle --obfuscate --split-debug-info=build/symbols \\
  --extra-gen-snapshot-options=--save-obfuscation-map=build/obfuscation.map.json
dart run sentry_dart_plugin"""

_CLI: Final = """\
{environment}

# names a release, and says when it is out
sentry-cli releases new "com.acme.shop@1.2.3+4"
sentry-cli releases set-commits "com.acme.shop@1.2.3+4" --auto
sentry-cli upload-proguard app/build/outputs/mapping/release/mapping.txt
sentry-cli debug-files upload --include-sources path/to/symbols
sentry-cli releases finalize "com.acme.shop@1.2.3+4\""""

_GRADLE_NOTE: Final = (
    "For Kotlin's build.gradle.kts of the app. The release build uploads; a broken file fails it."
)
_XCODE_NOTE: Final = (
    "Set Debug Information Format to “DWARF with dSYM File”, and User Script Sandboxing to No. "
    "Xcode does not see the environment of a terminal: write the token into ~/.sentryclirc of the "
    "build server."
)
_REACT_NATIVE_NOTE: Final = (
    "In Xcode, the phase “Bundle React Native code and images” runs sentry-xcode.sh of the package "
    "around react-native-xcode.sh. The command npx @sentry/wizard -i reactNative changes it."
)
_EXPO_NOTE: Final = (
    "EAS builds read SENTRY_AUTH_TOKEN from their secrets. After eas update: "
    "npx sentry-expo-upload-sourcemaps dist."
)
_FLUTTER_NOTE: Final = "Without --obfuscate, leave out the map of names."
_CLI_NOTE: Final = "For every other build. sentry-cli 2.31 and later work, all unmodified."


def write_build_snippets(url: str, project: str) -> tuple[Snippet, ...]:
    """Return how each build tool uploads to a project.

    Args:
        url: The address of this server.
        project: The slug of the project.
    """

    def fill(text: str) -> str:
        return text.format(url=url, org=ORGANISATION, project=project)

    environment = build_tools.write_environment(
        token=_TOKEN, project=project, address=url, org=ORGANISATION
    )
    return (
        Snippet("gradle", "Gradle", "app/build.gradle.kts", fill(_GRADLE), _GRADLE_NOTE),
        Snippet("xcode", "Xcode", "run script phase", fill(_XCODE), _XCODE_NOTE),
        Snippet("fastlane", "fastlane", "Fastfile", fill(_FASTLANE)),
        Snippet("rn-build", "React Native", "three files", fill(_REACT_NATIVE), _REACT_NATIVE_NOTE),
        Snippet("expo", "Expo", "two files", fill(_EXPO), _EXPO_NOTE),
        Snippet("flutter-build", "Flutter", "pubspec.yaml", fill(_FLUTTER), _FLUTTER_NOTE),
        Snippet(
            "cli", "sentry-cli", "environment and commands", _write_cli(environment), _CLI_NOTE
        ),
    )


def _write_cli(environment: str) -> str:
    exported = "\n".join(f"export {line}" for line in environment.splitlines())
    return _CLI.format(environment=exported)
