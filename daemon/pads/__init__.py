"""Playing from pads: controllers, banks, takes in advance."""
