"""Course systems that people come from by LTI 1.3, and which of their courses are which of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.course import Assignment, Course


class Platform(Base):
    """A course system at which this server is registered as a tool."""

    __tablename__ = "lti_platforms"
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(150))
    client_id: Mapped[str] = mapped_column(String(100))
    authorization_url: Mapped[str] = mapped_column(String(500))
    token_url: Mapped[str] = mapped_column(String(500))
    jwks_url: Mapped[str] = mapped_column(String(500))
    token_audience: Mapped[str] = mapped_column(String(500), default="")  # "": the token_url
    frames: Mapped[list[str]] = mapped_column(JSON)  # origins whose pages may hold ours in a frame
    trust_addresses: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    @property
    def key(self) -> str:
        """What stands as the issuer of its people's identities: subjects of two registrations may
        be two people."""
        return f"{self.issuer} {self.client_id}"


class Deployment(Base):
    """One place where a platform offers the tool; on Canvas's cloud, an institution."""

    __tablename__ = "lti_deployments"

    platform_id: Mapped[int] = mapped_column(ForeignKey("lti_platforms.id"), primary_key=True)
    deployment_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    allowed: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LtiContext(Base):
    """A platform's course, connected with one of ours."""

    __tablename__ = "lti_contexts"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id", "context_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("lti_platforms.id"))
    deployment_id: Mapped[str] = mapped_column(String(255))
    context_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), index=True)
    memberships_url: Mapped[str | None] = mapped_column(String(1000))

    platform: Mapped[Platform] = relationship()
    course: Mapped[Course] = relationship()


class LtiLink(Base):
    """A link in a platform's course that stands for an assignment, with its column of grades."""

    __tablename__ = "lti_links"
    __table_args__ = (UniqueConstraint("context_id", "resource_link_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    context_id: Mapped[int] = mapped_column(ForeignKey("lti_contexts.id"))
    resource_link_id: Mapped[str] = mapped_column(String(255))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    lineitem_url: Mapped[str | None] = mapped_column(String(1000))

    context: Mapped[LtiContext] = relationship()
    assignment: Mapped[Assignment] = relationship()


class LtiKey(Base):
    """What this server signs with. The newest signs; those before it stay published for a while."""

    __tablename__ = "lti_keys"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    private: Mapped[str] = mapped_column(String(4000))  # PEM
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LtiNonce(Base):
    """What holds once, and was used."""

    __tablename__ = "lti_nonces"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
