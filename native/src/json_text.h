// Writes JSON text. Probes answer as text: one string crosses to JavaScript, where it is checked like any other foreign answer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace edgewright {

class JsonText {
 public:
  JsonText& beginObject() { return open('{'); }
  JsonText& endObject() { return close('}'); }
  JsonText& beginArray() { return open('['); }
  JsonText& endArray() { return close(']'); }

  JsonText& key(const char* name) {
    comma();
    quote(name);
    out_ += ':';
    first_ = true;
    return *this;
  }

  JsonText& value(const std::string& text) {
    comma();
    quote(text);
    return *this;
  }
  JsonText& value(const char* text) { return value(std::string(text)); }
  JsonText& value(bool flag) {
    comma();
    out_ += flag ? "true" : "false";
    return *this;
  }
  JsonText& value(uint64_t number) {
    comma();
    out_ += std::to_string(number);
    return *this;
  }
  JsonText& value(uint32_t number) { return value(static_cast<uint64_t>(number)); }
  JsonText& value(int number) {
    comma();
    out_ += std::to_string(number);
    return *this;
  }

  template <typename T>
  JsonText& member(const char* name, const T& v) {
    return key(name).value(v);
  }

  const std::string& text() const { return out_; }

 private:
  JsonText& open(char c) {
    comma();
    out_ += c;
    first_ = true;
    return *this;
  }
  JsonText& close(char c) {
    out_ += c;
    first_ = false;
    return *this;
  }
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void quote(const std::string& text) {
    out_ += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (byte < 0x20) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
        out_ += escaped;
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string out_;
  bool first_ = true;
};

}  // namespace edgewright
