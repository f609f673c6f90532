"""ImageDataGenerator: pictures that are turned, moved, coloured and normalized anew for each batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .backend import floatx
from .data_format import data_format_of
from .image_arrays import FILL_MODES, Array, apply_affine_transform, apply_brightness_shift, apply_channel_shift
from .image_batches import DirectoryIterator, NumpyArrayIterator


class ImageDataGenerator:
    """Makes batches of pictures, each changed at random by NumPy's global generator, as `tf.keras.preprocessing.image`.

    Args:
        featurewise_center, featurewise_std_normalization: take off the mean, divide by the deviation, of what `fit` saw.
        samplewise_center, samplewise_std_normalization: the same of each picture.
        zca_whitening, zca_epsilon: whiten by what `fit` saw.
        rotation_range: degrees either way.
        width_shift_range, height_shift_range: shares of the size below 1, pixels from 1 on, or a list of pixels.
        brightness_range: two factors.
        shear_range: degrees either way.
        zoom_range: two factors, or a share either way.
        channel_shift_range: a number either way.
        fill_mode, cval: what is outside of a picture: "constant" (`cval`), "nearest", "reflect" or "wrap".
        horizontal_flip, vertical_flip: mirror every second picture, by chance.
        rescale: pictures are multiplied by it.
        preprocessing_function: of a picture, called before that.
        data_format: "channels_last" or "channels_first".
        validation_split: share of the pictures that are the subset "validation".
        interpolation_order: 1 to interpolate between pixels, 0 to take the nearest.
        dtype: of the pictures.

    Raises:
        ValueError: a number or name is out of range.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> maker = tf.keras.preprocessing.image.ImageDataGenerator(rotation_range=10, horizontal_flip=True)
        >>> x, y = next(maker.flow(np.ones((20, 8, 8, 1)), np.arange(20), batch_size=4))
        >>> x.shape, y.shape
        ((4, 8, 8, 1), (4,))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Any], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if fill_mode not in FILL_MODES:
            raise ValueError(f"fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}")
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` must be strictly between 0 and 1.  Received: {validation_split}")
        if brightness_range is not None and np.shape(brightness_range) != (2,):
            raise ValueError(f"`brightness_range` should be tuple or list of two floats. Received: {brightness_range}")
        self.zoom_range = [1 - zoom_range, 1 + zoom_range] if np.ndim(zoom_range) == 0 else list(zoom_range)
        if len(self.zoom_range) != 2:
            raise ValueError(f"`zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}")
        # As in Keras, what needs a mean takes it off too.
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format, self.validation_split = data_format_of(data_format), validation_split
        self.dtype = dtype or floatx()
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # Batches

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        subset: str | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Batches of pictures in an array [n, height, width, channels], with labels and weights if given.

        Args:
            x: the pictures; or a pair of them and a list of further arrays.
            y: labels.
            batch_size: of a batch.
            shuffle: draw an order each epoch.
            sample_weight: a weight a picture.
            seed: of all that is drawn.
            save_to_dir, save_prefix, save_format: write the pictures that are made there too.
            subset: "training" or "validation", for a part by `validation_split`.

        Raises:
            ValueError: the arrays differ in length, or x has another rank.
        """
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, self.data_format, save_to_dir, save_prefix,
            save_format, subset, self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self, directory: Any, target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
        subset: str | None = None, interpolation: str = "nearest",
    ) -> DirectoryIterator:  # fmt: skip
        """Batches of the pictures of a folder that has a folder for each class.

        Args:
            directory: the folder.
            target_size: (height, width) of the batches.
            color_mode: "grayscale", "rgb" or "rgba".
            classes: names of the classes' folders, by default all, in order.
            class_mode: what the labels are: "categorical" (one-hot), "binary" or "sparse" (numbers), "input" (the
                pictures), None for none.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: as for `flow`.
            follow_links: look into folders that are links.
            interpolation: see `load_img`.

        Raises:
            FileNotFoundError: there is no such folder.
            ImportError: there is no Pillow.
        """
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed,
            self.data_format, save_to_dir, save_prefix, save_format, follow_links, subset, interpolation, self.dtype,
        )  # fmt: skip

    # One picture

    def standardize(self, x: Any) -> Any:
        """A picture, or a batch of them, normalized as the arguments say."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center:
            x = x - self._fitted("mean", "featurewise_center", 0.0)
        if self.featurewise_std_normalization:
            x = x / (self._fitted("std", "featurewise_std_normalization", 1.0) + 1e-6)
        if self.zca_whitening and self._fitted("zca_whitening_matrix", "zca_whitening", None) is not None:
            x = np.reshape(np.reshape(x, (-1, np.prod(x.shape[-3:]))) @ self.zca_whitening_matrix, x.shape)
        return x

    def _fitted(self, name: str, argument: str, usual: Any) -> Any:
        found = getattr(self, name)
        if found is None:
            warnings.warn(
                f"This ImageDataGenerator specifies `{argument}`, but it hasn't been fit on any training data. Fit it "
                "first by calling `.fit(numpy_data)`.",
                stacklevel=4,
            )
            return usual
        return found

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """The numbers of a random change of a picture of a shape."""
        rows, columns = self.row_axis - 1, self.col_axis - 1
        if seed is not None:
            np.random.seed(seed)
        theta = np.random.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = _drawn_shift(self.height_shift_range, img_shape[rows])
        ty = _drawn_shift(self.width_shift_range, img_shape[columns])
        shear = np.random.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else np.random.uniform(self.zoom_range[0], self.zoom_range[1], 2)
        horizontal = (np.random.random() < 0.5) and self.horizontal_flip
        vertical = (np.random.random() < 0.5) and self.vertical_flip
        reach = self.channel_shift_range
        channels = np.random.uniform(-reach, reach) if reach else None
        brightness = None if self.brightness_range is None else np.random.uniform(*self.brightness_range)
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy, "flip_horizontal": horizontal,
            "flip_vertical": vertical, "channel_shift_intensity": channels, "brightness": brightness,
        }  # fmt: skip

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> Array:
        """A picture changed by numbers as of `get_random_transform`; those that are not named change nothing."""
        given: Any = transform_parameters.get
        axes = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x, given("theta", 0), given("tx", 0), given("ty", 0), given("shear", 0), given("zx", 1), given("zy", 1),
            *axes, self.fill_mode, self.cval, self.interpolation_order,
        )  # fmt: skip
        if given("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given("channel_shift_intensity"), axes[2])
        for name, axis in (("flip_horizontal", axes[1]), ("flip_vertical", axes[0])):
            if given(name):
                x = np.flip(x, axis)
        if given("brightness") is not None:
            x = apply_brightness_shift(x, given("brightness"), False)
        return np.asarray(x)

    def random_transform(self, x: Any, seed: int | None = None) -> Array:
        """A picture changed at random."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learns mean, deviation and whitening of pictures.

        Args:
            x: the pictures.
            augment: of changed ones.
            rounds: how often each is changed then.
            seed: of the changes.

        Raises:
            ValueError: x has another rank.
        """
        pictures = np.array(x, self.dtype)
        if pictures.ndim != 4:
            raise ValueError(f"Input to `.fit()` should have rank 4. Got array with shape: {pictures.shape}")
        if seed is not None:
            np.random.seed(seed)
        if augment:
            pictures = np.stack([self.random_transform(picture) for _ in range(rounds) for picture in pictures])
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(pictures, axis=axes, keepdims=True)[0]
            pictures = pictures - self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(pictures, axis=axes, keepdims=True)[0]
            pictures = pictures / (self.std + 1e-6)
        if self.zca_whitening:
            flat = pictures.reshape(len(pictures), -1)
            u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
            self.zca_whitening_matrix = (u / np.sqrt(s + self.zca_epsilon)) @ u.T


def _drawn_shift(reach: Any, size: int) -> float:
    """Pixels to move a picture by."""
    if np.ndim(reach) == 0 and not reach:
        return 0.0
    if np.ndim(reach) or isinstance(reach, int | np.integer):
        found = float(np.random.choice(reach)) * np.random.choice([-1, 1])
    else:
        found = np.random.uniform(-reach, reach)
    return float(found * size) if np.max(reach) < 1 else float(found)
