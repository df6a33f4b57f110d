"""What the verbs give, as a type checker sees it."""

from typing import Any, assert_type

from caching.api import Batch, CachedManager, Found, abatch

from .models import Product, Shelf, ShelfManager

assert_type(Product.objects, CachedManager[Product])
assert_type(Product.objects.get_one(1), Product)
assert_type(Product.objects.get_some([1]), Found[Product])
assert_type(Product.objects.get_some([1]).results, list[Product])
assert_type(Product.objects.get_one_cols(1, "name"), dict[str, Any])
assert_type(Product.objects.get_some_cols([1]), Found[dict[str, Any]])
assert_type(Product.objects.create_one(name="x"), Product)
assert_type(Product.objects.update_one(1, name="x"), Product)
assert_type(Shelf.objects, ShelfManager)
assert_type(Shelf.objects.lowest(), Shelf)
assert_type(Shelf.objects.get_one(1), Shelf)
batch = Batch()
rows = batch.rows(Product, [1])
assert_type(rows.instance(1), Product | None)
assert_type(rows.instances().results, list[Product])


async def in_a_coroutine() -> None:
    await abatch(batch)
    assert_type(await Product.objects.aget_one(1), Product)
    assert_type(await Product.objects.aget_some([1]), Found[Product])
    assert_type(await Product.objects.aget_one_cols(1), dict[str, Any])
    assert_type(await Shelf.objects.aupdate_one(1), Shelf)
    assert_type(await Shelf.objects.acreate_one(), Shelf)
