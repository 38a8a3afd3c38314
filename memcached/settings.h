/** What a server decides for all of its connections. */
#pragma once

#include <string_view>

#include "memcached/limits.h"

namespace memcached {

/** Whether user and password belong together. Without `accepts` nobody has to say who he is. */
struct Credentials {
  bool (*accepts)(void* context, std::string_view user, std::string_view password) = nullptr;
  void* context = nullptr;

  bool required() const { return accepts != nullptr; }
};

struct Settings {
  /** Clients look at it to know what they may use. */
  std::string_view version = "1.6.18";
  /** By itemBytes(): so a value may have somewhat less. */
  size_t itemBytesMax = ITEM_BYTES_MAX;
  /** Meta flag E, the cas that an item gets: memcached has it after 1.6.18, which calls it an invalid flag. */
  bool explicitCas = false;
  Credentials credentials;
};

}  // namespace memcached
