"""Texts to copy that point build tools at a project: variables, and the files of their plugins.

Source: the documentation of sentry-cli and of the plugins for Gradle, fastlane, React Native, Expo
and Dart; tried with sentry-cli 2.31, 2.58 and 3.8.
"""


def write_environment(*, token: str, project: str, address: str, org: str) -> str:
    """Write the variables that sentry-cli and all plugins read, one on a line.

    Args:
        token: An API token, or what stands for one.
        project: The slug of the project.
        address: The address at which build servers reach this server.
        org: The name of the organisation.
    """
    return "\n".join(
        (
            f"SENTRY_AUTH_TOKEN={token}",
            f"SENTRY_URL={address}",
            f"SENTRY_ORG={org}",
            f"SENTRY_PROJECT={project}",
        )
    )
