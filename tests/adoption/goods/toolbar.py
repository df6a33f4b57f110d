"""Requests pages with the debug toolbar, and prints what its panel of the cache says of each."""

import asyncio
import json
import re

from django.test import AsyncClient, Client
from goods.models import Product

PANEL = "CachingPanel"
product = Product.objects.create_one(sku="A-1", name="Anvil")
Product.objects.get_some([0])  # a Redis that has just been started learns the scripts


def panel_of(page):
    html = page.content.decode()
    request_id = re.search(r'data-request-id="([^"]+)"', html)[1]
    (title,) = re.findall(rf'id="djdt-{PANEL}".*?<small>(.*?)</small>', html, re.DOTALL)
    answer = Client().get("/__debug__/render_panel/", {"request_id": request_id, "panel_id": PANEL})
    text = re.sub(r"<[^>]+>", " ", json.loads(answer.content)["content"])
    return f"{title} | {' '.join(text.split())}"


path = f"/{product.pk}/"
print("cold:", panel_of(Client().get(path)))
print("warm:", panel_of(Client().get(path)))
print("async:", panel_of(asyncio.run(AsyncClient().get(f"/async{path}"))))
print("nothing:", panel_of(Client().get("/nothing/")))
