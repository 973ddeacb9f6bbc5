"""Results as pandas frames."""


def _pandas():
    try:
        import pandas
    except ImportError as missing:
        from ._errors import CallError

        raise CallError("frame=True needs pandas; install it, or leave frame out for plain dicts") from missing
    return pandas


def _flat(prefix, value):
    """One row of numbers: estimates become three columns."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = prefix if key == "value" else f"{prefix}_{key}" if prefix else key
            yield from _flat(name, inner)
    else:
        yield prefix, value


def agreement_frame(found):
    """A row for each metric and kind of distortion."""
    rows = []
    for name in found["order"]:
        metric = found["metrics"][name]
        kinds = {"all": metric["overall"], **metric["distortions"]}
        rows += [{"metric": name, "distortion": kind, **dict(_flat("", of))} for kind, of in kinds.items()]
    return _pandas().DataFrame(rows)


def comparison_frame(found):
    """A row for each metric."""
    rows = [{"metric": name, **dict(_flat("", found["metrics"][name]))} for name in found["order"]]
    return _pandas().DataFrame(rows)
