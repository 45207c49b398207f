#include "kernels/op.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "kernels/formats.h"
#include "kernels/layout.h"

namespace kernels {

int64_t size_of(Format f) {
  switch (f) {
    case Format::bf16:
      return 2;
    case Format::f32:
    case Format::i32:
      return 4;
    case Format::e4m3:
    case Format::u8:
      return 1;
  }
  return 0;
}

std::string_view to_string(Format f) {
  switch (f) {
    case Format::bf16:
      return "bf16";
    case Format::f32:
      return "f32";
    case Format::e4m3:
      return "e4m3";
    case Format::i32:
      return "i32";
    case Format::u8:
      return "u8";
  }
  return "";
}

Tensor matrix(std::string_view name, Format format, const void* data, int64_t rows, int64_t columns,
              int64_t row_stride) {
  Tensor t;
  t.name = name, t.format = format;
  t.data = static_cast<uint8_t*>(const_cast<void*>(data));
  const int64_t size = size_of(format);
  for (int64_t r = 0; r < rows; ++r) t.rows.push_back(r * row_stride * size);
  t.shape = {1, columns};
  t.stride = {0, size};
  return t;
}

Tensor cube(std::string_view name, Format format, const void* data, int64_t a, int64_t b,
            int64_t columns, int64_t stride_a, int64_t stride_b) {
  Tensor t = matrix(name, format, data, a, columns, stride_a);
  t.shape = {b, columns};
  t.stride = {stride_b * size_of(format), size_of(format)};
  return t;
}

double value_at(const Tensor& t, int64_t i) {
  const uint8_t* p = t.at(i);
  switch (t.format) {
    case Format::bf16: {
      Bf16 v;
      std::memcpy(&v, p, sizeof v);
      return to_float(v);
    }
    case Format::f32: {
      float v;
      std::memcpy(&v, p, sizeof v);
      return v;
    }
    case Format::i32: {
      int32_t v;
      std::memcpy(&v, p, sizeof v);
      return v;
    }
    case Format::e4m3:
      return to_float(E4m3{*p});
    case Format::u8:
      return *p;
  }
  return 0;
}

void read_bytes(const Tensor& t, std::vector<uint8_t>& out) {
  const int64_t size = size_of(t.format);
  const bool whole_rows = t.stride[1] == size;  // the last dimension lies in one piece
  const int64_t piece = whole_rows ? t.shape[1] : 1;
  for (int64_t i = 0; i < t.count(); i += piece) {
    const uint8_t* p = t.at(i);
    out.insert(out.end(), p, p + piece * size);
  }
}

void write_bytes(Tensor& t, const std::vector<uint8_t>& bytes) {
  const auto size = static_cast<size_t>(size_of(t.format));
  for (int64_t i = 0; i < t.count(); ++i)
    std::memcpy(t.at(i), bytes.data() + static_cast<size_t>(i) * size, size);
}

void poison(Tensor& t) {
  if (t.in_place) return;
  // All ones is NaN in bf16, f32 and e4m3. As an integer it would be the legal "no slot".
  const uint8_t byte = t.format == Format::i32 ? 0x7f : 0xff;
  const auto size = static_cast<size_t>(size_of(t.format));
  for (int64_t i = 0; i < t.count(); ++i) std::memset(t.at(i), byte, size);
}

double half_step(Format format, double v) {
  const double a = std::fabs(v);
  const auto step = [a](int mantissa_bits, int lowest_exponent) {
    const int exponent = a > 0 ? std::max(std::ilogb(a), lowest_exponent) : lowest_exponent;
    return std::ldexp(0.5, exponent - mantissa_bits);
  };
  switch (format) {
    case Format::bf16:
      return step(7, -126);
    case Format::f32:
      return step(23, -126);
    case Format::e4m3:
      return step(3, -6);
    case Format::i32:
    case Format::u8:
      return 0;
  }
  return 0;
}

namespace {

std::string difference_text(const Tensor& t, int64_t i, double got, double want, double allowed) {
  char text[192];
  std::snprintf(text, sizeof text, "%.*s[%lld of %lld]: %.9g, expected %.9g +- %.3g",
                static_cast<int>(t.name.size()), t.name.data(), static_cast<long long>(i),
                static_cast<long long>(t.count()), got, want, allowed);
  return text;
}

}  // namespace

Judgement judge(const Tensor& t, const Expected& want, bool narrow_sums) {
  Judgement j;
  j.count = t.count();
  if (static_cast<int64_t>(want.value.size()) != j.count) {
    j.first_wrong = 0, j.worst = 1e9;
    j.text = std::string(t.name) + ": the reference has " + std::to_string(want.value.size()) +
             " values, the op " + std::to_string(j.count);
    return j;
  }
  const bool narrow = narrow_sums && !want.narrow.empty();
  for (int64_t i = 0; i < j.count; ++i) {
    const double got = value_at(t, i), expected = want.value[static_cast<size_t>(i)];
    double share = 0, allowed = 0;
    if (!std::isfinite(got) || !std::isfinite(expected)) {
      const bool same = std::isnan(expected) ? std::isnan(got) : got == expected;
      share = same ? 0 : 1e9;
    } else {
      const double error = std::fabs(got - expected), slack = want.slack[static_cast<size_t>(i)] + (narrow ? want.narrow[static_cast<size_t>(i)] : 0);
      allowed = slack + half_step(t.format, std::max(std::fabs(got), std::fabs(expected)));
      share = error == 0 ? 0 : allowed > 0 ? error / allowed : 1e9;
      j.max_abs = std::max(j.max_abs, error);
      const double half = half_step(t.format, expected);
      if (t.format == Format::f32 || slack <= half) {
        const double square = half * half / 3;
        j.sum_squares += error * error;
        j.rounding_squares += square, j.rounding_fourth += square * square;
      }
    }
    j.worst = std::max(j.worst, share);
    if (share > 1 && j.first_wrong < 0) {
      j.first_wrong = i;
      j.text = difference_text(t, i, got, expected, allowed);
    }
  }
  return j;
}

Check& Check::shape(std::initializer_list<std::pair<std::string_view, int64_t>> numbers) {
  for (const auto& [name, number] : numbers) {
    if (!m_shape.empty()) m_shape += ' ';
    m_shape.append(name).append("=").append(std::to_string(number));
  }
  return *this;
}

Check& Check::need(bool holds, std::string_view text) {
  if (!holds && m_error.empty())
    m_error.append(m_op).append(": ").append(text).append(" (").append(m_shape).append(")");
  return *this;
}

Status check(const IndexCache& c, IndexLayout expected, std::string_view op) {
  return Check(op)
      .shape({{"pages", c.pages}, {"page_size", c.page_size}})
      .need(c.data != nullptr && c.pages > 0, "no index cache")
      .need(c.page_size > 0, "page_size must be positive")
      .need(c.layout != IndexLayout::preshuffle || c.page_size % 16 == 0,
            "preshuffle needs page_size % 16 == 0")
      .need(c.layout == expected, c.layout == IndexLayout::row
                                      ? "preshuffled access to a row-major index cache"
                                      : "row-major access to a preshuffled index cache")
      .status();
}

Tensor values_of(std::string_view name, const QuantOut& q, int64_t rows, int64_t columns) {
  return matrix(name, Format::e4m3, q.values, rows, columns, columns);
}

Tensor scales_of(std::string_view name, const QuantOut& q, int64_t rows, int64_t columns) {
  const int64_t groups = columns / kGroup;
  Tensor t =
      matrix(name, Format::f32, q.scales, rows, groups, q.layout == ScaleLayout::row ? groups : 1);
  if (q.layout == ScaleLayout::column) t.stride[1] = rows * 4;
  return t;
}

}  // namespace kernels
