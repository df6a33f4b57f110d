"""Users: a model of one's own by class or by settings, Django's own by settings; what the checks refuse."""

import sys

import pytest

from tests.adoption.conftest import GOODS, Project, blocks

pytestmark = pytest.mark.embedded

BY_SETTINGS, BY_CLASS = blocks("Users, and models of other packages")
PLAIN = "from django.contrib.auth.models import AbstractUser\n\n\nclass Member(AbstractUser):\n    pass\n"
OWN = 'AUTH_USER_MODEL = "goods.Member"'


@pytest.mark.parametrize(
    ("settings", "models"),
    [
        ((BY_SETTINGS,), ()),
        ((OWN,), (BY_CLASS,)),
        ((OWN, BY_SETTINGS.replace("auth.User", "goods.Member")), (PLAIN,)),
    ],
    ids=["auth.User", "by class", "by settings"],
)
def test_users(started, tmp_path, settings, models):
    shop = project(started, tmp_path, settings, models)
    assert "users are cached" in shop.run((GOODS / "members.py").read_text())


@pytest.mark.parametrize(
    ("settings", "models", "sentence"),
    [
        (
            (BY_SETTINGS.replace('"password", ', ""),),
            (),
            "(caching.E070) The password hashes would be copied to Redis.",
        ),
        ((OWN, BY_SETTINGS), (PLAIN,), """names 'auth.User': this project uses goods.Member."""),
        ((BY_SETTINGS.replace("auth.User", "auth.Usr"),), (), "names 'auth.Usr', which is no model of INSTALLED_APPS."),
    ],
    ids=["password", "swapped", "unknown"],
)
def test_manage_py_check_refuses(started, tmp_path, settings, models, sentence):
    shop = project(started, tmp_path, settings, models)
    with pytest.raises(AssertionError) as failed:
        shop.manage("check")
    assert sentence in str(failed.value)


def project(started, folder, settings, models):
    shop = Project(sys.executable, started, folder)
    shop.copy_caching()
    shop.append("shop/settings.py", *settings)
    shop.append("goods/models.py", *models)
    return shop
