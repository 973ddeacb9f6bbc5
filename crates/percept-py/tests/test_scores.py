import json
import math
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import percept
import pytest
from pictures import Array, levels, noisy, rgb, save_png


def test_the_numbers_are_those_of_the_command(folders, command):
    gt, out = folders
    names = ["psnr-y", "psnr-rgb", "ssim-y", "gmsd", "lpips-alex", "dists@64", "ssimulacra2"]
    call = [command, "score", "--ref", gt, "--test", out, "--metric", ",".join(names), "--crop", "4", "--json"]
    said = json.loads(subprocess.run(call, capture_output=True, check=True).stdout)
    found = percept.score(out, gt, metrics=names, crop=4)
    assert found["metrics"] == said["metrics"]
    assert [image["name"] for image in found["images"]] == [image["name"] for image in said["images"]]
    assert found["images"] == said["images"] and found["mean"] == said["mean"] and found["skipped"] == []
    # Arrays and single files give the same as the folder.
    for name in names:
        metric = percept.create_metric(name, crop=4)
        assert metric.protocol == said["metrics"][name]["protocol"]
        for at, image in enumerate(said["images"]):
            assert metric(noisy(72, 80, at), rgb(72, 80, at)) == image["scores"][name]
        assert metric(str(out / "photo1.png"), gt / "photo1.png") == said["images"][1]["scores"][name]


def test_a_preset_is_that_of_the_command(folders, command):
    gt, out = folders
    call = [command, "score", "--ref", gt, "--test", out, "--preset", "ntire2025", "--json"]
    # The pictures are too small for one of its scores, which is named, and the exit code is 1.
    said = json.loads(subprocess.run(call, capture_output=True).stdout)
    found = percept.score(out, gt, preset="ntire2025")
    preset = found["preset"]
    assert [list(part) for part in preset["parts"]] == said["preset"]["parts"] and len(preset["parts"]) == 2
    assert preset["value"] is None and "MUSIQ / 100" in preset["missing"] and preset["sum"] == said["preset"]["sum"]
    assert "preset" not in percept.score(out, gt, metrics="psnr-y")
    with pytest.raises(percept.CallError, match="ntire2025"):
        percept.score(out, gt, preset="ntire1999")


def test_the_list_is_that_of_the_command(command):
    said = json.loads(subprocess.run([command, "metrics", "--json"], capture_output=True, check=True).stdout)
    said = {metric["name"]: metric for metric in said["metrics"]}
    listed = percept.metrics()
    # The distance of two sets is the one score that no single picture has.
    assert set(said) - {metric["name"] for metric in listed} == {"vgg-fd"}
    for metric in listed:
        other = said[metric["name"]]
        assert {key: metric[key] for key in ("better", "reference", "cost", "protocol", "source")} == {
            key: other[key] for key in ("better", "reference", "cost", "protocol", "source")
        }
        assert [None if math.isinf(end) else end for end in metric["range"]] == other["range"]


def test_scores_are_right_by_hand():
    black, grey = (Array((16, 16, 3), "B", [level] * 768) for level in (0, 51))
    assert percept.create_metric("psnr-rgb")(grey, black) == pytest.approx(20 * math.log10(5), abs=1e-4)
    assert math.isinf(percept.create_metric("psnr-rgb")(grey, grey))
    assert percept.score(grey, grey, metrics="psnr-rgb")["mean"]["psnr-rgb"] == math.inf


def test_types_and_layouts_of_one_picture_score_the_same():
    values, metric = levels(40, 48), percept.create_metric("ssim-rgb")
    test = noisy(40, 48)
    expected = metric(test, rgb(40, 48))
    with_alpha = [v for at in range(0, len(values), 3) for v in (*values[at : at + 3], at % 256)]
    planes = [v for c in range(3) for v in values[c::3]]
    same = {
        "uint16": Array((40, 48, 3), "H", [v * 257 for v in values]),
        "float32": Array((40, 48, 3), "f", [v / 255 for v in values]),
        "float64": Array((40, 48, 3), "d", [v / 255 for v in values]),
        "opacity": Array((40, 48, 4), "B", with_alpha),
        "planes": Array((40, 48, 3), "B", planes, strides=(48, 1, 40 * 48)),
        "upside down": Array(
            (40, 48, 3), "B", [v for y in reversed(range(40)) for v in values[y * 144 : y * 144 + 144]], (-144, 3, 1), 39 * 144
        ),
    }
    for name, picture in same.items():
        assert metric(test, picture) == pytest.approx(expected, abs=1e-6), name
    grey = [values[at] for at in range(0, len(values), 3)]
    flat, deep = Array((40, 48), "B", grey), Array((40, 48, 1), "B", grey)
    colour = Array((40, 48, 3), "B", [v for v in grey for _ in range(3)])
    assert metric(test, flat) == metric(test, deep) == metric(test, colour)


def test_batches_give_lists():
    metric = percept.create_metric("psnr-y")
    pick = lambda make: Array((3, 20, 24, 3), "B", [v for at in range(3) for v in make(20, 24, at).values])
    scores = metric(pick(noisy), pick(rgb))
    assert scores == [metric(noisy(20, 24, at), rgb(20, 24, at)) for at in range(3)]
    found = percept.score(pick(noisy), pick(rgb), metrics=["psnr-y"])
    assert [image["scores"]["psnr-y"] for image in found["images"]] == scores
    with pytest.raises(percept.ArrayError, match="3 pictures and ref 1"):
        metric(pick(noisy), rgb(20, 24))


