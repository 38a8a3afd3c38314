/** What memcached and Redis are told, and what they answer: text protocols in which requests may be pipelined. */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

enum class Answer : uint8_t { incomplete, ok, bad };

/** The answer at the head of what was received, and its bytes. */
struct Taken {
  Answer answer;
  size_t bytes;
};

class Dialect {
 public:
  explicit Dialect(uint32_t valueBytes) : value_(valueBytes, '.') {}
  virtual ~Dialect() = default;

  virtual void set(std::string& out, uint32_t id) = 0;
  virtual void get(std::string& out, uint32_t id) = 0;
  /** Asks that `replicas` have what was set before. */
  virtual void wait(std::string& out, uint32_t replicas) = 0;
  virtual Taken takeSet(std::string_view in) const = 0;
  /** A miss is bad: all keys were written before. */
  virtual Taken takeGet(std::string_view in) const = 0;
  virtual Taken takeWait(std::string_view in, uint32_t replicas) const = 0;

 protected:
  Taken takeValue(std::string_view in, std::string_view head) const;

  std::string value_;
};

class Memcached final : public Dialect {
 public:
  explicit Memcached(uint32_t valueBytes);
  void set(std::string& out, uint32_t id) override;
  void get(std::string& out, uint32_t id) override;
  void wait(std::string& out, uint32_t replicas) override;
  Taken takeSet(std::string_view in) const override;
  Taken takeGet(std::string_view in) const override;
  Taken takeWait(std::string_view in, uint32_t replicas) const override;

 private:
  std::string valueHead_;
};

class Redis final : public Dialect {
 public:
  explicit Redis(uint32_t valueBytes);
  void set(std::string& out, uint32_t id) override;
  void get(std::string& out, uint32_t id) override;
  void wait(std::string& out, uint32_t replicas) override;
  Taken takeSet(std::string_view in) const override;
  Taken takeGet(std::string_view in) const override;
  Taken takeWait(std::string_view in, uint32_t replicas) const override;

 private:
  std::string valueHead_;  // the line before a value
};

}  // namespace bench
