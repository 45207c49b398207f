#include "engine/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace engine {

using nlohmann::json;
using trace::Error;
using trace::Result;
using trace::Status;
namespace fs = std::filesystem;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr int64_t kLargestHeader = 100'000'000;  // the format's own limit

// Bytes of one value; 0 where this program does not know the dtype.
int64_t dtype_bytes(const std::string& dtype) {
  static const std::map<std::string, int64_t> sizes = {
      {"F64", 8},     {"I64", 8},  {"U64", 8}, {"F32", 4}, {"I32", 4},     {"U32", 4},
      {"F16", 2},     {"BF16", 2}, {"I16", 2}, {"U16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"F8_E8M0", 1}, {"U8", 1},   {"I8", 1},  {"BOOL", 1}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

class Mapping {
 public:
  explicit Mapping(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat st {};
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
      void* at = mmap(nullptr, static_cast<size_t>(st.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (at != MAP_FAILED) m_data = static_cast<const uint8_t*>(at), m_size = st.st_size;
    }
    ::close(fd);
  }
  ~Mapping() {
    if (m_data) munmap(const_cast<uint8_t*>(m_data), static_cast<size_t>(m_size));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  const uint8_t* data() const { return m_data; }
  int64_t size() const { return m_size; }

 private:
  const uint8_t* m_data = nullptr;
  int64_t m_size = 0;
};

bool whole_numbers(const json& list) {
  if (!list.is_array()) return false;
  for (const json& n : list)
    if (!n.is_number_unsigned() || n.get<uint64_t>() > (uint64_t{1} << 62)) return false;
  return true;
}

}  // namespace

struct TensorFiles::Shard {
  explicit Shard(const std::string& file) : mapping(file) {}
  Mapping mapping;
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> broken;  // tensor -> what is wrong with it

  // error: empty when the header holds together.
  std::string read_header();
  void add(const std::string& name, const json& entry, int64_t first);
};

std::string TensorFiles::Shard::read_header() {
  if (!mapping.data()) return "the file is missing, empty or cannot be read";
  uint64_t length = 0;
  if (mapping.size() < 8) return "the file ends before its header";
  std::memcpy(&length, mapping.data(), 8);
  if (length > kLargestHeader) return "no safetensors file: its header would be too long";
  const auto header = static_cast<int64_t>(length);
  if (header > mapping.size() - 8) return "the file ends within its header";
  const char* text = reinterpret_cast<const char*>(mapping.data() + 8);
  const json root = json::parse(text, text + header, nullptr, false);
  if (!root.is_object()) return "no safetensors file: its header is not a JSON object";
  for (const auto& [name, entry] : root.items()) {
    if (name != "__metadata__") add(name, entry, 8 + header);
  }
  return {};
}

void TensorFiles::Shard::add(const std::string& name, const json& entry, int64_t first) {
  const auto member = [&](const char* key) {
    const auto found = entry.is_object() ? entry.find(key) : entry.end();
    return entry.is_object() && found != entry.end() ? *found : json();
  };
  const json dtype = member("dtype"), shape = member("shape"), offsets = member("data_offsets");
  if (!dtype.is_string() || !whole_numbers(shape) || !whole_numbers(offsets) ||
      offsets.size() != 2) {
    broken[name] = "its entry has no dtype, shape and data_offsets";
    return;
  }
  StoredTensor t;
  t.dtype = dtype.get<std::string>();
  const auto begin = offsets[0].get<int64_t>(), end = offsets[1].get<int64_t>();
  int64_t values = 1, wanted = 0;
  bool overflow = false;
  for (const json& n : shape) {
    t.shape.push_back(n.get<int64_t>());
    overflow |= __builtin_mul_overflow(values, t.shape.back(), &values);
  }
  const int64_t size = dtype_bytes(t.dtype);
  overflow |= __builtin_mul_overflow(values, size, &wanted);
  t.bytes = end - begin;
  if (end < begin || overflow || (size > 0 && wanted != t.bytes)) {
    broken[name] =
        t.text() + " does not take the " + std::to_string(t.bytes) + " bytes of its place";
  } else if (end > mapping.size() - first) {
    broken[name] = t.text() + " is cut off: the file has " + std::to_string(mapping.size()) +
                   " bytes, its values end at byte " + std::to_string(first + end);
  } else {
    t.data = mapping.data() + first + begin;
    tensors.emplace(name, std::move(t));
  }
}

std::string StoredTensor::text() const {
  std::string out = dtype + " [";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

TensorFiles::TensorFiles(std::string path) : m_path(std::move(path)) {}
TensorFiles::~TensorFiles() = default;

bool TensorFiles::at(const std::string& folder) {
  std::error_code error;
  if (fs::exists(fs::path(folder) / kIndex, error)) return true;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") return true;
  }
  return false;
}

Status TensorFiles::read_index(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{"the index cannot be read", file};
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const json root = json::parse(text, nullptr, false);
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (!root.is_object() || map == root.end() || !map->is_object())
    return Error{"no index of safetensors files: it has no weight_map", file};
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string() || shard.get<std::string>().find('/') != std::string::npos)
      return Error{"tensor " + name + ": the index names no file beside itself", file};
    m_index[name] = shard.get<std::string>();
  }
  return trace::Ok{};
}

Result<std::unique_ptr<TensorFiles>> TensorFiles::open(const std::string& path) {
  std::unique_ptr<TensorFiles> files(new TensorFiles(path));
  std::error_code error;
  fs::path file = path;
  if (fs::is_directory(file, error)) {
    file = fs::path(path) / kIndex;
    if (!fs::exists(file, error)) {
      std::vector<fs::path> found;
      for (const auto& entry : fs::directory_iterator(path, error)) {
        if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
      }
      if (found.size() != 1)
        return Error{found.empty() ? "the folder holds no safetensors files"
                                   : "several safetensors files and no " + std::string(kIndex),
                     path};
      file = found.front();
    }
  } else if (!fs::exists(file, error)) {
    return Error{"no such file or folder", path};
  }
  files->m_folder = file.parent_path().string();
  if (file.extension() == ".json") {
    if (const Status status = files->read_index(file.string()); !status) return status.error();
    return files;
  }
  const auto shard = files->shard(file.filename().string());
  if (!shard) return shard.error();
  for (const auto& [name, tensor] : (*shard)->tensors) files->m_index[name] = file.filename();
  for (const auto& [name, why] : (*shard)->broken) files->m_index[name] = file.filename();
  return files;
}

Result<const TensorFiles::Shard*> TensorFiles::shard(const std::string& file) {
  std::unique_ptr<Shard>& shard = m_shards[file];
  if (!shard) {
    const std::string path = (fs::path(m_folder) / file).string();
    auto opened = std::make_unique<Shard>(path);
    if (const std::string why = opened->read_header(); !why.empty()) return Error{why, path};
    shard = std::move(opened);
  }
  return shard.get();
}

Result<const StoredTensor*> TensorFiles::find(const std::string& name) {
  const auto at = m_index.find(name);
  if (at == m_index.end()) return Error{"tensor " + name + ": missing", m_path};
  const std::string path = (fs::path(m_folder) / at->second).string();
  const auto shard = this->shard(at->second);
  if (!shard) return Error{"tensor " + name + ": " + shard.error().what, path};
  if (const auto broken = (*shard)->broken.find(name); broken != (*shard)->broken.end())
    return Error{"tensor " + name + ": " + broken->second, path};
  const auto found = (*shard)->tensors.find(name);
  if (found == (*shard)->tensors.end())
    return Error{"tensor " + name + ": missing in the file that the index names", path};
  return &found->second;
}

}  // namespace engine
