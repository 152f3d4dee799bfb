"""tf.distribute strategies by name."""

from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

NAMES = ("none", "mirrored")


def make_strategy(name: str, logical_cpus: int = 0) -> tf.distribute.Strategy:
    """The strategy of a name.

    Args:
        name: "none" (the default device) or "mirrored" (all GPUs of this machine; without a GPU, its logical CPUs).
        logical_cpus: splits the CPU into so many logical devices first, to try data parallelism without GPUs.

    Raises:
        UserError: unknown name, or TensorFlow was used before the split.
    """
    if name not in NAMES:
        raise UserError(f"unknown strategy {name!r}; known: {', '.join(NAMES)}")
    if logical_cpus > 1:
        try:
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * logical_cpus)
        except RuntimeError:
            raise UserError("logical devices must be set before TensorFlow runs; start a new process") from None
    if name == "none":
        return tf.distribute.get_strategy()
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
