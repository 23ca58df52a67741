// Members of a JSON object that another process has sent: what is missing, or is
// of another type, reads as nothing.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace mailorigin::reports {

// Null if there is none.
const nlohmann::json& member(const nlohmann::json& object, const char* name);
std::string text_at(const nlohmann::json& object, const char* name);
std::uint64_t number_at(const nlohmann::json& object, const char* name);
bool flag_at(const nlohmann::json& object, const char* name);
// Empty where there is no array.
const nlohmann::json& array_at(const nlohmann::json& object, const char* name);

}  // namespace mailorigin::reports
