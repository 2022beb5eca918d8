"""Urls without anything of Tandem."""

urlpatterns: list[object] = []
