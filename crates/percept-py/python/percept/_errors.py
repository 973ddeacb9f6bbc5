"""What percept raises."""


class Error(Exception):
    """Everything that percept raises by itself."""


class CallError(Error, ValueError):
    """The call was wrong: an unknown name, a file that is not there. The command's exit code 2."""


class ArrayError(CallError):
    """An array that is no picture: its shape, its type, or the range of its values."""


class WorkError(Error, RuntimeError):
    """The work failed: a broken file, a full disk, a loss that went NaN. The command's exit code 1."""


class Fault(Error, RuntimeError):
    """A fault of percept itself; please report it."""


for _class in (Error, CallError, ArrayError, WorkError, Fault):
    _class.__module__ = "percept"
