"""Makes the path of a route from the function that writes its links, so that the two agree."""

import inspect
from collections.abc import Callable


def route_to(link: Callable[..., str]) -> str:
    """Return the path of the route that a link leads to.

    The link is written for placeholders instead of ids: `project_urls.settings` gives
    `/projects/{project_id}/settings`. So the parameters of a link are named as those of its route.

    Args:
        link: A function of this package. Its keyword-only parameters are for queries and are left
            out.

    Raises:
        ValueError: The link has a query or a fragment, which no route has.
    """
    parameters = inspect.signature(link).parameters.values()
    ids = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    path = link(*(f"{{{name}}}" for name in ids))
    if "?" in path or "#" in path:
        raise ValueError(f"{link.__name__} leads to a part of a page: {path}")
    return path
