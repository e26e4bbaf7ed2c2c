"""Writes releases, commits and deploys as Sentry's clients read them.

Clients fail without `version`, `dateCreated`, `projects` and, in lists, without all the others that
stand here with null.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.ids import ProjectId
from app.projects.model import Project
from app.releases.model import Commit, Deploy, Release
from app.rest.answers import write_time


def describe_release(release: Release, projects: Sequence[Project]) -> dict[str, Any]:
    """Describe a release to a caller.

    Args:
        release: The release.
        projects: The projects that the caller reaches.
    """
    by_id: Mapping[ProjectId, Project] = {project.id: project for project in projects}
    return {
        "id": release.version,
        "version": release.version,
        "shortVersion": release.version.rpartition("@")[2],
        "status": "archived" if release.is_archived else "open",
        "url": release.url,
        "ref": release.ref,
        "dateCreated": write_time(release.made_at),
        "dateStarted": write_time(release.started_at),
        "dateReleased": write_time(release.released_at),
        "firstEvent": None,
        "lastEvent": None,
        "newGroups": 0,
        "authors": [],
        "commitCount": release.commit_count,
        "lastCommit": None if release.last_commit is None else describe_commit(release.last_commit),
        "deployCount": release.deploy_count,
        "lastDeploy": None if release.last_deploy is None else describe_deploy(release.last_deploy),
        "projects": [
            describe_project(by_id[project_id])
            for project_id in release.project_ids
            if project_id in by_id
        ],
    }


def describe_project(project: Project) -> dict[str, str]:
    """Describe a project in a few words."""
    return {"id": str(project.id), "slug": project.slug, "name": project.name}


def describe_commit(commit: Commit) -> dict[str, Any]:
    """Describe a commit of a release."""
    return {
        "id": commit.id,
        "repository": {"name": commit.repository},
        "message": commit.message,
        "dateCreated": commit.at or None,
        "author": {"name": commit.author_name, "email": commit.author_email},
    }


def describe_deploy(deploy: Deploy) -> dict[str, Any]:
    """Describe a deploy of a release."""
    return {
        "id": str(deploy.id),
        "environment": deploy.environment,
        "name": deploy.name,
        "url": deploy.url,
        "dateStarted": write_time(deploy.started_at),
        "dateFinished": write_time(deploy.finished_at),
    }
