"""What the wheel says about the licences of what is inside."""

from importlib import metadata


def test_the_wheel_has_the_licences_of_all_that_is_inside():
    (file,) = [file for file in metadata.distribution("percept").files if file.name == "inside.txt"]
    assert "licenses" in file.parts and ".dist-info" in file.parts[0]
    text = file.read_text()
    for part in (
        "LICENSE-MIT\n\n",
        "LICENSE-APACHE\n\n",
        "assets/weights/LICENSES.md\n\n",
        "assets/niqe/LICENSES.md\n\n",
        "assets/photos/LICENSES.md\n\n",
        "models/photo-x4/LICENSE\n\n",
        "models/classic-x4/LICENSE\n\n",
        "models/classic-x4-psnr/LICENSE\n\n",
        "Rust packages inside",
        "\nserde 1.",
        "Permission is hereby granted, free of charge",
        "Apache License",
    ):
        assert part in text, part
