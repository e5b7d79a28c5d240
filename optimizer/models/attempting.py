"""One attempt at one upstream; what it should never raise becomes an error of the API all the same."""

from __future__ import annotations

from optimizer.models.base import Reply, Upstream
from optimizer.models.session import Session
from search_space.messages import ModelError, Request


class Bug(ModelError):
    """An upstream raised what it never should: nobody knows what the attempt cost."""


def answer(upstream: Upstream, request: Request, session: Session) -> Reply:
    """What ``upstream`` answers. Raises :class:`ModelError`; :class:`Bug` for whatever else it raises."""
    try:
        return upstream.create(request, seed=session.seed, session=session.name, deadline=session.deadline)
    except ModelError:
        raise
    except Exception as error:
        raise Bug(500, "api_error", f"{upstream.name}: {type(error).__name__}: {error}") from error