@pytest.mark.parametrize(
    "values, says",
    [
        ([255.0, 3.0], "divide by 255"),
        ([40_000.0, 3.0], "divide by 65535"),
        ([-1.0, 1.0], r"\(x \+ 1\) / 2"),
        ([-0.01, 0.5], "from -0.0"),
        ([1.02, 0.5], "to 1.0"),
        ([math.nan, 0.5], "NaN"),
        ([math.inf, 0.5], "infinite"),
    ],
)
def test_a_wrong_range_is_an_error_that_says_so(values, says):
    metric = percept.create_metric("psnr-rgb")
    bad = Array((16, 16, 3), "f", (values * 384))
    for call in (lambda: metric(bad, rgb(16, 16)), lambda: percept.score(bad, rgb(16, 16), metrics=["psnr-rgb"])):
        with pytest.raises(percept.ArrayError, match=says) as raised:
            call()
        assert str(raised.value).startswith("test: ")
    with pytest.raises(percept.ArrayError, match="^ref: "):
        metric(rgb(16, 16), bad)
    # Rounding is no other range.
    assert metric(Array((16, 16, 3), "f", [1.0000001, -1e-8] * 384), rgb(16, 16)) > 0


@pytest.mark.parametrize(
    "shape, says",
    [((16,), "shape"), ((3, 16, 16), r"\[H, W, C\]"), ((16, 16, 2), "1, 3 or 4"), ((1, 1, 16, 16, 3), "shape"), ((0, 16, 3), "empty")],
)
def test_a_wrong_shape_is_an_error_that_says_so(shape, says):
    with pytest.raises(percept.ArrayError, match=says):
        percept.create_metric("psnr-rgb")(Array(shape, "B", [0] * max(1, math.prod(shape))), rgb(16, 16))


def test_what_is_no_picture_is_refused():
    metric = percept.create_metric("psnr-rgb")

    class Odd:
        __array_interface__ = {"version": 3, "shape": (4, 4), "typestr": "<i8", "data": (8, False)}

    class Bytes:
        __array_interface__ = {"version": 3, "shape": (4, 4, 3), "typestr": "|u1", "data": b"\0" * 47}

    class Dense:
        __array_interface__ = {"version": 3, "shape": (4, 4, 3), "typestr": "|u1", "data": b"\0" * 48}

    for bad, says in (([[1, 2]], "list"), (None, "NoneType"), (7, "int"), (Odd(), "<i8"), (Bytes(), "do not fit")):
        with pytest.raises(percept.ArrayError, match=says):
            metric(bad, rgb(16, 16))
    assert metric(Dense(), Dense()) == math.inf


def test_wrong_calls_say_what_is_wrong(tmp_path, folders):
    with pytest.raises(percept.CallError, match="did you mean `lpips-alex`"):
        percept.create_metric("lpips-alx")
    with pytest.raises(ValueError, match="reference"):
        percept.create_metric("psnr-y")(rgb(16, 16))
    with pytest.raises(percept.CallError, match="reference"):
        percept.score(rgb(16, 16), metrics=["psnr-y"])
    with pytest.raises(percept.CallError, match="no-such"):
        percept.score("no-such", folders[0])
    with pytest.raises(percept.CallError, match="no-such.png"):
        percept.create_metric("niqe")("no-such.png")
    with pytest.raises(percept.Error, match="equal sizes"):
        percept.create_metric("psnr-y")(rgb(16, 16), rgb(16, 18))
    with pytest.raises(percept.Error, match="at least"):
        percept.create_metric("niqe")(rgb(16, 16))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    with pytest.raises(percept.Error, match="broken.png"):
        percept.create_metric("niqe")(tmp_path / "broken.png")
    assert issubclass(percept.ArrayError, percept.CallError) and issubclass(percept.WorkError, percept.Error)


def test_a_photo_that_cannot_be_scored_is_named(folders):
    gt, out = folders
    save_png(out / "photo2.png", rgb(20, 20))
    found = percept.score(out, gt, metrics=["psnr-y"])
    assert [image["name"] for image in found["images"]] == ["photo0", "photo1", "photo3"]
    assert [(left["name"], "equal sizes" in left["reason"]) for left in found["skipped"]] == [("photo2", True)]


def test_scores_without_reference(folders):
    found = percept.score(folders[1], metrics=["tv", "noise"])
    assert [set(image["scores"]) for image in found["images"]] == [{"tv", "noise"}] * 4
    metric = percept.create_metric("tv")
    assert not metric.needs_reference and metric(noisy(72, 80, 0)) == found["images"][0]["scores"]["tv"]


def test_several_threads_share_a_metric():
    metric = percept.create_metric("lpips-alex")
    assert metric.name == "lpips-alex" and metric.lower_better and metric.range[0] == 0
    alone = [metric(noisy(40, 40, at), rgb(40, 40, at)) for at in range(6)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda at: metric(noisy(40, 40, at), rgb(40, 40, at)), range(6))) == alone


def test_the_interpreter_is_free_meanwhile():
    metric, counted, done = percept.create_metric("lpips-vgg"), [], threading.Event()

    def count():
        while not done.wait(0.001):
            counted.append(1)

    pair = noisy(256, 256), rgb(256, 256)
    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = len(counted)
        metric(*pair)
        during = len(counted) - before
    finally:
        done.set()
        thread.join()
    assert during > 5
