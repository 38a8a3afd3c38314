// Item operations at random, beside a model that is nothing but a map.
#include <map>
#include <optional>

#include "machine/test/items.h"
#include "test/native/check.h"

using namespace wire;
using rig::Items;
using rig::Prefix;
using rig::Random;
using rig::Seen;

namespace {

constexpr uint64_t START = 1'700'000'000;

struct Modelled {
  std::string value;
  uint32_t flags;
  uint64_t expiry;
  uint64_t cas;
  uint64_t version;
};

/** memcached without its meta commands, said as plainly as can be. */
class Model {
 public:
  uint64_t now = START;

  Modelled* find(const std::string& key) {
    const auto at = items_.find(key);
    if (at == items_.end()) return nullptr;
    const uint64_t expiry = at->second.expiry;
    if (expiry != 0 && expiry <= now) return nullptr;
    return &at->second;
  }
  uint64_t expiryOf(int32_t exptime) const {
    if (exptime < 0) return 1;
    return exptime == 0 ? 0 : now + static_cast<uint64_t>(exptime);
  }
  void put(const std::string& key, const Modelled& item) { items_[key] = item; }
  void remove(const std::string& key) { items_.erase(key); }
  void clear() { items_.clear(); }

 private:
  std::map<std::string, Modelled> items_;
};

class Comparison {
 public:
  explicit Comparison(uint64_t seed) : random_{seed * 7919} {}

  void step() {
    key_ = rig::keyOf(random_.below(30));
    old_ = model_.find(key_);
    exptime_ = random_.below(3) == 0 ? 0 : static_cast<int32_t>(random_.below(9)) - 1;
    switch (random_.below(9)) {
      case 0:
        return pass();
      case 1:
      case 2:
        return store();
      case 3:
        return extend();
      case 4:
      case 5:
        return arith();
      case 6:
        return touch();
      case 7:
        return drop();
      default:
        return get();
    }
  }

 private:
  void pass() {
    const uint64_t seconds = random_.below(3);
    items_.later(seconds);
    model_.now += seconds;
    if (random_.below(60) != 0) return;
    EQUAL(items_.run(items_.record().flush(0)).status, status::OK);
    model_.clear();
  }

  /** The cas that is there, or another. */
  uint64_t someCas() { return (old_ == nullptr ? 1 : old_->cas) + (random_.below(2) == 0 ? 0 : 9); }

  void store() {
    const auto mode = static_cast<uint32_t>(random_.below(3));
    const bool compares = random_.below(2) == 0;
    const uint32_t options = mode | (compares ? option::IF_CAS : 0);
    const uint64_t cas = someCas();
    const std::string value = random_.below(2) == 0 ? std::to_string(random_.below(200))
                                                    : std::string(random_.below(90), 'x');
    const auto flags = static_cast<uint32_t>(random_.below(1u << 30));
    const Prefix prefix{{flags, exptime_, options, 0}, {cas, 0}, {}};
    const Seen seen = items_.one({compares ? op::STORE_IF : op::STORE, prefix, key_, value});
    uint32_t expected = status::OK;
    if (mode == option::ADD) {
      if (old_ != nullptr) expected = status::EXISTS;
    } else if (old_ == nullptr) {
      if (compares || mode == option::REPLACE) expected = status::NOT_FOUND;
    } else if (compares && cas != old_->cas) {
      expected = status::VERSION_MISMATCH;
    }
    EQUAL(seen.status, expected);
    if (expected != status::OK) return;
    model_.put(key_, {value, flags, model_.expiryOf(exptime_), seen.version, seen.version});
  }

  void extend() {
    const bool appends = random_.below(2) == 0;
    const std::string value(random_.below(9), 'e');
    const Prefix prefix{{0, 5, appends ? option::APPEND : option::PREPEND, 0}, {}, {}};
    const Seen seen = items_.one({op::STORE, prefix, key_, value});
    EQUAL(seen.status, old_ == nullptr ? status::NOT_FOUND : status::OK);
    if (old_ == nullptr) return;
    old_->value = appends ? old_->value + value : value + old_->value;
    old_->cas = old_->version = seen.version;
  }

  static std::optional<uint64_t> numberOf(const std::string& text) {
    if (text.empty() || text[0] < '0' || text[0] > '9') return {};
    size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end > 15 || (end < text.size() && text[end] != ' ')) return {};
    return std::stoull(text.substr(0, end));
  }

  void arith() {
    const bool vivifies = random_.below(2) == 0;
    const bool increments = random_.below(2) == 0;
    const uint64_t delta = random_.below(300);
    const uint32_t options = (vivifies ? option::VIVIFY : 0) |
                             (increments ? option::INCREMENT : option::DECREMENT);
    const Seen seen = items_.one({op::ARITH, {{4, 0, options, exptime_}, {}, {delta, 50}}, key_, ""});
    if (old_ == nullptr) {
      EQUAL(seen.status, vivifies ? status::OK : status::NOT_FOUND);
      if (!vivifies) return;
      EQUAL(seen.number(), 50u);
      model_.put(key_, {"50", 4, model_.expiryOf(exptime_), seen.version, seen.version});
      return;
    }
    const std::optional<uint64_t> number = numberOf(old_->value);
    EQUAL(seen.status, number ? status::OK : status::NOT_NUMBER);
    if (!number) return;
    const uint64_t result = increments ? *number + delta : *number < delta ? 0 : *number - delta;
    EQUAL(seen.number(), result);
    std::string text = std::to_string(result);
    if (text.size() < old_->value.size()) text.resize(old_->value.size(), ' ');
    old_->value = text;
    old_->cas = old_->version = seen.version;
  }

  void touch() {
    const bool valued = random_.below(2) == 0;
    const Seen seen = items_.fetch(key_, option::TTL | (valued ? option::VALUE : 0), exptime_);
    EQUAL(seen.status, old_ == nullptr ? status::NOT_FOUND : status::OK);
    if (old_ == nullptr) return;
    EQUAL(seen.value, valued ? old_->value : std::string());
    old_->expiry = model_.expiryOf(exptime_);
    EQUAL(seen.head.cas, old_->cas);
  }

  void drop() {
    const bool compares = random_.below(2) == 0;
    const uint64_t cas = someCas();
    const Prefix prefix{{0, 0, compares ? option::IF_CAS : 0, 0}, {cas, 0}, {}};
    const uint32_t status = items_.one({op::DROP, prefix, key_, ""}).status;
    const bool differs = old_ != nullptr && compares && cas != old_->cas;
    EQUAL(status, old_ == nullptr ? status::NOT_FOUND : differs ? status::VERSION_MISMATCH : status::OK);
    if (status == status::OK) model_.remove(key_);
  }

  void get() {
    const Seen seen = items_.get(key_);
    EQUAL(seen.status, old_ == nullptr ? status::NOT_FOUND : status::OK);
    if (old_ == nullptr) return;
    EQUAL(seen.value, old_->value);
    EQUAL(seen.version, old_->version);
    EQUAL(seen.head.cas, old_->cas);
    EQUAL(seen.head.flags, old_->flags);
    EQUAL(seen.head.expiry, old_->expiry);
    EQUAL(seen.head.now, model_.now);
  }

  Items items_{START};
  Model model_;
  Random random_;
  std::string key_;
  Modelled* old_ = nullptr;
  int32_t exptime_ = 0;
};

}  // namespace

TEST("items: at random they do what a map would") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Comparison comparison(seed);
    for (int i = 0; i < 6'000; ++i) comparison.step();
  }
}
