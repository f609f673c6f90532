"""The names of TensorFlow 1.15's `tf.keras.preprocessing.image`."""

from ...layers.keras.image_arrays import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    array_to_img,
    img_to_array,
    load_img,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
    save_img,
)
from ...layers.keras.image_batches import DirectoryIterator, Iterator, NumpyArrayIterator
from ...layers.keras.image_generator import ImageDataGenerator

__all__ = [
    "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator", "apply_affine_transform",
    "apply_brightness_shift", "apply_channel_shift", "array_to_img", "img_to_array", "load_img", "random_brightness",
    "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom", "save_img",
]  # fmt: skip
