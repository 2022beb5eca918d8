"""The routes of somebody's project."""

from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """Log in."""
    login(request, authenticate(request, username=request.POST["name"], password=request.POST["password"]))
    return HttpResponse()


def sign_out(request: HttpRequest) -> HttpResponse:
    """Log out."""
    logout(request)
    return HttpResponse()


def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password and stay logged in, as Django's own view does."""
    request.user.set_password(request.POST["password"])
    request.user.save()
    update_session_auth_hash(request, request.user)
    return HttpResponse()


urlpatterns = [
    path("realtime/", include("tandem.urls")),
    path("in/", sign_in),
    path("out/", sign_out),
    path("password/", change_password),
]
