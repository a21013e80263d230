"""One file per screen: guard first, then ask a service, draw, hand the answer back."""
