#include "engine/plan_form.h"

namespace engine {

using kernels::Format;
using kernels::IndexLayout;
using kernels::ScaleLayout;

namespace {

std::string text(ScaleLayout layout) { return layout == ScaleLayout::row ? "row" : "column"; }
std::string text(IndexLayout layout) { return layout == IndexLayout::row ? "row" : "preshuffle"; }
ScaleLayout other(ScaleLayout layout) { return layout == ScaleLayout::row ? ScaleLayout::column : ScaleLayout::row; }
IndexLayout other(IndexLayout layout) { return layout == IndexLayout::row ? IndexLayout::preshuffle : IndexLayout::row; }
std::string text(Format format) { return std::string(kernels::to_string(format)); }

std::string pages(const kernels::IndexCache& cache, IndexLayout layout) {
  return text(layout) + ", pages of " + std::to_string(cache.page_size);
}
// Of (tokens, heads, columns): which of the two lies further apart.
std::string outer(int64_t token_stride, int64_t head_stride) { return head_stride > token_stride ? "heads outermost" : "tokens outermost"; }

struct Form {
  std::string operator()(const kernels::ScaleTransposeArgs& a) const { return "scales by " + text(a.from) + " to by " + text(a.to); }
  std::string operator()(const kernels::GemmFp8Args& a) const { return "reads scales by " + text(a.reads); }
  std::string operator()(const kernels::GemmMxArgs& a) const { return "reads scales by " + text(a.reads); }
  std::string operator()(const kernels::GemmBf16Args& a) const {
    return "reads " + text(a.x_format) + ", writes " + text(a.out_format) + (a.splits > 1 ? " in " + std::to_string(a.splits) + " parts" : "");
  }
  std::string operator()(const kernels::RmsNormArgs& a) const { return a.quant.values ? "writes scales by " + text(a.quant.layout) : ""; }
  std::string operator()(const kernels::QkNormArgs& a) const { return (*this)(a.q); }
  std::string operator()(const kernels::GroupQuantArgs& a) const {
    return "writes scales by " + text(a.out.layout) + (a.H > 1 ? ", reads " + outer(a.x_stride, a.x_head_stride) : "");
  }
  std::string operator()(const kernels::MxQuantArgs& a) const { return a.H > 1 ? "reads " + outer(a.x_stride, a.x_head_stride) : ""; }
  std::string operator()(const kernels::BmmArgs& a) const { return "writes " + outer(a.out_stride, a.out_head_stride); }
  std::string operator()(const kernels::IndexStoreArgs& a) const { return "writes " + pages(a.cache, a.writes); }
  std::string operator()(const kernels::MqaLogitsArgs& a) const {
    return "reads " + pages(a.cache, a.reads) + ", block table " + std::to_string(a.table_stride) + " wide";
  }
  std::string operator()(const kernels::RopeCatStoreArgs& a) const { return "writes " + text(a.cache.format); }
  std::string operator()(const kernels::QueryScaleArgs& a) const { return text(a.format); }
  std::string operator()(const kernels::ConcatArgs& a) const { return text(a.format); }
  std::string operator()(const kernels::SparsePartialArgs& a) const { return "reads " + text(a.q_format); }
  std::string operator()(const kernels::DensePartialArgs& a) const { return "reads " + text(a.q_format); }
  template <class Args>
  std::string operator()(const Args&) const { return {}; }
};

// What the launch is handed gets the other tag; what it is made for stays.
struct Mislaid {
  bool operator()(kernels::GemmFp8Args& a) const { return a.x.layout = other(a.x.layout), true; }
  bool operator()(kernels::GemmMxArgs& a) const { return a.x.layout = other(a.x.layout), true; }
  bool operator()(kernels::IndexStoreArgs& a) const { return a.cache.layout = other(a.cache.layout), true; }
  bool operator()(kernels::MqaLogitsArgs& a) const { return a.cache.layout = other(a.cache.layout), true; }
  bool operator()(kernels::IndexGatherArgs& a) const { return a.cache.layout = other(a.cache.layout), true; }
  template <class Args>
  bool operator()(Args&) const { return false; }
};

}  // namespace

std::string form_of(const kernels::OpArgs& args) { return std::visit(Form{}, args); }

std::optional<kernels::OpArgs> with_other_layout(const kernels::OpArgs& args) {
  kernels::OpArgs mislaid = args;
  if (!std::visit(Mislaid{}, mislaid)) return std::nullopt;
  return mislaid;
}

}  // namespace engine
