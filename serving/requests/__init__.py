"""What a request may be, on every server: limits, deadlines, rules, and the answers to requests that break them."""
