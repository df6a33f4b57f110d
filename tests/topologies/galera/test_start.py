import time
def test_start(galera):
    print("started")
