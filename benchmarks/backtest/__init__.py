"""Would it have been in time? The alert rules, tried on days that markets really had."""
