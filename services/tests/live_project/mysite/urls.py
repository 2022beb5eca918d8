"""Pages with blocks, and what their tests do to them."""

from django.contrib.auth import get_user_model, login, logout
from django.contrib.staticfiles.views import serve
from django.db import transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from mysite.models import Order

from tandem.live import push


def page(request, template, pk):
    order = get_object_or_404(Order, pk=pk)
    if "between" in request.GET:  # somebody else changes it after the view's query
        order.change(number=order.number + 1)
    return render(request, f"pages/{template}.html", {"order": order, "times": range(int(request.GET.get("times", 1)))})


@csrf_exempt
def create(request):
    owner = get_user_model().objects.get(username=request.GET.get("owner", "ann"))
    with transaction.atomic():
        order = Order.objects.create(owner=owner, number=request.GET.get("number", 0))
        order.tell()
    return JsonResponse({"pk": order.pk})


@csrf_exempt
def change(request, pk):
    get_object_or_404(Order, pk=pk).change(**request.GET.dict())
    return JsonResponse({})


@csrf_exempt
def change_pushed(request, pk):
    with transaction.atomic():
        Order.objects.filter(pk=pk).update(number=request.GET["number"])
        push("pushed", pk)
    return JsonResponse({})


@csrf_exempt
def remove(request, pk):
    get_object_or_404(Order, pk=pk).remove()
    return JsonResponse({})


def log_in(request, name):
    login(request, get_user_model().objects.get_or_create(username=name)[0])
    return JsonResponse({})


def log_out(request):
    logout(request)
    return JsonResponse({})


urlpatterns = [
    path("realtime/", include("tandem.urls")),
    path("in/<name>/", log_in),
    path("out/", log_out),
    path("create/", create),
    path("change/<int:pk>/", change),
    path("push/<int:pk>/", change_pushed),
    path("remove/<int:pk>/", remove),
    path("<template>/<int:pk>/", page),
    path("static/<path:path>", serve, {"insecure": True}),  # what stands before a project in production
]
