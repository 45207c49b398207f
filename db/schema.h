// The schema of a store and of a bundle: one list of migrations, applied in order, each once. A database says with
// user_version how many it has had; a fresh one starts from none, so old and new ones end with the same text.
//
// Adding a version = a string at the end of the list. A string that has been released is never edited again.
#pragma once
#include <cstdint>
#include <span>

namespace db {

// "DScp": in the header of every store and bundle, so that `file` and we tell ours from others.
inline constexpr uint32_t kApplicationId = 0x44536370;

// SQL of each version, [0] = what leads from an empty file to version 1.
using Migrations = std::span<const char* const>;
Migrations migrations();

}  // namespace db
