// The N-API face of machine/codec.h. Columns are bound once and used by many calls:
// src/store/open-machine.ts binds them again when any of them changed, and keeps what is bound from
// being collected. They come as arguments, because looking up an object's properties by their names
// would cost more than the operations of a record.
#include "machine/codec.h"
#include "machine/operations.h"
#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"

namespace {

using binding::u32;
using binding::u64;
using endpoint::Failure;

constexpr uint32_t OUT_WORDS = 6;

struct CodecShell {
  uint32_t functions = 0;
  uint8_t* slab = nullptr;
  uint64_t slabBytes = 0;
  uint32_t rows = 0;
  uint32_t* out = nullptr;
  uint32_t* recordRows = nullptr;
  machine::Decoder decoder;
  machine::OperationColumns operations;
  machine::ResultColumns results;
  Napi::ObjectReference kept;  // slab, out, recordRows

  bool isOpen() const { return true; }
  bool inSlab(double offset, double bytes) const {
    return offset + bytes <= static_cast<double>(slabBytes);
  }
};

/** Reads columns given as arguments; the first wrong one is remembered by its name. */
template <size_t COUNT>
class Columns {
 public:
  Columns(napi_env env, napi_callback_info info, const char* const (&names)[COUNT])
      : env_(env), names_(names) {
    size_t count = COUNT;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values_, nullptr, &data);
    shell_ = static_cast<CodecShell*>(data);
  }

  CodecShell& shell() const { return *shell_; }

  /** False, with an exception pending, when a column was wrong. */
  bool good() {
    if (wrong_ == nullptr) return true;
    Failure failure;
    endpoint::fail(failure, "BAD_ARGUMENT",
                   std::string("columns: ") + wrong_ + " is wrong or too short");
    binding::throwFailure(Napi::Env(env_), failure);
    return false;
  }

  template <typename Element>
  Element* array(uint32_t index, napi_typedarray_type type, uint64_t& length) {
    napi_typedarray_type found;
    size_t elements = 0;
    void* data = nullptr;
    length = 0;
    if (napi_get_typedarray_info(env_, values_[index], &found, &elements, &data, nullptr,
                                 nullptr) != napi_ok ||
        found != type) {
      wrong(index);
      return nullptr;
    }
    length = elements;
    return static_cast<Element*>(data);
  }

  /** An array with one element for each of `count` operations, or one number for all. */
  template <typename Element>
  Element* arrayOrNumber(uint32_t index, napi_typedarray_type type, uint32_t count,
                         uint32_t& all) {
    double number = 0;
    if (napi_get_value_double(env_, values_[index], &number) != napi_ok) {
      return arrayFor<Element>(index, type, count);
    }
    if (number >= 0 && number <= UINT32_MAX) {
      all = static_cast<uint32_t>(number);
    } else {
      wrong(index);
    }
    return nullptr;
  }

  template <typename Element>
  Element* arrayFor(uint32_t index, napi_typedarray_type type, uint64_t count) {
    uint64_t length = 0;
    Element* const data = array<Element>(index, type, length);
    if (length < count) wrong(index);
    return data;
  }

  bool isMissing(uint32_t index) const {
    napi_valuetype type = napi_undefined;
    return napi_typeof(env_, values_[index], &type) == napi_ok &&
           (type == napi_null || type == napi_undefined);
  }

  uint32_t count(uint32_t index) {
    double number = -1;
    napi_get_value_double(env_, values_[index], &number);
    if (number >= 0 && number <= INT32_MAX) return static_cast<uint32_t>(number);
    wrong(index);
    return 0;
  }

 private:
  void wrong(uint32_t index) {
    if (wrong_ == nullptr) wrong_ = names_[index];
  }

  napi_env env_;
  const char* const (&names_)[COUNT];
  napi_value values_[COUNT];
  CodecShell* shell_ = nullptr;
  const char* wrong_ = nullptr;
};

/** bindOperations(count, kinds, keys, keyBytes, values, valueBytes, versions, prefixes) */
napi_value bindOperations(napi_env env, napi_callback_info info) {
  static constexpr const char* NAMES[] = {"count",  "kinds",      "keys",     "keyBytes",
                                          "values", "valueBytes", "versions", "prefixes"};
  Columns columns(env, info, NAMES);
  machine::OperationColumns bound;
  uint32_t kind = 0;
  bound.count = columns.count(0);
  bound.kinds = columns.arrayOrNumber<uint8_t>(1, napi_uint8_array, bound.count, kind);
  bound.kindOfAll = kind > UINT8_MAX ? 0 : static_cast<uint8_t>(kind);
  bound.keys = columns.array<uint8_t>(2, napi_uint8_array, bound.keysBytes);
  bound.keyBytes = columns.arrayOrNumber<uint8_t>(3, napi_uint8_array, bound.count,
                                                  bound.keyBytesOfAll);
  bound.values = columns.array<uint8_t>(4, napi_uint8_array, bound.valuesBytes);
  bound.valueBytes = columns.arrayOrNumber<uint32_t>(5, napi_uint32_array, bound.count,
                                                     bound.valueBytesOfAll);
  if (!columns.isMissing(6)) {
    bound.versions = columns.arrayFor<double>(6, napi_float64_array, bound.count);
  }
  if (!columns.isMissing(7)) {
    bound.prefixes = columns.arrayFor<uint8_t>(7, napi_uint8_array,
                                               uint64_t{bound.count} * machine::PREFIX_BYTES_MAX);
  }
  if (columns.good()) columns.shell().operations = bound;
  return nullptr;
}

