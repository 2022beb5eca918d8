from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST
from orders.models import Order

import tandem


@tandem.channel("order:{pk}")
def may_hear(user, pk: int):
    return Order.objects.filter(pk=pk, owner=user).exists()


@login_required
def page(request, pk):
    position = tandem.position(f"order:{pk}")
    order = get_object_or_404(Order, pk=pk)
    if order.owner != request.user:
        raise PermissionDenied
    return render(request, "orders/order.html", {"order": order, "position": position})


@require_POST
@login_required
@transaction.atomic
def ship(request, pk):
    get_object_or_404(Order, pk=pk, owner=request.user)
    Order.objects.filter(pk=pk).update(status="shipped")
    tandem.publish_on_commit(f"order:{pk}", {"status": "shipped"})
    return HttpResponse()
