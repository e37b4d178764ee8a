"""One look at every account, its risk included, and the forms in which it is printed."""
