/**
 * The part of the TFLite schema (schema.fbs, version 3c, as LiteRT 2.3 ships it) that classifiers use, as data.
 *
 * A line is a table: its fields in the order of their numbers, each `name:kind` or `name:kind=default`.
 *
 * - `i8 u8 bool i16 u16 i32 u32 f32 i64 u64`: a number; the default is 0 unless given.
 * - `string`: UTF-8. `Name`: a table. `[...]`: a vector of any of these. `bytes`: a vector of bytes of any length.
 * - `options`: the union of OPTIONS, whose type is `builtin_options_type`.
 * - `any`: what is not read, only whether it is there. `-`: a field that no reader knows any more.
 */

/** A field of a table. */
export interface Field {
  readonly name: string;
  readonly kind: string;
  readonly standard: number;
}

const LINES = `
Model version:u32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer]
  metadata_buffer:[i32] metadata:[Metadata] signature_defs:[SignatureDef] external_buffer_groups:any
  external_buffers:any
OperatorCode deprecated_builtin_code:i8 custom_code:string version:i32=1 builtin_code:i32
SubGraph tensors:[Tensor] inputs:[i32] outputs:[i32] operators:[Operator] name:string debug_metadata_index:i32=-1
Buffer data:bytes offset:u64 size:u64
Metadata name:string buffer:u32
SignatureDef inputs:[TensorMap] outputs:[TensorMap] signature_key:string deprecated_tag:- subgraph_index:u32
TensorMap name:string tensor_index:u32
Tensor shape:[i32] type:i8 buffer:u32 name:string quantization:QuantizationParameters is_variable:bool sparsity:any
  shape_signature:[i32] has_rank:bool variant_tensors:[any] external_buffer:u32
QuantizationParameters min:[f32] max:[f32] scale:[f32] zero_point:[i64] details_type:u8 details:any
  quantized_dimension:i32
Operator opcode_index:u32 inputs:[i32] outputs:[i32] builtin_options_type:u8 builtin_options:options
  custom_options:bytes custom_options_format:i8 mutating_variable_inputs:[bool] intermediates:[i32]
  large_custom_options_offset:u64 large_custom_options_size:u64 builtin_options_2_type:u8 builtin_options_2:any
  debug_metadata_index:i32=-1
AbsOptions
AddOptions fused_activation_function:i8 pot_scale_int16:bool=1
AddNOptions
ArgMaxOptions output_type:i8
ArgMinOptions output_type:i8
BatchMatMulOptions adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool
BatchToSpaceNDOptions
BroadcastToOptions
CastOptions in_data_type:i8 out_data_type:i8
ConcatenationOptions axis:i32 fused_activation_function:i8
Conv2DOptions padding:i8 stride_w:i32 stride_h:i32 fused_activation_function:i8 dilation_w_factor:i32=1
  dilation_h_factor:i32=1 quantized_bias_type:i8
CosOptions
DepthToSpaceOptions block_size:i32
DepthwiseConv2DOptions padding:i8 stride_w:i32 stride_h:i32 depth_multiplier:i32 fused_activation_function:i8
  dilation_w_factor:i32=1 dilation_h_factor:i32=1
DequantizeOptions
DivOptions fused_activation_function:i8
ExpandDimsOptions
ExpOptions
FillOptions
FloorDivOptions
FloorModOptions
FullyConnectedOptions fused_activation_function:i8 weights_format:i8 keep_num_dims:bool
  asymmetric_quantize_inputs:bool quantized_bias_type:i8 quant_spec:any
GatherOptions axis:i32 batch_dims:i32
GeluOptions approximate:bool
HardSwishOptions
L2NormOptions fused_activation_function:i8
LeakyReluOptions alpha:f32
LocalResponseNormalizationOptions radius:i32 bias:f32 alpha:f32 beta:f32
LogSoftmaxOptions
MaximumMinimumOptions
MirrorPadOptions mode:i8
MulOptions fused_activation_function:i8
NegOptions
PackOptions values_count:i32 axis:i32
PadOptions
PadV2Options
Pool2DOptions padding:i8 stride_w:i32 stride_h:i32 filter_width:i32 filter_height:i32 fused_activation_function:i8
PowOptions
QuantizeOptions
ReducerOptions keep_dims:bool
ReshapeOptions new_shape:[i32]
ResizeBilinearOptions new_height:- new_width:- align_corners:bool half_pixel_centers:bool
ResizeNearestNeighborOptions align_corners:bool half_pixel_centers:bool
ReverseV2Options
ShapeOptions out_type:i8
SliceOptions
SoftmaxOptions beta:f32
SpaceToBatchNDOptions
SpaceToDepthOptions block_size:i32
SplitOptions num_splits:i32
SplitVOptions num_splits:i32
SquareOptions
SquaredDifferenceOptions
SqueezeOptions squeeze_dims:[i32]
StridedSliceOptions begin_mask:i32 end_mask:i32 ellipsis_mask:i32 new_axis_mask:i32 shrink_axis_mask:i32 offset:bool
SubOptions fused_activation_function:i8 pot_scale_int16:bool=1
TileOptions
TransposeOptions
UnpackOptions num:i32 axis:i32
`;

