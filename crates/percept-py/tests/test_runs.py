"""Training, and what is said of runs."""

import percept
import pytest
from pictures import noisy, rgb, save_png

CONFIG = """
name = "tiny"
task = "sr"
scale = 2
[datasets.train]
dataroot_gt = "{photos}"
gt_size = 32
batch_size = 2
[datasets.val]
dataroot_gt = "{photos}"
[network_g]
type = "srresnet"
num_feat = 8
num_block = 1
[path]
run = "{run}"
[train]
total_iter = {steps}
[val]
val_freq = 4
metrics = ["psnr-y"]
[[train.losses]]
type = "l1"
"""


@pytest.fixture
def tiny(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for at in range(3):
        save_png(photos / f"{at}.png", rgb(64, 64, at))

    def config(name="run", steps=4):
        return CONFIG.format(photos=photos.as_posix(), run=(tmp_path / name).as_posix(), steps=steps)

    return config


def test_every_step_is_told(tiny, tmp_path):
    steps, validations = [], []
    ended = percept.train(tiny(), callback=steps.append, on_validation=validations.append)
    assert [step["iter"] for step in steps] == [1, 2, 3, 4] and steps[0]["total"] == 4
    assert steps[0]["terms"]["l_g_l1"] > 0 and steps[0]["seconds"] > 0
    assert validations[-1]["iter"] == 4 and "psnr-y" in validations[-1]["val"]
    assert ended["finished"] and ended["run"] == tmp_path / "run"
    assert percept.Model(ended["model"]).restore(rgb(16, 16)).shape == (32, 32, 3)
    path = tmp_path / "again.toml"
    path.write_text(tiny())
    again = []
    percept.train(path, out=tmp_path / "other", callback=again.append)
    assert [step["terms"] for step in again] == [step["terms"] for step in steps]


def test_what_a_callback_raises_ends_the_training_saved(tiny, tmp_path):
    class Enough(Exception):
        pass

    def stop(step):
        if step["iter"] == 2:
            raise Enough

    with pytest.raises(Enough):
        percept.train(tiny(steps=50), callback=stop)
    steps = []

    def go_on(step):
        steps.append(step["iter"])
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        percept.train(tmp_path / "run", resume=True, callback=go_on)
    # The step that was under way when it was told is finished too.
    assert steps[0] in (3, 4)


def test_wrong_configurations_are_refused(tiny, tmp_path):
    with pytest.raises(percept.CallError, match="total_iter"):
        percept.train(tiny().replace("total_iter", "totl_iter"))
    with pytest.raises(percept.CallError, match="no-such.toml"):
        percept.train("no-such.toml")
    with pytest.raises(percept.CallError):
        percept.train(tmp_path / "none", resume=True)


def test_agreement_with_people(tmp_path):
    lines = ["reference,distorted,score"]
    for at in range(6):
        save_png(tmp_path / f"ref{at % 2}.png", rgb(48, 48, at % 2))
        save_png(tmp_path / f"dis{at}.png", noisy(48, 48, at % 2, strength=5 + 8 * at))
        lines.append(f"ref{at % 2}.png,dis{at}.png,{10 - at}")
    table = tmp_path / "opinions.csv"
    table.write_text("\n".join(lines))
    done = []
    found = percept.agree(table, metrics=["psnr-y"], progress=lambda *counts: done.append(counts))
    assert found["metrics"]["psnr-y"]["overall"]["srocc"]["value"] > 0.9 and found["n"] == 6
    assert done[-1][0] == done[-1][1]
    [pair] = percept.agree(table, metrics=["psnr-y", "tv"])["differences"]
    assert (pair["a"], pair["b"]) == ("psnr-y", "tv") and pair["p_holm"] == pair["p"] and 0 <= pair["p"] <= 1
    with pytest.raises(percept.CallError, match="no references"):
        table.with_name("alone.csv").write_text("distorted,score\ndis0.png,3\ndis1.png,2\n")
        percept.agree(table.with_name("alone.csv"), metrics=["psnr-y", "tv"])
    with pytest.raises(percept.CallError, match="layout"):
        percept.agree(table, metrics=["psnr-y"], layout="nobody")
    pandas = pytest.importorskip("pandas", reason="frames are pandas'")
    frame = percept.agree(table, metrics=["psnr-y", "ssim-y"], frame=True)
    assert isinstance(frame, pandas.DataFrame) and list(frame.metric) == ["psnr-y", "ssim-y"] and (frame.srocc > 0.5).all()


def test_two_runs_are_compared(tiny, tmp_path):
    for name in ("a", "b"):
        percept.train(tiny(name, steps=3 if name == "a" else 1))
    found = percept.compare(tmp_path / "a", tmp_path / "b", data=tmp_path / "photos", metrics=["psnr-y", "ssim-y"])
    assert found["order"] == ["psnr-y", "ssim-y"] and len(found["photos"]) == 3 and found["verdict"]
    assert found["metrics"]["psnr-y"]["mean_a"] != found["metrics"]["psnr-y"]["mean_b"]
    with pytest.raises(percept.CallError, match="data=FOLDER"):
        percept.compare(tmp_path / "a", tmp_path / "b")
