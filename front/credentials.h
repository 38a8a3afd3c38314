/** Who may use the front: lines of user and password with a colon between, as memcached's authentication file. */
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memcached/settings.h"

namespace front {

class Credentials {
 public:
  explicit Credentials(std::string_view lines) {
    while (!lines.empty()) {
      const size_t end = lines.find('\n');
      std::string_view line = lines.substr(0, end);
      lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      const size_t colon = line.find(':');
      if (colon != line.npos) pairs_.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
  }

  bool empty() const { return pairs_.empty(); }
  memcached::Credentials forProtocol() {
    if (empty()) return {};
    return {accepts, this};
  }

 private:
  /** Takes as long whatever is wrong, so that time tells nothing of a password. */
  static bool same(std::string_view left, std::string_view right) {
    uint32_t differs = left.size() == right.size() ? 0 : 1;
    for (size_t i = 0; i < left.size(); ++i) {
      const char other = right.empty() ? 0 : right[i % right.size()];
      differs |= static_cast<uint8_t>(left[i] ^ other);
    }
    return differs == 0;
  }
  static bool accepts(void* context, std::string_view user, std::string_view password) {
    bool found = false;
    for (const auto& [name, word] : static_cast<const Credentials*>(context)->pairs_) {
      const bool fits = same(user, name) & same(password, word);
      found = found || fits;
    }
    return found;
  }

  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace front
