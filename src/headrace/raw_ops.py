"""`tf.raw_ops`: every op by its type name, taking keyword arguments by TensorFlow's names."""

# fmt: off
# ruff: noqa: I001
from .engine.ops.accumulators import (
    apply_gradient_op as AccumulatorApplyGradient, num_accumulated_op as AccumulatorNumAccumulated,
    set_global_step_op as AccumulatorSetGlobalStep, take_gradient_op as AccumulatorTakeGradient,
    conditional_accumulator_op as ConditionalAccumulator, sparse_apply_gradient_op as SparseAccumulatorApplyGradient,
    sparse_take_gradient_op as SparseAccumulatorTakeGradient,
    sparse_conditional_accumulator_op as SparseConditionalAccumulator,
)
from .engine.ops.array import (
    fill_op as Fill, identity_op as Identity, pack_op as Pack, rank_op as Rank, reshape_op as Reshape,
    shape_op as Shape,
)
from .engine.ops.array_dynamic import (
    dynamic_partition_op as DynamicPartition, dynamic_stitch_op as DynamicStitch,
    parallel_dynamic_stitch_op as ParallelDynamicStitch,
)
from .engine.ops.array_order import (
    conjugate_transpose_op as ConjugateTranspose, invert_permutation_op as InvertPermutation,
    reverse_sequence_op as ReverseSequence, reverse_v2_op as ReverseV2, roll_op as Roll, transpose_op as Transpose,
)
from .engine.ops.array_pad import (
    mirror_pad_op as MirrorPad, mirror_pad_grad_op as MirrorPadGrad, pad_op as Pad, pad_v2_op as PadV2,
    tile_op as Tile,
)
from .engine.ops.array_parts import (
    broadcast_to_op as BroadcastTo, concat_v1_op as Concat, concat_offset_op as ConcatOffset,
    concat_v2_op as ConcatV2, unpack_op as Unpack,
)
from .engine.ops.array_scatter import (
    scatter_nd_op as ScatterNd, tensor_scatter_add_op as TensorScatterAdd, tensor_scatter_sub_op as TensorScatterSub,
    tensor_scatter_update_op as TensorScatterUpdate,
)
from .engine.ops.array_sets import (
    list_diff_op as ListDiff, lower_bound_op as LowerBound, one_hot_op as OneHot, unique_op as Unique,
    unique_v2_op as UniqueV2, unique_with_counts_op as UniqueWithCounts, upper_bound_op as UpperBound,
)
from .engine.ops.array_shape import (
    broadcast_args_op as BroadcastArgs, ensure_shape_op as EnsureShape, expand_dims_op as ExpandDims,
    shape_n_op as ShapeN, size_op as Size, squeeze_op as Squeeze,
)
from .engine.ops.array_slice import (
    slice_op as Slice, strided_slice_op as StridedSlice, strided_slice_grad_op as StridedSliceGrad,
)
from .engine.ops.array_space import (
    batch_to_space_nd_op as BatchToSpaceND, depth_to_space_op as DepthToSpace, space_to_batch_nd_op as SpaceToBatchND,
    space_to_depth_op as SpaceToDepth,
)
from .engine.ops.array_split import (
    split_op as Split, split_v_op as SplitV,
)
from .engine.ops.barrier import (
    barrier_op as Barrier, barrier_close_op as BarrierClose, barrier_incomplete_size_op as BarrierIncompleteSize,
    barrier_insert_many_op as BarrierInsertMany, barrier_ready_size_op as BarrierReadySize,
    barrier_take_many_op as BarrierTakeMany,
)
from .engine.ops.beam_search import (
    gather_tree_op as GatherTree,
)
from .engine.ops.binary import (
    atan2_op as Atan2, maximum_op as Maximum, minimum_op as Minimum, mul_no_nan_op as MulNoNan, pow_op as Pow,
    squared_difference_op as SquaredDifference, xdivy_op as Xdivy, xlogy_op as Xlogy,
)
from .engine.ops.broadcasting import (
    broadcast_gradient_args_op as BroadcastGradientArgs,
)
from .engine.ops.casting import (
    bitcast_op as Bitcast, cast_op as Cast,
)
from .engine.ops.checking import (
    assert_op as Assert, print_op as Print, print_v2_op as PrintV2, string_format_op as StringFormat,
)
from .engine.ops.checkpoint_files import (
    merge_checkpoints_op as MergeV2Checkpoints, restore_op as RestoreV2, save_op as SaveV2,
    sharded_filename_op as ShardedFilename,
)
from .engine.ops.choice import (
    clip_by_value_op as ClipByValue, select_op as Select, select_v2_op as SelectV2,
)
from .engine.ops.collective import (
    collective_bcast_recv_op as CollectiveBcastRecv, collective_bcast_send_op as CollectiveBcastSend,
    collective_collect_op as CollectiveCollect, collective_gather_op as CollectiveGather,
    collective_reduce_op as CollectiveReduce, collective_rows_op as CollectiveRows,
    collective_share_op as CollectiveShare, collective_start_op as CollectiveStart,
    collective_wait_op as CollectiveWait,
)
from .engine.ops.comparison import (
    approximate_equal_op as ApproximateEqual, bitwise_and_op as BitwiseAnd, bitwise_or_op as BitwiseOr,
    bitwise_xor_op as BitwiseXor, equal_op as Equal, greater_op as Greater, greater_equal_op as GreaterEqual,
    left_shift_op as LeftShift, less_op as Less, less_equal_op as LessEqual, logical_and_op as LogicalAnd,
    logical_or_op as LogicalOr, not_equal_op as NotEqual, right_shift_op as RightShift,
)
from .engine.ops.complex_parts import (
    angle_op as Angle, complex_op as Complex, complex_abs_op as ComplexAbs, conj_op as Conj, imag_op as Imag,
    real_op as Real,
)
from .engine.ops.constant import (
    const_op as Const, placeholder_op as Placeholder, placeholder_with_default_op as PlaceholderWithDefault,
)
from .engine.ops.control import (
    control_trigger_op as ControlTrigger, identity_n_op as IdentityN, no_op_op as NoOp,
)
from .engine.ops.critical_section import (
    mutex_v2_op as MutexV2,
)
from .engine.ops.decoding import (
    decode_csv_op as DecodeCSV, decode_raw_op as DecodeRaw,
)
from .engine.ops.decompositions import (
    qr_op as Qr, self_adjoint_eig_v2_op as SelfAdjointEigV2, svd_op as Svd,
)
from .engine.ops.diagonals import (
    diag_op as Diag, diag_part_op as DiagPart, matrix_band_part_op as MatrixBandPart, matrix_diag_op as MatrixDiag,
    matrix_diag_part_op as MatrixDiagPart, matrix_set_diag_op as MatrixSetDiag,
)
from .engine.ops.division import (
    div_op as Div, div_no_nan_op as DivNoNan, floor_mod_op as FloorMod, mod_op as Mod, real_div_op as RealDiv,
    truncate_div_op as TruncateDiv, truncate_mod_op as TruncateMod,
)
from .engine.ops.elementwise import (
    add_op as Add, add_v2_op as AddV2, floor_div_op as FloorDiv, multiply_op as Mul, subtract_op as Sub,
)
from .engine.ops.elementwise_nary import (
    accumulate_n_v2_op as AccumulateNV2, add_n_op as AddN, cross_op as Cross,
)
from .engine.ops.extrema import (
    all_op as All, any_op as Any, arg_max_op as ArgMax, arg_min_op as ArgMin, max_op as Max, min_op as Min,
)
from .engine.ops.files import (
    matching_files as MatchingFiles, read_file as ReadFile, write_file as WriteFile,
)
from .engine.ops.fourier import (
    fft_op as FFT, fft2d_op as FFT2D, fft3d_op as FFT3D, ifft_op as IFFT, ifft2d_op as IFFT2D, ifft3d_op as IFFT3D,
)
from .engine.ops.fourier_real import (
    irfft_op as IRFFT, irfft2d_op as IRFFT2D, irfft3d_op as IRFFT3D, rfft_op as RFFT, rfft2d_op as RFFT2D,
    rfft3d_op as RFFT3D,
)
from .engine.ops.functional import (
    fake_param_op as FakeParam, if_op as If, partitioned_call_op as PartitionedCall,
    stateful_partitioned_call_op as StatefulPartitionedCall, while_op as While,
)
from .engine.ops.guards import (
    check_numerics_op as CheckNumerics, ones_like_op as OnesLike, prevent_gradient_op as PreventGradient,
    stop_gradient_op as StopGradient, zeros_like_op as ZerosLike,
)
from .engine.ops.image_boxes import (
    draw_bounding_boxes_op as DrawBoundingBoxes, draw_bounding_boxes_v2_op as DrawBoundingBoxesV2,
    non_max_suppression_op as NonMaxSuppression, non_max_suppression_v2_op as NonMaxSuppressionV2,
    non_max_suppression_v3_op as NonMaxSuppressionV3, non_max_suppression_v4_op as NonMaxSuppressionV4,
    non_max_suppression_v5_op as NonMaxSuppressionV5, sample_distorted_bounding_box_op as SampleDistortedBoundingBox,
    sample_distorted_bounding_box_v2_op as SampleDistortedBoundingBoxV2,
)
from .engine.ops.image_codecs import (
    decode_and_crop_jpeg_op as DecodeAndCropJpeg, decode_bmp_op as DecodeBmp, decode_gif_op as DecodeGif,
    decode_image_op as DecodeImage, decode_jpeg_op as DecodeJpeg, decode_png_op as DecodePng,
    encode_jpeg_op as EncodeJpeg, encode_png_op as EncodePng, extract_jpeg_shape_op as ExtractJpegShape,
)
from .engine.ops.image_color import (
    adjust_contrast_op as AdjustContrastv2, adjust_hue_op as AdjustHue, adjust_saturation_op as AdjustSaturation,
    hsv_to_rgb_op as HSVToRGB, rgb_to_hsv_op as RGBToHSV,
)
from .engine.ops.image_crop import (
    crop_and_resize_op as CropAndResize, crop_and_resize_grad_boxes_op as CropAndResizeGradBoxes,
    crop_and_resize_grad_image_op as CropAndResizeGradImage, extract_image_patches_op as ExtractImagePatches,
    extract_image_patches_grad_op as ExtractImagePatchesGrad,
)
from .engine.ops.image_resize import (
    resize_area_op as ResizeArea, resize_bicubic_op as ResizeBicubic, resize_bicubic_grad_op as ResizeBicubicGrad,
    resize_bilinear_op as ResizeBilinear, resize_bilinear_grad_op as ResizeBilinearGrad,
    resize_nearest_neighbor_op as ResizeNearestNeighbor, resize_nearest_neighbor_grad_op as ResizeNearestNeighborGrad,
)
from .engine.ops.indexing import (
    gather_v1_op as Gather, gather_nd_op as GatherNd, gather_op as GatherV2, where_op as Where,
)
from .engine.ops.iterators import (
    dataset_cardinality_op as DatasetCardinality, iterator_from_string_handle_op as IteratorFromStringHandleV2,
    iterator_get_next_op as IteratorGetNext, iterator_state_op as IteratorState,
    iterator_to_string_handle_op as IteratorToStringHandle, iterator_op as IteratorV2,
    make_iterator_op as MakeIterator, one_shot_iterator_op as OneShotIterator, python_dataset_op as PythonDataset,
    reduce_dataset_op as ReduceDataset, restore_iterator_state_op as RestoreIteratorState,
)
from .engine.ops.linalg import (
    batch_matmul_op as BatchMatMul, batch_matmul_v2_op as BatchMatMulV2, matmul_op as MatMul,
)
from .engine.ops.memory_stats import (
    BytesInUse as BytesInUse, BytesLimit as BytesLimit, MaxBytesInUse as MaxBytesInUse,
)
from .engine.ops.neighbors import (
    nearest_neighbors_op as NearestNeighbors,
)
from .engine.ops.nn_activations import (
    elu_op as Elu, elu_grad_op as EluGrad, leaky_relu_op as LeakyRelu, leaky_relu_grad_op as LeakyReluGrad,
    relu_op as Relu, relu6_op as Relu6, relu6_grad_op as Relu6Grad, relu_grad_op as ReluGrad, selu_op as Selu,
    selu_grad_op as SeluGrad, softplus_op as Softplus, softplus_grad_op as SoftplusGrad, softsign_op as Softsign,
    softsign_grad_op as SoftsignGrad,
)
from .engine.ops.nn_bias import (
    bias_add_op as BiasAdd, bias_add_grad_op as BiasAddGrad, bias_add_v1_op as BiasAddV1, l2_loss_op as L2Loss,
)
from .engine.ops.nn_candidates import (
    all_candidate_sampler_op as AllCandidateSampler, compute_accidental_hits_op as ComputeAccidentalHits,
    fixed_unigram_candidate_sampler_op as FixedUnigramCandidateSampler,
    learned_unigram_candidate_sampler_op as LearnedUnigramCandidateSampler,
    log_uniform_candidate_sampler_op as LogUniformCandidateSampler,
    unigram_candidate_sampler_op as ThreadUnsafeUnigramCandidateSampler,
    uniform_candidate_sampler_op as UniformCandidateSampler,
)
from .engine.ops.nn_conv import (
    conv2d_op as Conv2D, conv2d_backprop_filter_op as Conv2DBackpropFilter,
    conv2d_backprop_input_op as Conv2DBackpropInput, conv3d_op as Conv3D,
    conv3d_backprop_filter_op as Conv3DBackpropFilterV2, conv3d_backprop_input_op as Conv3DBackpropInputV2,
    depthwise_conv2d_op as DepthwiseConv2dNative, depthwise_backprop_filter_op as DepthwiseConv2dNativeBackpropFilter,
    depthwise_backprop_input_op as DepthwiseConv2dNativeBackpropInput,
)
from .engine.ops.nn_ctc import (
    ctc_beam_search_decoder_op as CTCBeamSearchDecoder, ctc_greedy_decoder_op as CTCGreedyDecoder,
    ctc_loss_op as CTCLoss,
)
from .engine.ops.nn_layer_norm import (
    layer_normalization_op as LayerNormalization, layer_normalization_grad_op as LayerNormalizationGrad,
)
from .engine.ops.nn_norm import (
    fused_batch_norm_op as FusedBatchNorm, fused_batch_norm_grad_op as FusedBatchNormGrad,
    fused_batch_norm_grad_v2_op as FusedBatchNormGradV2, fused_batch_norm_grad_v3_op as FusedBatchNormGradV3,
    fused_batch_norm_v2_op as FusedBatchNormV2, fused_batch_norm_v3_op as FusedBatchNormV3, lrn_op as LRN,
    lrn_grad_op as LRNGrad,
)
from .engine.ops.nn_pool import (
    avg_pool_op as AvgPool, avg_pool3d_op as AvgPool3D, avg_pool3d_grad_op as AvgPool3DGrad,
    avg_pool_grad_op as AvgPoolGrad, max_pool_op as MaxPool, max_pool3d_op as MaxPool3D,
    max_pool3d_grad_op as MaxPool3DGrad, max_pool3d_grad_grad_op as MaxPool3DGradGrad,
    max_pool_grad_op as MaxPoolGrad, max_pool_grad_grad_op as MaxPoolGradGrad,
    max_pool_grad_grad_with_argmax_op as MaxPoolGradGradWithArgmax,
    max_pool_grad_with_argmax_op as MaxPoolGradWithArgmax, max_pool_with_argmax_op as MaxPoolWithArgmax,
)
from .engine.ops.nn_softmax import (
    log_softmax_op as LogSoftmax, softmax_op as Softmax, softmax_cross_entropy_op as SoftmaxCrossEntropyWithLogits,
    sparse_softmax_cross_entropy_op as SparseSoftmaxCrossEntropyWithLogits,
)
from .engine.ops.optional import (
    optional_from_value_op as OptionalFromValue, optional_get_value_op as OptionalGetValue,
    optional_has_value_op as OptionalHasValue, optional_none_op as OptionalNone,
)
from .engine.ops.parsing_ops import (
    parse_example_op as ParseExample, parse_single_example_op as ParseSingleExample,
    parse_single_sequence_example_op as ParseSingleSequenceExample,
)
from .engine.ops.products import (
    einsum_op as Einsum,
)
from .engine.ops.py_func import (
    py_func_op as PyFunc, py_func_stateless_op as PyFuncStateless,
)
from .engine.ops.queues import (
    fifo_queue_op as FIFOQueueV2, padding_fifo_queue_op as PaddingFIFOQueueV2, priority_queue_op as PriorityQueueV2,
    queue_close_op as QueueCloseV2, queue_dequeue_many_op as QueueDequeueManyV2,
    queue_dequeue_up_to_op as QueueDequeueUpToV2, queue_dequeue_op as QueueDequeueV2,
    queue_enqueue_many_op as QueueEnqueueManyV2, queue_enqueue_op as QueueEnqueueV2,
    queue_is_closed_op as QueueIsClosedV2, queue_size_op as QueueSizeV2,
    random_shuffle_queue_op as RandomShuffleQueueV2,
)
from .engine.ops.random import (
    multinomial_op as Multinomial, random_gamma_op as RandomGamma, random_poisson_op as RandomPoissonV2,
    random_shuffle_op as RandomShuffle, random_standard_normal_op as RandomStandardNormal,
    random_uniform_op as RandomUniform, random_uniform_int_op as RandomUniformInt,
    truncated_normal_op as TruncatedNormal,
)
from .engine.ops.random_stateless import (
    stateless_multinomial_op as StatelessMultinomial, stateless_random_normal_op as StatelessRandomNormal,
    stateless_random_uniform_op as StatelessRandomUniform,
    stateless_random_uniform_int_op as StatelessRandomUniformInt,
    stateless_truncated_normal_op as StatelessTruncatedNormal,
)
from .engine.ops.ranges import (
    bincount_op as Bincount, bucketize_op as Bucketize, histogram_fixed_width_op as HistogramFixedWidth,
    lin_space_op as LinSpace, range_op as Range,
)
from .engine.ops.raw_control import (
    enter_op as Enter, exit_op as Exit, loop_cond_op as LoopCond, merge_op as Merge,
    next_iteration_op as NextIteration, ref_enter_op as RefEnter, ref_exit_op as RefExit, ref_merge_op as RefMerge,
    ref_next_iteration_op as RefNextIteration, ref_switch_op as RefSwitch, switch_op as Switch,
)
from .engine.ops.readers import (
    fixed_length_record_reader_op as FixedLengthRecordReaderV2, identity_reader_op as IdentityReaderV2,
    reader_num_records_produced_op as ReaderNumRecordsProducedV2,
    reader_num_work_units_completed_op as ReaderNumWorkUnitsCompletedV2, reader_read_up_to_op as ReaderReadUpToV2,
    reader_read_op as ReaderReadV2, reader_reset_op as ReaderResetV2, tf_record_reader_op as TFRecordReaderV2,
    text_line_reader_op as TextLineReaderV2, whole_file_reader_op as WholeFileReaderV2,
)
from .engine.ops.recurrent_gru import (
    gru_block_cell_op as GRUBlockCell, gru_block_cell_grad_op as GRUBlockCellGrad, gru_sequence_op as GRUSequence,
    gru_sequence_grad_op as GRUSequenceGrad,
)
from .engine.ops.recurrent_gru_after import (
    gru_reset_after_sequence_op as GRUResetAfterSequence,
    gru_reset_after_sequence_grad_op as GRUResetAfterSequenceGrad,
)
from .engine.ops.recurrent_lstm import (
    block_lstm_op as BlockLSTM, block_lstm_grad_op as BlockLSTMGrad, lstm_block_cell_op as LSTMBlockCell,
    lstm_block_cell_grad_op as LSTMBlockCellGrad,
)
from .engine.ops.reduction import (
    euclidean_norm_op as EuclideanNorm, mean_op as Mean, prod_op as Prod, sum_op as Sum,
)
from .engine.ops.rounding import (
    ceil_op as Ceil, floor_op as Floor, invert_op as Invert, is_finite_op as IsFinite, is_inf_op as IsInf,
    is_nan_op as IsNan, logical_not_op as LogicalNot, population_count_op as PopulationCount, rint_op as Rint,
    round_op as Round,
)
from .engine.ops.scans import (
    cumprod_op as Cumprod, cumsum_op as Cumsum,
)
from .engine.ops.segments import (
    segment_max_op as SegmentMax, segment_mean_op as SegmentMean, segment_min_op as SegmentMin,
    segment_prod_op as SegmentProd, segment_sum_op as SegmentSum, unsorted_segment_max_op as UnsortedSegmentMax,
    unsorted_segment_min_op as UnsortedSegmentMin, unsorted_segment_prod_op as UnsortedSegmentProd,
    unsorted_segment_sum_op as UnsortedSegmentSum,
)
from .engine.ops.segments_sparse import (
    sparse_segment_mean_op as SparseSegmentMean, sparse_segment_mean_grad_op as SparseSegmentMeanGrad,
    sparse_segment_mean_with_op as SparseSegmentMeanWithNumSegments, sparse_segment_sqrt_n_op as SparseSegmentSqrtN,
    sparse_segment_sqrt_n_grad_op as SparseSegmentSqrtNGrad,
    sparse_segment_sqrt_n_with_op as SparseSegmentSqrtNWithNumSegments, sparse_segment_sum_op as SparseSegmentSum,
    sparse_segment_sum_grad_op as SparseSegmentSumGrad, sparse_segment_sum_with_op as SparseSegmentSumWithNumSegments,
)
from .engine.ops.serialized import (
    deserialize_many_sparse_op as DeserializeManySparse, parse_tensor_op as ParseTensor,
    serialize_many_sparse_op as SerializeManySparse, serialize_sparse_op as SerializeSparse,
    serialize_tensor_op as SerializeTensor,
)
from .engine.ops.solvers import (
    cholesky_op as Cholesky, cholesky_grad_op as CholeskyGrad, log_matrix_determinant_op as LogMatrixDeterminant,
    matrix_determinant_op as MatrixDeterminant, matrix_inverse_op as MatrixInverse, matrix_solve_op as MatrixSolve,
    matrix_solve_ls_op as MatrixSolveLs, matrix_triangular_solve_op as MatrixTriangularSolve,
)
from .engine.ops.sparse import (
    sparse_concat_op as SparseConcat, sparse_fill_empty_rows_op as SparseFillEmptyRows,
    sparse_fill_empty_rows_grad_op as SparseFillEmptyRowsGrad, sparse_reorder_op as SparseReorder,
    sparse_reshape_op as SparseReshape, sparse_slice_op as SparseSlice, sparse_split_op as SparseSplit,
    sparse_to_dense_op as SparseToDense,
)
from .engine.ops.sparse_cross import (
    edit_distance_op as EditDistance, sparse_cross_op as SparseCross,
)
from .engine.ops.sparse_math import (
    sparse_add_op as SparseAdd, sparse_add_grad_op as SparseAddGrad, sparse_dense_add_op as SparseDenseCwiseAdd,
    sparse_dense_div_op as SparseDenseCwiseDiv, sparse_dense_mul_op as SparseDenseCwiseMul,
    sparse_reduce_max_op as SparseReduceMax, sparse_reduce_sum_op as SparseReduceSum,
    sparse_softmax_op as SparseSoftmax, sparse_tensor_dense_add_op as SparseTensorDenseAdd,
    sparse_tensor_dense_matmul_op as SparseTensorDenseMatMul,
)
from .engine.ops.special import (
    betainc_op as Betainc, digamma_op as Digamma, erf_op as Erf, erfc_op as Erfc, igamma_op as Igamma,
    igamma_grad_a_op as IgammaGradA, igammac_op as Igammac, lgamma_op as Lgamma, polygamma_op as Polygamma,
    zeta_op as Zeta,
)
from .engine.ops.staging import (
    stage_op as Stage, stage_clear_op as StageClear, stage_peek_op as StagePeek, stage_size_op as StageSize,
    unstage_op as Unstage,
)
from .engine.ops.string_patterns import (
    regex_full_match_op as RegexFullMatch, regex_replace_op as RegexReplace,
    static_regex_full_match_op as StaticRegexFullMatch, static_regex_replace_op as StaticRegexReplace,
    string_to_hash_bucket_op as StringToHashBucket, string_to_hash_bucket_fast_op as StringToHashBucketFast,
    string_to_hash_bucket_strong_op as StringToHashBucketStrong,
)
from .engine.ops.strings import (
    as_string_op as AsString, encode_base64_op as EncodeBase64, reduce_join_op as ReduceJoin,
    string_join_op as StringJoin, string_length_op as StringLength, string_lower_op as StringLower,
    string_split_op as StringSplit, string_split_v2_op as StringSplitV2, string_to_number_op as StringToNumber,
    string_upper_op as StringUpper, substr_op as Substr,
)
from .engine.ops.summaries import (
    audio_summary_op as AudioSummaryV2, histogram_summary_op as HistogramSummary, image_summary_op as ImageSummary,
    merge_summary_op as MergeSummary, scalar_summary_op as ScalarSummary, tensor_summary_op as TensorSummaryV2,
)
from .engine.ops.tables import (
    hash_table_op as HashTableV2, initialize_table_from_text_file_op as InitializeTableFromTextFileV2,
    initialize_table_op as InitializeTableV2, lookup_table_export_op as LookupTableExportV2,
    lookup_table_find_op as LookupTableFindV2, lookup_table_import_op as LookupTableImportV2,
    lookup_table_insert_op as LookupTableInsertV2, lookup_table_remove_op as LookupTableRemoveV2,
    lookup_table_size_op as LookupTableSizeV2, mutable_hash_table_of_tensors_op as MutableHashTableOfTensorsV2,
    mutable_hash_table_op as MutableHashTableV2,
)
from .engine.ops.tensor_list import (
    empty_tensor_list_op as EmptyTensorList, tensor_list_element_shape_op as TensorListElementShape,
    tensor_list_from_tensor_op as TensorListFromTensor, tensor_list_get_item_op as TensorListGetItem,
    tensor_list_length_op as TensorListLength, tensor_list_pop_back_op as TensorListPopBack,
    tensor_list_push_back_op as TensorListPushBack, tensor_list_reserve_op as TensorListReserve,
    tensor_list_resize_op as TensorListResize, tensor_list_set_item_op as TensorListSetItem,
    tensor_list_stack_op as TensorListStack,
)
from .engine.ops.tensor_list_parts import (
    tensor_list_concat_op as TensorListConcat, tensor_list_gather_op as TensorListGather,
    tensor_list_scatter_op as TensorListScatter,
    tensor_list_scatter_into_existing_list_op as TensorListScatterIntoExistingList,
    tensor_list_scatter_v2_op as TensorListScatterV2, tensor_list_split_op as TensorListSplit,
)
from .engine.ops.top import (
    in_top_k_v1_op as InTopK, in_top_k_v2_op as InTopKV2, top_k_v1_op as TopK, top_k_v2_op as TopKV2,
)
from .engine.ops.trigonometric import (
    acos_op as Acos, acosh_op as Acosh, asin_op as Asin, asinh_op as Asinh, atan_op as Atan, atanh_op as Atanh,
    cos_op as Cos, cosh_op as Cosh, sigmoid_op as Sigmoid, sigmoid_grad_op as SigmoidGrad, sin_op as Sin,
    sinh_op as Sinh, tan_op as Tan, tanh_op as Tanh, tanh_grad_op as TanhGrad,
)
from .engine.ops.unary import (
    abs_op as Abs, exp_op as Exp, expm1_op as Expm1, inv_op as Inv, inv_grad_op as InvGrad, log_op as Log,
    log1p_op as Log1p, negative_op as Neg, reciprocal_op as Reciprocal, reciprocal_grad_op as ReciprocalGrad,
    rsqrt_op as Rsqrt, rsqrt_grad_op as RsqrtGrad, sign_op as Sign, sqrt_op as Sqrt, sqrt_grad_op as SqrtGrad,
    square_op as Square,
)
from .engine.ops.variable_scatter import (
    resource_gather_op as ResourceGather, resource_gather_nd_op as ResourceGatherNd,
    resource_strided_slice_assign_op as ResourceStridedSliceAssign, strided_slice_assign_op as StridedSliceAssign,
)
from .engine.ops.variables import (
    assign_op as Assign, assign_add_op as AssignAdd, assign_add_variable_op as AssignAddVariableOp,
    assign_sub_op as AssignSub, assign_sub_variable_op as AssignSubVariableOp, assign_variable_op as AssignVariableOp,
    count_up_to_op as CountUpTo, destroy_resource_op as DestroyResourceOp,
    destroy_temporary_variable_op as DestroyTemporaryVariable, disable_copy_on_read_op as DisableCopyOnRead,
    is_variable_initialized_op as IsVariableInitialized, read_variable_op as ReadVariableOp,
    resource_count_up_to_op as ResourceCountUpTo, temporary_variable_op as TemporaryVariable,
    var_handle_op as VarHandleOp, var_is_initialized_op as VarIsInitializedOp, variable_v1_op as Variable,
    variable_shape_op as VariableShape, variable_op as VariableV2,
)

