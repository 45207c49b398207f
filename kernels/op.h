// What every op of this folder is made of. An op is a struct of plain arguments (kernels/<op>.h)
// and, for it,
//   check      shapes, strides and layout tags, once, before anything runs: a mismatch is refused,
//   never computed cost       bytes moved and flops done, counted by the op's model (each tensor
//   once) outputs    where its results lie, in logical order whatever the layout cpu::run   the
//   fast path; `part` says which share of the outputs this call makes, so two workers can split
//              an op. Same bytes for every split: the reduction order of one output never depends
//              on it.
//   reference::run   the same in plain loops with double accumulation, from the same inputs, in
//   logical order
// Thread rule: all of them are pure but for the outputs of cpu::run; distinct parts may run at
// once. Pointers may be null and nothing is touched when there are no tokens (M = 0).
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kernels {

struct Bf16 {
  uint16_t bits;
};
struct E4m3 {  // OCP 8-bit float: no infinity, largest 448
  uint8_t bits;
};

enum class Format : uint8_t { bf16, f32, e4m3, i32, u8 };
int64_t size_of(Format);
std::string_view to_string(Format);

// error: empty when fine, else "op: what (shape)".
struct [[nodiscard]] Status {
  std::string error;
  bool ok() const { return error.empty(); }
};

// The share of a launch that one worker does: [begin, end) of n, cut at multiples of `grain`.
struct Part {
  int index = 0, count = 1;
  std::pair<int64_t, int64_t> of(int64_t n, int64_t grain = 1) const {
    const int64_t units = (n + grain - 1) / grain;
    return {std::min(n, units * index / count * grain),
            std::min(n, units * (index + 1) / count * grain)};
  }
};

struct Cost {
  int64_t bytes = 0, flops = 0;
};

// Where a result lies: rows at given byte offsets, each an inner grid of elements. Logical order is
// row by row.
struct Tensor {
  std::string_view name;
  Format format = Format::f32;
  uint8_t* data = nullptr;
  std::vector<int64_t> rows;            // byte offset of each row
  std::array<int64_t, 2> shape{1, 1};   // elements of a row
  std::array<int64_t, 2> stride{0, 0};  // bytes
  bool in_place = false;                // also an input: it may not be poisoned before the launch

  int64_t row_size() const { return shape[0] * shape[1]; }
  int64_t count() const { return static_cast<int64_t>(rows.size()) * row_size(); }
  const uint8_t* at(int64_t i) const {
    const int64_t r = i / row_size(), inner = i % row_size();
    return data + rows[static_cast<size_t>(r)] + inner / shape[1] * stride[0] +
           inner % shape[1] * stride[1];
  }
  uint8_t* at(int64_t i) { return const_cast<uint8_t*>(std::as_const(*this).at(i)); }
};

// rows x columns, `row_stride` elements apart.
Tensor matrix(std::string_view name, Format, const void* data, int64_t rows, int64_t columns,
              int64_t row_stride);
// (a, b, columns) with element strides of a and b.
Tensor cube(std::string_view name, Format, const void* data, int64_t a, int64_t b, int64_t columns,
            int64_t stride_a, int64_t stride_b);

double value_at(const Tensor&, int64_t i);                  // as a double, NaN included
void read_bytes(const Tensor&, std::vector<uint8_t>& out);  // logical order, appended
void write_bytes(Tensor&, const std::vector<uint8_t>&);     // as read_bytes gave them
void poison(Tensor&);  // NaN, or an absurd integer; skips in_place

// One output of a reference: the exact values before rounding to the output's format, and how far
// off the fast path may be besides that rounding.
struct Expected {
  std::vector<double> value, slack;
  std::vector<double> narrow;  // beside that, where a matrix instruction sums in fewer bits than fp32; or empty
  void add(double v, double s) {
    value.push_back(v);
    slack.push_back(s);
  }
};

// How an output compares with its reference: worst error as a share of what is allowed (above 1:
// wrong), with the place. NaN and infinity must stand at the same places.
struct Judgement {
  double worst = 0, max_abs = 0;
  // For the bounded class: squared errors beside those that rounding to the format alone makes,
  // over the elements that the reference knows to half a step (all, where the output is fp32). A
  // probability on the edge between two codes leaves the others open.
  double sum_squares = 0, rounding_squares = 0, rounding_fourth = 0;
  int64_t count = 0, first_wrong = -1;
  std::string text;  // "out[17]: 0.25, expected 0.5 +- 0.001"; empty when right
  bool ok() const { return first_wrong < 0; }
};
// narrow_sums: what was run may be off by Expected::narrow (kernels::gpu::sums_narrowly()).
Judgement judge(const Tensor& got, const Expected& want, bool narrow_sums = false);

// Half a step between neighbouring values of the format at v: what rounding to nearest may lose.
double half_step(Format, double v);

// Collects the first broken rule of an op's arguments.
class Check {
 public:
  explicit Check(std::string_view op) : m_op(op) {}
  Check& shape(std::initializer_list<std::pair<std::string_view, int64_t>> numbers);
  Check& need(bool holds, std::string_view text);
  Status status() const { return {m_error}; }

 private:
  std::string m_op, m_shape, m_error;
};

#define DS_OP(Args)                         \
  Status check(const Args&);                \
  Cost cost(const Args&);                   \
  std::vector<Tensor> outputs(const Args&); \
  namespace cpu {                           \
  void run(const Args&, Part);              \
  }                                         \
  namespace reference {                     \
  std::vector<Expected> run(const Args&);   \
  }

}  // namespace kernels
