def test_start(galera):
    print("started")
