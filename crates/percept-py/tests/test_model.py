import percept
import pytest
from pictures import Array, levels, rgb, save_png


@pytest.fixture(scope="module")
def model():
    return percept.Model("photo-x4")


def test_models_are_inside(model):
    names = [entry["name"] for entry in percept.models()]
    assert names[0] == "photo-x4" and all(entry["licence"] and entry["copyright"] for entry in percept.models())
    assert model.scale == 4 and "photo-x4" in repr(model) and model.network


def test_a_file_and_an_array_give_the_same(model, tmp_path):
    path = save_png(tmp_path / "small.png", rgb(20, 24))
    restored = model.restore(path)
    assert restored.shape == (80, 96, 3) and restored.dtype == "uint8"
    assert model.restore(rgb(20, 24)).tobytes() == restored.tobytes()
    restored.save(tmp_path / "large.png")
    assert percept.create_metric("psnr-rgb")(tmp_path / "large.png", restored) == float("inf")
    floats = model.restore(type("Floats", (Array,), {"dtype": "float32"})((20, 24, 3), "f", [v / 255 for v in levels(20, 24)]))
    assert floats.dtype == "float32" and percept.create_metric("psnr-rgb")(floats, restored) > 50


def test_opacity_is_enlarged_and_batches_are_lists(model, tmp_path):
    values = levels(16, 16)
    see_through = Array((16, 16, 4), "B", [v for at in range(256) for v in (*values[3 * at : 3 * at + 3], at)])
    restored = model.restore(see_through)
    assert restored.shape == (64, 64, 4)
    restored.save(tmp_path / "kept.png")
    assert model.restore(save_png(tmp_path / "in.png", see_through)).tobytes() == restored.tobytes()
    batch = model.restore(Array((2, 16, 16, 3), "B", values * 2))
    assert [one.shape for one in batch] == [(64, 64, 3)] * 2 and batch[0].tobytes() == batch[1].tobytes()


@pytest.mark.filterwarnings("ignore:precision")
def test_half_precision_is_within_a_level():
    full, half = (percept.Model("denoise", precision=precision).restore(rgb(40, 32)) for precision in ("f32", "bf16"))
    assert max(abs(a - b) for a, b in zip(full.tobytes(), half.tobytes())) <= 1
    with pytest.raises(percept.CallError, match="f16"):
        percept.Model("denoise", precision="f16")


def test_wrong_models_and_pictures_are_refused(model, tmp_path):
    with pytest.raises(percept.CallError, match="photo-x5"):
        percept.Model("photo-x5")
    (tmp_path / "not.pth").write_bytes(b"no weights")
    with pytest.raises(percept.WorkError, match="not.pth"):
        percept.Model(tmp_path / "not.pth")
    with pytest.raises(percept.ArrayError, match="image: "):
        model.restore(Array((8, 8, 3), "f", [9.0] * 192))
