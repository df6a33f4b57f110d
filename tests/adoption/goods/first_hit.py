"""What a newcomer tries first, in `manage.py shell`."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from goods.models import Product

Product.objects.bulk_create(Product(sku=str(number)) for number in range(25))
anvil = Product.objects.create_one(sku="A-1", name="Anvil", cost="9.50")


def cost_of(read):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = read()
    return found, len(queries)


for read in (lambda: Product.objects.get_one(anvil.pk), lambda: Product.objects.get_one(sku="A-1")):
    (cold, _), (warm, queries) = cost_of(read), cost_of(read)
    assert (cold.name, warm.name, queries) == ("Anvil", "Anvil", 0)
Product.objects.update_one(anvil.pk, name="Hammer")
assert Product.objects.get_one(sku="A-1").name == "Hammer"
print("a cached hit took", cost_of(lambda: Product.objects.get_one(anvil.pk))[1], "queries")
