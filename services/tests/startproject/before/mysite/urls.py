from django.contrib import admin
from django.urls import include, path
from orders import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("orders/<int:pk>/", views.page),
    path("orders/<int:pk>/ship/", views.ship),
]
