"""What a type checker refuses; each line says why."""

from caching.api import Batch

from .models import Product, Shelf

misspelt = Product.objects.get_one(1).nmae  # attr-defined
shelf: Shelf = Product.objects.get_one(1)  # assignment
Product.objects.get_some(1)  # arg-type
Product.objects.get_one_cols(1, 2)  # arg-type
name = Batch().rows(Product, [1]).instance(1).name  # union-attr
number: int = Product.objects.aget_one(1)  # assignment
