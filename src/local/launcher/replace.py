"""Replaces one function of the emulator by a better one, and refuses when there is nothing to replace."""

import functools


def replace(module, name):
    """Decorator: `new(stock, ...)` takes the place of `module.name` and gets the function it replaces first."""
    stock = getattr(module, name)

    def decorate(new):
        @functools.wraps(stock)
        def replacement(*args, **kwargs):
            return new(stock, *args, **kwargs)

        setattr(module, name, replacement)
        return new

    return decorate
