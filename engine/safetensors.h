// Safetensors files, mapped: a single file, or a folder with an index over shards. A shard is
// mapped when the first of its tensors is asked for, so a partly downloaded checkpoint serves what
// it has. Format: 8 bytes of header length (little endian), a JSON header {name: {dtype, shape,
// data_offsets}}, then the values, row-major, unaligned. Index: {"weight_map": {name: file}}.
// Source: the safetensors format description; Hugging Face's model.safetensors.index.json.
// Thread rule: find() from one thread at a time; what it gave stays valid and may be read by any.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trace/result.h"

namespace engine {

struct StoredTensor {
  std::string dtype;  // as the file spells it: BF16, F32, F8_E4M3, U8 ...
  std::vector<int64_t> shape;
  const uint8_t* data = nullptr;
  int64_t bytes = 0;
  std::string text() const;  // "BF16 [4096, 1024]"
};

class TensorFiles {
 public:
  // A .safetensors file, an .index.json, or a folder with model.safetensors.index.json or one
  // .safetensors file. error: none of these, or an index that can't be read.
  static trace::Result<std::unique_ptr<TensorFiles>> open(const std::string& path);
  // Whether `folder` looks like a checkpoint, without opening it.
  static bool at(const std::string& folder);
  ~TensorFiles();

  // By the index alone.
  bool holds(const std::string& name) const { return m_index.count(name) > 0; }
  // error: "tensor NAME: ...": missing, its file absent or no safetensors file, cut off, sizes that
  // contradict each other. where = the file.
  trace::Result<const StoredTensor*> find(const std::string& name);
  const std::string& path() const { return m_path; }

 private:
  struct Shard;
  explicit TensorFiles(std::string path);
  trace::Status read_index(const std::string& file);
  trace::Result<const Shard*> shard(const std::string& file);

  std::string m_path, m_folder;
  std::map<std::string, std::string> m_index;  // tensor -> file in m_folder
  std::map<std::string, std::unique_ptr<Shard>> m_shards;
};

}  // namespace engine
