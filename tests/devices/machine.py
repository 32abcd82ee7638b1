"""A machine with two NVIDIA GPUs, as far as its folders go."""

from pathlib import Path

NODES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidia1")


def machine(root: Path) -> Path:
    """Its root folder. The nodes are /dev/null by other names: to be opened, and no use."""
    (root / "dev/nvidia-caps").mkdir(parents=True)
    for name in NODES:
        (root / "dev" / name).symlink_to("/dev/null")
    driver = root / "proc/driver/nvidia"
    driver.mkdir(parents=True)
    (driver / "params").write_text("ModifyDeviceFiles: 0\n")
    return root