/** bindResults(statuses, versions, valueOffsets, valueBytes, values, valueEnd) */
napi_value bindResults(napi_env env, napi_callback_info info) {
  static constexpr const char* NAMES[] = {"statuses",   "versions", "valueOffsets",
                                          "valueBytes", "values",   "valueEnd"};
  Columns columns(env, info, NAMES);
  machine::ResultColumns bound;
  bound.statuses = columns.array<uint8_t>(0, napi_uint8_array, bound.rows);
  bound.versions = columns.arrayFor<double>(1, napi_float64_array, bound.rows);
  bound.valueOffsets = columns.arrayFor<uint32_t>(2, napi_uint32_array, bound.rows);
  bound.valueBytes = columns.arrayFor<uint32_t>(3, napi_uint32_array, bound.rows);
  bound.values = columns.array<uint8_t>(4, napi_uint8_array, bound.valuesBytes);
  bound.valueEnd = columns.arrayFor<uint32_t>(5, napi_uint32_array, 1);
  if (columns.good()) columns.shell().results = bound;
  return nullptr;
}

int32_t encodedOf(CodecShell& shell, machine::Encoded encoded, const machine::Encoding& encoding) {
  if (encoded != machine::Encoded::ok) return -1;
  shell.out[0] = encoding.bytes;
  shell.out[1] = encoding.operations;
  shell.out[2] = encoding.writes;
  shell.out[3] = static_cast<uint32_t>(encoding.keyCursor);
  shell.out[4] = static_cast<uint32_t>(encoding.valueCursor);
  return static_cast<int32_t>(encoding.operations);
}

/** encode(from, keyCursor, valueCursor, offset, bytes) */
int32_t encode(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[3], numbers[4])) return -1;
  machine::Encoding encoding{0, 0, 0, u64(numbers[1]), u64(numbers[2])};
  const auto encoded = machine::encode(shell.operations, u32(numbers[0]), encoding,
                                       shell.slab + u64(numbers[3]), u32(numbers[4]));
  return encodedOf(shell, encoded, encoding);
}

/** encodeFragment(index, keyCursor, valueCursor, done, offset, bytes) */
int32_t encodeFragment(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[4], numbers[5])) return -1;
  machine::Encoding encoding{0, 0, 0, u64(numbers[1]), u64(numbers[2])};
  uint32_t done = u32(numbers[3]);
  uint32_t total = 0;
  const auto encoded =
      machine::encodeFragment(shell.operations, u32(numbers[0]), done, total, encoding,
                              shell.slab + u64(numbers[4]), u32(numbers[5]));
  shell.out[5] = total;
  return encodedOf(shell, encoded, encoding) < 0 ? -1 : static_cast<int32_t>(done);
}

/** records(offset, bytes) */
int32_t records(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[0], numbers[1])) return -1;
  return machine::listRecords(shell.slab, u32(numbers[0]), u32(numbers[1]), shell.recordRows,
                              shell.rows);
}

/** decode(offset, from) */
int32_t decode(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[0], 0)) return machine::DECODE_MALFORMED;
  const uint64_t offset = u64(numbers[0]);
  return shell.decoder.decode(shell.slab + offset, shell.slabBytes - offset, shell.results,
                              u64(numbers[1]));
}

/** openCodec(slab, rows): an object of functions, with `out` and `recordRows`. */
Napi::Value openCodec(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double rows = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  if (!info[0].IsArrayBuffer() || rows < 1 || rows > 1u << 20) {
    Failure failure;
    endpoint::fail(failure, "BAD_ARGUMENT",
                   "openCodec takes the slab's ArrayBuffer and rows from 1 to 2^20");
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  auto* const shell = new CodecShell;
  shell->slab = static_cast<uint8_t*>(info[0].As<Napi::ArrayBuffer>().Data());
  shell->slabBytes = info[0].As<Napi::ArrayBuffer>().ByteLength();
  shell->rows = static_cast<uint32_t>(rows);
  Napi::Uint32Array out = Napi::Uint32Array::New(env, OUT_WORDS);
  Napi::Uint32Array recordRows =
      Napi::Uint32Array::New(env, size_t{shell->rows} * machine::RECORD_ROW_WORDS);
  shell->out = out.Data();
  shell->recordRows = recordRows.Data();
  Napi::Object kept = Napi::Object::New(env);
  kept.Set("slab", info[0]);
  kept.Set("out", out);
  kept.Set("recordRows", recordRows);
  shell->kept = Napi::Persistent(kept);
  Napi::Object object = Napi::Object::New(env);
  object.Set("out", out);
  object.Set("recordRows", recordRows);
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"bindOperations", bindOperations},
      {"bindResults", bindResults},
      {"encode", binding::call<CodecShell, 5, encode>},
      {"encodeFragment", binding::call<CodecShell, 6, encodeFragment>},
      {"records", binding::call<CodecShell, 2, records>},
      {"decode", binding::call<CodecShell, 2, decode>},
  };
  for (const auto& each : functions)
    binding::addFunction(env, object, each.name, each.callback, shell);
  return object;
}

}  // namespace

void initCodec(Napi::Env env, Napi::Object exports) {
  exports.Set("openCodec", Napi::Function::New<openCodec>(env, "openCodec"));
}
