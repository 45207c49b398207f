// Checkpoint: the weights of a published model, by Hugging Face's names, for one rank of a
// tensor-parallel group. Opening it finds every tensor that this model needs and checks dtype and
// shape, so that loading cannot fail halfway for want of one; nothing but headers is read.
//
//   slicing   rows of rank R: embedding, lm_head, q_b, kv_b (by heads), gate and up; columns:
//   o_proj,
//             down. Whole: qkv_a, the indexer, router, norms.
//   fused     q_a_proj and kv_a_proj_with_mqa are rows of one matrix, as are gate and up; the
//   shared
//             expert is the last of the experts
//   kv_b      dequantised and split into w_kc (transposed) and w_vc. fp8: one scale for both, from
//             the largest value of this rank (as sglang requantises); mxfp4: by rows of 32
//   formats   fp8 needs NAME.weight F8_E4M3 and NAME.weight_scale_inv F32, one a 128x128 block;
//             mxfp4 NAME.weight U8, two values a byte, and NAME.weight_scale U8 or F8_E8M0, one per
//             32; vectors and bf16 matrices may also be F32 or F16, rounded. Another format than
//             the model's is refused; only a bf16 shared expert is quantised to MXFP4 beside its
//             experts
// Source of the names: tensor lists of DeepSeek-R1 and code that reads GLM-5 and DeepSeek-V3.2
// checkpoints. Not confirmed on a published file: MXFP4 (AMD Quark's names) and the prefix
// `language_model.` of Kimi-K2.5.
// Thread rule: load() is const and may run once at a time.
#pragma once
#include "engine/safetensors.h"
#include "engine/weights_layout.h"

namespace engine {

class Checkpoint {
 public:
  // `path`: as TensorFiles::open(). error: the first tensor that is missing, misshapen, of another
  // dtype or cut off, with what was expected; a rank whose slice cuts a block of scales.
  static trace::Result<std::shared_ptr<const Checkpoint>> open(const std::string& path,
                                                               const trace::ModelConfig&,
                                                               const Shape&, int rank);
  int rank() const { return m_rank; }
  const std::string& path() const { return m_files->path(); }

  // Fills the tensors of a layout of the same model and shape, and the scales of w_kc and w_vc.
  // error: values that no weight can have (NaN codes), with the tensor.
  trace::Status load(const WeightLayout&, std::vector<LayerWeights>&, const Progress&) const;

 private:
  // One matrix of the file: `n` rows from `row` on of batch `batch` of a tensor of the layout are
  // its rows from `first_row` on, columns from `first_column` on.
  struct Source {
    std::string name;  // without ".weight", but for whole names of vectors
    bool whole_name = false;
    int64_t rows = 0, columns = 0;  // in the file
    int64_t first_row = 0, first_column = 0;
    int64_t batch = 0, row = 0, n = 0;
    const StoredTensor *values = nullptr, *scales = nullptr;
    bool quantise = false;  // bf16 in the file, MXFP4 here
  };
  struct Need {
    std::vector<Source> sources;
    bool from_kv_b = false, is_kc = false;
  };

  Checkpoint(std::unique_ptr<TensorFiles> files, const Shape& shape, int rank)
      : m_files(std::move(files)), m_shape(shape), m_rank(rank) {}
  Need need(const WeightTensor&) const;
  trace::Status find(const WeightTensor&, Source&);
  trace::Status find_kv_b(Source&);
  trace::Result<const StoredTensor*> expect(const std::string& name,
                                            std::initializer_list<std::string_view> dtypes,
                                            std::vector<int64_t> shape, const std::string& hint);
  trace::Status copy(const WeightTensor&, const Source&) const;
  trace::Status split_kv_b(const WeightTensor&, const Source&, bool kc, LayerWeights&) const;

  std::unique_ptr<TensorFiles> m_files;
  Shape m_shape;
  int m_rank;
  std::string m_prefix;       // "" or "language_model."
  std::vector<Need> m_needs;  // in the order of the layout's tensors
};

}  // namespace engine
