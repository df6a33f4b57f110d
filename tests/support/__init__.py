"""What several test folders share: fixtures (loaded as plugins by tests/conftest.py) and the functions behind them."""
