"""Programs that measure; none of them is part of the tests."""