__all__ = [
    "FFT", "FFT2D", "FFT3D", "IFFT", "IFFT2D", "IFFT3D", "IRFFT", "IRFFT2D", "IRFFT3D", "LRN", "RFFT", "RFFT2D",
    "RFFT3D", "Abs", "AccumulateNV2", "AccumulatorApplyGradient", "AccumulatorNumAccumulated",
    "AccumulatorSetGlobalStep", "AccumulatorTakeGradient", "Acos", "Acosh", "Add", "AddN", "AddV2",
    "AdjustContrastv2", "AdjustHue", "AdjustSaturation", "All", "AllCandidateSampler", "Angle", "Any",
    "ApproximateEqual", "ArgMax", "ArgMin", "AsString", "Asin", "Asinh", "Assert", "Assign", "AssignAdd",
    "AssignAddVariableOp", "AssignSub", "AssignSubVariableOp", "AssignVariableOp", "Atan", "Atan2", "Atanh",
    "AudioSummaryV2", "AvgPool", "AvgPool3D", "AvgPool3DGrad", "AvgPoolGrad", "Barrier", "BarrierClose",
    "BarrierIncompleteSize", "BarrierInsertMany", "BarrierReadySize", "BarrierTakeMany", "BatchMatMul",
    "BatchMatMulV2", "BatchToSpaceND", "Betainc", "BiasAdd", "BiasAddGrad", "BiasAddV1", "Bincount", "Bitcast",
    "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BlockLSTM", "BlockLSTMGrad", "BroadcastArgs", "BroadcastGradientArgs",
    "BroadcastTo", "Bucketize", "BytesInUse", "BytesLimit", "CTCBeamSearchDecoder", "CTCGreedyDecoder", "CTCLoss",
    "Cast", "Ceil", "CheckNumerics", "Cholesky", "CholeskyGrad", "ClipByValue", "CollectiveBcastRecv",
    "CollectiveBcastSend", "CollectiveCollect", "CollectiveGather", "CollectiveReduce", "CollectiveRows",
    "CollectiveShare", "CollectiveStart", "CollectiveWait", "Complex", "ComplexAbs", "ComputeAccidentalHits",
    "Concat", "ConcatOffset", "ConcatV2", "ConditionalAccumulator", "Conj", "ConjugateTranspose", "Const",
    "ControlTrigger", "Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput", "Conv3D", "Conv3DBackpropFilterV2",
    "Conv3DBackpropInputV2", "Cos", "Cosh", "CountUpTo", "CropAndResize", "CropAndResizeGradBoxes",
    "CropAndResizeGradImage", "Cross", "Cumprod", "Cumsum", "DatasetCardinality", "DecodeAndCropJpeg", "DecodeBmp",
    "DecodeCSV", "DecodeGif", "DecodeImage", "DecodeJpeg", "DecodePng", "DecodeRaw", "DepthToSpace",
    "DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropFilter", "DepthwiseConv2dNativeBackpropInput",
    "DeserializeManySparse", "DestroyResourceOp", "DestroyTemporaryVariable", "Diag", "DiagPart", "Digamma",
    "DisableCopyOnRead", "Div", "DivNoNan", "DrawBoundingBoxes", "DrawBoundingBoxesV2", "DynamicPartition",
    "DynamicStitch", "EditDistance", "Einsum", "Elu", "EluGrad", "EmptyTensorList", "EncodeBase64", "EncodeJpeg",
    "EncodePng", "EnsureShape", "Enter", "Equal", "Erf", "Erfc", "EuclideanNorm", "Exit", "Exp", "ExpandDims",
    "Expm1", "ExtractImagePatches", "ExtractImagePatchesGrad", "ExtractJpegShape", "FIFOQueueV2", "FakeParam", "Fill",
    "FixedLengthRecordReaderV2", "FixedUnigramCandidateSampler", "Floor", "FloorDiv", "FloorMod", "FusedBatchNorm",
    "FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3", "FusedBatchNormV2", "FusedBatchNormV3",
    "GRUBlockCell", "GRUBlockCellGrad", "GRUResetAfterSequence", "GRUResetAfterSequenceGrad", "GRUSequence",
    "GRUSequenceGrad", "Gather", "GatherNd", "GatherTree", "GatherV2", "Greater", "GreaterEqual", "HSVToRGB",
    "HashTableV2", "HistogramFixedWidth", "HistogramSummary", "Identity", "IdentityN", "IdentityReaderV2", "If",
    "Igamma", "IgammaGradA", "Igammac", "Imag", "ImageSummary", "InTopK", "InTopKV2", "InitializeTableFromTextFileV2",
    "InitializeTableV2", "Inv", "InvGrad", "Invert", "InvertPermutation", "IsFinite", "IsInf", "IsNan",
    "IsVariableInitialized", "IteratorFromStringHandleV2", "IteratorGetNext", "IteratorState",
    "IteratorToStringHandle", "IteratorV2", "L2Loss", "LRNGrad", "LSTMBlockCell", "LSTMBlockCellGrad",
    "LayerNormalization", "LayerNormalizationGrad", "LeakyRelu", "LeakyReluGrad", "LearnedUnigramCandidateSampler",
    "LeftShift", "Less", "LessEqual", "Lgamma", "LinSpace", "ListDiff", "Log", "Log1p", "LogMatrixDeterminant",
    "LogSoftmax", "LogUniformCandidateSampler", "LogicalAnd", "LogicalNot", "LogicalOr", "LookupTableExportV2",
    "LookupTableFindV2", "LookupTableImportV2", "LookupTableInsertV2", "LookupTableRemoveV2", "LookupTableSizeV2",
    "LoopCond", "LowerBound", "MakeIterator", "MatMul", "MatchingFiles", "MatrixBandPart", "MatrixDeterminant",
    "MatrixDiag", "MatrixDiagPart", "MatrixInverse", "MatrixSetDiag", "MatrixSolve", "MatrixSolveLs",
    "MatrixTriangularSolve", "Max", "MaxBytesInUse", "MaxPool", "MaxPool3D", "MaxPool3DGrad", "MaxPool3DGradGrad",
    "MaxPoolGrad", "MaxPoolGradGrad", "MaxPoolGradGradWithArgmax", "MaxPoolGradWithArgmax", "MaxPoolWithArgmax",
    "Maximum", "Mean", "Merge", "MergeSummary", "MergeV2Checkpoints", "Min", "Minimum", "MirrorPad", "MirrorPadGrad",
    "Mod", "Mul", "MulNoNan", "Multinomial", "MutableHashTableOfTensorsV2", "MutableHashTableV2", "MutexV2",
    "NearestNeighbors", "Neg", "NextIteration", "NoOp", "NonMaxSuppression", "NonMaxSuppressionV2",
    "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5", "NotEqual", "OneHot", "OneShotIterator",
    "OnesLike", "OptionalFromValue", "OptionalGetValue", "OptionalHasValue", "OptionalNone", "Pack", "Pad", "PadV2",
    "PaddingFIFOQueueV2", "ParallelDynamicStitch", "ParseExample", "ParseSingleExample", "ParseSingleSequenceExample",
    "ParseTensor", "PartitionedCall", "Placeholder", "PlaceholderWithDefault", "Polygamma", "PopulationCount", "Pow",
    "PreventGradient", "Print", "PrintV2", "PriorityQueueV2", "Prod", "PyFunc", "PyFuncStateless", "PythonDataset",
    "Qr", "QueueCloseV2", "QueueDequeueManyV2", "QueueDequeueUpToV2", "QueueDequeueV2", "QueueEnqueueManyV2",
    "QueueEnqueueV2", "QueueIsClosedV2", "QueueSizeV2", "RGBToHSV", "RandomGamma", "RandomPoissonV2", "RandomShuffle",
    "RandomShuffleQueueV2", "RandomStandardNormal", "RandomUniform", "RandomUniformInt", "Range", "Rank", "ReadFile",
    "ReadVariableOp", "ReaderNumRecordsProducedV2", "ReaderNumWorkUnitsCompletedV2", "ReaderReadUpToV2",
    "ReaderReadV2", "ReaderResetV2", "Real", "RealDiv", "Reciprocal", "ReciprocalGrad", "ReduceDataset", "ReduceJoin",
    "RefEnter", "RefExit", "RefMerge", "RefNextIteration", "RefSwitch", "RegexFullMatch", "RegexReplace", "Relu",
    "Relu6", "Relu6Grad", "ReluGrad", "Reshape", "ResizeArea", "ResizeBicubic", "ResizeBicubicGrad", "ResizeBilinear",
    "ResizeBilinearGrad", "ResizeNearestNeighbor", "ResizeNearestNeighborGrad", "ResourceCountUpTo", "ResourceGather",
    "ResourceGatherNd", "ResourceStridedSliceAssign", "RestoreIteratorState", "RestoreV2", "ReverseSequence",
    "ReverseV2", "RightShift", "Rint", "Roll", "Round", "Rsqrt", "RsqrtGrad", "SampleDistortedBoundingBox",
    "SampleDistortedBoundingBoxV2", "SaveV2", "ScalarSummary", "ScatterNd", "SegmentMax", "SegmentMean", "SegmentMin",
    "SegmentProd", "SegmentSum", "Select", "SelectV2", "SelfAdjointEigV2", "Selu", "SeluGrad", "SerializeManySparse",
    "SerializeSparse", "SerializeTensor", "Shape", "ShapeN", "ShardedFilename", "Sigmoid", "SigmoidGrad", "Sign",
    "Sin", "Sinh", "Size", "Slice", "Softmax", "SoftmaxCrossEntropyWithLogits", "Softplus", "SoftplusGrad",
    "Softsign", "SoftsignGrad", "SpaceToBatchND", "SpaceToDepth", "SparseAccumulatorApplyGradient",
    "SparseAccumulatorTakeGradient", "SparseAdd", "SparseAddGrad", "SparseConcat", "SparseConditionalAccumulator",
    "SparseCross", "SparseDenseCwiseAdd", "SparseDenseCwiseDiv", "SparseDenseCwiseMul", "SparseFillEmptyRows",
    "SparseFillEmptyRowsGrad", "SparseReduceMax", "SparseReduceSum", "SparseReorder", "SparseReshape",
    "SparseSegmentMean", "SparseSegmentMeanGrad", "SparseSegmentMeanWithNumSegments", "SparseSegmentSqrtN",
    "SparseSegmentSqrtNGrad", "SparseSegmentSqrtNWithNumSegments", "SparseSegmentSum", "SparseSegmentSumGrad",
    "SparseSegmentSumWithNumSegments", "SparseSlice", "SparseSoftmax", "SparseSoftmaxCrossEntropyWithLogits",
    "SparseSplit", "SparseTensorDenseAdd", "SparseTensorDenseMatMul", "SparseToDense", "Split", "SplitV", "Sqrt",
    "SqrtGrad", "Square", "SquaredDifference", "Squeeze", "Stage", "StageClear", "StagePeek", "StageSize",
    "StatefulPartitionedCall", "StatelessMultinomial", "StatelessRandomNormal", "StatelessRandomUniform",
    "StatelessRandomUniformInt", "StatelessTruncatedNormal", "StaticRegexFullMatch", "StaticRegexReplace",
    "StopGradient", "StridedSlice", "StridedSliceAssign", "StridedSliceGrad", "StringFormat", "StringJoin",
    "StringLength", "StringLower", "StringSplit", "StringSplitV2", "StringToHashBucket", "StringToHashBucketFast",
    "StringToHashBucketStrong", "StringToNumber", "StringUpper", "Sub", "Substr", "Sum", "Svd", "Switch",
    "TFRecordReaderV2", "Tan", "Tanh", "TanhGrad", "TemporaryVariable", "TensorListConcat", "TensorListElementShape",
    "TensorListFromTensor", "TensorListGather", "TensorListGetItem", "TensorListLength", "TensorListPopBack",
    "TensorListPushBack", "TensorListReserve", "TensorListResize", "TensorListScatter",
    "TensorListScatterIntoExistingList", "TensorListScatterV2", "TensorListSetItem", "TensorListSplit",
    "TensorListStack", "TensorScatterAdd", "TensorScatterSub", "TensorScatterUpdate", "TensorSummaryV2",
    "TextLineReaderV2", "ThreadUnsafeUnigramCandidateSampler", "Tile", "TopK", "TopKV2", "Transpose", "TruncateDiv",
    "TruncateMod", "TruncatedNormal", "UniformCandidateSampler", "Unique", "UniqueV2", "UniqueWithCounts", "Unpack",
    "UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd", "UnsortedSegmentSum", "Unstage", "UpperBound",
    "VarHandleOp", "VarIsInitializedOp", "Variable", "VariableShape", "VariableV2", "Where", "While",
    "WholeFileReaderV2", "WriteFile", "Xdivy", "Xlogy", "ZerosLike", "Zeta",
]
