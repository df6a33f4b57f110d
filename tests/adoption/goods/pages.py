"""Pages of the shop, with the debug toolbar."""

from debug_toolbar.toolbar import debug_toolbar_urls
from django.http import HttpResponse
from django.urls import path
from goods.models import Product

PAGE = "<html><body>{}</body></html>"


def page(request, pk):
    return HttpResponse(PAGE.format(Product.objects.get_one(pk).name))


async def asynchronous_page(request, pk):
    return HttpResponse(PAGE.format((await Product.objects.aget_one(pk)).name))


def nothing(request):
    return HttpResponse(PAGE.format("nothing"))


urlpatterns = [
    path("<int:pk>/", page),
    path("async/<int:pk>/", asynchronous_page),
    path("nothing/", nothing),
    *debug_toolbar_urls(),
]
