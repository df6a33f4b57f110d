"""Models that point to themselves."""

from tests.zoo.models import Category


def test_a_deleted_parent_is_gone_from_its_children():
    parent = Category.objects.create(slug="parent")
    child = Category.objects.create(slug="child", parent=parent)
    assert Category.objects.get_one(child.pk).parent_id == parent.pk
    parent.delete()
    assert Category.objects.get_one(child.pk).parent_id is None
    assert Category.objects.get_one(slug="child").parent_id is None