/** Table → its fields. */
export const TABLES: ReadonlyMap<string, readonly Field[]> = new Map(LINES.trim().split(/\n(?! )/).map(tableOf));

function tableOf(line: string): [string, Field[]] {
  const [name = "", ...fields] = line.split(/\s+/);
  return [name, fields.map(fieldOf)];
}

function fieldOf(text: string): Field {
  const [name = "", rest = ""] = text.split(":");
  const [kind = "", standard = "0"] = rest.split("=");
  return { name, kind, standard: Number(standard) };
}

/** The numbers of the union BuiltinOptions. */
export const OPTIONS: ReadonlyMap<number, string> = new Map([
  [1, "Conv2DOptions"],
  [2, "DepthwiseConv2DOptions"],
  [5, "Pool2DOptions"],
  [8, "FullyConnectedOptions"],
  [9, "SoftmaxOptions"],
  [10, "ConcatenationOptions"],
  [11, "AddOptions"],
  [12, "L2NormOptions"],
  [13, "LocalResponseNormalizationOptions"],
  [15, "ResizeBilinearOptions"],
  [17, "ReshapeOptions"],
  [19, "SpaceToDepthOptions"],
  [21, "MulOptions"],
  [22, "PadOptions"],
  [23, "GatherOptions"],
  [24, "BatchToSpaceNDOptions"],
  [25, "SpaceToBatchNDOptions"],
  [26, "TransposeOptions"],
  [27, "ReducerOptions"],
  [28, "SubOptions"],
  [29, "DivOptions"],
  [30, "SqueezeOptions"],
  [32, "StridedSliceOptions"],
  [33, "ExpOptions"],
  [35, "SplitOptions"],
  [36, "LogSoftmaxOptions"],
  [37, "CastOptions"],
  [38, "DequantizeOptions"],
  [39, "MaximumMinimumOptions"],
  [40, "ArgMaxOptions"],
  [42, "NegOptions"],
  [43, "PadV2Options"],
  [48, "SliceOptions"],
  [51, "TileOptions"],
  [52, "ExpandDimsOptions"],
  [55, "ShapeOptions"],
  [56, "PowOptions"],
  [57, "ArgMinOptions"],
  [59, "PackOptions"],
  [64, "UnpackOptions"],
  [65, "FloorDivOptions"],
  [66, "SquareOptions"],
  [68, "FillOptions"],
  [72, "FloorModOptions"],
  [74, "ResizeNearestNeighborOptions"],
  [75, "LeakyReluOptions"],
  [76, "SquaredDifferenceOptions"],
  [77, "MirrorPadOptions"],
  [78, "AbsOptions"],
  [79, "SplitVOptions"],
  [81, "ReverseV2Options"],
  [82, "AddNOptions"],
  [84, "CosOptions"],
  [89, "QuantizeOptions"],
  [91, "HardSwishOptions"],
  [94, "DepthToSpaceOptions"],
  [101, "BatchMatMulOptions"],
  [104, "BroadcastToOptions"],
  [116, "GeluOptions"],
]);
