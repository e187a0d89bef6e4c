"""Signing in, and personal API tokens."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.actions import make_token, revoke_token
from jeoul.dashboard.forms import TokenForm
from jeoul.dashboard.page import page, researcher, signed_in


class Login(LoginView):
    template_name = "dashboard/login.html"
    redirect_authenticated_user = True


@require_safe
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    tokens = researcher(request).api_tokens.filter(revoked_at=None)
    return page(
        request, "dashboard/account.html", "account", {"tokens": tokens, "form": TokenForm()}
    )


@require_POST
@signed_in
@never_cache
def token_create(request: HttpRequest) -> HttpResponse:
    """Show the new token this once."""
    form = TokenForm(request.POST)
    user = researcher(request)
    text = ""
    if form.is_valid():
        _token, text = make_token(user=user, **form.token())
        form = TokenForm()
    context = {"tokens": user.api_tokens.filter(revoked_at=None), "form": form, "new_token": text}
    return page(request, "dashboard/account.html", "account", context, status=200 if text else 422)


@require_POST
@signed_in
def token_revoke(request: HttpRequest, token: UUID) -> HttpResponse:
    found = researcher(request).api_tokens.filter(uuid=token).first()
    if found is None:
        raise Http404("No such token.")
    revoke_token(token=found, actor=researcher(request))
    messages.success(request, _("The token “%s” is revoked.") % found.name)
    return redirect("account")
