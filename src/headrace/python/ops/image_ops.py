"""The names of `tensorflow.python.ops.image_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.image import (
        ResizeMethod as ResizeMethodV1,
        central_crop,
        crop_to_bounding_box,
        flip_left_right,
        flip_up_down,
        pad_to_bounding_box,
        random_flip_left_right,
        random_flip_up_down,
        resize_image_with_crop_or_pad,
        resize_image_with_pad as resize_image_with_pad_v1,
        resize_images,
        rot90,
        transpose_image as transpose,
    )
    from ...engine.ops.image_boxes import (
        draw_bounding_boxes,
        non_max_suppression,
        non_max_suppression_padded,
        non_max_suppression_with_scores,
        sample_distorted_bounding_box,
    )
    from ...engine.ops.image_codecs import (
        adjust_jpeg_quality,
        decode_and_crop_jpeg,
        decode_bmp,
        decode_gif,
        decode_image,
        decode_jpeg,
        decode_png,
        encode_jpeg,
        encode_png,
        extract_jpeg_shape,
        is_jpeg,
    )
    from ...engine.ops.image_color import hsv_to_rgb, rgb_to_hsv, rgb_to_yiq, rgb_to_yuv, yiq_to_rgb, yuv_to_rgb
    from ...engine.ops.image_convert import (
        adjust_contrast,
        adjust_hue,
        adjust_saturation,
        convert_image_dtype,
        grayscale_to_rgb,
        per_image_standardization,
        random_contrast,
        random_hue,
        random_saturation,
        rgb_to_grayscale,
    )
    from ...engine.ops.image_crop import crop_and_resize as crop_and_resize_v1
    from ...engine.ops.image_quality import image_gradients, psnr, sobel_edges, ssim, ssim_multiscale, total_variation
    from ...engine.ops.image_resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor

__all__ = [
    "ResizeMethodV1", "adjust_contrast", "adjust_hue", "adjust_jpeg_quality", "adjust_saturation", "central_crop",
    "convert_image_dtype", "crop_and_resize_v1", "crop_to_bounding_box", "decode_and_crop_jpeg", "decode_bmp",
    "decode_gif", "decode_image", "decode_jpeg", "decode_png", "draw_bounding_boxes", "encode_jpeg", "encode_png",
    "extract_jpeg_shape", "flip_left_right", "flip_up_down", "grayscale_to_rgb", "hsv_to_rgb", "image_gradients",
    "is_jpeg", "non_max_suppression", "non_max_suppression_padded", "non_max_suppression_with_scores",
    "pad_to_bounding_box", "per_image_standardization", "psnr", "random_contrast", "random_flip_left_right",
    "random_flip_up_down", "random_hue", "random_saturation", "resize_area", "resize_bicubic", "resize_bilinear",
    "resize_image_with_crop_or_pad", "resize_image_with_pad_v1", "resize_images", "resize_nearest_neighbor",
    "rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yiq", "rgb_to_yuv", "rot90", "sample_distorted_bounding_box",
    "sobel_edges", "ssim", "ssim_multiscale", "total_variation", "transpose", "yiq_to_rgb", "yuv_to_rgb",
]  # fmt: skip

_PLACES: Places = {
    "ResizeMethodV1": ("...engine.ops.image", "ResizeMethod"),
    "adjust_contrast": ("...engine.ops.image_convert", "adjust_contrast"),
    "adjust_hue": ("...engine.ops.image_convert", "adjust_hue"),
    "adjust_jpeg_quality": ("...engine.ops.image_codecs", "adjust_jpeg_quality"),
    "adjust_saturation": ("...engine.ops.image_convert", "adjust_saturation"),
    "central_crop": ("...engine.ops.image", "central_crop"),
    "convert_image_dtype": ("...engine.ops.image_convert", "convert_image_dtype"),
    "crop_and_resize_v1": ("...engine.ops.image_crop", "crop_and_resize"),
    "crop_to_bounding_box": ("...engine.ops.image", "crop_to_bounding_box"),
    "decode_and_crop_jpeg": ("...engine.ops.image_codecs", "decode_and_crop_jpeg"),
    "decode_bmp": ("...engine.ops.image_codecs", "decode_bmp"),
    "decode_gif": ("...engine.ops.image_codecs", "decode_gif"),
    "decode_image": ("...engine.ops.image_codecs", "decode_image"),
    "decode_jpeg": ("...engine.ops.image_codecs", "decode_jpeg"),
    "decode_png": ("...engine.ops.image_codecs", "decode_png"),
    "draw_bounding_boxes": ("...engine.ops.image_boxes", "draw_bounding_boxes"),
    "encode_jpeg": ("...engine.ops.image_codecs", "encode_jpeg"),
    "encode_png": ("...engine.ops.image_codecs", "encode_png"),
    "extract_jpeg_shape": ("...engine.ops.image_codecs", "extract_jpeg_shape"),
    "flip_left_right": ("...engine.ops.image", "flip_left_right"),
    "flip_up_down": ("...engine.ops.image", "flip_up_down"),
    "grayscale_to_rgb": ("...engine.ops.image_convert", "grayscale_to_rgb"),
    "hsv_to_rgb": ("...engine.ops.image_color", "hsv_to_rgb"),
    "image_gradients": ("...engine.ops.image_quality", "image_gradients"),
    "is_jpeg": ("...engine.ops.image_codecs", "is_jpeg"),
    "non_max_suppression": ("...engine.ops.image_boxes", "non_max_suppression"),
    "non_max_suppression_padded": ("...engine.ops.image_boxes", "non_max_suppression_padded"),
    "non_max_suppression_with_scores": ("...engine.ops.image_boxes", "non_max_suppression_with_scores"),
    "pad_to_bounding_box": ("...engine.ops.image", "pad_to_bounding_box"),
    "per_image_standardization": ("...engine.ops.image_convert", "per_image_standardization"),
    "psnr": ("...engine.ops.image_quality", "psnr"),
    "random_contrast": ("...engine.ops.image_convert", "random_contrast"),
    "random_flip_left_right": ("...engine.ops.image", "random_flip_left_right"),
    "random_flip_up_down": ("...engine.ops.image", "random_flip_up_down"),
    "random_hue": ("...engine.ops.image_convert", "random_hue"),
    "random_saturation": ("...engine.ops.image_convert", "random_saturation"),
    "resize_area": ("...engine.ops.image_resize", "resize_area"),
    "resize_bicubic": ("...engine.ops.image_resize", "resize_bicubic"),
    "resize_bilinear": ("...engine.ops.image_resize", "resize_bilinear"),
    "resize_image_with_crop_or_pad": ("...engine.ops.image", "resize_image_with_crop_or_pad"),
    "resize_image_with_pad_v1": ("...engine.ops.image", "resize_image_with_pad"),
    "resize_images": ("...engine.ops.image", "resize_images"),
    "resize_nearest_neighbor": ("...engine.ops.image_resize", "resize_nearest_neighbor"),
    "rgb_to_grayscale": ("...engine.ops.image_convert", "rgb_to_grayscale"),
    "rgb_to_hsv": ("...engine.ops.image_color", "rgb_to_hsv"),
    "rgb_to_yiq": ("...engine.ops.image_color", "rgb_to_yiq"),
    "rgb_to_yuv": ("...engine.ops.image_color", "rgb_to_yuv"),
    "rot90": ("...engine.ops.image", "rot90"),
    "sample_distorted_bounding_box": ("...engine.ops.image_boxes", "sample_distorted_bounding_box"),
    "sobel_edges": ("...engine.ops.image_quality", "sobel_edges"),
    "ssim": ("...engine.ops.image_quality", "ssim"),
    "ssim_multiscale": ("...engine.ops.image_quality", "ssim_multiscale"),
    "total_variation": ("...engine.ops.image_quality", "total_variation"),
    "transpose": ("...engine.ops.image", "transpose_image"),
    "yiq_to_rgb": ("...engine.ops.image_color", "yiq_to_rgb"),
    "yuv_to_rgb": ("...engine.ops.image_color", "yuv_to_rgb"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
