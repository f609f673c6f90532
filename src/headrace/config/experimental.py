"""The names of TensorFlow 1.15's `tf.config.experimental`: devices, and their memory."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..engine.process_config import (
        LogicalDevice,
        PhysicalDevice,
        VirtualDeviceConfiguration,
        get_device_policy,
        get_memory_growth,
        get_synchronous_execution,
        get_virtual_device_configuration,
        get_visible_devices,
        list_logical_devices,
        list_physical_devices,
        set_device_policy,
        set_memory_growth,
        set_synchronous_execution,
        set_virtual_device_configuration,
        set_visible_devices,
    )

__all__ = [
    "LogicalDevice", "PhysicalDevice", "VirtualDeviceConfiguration", "get_device_policy", "get_memory_growth",
    "get_synchronous_execution", "get_virtual_device_configuration", "get_visible_devices", "list_logical_devices",
    "list_physical_devices", "set_device_policy", "set_memory_growth", "set_synchronous_execution",
    "set_virtual_device_configuration", "set_visible_devices",
]  # fmt: skip

_PLACES: Places = {
    "LogicalDevice": ("..engine.process_config", "LogicalDevice"),
    "PhysicalDevice": ("..engine.process_config", "PhysicalDevice"),
    "VirtualDeviceConfiguration": ("..engine.process_config", "VirtualDeviceConfiguration"),
    "get_device_policy": ("..engine.process_config", "get_device_policy"),
    "get_memory_growth": ("..engine.process_config", "get_memory_growth"),
    "get_synchronous_execution": ("..engine.process_config", "get_synchronous_execution"),
    "get_virtual_device_configuration": ("..engine.process_config", "get_virtual_device_configuration"),
    "get_visible_devices": ("..engine.process_config", "get_visible_devices"),
    "list_logical_devices": ("..engine.process_config", "list_logical_devices"),
    "list_physical_devices": ("..engine.process_config", "list_physical_devices"),
    "set_device_policy": ("..engine.process_config", "set_device_policy"),
    "set_memory_growth": ("..engine.process_config", "set_memory_growth"),
    "set_synchronous_execution": ("..engine.process_config", "set_synchronous_execution"),
    "set_virtual_device_configuration": ("..engine.process_config", "set_virtual_device_configuration"),
    "set_visible_devices": ("..engine.process_config", "set_visible_devices"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
