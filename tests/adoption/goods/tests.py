"""The shop's own tests, run by its own `manage.py test`."""

from django.db import transaction
from django.test import TransactionTestCase
from goods.models import Maker, Product

from caching.testutils import redis_usage, reset_cache


class ProductTests(TransactionTestCase):
    def setUp(self):
        reset_cache()
        Product.objects.get_some([0])  # a Redis that has just been started learns the scripts
        self.maker = Maker.objects.create(name="Acme")
        self.product = Product.objects.create_one(sku="A-1", name="Anvil", cost="9.50", maker=self.maker)

    def test_second_read_is_one_command(self):
        for queries, commands in ((1, 3), (0, 1)):
            with redis_usage() as usage, self.assertNumQueries(queries):
                assert Product.objects.get_one(self.product.pk).name == "Anvil"
            assert usage.commands == commands

    def test_writes_show_at_once(self):
        for write in (
            lambda: Product.objects.update_one(self.product.pk, name="1"),
            lambda: Product.objects.update(name="2"),
            lambda: Product.objects.bulk_update([Product(pk=self.product.pk, name="3")], ["name"]),
            lambda: self.maker.delete(),
        ):
            before = Product.objects.get_one(sku="A-1")
            with transaction.atomic():
                write()
            after = Product.objects.get_one(sku="A-1")
            assert (before.name, before.maker_id) != (after.name, after.maker_id)

    def test_cost_is_not_cached(self):
        assert Product.objects.get_one(self.product.pk).get_deferred_fields() == {"cost"}
