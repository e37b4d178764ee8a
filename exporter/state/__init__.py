"""The latest that is known: of each account, of its optional endpoints, of the market."""
