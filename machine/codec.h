/**
 * The client's side of the wire: operations from columns into record bodies, answers from reply
 * records into columns. No state but the values that are on their way in parts.
 *
 * Columns are the user's: what contradicts itself is refused. Replies come from the network: every
 * byte is checked before anything is changed.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "machine/wire.h"

namespace machine {

/** Columns of many operations. A null column means that all operations have the one value beside
 * it. */
struct OperationColumns {
  uint32_t count = 0;
  const uint8_t* kinds = nullptr;
  uint8_t kindOfAll = 0;
  const uint8_t* keys = nullptr;
  uint64_t keysBytes = 0;
  const uint8_t* keyBytes = nullptr;
  uint32_t keyBytesOfAll = 0;
  const uint8_t* values = nullptr;
  uint64_t valuesBytes = 0;
  const uint32_t* valueBytes = nullptr;
  uint32_t valueBytesOfAll = 0;
  const double* versions = nullptr;
  const uint8_t* prefixes = nullptr;  // PREFIX_BYTES_MAX each: wire::Item and what follows it, FLUSH

  uint8_t kind(uint32_t i) const { return kinds == nullptr ? kindOfAll : kinds[i]; }
  uint32_t keyBytesAt(uint32_t i) const {
    return keyBytes == nullptr ? keyBytesOfAll : keyBytes[i];
  }
  uint32_t valueBytesAt(uint32_t i) const {
    return valueBytes == nullptr ? valueBytesOfAll : valueBytes[i];
  }
};

/** Where an encoding is in its columns, and what it has written. */
struct Encoding {
  uint32_t bytes = 0;
  uint32_t operations = 0;
  uint32_t writes = 0;
  uint64_t keyCursor = 0;
  uint64_t valueCursor = 0;
};

enum class Encoded : uint8_t { ok, contradiction };

/** Writes operations [from, ...) as far as they fit `bytes`. `encoding` brings the cursors. */
Encoded encode(const OperationColumns& columns, uint32_t from, Encoding& encoding, uint8_t* out,
               uint32_t bytes);

/**
 * Writes the next FRAGMENT of operation `index` in its wide form, from byte `done` of that on.
 * `encoding` brings the operation's cursors; they move past it with the last fragment.
 * `encoding.operations` is 0 when nothing fits. Returns the new `done` in `done`, and the bytes of
 * the whole wide operation in `total`.
 */
Encoded encodeFragment(const OperationColumns& columns, uint32_t index, uint32_t& done,
                       uint32_t& total, Encoding& encoding, uint8_t* out, uint32_t bytes);

/** Columns for answers. All but `values` have `rows` elements. */
struct ResultColumns {
  uint64_t rows = 0;
  uint8_t* statuses = nullptr;
  double* versions = nullptr;
  uint32_t* valueOffsets = nullptr;
  uint32_t* valueBytes = nullptr;
  uint8_t* values = nullptr;
  uint64_t valuesBytes = 0;
  uint32_t* valueEnd = nullptr;  // one element
};

inline constexpr int32_t DECODE_NO_ROOM = -1;
inline constexpr int32_t DECODE_MALFORMED = -2;

/** Words of a row of recordRows: {offset, count, session (2), operation (2)}. */
inline constexpr uint32_t RECORD_ROW_WORDS = 6;

/**
 * Lists the reply records of the body slab[offset, offset + bytes). Returns how many, or -1 when
 * one is malformed or there are more than `rowsMax`.
 */
int32_t listRecords(const uint8_t* slab, uint32_t offset, uint32_t bytes, uint32_t* rows,
                    uint32_t rowsMax);

class Decoder {
 public:
  /**
   * Decodes the reply record in at[0, room) into results from row `from`. Returns operations
   * answered, or DECODE_NO_ROOM or DECODE_MALFORMED: then nothing was changed.
   */
  int32_t decode(const uint8_t* at, uint64_t room, const ResultColumns& results, uint64_t from);

 private:
  /** A value of which parts are still to come. */
  struct Partial {
    uint64_t session;
    uint64_t operation;
    uint32_t valueOffset;
    uint32_t total;
    uint32_t received;
  };
  static constexpr size_t PARTIALS_MAX = 1024;

  Partial* find(uint64_t session, uint64_t operation);
  bool continues(const uint8_t* at, const wire::ReplyRecord& head);
  void begin(const Partial& partial);
  void part(const uint8_t* at, const wire::ReplyRecord& head, const ResultColumns& results,
            uint64_t row);

  std::vector<Partial> partials_;
};

}  // namespace machine
