"""Who may hear an order, and the list of them."""

from mysite.models import Order

import tandem


@tandem.channel("order:{pk}")
def order(user, pk: int):
    return Order.objects.filter(pk=pk, owner=user).exists()


@tandem.channel("orders:{owner}")
def orders(user, owner: int):
    return user.pk == owner
