"""What a write holds, and what Redis is told after its commit."""
