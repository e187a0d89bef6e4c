"""Doors: the object this person may see, or 404."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from jeoul.accounts.models import User
from jeoul.accounts.roles import RIGHTS, May, Role, roles_that
from jeoul.base import DomainError
from jeoul.studies.models import (
    Connection,
    Output,
    PromptSet,
    PromptSetVersion,
    Study,
    System,
    SystemVersion,
    Watch,
)


class NotAllowed(DomainError):
    """A member of the study whose role doesn't hold the right."""

    code = "not_allowed"
    status = 403


def studies_for(user: User, right: May = May.READ) -> QuerySet[Study]:
    """Studies on which ``user`` holds ``right``."""
    return Study.objects.filter(memberships__user=user, memberships__role__in=roles_that(right))


def get_study(user: User, uuid: UUID | str, right: May = May.READ) -> Study:
    """The study; 404 for a stranger, NotAllowed for a member without the right."""
    memberships = user.memberships.filter(role__in=roles_that(May.READ)).select_related("study")
    membership = memberships.filter(study__uuid=uuid).first()
    if membership is None:
        raise Http404("No such study.")
    role = Role(membership.role)
    if right not in RIGHTS[role]:
        raise NotAllowed(_("Your role on this study (%s) does not allow this.") % role.label)
    return membership.study


def rights_on(user: User, study: Study) -> frozenset[May]:
    membership = study.memberships.filter(user=user).first()
    return RIGHTS[Role(membership.role)] if membership else frozenset()


def _own_or_used(user: User, path: str) -> Q:
    return Q(owner=user) | Q(**{f"{path}__memberships__user": user})


def prompt_sets_for(user: User) -> QuerySet[PromptSet]:
    return PromptSet.objects.filter(_own_or_used(user, "versions__studies")).distinct()


def systems_for(user: User) -> QuerySet[System]:
    return System.objects.filter(_own_or_used(user, "versions__studies")).distinct()


def outputs_for(user: User) -> QuerySet[Output]:
    """Outputs of the user's own systems, and those shown in a study the user may read."""
    return Output.objects.filter(
        Q(system_version__system__owner=user)
        | Q(
            system_version__studies__memberships__user=user,
            prompt__versions__studies__memberships__user=user,
        )
    ).distinct()


def get_prompt_set(user: User, uuid: UUID | str) -> PromptSet:
    found = prompt_sets_for(user).filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such prompt set.")
    return found


def get_own_prompt_set(user: User, uuid: UUID | str) -> PromptSet:
    """For its changes, which are its owner's alone."""
    found = get_prompt_set(user, uuid)
    if found.owner_id != user.pk:
        raise Http404("Only its owner changes a prompt set.")
    return found


def get_prompt_version(found: PromptSet, asked: str = "", place: int = 0) -> PromptSetVersion:
    """The version asked for by its number or tag; else the newest, or one before it."""
    rows = found.versions.order_by("-number")
    if asked.isascii() and asked.isdigit():
        rows = rows.filter(number=int(asked[:9]))
    elif asked:
        rows = rows.filter(tags__name=asked)
    version = rows[0 if asked else place :].first()
    if version is None:
        raise Http404("No such version.")
    return version


def get_system(user: User, uuid: UUID | str) -> System:
    found = systems_for(user).filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such system.")
    return found


def get_system_version(user: User, uuid: UUID | str) -> SystemVersion:
    found = SystemVersion.objects.filter(uuid=uuid, system__in=systems_for(user)).first()
    if found is None:
        raise Http404("No such system version.")
    return found


def get_connection(user: User, uuid: UUID | str) -> Connection:
    found = Connection.objects.filter(uuid=uuid, owner=user).first()
    if found is None:
        raise Http404("No such connection.")
    return found


def prompt_texts_hidden(prompt_set: PromptSet) -> bool:
    """A sealed set's texts are for annotators only, until its studies have ended.

    Without any study they are hidden too: who could read them before would know them after.
    """
    if not prompt_set.sealed:
        return False
    states = set(
        Study.objects.filter(prompt_set_version__prompt_set=prompt_set).values_list(
            "state", flat=True
        )
    )
    return not states or bool(states & {"draft", "running", "paused"})


def watches_for(user: User) -> QuerySet[Watch]:
    """The user's own: whoever pays for the rounds sees them."""
    return Watch.objects.filter(owner=user).select_related(
        "system_version__system", "prompts__prompt_set"
    )


def get_watch(user: User, uuid: UUID | str) -> Watch:
    found = watches_for(user).filter(uuid=uuid).first()
    if found is None:
        raise Http404("No such watch.")
    return found
